//! Approvals: decided once, with their effect, by somebody else than the applicant.

use super::{Fixture, ann, cases_definition::everything};
use crate::{
    Approval, ApprovalQuery, ApprovalReader, ApprovalView, AuditQuery, Cause, Decision, NewApproval, PageRequest, Store, StoreError,
    SweptApprovals,
};
use millrace_domain::{
    ApprovalEvent, ApprovalKind, ApprovalState, Grant, Principal, ProjectScope, Role, Scope, TokenScope, approval::Standing,
};
use millrace_model::ids::TopicId;
use serde_json::json;

const DECIDER: Standing = Standing { is_applicant: false, is_decider: true };

pub(super) fn bob() -> Cause {
    Cause { actor: "usr_bob".into(), actor_name: "bob".into(), request_id: None }
}

fn decision(event: ApprovalEvent, opinion: &str) -> Decision {
    let standing = match event {
        ApprovalEvent::Withdraw => Standing { is_applicant: true, is_decider: false },
        ApprovalEvent::Approve | ApprovalEvent::Reject | ApprovalEvent::Expire => DECIDER,
    };
    Decision { event, standing, opinion: opinion.into() }
}

pub(super) fn application(scope: &ProjectScope, table: &TopicId, grantee: &str) -> NewApproval {
    NewApproval {
        kind: ApprovalKind::TablePermission,
        scope: Scope::Project(scope.clone()),
        environment: None,
        subject: table.to_string(),
        subject_name: "web.clicks".into(),
        open_key: format!("{table}/{grantee}"),
        for_project: None,
        reason: "for the report".into(),
        payload: json!({
            "grantee_kind": "person", "grantee": grantee, "grantee_name": grantee,
            "permissions": ["select", "insert"], "columns": [], "expires_at_ms": null,
        }),
    }
}

async fn setup(fixture: &Fixture) -> (ProjectScope, TopicId) {
    let scope = fixture.project("acme", "web").await;
    let topic = everything(&fixture.store, &scope).await.topic;
    (scope, topic)
}

fn reader(user: &str, role: Role, scope: Scope) -> Principal {
    let token_scopes = TokenScope::ALL.iter().copied().collect();
    Principal { user: user.into(), name: user.into(), on_behalf_of: None, grants: vec![Grant { role, scope }], token_scopes }
}

async fn numbers(store: &Store, scope: &ProjectScope, principal: &Principal, view: ApprovalView, query: &ApprovalQuery) -> Vec<i64> {
    let reader = ApprovalReader::of(principal, &scope.tenant);
    let found = store.approvals(&scope.tenant, &reader, view, query, &PageRequest::default()).await.unwrap();
    let counted = store.count_approvals(&scope.tenant, &reader, view, query).await.unwrap();
    assert_eq!(counted, found.items.len() as i64);
    found.items.iter().map(|a| a.number).collect()
}

async fn steps(store: &Store, of: &Approval) -> Vec<String> {
    let history = store.approval_history(&of.tenant, &of.id).await.unwrap();
    history.iter().map(|s| format!("{} by {}: {} ({})", s.event, s.actor_name, s.state, s.note)).collect()
}

