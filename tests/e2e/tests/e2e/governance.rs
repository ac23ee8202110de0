//! Quality rules from draft to counts, and what the catalog knows of a job that ran: published rules become steps that count,
//! mark and divert; lineage, search and OpenLineage events follow.

use crate::kafka;
use millrace_e2e::{Api, Project, Received, Server, ServerOptions, unique, until};
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
    let decider = api.make_person(&tenant, "decider", "tenant_admin", None).await.unwrap();
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
    assert_eq!(ids, ["in", "query", "out", "quality-in", "quality-out"], "{version}");
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
    let page = api.get(&format!("{tenant}/tables/main.clean")).await.unwrap();
    assert_eq!((&page["quality"][0]["violated"], page["quality"].as_array().unwrap().len()), (&json!(1), 2), "{page}");

    project.stop_instance(&instance, false).await.unwrap();
    project.await_state(&instance, "stopped", 60).await.unwrap();
    let events = api.get(&project.path("lineage-events")).await.unwrap();
    let types: Vec<&str> = events["items"].as_array().unwrap().iter().map(|e| e["eventType"].as_str().unwrap()).collect();
    assert_eq!(types, ["COMPLETE", "START"]);
    assert_eq!(events["items"][0]["outputs"][0]["name"], "main.clean");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_on_many_rows_run_as_jobs() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (api, kafka, name) = (server.api().unwrap(), kafka(), unique("twins"));
    let topics = ["in", "found"].map(|end| format!("{name}-{end}"));
    for topic in &topics {
        kafka.create_topic(topic, 1).await.unwrap();
    }
    let project = api.make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type});
    project.make_topic("clicks", &topics[0], &json!([column("url", "STRING"), column("at", "TIMESTAMP_LTZ(3)")])).await.unwrap();
    let found = ["rule STRING", "window_start STRING", "window_end STRING", "found BIGINT", "message STRING"];
    let found: Vec<Value> = found.iter().filter_map(|c| c.split_once(' ')).map(|(name, data_type)| column(name, data_type)).collect();
    project.make_topic("found", &topics[1], &json!(found)).await.unwrap();
    let tenant = name.clone();
    let decider = api.make_person(&tenant, "decider", "tenant_admin", None).await.unwrap();
    let mut instances = Vec::new();
    for (rule, document) in [
        ("no-twins", json!({"column": "url", "check": {"type": "unique", "window_ms": 1_000}})),
        ("fresh", json!({"column": "at", "check": {"type": "freshness", "max_age_ms": 60_000, "window_ms": 1_000}})),
        ("few", json!({"check": {"type": "row_count", "window_ms": 1_000, "max": 2}})),
        ("mixed", json!({"check": {"type": "aggregate", "window_ms": 1_000, "sql": "COUNT(DISTINCT url) > 2"}})),
    ] {
        publish(&project, &tenant, &decider, &json!({"name": rule, "table": "clicks", "document": document})).await;
        let job = format!("check-{rule}");
        let made = project.api.post(&project.path(&format!("quality-rules/{rule}/job")), &json!({"name": job, "results": "found"})).await;
        assert_eq!(made.unwrap()["job"]["name"], json!(job));
        project.submit(&job).await.unwrap();
        let instance = project.make_instance(&job, &json!({"from": "fresh"}), &json!({})).await.unwrap();
        project.start_instance(&instance, None).await.unwrap();
        instances.push(instance);
    }
    for instance in &instances {
        project.await_state(instance, "running", 60).await.unwrap();
    }
    // Windows are of the clock: rows may come on both sides of a boundary, so they go on coming until each rule has spoken.
    let spoken = until("violations", 60, async || {
        let row = |url: &str| json!({"url": url, "at": "2024-01-01 00:00:00Z"}).to_string();
        let rows = [row("a"), row("a"), row("b"), json!({"at": "2024-01-01 00:00:00Z"}).to_string()];
        kafka.send(&topics[0], &rows.iter().map(String::as_str).collect::<Vec<_>>()).map_err(|e| e.to_string())?;
        let read = kafka.read_all(&topics[1]).map_err(|e| e.to_string())?;
        let rows: Vec<Value> = read.iter().map(|r| r.json().unwrap()).collect();
        let of = |rule: &str| rows.iter().find(|r| r["rule"] == rule).cloned();
        match (of("no-twins"), of("fresh"), of("few"), of("mixed")) {
            (Some(twins), Some(fresh), Some(few), Some(_)) => Ok([twins, fresh, few]),
            _ => Err(format!("{rows:?}")),
        }
    });
    let [twins, fresh, few] = spoken.await.unwrap();
    assert!(twins["found"].as_i64().unwrap() >= 2 && twins["message"] == "rows with a", "{twins}");
    assert!(fresh["found"].as_i64().unwrap() > 60, "{fresh}");
    assert!(few["found"].as_i64().unwrap() > 2, "{few}");
    // What they count is on the page of the table, as for rules on single rows.
    let counted = until("counts", 60, async || {
        let page = api.get(&format!("/api/v1/tenants/{tenant}/tables/main.clicks")).await.map_err(|p| p.detail().to_owned())?;
        let rules = page["quality"].as_array().cloned().unwrap_or_default();
        let is_counted = |r: &Value| r["violated"].as_i64() > Some(0) && r["checked"].as_i64() >= r["violated"].as_i64();
        if rules.len() == 4 && rules.iter().all(is_counted) { Ok(rules) } else { Err(page["quality"].to_string()) }
    });
    counted.await.unwrap();
    for instance in &instances {
        project.stop_instance(instance, false).await.unwrap();
    }
}

