//! Databases, published tables, and who may use tables of other projects.

use super::{
    Fixture, ann,
    cases_approval::bob,
    cases_definition::{Everything, everything},
    name,
};
use crate::{
    Approval, CatalogQuery, DatabaseChange, DatabasePublishRequest, Decision, InstanceRequest, NewInstance, NewJob, NewJobVersion,
    NewTopic, PageRequest, PermissionRequest, StartFrom, Store, StoreError, TablePublishRequest, TableViewer, Topic, TopicChange,
};
use millrace_domain::{
    ApprovalEvent, Environment, ProjectScope,
    approval::Standing,
    permission::{Allowed, Grantee, GranteeKind, Permit, RevocationPolicy, TablePermission},
    schema_change::{Compatibility, compare},
};
use millrace_model::{DataType, Field, Schema, ids::InstanceId};
use serde_json::json;
use std::collections::BTreeMap;

fn schema(columns: &[&str]) -> Schema {
    Schema::new(columns.iter().map(|c| Field::new(*c, DataType::String, true)).collect()).unwrap()
}

/// What asking to publish `topic` as it is now to an environment sends.
fn request(topic: &Topic, made: &Everything, columns: &[&str], replaces: i64) -> TablePublishRequest {
    TablePublishRequest {
        data_source: made.source.clone(),
        data_source_name: "broker".into(),
        database: None,
        physical_name: topic.physical_name.clone(),
        description: topic.description.clone(),
        schema: schema(columns),
        format: topic.format.clone(),
        design_revision: topic.revision,
        replaces,
        changes: compare(None, &schema(columns), Compatibility::Full),
        ensure: false,
    }
}

async fn approve(store: &Store, asked: &Approval) -> Result<Approval, StoreError> {
    let standing = Standing { is_applicant: false, is_decider: true };
    let decision = Decision { event: ApprovalEvent::Approve, standing, opinion: String::new() };
    store.decide_approval(&bob(), &asked.tenant, &asked.id, &decision).await
}

async fn publish(store: &Store, topic: &Topic, made: &Everything, environment: Environment, columns: &[&str], replaces: i64) {
    let asked = request(topic, made, columns, replaces);
    let asked = store.request_table_publication(&ann(), topic, environment, &asked, "please").await.unwrap();
    approve(store, &asked).await.unwrap();
}

fn viewer(scope: &ProjectScope, environment: Environment, person: Option<&str>) -> TableViewer {
    TableViewer { scope: scope.clone(), environment, person: person.map(str::to_owned) }
}

fn columns(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|f| f.name.as_str()).collect()
}

