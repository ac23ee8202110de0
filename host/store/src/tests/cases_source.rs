//! Bindings of data sources per environment, and rotation of the key of secrets (SRC-3).

use super::{Fixture, ann, name};
use crate::{
    BindingTest, DataSource, DataSourceChange, KeyKeeper, KeyState, NewDataSource, NewIdentityProvider, SecretKey, Store, StoreError,
    StoreOptions,
};
use millrace_domain::{Environment, ProjectScope, capability::PluginCapabilities};
use serde_json::json;
use sqlx::{AssertSqlSafe, Row};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

fn properties(host: &str, password: &str) -> BTreeMap<String, String> {
    [("host", host), ("password", password)].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
}

fn change(properties: BTreeMap<String, String>, expected_revision: Option<i64>) -> DataSourceChange {
    DataSourceChange { description: String::new(), properties, expected_revision }
}

async fn source(store: &Store, scope: &ProjectScope, called: &str) -> DataSource {
    let new = NewDataSource {
        name: name(called),
        kind: "mysql".into(),
        description: String::new(),
        properties: properties("test.db", "for-tests"),
    };
    store.create_data_source(&ann(), scope, &new).await.unwrap()
}

async fn password(store: &Store, scope: &ProjectScope, called: &str, environment: Environment) -> Result<String, StoreError> {
    let mut found = store.connection_in(scope, called, environment).await?.properties;
    Ok(found.remove("password").unwrap())
}

pub(super) async fn each_environment_has_its_own_way(fixture: Fixture) {
    let (store, scope) = (&fixture.store, fixture.project("acme", "web").await);
    let made = source(store, &scope, "shop").await;
    for environment in [Environment::Design, Environment::Test] {
        assert_eq!(password(store, &scope, "shop", environment).await.unwrap(), "for-tests");
    }
    let unbound = password(store, &scope, "shop", Environment::Production).await.unwrap_err();
    assert!(matches!(unbound, StoreError::Conflict { code: "data_source.unbound", .. }), "{unbound}");
    assert!(unbound.to_string().contains("`shop` has no production binding"), "{unbound}");

    let bound = store.bind_production(&ann(), &scope, &made.id, &change(properties("db", "for-real"), None)).await.unwrap();
    assert_eq!((bound.revision, bound.properties["password"].as_str()), (1, "***"));
    assert_eq!(password(store, &scope, "shop", Environment::Production).await.unwrap(), "for-real");
    assert_eq!(password(store, &scope, "shop", Environment::Test).await.unwrap(), "for-tests");
    let bindings = store.bindings(&scope, "shop").await.unwrap();
    let shown: Vec<_> =
        bindings.iter().map(|b| (b.environment, b.properties["host"].as_str(), b.properties["password"].as_str())).collect();
    assert_eq!(shown, [(Environment::Test, "test.db", "***"), (Environment::Production, "db", "***")]);

    // A revision that was overtaken is refused; a change of tests does not touch production.
    let again = store.bind_production(&ann(), &scope, &made.id, &change(properties("db2", "for-real"), Some(1))).await.unwrap();
    assert_eq!((again.revision, again.properties["host"].as_str()), (2, "db2"));
    assert_eq!(password(store, &scope, "shop", Environment::Production).await.unwrap(), "for-real");
    let late = store.bind_production(&ann(), &scope, &made.id, &change(properties("db3", "x"), Some(1))).await.unwrap_err();
    assert!(matches!(late, StoreError::RevisionConflict { found: 2, .. }), "{late}");
    store.change_data_source(&ann(), &scope, &made.id, &change(properties("other", "new"), None)).await.unwrap();
    assert_eq!(password(store, &scope, "shop", Environment::Production).await.unwrap(), "for-real");

    let foreign = fixture.project("bolt", "web").await;
    assert!(matches!(store.bindings(&foreign, made.id.as_str()).await, Err(StoreError::NotFound { .. })));
    assert!(store.bind_production(&ann(), &foreign, &made.id, &change(properties("evil", "x"), None)).await.is_err());
    assert!(store.unbind_production(&ann(), &foreign, &made.id).await.is_err());
    store.unbind_production(&ann(), &scope, &made.id).await.unwrap();
    assert!(matches!(store.unbind_production(&ann(), &scope, &made.id).await, Err(StoreError::NotFound { .. })));
    assert!(password(store, &scope, "shop", Environment::Production).await.is_err());
    store.delete_data_source(&ann(), &scope, &made.id).await.unwrap();
}