pub(super) async fn an_approval_is_decided_once_with_its_effect(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, topic) = setup(&fixture).await;
    let asked = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    assert_eq!((asked.number, asked.state, asked.due_at_ms > asked.created_at_ms), (1, ApprovalState::Pending, true));
    let again = store.request_approval(&bob(), &application(&scope, &topic, "usr_ann")).await.unwrap_err();
    assert_eq!(again.to_string(), "request 1 of `ann` asks for the same and waits for a decision; withdraw it before you ask anew");
    assert!(store.table_grants(&scope, &topic).await.unwrap().is_empty());

    let done = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Approve, " fine ")).await.unwrap();
    assert_eq!((done.state, done.opinion.as_deref(), done.decided_by.as_deref()), (ApprovalState::Approved, Some("fine"), Some("usr_bob")));
    let grants = store.table_grants(&scope, &topic).await.unwrap();
    assert_eq!(grants.len(), 2);
    assert_eq!(done.result.as_ref().unwrap()[0]["grant"], json!(grants[0].id));
    for event in [ApprovalEvent::Approve, ApprovalEvent::Reject, ApprovalEvent::Withdraw] {
        let late = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(event, "late")).await.unwrap_err();
        assert_eq!(late.to_string(), format!("`{event}` is not possible: the request is approved already"));
    }
    assert_eq!(steps(store, &done).await, ["request by ann: pending (for the report)", "approve by bob: approved (fine)"]);
    let log = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap();
    let words: Vec<_> = log.items.iter().take(3).map(|e| format!("{} {}", e.actor_name, e.action)).collect();
    assert_eq!(words, ["bob table_permission.approve", "bob permission.grant", "ann table_permission.request"]);

    // Once ended, the same can be asked for again; a withdrawn request has no effect.
    let next = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    let by_number = store.approval(&scope.tenant, "2").await.unwrap();
    assert_eq!(by_number, next);
    let withdrawn = store.decide_approval(&ann(), &scope.tenant, &next.id, &decision(ApprovalEvent::Withdraw, "")).await.unwrap();
    assert_eq!((withdrawn.state, withdrawn.decided_by), (ApprovalState::Withdrawn, None));
    let elsewhere = fixture.project("bolt", "web").await;
    assert!(matches!(store.approval(&elsewhere.tenant, asked.id.as_str()).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn nobody_decides_their_own_request(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, topic) = setup(&fixture).await;
    let asked = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    let own = Decision { standing: Standing { is_applicant: true, is_decider: true }, ..decision(ApprovalEvent::Approve, "") };
    let refused = store.decide_approval(&ann(), &scope.tenant, &asked.id, &own).await.unwrap_err();
    assert!(refused.to_string().starts_with("nobody decides their own request"), "{refused}");
    let foreign = Decision { standing: DECIDER, ..decision(ApprovalEvent::Withdraw, "") };
    let refused = store.decide_approval(&bob(), &scope.tenant, &asked.id, &foreign).await.unwrap_err();
    assert!(refused.to_string().starts_with("only the applicant can withdraw"), "{refused}");
    let silent = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Reject, "  ")).await.unwrap_err();
    assert!(silent.to_string().starts_with("opinion: is empty"), "{silent}");
    let long = "x".repeat(2_001);
    let long = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Reject, &long)).await.unwrap_err();
    assert!(long.to_string().contains("at most 2000"), "{long}");
    assert_eq!(store.approval(&scope.tenant, "1").await.unwrap().state, ApprovalState::Pending);
    let rejected =
        store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Reject, "ask the owner")).await.unwrap();
    assert_eq!((rejected.state, rejected.opinion.as_deref()), (ApprovalState::Rejected, Some("ask the owner")));
    assert!(store.table_grants(&scope, &topic).await.unwrap().is_empty());
}

