//! Machines and the persons behind them: who decides, what ends with whom, the administrator's token of each worker.

use super::{
    Fixture, ann,
    cases_approval::application,
    cases_definition::everything,
    cases_people::{give, person},
    name,
};
use crate::{
    ApprovalQuery, ApprovalReader, ApprovalView, AuditQuery, Cause, NewToken, NewUser, PageRequest, Store, StoreError, TokenOwner,
    TokenSecret, UserChange,
};
use millrace_domain::{Grant, Principal, ProjectScope, Role, Scope, TokenScope, approval::Standing};

fn by(actor: &str) -> Cause {
    Cause { actor: actor.into(), actor_name: actor.into(), request_id: None }
}

/// A token of an administrator of the tenant, made by `maker`, and whoever bears it.
async fn machine(store: &Store, scope: &ProjectScope, maker: &str) -> (TokenSecret, Principal) {
    let scopes = TokenScope::ALL.iter().copied().collect();
    let new = NewToken { name: name("machine"), role: Role::TenantAdmin, project: None, scopes, expires_at_ms: None };
    let secret = store.create_token(&by(maker), &scope.tenant, &new).await.unwrap().secret;
    let principal = store.sign_in(&secret).await.unwrap().expect("signed in");
    (secret, principal)
}

/// Nobody agrees to their own request through a machine, or as themselves to one of a machine of theirs.
pub(super) async fn a_machine_does_not_decide_for_its_maker(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let topic = everything(store, &scope).await.topic;
    let (_, first) = machine(store, &scope, "usr_ann").await;
    // Made with the first one: the same person is behind it.
    let (_, second) = machine(store, &scope, &first.user).await;
    let (_, other) = machine(store, &scope, "usr_bob").await;
    assert_eq!((first.person(), second.person(), other.person()), ("usr_ann", "usr_ann", "usr_bob"));
    let in_person = Principal { user: "usr_ann".into(), on_behalf_of: None, ..first.clone() };
    let own = store.request_approval(&ann(), &application(&scope, &topic, "usr_ann")).await.unwrap();
    let of_machine = store.request_approval(&by(&first.user), &application(&scope, &topic, "usr_carla")).await.unwrap();
    assert_eq!((of_machine.applicant.as_str(), of_machine.applicant_person.as_str()), (first.user.as_str(), "usr_ann"));
    for asked in [&own, &of_machine] {
        for (who, is_applicant) in [(&in_person, true), (&first, true), (&second, true), (&other, false)] {
            let applicant = (asked.applicant.as_str(), asked.applicant_person.as_str());
            let standing = Standing::of(who, applicant, asked.kind, &asked.scope());
            assert_eq!((standing.is_applicant, standing.is_decider), (is_applicant, true), "{} {}", who.user, asked.number);
        }
    }
    let numbers = async |who: &Principal, view| {
        let reader = ApprovalReader::of(who, &scope.tenant);
        let found = store.approvals(&scope.tenant, &reader, view, &ApprovalQuery::default(), &PageRequest::default()).await.unwrap();
        found.items.iter().map(|a| a.number).collect::<Vec<_>>()
    };
    for who in [&in_person, &first, &second] {
        assert_eq!(numbers(who, ApprovalView::WaitingForMe).await, [0; 0]);
        assert_eq!(numbers(who, ApprovalView::RequestedByMe).await, [2, 1]);
    }
    assert_eq!(numbers(&other, ApprovalView::WaitingForMe).await, [2, 1]);
    assert_eq!(numbers(&other, ApprovalView::RequestedByMe).await, [0; 0]);
}

/// Whoever is disabled or removed is out at once, with every machine that they have let in.
pub(super) async fn machines_end_with_whoever_made_them(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let home = Some(&scope.tenant);
    for is_removed in [false, true] {
        let boss = person(store, home, if is_removed { "eve" } else { "bob" }).await;
        let (first, bearer) = machine(store, &scope, &boss.id).await;
        let (second, _) = machine(store, &scope, &bearer.user).await;
        let (others, _) = machine(store, &scope, "usr_ann").await;
        if is_removed {
            store.delete_user(&ann(), home, &boss.id).await.unwrap();
        } else {
            let off = UserChange { enabled: Some(false), ..UserChange::default() };
            store.change_user(&ann(), home, &boss.id, &off, None).await.unwrap();
        }
        for secret in [&first, &second] {
            assert!(store.sign_in(secret).await.unwrap().is_none(), "a machine stays when its maker is gone");
        }
        assert!(store.sign_in(&others).await.unwrap().is_some());
    }
}