pub(super) async fn a_production_secret_opens_nowhere_else(fixture: Fixture) {
    let (store, scope) = (&fixture.store, fixture.project("acme", "web").await);
    let made = source(store, &scope, "shop").await;
    store.bind_production(&ann(), &scope, &made.id, &change(properties("db", "for-tests"), None)).await.unwrap();
    sqlx::query("UPDATE data_sources SET secrets = (SELECT secrets FROM data_source_bindings)").execute(&store.pool).await.unwrap();
    let moved = password(store, &scope, "shop", Environment::Test).await.unwrap_err();
    assert!(matches!(moved, StoreError::Undecryptable(_)), "{moved}");
}

pub(super) async fn tests_of_bindings_are_kept(fixture: Fixture) {
    let (store, scope) = (&fixture.store, fixture.project("acme", "web").await);
    let made = source(store, &scope, "shop").await;
    assert_eq!(store.bindings(&scope, "shop").await.unwrap()[0].last_test, None);
    let mut test = BindingTest {
        reachable: false,
        failure: Some("dns".into()),
        message: "no such host".into(),
        elapsed_ms: 7,
        tested_by: "ann".into(),
        tested_at_ms: 5,
    };
    store.record_binding_test(&ann(), &scope, &made.id, Environment::Test, &test).await.unwrap();
    assert_eq!(store.bindings(&scope, "shop").await.unwrap()[0].last_test.as_ref(), Some(&test));
    test = BindingTest { reachable: true, failure: None, ..test };
    store.record_binding_test(&ann(), &scope, &made.id, Environment::Test, &test).await.unwrap();
    assert_eq!(store.bindings(&scope, "shop").await.unwrap()[0].last_test.as_ref(), Some(&test));
    store.delete_data_source(&ann(), &scope, &made.id).await.unwrap();
}

/// Keeps keys as a file would.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<SecretKey>>);

impl KeyKeeper for Kept {
    fn is_writable(&self) -> Result<(), String> {
        Ok(())
    }

    fn keep(&self, keys: &[SecretKey]) -> Result<(), String> {
        *self.0.lock().unwrap() = keys.to_vec();
        Ok(())
    }
}

impl Kept {
    fn keys(&self) -> Vec<SecretKey> {
        self.0.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|k| k.id().to_owned()).collect()
    }
}

fn old_key() -> SecretKey {
    SecretKey::new(&[1; 32])
}

/// The same database for a server with these keys.
async fn opened_with(fixture: &Fixture, mut keys: Vec<SecretKey>, keeper: &Arc<Kept>) -> Store {
    let mut options = StoreOptions::new(fixture.url.clone(), keys.remove(0));
    options.former_keys = keys;
    options.keeper = keeper.clone();
    options.clock = fixture.clock.clone();
    options.connections_max = 2;
    Store::open(options).await.unwrap()
}

/// Five data sources, one bound for production, and a plugin with a secret.
async fn furnished(fixture: &Fixture) -> ProjectScope {
    let (store, scope) = (&fixture.store, fixture.project("acme", "web").await);
    for number in 0..5 {
        let made = source(store, &scope, &format!("s{number}")).await;
        if number == 0 {
            store.bind_production(&ann(), &scope, &made.id, &change(properties("db", "for-real"), None)).await.unwrap();
        }
    }
    super::cases_definition::everything(store, &scope).await;
    let plugin = store.plugin(&scope, "clean").await.unwrap().id;
    let granted =
        PluginCapabilities { secrets: BTreeMap::from([("api".to_owned(), "s3cr3t".to_owned())]), ..PluginCapabilities::default() };
    let bounds = millrace_domain::capability::TenantCapabilities { secrets: ["*".to_owned()].into(), ..Default::default() };
    store.set_tenant_capabilities(&ann(), &scope.tenant, &bounds).await.unwrap();
    store.set_plugin_capabilities(&ann(), &scope, &plugin, &granted).await.unwrap();
    let provider = NewIdentityProvider { name: name("corporate"), client_secret: Some("client-s3cr3t".into()), settings: json!({}) };
    store.put_identity_provider(&ann(), Some(&scope.tenant), &provider, None).await.unwrap();
    scope
}

