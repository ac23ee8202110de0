//! Keys that secrets are sealed with (SRC-3): which there were, and rotation. No key is ever answered.

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    problem::Problem,
};
use axum::Json;
use millrace_domain::{Action, Scope};
use millrace_store::{KeyView, Rotation};
use serde::Serialize;
use utoipa::ToSchema;

/// A key, without what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretKeyView {
    /// Its id, which tells nothing of the key.
    id: String,
    /// `active`: it seals; `retiring`: it opens what is not sealed anew yet; `retired`: it opens nothing.
    state: &'static str,
    created_at_ms: i64,
    retired_at_ms: Option<i64>,
}

impl From<KeyView> for SecretKeyView {
    fn from(key: KeyView) -> Self {
        Self { id: key.id, state: key.state.as_str(), created_at_ms: key.created_at_ms, retired_at_ms: key.retired_at_ms }
    }
}

/// The keys that there were.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretKeysView {
    /// The newest first.
    items: Vec<SecretKeyView>,
    /// What the caller can do: `rotate`.
    allowed_actions: Vec<&'static str>,
}

/// How far a rotation is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotationView {
    /// Id of the new key.
    key: String,
    /// Secrets that this call has sealed anew.
    resealed: u64,
    /// Whether the old key is out of use. If not, call again: it goes on.
    done: bool,
    /// Servers that must learn of the new key first, which takes some seconds.
    waiting_for: Vec<String>,
}

impl From<Rotation> for RotationView {
    fn from(rotation: Rotation) -> Self {
        let Rotation { key, resealed, done, waiting_for } = rotation;
        Self { key, resealed, done, waiting_for }
    }
}

/// List the keys that secrets are or were sealed with.
#[utoipa::path(get, path = "/api/v1/keys", tag = "platform", responses((status = 200, body = SecretKeysView)))]
pub(crate) async fn list_keys(caller: Caller) -> Result<Json<SecretKeysView>, Problem> {
    caller.on_platform(Action::PlatformObserve).await?;
    let items = caller.api.store.secret_keys().await?.into_iter().map(SecretKeyView::from).collect();
    let allowed_actions = allowed(&caller, &Scope::Platform, [("rotate", Action::KeyRotate, true)]);
    Ok(Json(SecretKeysView { items, allowed_actions }))
}

/// Seal all secrets with a new key and take the old one out of use. Goes on with a rotation that has not ended.
#[utoipa::path(post, path = "/api/v1/keys/rotate", tag = "platform", responses((status = 200, body = RotationView)))]
pub(crate) async fn rotate_keys(caller: Caller) -> Result<Json<RotationView>, Problem> {
    caller.on_platform(Action::KeyRotate).await?;
    let (store, cause) = (caller.api.store.clone(), caller.cause());
    Ok(Json(to_the_end(async move { store.rotate_keys(&cause).await }).await??.into()))
}