/// A data folder that has another administrator's token than before leaves no second one behind.
pub(super) async fn a_worker_has_one_administrators_token(fixture: Fixture) {
    let store = &fixture.store;
    let (first, second, other) = (TokenSecret::generate(), TokenSecret::generate(), TokenSecret::generate());
    let admin = name("admin");
    assert!(store.ensure_admin_token(&admin, "w1", &first).await.unwrap());
    assert!(store.ensure_admin_token(&admin, "w2", &other).await.unwrap());
    assert!(store.sign_in(&first).await.unwrap().is_some());
    assert!(store.ensure_admin_token(&admin, "w1", &second).await.unwrap());
    assert!(store.sign_in(&first).await.unwrap().is_none(), "the worker has another one now");
    assert!(store.sign_in(&second).await.unwrap().is_some() && store.sign_in(&other).await.unwrap().is_some());
    assert!(!store.ensure_admin_token(&admin, "w9", &first).await.unwrap(), "what was revoked stays so");

    let listed = store.tokens(TokenOwner::Platform, &PageRequest::default()).await.unwrap().items;
    let shown: Vec<_> = listed.iter().map(|t| format!("{:?} {}", t.worker, t.revoked_at_ms.is_some())).collect();
    assert_eq!(shown, [r#"Some("w1") false"#, r#"Some("w2") false"#, r#"Some("w1") true"#]);
    let scope = fixture.project("acme", "web").await;
    let (tenants, _) = machine(store, &scope, "usr_ann").await;
    let of_tenant = store.tokens(TokenOwner::Tenant(&scope.tenant), &PageRequest::default()).await.unwrap().items;
    assert!(
        matches!(store.revoke_token(&ann(), TokenOwner::Platform, &of_tenant[0].id).await, Err(StoreError::NotFound { .. })),
        "a tenant's"
    );
    assert!(store.sign_in(&tenants).await.unwrap().is_some());
    store.revoke_token(&ann(), TokenOwner::Platform, &listed[1].id).await.unwrap();
    assert!(store.sign_in(&other).await.unwrap().is_none());
    let query = AuditQuery { action: Some("token.*".into()), ..AuditQuery::default() };
    let log = store.platform_audit_log(&query, &PageRequest::default()).await.unwrap();
    let log: Vec<_> = log.items.into_iter().map(|e| format!("{} {}", e.actor_name, e.action)).collect();
    let expected = ["ann token.revoke", "server token.revoke", "server token.create", "server token.create", "server token.create"];
    assert_eq!(log, expected);
}

/// A second server of the same name is noticed before it ends the first one's token.
pub(super) async fn another_server_of_the_same_name_is_seen(fixture: Fixture) {
    let store = &fixture.store;
    let (first, second) = (TokenSecret::generate(), TokenSecret::generate());
    assert_eq!(store.other_server_of("w1", &first).await.unwrap(), None);
    assert!(store.ensure_admin_token(&name("local-admin"), "w1", &first).await.unwrap());
    store.refresh_keys("w1").await.unwrap();
    assert_eq!(store.other_server_of("w1", &first).await.unwrap(), None, "itself is no other");
    assert_eq!(store.other_server_of("w2", &second).await.unwrap(), None, "another name is another worker");
    let seen = store.other_server_of("w1", &second).await.unwrap().expect("the first one");
    fixture.advance(5_000);
    store.refresh_keys("w1").await.unwrap();
    assert_eq!(store.other_server_of("w1", &second).await.unwrap(), Some(seen + 5_000));
}

/// A person is made with roles and password, or not at all.
pub(super) async fn an_account_is_made_whole(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let home = Some(&scope.tenant);
    let new = |who: &str| NewUser { name: name(who), display_name: String::new(), email: String::new() };
    let grant = Grant { role: Role::Developer, scope: Scope::Project(scope.clone()) };
    let many = vec![grant.clone(); 1_000];
    let refused = store.create_account(&ann(), home, &new("bob"), &many, Some(("hash", 5))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Invalid { field: "roles", .. }), "{refused}");
    assert!(matches!(store.user(home, "bob").await, Err(StoreError::NotFound { .. })), "half an account is left");
    let made = store.create_account(&ann(), home, &new("bob"), std::slice::from_ref(&grant), Some(("hash", 5))).await.unwrap();
    assert!(made.has_password && store.grants(&made.id).await.unwrap() == [grant]);
    let credential = store.credential(home, "bob").await.unwrap().unwrap();
    assert!(credential.must_change && credential.expires_at_ms == Some(5));
    give(store, &made, &[]).await.unwrap();
}
