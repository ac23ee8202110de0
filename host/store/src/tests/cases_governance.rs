//! Search, lineage, business metadata, tags, quality results.

use super::{Fixture, ann, cases_approval::bob, cases_definition::everything, name};
use crate::{
    Approval, CategoryChange, Decision, GovernedFilter, GovernedItem, JobChange, NewGoverned, NewJobVersion, PageRequest, QualityCount,
    SearchQuery, Store, StoreError, TagChange, TagUse,
};
use millrace_domain::{
    ApprovalEvent, ProjectScope,
    approval::Standing,
    governed::{GovernedKind, GovernedState},
    lineage::{COLUMNS_PIN, TableUse},
    search::{SearchKind, Sight},
};
use millrace_model::ids::TenantId;
use serde_json::{Value, json};

fn everywhere() -> Sight {
    Sight { user: "usr_ann".into(), sees_all: true, works_everywhere: true, works_somewhere: true, ..Sight::default() }
}

async fn found(store: &Store, tenant: &TenantId, sight: &Sight, text: &str) -> Vec<String> {
    let query = SearchQuery { text: text.into(), ..SearchQuery::default() };
    let page = store.search(tenant, sight, &query, &PageRequest::default()).await.unwrap();
    page.items.into_iter().map(|f| format!("{} {} {}", f.rank, f.kind, f.name)).collect()
}

pub(super) async fn what_is_changed_is_found_at_once(fixture: Fixture) {
    let store = &fixture.store;
    let web = fixture.project("acme", "web").await;
    let made = everything(store, &web).await;
    let all = everywhere();
    assert_eq!(found(store, &web.tenant, &all, "clicks").await, ["0 table clicks", "2 job clean-clicks"]);
    assert_eq!(found(store, &web.tenant, &all, "URL").await, ["3 table clicks"], "a column");
    assert_eq!(found(store, &web.tenant, &all, "page vie").await, ["4 table clicks"], "both words");
    assert_eq!(found(store, &web.tenant, &all, "lick").await, ["2 job clean-clicks", "2 table clicks"], "within a name");
    assert_eq!(found(store, &web.tenant, &all, "web.clicks").await, ["4 table clicks"], "the name in the broker");
    assert!(found(store, &web.tenant, &all, "cl_cks").await.is_empty(), "no patterns");
    assert!(found(store, &web.tenant, &all, "hunter2").await.is_empty(), "no secrets");

    let job = store.job(&web, made.job.as_str()).await.unwrap();
    let change = JobChange { folder: job.folder, description: "the monthly report".into(), draft: job.draft, expected_revision: 1 };
    store.change_job(&ann(), &web, &made.job, &change).await.unwrap();
    assert_eq!(found(store, &web.tenant, &all, "monthly").await, ["4 job clean-clicks"]);
    store.delete_topic(&ann(), &web, &made.topic).await.unwrap();
    assert_eq!(found(store, &web.tenant, &all, "clicks").await, ["2 job clean-clicks"]);
}

pub(super) async fn nobody_finds_what_is_not_theirs(fixture: Fixture) {
    let store = &fixture.store;
    let web = fixture.project("acme", "web").await;
    everything(store, &web).await;
    let other = fixture.project("bolt", "web").await;
    everything(store, &other).await;
    let member = Sight { user: "usr_m".into(), seen: [web.project.to_string()].into(), ..Sight::default() };
    assert_eq!(found(store, &web.tenant, &member, "").await, ["1 table clicks", "1 project web"], "the catalog, not the work");
    let elsewhere = Sight { user: "usr_e".into(), works_somewhere: true, worked: ["prj_other".to_owned()].into(), ..Sight::default() };
    assert!(found(store, &web.tenant, &elsewhere, "").await.is_empty(), "what is only designed is its project's");
    assert!(found(store, &other.tenant, &everywhere(), "clicks").await.len() == 2, "each tenant has its own");

    let mut page = PageRequest { cursor: None, limit: Some(2) };
    let mut names = Vec::new();
    loop {
        let got = store.search(&web.tenant, &everywhere(), &SearchQuery::default(), &page).await.unwrap();
        names.extend(got.items.into_iter().map(|f| f.name));
        page.cursor = got.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["broker", "clean", "clean-clicks", "clicks", "web"]);
    store.archive_project(&ann(), &web).await.unwrap();
    assert!(found(store, &web.tenant, &everywhere(), "").await.is_empty(), "an archived project is closed");
}