async fn assert_all_open(store: &Store, scope: &ProjectScope) {
    for number in 0..5 {
        assert_eq!(password(store, scope, &format!("s{number}"), Environment::Test).await.unwrap(), "for-tests");
    }
    assert_eq!(password(store, scope, "s0", Environment::Production).await.unwrap(), "for-real");
    let plugin = store.plugin(scope, "clean").await.unwrap().id;
    assert_eq!(store.granted(scope, &plugin).await.unwrap().0.secrets["api"], "s3cr3t");
    let providers = store.identity_providers(Some(&scope.tenant)).await.unwrap();
    assert_eq!(providers[0].client_secret, "client-s3cr3t");
    assert_eq!(store.connection(scope, "broker").await.unwrap().properties["sasl.password"], "hunter2");
}

/// Every text of every table: a table that is forgotten by the rotation would be found here.
async fn all_texts(store: &Store, url: &str) -> Vec<String> {
    let columns = if url.starts_with("sqlite") {
        "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'TEXT'"
    } else {
        "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'"
    };
    let mut texts = Vec::new();
    for found in sqlx::query(columns).fetch_all(&store.pool).await.unwrap() {
        let (table, column): (String, String) = (found.get("t"), found.get("c"));
        let sql = AssertSqlSafe(format!("SELECT {column} AS v FROM {table} WHERE {column} IS NOT NULL"));
        texts.extend(sqlx::query(sql).fetch_all(&store.pool).await.unwrap().iter().map(|r| r.get::<String, _>("v")));
    }
    texts
}

pub(super) async fn a_rotation_leaves_nothing_to_the_old_key(fixture: Fixture) {
    let scope = furnished(&fixture).await;
    let kept = Arc::new(Kept::default());
    let store = opened_with(&fixture, vec![old_key()], &kept).await;
    let rotated = store.rotate_keys(&ann()).await.unwrap();
    // Five and their broker, a binding, a grant, an identity provider.
    assert_eq!((rotated.done, rotated.resealed, rotated.waiting_for.len()), (true, 9, 0));
    assert_all_open(&store, &scope).await;
    assert_eq!(kept.ids(), std::slice::from_ref(&rotated.key), "the old key is not kept any more");
    let states: Vec<_> = store.secret_keys().await.unwrap().into_iter().map(|k| (k.id, k.state)).collect();
    assert!(states.contains(&(rotated.key.clone(), KeyState::Active)) && states.contains(&(old_key().id().into(), KeyState::Retired)));

    // Whoever has a copy of the old key, and the whole database, has nothing.
    for text in all_texts(&store, &fixture.url).await {
        assert!(!text.contains(&format!("v2:{}", old_key().id())) && !text.contains("\"v1:") && !text.starts_with("v1:"), "{text}");
    }
    let thief = opened_with(&fixture, vec![old_key()], &Arc::default()).await;
    for called in ["s0", "s1", "broker"] {
        assert!(matches!(thief.connection(&scope, called).await, Err(StoreError::UnknownKey { .. })));
    }
    let told = thief.check_key().await.unwrap_err().to_string();
    assert!(told.contains(&rotated.key) && told.contains("copy `secrets.key` from the data folder of a server that is ready"), "{told}");
    store.check_key().await.unwrap();
    let late = NewDataSource { name: name("late"), kind: "mysql".into(), description: String::new(), properties: properties("h", "p") };
    let refused = thief.create_data_source(&ann(), &scope, &late).await;
    assert!(matches!(refused, Err(StoreError::UnknownKey { .. })), "nothing is sealed with a key that is out of use");

    // The next one, from the key that is kept now.
    let again = store.rotate_keys(&ann()).await.unwrap();
    assert!(again.done && again.key != rotated.key);
    assert_all_open(&opened_with(&fixture, kept.keys(), &Arc::default()).await, &scope).await;
}

