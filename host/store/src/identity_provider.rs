//! Identity providers, who somebody is to them, and sign-ins that are under way there.
//!
//! Invariant: the client's secret and the verifier of a sign-in are sealed; a sign-in is answered once; a person whom a
//! provider has made is only ever signed in by the same provider and subject, never by a name or address that looks alike.

use crate::{Cause, NewUser, Page, PageRequest, Store, StoreError, audit::Record, error::unless_taken, row, user::done_with_user};
use millrace_domain::{Action, Grant, Name};
use millrace_model::ids::TenantId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

/// Providers that a tenant, or the platform, can have.
const PROVIDERS_MAX: i64 = 20;

/// An identity provider with its secret.
#[derive(Clone)]
pub struct IdentityProvider {
    /// Id, `idp_…`.
    pub id: String,
    /// The tenant whose users it signs in; none for the platform's.
    pub tenant: Option<TenantId>,
    /// Name, unique in the tenant.
    pub name: Name,
    /// The client's secret in clear; empty for a public client.
    pub client_secret: String,
    /// Everything else, in the shape that the API defines.
    pub settings: Value,
    /// Counts changes.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// An identity provider to make or to replace.
pub struct NewIdentityProvider {
    /// Name.
    pub name: Name,
    /// The client's secret; none keeps the one that is there.
    pub client_secret: Option<String>,
    /// Everything else.
    pub settings: Value,
}

/// A sign-in that is at the identity provider.
#[derive(Clone)]
pub struct SignInFlow {
    /// Id of the provider.
    pub provider: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// Proves to the provider that the code is ours (PKCE).
    pub verifier: String,
    /// Where the browser goes in the end.
    pub return_to: String,
    /// Ends at, in milliseconds since the epoch.
    pub expires_at_ms: i64,
}

/// A person as a provider describes them, if they are to be made.
#[derive(Debug, Clone)]
pub struct ProvisionedUser {
    /// What to call them, best first; the first free one is taken.
    pub names: Vec<Name>,
    /// Name for people.
    pub display_name: String,
    /// Where to write to.
    pub email: String,
    /// Roles that the provider's claims give them.
    pub grants: Vec<Grant>,
}

/// Who a person is to an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// Id of the person.
    pub user: String,
    /// Their name.
    pub user_name: Name,
    /// What the provider calls them, with the time in milliseconds since the epoch when that was said first.
    pub subjects: Vec<(String, i64)>,
}

impl Store {
    /// Makes an identity provider, or replaces the one of the same name.
    ///
    /// # Errors
    /// There are too many, it was changed meanwhile, or the database fails.
    pub async fn put_identity_provider(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        new: &NewIdentityProvider,
        expected_revision: Option<i64>,
    ) -> Result<IdentityProvider, StoreError> {
        let before = self.identity_providers(tenant).await?.into_iter().find(|p| p.name == new.name);
        if let Some(expected) = expected_revision {
            let found = before.as_ref().map_or(0, |p| p.revision);
            if found != expected {
                return Err(StoreError::RevisionConflict { what: "identity provider", name: new.name.to_string(), expected, found });
            }
        }
        let (id, revision) = before.as_ref().map_or_else(|| (self.new_id("idp"), 0), |p| (p.id.clone(), p.revision));
        let secret = match &new.client_secret {
            Some(secret) => secret.clone(),
            None => before.as_ref().map(|p| p.client_secret.clone()).unwrap_or_default(),
        };
        let now_ms = self.now_ms();
        let mut tx = self.begin().await?;
        self.hold_key(&mut tx).await?;
        let sealed = self.key.seal(&place(&id), &secret)?;
        let changed = if revision == 0 {
            let there = sqlx::query("SELECT COUNT(*) AS there FROM identity_providers WHERE COALESCE(tenant_id, '') = $1")
                .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
                .fetch_one(&mut *tx)
                .await?;
            if row::integer(&there, "there")? >= PROVIDERS_MAX {
                let message = format!("there are {PROVIDERS_MAX} identity providers, which is the most");
                return Err(StoreError::Invalid { field: "name", message });
            }
            sqlx::query(
                "INSERT INTO identity_providers (id, tenant_id, name, client_secret, settings_json, revision, created_at_ms, \
                 updated_at_ms) VALUES ($1, $2, $3, $4, $5, 1, $6, $6)",
            )
            .bind(id.as_str())
            .bind(tenant.map(|t| t.as_str().to_owned()))
            .bind(new.name.as_str())
            .bind(sealed)
            .bind(new.settings.to_string())
            .bind(now_ms)
            .execute(&mut *tx)
            .await
            .map_err(unless_taken("identity provider", new.name.as_str()))?
        } else {
            sqlx::query(
                "UPDATE identity_providers SET client_secret = $3, settings_json = $4, revision = revision + 1, updated_at_ms = $5 \
                 WHERE id = $1 AND revision = $2",
            )
            .bind(id.as_str())
            .bind(revision)
            .bind(sealed)
            .bind(new.settings.to_string())
            .bind(now_ms)
            .execute(&mut *tx)
            .await?
        };
        if changed.rows_affected() == 0 {
            let name = new.name.to_string();
            return Err(StoreError::RevisionConflict { what: "identity provider", name, expected: revision, found: revision + 1 });
        }
        let detail = json!({"name": new.name, "settings": new.settings, "secret_changed": new.client_secret.is_some()});
        self.audit(&mut tx, cause, done_with_user(tenant, edit(tenant), &id, detail)).await?;
        tx.commit().await?;
        self.identity_provider(&id).await
    }

