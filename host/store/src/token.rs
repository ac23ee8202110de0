//! Tokens of machines and people, the users behind them, and signing in by token.
//!
//! Invariant: only the SHA-256 of a token's secret is stored. A secret has 256 random bits, so a plain hash is enough:
//! there is nothing to guess from a dictionary.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in_tenant, row};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use millrace_domain::{Action, Grant, Name, Principal, ProjectScope, Role, Scope, TokenScope};
use millrace_model::ids::{ProjectId, TenantId};
use rand::RngCore;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{Any, Transaction, any::AnyRow};
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
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("mrt_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// A secret that was made before, from a file or from a request.
    pub fn presented(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret in clear: to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
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

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Id, `tok_…`.
    pub id: String,
    /// What it is for.
    pub name: Name,
    /// What it may be used for.
    pub scopes: BTreeSet<TokenScope>,
    /// Role of its user.
    pub role: Role,
    /// Project of that role.
    pub project: Option<ProjectId>,
    /// Who made it.
    pub created_by: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Ends at.
    pub expires_at_ms: Option<i64>,
    /// Last seen at, to the minute.
    pub last_used_at_ms: Option<i64>,
    /// Ended by somebody at.
    pub revoked_at_ms: Option<i64>,
}

/// A token just made: the only time that its secret is there.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// Its secret.
    pub secret: TokenSecret,
}

struct Issue<'a> {
    tenant: Option<&'a TenantId>,
    new: &'a NewToken,
    secret: &'a TokenSecret,
    created_by: &'a str,
}

impl Store {
    /// Makes a token with a service user of its own.
    ///
    /// # Errors
    /// The database fails.
    pub async fn create_token(&self, cause: &Cause, tenant: &TenantId, new: &NewToken) -> Result<IssuedToken, StoreError> {
        let secret = TokenSecret::generate();
        let mut tx = self.begin().await?;
        let token = self.issue(&mut tx, Issue { tenant: Some(tenant), new, secret: &secret, created_by: &cause.actor }).await?;
        let detail = json!({"name": new.name, "role": new.role, "project": new.project, "scopes": new.scopes});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TokenCreate, &token.id, detail)).await?;
        tx.commit().await?;
        Ok(IssuedToken { token, secret })
    }

    /// Makes `secret` a token of a platform administrator, unless it is one already. The server calls it at start with
    /// the secret of its administrator file.
    ///
    /// # Errors
    /// The secret is too short, or the database fails.
    pub async fn ensure_admin_token(&self, name: &Name, secret: &TokenSecret) -> Result<(), StoreError> {
        if secret.0.len() < SECRET_CHARACTERS_MIN {
            let message = format!("has {} characters, at least {SECRET_CHARACTERS_MIN} are needed", secret.0.len());
            return Err(StoreError::Invalid { field: "admin token", message });
        }
        let mut tx = self.begin().await?;
        let found = sqlx::query("SELECT id FROM tokens WHERE secret_hash = $1").bind(secret.hash()).fetch_optional(&mut *tx).await?;
        if found.is_none() {
            let scopes = TokenScope::ALL.iter().copied().collect();
            let new = NewToken { name: name.clone(), role: Role::PlatformAdmin, project: None, scopes, expires_at_ms: None };
            self.issue(&mut tx, Issue { tenant: None, new: &new, secret, created_by: "system" }).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn issue(&self, tx: &mut Transaction<'static, Any>, issue: Issue<'_>) -> Result<Token, StoreError> {
        let now_ms = self.now_ms();
        let (user, tenant) = (self.new_id("usr"), issue.tenant.map(|t| t.as_str().to_owned()));
        let new = issue.new;
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
            name: new.name.clone(),
            scopes: new.scopes.clone(),
            role: new.role,
            project: new.project.clone(),
            created_by: issue.created_by.to_owned(),
            created_at_ms: now_ms,
            expires_at_ms: new.expires_at_ms,
            last_used_at_ms: None,
            revoked_at_ms: None,
        };
        sqlx::query(
            "INSERT INTO tokens (id, user_id, tenant_id, name, secret_hash, scopes, created_by, created_at_ms, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
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
            "SELECT t.id AS token_id, t.scopes AS scopes, t.last_used_at_ms AS last_used_at_ms, u.id AS user_id, u.name AS user_name \
             FROM tokens t JOIN users u ON u.id = t.user_id \
             WHERE t.secret_hash = $1 AND t.revoked_at_ms IS NULL AND (t.expires_at_ms IS NULL OR t.expires_at_ms > $2)",
        )
        .bind(secret.hash())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let user = row::text(&found, "user_id")?;
        let grants = sqlx::query("SELECT role, tenant_id, project_id FROM role_grants WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_all(&self.pool)
            .await?;
        let used_before_ms = row::integer_or_none(&found, "last_used_at_ms")?.unwrap_or(0);
        if now_ms - used_before_ms >= LAST_USED_STEP_MS {
            sqlx::query("UPDATE tokens SET last_used_at_ms = $2 WHERE id = $1")
                .bind(row::text(&found, "token_id")?)
                .bind(now_ms)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(Principal {
            user,
            name: row::text(&found, "user_name")?,
            grants: grants.iter().map(grant).collect::<Result<_, _>>()?,
            token_scopes: row::json(&found, "scopes")?,
        }))
    }

    /// The tokens of `tenant`, ended ones too.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn tokens(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Token>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.*, g.role AS role, g.project_id AS project_id FROM tokens t JOIN role_grants g ON g.user_id = t.user_id \
             WHERE t.tenant_id = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let tokens = rows.iter().map(token).collect::<Result<_, _>>()?;
        Ok(page.page(tokens, |t: &Token| &t.id))
    }

    /// Ends a token at once. Doing it twice changes nothing.
    ///
    /// # Errors
    /// The tenant has no such token, or the database fails.
    pub async fn revoke_token(&self, cause: &Cause, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query("UPDATE tokens SET revoked_at_ms = COALESCE(revoked_at_ms, $3) WHERE tenant_id = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(id)
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("token", id));
        }
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TokenRevoke, id, json!({}))).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn grant(found: &AnyRow) -> Result<Grant, StoreError> {
    let tenant = row::text_or_none(found, "tenant_id")?.map(TenantId::new);
    let project = row::text_or_none(found, "project_id")?.map(ProjectId::new);
    let scope = match (tenant, project) {
        (None, None) => Scope::Platform,
        (Some(tenant), None) => Scope::Tenant(tenant),
        (Some(tenant), Some(project)) => Scope::Project(ProjectScope::new(tenant, project)),
        (None, Some(project)) => return Err(StoreError::Corrupt(format!("a grant names the project {project} but no tenant"))),
    };
    Ok(Grant { role: row::word(found, "role")?, scope })
}

fn token(found: &AnyRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: row::text(found, "id")?,
        name: row::word(found, "name")?,
        scopes: row::json(found, "scopes")?,
        role: row::word(found, "role")?,
        project: row::text_or_none(found, "project_id")?.map(ProjectId::new),
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        expires_at_ms: row::integer_or_none(found, "expires_at_ms")?,
        last_used_at_ms: row::integer_or_none(found, "last_used_at_ms")?,
        revoked_at_ms: row::integer_or_none(found, "revoked_at_ms")?,
    })
}
