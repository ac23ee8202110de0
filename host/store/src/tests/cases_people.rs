//! Users, roles, sessions, sign-in attempts, tokens of persons, identity providers.

use super::{Fixture, ann, name};
use crate::{
    AttemptSubject, AuditQuery, NewIdentityProvider, NewPersonalToken, NewSession, NewUser, PageRequest, ProvisionedUser, SignInFlow,
    Store, StoreError, TokenOwner, TokenSecret, User, UserChange, UserFilter, account_of,
};
use millrace_domain::{Action, Grant, ProjectScope, Role, Scope, TokenLimit, TokenScope};
use millrace_model::ids::TenantId;
use serde_json::json;

pub(super) async fn person(store: &Store, tenant: Option<&TenantId>, who: &str) -> User {
    let new = NewUser { name: name(who), display_name: format!("{who} of the River"), email: format!("{who}@example.com") };
    store.create_user(&ann(), tenant, &new).await.unwrap()
}

pub(super) async fn give(store: &Store, user: &User, grants: &[(Role, Scope)]) -> Result<(), StoreError> {
    let grants: Vec<Grant> = grants.iter().map(|(role, scope)| Grant { role: *role, scope: scope.clone() }).collect();
    let revision = store.person(&user.id).await.unwrap().unwrap().revision;
    store.set_grants(&ann(), user.tenant.as_ref(), &user.id, &grants, revision).await
}

async fn session(store: &Store, user: &User) -> TokenSecret {
    let new = NewSession {
        tenant: user.tenant.clone(),
        user: user.id.clone(),
        method: "password".into(),
        address: "192.0.2.1".into(),
        agent: "test".into(),
        idle_ms: 1_000,
        lasts_ms: 5_000,
    };
    store.begin_session(&ann(), &new).await.unwrap().1
}

pub(super) async fn users_are_found_changed_and_removed(fixture: Fixture) {
    let store = &fixture.store;
    let (a, b) = (fixture.project("acme", "web").await, fixture.project("bolt", "web").await);
    let home = Some(&a.tenant);
    let bob = person(store, home, "bob").await;
    person(store, home, "carla").await;
    person(store, Some(&b.tenant), "bob").await;
    let taken = store.create_user(&ann(), home, &NewUser { name: name("bob"), display_name: String::new(), email: String::new() }).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists { what: "user", .. })), "{taken:?}");
    let find = async |search: &str, enabled| {
        let filter = UserFilter { search: Some(search.into()), enabled };
        let found = store.users(home, &filter, &PageRequest::default()).await.unwrap();
        found.items.iter().map(|u| u.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(find("", None).await, ["carla", "bob"]);
    assert_eq!(find("CARLA@", None).await, ["carla"]);
    assert_eq!(find("of the river", None).await.len(), 2);
    for wild in ["%", "_", "!"] {
        assert!(find(wild, None).await.is_empty(), "{wild} is a letter like any other");
    }
    assert!(matches!(store.user(Some(&b.tenant), &bob.id).await, Err(StoreError::NotFound { .. })), "another tenant's");
    let change = UserChange { display_name: Some("Bob".into()), ..UserChange::default() };
    let changed = store.change_user(&ann(), home, &bob.id, &change, Some(1)).await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.email.as_str(), changed.revision), ("Bob", "bob@example.com", 2));
    let lost = store.change_user(&ann(), home, &bob.id, &change, Some(1)).await;
    assert!(matches!(lost, Err(StoreError::RevisionConflict { found: 2, .. })), "{lost:?}");
    let secret = session(store, &bob).await;
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    store.change_user(&ann(), home, &bob.id, &off, None).await.unwrap();
    assert!(store.resume_session(&secret).await.unwrap().is_none(), "who is disabled is out");
    assert_eq!(find("", Some(false)).await, ["bob"]);
    store.delete_user(&ann(), home, &bob.id).await.unwrap();
    assert_eq!(find("", None).await, ["carla"]);
    person(store, home, "bob").await;
    let query = AuditQuery { action: Some("user.*".into()), ..AuditQuery::default() };
    let log = store.audit_log(&a.tenant, &query, &PageRequest::default()).await.unwrap();
    let words: Vec<_> = log.items.into_iter().map(|e| e.action).collect();
    assert_eq!(words, ["user.create", "user.delete", "user.edit", "user.edit", "user.create", "user.create"]);
}