/// A rule on single rows where rows are updated by key, read from a topic whose watermark and metadata SQL declares.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_see_changes_and_let_sources_be_told() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (api, kafka, name) = (server.api().unwrap(), kafka(), unique("upserts"));
    let topics = ["in", "out", "letters"].map(|end| format!("{name}-{end}"));
    for topic in &topics {
        kafka.create_topic(topic, 1).await.unwrap();
    }
    let project = api.make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type});
    let read = json!([column("id", "BIGINT"), column("n", "BIGINT"), column("at", "TIMESTAMP_LTZ(3)"), column("who", "STRING")]);
    project.make_topic("events", &topics[0], &read).await.unwrap();
    project.make_topic("sums", &topics[1], &json!([column("id", "BIGINT"), column("n", "BIGINT")])).await.unwrap();
    project.make_topic("letters", &topics[2], &json!([column("message", "STRING")])).await.unwrap();
    let tenant = name.clone();
    let decider = api.make_person(&tenant, "decider", "tenant_admin", None).await.unwrap();
    let rule = |name: &str, table: &str, document: Value| json!({"name": name, "table": table, "document": document});
    let small = json!({"column": "n", "check": {"type": "range", "max": 10}, "on_violation": "divert"});
    publish(&project, &tenant, &decider, &rule("small", "sums", small)).await;
    // A column that no query reads.
    publish(&project, &tenant, &decider, &rule("has-who", "events", json!({"column": "who", "check": {"type": "not_null"}}))).await;
    let script = "CREATE TABLE events (id BIGINT, n BIGINT, `at` TIMESTAMP_LTZ(3), part INT METADATA FROM 'partition', \
                  WATERMARK FOR `at` AS `at`) WITH ('connector' = 'kafka', 'topic' = 'events', 'scan.startup.mode' = 'earliest-offset');\n\
                  CREATE TABLE sums (id BIGINT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'sums');\n\
                  INSERT INTO sums SELECT id, SUM(n + part) AS n FROM events GROUP BY id";
    let draft = json!({"sql": script, "parameters": {"checkpoint_interval_ms": 200, "dead_letter_topic": "letters"}});
    project.make_job("sum", &draft).await.unwrap();
    project.submit("sum").await.unwrap();
    let row = |id: u8, n: i64| json!({"id": id, "n": n, "at": "2024-01-01 00:00:00Z", "who": "ann"}).to_string();
    let sent = [row(1, 4), row(2, 5), json!({"id": 2, "n": 1, "at": "2024-01-01 00:00:00Z"}).to_string()];
    kafka.send(&topics[0], &sent.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let instance = project.make_instance("sum", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&instance, None).await.unwrap();
    // Of each key the last message; `null` takes it away.
    let held = async || {
        let rows = kafka.read_all(&topics[1]).map_err(|e| e.to_string())?;
        let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let key = |r: &Received| parsed(r.key.as_deref().unwrap_or_default())["id"].as_i64().unwrap_or_default();
        let rows = rows.iter().map(|r| (key(r), r.json().unwrap_or_default()["n"].as_i64()));
        Ok::<_, String>(rows.collect::<std::collections::BTreeMap<i64, Option<i64>>>())
    };
    let expect = async |what: &str, wanted: [(i64, Option<i64>); 2]| {
        let found = until(what, 60, async || {
            let held = held().await?;
            if held == std::collections::BTreeMap::from(wanted) { Ok(()) } else { Err(format!("{held:?}")) }
        });
        found.await.unwrap();
    };
    expect("sums", [(1, Some(4)), (2, Some(6))]).await;
    kafka.send(&topics[0], &[row(1, 20).as_str()]).unwrap();
    expect("a sum that breaks the rule takes its row away", [(1, None), (2, Some(6))]).await;
    kafka.send(&topics[0], &[row(1, -20).as_str()]).unwrap();
    expect("a good sum comes back", [(1, Some(4)), (2, Some(6))]).await;
    let letters = until("a letter", 60, async || match kafka.read_all(&topics[2]).map_err(|e| e.to_string())?.as_slice() {
        [one] => Ok(one.json().unwrap()),
        other => Err(format!("{} letters", other.len())),
    });
    assert_eq!(letters.await.unwrap()["reason"], "quality_rule");
    for (rule, checked, violated, diverted) in [("small", 5, 1, 1), ("has-who", 5, 1, 0)] {
        let counted = until("counts", 60, async || {
            let found = api.get(&project.path(&format!("quality-rules/{rule}"))).await.map_err(|p| p.detail().to_owned())?;
            let r = &found["results"][0];
            let is = r["checked"] == checked && r["violated"] == violated && r["diverted"] == diverted;
            if is { Ok(()) } else { Err(format!("{r}")) }
        });
        counted.await.unwrap();
    }
    project.stop_instance(&instance, false).await.unwrap();
}
