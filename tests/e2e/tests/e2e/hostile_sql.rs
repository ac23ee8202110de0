//! One tenant's SQL does not stop the server (standing promise 2): whatever it computes, others are answered, tests end in
//! time, and the process ends when it is told to.

use crate::kafka;
use millrace_e2e::{Api, Project, Server, ServerOptions, unique, until};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Each search reads what is left of the text: hours for a text of some megabytes.
const SLOW: &str = "REGEXP_COUNT(REPEAT(s, 16000000), '.*[^A-Z]|[A-Z]')";

/// Asks for the server's health again and again; answers how long the slowest answer took when it is told to end.
struct Health {
    ends: Arc<AtomicBool>,
    asking: tokio::task::JoinHandle<Duration>,
}

impl Health {
    fn watch(server: &Server) -> Self {
        let (url, ends) = (format!("{}{}", server.base(), Api::READY), Arc::new(AtomicBool::new(false)));
        let end = ends.clone();
        let asking = tokio::spawn(async move {
            let (http, mut slowest) = (reqwest::Client::new(), Duration::ZERO);
            while !end.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = http.get(&url).timeout(Duration::from_secs(20)).send().await.unwrap();
                assert!(answer.status().is_success());
                slowest = slowest.max(began.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        });
        Self { ends, asking }
    }

    async fn slowest(self) -> Duration {
        self.ends.store(true, Ordering::Relaxed);
        self.asking.await.unwrap()
    }
}

async fn project(server: &Server, kafka: &str) -> Project {
    let project = server.api().unwrap().make_project(&unique("hostile")).await.unwrap();
    project.make_kafka("kafka", kafka).await.unwrap();
    project
}

async fn tested(project: &Project, job: &str, seconds: u64) -> (Value, Duration) {
    let began = Instant::now();
    let body = json!({"sources": {"t": {"content": "{\"s\": \"A\"}\n"}}, "limits": {"seconds": seconds}});
    let begun = project.api.post(&project.path(&format!("jobs/{job}/unit-tests")), &body).await.unwrap();
    let path = project.path(&format!("unit-tests/{}", begun["id"].as_str().unwrap()));
    let ended = until("the unit test ends", 60, async || match project.api.get(&path).await {
        Ok(test) if test["state"] != "running" => Ok(test),
        Ok(test) => Err(test["state"].to_string()),
        Err(problem) => Err(problem.to_string()),
    });
    (ended.await.unwrap(), began.elapsed())
}

/// The most memory that the server has had.
fn peak_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_are_dear_to_plan_are_answered_and_so_are_others_meanwhile() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = project(&server, "127.0.0.1:1").await;
    project.make_topic("t", "t", &json!([{"name": "s", "type": "STRING"}])).await.unwrap();
    let health = Health::watch(&server);
    let hostile = [
        "SELECT REGEXP(s, CAST(INSTR(REPEAT('a',15000000),REPEAT('a',7000000),1,2000000000) AS STRING)) FROM t",
        "SELECT REGEXP_COUNT(REPEAT('A',16000000), '.*[^A-Z]|[A-Z]') FROM t",
    ];
    let began = Instant::now();
    let explain = project.path("sql/explain");
    let asked = (0..8).map(|i| {
        let (api, explain, sql) = (project.api.clone(), explain.clone(), hostile[i % 2]);
        tokio::spawn(async move { api.post(&explain, &json!({"sql": sql})).await.unwrap() })
    });
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_eq!(answer["errors"], json!([]), "{answer:#}");
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let wide = format!("{}t{}", "SELECT *, * FROM (".repeat(17) + "SELECT * FROM ", ")".repeat(17));
    let refused = project.api.post(&explain, &json!({"sql": wide})).await.unwrap();
    assert_eq!(refused["errors"][0]["code"], "sql.too_large", "{refused:#}");
    let slowest = health.slowest().await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_that_compute_for_hours_end_in_time_and_hold_nobody_up() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let project = project(&server, kafka().bootstrap()).await;
    let topic = unique("hostile-in");
    kafka().create_topic(&topic, 1).await.unwrap();
    project.make_topic("t", &topic, &json!([{"name": "s", "type": "STRING"}])).await.unwrap();
    let output = unique("hostile-out");
    kafka().create_topic(&output, 1).await.unwrap();
    project.make_topic("o", &output, &json!([{"name": "n", "type": "INT"}])).await.unwrap();
    project.make_job("slow", &json!({"sql": format!("INSERT INTO o SELECT {SLOW} FROM t")})).await.unwrap();
    let searched = "CAST(INSTR(REPEAT(s,15000000),REPEAT(s,7000000),1,2000000000) AS INT)";
    project.make_job("search", &json!({"sql": format!("INSERT INTO o SELECT {searched} FROM t")})).await.unwrap();
    let memory = format!("ELT(2, {})", vec!["REPEAT(s, 15900000)"; 900].join(", "));
    project.make_job("memory", &json!({"sql": format!("INSERT INTO o SELECT CHAR_LENGTH({memory}) FROM t")})).await.unwrap();
    let many = "CROSS JOIN UNNEST(SPLIT(REPEAT('a,',40000),','))";
    let many = format!("INSERT INTO o SELECT CHAR_LENGTH(CONCAT(a.x, b.x)) FROM t {many} AS a (x) {many} AS b (x)");
    project.make_job("rows", &json!({"sql": many})).await.unwrap();

    let health = Health::watch(&server);
    // As many as a tenant may have at once.
    let (one, two) = tokio::join!(tested(&project, "slow", 3), tested(&project, "slow", 3));
    for (test, took) in [one, two] {
        assert_eq!(test["state"], "out_of_bounds", "{test:#}");
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    let (test, _) = tested(&project, "search", 30).await;
    assert!(matches!(test["state"].as_str(), Some("finished" | "passed")), "{test:#}");
    for job in ["memory", "rows"] {
        let (test, _) = tested(&project, job, 30).await;
        // A test build may be too slow to make so many rows.
        assert!(test["state"] == "failed" || (job == "rows" && test["state"] == "out_of_bounds"), "{job}: {test:#}");
        let message = test["failure"]["message"].as_str().unwrap();
        assert!(message.contains("batch.memory") || message.contains("longer than 30 s"), "{test:#}");
        assert_eq!(test["failure"]["class"], "user");
    }
    let (peak_mib, most_mib) = (peak_mib(&server), 900);
    assert!(peak_mib < most_mib, "{peak_mib} MiB");

    // Instances that compute, and the end of the process.
    project.submit("slow").await.unwrap();
    for _ in 0..2 {
        let instance = project.make_instance("slow", &json!({"from": "fresh"}), &json!({})).await.unwrap();
        project.start_instance(&instance, None).await.unwrap();
        project.await_state(&instance, "running", 30).await.unwrap();
    }
    kafka().send(&topic, &["{\"s\": \"A\"}"]).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let slowest = health.slowest().await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let began = Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}