pub(super) async fn the_last_administrator_stays(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let (home, all) = (Some(&scope.tenant), Scope::Tenant(scope.tenant.clone()));
    let (bob, carla) = (person(store, home, "bob").await, person(store, home, "carla").await);
    give(store, &bob, &[(Role::TenantAdmin, all.clone()), (Role::Developer, Scope::Project(scope.clone()))]).await.unwrap();
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    let refusals = [
        store.change_user(&ann(), home, &bob.id, &off, None).await.unwrap_err(),
        store.delete_user(&ann(), home, &bob.id).await.unwrap_err(),
        give(store, &bob, &[(Role::Developer, all.clone())]).await.unwrap_err(),
        give(store, &bob, &[(Role::TenantAdmin, Scope::Project(scope.clone()))]).await.unwrap_err(),
    ];
    for refused in refusals {
        let expected = "user `bob` is in use: they are the last person who is tenant_admin; make somebody else tenant_admin first";
        assert_eq!(refused.to_string(), expected);
    }
    assert_eq!(store.grants(&bob.id).await.unwrap().len(), 2, "nothing was changed");
    give(store, &carla, &[(Role::TenantAdmin, all.clone())]).await.unwrap();
    // Two administrators remove each other at the same moment: one stays.
    let cause = ann();
    let (one, other) = tokio::join!(store.delete_user(&cause, home, &bob.id), store.delete_user(&cause, home, &carla.id));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let left = if one.is_ok() { &carla } else { &bob };
    store.user(home, &left.id).await.unwrap();
    let members = store.members(&scope, &PageRequest::default()).await.unwrap().items;
    assert_eq!(members.len(), usize::from(one.is_err()), "roles go with the user");
}

pub(super) async fn sessions_end(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let home = Some(&scope.tenant);
    let bob = person(store, home, "bob").await;
    give(store, &bob, &[(Role::Developer, Scope::Project(scope.clone()))]).await.unwrap();
    let secret = session(store, &bob).await;
    let found = store.resume_session(&secret).await.unwrap().expect("signed in");
    assert!(found.principal.allowed(Action::JobEdit, &Scope::Project(scope.clone())));
    assert!(!found.must_change_password);
    assert_eq!(store.sessions(&bob.id, &PageRequest::default()).await.unwrap().items, std::slice::from_ref(&found.session));
    assert!(store.resume_session(&TokenSecret::presented("mrs_wrong")).await.unwrap().is_none());
    fixture.advance(1_000);
    assert!(store.resume_session(&secret).await.unwrap().is_none(), "idle for too long");

    let secret = session(store, &bob).await;
    let other = session(store, &bob).await;
    store
        .change_password(&ann(), home, &bob.id, "hash", Some(&store.resume_session(&other).await.unwrap().unwrap().session.id))
        .await
        .unwrap();
    assert!(store.resume_session(&secret).await.unwrap().is_none(), "a new password ends the other sessions");
    let id = store.resume_session(&other).await.unwrap().unwrap().session.id;
    let foreign = store.end_session(&ann(), home, "usr_other", &id, "session.end").await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
    store.end_session(&ann(), home, &bob.id, &id, "session.sign_out").await.unwrap();
    assert!(store.resume_session(&other).await.unwrap().is_none());

    let secret = session(store, &bob).await;
    store.reset_password(&ann(), home, &bob.id, "one-time", store.now_ms() + 10).await.unwrap();
    assert!(store.resume_session(&secret).await.unwrap().is_none(), "a reset ends all");
    let secret = session(store, &bob).await;
    assert!(store.resume_session(&secret).await.unwrap().unwrap().must_change_password);
    let log = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap().items;
    assert!(!format!("{log:?}").contains(secret.reveal()) && !format!("{log:?}").contains("one-time"));
}

pub(super) async fn guessing_is_slowed_down(fixture: Fixture) {
    let store = &fixture.store;
    let who = |account: &str, address: &str| AttemptSubject { account: account.into(), address: address.into() };
    let try_in = async |account: &str, address: &str| store.count_attempt(&who(account, address)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(try_in("t/bob", "192.0.2.1").await, None);
    }
    assert_eq!(try_in("t/bob", "192.0.2.1").await, Some(30_000));
    assert_eq!(try_in("t/bob", "192.0.2.2").await, Some(30_000), "from elsewhere too");
    assert_eq!(try_in("t/carla", "192.0.2.1").await, None, "others are not held up");
    fixture.advance(30_000);
    assert_eq!(try_in("t/bob", "192.0.2.1").await, None);
    assert_eq!(try_in("t/bob", "192.0.2.1").await, Some(60_000), "the wait grows");
    store.forget_attempts(&who("t/bob", "192.0.2.1")).await.unwrap();
    assert_eq!(try_in("t/bob", "192.0.2.1").await, None, "forgotten after a right one");
    for number in 0..30 {
        try_in(&format!("t/guess{number}"), "192.0.2.9").await;
    }
    assert_eq!(try_in("t/bob", "192.0.2.9").await, Some(30_000), "one address cannot try one password on every account");
    let dan = who("t/dan", "192.0.2.3");
    let at_once = futures::future::join_all((0..10).map(|_| store.count_attempt(&dan)));
    let let_in = at_once.await.into_iter().filter(|tried| matches!(tried, Ok(None))).count();
    assert_eq!(let_in, 5, "attempts at the same time do not get more tries");
}

