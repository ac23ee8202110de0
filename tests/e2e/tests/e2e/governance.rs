//! Quality rules from draft to counts, and what the catalog knows of a job that ran: published rules become steps that count,
//! mark and divert; lineage, search and OpenLineage events follow.

use crate::kafka;
use millrace_e2e::{Api, Project, Server, ServerOptions, unique, until};
use serde_json::{Value, json};

/// Asks for the publication of a rule, and another person agrees.
async fn publish(project: &Project, tenant: &str, decider: &Api, rule: &Value) {
    let name = rule["name"].as_str().unwrap();
    project.api.post(&project.path("quality-rules"), rule).await.unwrap();
    let asked = project.api.post(&project.path(&format!("quality-rules/{name}/publish")), &json!({})).await.unwrap();
    let approve = format!("/api/v1/tenants/{tenant}/approvals/{}/approve", asked["id"].as_str().unwrap());
    let own = project.api.post(&approve, &json!({})).await.unwrap_err();
    assert_eq!(own.code(), "approval.own_request", "nobody decides their own request: {}", own.detail());
    decider.post(&approve, &json!({"opinion": "good"})).await.unwrap();
}

fn graph() -> Value {
    json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "events", "start": "earliest"}},
            {"id": "query", "kind": "sql", "config": {"sql": "SELECT id, n * 2 AS n, CAST(NULL AS STRING) AS quality FROM `in`"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "clean"}},
        ],
        "edges": [{"from": "in", "to": "query"}, {"from": "query", "to": "out"}],
        "parameters": {"checkpoint_interval_ms": 200, "dead_letter_topic": "letters"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_quality_rules_run_as_steps_of_jobs() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (api, kafka, name) = (server.api().unwrap(), kafka(), unique("quality"));
    let topics = ["in", "out", "letters"].map(|end| format!("{name}-{end}"));
    for topic in &topics {
        kafka.create_topic(topic, 1).await.unwrap();
    }
    let project = api.make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type});
    let read = json!([column("id", "BIGINT"), column("n", "BIGINT")]);
    let written = json!([column("id", "BIGINT"), column("n", "BIGINT"), column("quality", "STRING")]);
    project.make_topic("events", &topics[0], &read).await.unwrap();
    project.make_topic("clean", &topics[1], &written).await.unwrap();
    project.make_topic("letters", &topics[2], &json!([column("message", "STRING")])).await.unwrap();
    let tenant = name.clone();
    let issued = api.post(&format!("/api/v1/tenants/{tenant}/tokens"), &json!({"name": "decider", "role": "tenant_admin"})).await.unwrap();
    let decider = Api::new(server.base(), issued["secret"].as_str().unwrap());
    let rule = |name: &str, table: &str, document: Value| json!({"name": name, "table": table, "document": document});
    for rule in [
        rule("id-is-there", "events", json!({"column": "id", "check": {"type": "not_null"}})),
        rule("not-negative", "clean", json!({"column": "n", "check": {"type": "range", "min": 0}, "on_violation": "divert"})),
        rule(
            "small",
            "clean",
            json!({"check": {"type": "condition", "sql": "n < 100 OR n IS NULL"}, "on_violation": "mark", "mark_column": "quality"}),
        ),
    ] {
        publish(&project, &tenant, &decider, &rule).await;
    }

    project.make_job("clean-events", &graph()).await.unwrap();
    let version = project.submit("clean-events").await.unwrap();
    let ids: Vec<&str> = version["graph"]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["in", "query", "out", "quality-in-sql", "quality-in", "quality-out-sql", "quality-out"], "{version}");
    assert_eq!(project.submit("clean-events").await.unwrap()["number"], 1, "submitting again changes nothing");
    kafka.send(&topics[0], &[r#"{"id":1,"n":1}"#, r#"{"id":2,"n":-1}"#, r#"{"n":60}"#, r#"{"id":4}"#]).unwrap();
    let instance = project.make_instance("clean-events", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&instance, None).await.unwrap();

    let all = |topic: String, count: usize| {
        let kafka = kafka.clone();
        async move {
            let read = until("rows", 60, async || {
                let rows = kafka.read_all(&topic).map_err(|e| e.to_string())?;
                if rows.len() >= count { Ok(rows) } else { Err(format!("{} rows", rows.len())) }
            });
            read.await.unwrap().iter().map(|r| r.json().unwrap()).collect::<Vec<Value>>()
        }
    };
    let mut rows = all(topics[1].clone(), 3).await;
    rows.sort_by_key(|row| row["id"].as_u64());
    let row = |id: Value, n: Value, quality: Value| json!({"id": id, "n": n, "quality": quality});
    assert_eq!(
        rows,
        [row(json!(null), json!(120), json!("small")), row(json!(1), json!(2), json!(null)), row(json!(4), json!(null), json!(null))]
    );
    let letters = all(topics[2].clone(), 1).await;
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &json!("quality_rule")), "{letters:?}");
    assert!(letters[0]["message"].as_str().unwrap().ends_with("not-negative"), "{letters:?}");

    for (rule, violated) in [("id-is-there", 1), ("not-negative", 1), ("small", 1)] {
        let counted = until("counts", 60, async || {
            let found = api.get(&project.path(&format!("quality-rules/{rule}"))).await.map_err(|p| p.detail().to_owned())?;
            let result = found["results"][0].clone();
            if result["checked"] == 4 { Ok(result) } else { Err(format!("{result}")) }
        });
        let counted = counted.await.unwrap();
        assert_eq!((&counted["violated"], counted["samples"].as_array().unwrap().len()), (&json!(violated), 1), "{rule}: {counted}");
    }

    let tenant = format!("/api/v1/tenants/{tenant}");
    let lineage = api.get(&format!("{tenant}/lineage?table=main.clean&direction=upstream")).await.unwrap();
    let columns: Vec<String> = (lineage["columns"].as_array().unwrap().iter())
        .map(|c| format!("{} < {}", c["to"]["column"].as_str().unwrap(), c["from"]["column"].as_str().unwrap()))
        .collect();
    assert_eq!(columns, ["id < id", "n < n"], "{lineage}");
    assert_eq!(lineage["jobs"][0]["is_active"], true);
    let found = api.get(&format!("{tenant}/search?q=clean")).await.unwrap();
    let found: Vec<&str> = found["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(found, ["clean", "clean-events"]);
    let page = api.get(&format!("{tenant}/table-pages/main.clean")).await.unwrap();
    assert_eq!((&page["quality"][0]["violated"], page["quality"].as_array().unwrap().len()), (&json!(1), 2), "{page}");

    project.stop_instance(&instance, false).await.unwrap();
    project.await_state(&instance, "stopped", 60).await.unwrap();
    let events = api.get(&project.path("lineage-events")).await.unwrap();
    let types: Vec<&str> = events["items"].as_array().unwrap().iter().map(|e| e["eventType"].as_str().unwrap()).collect();
    assert_eq!(types, ["COMPLETE", "START"]);
    assert_eq!(events["items"][0]["outputs"][0]["name"], "main.clean");
}