fn version(nodes: Value, pins: Value, hash: &str) -> NewJobVersion {
    let graph = serde_json::from_value(json!({ "nodes": nodes })).unwrap();
    NewJobVersion { graph, pins, content_hash: hash.into(), description: String::new() }
}

pub(super) async fn lineage_follows_submitted_versions(fixture: Fixture) {
    let store = &fixture.store;
    let web = fixture.project("acme", "web").await;
    let made = everything(store, &web).await;
    let table = |name: &str| json!({"table": name, "physical_name": name, "schema": [], "format": null});
    let nodes = json!([{"id": "in", "kind": "kafka_source"}, {"id": "out", "kind": "kafka_sink"}]);
    let pins = json!({"in": table("clicks"), "out": table("elsewhere"),
        COLUMNS_PIN: [{"table": "elsewhere", "column": "u", "from": [{"table": "clicks", "column": "url"}]}]});
    store.add_job_version(&ann(), &web, &made.job, &version(nodes.clone(), pins, "h2")).await.unwrap();
    let around = store.lineage(&web.tenant, made.topic.as_str(), 3, (true, true), &|_| true).await.unwrap();
    let uses: Vec<_> = around.uses.iter().map(|u| (u.usage, u.table_name.as_str(), u.version.1, u.table.is_empty())).collect();
    assert_eq!(uses, [(TableUse::Write, "elsewhere", 2, true), (TableUse::Read, "clicks", 2, false)]);
    let columns: Vec<_> = around.columns.iter().map(|c| (c.from.2.as_str(), c.to.2.as_str())).collect();
    assert_eq!(columns, [("url", "u")]);
    assert!(
        store.lineage(&web.tenant, made.topic.as_str(), 3, (true, false), &|_| true).await.unwrap().uses.is_empty(),
        "nobody writes it"
    );

    assert!(
        around.uses.iter().all(|u| !u.is_known(&|_| false) && u.is_known(&|project| project == web.project.as_str())),
        "nothing is published"
    );

    // A newer version that does not read the table takes its place.
    store.add_job_version(&ann(), &web, &made.job, &version(json!([]), json!({}), "h3")).await.unwrap();
    assert!(store.lineage(&web.tenant, made.topic.as_str(), 3, (true, true), &|_| true).await.unwrap().uses.is_empty());
}

async fn meta_model(store: &Store, scope: &ProjectScope) -> GovernedItem {
    let new = NewGoverned {
        kind: GovernedKind::MetaModel,
        project: None,
        name: name("customer"),
        parent: String::new(),
        draft: json!({"attributes": []}),
    };
    store.create_governed(&ann(), &scope.tenant, &new).await.unwrap()
}

async fn decide(store: &Store, approval: &Approval, event: ApprovalEvent) -> Result<Approval, StoreError> {
    let is_applicant = event == ApprovalEvent::Withdraw;
    let standing = Standing { is_applicant, is_decider: !is_applicant };
    let decision = Decision { event, standing, opinion: "so it is".into() };
    store.decide_approval(&bob(), &approval.tenant, &approval.id, &decision).await
}