pub(super) async fn published_states_are_snapshots(fixture: Fixture) {
    use Environment::{Production, Test};
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let topic = store.topic(&scope, "clicks").await.unwrap();
    let seen = |environment| {
        let viewer = viewer(&scope, environment, None);
        async move { store.resolve_table(&viewer, "clicks", None).await }
    };
    // Only designed: usable in test by its own project, not in production.
    let found = seen(Test).await.unwrap();
    assert_eq!((columns(&found.schema), found.version), (vec!["url"], None));
    assert!(matches!(seen(Production).await, Err(StoreError::Conflict { code: "table.not_published", .. })));

    publish(store, &topic, &made, Test, &["url", "user"], 0).await;
    assert_eq!((columns(&seen(Test).await.unwrap().schema), seen(Test).await.unwrap().version), (vec!["url", "user"], Some(1)));
    publish(store, &topic, &made, Production, &["url", "user"], 0).await;
    publish(store, &topic, &made, Test, &["url", "user", "at"], 1).await;
    let versions = store.table_publications(&scope, &topic.id, &PageRequest::default()).await.unwrap().items;
    let first = PageRequest { cursor: None, limit: Some(2) };
    let first = store.table_publications(&scope, &topic.id, &first).await.unwrap();
    let rest = PageRequest { cursor: first.next_cursor, limit: Some(2) };
    let rest = store.table_publications(&scope, &topic.id, &rest).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (2, 1, None));
    let shown: Vec<_> = versions.iter().map(|p| format!("{} {} {}", p.environment, p.number, columns(&p.schema).join(","))).collect();
    assert_eq!(shown, ["test 2 url,user,at", "production 1 url,user", "test 1 url,user"]);
    assert_eq!(seen(Production).await.unwrap().version, Some(1), "a new version in test changes nothing in production");

    // Two requests at once for the same environment: the second is refused; one made before another version came is too.
    let asked = store.request_table_publication(&ann(), &topic, Test, &request(&topic, &made, &["url"], 2), "").await.unwrap();
    let twice = store.request_table_publication(&ann(), &topic, Test, &request(&topic, &made, &["url"], 2), "").await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { code: "approval.pending", .. }), "{twice}");
    approve(store, &asked).await.unwrap();
    let late = store.request_table_publication(&ann(), &topic, Test, &request(&topic, &made, &["url"], 2), "").await.unwrap();
    let late = approve(store, &late).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { code: "publish.superseded", .. }), "{late}");

    // What is published stays until it is taken out, production first.
    assert!(matches!(store.delete_topic(&ann(), &scope, &topic.id).await, Err(StoreError::InUse { .. })));
    assert!(matches!(store.retire_table(&ann(), &scope, &topic.id, Test).await, Err(StoreError::InUse { .. })));
    store.retire_table(&ann(), &scope, &topic.id, Production).await.unwrap();
    assert!(seen(Production).await.is_err());
    store.retire_table(&ann(), &scope, &topic.id, Test).await.unwrap();
    assert_eq!(seen(Test).await.unwrap().version, None, "its own project sees the design again");
    let again = store.request_table_publication(&ann(), &topic, Production, &request(&topic, &made, &["url"], 1), "").await.unwrap();
    let again = approve(store, &again).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict { code: "publish.not_in_test", .. }), "{again}");
    store.delete_topic(&ann(), &scope, &topic.id).await.unwrap();
}

pub(super) async fn databases_are_published_before_their_tables(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let settings = DatabaseChange {
        physical_name: "sales".into(),
        data_source: Some(made.source.clone()),
        description: String::new(),
        expected_revision: None,
    };
    let database = store.create_database(&ann(), &scope, &name("shop"), &settings).await.unwrap();
    assert!(matches!(store.create_database(&ann(), &scope, &name("shop"), &settings).await, Err(StoreError::AlreadyExists { .. })));
    let foreign = fixture.project("acme", "other").await;
    assert!(matches!(store.create_database(&ann(), &foreign, &name("shop"), &settings).await, Err(StoreError::NotFound { .. })));
    let stale = DatabaseChange { expected_revision: Some(9), ..settings.clone() };
    assert!(matches!(store.change_database(&ann(), &scope, &database.id, &stale).await, Err(StoreError::RevisionConflict { .. })));
    let change = DatabaseChange { physical_name: "sales2".into(), expected_revision: Some(1), ..settings };
    let database = store.change_database(&ann(), &scope, &database.id, &change).await.unwrap();
    assert_eq!((database.revision, database.physical_name.as_str(), database.created_by.as_str()), (2, "sales2", "usr_ann"));

    let settings = TopicChange {
        physical_name: "orders".into(),
        data_source: None,
        description: String::new(),
        schema: schema(&["id"]),
        format: json!({"type": "json"}),
        expected_revision: None,
    };
    let new = NewTopic { name: name("orders"), database: Some(database.id.clone()), settings };
    store.create_topic(&ann(), &scope, &new).await.unwrap();
    let own = viewer(&scope, Environment::Test, None);
    let found = store.resolve_table(&own, "orders", None).await.unwrap();
    assert_eq!((found.data_source, found.physical_name.as_str()), (made.source.clone(), "sales2.orders"));
    assert!(matches!(store.delete_database(&ann(), &scope, &database.id).await, Err(StoreError::InUse { .. })));

    let asked = DatabasePublishRequest {
        data_source: made.source.clone(),
        data_source_name: "broker".into(),
        physical_name: "sales_test".into(),
        replaces: 0,
    };
    let asked = store.request_database_publication(&ann(), &database, Environment::Test, &asked, "for tests").await.unwrap();
    assert_eq!(store.database_in(&scope, &database.id, Environment::Test).await.unwrap(), None);
    approve(store, &asked).await.unwrap();
    let there = store.database_in(&scope, &database.id, Environment::Test).await.unwrap().unwrap();
    assert_eq!((there.number, there.physical_name.as_str()), (1, "sales_test"));
    assert_eq!(store.database_in(&scope, &database.id, Environment::Production).await.unwrap(), None);
}

