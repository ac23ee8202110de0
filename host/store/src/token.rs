//! Tokens of machines and people, the users behind them, and signing in by token.
//!
//! Invariants: only the SHA-256 of a token's secret is stored. A secret has 256 random bits, so a plain hash is enough:
//! there is nothing to guess from a dictionary. Behind each token of a machine is the person who made it, also through
//! other tokens; a worker has one administrator's token at a time.

use crate::{
    Cause, Page, PageRequest, Store, StoreError,
    audit::{Record, done_in_tenant, done_on_platform},
    row,
    transaction::Transaction,
    user::done_with_user,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use millrace_domain::{Action, Name, Principal, Role, TokenLimit, TokenScope};
use millrace_model::ids::{ProjectId, TenantId};
use rand::RngCore;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use std::{collections::BTreeSet, fmt};

/// A use within this time after the last one is not written again.
const LAST_USED_STEP_MS: i64 = 60_000;
/// A secret shorter than this can be guessed; ours have 47 characters.
const SECRET_CHARACTERS_MIN: usize = 32;

/// The secret of a token, in clear.
#[derive(Clone)]
pub struct TokenSecret(String);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(***)")
    }
}

impl TokenSecret {
    /// A new random secret; the prefix lets scanners of leaked secrets find it.
    pub fn generate() -> Self {
        Self::random("mrt")
    }

    /// A new random secret of a session.
    pub fn generate_session() -> Self {
        Self::random("mrs")
    }

    fn random(prefix: &str) -> Self {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// A secret that was made before, from a file or from a request.
    pub fn presented(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret in clear: to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

/// A token to make, with the service user that holds its role.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What the token is for.
    pub name: Name,
    /// The role of its bearer.
    pub role: Role,
    /// Only within this project; the whole tenant if none.
    pub project: Option<ProjectId>,
    /// What it may be used for.
    pub scopes: BTreeSet<TokenScope>,
    /// Ends by itself at this time, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// A token that a person makes for themselves: it is never more than its owner is at the moment of its use.
#[derive(Debug, Clone)]
pub struct NewPersonalToken {
    /// What the token is for.
    pub name: Name,
    /// What it takes away from the owner's roles.
    pub limit: TokenLimit,
    /// What it may be used for.
    pub scopes: BTreeSet<TokenScope>,
    /// Ends by itself at this time, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// Tokens that one person can have at the same time.
const PERSONAL_TOKENS_MAX: i64 = 100;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Id, `tok_…`.
    pub id: String,
    /// The person whose token it is; none for tokens of machines.
    pub owner: Option<String>,
    /// What it is for.
    pub name: Name,
    /// What it may be used for.
    pub scopes: BTreeSet<TokenScope>,
    /// Role of a machine's token; for a person's the only one that it keeps, if it is limited to one.
    pub role: Option<Role>,
    /// Project that it is limited to.
    pub project: Option<ProjectId>,
    /// Who made it.
    pub created_by: String,
    /// The worker whose administrator's token it is.
    pub worker: Option<String>,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Ends at.
    pub expires_at_ms: Option<i64>,
    /// Last seen at, to the minute.
    pub last_used_at_ms: Option<i64>,
    /// Ended by somebody at.
    pub revoked_at_ms: Option<i64>,
}

/// Which tokens are meant.
#[derive(Debug, Clone, Copy)]
pub enum TokenOwner<'a> {
    /// Those of a tenant: of its machines and of its persons.
    Tenant(&'a TenantId),
    /// Those of the platform: of servers' administrators and of its users.
    Platform,
    /// Those that a person has made for themselves.
    Person {
        /// The person.
        user: &'a str,
        /// Their tenant; none for users of the platform.
        tenant: Option<&'a TenantId>,
    },
}

impl TokenOwner<'_> {
    /// What is compared with the owner's column; the platform has none.
    fn key(&self) -> &str {
        match self {
            Self::Tenant(tenant) => tenant.as_str(),
            Self::Platform => "",
            Self::Person { user, .. } => user,
        }
    }
}

/// A token just made: the only time that its secret is there.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// Its secret.
    pub secret: TokenSecret,
}

/// A row with its owner if that is a person; a machine's token has the one role of its user. `rest` narrows and orders.
macro_rules! select_tokens {
    ($rest:literal) => {
        concat!(
            "SELECT t.*, CASE WHEN u.kind = 'person' THEN u.name ELSE NULL END AS owner, ",
            "CASE WHEN u.kind = 'person' THEN t.limit_role ELSE (SELECT MIN(g.role) FROM role_grants g WHERE g.user_id = u.id) END AS role, ",
            "CASE WHEN u.kind = 'person' THEN t.limit_project_id ",
            "ELSE (SELECT MIN(g.project_id) FROM role_grants g WHERE g.user_id = u.id) END AS limited_to ",
            "FROM tokens t JOIN users u ON u.id = t.user_id WHERE ",
            $rest
        )
    };
}

struct Issue<'a> {
    tenant: Option<&'a TenantId>,
    new: &'a NewToken,
    secret: &'a TokenSecret,
    created_by: &'a str,
    worker: Option<&'a str>,
}