pub(super) async fn two_servers_decide_once(fixture: Fixture) {
    let (scope, topic) = setup(&fixture).await;
    let servers = [fixture.store.clone(), fixture.reopen().await];
    for round in 0..8 {
        let who = format!("usr_{round}");
        let asked = servers[round % 2].request_approval(&ann(), &application(&scope, &topic, &who)).await.unwrap();
        let attempts = (0..6).map(|n| {
            let (store, scope, id) = (servers[n % 2].clone(), scope.clone(), asked.id.clone());
            let event = [ApprovalEvent::Approve, ApprovalEvent::Reject, ApprovalEvent::Withdraw][n % 3];
            tokio::spawn(async move { store.decide_approval(&bob(), &scope.tenant, &id, &decision(event, "decided")).await })
        });
        let outcomes: Vec<_> = futures::future::join_all(attempts).await.into_iter().map(Result::unwrap).collect();
        let (done, late): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), late.len()), (1, 5), "round {round}");
        assert!(late.iter().all(|l| matches!(l, Err(StoreError::Approval(_)))), "{late:?}");
        let done = done.into_iter().next().unwrap().unwrap();
        let given = servers[0].table_grants(&scope, &topic).await.unwrap().iter().filter(|g| g.permit.grantee.id() == who).count();
        assert_eq!(given, if done.state == ApprovalState::Approved { 2 } else { 0 }, "{done:?}");
        assert_eq!(steps(&servers[1], &done).await.len(), 2);
    }
    // Requests at the same time get numbers without gaps, and the same is asked for once.
    let asked = (0..8).map(|n| {
        let (store, new) = (servers[n % 2].clone(), application(&scope, &topic, &format!("usr_new{}", n / 2)));
        tokio::spawn(async move { store.request_approval(&ann(), &new).await })
    });
    let outcomes: Vec<_> = futures::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let mut numbers: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().ok()).map(|a| a.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [9, 10, 11, 12], "{outcomes:?}");
    servers[1].close().await;
}

pub(super) async fn the_inbox_shows_what_concerns_the_reader(fixture: Fixture) {
    let store = &fixture.store;
    let (web, topic) = setup(&fixture).await;
    let risk = fixture.project("acme", "risk").await;
    let other = everything(store, &risk).await.topic;
    let in_project = |scope: &ProjectScope| Scope::Project(scope.clone());
    store.request_approval(&ann(), &application(&web, &topic, "usr_ann")).await.unwrap();
    let second = NewApproval { for_project: Some(web.project.clone()), ..application(&risk, &other, "usr_ann") };
    store.request_approval(&ann(), &second).await.unwrap();
    store.request_approval(&bob(), &application(&web, &topic, "usr_bob")).await.unwrap();

    let any = ApprovalQuery::default();
    let of_web = reader("usr_eve", Role::ProjectDataAdmin, in_project(&web));
    let of_tenant = reader("usr_bob", Role::TenantAdmin, Scope::Tenant(web.tenant.clone()));
    let developer = reader("usr_ann", Role::Developer, in_project(&web));
    let outsider = reader("usr_joe", Role::Developer, in_project(&risk));
    let platform = reader("usr_root", Role::PlatformAdmin, Scope::Platform);
    use ApprovalView::{DecidedByMe, RequestedByMe, Visible, WaitingForMe};
    let cases = [
        ("a decider of the project", &of_web, WaitingForMe, vec![3, 1]),
        ("a decider of the tenant, without their own", &of_tenant, WaitingForMe, vec![2, 1]),
        ("a decider of everything", &platform, WaitingForMe, vec![3, 2, 1]),
        ("a developer decides nothing", &developer, WaitingForMe, vec![]),
        ("their own", &developer, RequestedByMe, vec![2, 1]),
        ("those of their project", &of_web, Visible, vec![3, 2, 1]),
        ("those of another project", &outsider, Visible, vec![2]),
        ("all", &of_tenant, Visible, vec![3, 2, 1]),
        ("nothing decided yet", &of_web, DecidedByMe, vec![]),
    ];
    for (case, who, view, expected) in cases {
        assert_eq!(numbers(store, &web, who, view, &any).await, expected, "{case}");
    }
    let elsewhere = fixture.project("bolt", "web").await;
    assert!(numbers(store, &elsewhere, &of_tenant, Visible, &any).await.is_empty());

    let first = store.approval(&web.tenant, "1").await.unwrap();
    let eve = Cause { actor: "usr_eve".into(), actor_name: "eve".into(), request_id: None };
    store.decide_approval(&eve, &web.tenant, &first.id, &decision(ApprovalEvent::Approve, "")).await.unwrap();
    assert_eq!(numbers(store, &web, &of_web, WaitingForMe, &any).await, [3]);
    assert_eq!(numbers(store, &web, &of_web, DecidedByMe, &any).await, [1]);
    let filters = [
        (ApprovalQuery { state: Some(ApprovalState::Approved), ..any.clone() }, vec![1]),
        (ApprovalQuery { is_open: Some(true), ..any.clone() }, vec![3, 2]),
        (ApprovalQuery { is_open: Some(false), ..any.clone() }, vec![1]),
        (ApprovalQuery { project: Some(risk.project.clone()), ..any.clone() }, vec![2]),
        (ApprovalQuery { subject: Some(other.to_string()), ..any.clone() }, vec![2]),
        (ApprovalQuery { kind: Some(ApprovalKind::TablePermission), ..any.clone() }, vec![3, 2, 1]),
    ];
    for (query, expected) in filters {
        assert_eq!(numbers(store, &web, &platform, Visible, &query).await, expected, "{query:?}");
    }
}

