//! Passwords of persons, as argon2id hashes, and what slows guessing down.
//!
//! Invariant: no password is ever here, only hashes. An attempt is counted in a transaction of its own before anybody
//! looks at the password, for the account and for the address, whether or not the account is there.

use crate::{Cause, Store, StoreError, row, transaction::Transaction, user::done_with_user};
use millrace_domain::{
    Action, Attempts, Name,
    sign_in::{ACCOUNT, ADDRESS},
};
use millrace_model::ids::TenantId;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Rows of attempts older than this are of no use to any rule.
const ATTEMPTS_KEPT_MS: i64 = 2 * 24 * 3_600_000;

/// What is stored of a password.
#[derive(Clone)]
pub struct Credential {
    /// Id of the user.
    pub user: String,
    /// Name of the user.
    pub name: Name,
    /// The hash in PHC form; none if the user has no password.
    pub password_hash: Option<String>,
    /// Whether it must be changed before anything else.
    pub must_change: bool,
    /// A one-time password ends at, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
    /// Whether the user may come in.
    pub enabled: bool,
}

/// Who tries to sign in, as far as guessing is slowed down by it.
#[derive(Debug, Clone)]
pub struct AttemptSubject {
    /// Tenant and name as they were written; `account` is never shown.
    pub account: String,
    /// Network address, or the network for IPv6.
    pub address: String,
}