/// PRM-6 at the store: what of another project's table may be used, by whom, for how long.
pub(super) async fn tables_of_other_projects_need_permission(fixture: Fixture) {
    let store = &fixture.store;
    let (owner, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = everything(store, &owner).await;
    let table = store.topic(&owner, "clicks").await.unwrap();
    let ann_in_shop = viewer(&shop, Environment::Test, Some("usr_ann"));
    let select = |of: &TableViewer| {
        let of = of.clone();
        async move { store.resolve_table(&of, "risk.clicks", Some(TablePermission::Select)).await }
    };
    let insert = |of: &TableViewer| {
        let of = of.clone();
        async move { store.resolve_table(&of, "risk.clicks", Some(TablePermission::Insert)).await }
    };
    let unpublished = select(&ann_in_shop).await.unwrap_err();
    assert!(matches!(unpublished, StoreError::Conflict { code: "table.not_published", .. }), "{unpublished}");
    assert!(matches!(store.resolve_table(&ann_in_shop, "risk.clikcs", None).await, Err(StoreError::NotFound { .. })));
    publish(store, &table, &made, Environment::Test, &["url", "card"], 0).await;
    let refused = select(&ann_in_shop).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "select on `risk.clicks` is not permitted to project `shop` or to you; apply for it in the catalog, or with `millrace permission apply \
         risk.clicks --permission select --project shop --reason …`"
    );
    assert!(matches!(refused, StoreError::Forbidden { code: "permission.missing", .. }));

    // For the project: everybody in it, until it expires.
    let permit = |grantee: Grantee, permission, column: Option<&str>, expires_at_ms| Permit {
        grantee,
        permission,
        column: column.map(str::to_owned),
        expires_at_ms,
    };
    let to_shop = permit(Grantee::Project(shop.project.clone()), TablePermission::Select, None, Some(store.now_ms() + 1_000));
    let place = (&owner, &table.id);
    let given = store.set_table_grants(&ann(), place, std::slice::from_ref(&to_shop)).await.unwrap();
    let found = select(&ann_in_shop).await.unwrap();
    assert_eq!((found.name.as_str(), columns(&found.schema), found.owner), ("risk.clicks", vec!["url", "card"], owner.clone()));
    assert!(insert(&ann_in_shop).await.is_err(), "reading does not allow writing");
    fixture.advance(1_000);
    assert!(select(&ann_in_shop).await.is_err(), "expired");
    let longer = Permit { expires_at_ms: None, ..to_shop };
    let longer = store.set_table_grants(&ann(), place, &[longer]).await.unwrap();
    assert_eq!((&longer[0].id, longer[0].permit.expires_at_ms), (&given[0].id, None), "the same grant, extended");
    assert!(select(&ann_in_shop).await.is_ok());
    store.revoke_table_grant(&ann(), place, &longer[0].id).await.unwrap();
    assert!(select(&ann_in_shop).await.is_err(), "revoked");

    // For a person: one column, then the table.
    let column = permit(Grantee::Person("usr_ann".into()), TablePermission::Select, Some("url"), None);
    store.set_table_grants(&ann(), place, &[column]).await.unwrap();
    let found = select(&ann_in_shop).await.unwrap();
    assert_eq!((columns(&found.schema), found.hidden_columns.into_iter().collect::<Vec<_>>()), (vec!["url"], vec!["card".to_owned()]));
    assert!(select(&viewer(&shop, Environment::Test, Some("usr_bob"))).await.is_err());
    assert!(select(&viewer(&shop, Environment::Production, Some("usr_ann"))).await.is_err(), "not in production");

    // For everybody.
    store.set_table_access(&ann(), place, &[TablePermission::Insert], RevocationPolicy::NextStart).await.unwrap();
    assert!(insert(&viewer(&shop, Environment::Test, Some("usr_bob"))).await.is_ok());
    assert_eq!(store.revocation_policy(&owner, &table.id).await.unwrap(), RevocationPolicy::NextStart);
    store.set_table_access(&ann(), place, &[], RevocationPolicy::StopRunning).await.unwrap();
    assert!(insert(&viewer(&shop, Environment::Test, Some("usr_bob"))).await.is_err());
    let elsewhere = fixture.project("bolt", "shop").await;
    let outside = viewer(&elsewhere, Environment::Test, Some("usr_ann"));
    assert!(matches!(select(&outside).await, Err(StoreError::NotFound { .. })), "another tenant's project is not there");
    let listed = store.grants_to(&owner.tenant, &Grantee::Person("usr_ann".into()), &PageRequest::default()).await.unwrap();
    assert_eq!((listed.items.len(), listed.items[0].table_name.as_str()), (1, "risk.clicks"));
    let now = store.allowed_on(&ann_in_shop, &owner, &table.id, TablePermission::Select).await.unwrap();
    assert_eq!(now, Allowed::Columns(["url".to_owned()].into()));

    // An archived project keeps its data and who may use it (PRJ-2); nothing is added, and taking away stays possible.
    store.archive_project(&ann(), &owner).await.unwrap();
    assert_eq!(columns(&select(&ann_in_shop).await.unwrap().schema), ["url"]);
    let more = permit(Grantee::Person("usr_ann".into()), TablePermission::Select, None, None);
    assert!(matches!(store.set_table_grants(&ann(), place, &[more]).await, Err(StoreError::Archived(_))));
    let asked = PermissionRequest {
        grantee_kind: GranteeKind::Person,
        grantee: "usr_bob".into(),
        grantee_name: "bob".into(),
        permissions: vec![TablePermission::Select],
        columns: Vec::new(),
        expires_at_ms: None,
    };
    let of = crate::SharedTable::Designed(table.clone());
    let late = store.apply_for_table(&bob(), &of, "risk.clicks", &[(None, asked)], "late").await;
    assert!(matches!(late, Err(StoreError::Archived(_))), "{late:?}");
    let held = store.table_grants(&owner, &table.id).await.unwrap();
    store.revoke_table_grant(&ann(), place, &held[0].id).await.unwrap();
    assert!(select(&ann_in_shop).await.is_err(), "taken away");
}