pub(super) async fn what_is_published_was_approved(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let item = meta_model(store, &scope).await;
    assert_eq!((item.state, item.revision), (GovernedState::Draft, 1));
    let again = || store.governed(&scope.tenant, GovernedKind::MetaModel, "customer");

    let asked = store.request_publication(&ann(), &item, "it is right").await.unwrap();
    assert_eq!(again().await.unwrap().state, GovernedState::InApproval);
    let draft = json!({"attributes": [], "description": "new"});
    for refused in [
        store.change_governed(&ann(), &item, &draft, None).await.err().unwrap(),
        store.delete_governed(&ann(), &item).await.err().unwrap(),
        store.request_publication(&ann(), &item, "").await.err().unwrap(),
    ] {
        assert!(matches!(refused, StoreError::Conflict { code: "governed.in_approval", .. }), "{refused}");
    }
    decide(store, &asked, ApprovalEvent::Reject).await.unwrap();
    assert_eq!(again().await.unwrap().state, GovernedState::Draft, "rejected: a draft again");

    let asked = store.request_publication(&ann(), &item, "").await.unwrap();
    let done = decide(store, &asked, ApprovalEvent::Approve).await.unwrap();
    assert_eq!(done.result, Some(json!({"version": 1})));
    let published = again().await.unwrap();
    assert_eq!((published.state, published.published_version), (GovernedState::Published, 1));
    let refused = store.request_publication(&ann(), &published, "").await.err().unwrap();
    assert!(matches!(refused, StoreError::Conflict { code: "governed.published", .. }), "{refused}");

    let stale = store.change_governed(&ann(), &published, &draft, Some(7)).await.err().unwrap();
    assert!(matches!(stale, StoreError::RevisionConflict { expected: 7, found: 1, .. }), "{stale}");
    let edited = store.change_governed(&ann(), &published, &draft, Some(1)).await.unwrap();
    assert_eq!((edited.state, edited.published.clone()), (GovernedState::Edited, Some(json!({"attributes": []}))));
    let asked = store.request_publication(&ann(), &edited, "").await.unwrap();
    decide(store, &asked, ApprovalEvent::Withdraw).await.unwrap();
    assert_eq!(again().await.unwrap().state, GovernedState::Edited);
    let versions = store.governed_versions(&edited).await.unwrap();
    assert_eq!(versions.iter().map(|v| (v.number, v.published_by.as_str())).collect::<Vec<_>>(), [(1, "usr_bob")]);

    let entry =
        NewGoverned { kind: GovernedKind::BusinessData, parent: item.id.clone(), name: name("ann"), project: None, draft: json!({}) };
    let entry = store.create_governed(&ann(), &scope.tenant, &entry).await.unwrap();
    let used = store.delete_governed(&ann(), &edited).await.err().unwrap();
    assert_eq!(used.to_string(), "meta-model `customer` is in use: business data `ann` needs it; remove that first");
    store.delete_governed(&ann(), &entry).await.unwrap();
    store.delete_governed(&ann(), &edited).await.unwrap();
    let none = store.governed_items(&scope.tenant, GovernedKind::MetaModel, &GovernedFilter::default(), &PageRequest::default()).await;
    assert!(none.unwrap().items.is_empty());
    assert!(found(store, &scope.tenant, &everywhere(), "customer").await.is_empty());
}

pub(super) async fn categories_are_a_tree(fixture: Fixture) {
    let store = &fixture.store;
    let tenant = fixture.project("acme", "web").await.tenant;
    let change =
        |of: &str, parent: Option<&str>| CategoryChange { name: name(of), parent: parent.map(str::to_owned), description: String::new() };
    let top = store.create_category(&ann(), &tenant, &change("people", None)).await.unwrap();
    let below = store.create_category(&ann(), &tenant, &change("customers", Some(&top.id))).await.unwrap();
    let twice = store.create_category(&ann(), &tenant, &change("customers", Some(&top.id))).await.err().unwrap();
    assert!(matches!(twice, StoreError::AlreadyExists { .. }), "{twice}");
    let ring = store.change_category(&ann(), &tenant, &top.id, &change("people", Some(&below.id)), None).await.err().unwrap();
    assert!(matches!(ring, StoreError::Invalid { field: "parent", .. }), "{ring}");
    let full = store.delete_category(&ann(), &tenant, &top.id).await.err().unwrap();
    assert!(matches!(full, StoreError::InUse { .. }), "{full}");
    let moved = store.change_category(&ann(), &tenant, &below.id, &change("customers", None), Some(1)).await.unwrap();
    assert_eq!((moved.parent, moved.revision), (None, 2));
    store.delete_category(&ann(), &tenant, &top.id).await.unwrap();
    let names: Vec<_> = store.categories(&tenant).await.unwrap().into_iter().map(|c| c.name.to_string()).collect();
    assert_eq!(names, ["customers"]);
}