impl Store {
    /// The credential of the person of this name in the tenant, or on the platform for `None`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn credential(&self, tenant: Option<&TenantId>, name_or_id: &str) -> Result<Option<Credential>, StoreError> {
        let found = sqlx::query(
            "SELECT u.id AS id, u.name AS name, u.disabled_at_ms AS disabled_at_ms, c.password_hash AS password_hash, \
             c.must_change AS must_change, c.expires_at_ms AS expires_at_ms FROM users u LEFT JOIN credentials c ON c.user_id = u.id \
             WHERE u.kind = 'person' AND u.deleted_at_ms IS NULL AND (u.name = $1 OR u.id = $1) AND COALESCE(u.tenant_id, '') = $2",
        )
        .bind(name_or_id)
        .bind(tenant.map(|t| t.as_str()).unwrap_or_default())
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(Credential {
            user: row::text(&found, "id")?,
            name: row::word(&found, "name")?,
            password_hash: row::text_or_none(&found, "password_hash")?,
            must_change: row::integer_or_none(&found, "must_change")?.unwrap_or(0) != 0,
            expires_at_ms: row::integer_or_none(&found, "expires_at_ms")?,
            enabled: row::integer_or_none(&found, "disabled_at_ms")?.is_none(),
        }))
    }

    /// Gives a person a one-time password that an administrator has made: it must be changed, ends by itself, and ends
    /// every session. What slowed the account down is forgotten.
    ///
    /// # Errors
    /// They are not there, or the database fails.
    pub async fn reset_password(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        password_hash: &str,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let found = self.lock_user(&mut tx, tenant, user, None).await?;
        self.sign_out_everywhere(&mut tx, user, false).await?;
        self.put_one_time_password(&mut tx, cause, tenant, (user, found.name.as_str()), (password_hash, expires_at_ms)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// As [`Self::reset_password`], within the transaction that has locked or made the person.
    pub(crate) async fn put_one_time_password(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        tenant: Option<&TenantId>,
        (user, name): (&str, &str),
        (password_hash, expires_at_ms): (&str, i64),
    ) -> Result<(), StoreError> {
        self.put_credential(tx, user, password_hash, Some(expires_at_ms)).await?;
        let account = account_of(tenant, name);
        sqlx::query("DELETE FROM sign_in_attempts WHERE subject = $1").bind(subject("account", &account)).execute(&mut **tx).await?;
        let detail = json!({"expires_at_ms": expires_at_ms});
        self.audit(tx, cause, done_with_user(tenant, Action::UserResetPassword, user, detail)).await
    }

    /// Sets the password that a person has chosen; every session but `session` ends.
    ///
    /// # Errors
    /// The database fails.
    pub async fn change_password(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        password_hash: &str,
        session: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.put_credential(&mut tx, user, password_hash, None).await?;
        sqlx::query("UPDATE sessions SET ended_at_ms = $3 WHERE user_id = $1 AND id <> $2 AND ended_at_ms IS NULL")
            .bind(user)
            .bind(session.unwrap_or_default())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        let record = crate::audit::Record { action: "password.change", ..done_with_user(tenant, Action::UserEdit, user, json!({})) };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn put_credential(
        &self,
        tx: &mut Transaction,
        user: &str,
        password_hash: &str,
        one_time_until_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO credentials (user_id, password_hash, must_change, expires_at_ms, changed_at_ms) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, must_change = excluded.must_change, \
             expires_at_ms = excluded.expires_at_ms, changed_at_ms = excluded.changed_at_ms",
        )
        .bind(user)
        .bind(password_hash)
        .bind(i64::from(one_time_until_ms.is_some()))
        .bind(one_time_until_ms)
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Replaces a hash by one with the current parameters, if it is still the one that was verified.
    ///
    /// # Errors
    /// The database fails.
    pub async fn rehash_password(&self, user: &str, old_hash: &str, new_hash: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE credentials SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2")
            .bind(user)
            .bind(old_hash)
            .bind(new_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Counts an attempt before its password is looked at; if the account or the address has to wait, answers how long
    /// and counts nothing.
    ///
    /// # Errors
    /// The database fails.
    pub async fn count_attempt(&self, who: &AttemptSubject) -> Result<Option<i64>, StoreError> {
        let now_ms = self.now_ms();
        let mut tx = self.begin().await?;
        let mut counted = Vec::new();
        // Always in this order, so that two transactions never wait for each other.
        for (subject, rule) in [(subject("account", &who.account), &ACCOUNT), (subject("address", &who.address), &ADDRESS)] {
            // The update takes the row's lock: attempts at the same time are counted one after the other.
            let found = sqlx::query(
                "INSERT INTO sign_in_attempts (subject, count, last_at_ms, blocked_until_ms) VALUES ($1, 0, 0, 0) \
                 ON CONFLICT (subject) DO UPDATE SET count = sign_in_attempts.count RETURNING *",
            )
            .bind(subject.as_str())
            .fetch_one(&mut *tx)
            .await?;
            let attempts = Attempts {
                count: row::integer(&found, "count")?,
                last_at_ms: row::integer(&found, "last_at_ms")?,
                blocked_until_ms: row::integer(&found, "blocked_until_ms")?,
            };
            if let Some(wait_ms) = attempts.wait_ms(now_ms) {
                return Ok(Some(wait_ms));
            }
            counted.push((subject, attempts.counted(rule, now_ms)));
        }
        for (subject, attempts) in counted {
            sqlx::query("UPDATE sign_in_attempts SET count = $2, last_at_ms = $3, blocked_until_ms = $4 WHERE subject = $1")
                .bind(subject)
                .bind(attempts.count)
                .bind(attempts.last_at_ms)
                .bind(attempts.blocked_until_ms)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM sign_in_attempts WHERE last_at_ms < $1 AND last_at_ms > 0")
            .bind(now_ms - ATTEMPTS_KEPT_MS)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(None)
    }

    /// An attempt was right: the account's are forgotten, and the address has one less.
    ///
    /// # Errors
    /// The database fails.
    pub async fn forget_attempts(&self, who: &AttemptSubject) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sign_in_attempts WHERE subject = $1").bind(subject("account", &who.account)).execute(&mut *tx).await?;
        sqlx::query("UPDATE sign_in_attempts SET count = count - 1, blocked_until_ms = 0 WHERE subject = $1 AND count > 0")
            .bind(subject("address", &who.address))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The account that attempts on `name` are counted for.
pub fn account_of(tenant: Option<&TenantId>, name: &str) -> String {
    format!("{}/{name}", tenant.map(|t| t.as_str()).unwrap_or_default())
}

/// Bounded, and not readable: what people type may be anything, their password too.
fn subject(kind: &str, text: &str) -> String {
    format!("{kind}:{}", hex::encode(Sha256::digest(text.as_bytes())))
}