pub(super) async fn a_rotation_can_stop_anywhere(fixture: Fixture) {
    let scope = furnished(&fixture).await;
    // As if the process had died before it wrote its file: the new key is only in the database.
    let dying = opened_with(&fixture, vec![old_key()], &Arc::default()).await;
    let new = dying.begin_rotation(&ann()).await.unwrap();
    assert_ne!(new, old_key().id());
    drop(dying);
    let kept = Arc::new(Kept::default());
    let restarted = opened_with(&fixture, vec![old_key()], &kept).await;
    assert_eq!(kept.ids(), [new.clone(), old_key().id().to_owned()], "it was learned and is kept from now on");
    assert_all_open(&restarted, &scope).await;
    // Some is sealed anew, then it dies again.
    assert_eq!(restarted.reseal_some().await.unwrap(), Some(6));
    drop(restarted);
    let restarted = opened_with(&fixture, kept.keys(), &kept).await;
    assert_all_open(&restarted, &scope).await;
    source(&restarted, &scope, "meanwhile").await;
    let rotated = restarted.rotate_keys(&ann()).await.unwrap();
    assert_eq!((rotated.key.as_str(), rotated.done, rotated.resealed), (new.as_str(), true, 3), "it goes on, and makes no third key");
    assert_all_open(&restarted, &scope).await;
    // Died after the end was noted, before the file was written: the old key in it does no harm and goes.
    let stale = opened_with(&fixture, vec![restarted.key.keys().remove(0), old_key()], &kept).await;
    stale.refresh_keys("w1").await.unwrap();
    assert_eq!(kept.ids(), [new]);
    assert_all_open(&stale, &scope).await;
}

pub(super) async fn other_servers_learn_of_the_new_key(fixture: Fixture) {
    let scope = furnished(&fixture).await;
    let (first_kept, second_kept) = (Arc::new(Kept::default()), Arc::new(Kept::default()));
    let first = opened_with(&fixture, vec![old_key()], &first_kept).await;
    let second = opened_with(&fixture, vec![old_key()], &second_kept).await;
    first.refresh_keys("w1").await.unwrap();
    second.refresh_keys("w2").await.unwrap();
    let begun = first.rotate_keys(&ann()).await.unwrap();
    assert_eq!((begun.done, begun.waiting_for.clone()), (false, vec!["w1".to_owned(), "w2".to_owned()]));
    // Meanwhile both work, and the second seals with the new key although nobody has told it.
    assert_all_open(&second, &scope).await;
    source(&second, &scope, "meanwhile").await;
    assert_eq!(second_kept.ids().first(), Some(&begun.key));
    first.refresh_keys("w1").await.unwrap();
    assert_eq!(first.rotate_keys(&ann()).await.unwrap().waiting_for, ["w2"]);
    second.refresh_keys("w2").await.unwrap();
    let ended = first.rotate_keys(&ann()).await.unwrap();
    assert_eq!((ended.done, &ended.key, ended.resealed), (true, &begun.key, 0));
    second.refresh_keys("w2").await.unwrap();
    assert_eq!((first_kept.ids(), second_kept.ids()), (vec![begun.key.clone()], vec![begun.key.clone()]));
    assert_all_open(&second, &scope).await;
    // A server that is gone holds nobody up.
    fixture.advance(10 * 60_000);
    assert!(first.rotate_keys(&ann()).await.unwrap().done);
}

pub(super) async fn what_cannot_be_opened_keeps_the_old_key(fixture: Fixture) {
    let scope = furnished(&fixture).await;
    let broken = r#"{"password":"v1:AAAA"}"#;
    sqlx::query("UPDATE data_sources SET secrets = $1 WHERE name = 's3'").bind(broken).execute(&fixture.store.pool).await.unwrap();
    let kept = Arc::new(Kept::default());
    let store = opened_with(&fixture, vec![old_key()], &kept).await;
    let error = store.rotate_keys(&ann()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Undecryptable(place) if place.ends_with("/password")), "{error}");
    assert_eq!(kept.ids().last().unwrap(), old_key().id());
    assert_eq!(password(&store, &scope, "s0", Environment::Production).await.unwrap(), "for-real");
    let repaired = store.data_source(&scope, "s3").await.unwrap();
    store.change_data_source(&ann(), &scope, &repaired.id, &change(properties("h", "for-tests"), None)).await.unwrap();
    assert!(store.rotate_keys(&ann()).await.unwrap().done);
    assert_all_open(&store, &scope).await;
}