pub(super) async fn an_application_for_project_and_person_is_two_requests(fixture: Fixture) {
    let store = &fixture.store;
    let (owner, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = everything(store, &owner).await;
    let table = store.topic(&owner, "clicks").await.unwrap();
    publish(store, &table, &made, Environment::Test, &["url"], 0).await;
    let asked = |grantee_kind, grantee: &str| PermissionRequest {
        grantee_kind,
        grantee: grantee.into(),
        grantee_name: grantee.into(),
        permissions: vec![TablePermission::Select, TablePermission::Insert],
        columns: Vec::new(),
        expires_at_ms: Some(store.now_ms() + 10_000),
    };
    let both =
        [(Some(shop.project.clone()), asked(GranteeKind::Project, shop.project.as_str())), (None, asked(GranteeKind::Person, "usr_ann"))];
    let of_table = crate::SharedTable::Designed(table.clone());
    let requests = store.apply_for_table(&ann(), &of_table, "risk.clicks", &both, "report").await.unwrap();
    assert_eq!(requests.iter().map(|r| r.number).collect::<Vec<_>>(), [2, 3]);
    let twice = store.apply_for_table(&ann(), &of_table, "risk.clicks", &both[1..], "again").await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { code: "approval.pending", .. }));
    // What it asks for besides is another request.
    let columns = PermissionRequest { permissions: vec![TablePermission::Select], columns: vec!["url".into()], ..both[1].1.clone() };
    let beside = store.apply_for_table(&ann(), &of_table, "risk.clicks", &[(None, columns.clone())], "").await.unwrap();
    let again = store.apply_for_table(&ann(), &of_table, "risk.clicks", &[(None, columns)], "").await.unwrap_err();
    assert_eq!((beside[0].number, again.to_string().starts_with("request 4 of `ann` asks for the same")), (4, true), "{again}");
    approve(store, &requests[0]).await.unwrap();
    let whitelist = store.table_grants(&owner, &table.id).await.unwrap();
    assert!(
        whitelist
            .iter()
            .all(|g| g.permit.grantee == Grantee::Project(shop.project.clone()) && g.approval.as_ref() == Some(&requests[0].id))
    );
    assert_eq!(whitelist.len(), 2);
    // A later request for a shorter time does not shorten what is there; one that is over is refused.
    let shorter = PermissionRequest { expires_at_ms: Some(store.now_ms() + 5_000), ..both[0].1.clone() };
    let shorter = store.apply_for_table(&ann(), &of_table, "risk.clicks", &[(Some(shop.project.clone()), shorter)], "").await.unwrap();
    approve(store, &shorter[0]).await.unwrap();
    assert_eq!(store.table_grants(&owner, &table.id).await.unwrap()[0].permit.expires_at_ms, both[0].1.expires_at_ms);
    fixture.advance(20_000);
    let over = approve(store, &requests[1]).await.unwrap_err();
    assert!(matches!(over, StoreError::Conflict { code: "permission.over", .. }), "{over}");
}