pub(super) async fn deadlines_pass_and_reminders_come_once(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, topic) = setup(&fixture).await;
    let asked = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    assert_eq!(store.sweep_approvals().await.unwrap(), SweptApprovals::default());
    let lasts_ms = asked.due_at_ms - asked.created_at_ms;
    fixture.advance(lasts_ms / 2);
    let decider = reader("usr_bob", Role::ProjectDataAdmin, Scope::Project(scope.clone()));
    let reminded = |is_reminded| ApprovalQuery { is_reminded: Some(is_reminded), ..ApprovalQuery::default() };
    let waiting = ApprovalView::WaitingForMe;
    assert_eq!(numbers(store, &scope, &decider, waiting, &reminded(false)).await, [1]);
    assert_eq!(store.sweep_approvals().await.unwrap(), SweptApprovals { expired: 0, reminded: 1 });
    assert_eq!(numbers(store, &scope, &decider, waiting, &reminded(true)).await, [1], "whoever decides sees the reminder");
    assert_eq!(numbers(store, &scope, &decider, waiting, &reminded(false)).await, [0; 0]);
    assert_eq!(store.sweep_approvals().await.unwrap(), SweptApprovals::default());
    fixture.advance(lasts_ms);
    let late = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Approve, "")).await.unwrap_err();
    assert_eq!(late.to_string(), "`approve` is not possible: the request is expired already", "also before the sweep has seen it");
    assert_eq!(store.sweep_approvals().await.unwrap(), SweptApprovals { expired: 1, reminded: 0 });
    let expired = store.approval(&scope.tenant, "1").await.unwrap();
    assert_eq!(
        (expired.state, expired.reminded_at_ms.is_some(), expired.ended_at_ms),
        (ApprovalState::Expired, true, Some(store.now_ms()))
    );
    let since = |ended_since_ms| ApprovalQuery {
        state: Some(ApprovalState::Expired),
        ended_since_ms: Some(ended_since_ms),
        ..ApprovalQuery::default()
    };
    let applicant = reader("usr_ann", Role::Developer, Scope::Project(scope.clone()));
    let requested = ApprovalView::RequestedByMe;
    assert_eq!(
        numbers(store, &scope, &applicant, requested, &since(store.now_ms())).await,
        [1],
        "whoever has asked sees that nobody answered"
    );
    assert_eq!(numbers(store, &scope, &applicant, requested, &since(store.now_ms() + 1)).await, [0; 0]);
    let steps = steps(store, &expired).await;
    assert_eq!(steps[1..], ["remind by deadlines: pending ()", "expire by deadlines: expired ()"]);
}

pub(super) async fn an_effect_that_is_not_possible_leaves_the_request_pending(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, topic) = setup(&fixture).await;
    let asked = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    store.delete_topic(&ann(), &scope, &topic).await.unwrap();
    let refused = store.decide_approval(&bob(), &scope.tenant, &asked.id, &decision(ApprovalEvent::Approve, "")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { code: "permission.no_table", .. }), "{refused}");
    assert_eq!(store.approval(&scope.tenant, "1").await.unwrap().state, ApprovalState::Pending);
    assert_eq!(steps(store, &asked).await.len(), 1);
}
