//! The manual's workflow from an empty tenant to production and back, by the people that it names, over HTTP alone: tables from
//! design to production (TOP-1 to TOP-4), permission on another project's table (PRM-1, PRM-3, PRM-6), a job from its lock and
//! unit test to its production instance and the next version (DEV-1 to DEV-4, RUN-1 to RUN-4), the end of a permission, and of
//! a project (PRJ-2). Nobody decides their own request, and all of it is in the audit log.

use crate::kafka;
use millrace_e2e::{Api, Kafka, Project, Server, ServerOptions, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TENANT: &str = "acme";

/// The people.
struct People {
    tenant_admin: Api,
    data_admin: Api,
    shop_admin: Api,
    report_admin: Api,
    shop_developer: Api,
    report_developer: Api,
}

/// Somebody with one role, in the tenant or in a project.
async fn person(admin: &Api, name: &str, role: &str, project: Option<&str>) -> Api {
    admin.make_person(TENANT, name, role, project).await.unwrap()
}

async fn people(admin: &Api) -> People {
    admin.post("/api/v1/tenants", &json!({"name": TENANT})).await.unwrap();
    for project in ["shop", "report"] {
        admin.post(&format!("/api/v1/tenants/{TENANT}/projects"), &json!({"name": project})).await.unwrap();
    }
    People {
        tenant_admin: person(admin, "tina", "tenant_admin", None).await,
        data_admin: person(admin, "dana", "global_data_admin", None).await,
        shop_admin: person(admin, "saul", "project_data_admin", Some("shop")).await,
        report_admin: person(admin, "rita", "project_data_admin", Some("report")).await,
        shop_developer: person(admin, "sven", "developer", Some("shop")).await,
        report_developer: person(admin, "rosa", "developer", Some("report")).await,
    }
}

/// Approves the only request that waits for somebody, once its applicant has tried to and was refused.
async fn approve(applicant: &Api, decider: &Api, kind: &str) {
    let inbox = format!("/api/v1/tenants/{TENANT}/approvals");
    let waiting = decider.get(&format!("{inbox}?view=waiting_for_me")).await.unwrap();
    let items = waiting["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{waiting}");
    assert_eq!(items[0]["kind"], kind, "{waiting}");
    let path = format!("{inbox}/{}/approve", items[0]["id"].as_str().unwrap());
    let own = applicant.post(&path, &json!({"opinion": "mine"})).await.unwrap_err();
    assert_eq!(own.status, 403, "nobody decides their own request: {own}");
    let decided = decider.post(&path, &json!({"opinion": "fine"})).await.unwrap();
    assert_eq!(decided["state"], "approved", "{decided}");
    let again = decider.post(&path, &json!({"opinion": "fine"})).await.unwrap_err();
    assert_eq!(again.status, 409, "{again}");
}

/// A topic from its design to production, under another name there.
async fn publish(kafka: &Kafka, developer: &Project, decider: &Api, topic: &str, physical: &str, columns: &Value) {
    for name in [physical.to_owned(), format!("{physical}-production")] {
        kafka.create_topic(&name, 1).await.unwrap();
    }
    developer.make_topic(topic, physical, columns).await.unwrap();
    let path = developer.path(&format!("topics/{topic}/publish"));
    let early = developer.api.post(&path, &json!({"environment": "production", "reason": "at once"})).await.unwrap_err();
    assert!(matches!(early.status, 409 | 422), "production comes after test: {early}");
    for (environment, name) in [("test", physical.to_owned()), ("production", format!("{physical}-production"))] {
        let asked = json!({"environment": environment, "data_source": "kafka", "physical_name": name, "reason": "needed"});
        developer.api.post(&path, &asked).await.unwrap();
        approve(&developer.api, decider, "table_publish").await;
    }
    let found = developer.api.get(&developer.path(&format!("topics/{topic}/publications"))).await.unwrap();
    let environments: BTreeSet<&str> = found["items"].as_array().unwrap().iter().filter_map(|p| p["environment"].as_str()).collect();
    assert_eq!(environments, BTreeSet::from(["production", "test"]), "{found}");
}

fn graph(amount_min: u32) -> Value {
    json!({
        "nodes": [
            {"id": "orders", "kind": "kafka_source", "config": {"topic": "shop.orders", "start": "earliest"}},
            {"id": "large", "kind": "sql", "config": {"sql": format!("SELECT id, amount FROM orders WHERE amount >= {amount_min}")}},
            {"id": "totals", "kind": "kafka_sink", "config": {"topic": "totals"}},
        ],
        "edges": [{"from": "orders", "to": "large"}, {"from": "large", "to": "totals"}],
        "parameters": {"checkpoint_interval_ms": 200},
    })
}

fn send_orders(kafka: &Kafka, topic: &str, ids: std::ops::Range<u32>) {
    let records: Vec<String> = ids.map(|id| json!({"id": id, "amount": id % 100}).to_string()).collect();
    kafka.send(topic, &records.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
}

/// Ids that have come to the topic, once there are `count` records.
async fn ids(kafka: &Kafka, topic: &str, count: usize) -> Vec<u64> {
    let found = until("the rows are there", 90, async || {
        let records = kafka.read_all(topic).map_err(|error| error.to_string())?;
        if records.len() >= count { Ok(records) } else { Err(format!("{} of {count}", records.len())) }
    });
    let records = found.await.unwrap();
    let mut ids: Vec<u64> = records.iter().map(|record| record.json().unwrap()["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// A version of the draft, its test instance, which runs, and the release that is asked for with it.
async fn release(project: &Project, tenant_admin: &Api) -> (Value, String) {
    project.submit("totals").await.unwrap();
    let test = project.make_instance("totals", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&test, None).await.unwrap();
    project.await_state(&test, "running", 60).await.unwrap();
    let asked = json!({"test_instance": test, "reason": "tested"});
    let release = project.api.post(&project.path("releases"), &asked).await.unwrap();
    let path = project.path(&format!("releases/{}/go-live", release["id"].as_str().unwrap()));
    let early = tenant_admin.post(&path, &json!({"allocation": {"slots": 1}})).await.unwrap_err();
    assert_eq!(early.status, 409, "only what is approved goes live: {early}");
    approve(&project.api, tenant_admin, "job_release").await;
    project.stop_instance(&test, false).await.unwrap();
    project.await_state(&test, "stopped", 60).await.unwrap();
    (release, test)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workflow_of_the_manual() {
    let kafka = kafka();
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let people = people(&server.api().unwrap()).await;
    let (orders_topic, totals_topic) = (unique("orders"), unique("totals"));
    let shop = Project::at(&people.shop_developer, TENANT, "shop");
    let report = Project::at(&people.report_developer, TENANT, "report");

    // Data sources are the global data administrator's.
    for project in ["shop", "report"] {
        let mine = Project::at(&people.data_admin, TENANT, project);
        mine.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
        assert_eq!(mine.test_data_source("kafka").await.unwrap()["reachable"], true);
        // Production never uses what tests use: how it gets there is said on purpose.
        let bound = json!({"properties": {"bootstrap.servers": kafka.bootstrap()}});
        people.data_admin.put_if(&mine.path("data-sources/kafka/production"), 0, &bound).await.unwrap();
    }
    assert_eq!(shop.make_kafka("other", kafka.bootstrap()).await.unwrap_err().status, 403);

    let columns = json!([{"name": "id", "type": "BIGINT"}, {"name": "amount", "type": "BIGINT"}]);
    publish(&kafka, &shop, &people.shop_admin, "orders", &orders_topic, &columns).await;
    publish(&kafka, &report, &people.report_admin, "totals", &totals_topic, &columns).await;

    // Another project's table needs a permission; what is missing says how to apply.
    report.make_job("totals", &graph(50)).await.unwrap();
    let refused = report.validate("totals").await.unwrap();
    assert!(refused["valid"] == false && refused.to_string().contains("permission.missing"), "{refused}");
    let asked = json!({"table": "shop.orders", "project": "report", "permissions": ["select"], "reason": "the daily report"});
    people.report_developer.post(&format!("/api/v1/tenants/{TENANT}/permission-requests"), &asked).await.unwrap();
    approve(&people.report_developer, &people.shop_admin, "table_permission").await;
    let report_valid = report.validate("totals").await.unwrap();
    assert_eq!(report_valid["valid"], true, "{report_valid}");

    edits_are_locked(&people, &report).await;
    unit_test_passes(&report).await;

    // The first version, to production.
    let (first, test) = release(&report, &people.tenant_admin).await;
    send_orders(&kafka, &orders_topic, 0..200);
    let go_live = |release: &Value| report.path(&format!("releases/{}/go-live", release["id"].as_str().unwrap()));
    let allocation =
        json!({"allocation": {"slots": 1, "memory_mib": 64, "priority": "high"}, "start": {"from": "fresh"}, "start_now": true});
    let live = people.tenant_admin.post(&go_live(&first), &allocation).await.unwrap();
    let production = live["instance"]["id"].as_str().unwrap().to_owned();
    report.await_state(&production, "running", 60).await.unwrap();
    send_orders(&kafka, &format!("{orders_topic}-production"), 0..1_000);
    let kept: Vec<u64> = (0..1_000).filter(|id| id % 100 >= 50).collect();
    assert_eq!(ids(&kafka, &format!("{totals_topic}-production"), kept.len()).await, kept, "production's rows, of production only");
    assert_ne!(production, test);

    // The second version takes over where the first one ends.
    let job = report.path("jobs/totals");
    let revision = report.api.get(&job).await.unwrap()["revision"].as_i64().unwrap();
    report.api.put_if(&job, revision, &json!({"draft": graph(90)})).await.unwrap();
    let (second, _) = release(&report, &people.tenant_admin).await;
    a_test_begins_at_a_time(&kafka, &report, &orders_topic, &totals_topic).await;
    let live = people.tenant_admin.post(&go_live(&second), &json!({"allocation": {"slots": 1}, "start_now": true})).await.unwrap();
    let next = live["instance"]["id"].as_str().unwrap().to_owned();
    report.await_state(&next, "running", 90).await.unwrap();
    report.await_state(&production, "stopped", 60).await.unwrap();
    send_orders(&kafka, &format!("{orders_topic}-production"), 1_000..2_000);
    let all: Vec<u64> = kept.iter().copied().chain((1_000..2_000).filter(|id| id % 100 >= 90)).collect();
    assert_eq!(ids(&kafka, &format!("{totals_topic}-production"), all.len()).await, all, "nothing twice, nothing lost");
    let releases = report.api.get(&report.path("releases")).await.unwrap();
    let states: Vec<&str> = releases["items"].as_array().unwrap().iter().filter_map(|r| r["state"].as_str()).collect();
    assert_eq!(states, ["online", "replaced"], "{releases}");

    // Off production and back: what ran is over, and goes on where it ended.
    let off = report.path(&format!("releases/{}/take-offline", second["id"].as_str().unwrap()));
    let offline = people.tenant_admin.post(&off, &json!({"with_savepoint": true})).await.unwrap();
    assert_eq!((&offline["state"], &offline["allowed_actions"]), (&json!("offline"), &json!(["go_live"])), "{offline}");
    report.await_state(&next, "stopped", 60).await.unwrap();
    let started = report.start_instance(&next, None).await.unwrap_err();
    assert_eq!(started.status, 409, "what is off production does not start: {started}");
    send_orders(&kafka, &format!("{orders_topic}-production"), 2_000..2_100);
    let live = people.tenant_admin.post(&go_live(&second), &json!({"allocation": {"slots": 1}, "start_now": true})).await.unwrap();
    let next = live["instance"]["id"].as_str().unwrap().to_owned();
    report.await_state(&next, "running", 90).await.unwrap();
    let all: Vec<u64> = all.iter().copied().chain(2_090..2_100).collect();
    assert_eq!(ids(&kafka, &format!("{totals_topic}-production"), all.len()).await, all, "nothing twice, nothing lost");

    // The permission ends: the flow ends.
    let table = Project::at(&people.shop_admin, TENANT, "shop");
    let grants = table.api.get(&table.path("topics/orders/grants")).await.unwrap();
    let grant = grants["projects"][0]["id"].as_str().unwrap();
    table.api.delete(&table.path(&format!("topics/orders/grants/{grant}"))).await.unwrap();
    let ended = until("the instance ends for want of a permission", 60, async || {
        let said = report.exceptions(&next).await.map_err(|e| e.to_string())?.to_string();
        if said.contains("permission") { Ok(()) } else { Err(said) }
    });
    ended.await.unwrap();

    // The project is archived: nobody enters it again.
    people.tenant_admin.post(&format!("/api/v1/tenants/{TENANT}/projects/report/archive"), &json!({})).await.unwrap();
    let entered = report.make_job("late", &graph(1)).await.unwrap_err();
    assert!(matches!(entered.status, 404 | 409), "{entered}");

    let audit = people.tenant_admin.get(&format!("/api/v1/tenants/{TENANT}/audit?limit=200")).await.unwrap();
    let logged: BTreeSet<&str> = audit["items"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    for action in ["approval.decide", "job.submit", "instance.start", "project.archive"] {
        assert!(logged.contains(action), "{action} is missing among {logged:?}");
    }
}

/// RUN-1, RUN-4, RUN-5: a test instance that begins at a time, its savepoint with the verdict on it, its log lines as they come.
async fn a_test_begins_at_a_time(kafka: &Kafka, report: &Project, orders: &str, totals: &str) {
    let before = kafka.read_all(totals).unwrap().len();
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    send_orders(kafka, orders, 500..600);
    let start = json!({"from": "time", "timestamp_ms": u64::try_from(now_ms).unwrap()});
    let instance = report.make_instance("totals", &start, &json!({})).await.unwrap();
    report.start_instance(&instance, None).await.unwrap();
    report.await_state(&instance, "running", 60).await.unwrap();
    let found = ids(kafka, totals, before + 10).await;
    assert_eq!(found.len(), before + 10, "what came before that time is not read again: {found:?}");
    assert!((590..600).all(|id| found.contains(&id)), "{found:?}");

    let savepoint = report.make_savepoint(&instance).await.unwrap();
    let path = report.path(&format!("instances/{instance}/savepoints"));
    let listed = report.api.get(&path).await.unwrap();
    assert_eq!(listed["items"][0]["allowed_actions"], json!(["start", "delete"]), "{listed}");
    for version in [1, 2] {
        let verdict = report.api.get(&format!("{path}/{savepoint}/compatibility?version={version}")).await.unwrap();
        assert_eq!((&verdict["to_version"], &verdict["verdict"]), (&json!(version), &json!("compatible")), "{verdict}");
        let nodes: BTreeSet<&str> = verdict["operators"].as_array().unwrap().iter().filter_map(|o| o["node"].as_str()).collect();
        assert!(nodes.contains("orders"), "{verdict}");
    }
    let logs = report.path(&format!("instances/{instance}/logs/follow"));
    let event = report.api.first_event(&logs, std::time::Duration::from_secs(60)).await.unwrap();
    assert!(event.contains("event: line") && event.contains("id: ") && event.contains("\"message\""), "{event}");
    report.stop_instance(&instance, false).await.unwrap();
    report.await_state(&instance, "stopped", 60).await.unwrap();
}

/// A lock keeps others from saving; who takes it by force leaves the other's unsaved draft with them.
async fn edits_are_locked(people: &People, report: &Project) {
    let lock = report.path("jobs/totals/lock");
    let unsaved = json!({"action": "acquire", "draft": graph(51), "base_revision": 1});
    report.api.post(&lock, &unsaved).await.unwrap();
    let job = report.path("jobs/totals");
    let refused = people.tenant_admin.put_if(&job, 1, &json!({"draft": graph(1)})).await.unwrap_err();
    assert_eq!((refused.status, refused.code()), (423, "job.locked"), "{refused}");
    assert!(refused.detail().contains("rosa"), "the holder is named: {refused}");
    people.tenant_admin.post(&lock, &json!({"action": "take"})).await.unwrap();
    let kept = report.api.get(&report.path("jobs/totals/kept-drafts")).await.unwrap();
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1), "{kept}");
    people.tenant_admin.post(&lock, &json!({"action": "release"})).await.unwrap();
}

/// A data package in the source's place, and the rows that it must lead to.
async fn unit_test_passes(report: &Project) {
    let push = async |name: &str, text: &str| {
        let path = report.path(&format!("resources/{name}/versions"));
        report.api.upload(&path, text.as_bytes().to_vec()).await.unwrap();
    };
    push("orders", "id,amount\n1,10\n2,50\n3,99\n").await;
    push("large", "id,amount\n2,50\n3,99\n").await;
    let body = json!({"sources": {"orders": {"resource": "orders"}}, "expected": {"totals": {"resource": "large"}}});
    let begun = report.api.post(&report.path("jobs/totals/unit-tests"), &body).await.unwrap();
    let path = report.path(&format!("unit-tests/{}", begun["id"].as_str().unwrap()));
    let ended = until("the unit test ends", 60, async || match report.api.get(&path).await {
        Ok(test) if test["state"] == "running" => Err(test.to_string()),
        Ok(test) => Ok(test),
        Err(problem) => Err(problem.to_string()),
    });
    let ended = ended.await.unwrap();
    assert_eq!(ended["state"], "passed", "{ended}");
    let rows = report.api.get(&format!("{path}/sinks/totals/rows?after=0")).await.unwrap();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(2), "{rows}");
}