    /// Removes an identity provider; persons that it made stay, and need another way in.
    ///
    /// # Errors
    /// There is none of this name, or the database fails.
    pub async fn delete_identity_provider(&self, cause: &Cause, tenant: Option<&TenantId>, name: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("SELECT id FROM identity_providers WHERE COALESCE(tenant_id, '') = $1 AND (name = $2 OR id = $2)")
            .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
        let id = row::text(&gone.ok_or_else(|| StoreError::not_found("identity provider", name))?, "id")?;
        // SQLite only removes what hangs on a row where foreign keys are switched on.
        for text in [
            "DELETE FROM sign_in_flows WHERE provider_id = $1",
            "DELETE FROM external_identities WHERE provider_id = $1",
            "DELETE FROM identity_providers WHERE id = $1",
        ] {
            sqlx::query(text).bind(id.as_str()).execute(&mut *tx).await?;
        }
        self.audit(&mut tx, cause, done_with_user(tenant, edit(tenant), &id, json!({"removed": true}))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The identity providers of a tenant, or of the platform for `None`.
    ///
    /// # Errors
    /// A secret cannot be opened, or the database fails.
    pub async fn identity_providers(&self, tenant: Option<&TenantId>) -> Result<Vec<IdentityProvider>, StoreError> {
        let rows = sqlx::query("SELECT * FROM identity_providers WHERE COALESCE(tenant_id, '') = $1 ORDER BY name")
            .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
            .fetch_all(&self.pool)
            .await?;
        let mut providers = Vec::with_capacity(rows.len());
        for found in &rows {
            providers.push(self.read_provider(found).await?);
        }
        Ok(providers)
    }

    /// The identity provider of this id.
    ///
    /// # Errors
    /// There is none, its secret cannot be opened, or the database fails.
    pub async fn identity_provider(&self, id: &str) -> Result<IdentityProvider, StoreError> {
        let found = sqlx::query("SELECT * FROM identity_providers WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        self.read_provider(&found.ok_or_else(|| StoreError::not_found("identity provider", id))?).await
    }

    async fn read_provider(&self, found: &AnyRow) -> Result<IdentityProvider, StoreError> {
        let id = row::text(found, "id")?;
        Ok(IdentityProvider {
            client_secret: self.open_secret(&place(&id), &row::text(found, "client_secret")?).await?,
            id,
            tenant: row::text_or_none(found, "tenant_id")?.map(TenantId::new),
            name: row::word(found, "name")?,
            settings: row::json(found, "settings_json")?,
            revision: row::integer(found, "revision")?,
            created_at_ms: row::integer(found, "created_at_ms")?,
            updated_at_ms: row::integer(found, "updated_at_ms")?,
        })
    }

    /// Notes a sign-in that goes to its provider now. Only the browser that holds `browser` can come back with `state`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_flow(&self, state: &str, browser: &str, flow: &SignInFlow) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.hold_key(&mut tx).await?;
        sqlx::query("DELETE FROM sign_in_flows WHERE expires_at_ms < $1").bind(self.now_ms()).execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO sign_in_flows (state_hash, provider_id, browser_hash, nonce, verifier, return_to, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(digest(state))
        .bind(flow.provider.as_str())
        .bind(digest(browser))
        .bind(flow.nonce.as_str())
        .bind(self.key.seal(&place(&flow.provider), &flow.verifier)?)
        .bind(flow.return_to.as_str())
        .bind(flow.expires_at_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a sign-in that comes back; the second time there is none. None too for another browser or too late.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_flow(&self, state: &str, browser: &str) -> Result<Option<SignInFlow>, StoreError> {
        let found = sqlx::query("DELETE FROM sign_in_flows WHERE state_hash = $1 AND browser_hash = $2 AND expires_at_ms > $3 RETURNING *")
            .bind(digest(state))
            .bind(digest(browser))
            .bind(self.now_ms())
            .fetch_optional(&self.pool)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let provider = row::text(&found, "provider_id")?;
        Ok(Some(SignInFlow {
            nonce: row::text(&found, "nonce")?,
            verifier: self.open_secret(&place(&provider), &row::text(&found, "verifier")?).await?,
            return_to: row::text(&found, "return_to")?,
            expires_at_ms: row::integer(&found, "expires_at_ms")?,
            provider,
        }))
    }

    /// The person that a provider knows by this subject; made with `provision` if there is none. Roles that the provider's
    /// claims give replace those that it has given before, if it gives any.
    ///
    /// # Errors
    /// There is none and none may be made, or the database fails.
    pub async fn external_user(
        &self,
        cause: &Cause,
        provider: &IdentityProvider,
        subject: &str,
        provision: Option<&ProvisionedUser>,
    ) -> Result<String, StoreError> {
        let tenant = provider.tenant.as_ref();
        let found = sqlx::query("SELECT user_id FROM external_identities WHERE provider_id = $1 AND subject = $2")
            .bind(provider.id.as_str())
            .bind(subject)
            .fetch_optional(&self.pool)
            .await?;
        if let Some(found) = found {
            return row::text(&found, "user_id");
        }
        let unknown = || StoreError::not_found("user", "of this identity provider");
        let new = provision.ok_or_else(unknown)?;
        for name in &new.names {
            let mut tx = self.begin().await?;
            let user = NewUser { name: name.clone(), display_name: new.display_name.clone(), email: new.email.clone() };
            let id = match self.insert_user(&mut tx, cause, tenant, &user).await {
                Ok(id) => id,
                Err(StoreError::AlreadyExists { .. }) => continue,
                Err(error) => return Err(error),
            };
            for grant in &new.grants {
                self.insert_grant(&mut tx, &id, grant).await?;
            }
            let linked = sqlx::query(
                "INSERT INTO external_identities (provider_id, subject, user_id, created_at_ms) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (provider_id, subject) DO NOTHING",
            )
            .bind(provider.id.as_str())
            .bind(subject)
            .bind(id.as_str())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
            if linked.rows_affected() == 0 {
                // Somebody came in with the same subject at the same moment: theirs counts, ours is rolled back.
                drop(tx);
                return Box::pin(self.external_user(cause, provider, subject, None)).await;
            }
            tx.commit().await?;
            return Ok(id);
        }
        Err(StoreError::Invalid { field: "name", message: "no name is free for this person; an administrator must make the user".into() })
    }

    /// Says that a person is `subject` to a provider, so that they can sign in there.
    ///
    /// # Errors
    /// The subject is somebody else already, they are not there, or the database fails.
    pub async fn link_external_user(
        &self,
        cause: &Cause,
        provider: &IdentityProvider,
        subject: &str,
        user: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.lock_user(&mut tx, provider.tenant.as_ref(), user, None).await?;
        sqlx::query("INSERT INTO external_identities (provider_id, subject, user_id, created_at_ms) VALUES ($1, $2, $3, $4)")
            .bind(provider.id.as_str())
            .bind(subject)
            .bind(user)
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await
            .map_err(unless_taken("subject", subject))?;
        let detail = json!({"identity_provider": provider.name, "subject": subject});
        self.audit(&mut tx, cause, done_with_user(provider.tenant.as_ref(), Action::UserEdit, user, detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The persons whom a provider signs in, those that joined last first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn external_identities(&self, provider: &IdentityProvider, page: &PageRequest) -> Result<Page<ExternalIdentity>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id AS id, u.name AS name FROM users u WHERE u.id < $2 AND u.deleted_at_ms IS NULL \
             AND u.id IN (SELECT user_id FROM external_identities WHERE provider_id = $1) ORDER BY u.id DESC LIMIT $3",
        )
        .bind(provider.id.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for person in &rows {
            let user = row::text(person, "id")?;
            let subjects = sqlx::query(
                "SELECT subject, created_at_ms FROM external_identities WHERE provider_id = $1 AND user_id = $2 ORDER BY created_at_ms, subject",
            )
            .bind(provider.id.as_str())
            .bind(user.as_str())
            .fetch_all(&self.pool)
            .await?;
            let subjects = subjects.iter().map(|found| Ok((row::text(found, "subject")?, row::integer(found, "created_at_ms")?)));
            let subjects = subjects.collect::<Result<_, StoreError>>()?;
            found.push(ExternalIdentity { user, user_name: row::word(person, "name")?, subjects });
        }
        Ok(page.page(found, |identity: &ExternalIdentity| &identity.user))
    }

    /// Id of the person whom a provider knows by this subject.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn person_of_subject(&self, provider: &IdentityProvider, subject: &str) -> Result<String, StoreError> {
        let found = sqlx::query("SELECT user_id FROM external_identities WHERE provider_id = $1 AND subject = $2")
            .bind(provider.id.as_str())
            .bind(subject)
            .fetch_optional(&self.pool)
            .await?;
        row::text(&found.ok_or_else(|| StoreError::not_found("identity", subject))?, "user_id")
    }

    /// Says that a subject of a provider is nobody any more; sessions that its person has begun there end.
    ///
    /// # Errors
    /// There is no such subject, or the database fails.
    pub async fn unlink_external_user(&self, cause: &Cause, provider: &IdentityProvider, subject: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM external_identities WHERE provider_id = $1 AND subject = $2 RETURNING user_id")
            .bind(provider.id.as_str())
            .bind(subject)
            .fetch_optional(&mut *tx)
            .await?;
        let user = row::text(&gone.ok_or_else(|| StoreError::not_found("identity", subject))?, "user_id")?;
        sqlx::query("UPDATE sessions SET ended_at_ms = $3 WHERE user_id = $1 AND method = $2 AND ended_at_ms IS NULL")
            .bind(user.as_str())
            .bind(provider.id.as_str())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        let detail = json!({"identity_provider": provider.name, "subject": subject, "unlinked": true});
        self.audit(&mut tx, cause, done_with_user(provider.tenant.as_ref(), Action::UserEdit, &user, detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes what went wrong at an identity provider.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_failed_flow(&self, provider: &IdentityProvider, address: &str, reason: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let detail = json!({"address": address, "reason": reason, "identity_provider": provider.name});
        let tenant = provider.tenant.as_ref();
        let record =
            Record { tenant, project: None, action: "session.sign_in", object: &provider.id, outcome: crate::Outcome::Refused, detail };
        self.audit(&mut tx, &Cause::system("sign-in"), record).await?;
        tx.commit().await?;
        Ok(())
    }
}

const fn edit(tenant: Option<&TenantId>) -> Action {
    match tenant {
        Some(_) => Action::SignInEdit,
        None => Action::PlatformSignIn,
    }
}

/// What a provider's secrets are bound to.
pub(crate) fn place(provider: &str) -> String {
    format!("identity_provider/{provider}")
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