/// PRM-6 at the start of an instance and while it runs.
pub(super) async fn instances_start_with_permission_only(fixture: Fixture) {
    let store = &fixture.store;
    let (owner, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = everything(store, &owner).await;
    let table = store.topic(&owner, "clicks").await.unwrap();
    publish(store, &table, &made, Environment::Test, &["url", "card"], 0).await;
    let instance = reader_of(store, &shop, &["url", "card"]).await;
    let start = |who: crate::Cause| {
        let (shop, instance) = (shop.clone(), instance.clone());
        async move { store.request_instance(&who, &shop, &instance, &InstanceRequest::Start { from: None, parameters: None }).await }
    };
    let refused = start(ann()).await.unwrap_err();
    assert!(refused.to_string().starts_with("the instance cannot start: select on `risk.clicks` is not permitted"), "{refused}");
    let place = (&owner, &table.id);
    let to = |who: &str, column: Option<&str>| Permit {
        grantee: Grantee::Person(who.into()),
        permission: TablePermission::Select,
        column: column.map(str::to_owned),
        expires_at_ms: None,
    };
    store.set_table_grants(&ann(), place, &[to("usr_bob", Some("url"))]).await.unwrap();
    let column = start(bob()).await.unwrap_err();
    assert!(column.to_string().contains("select on column `card` of `risk.clicks` is not permitted"), "{column}");
    let given = store.set_table_grants(&ann(), place, &[to("usr_bob", Some("card"))]).await.unwrap();
    assert!(start(ann()).await.is_err(), "permissions of one person are not another's");
    start(bob()).await.unwrap();
    let uses = store.foreign_uses(&shop, &instance, Environment::Test).await.unwrap();
    assert_eq!((uses.viewer.person.as_deref(), uses.uses.len()), (Some("usr_bob"), 1));
    assert!(store.refused_uses(&uses).await.unwrap().is_empty());
    store.revoke_table_grant(&ann(), place, &given[0].id).await.unwrap();
    let refused = store.refused_uses(&uses).await.unwrap();
    assert_eq!((refused.len(), refused[0].policy), (1, RevocationPolicy::StopRunning));
    store.set_table_access(&ann(), place, &[], RevocationPolicy::NextStart).await.unwrap();
    assert_eq!(store.refused_uses(&uses).await.unwrap()[0].policy, RevocationPolicy::NextStart);
}

/// Whoever is disabled or removed leaves no permission behind, also while instances run that they have started.
pub(super) async fn what_was_given_to_a_person_ends_with_them(fixture: Fixture) {
    let store = &fixture.store;
    let (owner, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = everything(store, &owner).await;
    let table = store.topic(&owner, "clicks").await.unwrap();
    publish(store, &table, &made, Environment::Test, &["url"], 0).await;
    let home = Some(&owner.tenant);
    let carla = super::cases_people::person(store, home, "carla").await;
    let by = crate::Cause { actor: carla.id.clone(), actor_name: "carla".into(), request_id: None };
    let grantee = Grantee::Person(carla.id.clone());
    let permit = Permit { grantee: grantee.clone(), permission: TablePermission::Select, column: None, expires_at_ms: None };
    store.set_table_grants(&ann(), (&owner, &table.id), &[permit]).await.unwrap();
    let instance = reader_of(store, &shop, &["url"]).await;
    store.request_instance(&by, &shop, &instance, &InstanceRequest::Start { from: None, parameters: None }).await.unwrap();
    let uses = store.foreign_uses(&shop, &instance, Environment::Test).await.unwrap();
    assert!(store.refused_uses(&uses).await.unwrap().is_empty());
    let enabled = async |enabled| {
        let change = crate::UserChange { enabled: Some(enabled), ..crate::UserChange::default() };
        store.change_user(&ann(), home, &carla.id, &change, None).await.unwrap();
        store.refused_uses(&uses).await.unwrap().len()
    };
    assert_eq!((enabled(false).await, enabled(true).await), (1, 0), "whoever is let in again has what they had");
    store.delete_user(&ann(), home, &carla.id).await.unwrap();
    assert_eq!(store.refused_uses(&uses).await.unwrap().len(), 1);
    assert!(store.grants_to(&owner.tenant, &grantee, &PageRequest::default()).await.unwrap().items.is_empty());
}

/// RUN-3: everything that a launch in production would find is known before.
pub(super) async fn what_keeps_a_version_from_production(fixture: Fixture) {
    use Environment::{Production, Test};
    let store = &fixture.store;
    let (owner, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = everything(store, &owner).await;
    let table = store.topic(&owner, "clicks").await.unwrap();
    publish(store, &table, &made, Test, &["url"], 0).await;
    let instance = reader_of(store, &shop, &["url"]).await;
    let version = store.instance(&shop, &instance).await.unwrap().version;
    let version = store.version(&shop, &version).await.unwrap();
    let found = async |person: &str| {
        let found = store.production_obstacles(&viewer(&shop, Production, Some(person)), &version).await.unwrap();
        found.into_iter().map(|o| (o.table, o.code)).collect::<Vec<_>>()
    };
    let only = |code| vec![("risk.clicks".to_owned(), code)];
    assert_eq!(found("usr_ann").await, only("table.not_published"));
    publish(store, &table, &made, Production, &["url"], 0).await;
    assert_eq!(found("usr_ann").await, only("permission.missing"));
    let grantee = Grantee::Person("usr_ann".into());
    let permit = Permit { grantee, permission: TablePermission::Select, column: None, expires_at_ms: None };
    store.set_table_grants(&ann(), (&owner, &table.id), &[permit]).await.unwrap();
    assert_eq!(found("usr_ann").await, only("data_source.unbound"));
    assert_eq!(found("usr_bob").await, only("permission.missing"), "of whoever goes live, and nobody else");
}

/// An instance of `scope` that reads `risk.clicks`.
async fn reader_of(store: &Store, scope: &ProjectScope, columns: &[&str]) -> InstanceId {
    let graph = json!({"nodes": [{"id": "in", "kind": "kafka_source", "config": {"topic": "risk.clicks"}}]});
    let graph: millrace_model::graph::JobGraph = serde_json::from_value(graph).unwrap();
    let new = NewJob { name: name("reader"), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
    let job = store.create_job(&ann(), scope, &new).await.unwrap().id;
    let pins =
        json!({"in": {"table": "risk.clicks", "physical_name": "web.clicks", "schema": schema(columns), "format": {"type": "json"}}});
    let new = NewJobVersion { graph, pins, content_hash: "h".into(), description: String::new() };
    let version = store.add_job_version(&ann(), scope, &job, &new).await.unwrap().id;
    let new = NewInstance { job, version, start: StartFrom::Fresh, parameters: BTreeMap::new(), restart: None, production: None };
    store.create_instance(&ann(), scope, &new).await.unwrap().id
}

pub(super) async fn the_catalog_shows_what_is_in_an_environment(fixture: Fixture) {
    let store = &fixture.store;
    let (web, risk) = (fixture.project("acme", "web").await, fixture.project("acme", "risk").await);
    let (made, _) = (everything(store, &web).await, everything(store, &risk).await);
    let table = store.topic(&web, "clicks").await.unwrap();
    publish(store, &table, &made, Environment::Test, &["url"], 0).await;
    let any = CatalogQuery {
        environment: Environment::Design,
        project: None,
        database: None,
        designed_by: None,
        name_contains: None,
        within: None,
    };
    let listed = |query: CatalogQuery| {
        let tenant = web.tenant.clone();
        async move {
            let found = store.catalog_tables(&tenant, &query, &PageRequest::default()).await.unwrap();
            found
                .items
                .iter()
                .map(|t| format!("{}.{} {:?}", t.project_name, t.design.name, t.publication.as_ref().map(|p| p.number)))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(listed(any.clone()).await, ["risk.clicks None", "web.clicks None"]);
    assert_eq!(listed(CatalogQuery { environment: Environment::Test, ..any.clone() }).await, ["web.clicks Some(1)"]);
    assert!(listed(CatalogQuery { environment: Environment::Production, ..any.clone() }).await.is_empty());
    assert_eq!(listed(CatalogQuery { project: Some(risk.project.clone()), ..any.clone() }).await, ["risk.clicks None"]);
    assert_eq!(listed(CatalogQuery { within: Some(vec![web.project.clone()]), ..any.clone() }).await, ["web.clicks None"]);
    assert!(listed(CatalogQuery { designed_by: Some("usr_bob".into()), ..any.clone() }).await.is_empty());
    assert_eq!(listed(CatalogQuery { designed_by: Some("usr_ann".into()), ..any.clone() }).await.len(), 2);
    assert!(listed(CatalogQuery { name_contains: Some("order".into()), ..any.clone() }).await.is_empty());
    assert_eq!(listed(CatalogQuery { name_contains: Some("lick".into()), ..any }).await.len(), 2);
    let (found, project) = store.table_of_tenant(&web.tenant, "web.clicks").await.unwrap();
    assert_eq!((found.id, project.as_str()), (table.id.clone(), "web"));
    assert_eq!(store.table_of_tenant(&web.tenant, table.id.as_str()).await.unwrap().0.id, table.id);
    assert!(store.table_of_tenant(&web.tenant, "clicks").await.is_err());
}