pub(super) async fn a_reset_lets_a_locked_account_in(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let bob = person(store, Some(&scope.tenant), "bob").await;
    let who = AttemptSubject { account: account_of(Some(&scope.tenant), "bob"), address: "192.0.2.1".into() };
    for _ in 0..6 {
        store.count_attempt(&who).await.unwrap();
    }
    assert!(store.count_attempt(&who).await.unwrap().is_some());
    store.reset_password(&ann(), Some(&scope.tenant), &bob.id, "hash", store.now_ms() + 10).await.unwrap();
    assert_eq!(store.count_attempt(&who).await.unwrap(), None);
    let found = store.credential(Some(&scope.tenant), "bob").await.unwrap().unwrap();
    assert!(found.must_change && found.expires_at_ms == Some(store.now_ms() + 10) && found.enabled);
    assert!(store.credential(None, "bob").await.unwrap().is_none());
}

pub(super) async fn a_persons_token_follows_the_person(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let home = Some(&scope.tenant);
    let here = Scope::Project(scope.clone());
    let bob = person(store, home, "bob").await;
    give(store, &bob, &[(Role::Developer, here.clone()), (Role::GlobalDataAdmin, Scope::Tenant(scope.tenant.clone()))]).await.unwrap();
    let limit = TokenLimit { role: Some(Role::Developer), tenant: home.cloned(), project: Some(scope.project.clone()) };
    let new = NewPersonalToken { name: name("laptop"), limit, scopes: [TokenScope::Read, TokenScope::Write].into(), expires_at_ms: None };
    let issued = store.create_personal_token(&ann(), home, &bob.id, &new).await.unwrap();
    assert_eq!((issued.token.owner.as_deref(), issued.token.role), (Some("bob"), Some(Role::Developer)));
    let principal = store.sign_in(&issued.secret).await.unwrap().expect("signed in");
    assert_eq!((principal.user.as_str(), principal.name.as_str()), (bob.id.as_str(), "bob"));
    assert!(principal.allowed(Action::JobEdit, &here) && !principal.allowed(Action::InstanceStart, &here));
    assert!(!principal.allowed(Action::DataSourceCreate, &here), "the other role is not the token's");
    assert_eq!(
        store.tokens(TokenOwner::Tenant(&scope.tenant), &PageRequest::default()).await.unwrap().items.len(),
        1,
        "administrators see it too"
    );
    give(store, &bob, &[(Role::Member, here.clone())]).await.unwrap();
    let principal = store.sign_in(&issued.secret).await.unwrap().expect("signed in");
    assert!(principal.grants.is_empty(), "a role that is gone is gone from the token");
    let mine = store.tokens(TokenOwner::Person { user: &bob.id, tenant: home }, &PageRequest::default()).await.unwrap().items;
    assert_eq!(mine.len(), 1);
    let foreign = store.revoke_token(&ann(), TokenOwner::Person { user: "usr_other", tenant: home }, &issued.token.id).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
    store.delete_user(&ann(), home, &bob.id).await.unwrap();
    assert!(store.sign_in(&issued.secret).await.unwrap().is_none(), "a removed user's tokens end");
}

