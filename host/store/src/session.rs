//! Sessions of persons in a browser or on the command line.
//!
//! Invariant: only the SHA-256 of a session's secret is stored, as for tokens. A session ends when it was idle for too
//! long, at its absolute end, when it is ended, and when its person is disabled or removed.

use crate::{Cause, Page, PageRequest, Store, StoreError, TokenSecret, audit::Record, row, user::done_with_user};
use millrace_domain::{Action, Principal, TokenScope};
use millrace_model::ids::TenantId;
use serde_json::json;
use sqlx::any::AnyRow;

/// A use within this time after the last one is not written again.
const LAST_USED_STEP_MS: i64 = 60_000;
/// Characters of a browser's description that are kept.
const AGENT_CHARACTERS_MAX: usize = 200;

/// A session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Id, `ses_…`.
    pub id: String,
    /// Id of the person.
    pub user: String,
    /// `password`, or the id of an identity provider.
    pub method: String,
    /// Where it was begun from.
    pub address: String,
    /// What the client called itself.
    pub agent: String,
    /// Begun at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last seen at, to the minute.
    pub last_used_at_ms: i64,
    /// Ends after this time without use.
    pub idle_ms: i64,
    /// Ends at the latest.
    pub expires_at_ms: i64,
}

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The person's tenant; none for the platform.
    pub tenant: Option<TenantId>,
    /// Id of the person.
    pub user: String,
    /// `password`, or the id of an identity provider.
    pub method: String,
    /// Where from.
    pub address: String,
    /// What the client calls itself.
    pub agent: String,
    /// Ends after this time without use.
    pub idle_ms: i64,
    /// Ends after this time at the latest.
    pub lasts_ms: i64,
}

/// A person who came in by session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub principal: Principal,
    /// By which session.
    pub session: Session,
    /// The person's tenant.
    pub tenant: Option<TenantId>,
    /// The password must be changed before anything else.
    pub must_change_password: bool,
}

impl Store {
    /// Begins a session; answers its secret, which is there only now.
    ///
    /// # Errors
    /// The person is not there or disabled, or the database fails.
    pub async fn begin_session(&self, cause: &Cause, new: &NewSession) -> Result<(Session, TokenSecret), StoreError> {
        let secret = TokenSecret::generate_session();
        let now_ms = self.now_ms();
        let session = Session {
            id: self.new_id("ses"),
            user: new.user.clone(),
            method: new.method.clone(),
            address: new.address.clone(),
            agent: new.agent.chars().take(AGENT_CHARACTERS_MAX).collect(),
            created_at_ms: now_ms,
            last_used_at_ms: now_ms,
            idle_ms: new.idle_ms,
            expires_at_ms: now_ms.saturating_add(new.lasts_ms),
        };
        let mut tx = self.begin().await?;
        let signed_in =
            sqlx::query("UPDATE users SET last_sign_in_at_ms = $2 WHERE id = $1 AND disabled_at_ms IS NULL AND deleted_at_ms IS NULL")
                .bind(new.user.as_str())
                .bind(now_ms)
                .execute(&mut *tx)
                .await?;
        if signed_in.rows_affected() == 0 {
            return Err(StoreError::not_found("user", new.user.as_str()));
        }
        // What has ended long ago is of no use; the audit log has who came and went.
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND (ended_at_ms IS NOT NULL OR expires_at_ms < $2)")
            .bind(new.user.as_str())
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (id, user_id, secret_hash, method, address, agent, created_at_ms, last_used_at_ms, idle_ms, \
             expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
        )
        .bind(session.id.as_str())
        .bind(session.user.as_str())
        .bind(secret.hash())
        .bind(session.method.as_str())
        .bind(session.address.as_str())
        .bind(session.agent.as_str())
        .bind(now_ms)
        .bind(session.idle_ms)
        .bind(session.expires_at_ms)
        .execute(&mut *tx)
        .await?;
        let detail = json!({"session": session.id, "method": session.method, "address": session.address});
        let record = Record { action: "session.sign_in", ..done_with_user(new.tenant.as_ref(), Action::UserView, &session.user, detail) };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok((session, secret))
    }

