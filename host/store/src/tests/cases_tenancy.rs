//! Tenants, projects, tokens, audit and the schema itself.

use super::{Fixture, ann, name};
use crate::{AuditQuery, Cause, InstanceRequest, NewToken, PageRequest, ResourceFilter, Store, StoreError, TokenOwner, TokenSecret};
use millrace_domain::{Action, InstanceState, Role, Scope, TokenScope};

pub(super) async fn names_are_unique_among_siblings(fixture: Fixture) {
    let store = &fixture.store;
    let a = fixture.project("acme", "web").await;
    let b = fixture.project("bolt", "web").await;
    assert_ne!(a.project, b.project, "another tenant may use the same name");
    let taken = store.create_project(&ann(), &a.tenant, &name("web"), "").await.unwrap_err();
    assert_eq!(taken.to_string(), "project `web` exists already");
    let taken = store.create_tenant(&ann(), &name("acme"), "").await.unwrap_err();
    assert!(matches!(taken, StoreError::AlreadyExists { what: "tenant", .. }));
}

pub(super) async fn a_tenant_never_sees_anothers_data(fixture: Fixture) {
    let store = &fixture.store;
    let a = fixture.project("acme", "web").await;
    let b = fixture.project("bolt", "web").await;
    let made = super::cases_definition::everything(store, &a).await;
    let resource = super::cases_resource::push(store, &a, "rows", "h1", b"rows").await.unwrap();
    let mut crossed = b.clone();
    crossed.project = a.project.clone();
    for scope in [&b, &crossed] {
        assert!(matches!(store.data_source(scope, made.source.as_str()).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.connection(scope, made.source.as_str()).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.topic(scope, "clicks").await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.plugin(scope, "clean").await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.resource(scope, resource.id.as_str()).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.resource_version(scope, &resource.id, "1").await, Err(StoreError::NotFound { .. })));
        assert!(store.resources(scope, &ResourceFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
        assert!(store.delete_resource(&ann(), scope, &resource.id).await.is_err());
        assert!(matches!(store.job(scope, "clean-clicks").await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.version(scope, &made.version).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.instance(scope, &made.instance).await, Err(StoreError::NotFound { .. })));
        let start = InstanceRequest::Start { from: None, parameters: None };
        let foreign = store.request_instance(&ann(), scope, &made.instance, &start).await;
        assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
        assert!(store.topics(scope, &PageRequest::default()).await.unwrap().items.is_empty());
        assert!(store.instances(scope, &Default::default(), &PageRequest::default()).await.unwrap().items.is_empty());
        assert!(store.delete_data_source(&ann(), scope, &made.source).await.is_err());
        assert!(store.delete_topic(&ann(), scope, &made.topic).await.is_err());
        assert!(store.delete_job(&ann(), scope, &made.job).await.is_err());
    }
    assert!(matches!(store.component(&b.tenant, &made.content_hash).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.content_piece(&b.tenant, "h1", 0).await.unwrap(), None);
    assert_eq!(store.component(&a.tenant, &made.content_hash).await.unwrap(), b"component");
    let log = store.audit_log(&b.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap();
    assert!(log.items.iter().all(|e| e.object != made.instance.as_str()), "refusals by not-found leave no trace of the object");
}

pub(super) async fn pages_are_complete_and_newest_first(fixture: Fixture) {
    let store = &fixture.store;
    let tenant = store.create_tenant(&ann(), &name("acme"), "").await.unwrap().id;
    for number in 0..5 {
        store.create_project(&ann(), &tenant, &name(&format!("p{number}")), "").await.unwrap();
    }
    let mut found = Vec::new();
    let mut page = PageRequest { cursor: None, limit: Some(2) };
    loop {
        let answer = store.projects(&tenant, None, false, &page).await.unwrap();
        assert!(answer.items.len() <= 2);
        found.extend(answer.items.iter().map(|p| p.name.as_str().to_owned()));
        // What is made meanwhile does not disturb the pages that follow.
        store.create_project(&ann(), &tenant, &name(&format!("late{}", found.len())), "").await.unwrap();
        match answer.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(found, ["p4", "p3", "p2", "p1", "p0"]);
    page.cursor = Some("p' OR 1=1".into());
    assert!(matches!(store.projects(&tenant, None, false, &page).await, Err(StoreError::Invalid { field: "cursor", .. })));
}

pub(super) async fn tokens_sign_in_until_they_end(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let new = NewToken {
        name: name("ci"),
        role: Role::Developer,
        project: Some(scope.project.clone()),
        scopes: [TokenScope::Read, TokenScope::Write].into(),
        expires_at_ms: Some(store.now_ms() + 10_000),
    };
    let issued = store.create_token(&ann(), &scope.tenant, &new).await.unwrap();
    let principal = store.sign_in(&issued.secret).await.unwrap().expect("signed in");
    assert!(principal.allowed(Action::JobEdit, &Scope::Project(scope.clone())));
    assert!(!principal.allowed(Action::InstanceStart, &Scope::Project(scope.clone())), "the token's scopes narrow the role");
    let listed = store.tokens(TokenOwner::Tenant(&scope.tenant), &PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].last_used_at_ms, Some(store.now_ms()));
    assert_eq!(listed[0].scopes, new.scopes);
    assert!(!format!("{issued:?}").contains(issued.secret.reveal()));
    let wrong = TokenSecret::presented("mrt_wrong");
    assert!(store.sign_in(&wrong).await.unwrap().is_none());
    fixture.advance(10_000);
    assert!(store.sign_in(&issued.secret).await.unwrap().is_none(), "it has ended");

    let endless = NewToken { expires_at_ms: None, ..new };
    let issued = store.create_token(&ann(), &scope.tenant, &endless).await.unwrap();
    let other = fixture.project("bolt", "web").await;
    assert!(matches!(
        store.revoke_token(&ann(), TokenOwner::Tenant(&other.tenant), &issued.token.id).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(store.sign_in(&issued.secret).await.unwrap().is_some());
    store.revoke_token(&ann(), TokenOwner::Tenant(&scope.tenant), &issued.token.id).await.unwrap();
    assert!(store.sign_in(&issued.secret).await.unwrap().is_none(), "it was revoked");
}

pub(super) async fn the_administrators_token_is_made_once(fixture: Fixture) {
    let store = &fixture.store;
    let secret = TokenSecret::generate();
    for _ in 0..2 {
        assert!(store.ensure_admin_token(&name("admin"), "w1", &secret).await.unwrap());
    }
    let principal = store.sign_in(&secret).await.unwrap().expect("signed in");
    assert_eq!(principal.grants.len(), 1);
    assert!(principal.allowed(Action::TenantCreate, &Scope::Platform));
    let short = store.ensure_admin_token(&name("admin"), "w1", &TokenSecret::presented("admin")).await.unwrap_err();
    assert_eq!(short.to_string(), "admin token: has 5 characters, at least 32 are needed");
}

pub(super) async fn archiving_stops_instances_and_closes_the_project(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = super::cases_definition::everything(store, &scope).await;
    store.request_instance(&ann(), &scope, &made.instance, &InstanceRequest::Start { from: None, parameters: None }).await.unwrap();
    let archived = store.archive_project(&ann(), &scope).await.unwrap();
    assert_eq!(archived.archived_at_ms, Some(store.now_ms()));
    assert_eq!(store.instance(&scope, &made.instance).await.unwrap().state, InstanceState::Stopping);
    assert!(store.projects(&scope.tenant, None, false, &PageRequest::default()).await.unwrap().items.is_empty());
    assert_eq!(store.projects(&scope.tenant, None, true, &PageRequest::default()).await.unwrap().items.len(), 1);
    let closed = store.delete_topic(&ann(), &scope, &made.topic).await.unwrap_err();
    assert_eq!(closed.to_string(), "project `web` is archived and cannot be changed");
    assert!(store.topic(&scope, "clicks").await.is_ok(), "its data stays");
    fixture.advance(5);
    assert_eq!(store.archive_project(&ann(), &scope).await.unwrap().archived_at_ms, archived.archived_at_ms);
}

pub(super) async fn changes_and_refusals_are_in_the_audit_log(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    super::cases_definition::everything(store, &scope).await;
    let place = Scope::Project(scope.clone());
    store.record_refusal(&ann(), Action::JobDelete, &place, "job_x").await.unwrap();
    let all = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap().items;
    let words: Vec<_> = all.iter().map(|e| format!("{} {}", e.action, e.outcome)).collect();
    assert_eq!(
        words,
        [
            "job.delete refused",
            "instance.create done",
            "job.submit done",
            "job.create done",
            "plugin.upload done",
            "topic.create done",
            "data_source.create done",
            "project.create done",
            "tenant.create done",
        ]
    );
    assert!(all.iter().all(|e| e.actor == "usr_ann" && e.request_id.as_deref() == Some("req_1") && e.at_ms == store.now_ms()));
    assert!(!format!("{all:?}").contains("hunter2"), "no secrets in the log");
    let query = AuditQuery { outcome: Some("refused".into()), actor: Some("ann".into()), ..AuditQuery::default() };
    assert_eq!(store.audit_log(&scope.tenant, &query, &PageRequest::default()).await.unwrap().items.len(), 1);
    let query = AuditQuery { actor: Some("bob".into()), ..AuditQuery::default() };
    assert!(store.audit_log(&scope.tenant, &query, &PageRequest::default()).await.unwrap().items.is_empty());
    let failed = store.create_project(&Cause::system("test"), &scope.tenant, &name("web"), "").await;
    assert!(failed.is_err());
    let after = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(after.len(), all.len(), "what was rolled back is not in the log");
}

pub(super) async fn opening_twice_migrates_once(fixture: Fixture) {
    fixture.project("acme", "web").await;
    let (first, second) = tokio::join!(fixture.reopen(), fixture.reopen());
    for store in [first, second] {
        assert_eq!(store.tenant("acme").await.unwrap().name, name("acme"));
        store.ping().await.unwrap();
        store.close().await;
    }
    sqlx::query("INSERT INTO schema_versions (version, applied_at_ms) VALUES (999, 0)").execute(&fixture.store.pool).await.unwrap();
    let options = crate::StoreOptions::new(fixture.url.clone(), crate::SecretKey::new(&[1; 32]));
    assert!(matches!(Store::open(options).await, Err(StoreError::NewerSchema { found: 999, .. })));
}