pub(super) async fn tags_lie_on_things_and_columns(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let new = TagChange { name: name("personal"), colour: "#ff0000".into(), description: String::new() };
    let tag = store.create_tag(&ann(), &scope.tenant, &new).await.unwrap();
    let on = |column: Option<&str>| TagUse {
        tag: tag.clone(),
        kind: SearchKind::Table,
        object: made.topic.to_string(),
        column: column.map(str::to_owned),
    };
    for column in [None, Some("url"), Some("url")] {
        store.set_tag(&ann(), &scope.tenant, &on(column), true).await.unwrap();
    }
    let columns = |uses: Vec<TagUse>| uses.into_iter().map(|u| u.column).collect::<Vec<_>>();
    assert_eq!(columns(store.tags_on(&scope.tenant, made.topic.as_str()).await.unwrap()), [None, Some("url".to_owned())]);
    store.set_tag(&ann(), &scope.tenant, &on(None), false).await.unwrap();
    assert_eq!(columns(store.uses_of_tag(&scope.tenant, &tag.id).await.unwrap()), [Some("url".to_owned())]);
    store.delete_tag(&ann(), &scope.tenant, &tag.id).await.unwrap();
    assert!(store.tags_on(&scope.tenant, made.topic.as_str()).await.unwrap().is_empty());
}

pub(super) async fn quality_counts_are_kept_by_execution(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let draft = json!({"column": "url", "check": {"type": "not_null"}, "on_violation": "count", "enabled": true});
    let new = NewGoverned {
        kind: GovernedKind::QualityRule,
        project: Some(scope.project.clone()),
        name: name("url-is-there"),
        parent: made.topic.to_string(),
        draft,
    };
    let rule = store.create_governed(&ann(), &scope.tenant, &new).await.unwrap();
    assert!(store.rules_of_table(&scope, "clicks").await.unwrap().is_empty(), "only what is published is in force");
    let asked = store.request_publication(&ann(), &rule, "").await.unwrap();
    decide(store, &asked, ApprovalEvent::Approve).await.unwrap();
    for name in ["clicks", "web.clicks"] {
        assert_eq!(store.rules_of_table(&scope, name).await.unwrap()[0].id, rule.id);
    }
    let count = |checked, violated| QualityCount {
        rule: rule.id.clone(),
        version: 1,
        node: "quality-out".into(),
        checked,
        violated,
        marked: violated,
        diverted: 0,
        samples: vec!["{}".into()],
    };
    store.note_quality(&scope, &made.instance, 1, &[count(5, 1)]).await.unwrap();
    fixture.advance(10);
    store.note_quality(&scope, &made.instance, 1, &[count(9, 2)]).await.unwrap();
    fixture.advance(10);
    store.note_quality(&scope, &made.instance, 2, &[count(1, 0)]).await.unwrap();
    let results = store.quality_results(&scope.tenant, &rule.id, 10).await.unwrap();
    let shown: Vec<_> = results
        .iter()
        .map(|r| (r.count.checked, r.count.violated + r.count.marked + r.count.diverted, r.last_at_ms - r.first_at_ms))
        .collect();
    assert_eq!(shown, [(1, 0, 0), (9, 4, 10)]);
    assert!(store.is_published_rule(&scope, &rule.id).await.unwrap());
    assert!(!store.is_published_rule(&scope, "qlr_none").await.unwrap());
}