    /// Who presents the secret of a session; none if there is no such session or it has ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn resume_session(&self, secret: &TokenSecret) -> Result<Option<SignedIn>, StoreError> {
        self.session_of(secret, true).await
    }

    /// As [`Self::resume_session`], but not as a use: the session ends after its time without use as if nobody had asked.
    ///
    /// # Errors
    /// The database fails.
    pub async fn look_at_session(&self, secret: &TokenSecret) -> Result<Option<SignedIn>, StoreError> {
        self.session_of(secret, false).await
    }

    async fn session_of(&self, secret: &TokenSecret, is_use: bool) -> Result<Option<SignedIn>, StoreError> {
        let now_ms = self.now_ms();
        let found = sqlx::query(
            "SELECT s.*, u.name AS user_name, u.tenant_id AS tenant_id, c.must_change AS must_change \
             FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN credentials c ON c.user_id = u.id \
             WHERE s.secret_hash = $1 AND s.ended_at_ms IS NULL AND s.expires_at_ms > $2 AND s.last_used_at_ms + s.idle_ms > $2 \
             AND u.disabled_at_ms IS NULL AND u.deleted_at_ms IS NULL",
        )
        .bind(secret.hash())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let session = session(&found)?;
        if is_use && now_ms - session.last_used_at_ms >= LAST_USED_STEP_MS {
            sqlx::query("UPDATE sessions SET last_used_at_ms = $2 WHERE id = $1")
                .bind(session.id.as_str())
                .bind(now_ms)
                .execute(&self.pool)
                .await?;
        }
        let by_password = session.method == "password";
        Ok(Some(SignedIn {
            principal: Principal {
                user: session.user.clone(),
                name: row::text(&found, "user_name")?,
                on_behalf_of: None,
                grants: self.grants(&session.user).await?,
                token_scopes: TokenScope::ALL.iter().copied().collect(),
            },
            session,
            tenant: row::text_or_none(&found, "tenant_id")?.map(TenantId::new),
            must_change_password: by_password && row::integer_or_none(&found, "must_change")?.unwrap_or(0) != 0,
        }))
    }

    /// The sessions of a person that have not ended, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn sessions(&self, user: &str, page: &PageRequest) -> Result<Page<Session>, StoreError> {
        let now_ms = self.now_ms();
        let rows = sqlx::query(
            "SELECT * FROM sessions WHERE user_id = $1 AND id < $2 AND ended_at_ms IS NULL AND expires_at_ms > $3 \
             AND last_used_at_ms + idle_ms > $3 ORDER BY id DESC LIMIT $4",
        )
        .bind(user)
        .bind(page.before()?)
        .bind(now_ms)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let sessions = rows.iter().map(session).collect::<Result<_, _>>()?;
        Ok(page.page(sessions, |s: &Session| &s.id))
    }

    /// Ends a session of a person; `action` says how: `session.sign_out` or `session.end`.
    ///
    /// # Errors
    /// They have no such session, or the database fails.
    pub async fn end_session(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        id: &str,
        action: &'static str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let ended = sqlx::query("UPDATE sessions SET ended_at_ms = COALESCE(ended_at_ms, $3) WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user)
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Err(StoreError::not_found("session", id));
        }
        let record = Record { action, ..done_with_user(tenant, Action::UserView, user, json!({"session": id})) };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes that somebody tried to sign in and was refused; `user` only if there is one of the name that was given.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_failed_sign_in(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: Option<&str>,
        address: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let detail = json!({"address": address, "reason": reason});
        let object = user.unwrap_or("unknown");
        let record = Record { tenant, project: None, action: "session.sign_in", object, outcome: crate::Outcome::Refused, detail };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn session(found: &AnyRow) -> Result<Session, StoreError> {
    Ok(Session {
        id: row::text(found, "id")?,
        user: row::text(found, "user_id")?,
        method: row::text(found, "method")?,
        address: row::text(found, "address")?,
        agent: row::text(found, "agent")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        last_used_at_ms: row::integer(found, "last_used_at_ms")?,
        idle_ms: row::integer(found, "idle_ms")?,
        expires_at_ms: row::integer(found, "expires_at_ms")?,
    })
}