pub(super) async fn identities_belong_to_one_provider(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let home = Some(&scope.tenant);
    let new = NewIdentityProvider { name: name("corp"), client_secret: Some("s3cret".into()), settings: json!({"issuer": "https://id"}) };
    let corp = store.put_identity_provider(&ann(), home, &new, None).await.unwrap();
    let same = NewIdentityProvider { client_secret: None, settings: json!({"issuer": "https://other"}), ..new };
    let changed = store.put_identity_provider(&ann(), home, &same, Some(1)).await.unwrap();
    assert_eq!((changed.client_secret.as_str(), changed.revision, &changed.id), ("s3cret", 2, &corp.id));
    let stale = store.put_identity_provider(&ann(), home, &same, Some(1)).await.err().map(|e| e.to_string());
    assert!(stale.is_some_and(|e| e.contains("was changed meanwhile")));
    assert!(store.identity_providers(None).await.unwrap().is_empty());

    let flow = SignInFlow {
        provider: corp.id.clone(),
        nonce: "n".into(),
        verifier: "v".into(),
        return_to: "/".into(),
        expires_at_ms: store.now_ms() + 10,
    };
    store.begin_flow("state", "browser", &flow).await.unwrap();
    assert!(store.take_flow("state", "another browser").await.unwrap().is_none());
    let taken = store.take_flow("state", "browser").await.unwrap().expect("the same browser");
    assert_eq!((taken.verifier.as_str(), taken.nonce.as_str()), ("v", "n"));
    assert!(store.take_flow("state", "browser").await.unwrap().is_none(), "only once");
    store.begin_flow("state", "browser", &flow).await.unwrap();
    fixture.advance(10);
    assert!(store.take_flow("state", "browser").await.unwrap().is_none(), "too late");

    person(store, home, "bob").await;
    let provision = ProvisionedUser {
        names: vec![name("bob"), name("bob-2")],
        display_name: "Bob".into(),
        email: "bob@example.com".into(),
        grants: vec![Grant { role: Role::Developer, scope: Scope::Project(scope.clone()) }],
    };
    assert!(matches!(store.external_user(&ann(), &corp, "s1", None).await, Err(StoreError::NotFound { .. })));
    let made = store.external_user(&ann(), &corp, "s1", Some(&provision)).await.unwrap();
    assert_eq!(store.person(&made).await.unwrap().unwrap().name, name("bob-2"), "never an existing user by name");
    assert_eq!(store.grants(&made).await.unwrap(), provision.grants);
    assert_eq!(store.external_user(&ann(), &corp, "s1", Some(&provision)).await.unwrap(), made);
    let bob = store.user(home, "bob").await.unwrap();
    store.link_external_user(&ann(), &corp, "s2", &bob.id).await.unwrap();
    assert!(matches!(store.link_external_user(&ann(), &corp, "s1", &bob.id).await, Err(StoreError::AlreadyExists { .. })));
    assert_eq!(store.external_user(&ann(), &corp, "s2", None).await.unwrap(), bob.id);
    store.link_external_user(&ann(), &corp, "s3", &bob.id).await.unwrap();
    let linked = store.external_identities(&corp, &PageRequest::default()).await.unwrap().items;
    let shown: Vec<_> =
        linked.iter().map(|i| (i.user_name.to_string(), i.subjects.iter().map(|(s, _)| s.as_str()).collect::<Vec<_>>())).collect();
    assert_eq!(shown, [("bob-2".to_owned(), vec!["s1"]), ("bob".to_owned(), vec!["s2", "s3"])]);
    let begun = NewSession {
        tenant: home.cloned(),
        user: bob.id.clone(),
        method: corp.id.clone(),
        address: "192.0.2.1".into(),
        agent: "test".into(),
        idle_ms: 1_000,
        lasts_ms: 5_000,
    };
    let (_, there) = store.begin_session(&ann(), &begun).await.unwrap();
    let here = session(store, &bob).await;
    store.unlink_external_user(&ann(), &corp, "s2").await.unwrap();
    assert!(matches!(store.external_user(&ann(), &corp, "s2", None).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.unlink_external_user(&ann(), &corp, "s2").await, Err(StoreError::NotFound { .. })));
    assert!(store.resume_session(&there).await.unwrap().is_none() && store.resume_session(&here).await.unwrap().is_some());
    assert_eq!(store.person_of_subject(&corp, "s3").await.unwrap(), bob.id);
    store.delete_identity_provider(&ann(), home, "corp").await.unwrap();
    let log = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest::default()).await.unwrap().items;
    assert!(!format!("{log:?}").contains("s3cret"));
}

pub(super) async fn the_log_is_searched_by_time_and_kind(fixture: Fixture) {
    let store = &fixture.store;
    let scope: ProjectScope = fixture.project("acme", "web").await;
    let begun_ms = store.now_ms();
    fixture.advance(100);
    person(store, Some(&scope.tenant), "bob").await;
    person(store, None, "root").await;
    let count = async |query: AuditQuery| store.audit_log(&scope.tenant, &query, &PageRequest::default()).await.unwrap().items.len();
    assert_eq!(count(AuditQuery { from_ms: Some(begun_ms + 1), ..AuditQuery::default() }).await, 1);
    assert_eq!(count(AuditQuery { until_ms: Some(begun_ms + 100), ..AuditQuery::default() }).await, 2);
    assert_eq!(count(AuditQuery { action: Some("project.*".into()), ..AuditQuery::default() }).await, 1);
    assert_eq!(count(AuditQuery { action: Some("_______.*".into()), ..AuditQuery::default() }).await, 0);
    assert_eq!(count(AuditQuery { project: Some(scope.project.clone()), ..AuditQuery::default() }).await, 1);
    let platform = store.platform_audit_log(&AuditQuery::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(platform.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(), ["user.create"]);
}
