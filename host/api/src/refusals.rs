//! Refusals in the audit log (ROL-7): what somebody was not allowed to do, whoever they are.
//!
//! Invariant: an answer that refuses is noted once: by the handler that knows the place ([`Problem::noted`]), else here.
//! Nobody can fill the log: of one kind of refusal and one caller so many are written in a window of time, the others
//! are counted, and the count is written when the window is over.

use crate::{frame::RequestId, problem::Problem, state::ApiState};
use axum::http::{Method, StatusCode};
use millrace_domain::{Action, Principal, Scope};
use millrace_model::ids::TenantId;
use millrace_store::{Cause, RefusedRequest, StoreError};
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};

/// How long refusals of one caller are counted together.
const WINDOW_MS: i64 = 10 * 60 * 1_000;
/// Refusals of one kind and caller that are written in that time.
const ROWS_MAX: u64 = 10;
/// Callers and kinds that are told apart at one time.
const WINDOWS_MAX: usize = 1_000;

/// Codes of answers that refuse a change because of a limit or a rule, and not because of how it was asked for.
const REFUSING: &[&str] =
    &["quota.exceeded", "project.archived", "project.no_service", "plugin.refused", "resource.refused", "function.refused"];

/// What handlers find out about a request before they answer it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Question>>);

#[derive(Debug, Default, Clone)]
struct Question {
    /// Id and name of the caller.
    actor: Option<(String, String)>,
    /// The tenant that the caller is of.
    home: Option<TenantId>,
    action: Option<Action>,
    place: Option<Scope>,
}

impl Asked {
    /// Somebody has said who they are.
    pub(crate) fn by(&self, who: &Principal) {
        let mut asked = self.0.lock();
        asked.actor = Some((who.user.clone(), who.name.clone()));
        asked.home = who.grants.iter().find_map(|grant| grant.scope.tenant().cloned());
    }

    /// What they want to do, and where.
    pub(crate) fn about(&self, action: Action, place: &Scope) {
        let mut asked = self.0.lock();
        (asked.action, asked.place) = (Some(action), Some(place.clone()));
    }
}

/// A request as its refusal is noted.
pub(crate) struct Refused<'a> {
    pub(crate) id: &'a RequestId,
    pub(crate) asked: &'a Asked,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) address: &'a str,
}

/// Whether the answer is a refusal that nobody has noted yet.
fn is_refusal(problem: &Problem, method: &Method) -> bool {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let refuses = match problem.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::LOCKED => changes,
        _ => changes && REFUSING.contains(&problem.code.as_str()),
    };
    refuses && !problem.is_noted
}

/// Writes the refusal into the audit log, if it is one. The answer is the same if that fails.
pub(crate) async fn note(api: &ApiState, problem: &Problem, refused: Refused<'_>) {
    if !is_refusal(problem, refused.method) {
        return;
    }
    let Question { actor, home, action, place } = refused.asked.0.lock().clone();
    let who = actor.as_ref().map_or(refused.address, |(id, _)| id.as_str());
    if !is_admitted(api, who, &problem.code).await {
        return;
    }
    let (id, name) = actor.clone().unwrap_or_else(|| ("anonymous".to_owned(), "anonymous".to_owned()));
    let cause = Cause { actor: id, actor_name: name, request_id: Some(refused.id.0.clone()) };
    let path: String = refused.path.chars().take(200).collect();
    let detail = json!({
        "code": problem.code, "status": problem.status.as_u16(), "method": refused.method.as_str(), "path": path,
        "address": refused.address,
    });
    // Where a stranger wanted to go is a claim: it belongs to nobody's log but the platform's.
    let scope = place.or(home.map(Scope::Tenant)).filter(|_| actor.is_some());
    let action = action.map_or("request.refused", Action::as_str);
    write(api, &cause, RefusedRequest { scope: scope.as_ref(), action, object: &path, detail }).await;
}

/// Writes into the audit log what the handler that knows the place refuses, each action of a caller being a kind of its own.
///
/// # Errors
/// The database fails.
pub(crate) async fn note_in_place(api: &ApiState, cause: &Cause, action: Action, scope: &Scope, object: &str) -> Result<(), StoreError> {
    match is_admitted(api, &cause.actor, &format!("access.forbidden {action}")).await {
        true => api.store.record_refusal(cause, action, scope, object).await,
        false => Ok(()),
    }
}

/// Whether the refusal is written, or only counted. Writes the counts of windows that are over.
async fn is_admitted(api: &ApiState, who: &str, code: &str) -> bool {
    let Some(over) = api.refusals.admit(who, code, api.store.now_ms()) else { return false };
    for Over { who, code, left_out } in over {
        let detail = json!({"code": code, "of": who, "left_out": left_out, "minutes": WINDOW_MS / 60_000});
        write(api, &Cause::system("audit"), RefusedRequest { scope: None, action: "request.refused", object: &who, detail }).await;
    }
    true
}

async fn write(api: &ApiState, cause: &Cause, refused: RefusedRequest<'_>) {
    if let Err(error) = api.store.record_refused_request(cause, refused).await {
        tracing::warn!(%error, "a refusal could not be written into the audit log");
    }
}

/// A window that is over, in which refusals were left out.
#[derive(Debug, PartialEq, Eq)]
struct Over {
    who: String,
    code: String,
    left_out: u64,
}

#[derive(Debug)]
struct Window {
    since_ms: i64,
    refusals: u64,
}

/// Which refusals are written.
#[derive(Debug, Default)]
pub(crate) struct RefusalGate(Mutex<HashMap<(String, String), Window>>);

impl RefusalGate {
    /// `None`: the refusal is counted and not written. Else the windows that are over since the last time.
    fn admit(&self, who: &str, code: &str, now_ms: i64) -> Option<Vec<Over>> {
        let mut windows = self.0.lock();
        let mut over = Vec::new();
        windows.retain(|(who, code), window| {
            let is_open = now_ms.saturating_sub(window.since_ms) < WINDOW_MS;
            let left_out = window.refusals.saturating_sub(ROWS_MAX);
            if !is_open && left_out > 0 {
                over.push(Over { who: who.clone(), code: code.clone(), left_out });
            }
            is_open
        });
        let mut key = (who.to_owned(), code.to_owned());
        if !windows.contains_key(&key) && windows.len() >= WINDOWS_MAX {
            key.0 = "others".to_owned();
        }
        let window = windows.entry(key).or_insert(Window { since_ms: now_ms, refusals: 0 });
        window.refusals += 1;
        (window.refusals <= ROWS_MAX || !over.is_empty()).then_some(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let gate = RefusalGate::default();
        let written = (0..100).filter(|_| gate.admit("10.0.0.1", "token.required", 0).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(gate.admit("10.0.0.2", "token.required", 0), Some(Vec::new()), "another caller is another matter");
        assert_eq!(gate.admit("10.0.0.1", "request.csrf", 0), Some(Vec::new()));
        let over = Over { who: "10.0.0.1".into(), code: "token.required".into(), left_out: 90 };
        assert_eq!(gate.admit("10.0.0.2", "token.required", WINDOW_MS), Some(vec![over]));
        assert_eq!(gate.admit("10.0.0.1", "token.required", WINDOW_MS), Some(Vec::new()), "a new window");
    }

    #[test]
    fn many_callers_are_counted_together() {
        let gate = RefusalGate::default();
        let written = (0..10_000).filter(|n| gate.admit(&format!("10.0.0.{n}"), "token.required", 0).is_some()).count();
        assert_eq!(written, WINDOWS_MAX + 10);
        assert!(gate.0.lock().len() <= WINDOWS_MAX + 1);
    }
}
