//! A table's way to test, and another project's way to the table, over HTTP alone (TOP-1 to TOP-3, PRM-1 to PRM-6): published
//! by approval, applied for, read by a running job, taken away, and the job has stopped.

use crate::kafka;
use millrace_e2e::{Api, Server, ServerOptions, unique, until};
use serde_json::{Value, json};
use std::time::Duration;

/// A caller of `role`, in one project or the whole tenant.
async fn caller(admin: &Api, tenant: &str, role: &str, project: Option<&str>) -> Api {
    let name = format!("{}-{}", role.replace('_', "-"), project.unwrap_or("all"));
    admin.make_person(tenant, &name, role, project).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_reads_a_table_of_another_project_while_it_may() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (admin, kafka, name) = (server.api().unwrap(), kafka(), unique("permissions"));
    let [payments, copied] = ["payments", "copied"].map(|topic| format!("{name}-{topic}"));
    for topic in [&payments, &copied] {
        kafka.create_topic(topic, 1).await.unwrap();
    }
    let columns = json!([{"name": "id", "type": "BIGINT"}, {"name": "card", "type": "STRING"}]);
    let risk = admin.make_project(&name).await.unwrap();
    let tenant = format!("/api/v1/tenants/{name}");
    let shop = format!("{tenant}/projects/shop");
    risk.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    risk.make_topic("payments", &payments, &columns).await.unwrap();
    admin.post(&format!("{tenant}/projects"), &json!({"name": "shop"})).await.unwrap();
    let source = json!({"name": "kafka", "kind": "kafka", "properties": {"bootstrap.servers": kafka.bootstrap()}});
    admin.post(&format!("{shop}/data-sources"), &source).await.unwrap();
    let topic = json!({"name": "copied", "physical_name": copied, "data_source": "kafka", "schema": columns});
    admin.post(&format!("{shop}/topics"), &topic).await.unwrap();
    let owner = caller(&admin, &name, "project_data_admin", Some("main")).await;
    let designer = caller(&admin, &name, "developer", Some("main")).await;
    let developer = caller(&admin, &name, "developer", Some("shop")).await;

    // Nobody else can use what is only designed; publishing it takes two people.
    let draft = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "main.payments", "start": "earliest"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "copied"}},
        ],
        "edges": [{"from": "in", "to": "out"}],
        "parameters": {"checkpoint_interval_ms": 200},
    });
    developer.post(&format!("{shop}/jobs"), &json!({"name": "copy", "draft": draft})).await.unwrap();
    let validate = format!("{shop}/jobs/copy/validate");
    let found = developer.post(&validate, &json!({})).await.unwrap();
    assert!(found["errors"][0]["message"].as_str().unwrap().contains("is not published in test"), "{found}");
    let ask = json!({"environment": "test", "reason": "for the shop", "ensure": true});
    let asked = designer.post(&risk.path("topics/payments/publish"), &ask).await.unwrap();
    let decide = |who: &Api, number: &Value, what: &str| {
        let (who, path) = (who.clone(), format!("{tenant}/approvals/{number}/{what}"));
        async move { who.post(&path, &json!({"opinion": "decided"})).await }
    };
    assert_eq!(decide(&designer, &asked["number"], "approve").await.unwrap_err().code(), "access.forbidden");
    let done = decide(&owner, &asked["number"], "approve").await.unwrap();
    assert_eq!((&done["state"], &done["result"]["ensured"]), (&json!("approved"), &json!({"created": false})), "the real topic agrees");

    // Published, and still not permitted: said on the canvas, in SQL, and at the start.
    let found = developer.post(&validate, &json!({})).await.unwrap();
    assert_eq!((&found["errors"][0]["node"], &found["errors"][0]["code"]), (&json!("in"), &json!("permission.missing")), "{found}");
    let sql = json!({"sql": "INSERT INTO copied\nSELECT id, card FROM main.payments"});
    let found = developer.post(&format!("{shop}/sql/explain"), &sql).await.unwrap();
    assert_eq!((&found["errors"][0]["code"], &found["errors"][0]["line"]), (&json!("permission.missing"), &json!(2)), "{found}");

    let application = json!({"table": "main.payments", "project": "shop", "for_me": true, "permissions": ["select"], "reason": "report"});
    let applied = developer.post(&format!("{tenant}/permission-requests"), &application).await.unwrap();
    let requests = applied["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 2);
    decide(&owner, &requests[0]["number"], "approve").await.unwrap();
    decide(&owner, &requests[1]["number"], "reject").await.unwrap();
    let found = developer.post(&format!("{shop}/sql/explain"), &sql).await.unwrap();
    assert_eq!(found["valid"], true, "{found}");

    // The job reads it.
    developer.post(&format!("{shop}/jobs/copy/versions"), &json!({})).await.unwrap();
    let instance = developer.post(&format!("{shop}/instances"), &json!({"job": "copy"})).await.unwrap();
    let instance = format!("{shop}/instances/{}", instance["id"].as_str().unwrap());
    developer.post(&format!("{instance}/start"), &json!({})).await.unwrap();
    kafka.send(&payments, &[r#"{"id": 1, "card": "a"}"#, r#"{"id": 2, "card": "b"}"#]).unwrap();
    let mut reader = kafka.reader(&copied).unwrap();
    for id in [1, 2] {
        let row = until("a payment is copied", 60, async || match reader.next(Duration::from_millis(200)) {
            Ok(Some(row)) => Ok(row),
            other => Err(format!("{other:?}")),
        });
        assert_eq!(row.await.unwrap().json().unwrap()["id"], id);
    }

    // Taken away: it stops, says why, and does not start again.
    let grants = risk.path("topics/payments/grants");
    let whitelist = owner.get(&grants).await.unwrap();
    let millrace = millrace_e2e::binary().unwrap();
    let revoked = std::process::Command::new(millrace)
        .args(["--server", &server.base(), "--tenant", &name, "--project", "main"])
        .args(["permission", "revoke", "payments", whitelist["projects"][0]["id"].as_str().unwrap()])
        .env("MILLRACE_DATA_DIR", server.data_dir())
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    let failed = until("the instance has failed", 30, async || match developer.get(&instance).await {
        Ok(found) if found["state"] == "failed" => Ok(found),
        other => Err(format!("{other:?}")),
    });
    let message = failed.await.unwrap()["last_failure"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("a permission has ended") && message.contains("millrace permission apply main.payments"), "{message}");
    let again = developer.post(&format!("{instance}/start"), &json!({})).await.unwrap_err();
    assert_eq!((again.status, again.code()), (403, "permission.missing"));
    let log = admin.get(&format!("{tenant}/audit?outcome=refused&action=instance.start")).await.unwrap();
    assert_eq!(log["items"][0]["detail"]["code"], "permission.missing", "a refused start is in the audit log: {log}");

    // A person's own permission counts for what that person looks at, and for nobody else.
    let looked = json!({"node": "in", "from": {"at": "earliest"}, "rows": 2});
    let preview = format!("{shop}/jobs/copy/preview");
    assert_eq!(developer.post(&preview, &looked).await.unwrap_err().body["errors"][0]["code"], "permission.missing");
    let mine = json!({"table": "main.payments", "for_me": true, "permissions": ["select"], "reason": "a look"});
    let applied = developer.post(&format!("{tenant}/permission-requests"), &mine).await.unwrap();
    decide(&owner, &applied["requests"][0]["number"], "approve").await.unwrap();
    let rows = developer.post(&preview, &looked).await.unwrap();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(2), "{rows}");
    assert_eq!(admin.post(&preview, &looked).await.unwrap_err().body["errors"][0]["code"], "permission.missing");
    developer.post(&format!("{instance}/start"), &json!({})).await.unwrap();
    until("the instance runs", 30, async || match developer.get(&instance).await {
        Ok(found) if found["state"] == "running" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
    let tap = admin.post(&format!("{instance}/tap"), &json!({"node": "in", "seconds": 1})).await.unwrap_err();
    assert_eq!((tap.status, tap.code()), (403, "permission.missing"), "the starter's permission is not everybody's");
    developer.post(&format!("{instance}/tap"), &json!({"node": "in", "seconds": 1})).await.unwrap();

    // PRM-2: a permission ends by itself, and what runs by it too. The person's own is taken away first.
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let soon = json!({"projects": ["shop"], "permissions": ["select"], "expires_at_ms": u64::try_from(now_ms).unwrap() + 4_000});
    let whitelist = owner.post(&grants, &soon).await.unwrap();
    assert_eq!(whitelist["projects"][0]["expired"], false, "{whitelist}");
    for own in whitelist["persons"].as_array().unwrap() {
        owner.delete(&format!("{grants}/{}", own["id"].as_str().unwrap())).await.unwrap();
    }
    let ended = until("the instance ends with its permission", 30, async || match developer.get(&instance).await {
        Ok(found) if found["state"] == "failed" => Ok(found),
        other => Err(format!("{other:?}")),
    });
    let ended = ended.await.unwrap();
    assert!(ended["last_failure"]["message"].as_str().unwrap().contains("a permission has ended"), "{ended}");
    assert_eq!(owner.get(&grants).await.unwrap()["projects"][0]["expired"], true);
}

/// TMP-1: a temp table is a source of jobs in other projects, with permission.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_reads_a_temp_table_of_another_project_while_it_may() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (admin, kafka, name) = (server.api().unwrap(), kafka(), unique("shared"));
    let copied = format!("{name}-copied");
    kafka.create_topic(&copied, 1).await.unwrap();
    let risk = admin.make_project(&name).await.unwrap();
    let tenant = format!("/api/v1/tenants/{name}");
    let shop = format!("{tenant}/projects/shop");
    risk.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    admin.set(&risk.path("temp-table-settings"), &json!({"data_source": "kafka"})).await.unwrap();
    let columns = json!([{"name": "id", "type": "BIGINT"}, {"name": "total", "type": "BIGINT"}]);
    let made = admin.post(&risk.path("temp-tables"), &json!({"name": "sums", "schema": columns})).await.unwrap();
    admin.post(&format!("{tenant}/projects"), &json!({"name": "shop"})).await.unwrap();
    let source = json!({"name": "kafka", "kind": "kafka", "properties": {"bootstrap.servers": kafka.bootstrap()}});
    admin.post(&format!("{shop}/data-sources"), &source).await.unwrap();
    let topic = json!({"name": "copied", "physical_name": copied, "data_source": "kafka", "schema": columns});
    admin.post(&format!("{shop}/topics"), &topic).await.unwrap();
    let owner = caller(&admin, &name, "project_data_admin", Some("main")).await;
    let developer = caller(&admin, &name, "developer", Some("shop")).await;

    let sql = "INSERT INTO copied\nSELECT id, total FROM main.sums /*+ OPTIONS('scan.startup.mode'='earliest-offset') */";
    let draft = json!({"sql": sql, "parameters": {"checkpoint_interval_ms": 200}});
    let explained = developer.post(&format!("{shop}/sql/explain"), &json!({"sql": sql})).await.unwrap();
    assert_eq!(
        (&explained["errors"][0]["code"], &explained["errors"][0]["line"]),
        (&json!("permission.missing"), &json!(2)),
        "{explained}"
    );
    let application = json!({"table": "main.sums", "project": "shop", "permissions": ["select"], "reason": "report"});
    let applied = developer.post(&format!("{tenant}/permission-requests"), &application).await.unwrap();
    let approve = format!("{tenant}/approvals/{}/approve", applied["requests"][0]["number"]);
    owner.post(&approve, &json!({"opinion": "fine"})).await.unwrap();
    developer.post(&format!("{shop}/jobs"), &json!({"name": "copy", "draft": draft})).await.unwrap();
    developer.post(&format!("{shop}/jobs/copy/versions"), &json!({})).await.unwrap();
    let instance = developer.post(&format!("{shop}/instances"), &json!({"job": "copy"})).await.unwrap();
    let instance = format!("{shop}/instances/{}", instance["id"].as_str().unwrap());
    developer.post(&format!("{instance}/start"), &json!({})).await.unwrap();
    kafka.send(made["physical_name"].as_str().unwrap(), &[r#"{"id": 1, "total": 7}"#]).unwrap();
    let row = until("a sum is copied", 60, async || match kafka.read_all(&copied).map_err(|e| e.to_string())?.first() {
        Some(row) => Ok(row.json().unwrap()),
        None => Err("none".to_owned()),
    });
    assert_eq!(row.await.unwrap(), json!({"id": 1, "total": 7}));

    let sums = risk.path("temp-tables/sums");
    let found = owner.get(&sums).await.unwrap();
    assert_eq!((&found["readers"][0]["project_name"], &found["readers"][0]["active"]), (&json!("shop"), &json!(true)), "{found}");
    assert_eq!(admin.delete(&sums).await.unwrap_err().code(), "temp_table.in_use");
    let whitelist = owner.get(&format!("{sums}/grants")).await.unwrap();
    let grant = whitelist["projects"][0]["id"].as_str().unwrap();
    owner.delete(&format!("{sums}/grants/{grant}")).await.unwrap();
    let failed = until("the instance has failed", 30, async || match developer.get(&instance).await {
        Ok(found) if found["state"] == "failed" => Ok(found),
        other => Err(format!("{other:?}")),
    });
    let message = failed.await.unwrap()["last_failure"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("a permission has ended") && message.contains("main.sums"), "{message}");
}