impl Store {
    /// Makes a token with a service user of its own.
    ///
    /// # Errors
    /// The database fails.
    pub async fn create_token(&self, cause: &Cause, tenant: &TenantId, new: &NewToken) -> Result<IssuedToken, StoreError> {
        let secret = TokenSecret::generate();
        let mut tx = self.begin().await?;
        let issue = Issue { tenant: Some(tenant), new, secret: &secret, created_by: &cause.actor, worker: None };
        let token = self.issue(&mut tx, issue).await?;
        let detail = json!({"name": new.name, "role": new.role, "project": new.project, "scopes": new.scopes});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TokenCreate, &token.id, detail)).await?;
        tx.commit().await?;
        Ok(IssuedToken { token, secret })
    }

    /// Makes `secret` the token of a platform administrator of `worker`, unless it is one already; another one that the
    /// worker had before ends. The server calls it at start with the secret of its administrator file. False: somebody has
    /// revoked this token.
    ///
    /// # Errors
    /// The secret is too short, or the database fails.
    pub async fn ensure_admin_token(&self, name: &Name, worker: &str, secret: &TokenSecret) -> Result<bool, StoreError> {
        if secret.0.len() < SECRET_CHARACTERS_MIN {
            let message = format!("has {} characters, at least {SECRET_CHARACTERS_MIN} are needed", secret.0.len());
            return Err(StoreError::Invalid { field: "admin token", message });
        }
        let cause = Cause::system("server");
        let mut tx = self.begin().await?;
        let found = sqlx::query("SELECT id, worker, revoked_at_ms FROM tokens WHERE secret_hash = $1")
            .bind(secret.hash())
            .fetch_optional(&mut *tx)
            .await?;
        let is_valid = match found {
            None => {
                let scopes = TokenScope::ALL.iter().copied().collect();
                let new = NewToken { name: name.clone(), role: Role::PlatformAdmin, project: None, scopes, expires_at_ms: None };
                let issue = Issue { tenant: None, new: &new, secret, created_by: "system", worker: Some(worker) };
                let made = self.issue(&mut tx, issue).await?;
                let detail = json!({"name": name, "role": new.role, "worker": worker});
                self.audit(&mut tx, &cause, done_on_platform(Action::TokenCreate, &made.id, detail)).await?;
                true
            }
            Some(found) => {
                // One that was made before workers were noted is this worker's.
                sqlx::query("UPDATE tokens SET worker = $2 WHERE id = $1 AND worker IS NULL AND tenant_id IS NULL")
                    .bind(row::text(&found, "id")?)
                    .bind(worker)
                    .execute(&mut *tx)
                    .await?;
                row::integer_or_none(&found, "revoked_at_ms")?.is_none()
            }
        };
        let ended = sqlx::query(
            "UPDATE tokens SET revoked_at_ms = $3 WHERE worker = $1 AND secret_hash <> $2 AND revoked_at_ms IS NULL RETURNING id",
        )
        .bind(worker)
        .bind(secret.hash())
        .bind(self.now_ms())
        .fetch_all(&mut *tx)
        .await?;
        for found in &ended {
            let detail = json!({"worker": worker, "reason": "the worker has another token now"});
            self.audit(&mut tx, &cause, done_on_platform(Action::TokenRevoke, &row::text(found, "id")?, detail)).await?;
        }
        tx.commit().await?;
        Ok(is_valid)
    }

    /// When another server, one with another secret, last gave a sign of life as `worker`; none if there was no other.
    ///
    /// # Errors
    /// The database fails.
    pub async fn other_server_of(&self, worker: &str, secret: &TokenSecret) -> Result<Option<i64>, StoreError> {
        let found = sqlx::query(
            "SELECT h.seen_at_ms FROM secret_key_holders h WHERE h.worker = $1 AND EXISTS (SELECT 1 FROM tokens t \
             WHERE t.worker = $1 AND t.secret_hash <> $2 AND t.revoked_at_ms IS NULL AND t.tenant_id IS NULL)",
        )
        .bind(worker)
        .bind(secret.hash())
        .fetch_optional(&self.pool)
        .await?;
        found.as_ref().map(|row| row::integer(row, "seen_at_ms")).transpose()
    }

    /// The person that `actor` acts for: themselves, or whoever has made the token of a machine.
    pub(crate) async fn person_behind(&self, tx: &mut Transaction, actor: &str) -> Result<String, StoreError> {
        let found =
            sqlx::query("SELECT MIN(on_behalf_of) AS person FROM tokens WHERE user_id = $1").bind(actor).fetch_one(&mut **tx).await?;
        Ok(row::text_or_none(&found, "person")?.unwrap_or_else(|| actor.to_owned()))
    }

    async fn issue(&self, tx: &mut Transaction, issue: Issue<'_>) -> Result<Token, StoreError> {
        let now_ms = self.now_ms();
        let (user, tenant) = (self.new_id("usr"), issue.tenant.map(|t| t.as_str().to_owned()));
        let new = issue.new;
        let person = match issue.created_by {
            "system" => None,
            maker => Some(self.person_behind(tx, maker).await?),
        };
        sqlx::query("INSERT INTO users (id, tenant_id, kind, name, created_at_ms) VALUES ($1, $2, 'service', $3, $4)")
            .bind(user.as_str())
            .bind(tenant.clone())
            .bind(new.name.as_str())
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
        sqlx::query("INSERT INTO role_grants (id, user_id, role, tenant_id, project_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(self.new_id("grt"))
            .bind(user.as_str())
            .bind(new.role.as_str())
            .bind(tenant.clone())
            .bind(new.project.as_ref().map(|p| p.as_str().to_owned()))
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
        let token = Token {
            id: self.new_id("tok"),
            owner: None,
            name: new.name.clone(),
            scopes: new.scopes.clone(),
            role: Some(new.role),
            project: new.project.clone(),
            created_by: issue.created_by.to_owned(),
            worker: issue.worker.map(str::to_owned),
            created_at_ms: now_ms,
            expires_at_ms: new.expires_at_ms,
            last_used_at_ms: None,
            revoked_at_ms: None,
        };
        sqlx::query(
            "INSERT INTO tokens (id, user_id, tenant_id, name, secret_hash, scopes, created_by, created_at_ms, expires_at_ms, \
             on_behalf_of, worker) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(token.id.as_str())
        .bind(user.as_str())
        .bind(tenant)
        .bind(token.name.as_str())
        .bind(issue.secret.hash())
        .bind(row::to_json(&token.scopes)?)
        .bind(issue.created_by)
        .bind(now_ms)
        .bind(token.expires_at_ms)
        .bind(person)
        .bind(issue.worker.map(str::to_owned))
        .execute(&mut **tx)
        .await?;
        Ok(token)
    }

    /// Who presents `secret`; none if it is no token, has ended or was revoked.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sign_in(&self, secret: &TokenSecret) -> Result<Option<Principal>, StoreError> {
        let now_ms = self.now_ms();
        let found = sqlx::query(
            "SELECT t.id AS token_id, t.scopes AS scopes, t.last_used_at_ms AS last_used_at_ms, t.tenant_id AS tenant_id, \
             t.limit_role AS limit_role, t.limit_project_id AS limit_project_id, t.on_behalf_of AS on_behalf_of, u.id AS user_id, u.name AS user_name, u.kind AS kind \
             FROM tokens t JOIN users u ON u.id = t.user_id \
             WHERE t.secret_hash = $1 AND t.revoked_at_ms IS NULL AND (t.expires_at_ms IS NULL OR t.expires_at_ms > $2) \
             AND u.disabled_at_ms IS NULL AND u.deleted_at_ms IS NULL",
        )
        .bind(secret.hash())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let user = row::text(&found, "user_id")?;
        let mut grants = self.grants(&user).await?;
        let mut on_behalf_of = row::text_or_none(&found, "on_behalf_of")?;
        if row::text(&found, "kind")? == "person" {
            on_behalf_of = None;
            let limit = TokenLimit {
                role: row::text_or_none(&found, "limit_role")?
                    .map(|word| word.parse())
                    .transpose()
                    .map_err(|error| StoreError::Corrupt(format!("column limit_role: {error}")))?,
                tenant: row::text_or_none(&found, "tenant_id")?.map(TenantId::new),
                project: row::text_or_none(&found, "limit_project_id")?.map(ProjectId::new),
            };
            grants = limit.narrow(&grants);
        }
        let used_before_ms = row::integer_or_none(&found, "last_used_at_ms")?.unwrap_or(0);
        if now_ms - used_before_ms >= LAST_USED_STEP_MS {
            sqlx::query("UPDATE tokens SET last_used_at_ms = $2 WHERE id = $1")
                .bind(row::text(&found, "token_id")?)
                .bind(now_ms)
                .execute(&self.pool)
                .await?;
        }
        let (name, token_scopes) = (row::text(&found, "user_name")?, row::json(&found, "scopes")?);
        Ok(Some(Principal { user, name, on_behalf_of, grants, token_scopes }))
    }

    /// Makes a token of a person.
    ///
    /// # Errors
    /// They have too many already, or the database fails.
    pub async fn create_personal_token(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        new: &NewPersonalToken,
    ) -> Result<IssuedToken, StoreError> {
        let secret = TokenSecret::generate();
        let (id, now_ms) = (self.new_id("tok"), self.now_ms());
        let mut tx = self.begin().await?;
        self.lock_user(&mut tx, tenant, user, None).await?;
        let held = sqlx::query(
            "SELECT COUNT(*) AS held FROM tokens WHERE user_id = $1 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > $2)",
        )
        .bind(user)
        .bind(now_ms)
        .fetch_one(&mut *tx)
        .await?;
        if row::integer(&held, "held")? >= PERSONAL_TOKENS_MAX {
            let message = format!("you have {PERSONAL_TOKENS_MAX} tokens, which is the most; end some first");
            return Err(StoreError::Invalid { field: "name", message });
        }
        sqlx::query(
            "INSERT INTO tokens (id, user_id, tenant_id, name, secret_hash, scopes, created_by, created_at_ms, expires_at_ms, limit_role, \
             limit_project_id, on_behalf_of) VALUES ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9, $10, $2)",
        )
        .bind(id.as_str())
        .bind(user)
        .bind(new.limit.tenant.as_ref().map(|t| t.as_str().to_owned()))
        .bind(new.name.as_str())
        .bind(secret.hash())
        .bind(row::to_json(&new.scopes)?)
        .bind(now_ms)
        .bind(new.expires_at_ms)
        .bind(new.limit.role.map(|role| role.as_str().to_owned()))
        .bind(new.limit.project.as_ref().map(|p| p.as_str().to_owned()))
        .execute(&mut *tx)
        .await?;
        let detail =
            json!({"name": new.name, "role": new.limit.role, "project": new.limit.project, "scopes": new.scopes, "personal": true});
        let record = Record { object: &id, ..done_with_user(tenant, Action::TokenCreate, user, detail) };
        self.audit(&mut tx, cause, record).await?;
        let made = sqlx::query(select_tokens!("t.id = $1")).bind(id.as_str()).fetch_one(&mut *tx).await?;
        let token = token(&made)?;
        tx.commit().await?;
        Ok(IssuedToken { token, secret })
    }

    /// Tokens, ended ones too, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn tokens(&self, of: TokenOwner<'_>, page: &PageRequest) -> Result<Page<Token>, StoreError> {
        let text = match of {
            TokenOwner::Tenant(_) => select_tokens!("t.tenant_id = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3"),
            TokenOwner::Platform => select_tokens!("t.tenant_id IS NULL AND $1 = '' AND t.id < $2 ORDER BY t.id DESC LIMIT $3"),
            TokenOwner::Person { .. } => select_tokens!("t.user_id = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3"),
        };
        let rows = sqlx::query(text).bind(of.key()).bind(page.before()?).bind(page.rows()).fetch_all(&self.pool).await?;
        let tokens = rows.iter().map(token).collect::<Result<_, _>>()?;
        Ok(page.page(tokens, |t: &Token| &t.id))
    }

    /// Ends a token at once. Doing it twice changes nothing.
    ///
    /// # Errors
    /// It is not one of these, or the database fails.
    pub async fn revoke_token(&self, cause: &Cause, of: TokenOwner<'_>, id: &str) -> Result<(), StoreError> {
        macro_rules! revoke {
            ($which:literal) => {
                concat!("UPDATE tokens SET revoked_at_ms = COALESCE(revoked_at_ms, $3) WHERE ", $which, " AND id = $2")
            };
        }
        let text = match of {
            TokenOwner::Tenant(_) => revoke!("tenant_id = $1"),
            TokenOwner::Platform => revoke!("tenant_id IS NULL AND $1 = ''"),
            TokenOwner::Person { .. } => revoke!("user_id = $1"),
        };
        let mut tx = self.begin().await?;
        let changed = sqlx::query(text).bind(of.key()).bind(id).bind(self.now_ms()).execute(&mut *tx).await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("token", id));
        }
        let record = match of {
            TokenOwner::Tenant(tenant) => done_in_tenant(tenant, Action::TokenRevoke, id, json!({})),
            TokenOwner::Platform => done_on_platform(Action::TokenRevoke, id, json!({})),
            TokenOwner::Person { user, tenant } => Record { object: id, ..done_with_user(tenant, Action::TokenRevoke, user, json!({})) },
        };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn token(found: &AnyRow) -> Result<Token, StoreError> {
    let role = row::text_or_none(found, "role")?.map(|word| word.parse());
    Ok(Token {
        id: row::text(found, "id")?,
        owner: row::text_or_none(found, "owner")?,
        name: row::word(found, "name")?,
        scopes: row::json(found, "scopes")?,
        role: role.transpose().map_err(|error: millrace_domain::UnknownWord| StoreError::Corrupt(format!("column role: {error}")))?,
        project: row::text_or_none(found, "limited_to")?.map(ProjectId::new),
        created_by: row::text(found, "created_by")?,
        worker: row::text_or_none(found, "worker")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        expires_at_ms: row::integer_or_none(found, "expires_at_ms")?,
        last_used_at_ms: row::integer_or_none(found, "last_used_at_ms")?,
        revoked_at_ms: row::integer_or_none(found, "revoked_at_ms")?,
    })
}
