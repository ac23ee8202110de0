//! Users: persons with an account, of a tenant or of the platform (ROL-7).
//!
//! Invariant: whoever is disabled or removed is out at once: no session and no token of theirs is valid from the same
//! transaction on, nor any that they have made for a machine, and what was permitted to them alone is permitted no more. A tenant that has an administrator among its persons keeps one; so does the platform.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::Record, error::unless_taken, row, transaction::Transaction};
use millrace_domain::{Action, Grant, Name, Role};
use millrace_model::ids::TenantId;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id, `usr_…`.
    pub id: String,
    /// The tenant; none for users of the platform.
    pub tenant: Option<TenantId>,
    /// Name to sign in with, unique in the tenant.
    pub name: Name,
    /// Name for people.
    pub display_name: String,
    /// Where to write to; may be empty.
    pub email: String,
    /// Counts changes, those of roles too.
    pub revision: i64,
    /// Whether a password is set.
    pub has_password: bool,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Disabled at.
    pub disabled_at_ms: Option<i64>,
    /// Last signed in at.
    pub last_sign_in_at_ms: Option<i64>,
}

/// A person to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Name to sign in with.
    pub name: Name,
    /// Name for people.
    pub display_name: String,
    /// Where to write to.
    pub email: String,
}

/// What changes of a person; none keeps.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Name for people.
    pub display_name: Option<String>,
    /// Where to write to.
    pub email: Option<String>,
    /// Whether they may come in.
    pub enabled: Option<bool>,
}

/// Which users to list; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// With this in the name, the name for people, or the address.
    pub search: Option<String>,
    /// Only enabled ones, or only disabled ones.
    pub enabled: Option<bool>,
}

/// A row with what is known of the person's password; `rest` narrows and orders.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT u.*, (SELECT COUNT(*) FROM credentials c WHERE c.user_id = u.id) AS passwords FROM users u ",
            "WHERE u.kind = 'person' AND u.deleted_at_ms IS NULL AND ",
            $rest
        )
    };
}

impl Store {
    /// Makes a person without a password and without roles.
    ///
    /// # Errors
    /// The name is taken, or the database fails.
    pub async fn create_user(&self, cause: &Cause, tenant: Option<&TenantId>, new: &NewUser) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let id = self.insert_user(&mut tx, cause, tenant, new).await?;
        tx.commit().await?;
        self.user(tenant, &id).await
    }

    /// Makes a person with their roles and, if `one_time` says so, a password that ends at a time: all or nothing.
    ///
    /// # Errors
    /// The name is taken, there are too many roles, or the database fails.
    pub async fn create_account(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        new: &NewUser,
        grants: &[Grant],
        one_time: Option<(&str, i64)>,
    ) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let id = self.insert_user(&mut tx, cause, tenant, new).await?;
        if !grants.is_empty() {
            self.replace_grants(&mut tx, cause, tenant, &id, grants).await?;
        }
        if let Some((password_hash, expires_at_ms)) = one_time {
            self.put_one_time_password(&mut tx, cause, tenant, (&id, new.name.as_str()), (password_hash, expires_at_ms)).await?;
        }
        tx.commit().await?;
        self.user(tenant, &id).await
    }

    pub(crate) async fn insert_user(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        tenant: Option<&TenantId>,
        new: &NewUser,
    ) -> Result<String, StoreError> {
        let id = self.new_id("usr");
        sqlx::query(
            "INSERT INTO users (id, tenant_id, kind, name, display_name, email, created_at_ms) VALUES ($1, $2, 'person', $3, $4, $5, $6)",
        )
        .bind(id.as_str())
        .bind(tenant.map(|t| t.as_str().to_owned()))
        .bind(new.name.as_str())
        .bind(new.display_name.as_str())
        .bind(new.email.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await
        .map_err(unless_taken("user", new.name.as_str()))?;
        self.audit(tx, cause, done_with_user(tenant, Action::UserCreate, &id, json!({"name": new.name}))).await?;
        Ok(id)
    }

    /// The person of this name or id in the tenant, or on the platform for `None`.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn user(&self, tenant: Option<&TenantId>, name_or_id: &str) -> Result<User, StoreError> {
        let found = sqlx::query(select_users!("(u.id = $1 OR u.name = $1) AND COALESCE(u.tenant_id, '') = $2"))
            .bind(name_or_id)
            .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
            .fetch_optional(&self.pool)
            .await?;
        user(&found.ok_or_else(|| StoreError::not_found("user", name_or_id))?)
    }

    /// The person with this id, wherever they belong; none for services and for persons that were removed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn person(&self, id: &str) -> Result<Option<User>, StoreError> {
        let found = sqlx::query(select_users!("u.id = $1")).bind(id).fetch_optional(&self.pool).await?;
        found.as_ref().map(user).transpose()
    }

    /// The persons of the tenant, or of the platform for `None`, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn users(&self, tenant: Option<&TenantId>, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>, StoreError> {
        let enabled = match filter.enabled {
            None => 2,
            Some(enabled) => i64::from(enabled),
        };
        let rows = sqlx::query(select_users!(
            "COALESCE(u.tenant_id, '') = $1 AND u.id < $2 \
             AND ($3 = '' OR LOWER(u.name) LIKE $3 ESCAPE '!' OR LOWER(u.display_name) LIKE $3 ESCAPE '!' OR LOWER(u.email) LIKE $3 ESCAPE '!') \
             AND ($4 = 2 OR ($4 = 1 AND u.disabled_at_ms IS NULL) OR ($4 = 0 AND u.disabled_at_ms IS NOT NULL)) \
             ORDER BY u.id DESC LIMIT $5"
        ))
        .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
        .bind(page.before()?)
        .bind(filter.search.as_deref().map(containing).unwrap_or_default())
        .bind(enabled)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let users = rows.iter().map(user).collect::<Result<_, _>>()?;
        Ok(page.page(users, |u: &User| &u.id))
    }

    /// Changes a person; who is disabled is signed out everywhere.
    ///
    /// # Errors
    /// They were changed meanwhile, are the last administrator, are not there, or the database fails.
    pub async fn change_user(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        id: &str,
        change: &UserChange,
        expected_revision: Option<i64>,
    ) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let before = self.lock_user(&mut tx, tenant, id, expected_revision).await?;
        let now_ms = self.now_ms();
        let disabled_at_ms = match change.enabled {
            None => before.disabled_at_ms,
            Some(true) => None,
            Some(false) => before.disabled_at_ms.or(Some(now_ms)),
        };
        sqlx::query("UPDATE users SET display_name = $2, email = $3, disabled_at_ms = $4, revision = revision + 1 WHERE id = $1")
            .bind(id)
            .bind(change.display_name.as_deref().unwrap_or(&before.display_name))
            .bind(change.email.as_deref().unwrap_or(&before.email))
            .bind(disabled_at_ms)
            .execute(&mut *tx)
            .await?;
        if disabled_at_ms.is_some() && before.disabled_at_ms.is_none() {
            self.check_administrator_left(&mut tx, &before, id).await?;
            self.sign_out_everywhere(&mut tx, id, true).await?;
        }
        let detail = json!({"display_name": change.display_name, "email": change.email, "enabled": change.enabled});
        self.audit(&mut tx, cause, done_with_user(tenant, Action::UserEdit, id, detail)).await?;
        tx.commit().await?;
        self.user(tenant, id).await
    }

    /// Removes a person: signed out everywhere, without roles; their name is free again. What they did stays in the log.
    ///
    /// # Errors
    /// They are the last administrator or not there, or the database fails.
    pub async fn delete_user(&self, cause: &Cause, tenant: Option<&TenantId>, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let before = self.lock_user(&mut tx, tenant, id, None).await?;
        let now_ms = self.now_ms();
        sqlx::query("UPDATE users SET deleted_at_ms = $2, revision = revision + 1 WHERE id = $1")
            .bind(id)
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
        self.check_administrator_left(&mut tx, &before, id).await?;
        self.sign_out_everywhere(&mut tx, id, true).await?;
        for gone in [
            "DELETE FROM role_grants WHERE user_id = $1",
            "DELETE FROM credentials WHERE user_id = $1",
            "DELETE FROM external_identities WHERE user_id = $1",
            "DELETE FROM table_grants WHERE grantee_kind = 'person' AND grantee = $1",
        ] {
            sqlx::query(gone).bind(id).execute(&mut *tx).await?;
        }
        self.audit(&mut tx, cause, done_with_user(tenant, Action::UserDelete, id, json!({"name": before.name}))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends every session of a user, and if `tokens` every token of theirs and of machines that they have made.
    pub(crate) async fn sign_out_everywhere(&self, tx: &mut Transaction, user: &str, tokens: bool) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        sqlx::query("UPDATE sessions SET ended_at_ms = $2 WHERE user_id = $1 AND ended_at_ms IS NULL")
            .bind(user)
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
        if tokens {
            sqlx::query("UPDATE tokens SET revoked_at_ms = $2 WHERE (user_id = $1 OR on_behalf_of = $1) AND revoked_at_ms IS NULL")
                .bind(user)
                .bind(now_ms)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Reads a person and keeps others from changing them until `tx` ends. Administrators are removed one after the
    /// other: the place's row is locked first, so that two never remove each other.
    pub(crate) async fn lock_user(
        &self,
        tx: &mut Transaction,
        tenant: Option<&TenantId>,
        id: &str,
        expected_revision: Option<i64>,
    ) -> Result<User, StoreError> {
        match tenant {
            Some(tenant) => self.lock_tenant(tx, tenant).await?,
            None => {
                sqlx::query("UPDATE users SET name = name WHERE tenant_id IS NULL AND kind = 'person'").execute(&mut **tx).await?;
            }
        }
        let found = sqlx::query(select_users!("u.id = $1 AND COALESCE(u.tenant_id, '') = $2"))
            .bind(id)
            .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
            .fetch_optional(&mut **tx)
            .await?;
        let found = user(&found.ok_or_else(|| StoreError::not_found("user", id))?)?;
        match expected_revision {
            Some(expected) if expected != found.revision => {
                Err(StoreError::RevisionConflict { what: "user", name: found.name.to_string(), expected, found: found.revision })
            }
            Some(_) | None => Ok(found),
        }
    }

    /// Fails if the change of `before` in `tx` has left their tenant, or the platform, without an administrator among its
    /// enabled persons.
    pub(crate) async fn check_administrator_left(&self, tx: &mut Transaction, before: &User, id: &str) -> Result<(), StoreError> {
        let (role, tenant) = match &before.tenant {
            Some(tenant) => (Role::TenantAdmin, tenant.as_str()),
            None => (Role::PlatformAdmin, ""),
        };
        // Persons that were administrators before: the changed one counts by what they were.
        let left = sqlx::query(
            "SELECT COUNT(*) AS others FROM role_grants g JOIN users u ON u.id = g.user_id WHERE g.role = $1 \
             AND COALESCE(g.tenant_id, '') = $2 AND g.project_id IS NULL AND u.kind = 'person' AND u.disabled_at_ms IS NULL \
             AND u.deleted_at_ms IS NULL AND COALESCE(u.tenant_id, '') = $2 AND u.id <> $3",
        )
        .bind(role.as_str())
        .bind(tenant)
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
        let was = sqlx::query(
            "SELECT COUNT(*) AS grants FROM role_grants WHERE user_id = $1 AND role = $2 AND COALESCE(tenant_id, '') = $3 AND project_id IS NULL",
        )
        .bind(id)
        .bind(role.as_str())
        .bind(tenant)
        .fetch_one(&mut **tx)
        .await?;
        if row::integer(&left, "others")? > 0 || row::integer(&was, "grants")? == 0 || before.disabled_at_ms.is_some() {
            return Ok(());
        }
        let by = format!("they are the last person who is {role}; make somebody else {role} first");
        Err(StoreError::InUse { what: "user", name: before.name.to_string(), by })
    }
}

/// A pattern of LIKE that finds `text` anywhere; `!` escapes.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// The row of a change of a user, of a tenant or of the platform.
pub(crate) fn done_with_user<'a>(tenant: Option<&'a TenantId>, action: Action, user: &'a str, detail: Value) -> Record<'a> {
    let action = action.as_str();
    Record { tenant, project: None, action, object: user, outcome: crate::Outcome::Done, detail }
}

fn user(found: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: row::text(found, "id")?,
        tenant: row::text_or_none(found, "tenant_id")?.map(TenantId::new),
        name: row::word(found, "name")?,
        display_name: row::text(found, "display_name")?,
        email: row::text(found, "email")?,
        revision: row::integer(found, "revision")?,
        has_password: row::integer(found, "passwords")? > 0,
        created_at_ms: row::integer(found, "created_at_ms")?,
        disabled_at_ms: row::integer_or_none(found, "disabled_at_ms")?,
        last_sign_in_at_ms: row::integer_or_none(found, "last_sign_in_at_ms")?,
    })
}
