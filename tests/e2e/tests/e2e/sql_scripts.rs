//! Flink SQL from end to end: a script over the API becomes a job that reads and writes Kafka; its windows come out exactly
//! once and its upsert topic holds the right table, however often the server is killed; wrong scripts are answered with
//! line and column.

use crate::kafka;
use anyhow::Context;
use millrace_e2e::{Deadline, Kafka, Project, Server, ServerOptions, corpus::Event, manifests, unique, until};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Kills unless `MILLRACE_SQL_KILLS` says otherwise.
const KILLS_DEFAULT: u32 = 9;
const EVENTS_PER_SECOND: u64 = 4_000;
const PARTITIONS: i32 = 4;
const JOB: &str = "revenue";

/// Windows of one second per region, and for each user the count and sum of what they did: users whose count divides by
/// three are not in the table, so rows keep leaving it and coming back. That table is read again, as it changes, and its
/// users are counted by their counts.
const SCRIPT: &str = "\
SET 'parallelism.default' = '2';
SET 'execution.checkpointing.interval' = '150 ms';
CREATE TABLE actions (
  usr STRING,
  region STRING,
  amount DECIMAL(10, 2),
  ts BIGINT,
  et AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR et AS et - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');

CREATE TABLE spending (usr STRING, n BIGINT, total DECIMAL(38, 2), PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'json', 'value.format' = 'json', 'sink.parallelism' = '3');

CREATE TABLE spenders (bucket BIGINT, n BIGINT, total DECIMAL(38, 2), PRIMARY KEY (bucket) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'buckets');

CREATE VIEW real_actions AS SELECT * FROM actions WHERE region <> 'end';

EXECUTE STATEMENT SET BEGIN
INSERT INTO windows
SELECT window_start, window_end, region, COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE actions, DESCRIPTOR(et), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, region;

INSERT INTO spending SELECT usr, COUNT(*), SUM(amount) FROM real_actions GROUP BY usr HAVING MOD(COUNT(*), 3) <> 0;

INSERT INTO spenders SELECT MOD(n, 5), COUNT(*), SUM(total) FROM spending GROUP BY MOD(n, 5);
END;
";

/// A project with the topics of the script.
struct Setting {
    project: Project,
    kafka: Kafka,
    events: String,
    windows: String,
    users: String,
    buckets: String,
    instance: String,
}

fn column(name: &str, data_type: &str) -> Value {
    json!({"name": name, "type": data_type})
}

impl Setting {
    async fn make(server: &Server) -> anyhow::Result<Self> {
        let (name, kafka) = (unique("sql"), kafka());
        let [events, windows, users, buckets] = ["events", "windows", "users", "buckets"].map(|topic| format!("{name}-{topic}"));
        for topic in [&events, &windows, &users, &buckets] {
            kafka.create_topic(topic, PARTITIONS).await?;
        }
        let project = server.api()?.make_project(&name).await?;
        project.make_kafka("kafka", kafka.bootstrap()).await?;
        let texts = ["usr", "item", "action", "region"].map(|name| column(name, "STRING"));
        let mut columns = vec![json!({"name": "id", "type": "BIGINT", "nullable": false}), column("amount", "DECIMAL(10, 2)")];
        columns.extend(texts);
        columns.push(column("ts", "BIGINT"));
        project.make_topic("events", &events, &json!(columns)).await?;
        let bounds = ["window_start", "window_end"].map(|name| column(name, "TIMESTAMP(3)"));
        let sums = [column("region", "STRING"), column("n", "BIGINT"), column("total", "DECIMAL(38, 2)")];
        project.make_topic("windows", &windows, &json!([bounds.as_slice(), sums.as_slice()].concat())).await?;
        let sums = [column("usr", "STRING"), column("n", "BIGINT"), column("total", "DECIMAL(38, 2)")];
        project.make_topic("users", &users, &json!(sums)).await?;
        let sums = [column("bucket", "BIGINT"), column("n", "BIGINT"), column("total", "DECIMAL(38, 2)")];
        project.make_topic("buckets", &buckets, &json!(sums)).await?;
        Ok(Self { project, kafka, events, windows, users, buckets, instance: String::new() })
    }

    async fn explain(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.project.api.post(&self.project.path("sql/explain"), &json!({"sql": script})).await?)
    }

    async fn launch(&mut self, start: Value, parameters: Value) -> anyhow::Result<()> {
        self.instance = self.project.make_instance(JOB, &start, &parameters).await?;
        self.project.start_instance(&self.instance, None).await?;
        self.await_state("running").await
    }

    async fn await_state(&self, wanted: &str) -> anyhow::Result<()> {
        let what = format!("the instance is {wanted}");
        // Right after a kill the state is still that of before: only what this server sees counts.
        let is_seen = |status: &Value| wanted != "running" || status["observation"]["phase"] == "running";
        let found = until(&what, 90, async || match self.project.instance(&self.instance).await {
            Ok(status) if (status["state"] == wanted && is_seen(&status)) || status["state"] == "failed" => Ok(status),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(error.to_string()),
        });
        let found = found.await?;
        anyhow::ensure!(found["state"] == wanted, "the instance has failed: {found}");
        Ok(())
    }

    /// Stops with a savepoint and goes on from it in a new instance at another parallelism.
    async fn move_to_parallelism(&mut self, parallelism: &str) -> anyhow::Result<()> {
        self.project.stop_instance(&self.instance, true).await?;
        self.await_state("stopped").await?;
        let savepoint = self.project.savepoints(&self.instance).await?["items"][0]["id"].clone();
        self.launch(json!({"from": "savepoint", "savepoint": savepoint}), json!({"parallelism": parallelism})).await
    }

    /// Kills the server some time after a new checkpoint, and starts it again.
    async fn kill(&self, server: &mut Server, wait: Duration) -> anyhow::Result<()> {
        let manifests =
            |server: &Server| manifests(&server.data_dir().join("checkpoints"), &self.instance).into_iter().collect::<BTreeSet<_>>();
        let (before, deadline) = (manifests(server), Deadline::in_seconds(90));
        // At least one more checkpoint each time: a job that is killed faster than it works would prove nothing.
        while manifests(server).is_subset(&before) {
            anyhow::ensure!(!deadline.is_over(), "no new checkpoint appeared; the job makes no progress");
            std::thread::park_timeout(Duration::from_micros(200));
        }
        tokio::time::sleep(wait).await;
        server.kill()?;
        server.restart().await?;
        self.await_state("running").await
    }

    /// One event per partition, long after all others: windows before it close.
    fn send_end(&self, sent: u64) -> anyhow::Result<()> {
        let ts = Event::new(sent).value()["ts"].as_i64().unwrap_or_default() + 3_600_000;
        let end = json!({"id": sent, "usr": "end", "region": "end", "amount": 0, "ts": ts}).to_string();
        (0..PARTITIONS).try_for_each(|partition| self.kafka.send_to(&self.events, partition, &[&end]))
    }

    /// Rows of the windows' topic with how often each is there.
    fn windows(&self) -> anyhow::Result<BTreeMap<String, u32>> {
        let mut rows = BTreeMap::new();
        for record in self.kafka.read_all(&self.windows)? {
            *rows.entry(row(&record.json()?, &["window_start", "window_end", "region"])).or_default() += 1;
        }
        Ok(rows)
    }

    /// What is left of a topic when only the last message of each key counts, and how many tombstones there were.
    fn compacted(&self, topic: &str, key_column: &str) -> anyhow::Result<(BTreeMap<String, String>, usize)> {
        let (mut table, mut tombstones, mut home) = (BTreeMap::new(), 0, BTreeMap::new());
        for record in self.kafka.read_all(topic)? {
            let key: Value = serde_json::from_slice(record.key.as_deref().context("a message without a key")?)?;
            anyhow::ensure!(!key[key_column].is_null(), "the key {key} has no `{key_column}`");
            let key = key[key_column].as_str().map_or_else(|| key[key_column].to_string(), str::to_owned);
            let first = *home.entry(key.clone()).or_insert(record.partition);
            anyhow::ensure!(first == record.partition, "the rows of {key} are in two partitions");
            if record.value.is_empty() {
                tombstones += 1;
                table.remove(&key);
            } else {
                let value = record.json()?;
                table.insert(key.clone(), format!("{key}{}", row(&value, &[])));
            }
        }
        Ok((table, tombstones))
    }
}

/// A row in one line: its texts, then count and sum in cents.
fn row(value: &Value, texts: &[&str]) -> String {
    let cents = |total: &Value| match total {
        Value::String(text) => text.parse().unwrap_or(f64::NAN),
        other => other.as_f64().unwrap_or(f64::NAN),
    } * 100.0;
    let texts: Vec<&str> = texts.iter().map(|name| value[name].as_str().unwrap_or("?")).collect();
    format!("{} {} {}", texts.join(" "), value["n"], cents(&value["total"]).round())
}

/// What the topics must hold after the events below `sent`, computed without the product.
fn expected(sent: u64) -> (BTreeMap<String, u32>, BTreeMap<String, String>) {
    let mut windows: BTreeMap<(i64, String), (u64, i64)> = BTreeMap::new();
    let mut users: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for id in 0..sent {
        let event = Event::new(id).value();
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let cents = (event["amount"].as_f64().unwrap_or(f64::NAN) * 100.0).round() as i64;
        let second = event["ts"].as_i64().unwrap_or_default().div_euclid(1_000);
        for sum in [windows.entry((second, text("region"))).or_default(), users.entry(text("usr")).or_default()] {
            *sum = (sum.0 + 1, sum.1 + cents);
        }
    }
    // The corpus begins at 2023-11-14 22:13:20 and runs for minutes.
    let time = |second: i64| {
        let of_day = second.rem_euclid(86_400);
        format!("2023-11-14 {:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
    };
    let window = |((second, region), (n, cents)): ((i64, String), (u64, i64))| {
        (format!("{} {} {region} {n} {cents}", time(second), time(second + 1)), 1)
    };
    let user = |(usr, (n, cents)): (String, (u64, i64))| (n % 3 != 0).then(|| (usr.clone(), format!("{usr} {n} {cents}")));
    (windows.into_iter().map(window).collect(), users.into_iter().filter_map(user).collect())
}

/// The users' table counted by the count of each user modulo five.
fn buckets(users: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut sums: BTreeMap<u64, (u64, i64)> = BTreeMap::new();
    for row in users.values() {
        let mut numbers = row.rsplit(' ');
        let (cents, n): (i64, u64) = (numbers.next().unwrap_or_default().parse()?, numbers.next().unwrap_or_default().parse()?);
        let sum = sums.entry(n % 5).or_default();
        *sum = (sum.0 + 1, sum.1 + cents);
    }
    Ok(sums.into_iter().map(|(bucket, (n, cents))| (bucket.to_string(), format!("{bucket} {n} {cents}"))).collect())
}

/// What two maps do not share, for people.
fn difference<V: PartialEq + std::fmt::Debug>(found: &BTreeMap<String, V>, expected: &BTreeMap<String, V>) -> String {
    let only = |a: &BTreeMap<String, V>, b: &BTreeMap<String, V>| {
        a.iter().filter(|(k, v)| b.get(*k) != Some(v)).take(5).map(|(k, v)| format!("{k}: {v:?}")).collect::<Vec<_>>()
    };
    let (wrong, missing) = (only(found, expected), only(expected, found));
    format!("{} rows, {} are expected; wrong: {wrong:?}; missing: {missing:?}", found.len(), expected.len())
}

async fn run(kills: u32, seed: u64) -> anyhow::Result<()> {
    let mut server = Server::start(ServerOptions::default()).await?;
    let done = run_on(&mut server, kills, seed).await;
    done.with_context(|| server.state())
}

async fn run_on(server: &mut Server, kills: u32, seed: u64) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut setting = Setting::make(server).await?;
    let project = setting.project.clone();
    project.make_job(JOB, &json!({"sql": SCRIPT})).await?;
    let version = project.submit(JOB).await?;
    anyhow::ensure!(version["graph"]["sql"] == SCRIPT, "a version keeps its script: {version}");
    let producing = setting.kafka.produce(&setting.events, 0, PARTITIONS as u64, EVENTS_PER_SECOND)?;
    setting.launch(json!({"from": "fresh"}), json!({})).await?;
    for kill in 0..kills {
        if kill == kills / 2 {
            setting.move_to_parallelism("3").await?;
        }
        // Right behind the checkpoint its output is not committed yet; later it is, and the next one is under way.
        let wait_us = if kill % 2 == 0 { 0 } else { random.random_range(0..400_000) };
        setting.kill(server, Duration::from_micros(wait_us)).await?;
    }
    let sent = producing.finish()?;
    setting.send_end(sent)?;
    let (windows, users) = expected(sent);
    let buckets = buckets(&users)?;
    let done = until("both topics are complete", 120, async || {
        let found = setting.windows().map_err(|e| e.to_string())?;
        if found.len() < windows.len() {
            return Err(format!("{} of {} windows", found.len(), windows.len()));
        }
        let (found, _) = setting.compacted(&setting.users, "usr").map_err(|e| format!("{e:#}"))?;
        if found != users {
            return Err(difference(&found, &users));
        }
        let (found, _) = setting.compacted(&setting.buckets, "bucket").map_err(|e| format!("{e:#}"))?;
        if found == buckets { Ok(()) } else { Err(difference(&found, &buckets)) }
    });
    done.await?;
    project.stop_instance(&setting.instance, true).await?;
    setting.await_state("stopped").await?;
    let found = setting.windows()?;
    anyhow::ensure!(found == windows, "windows: {}", difference(&found, &windows));
    let (found, tombstones) = setting.compacted(&setting.users, "usr")?;
    anyhow::ensure!(found == users, "users: {}", difference(&found, &users));
    anyhow::ensure!(tombstones > 0, "rows have left the table, so there must be tombstones");
    println!(
        "sql: {kills} kills, {sent} events, {} window rows, {} users, {tombstones} tombstones, seed {seed}",
        windows.len(),
        users.len()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_exact_under_kills() {
    let kills = std::env::var("MILLRACE_SQL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS_DEFAULT);
    let seed = rand::rng().random();
    if let Err(error) = run(kills, seed).await {
        panic!("seed {seed}: {error:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_explained_and_wrong_ones_are_answered_with_line_and_column() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let setting = Setting::make(&server).await.unwrap();
    let report = setting.explain(SCRIPT).await.unwrap();
    assert_eq!((&report["valid"], &report["errors"]), (&json!(true), &json!([])), "{report}");
    let query = &report["queries"][1];
    assert_eq!((&query["node"], &query["changelog_mode"]), (&json!("spending-query"), &json!("I,UB,UA")), "{report}");
    assert_eq!(query["upsert_keys"], json!([["usr"]]));
    let total = json!({"name": "total", "type": "DECIMAL(38, 2)", "nullable": true, "lineage": [{"table": "actions", "column": "amount"}]});
    assert_eq!(query["columns"][2], total);
    assert!(query["plan"].as_str().is_some_and(|p| p.contains("GroupAggregate(groupBy=[usr]")), "{query}");

    let changed = |from: &str, to: &str| {
        assert!(SCRIPT.contains(from), "{from}");
        SCRIPT.replacen(from, to, 1)
    };
    let cases = [
        ("a slip in a column", changed("SUM(amount)\nFROM", "SUM(amuont)\nFROM"), (22, 56), "sql.unknown_column", "did you mean `amount`"),
        ("a slip in a topic", changed("INTO windows", "INTO window_s"), (21, 13), "sql.unknown_table", "did you mean the topic `windows`"),
        (
            "a type that is not the topic's",
            changed("region STRING,", "region STRING, item INT,"),
            (5, 18),
            "sql.schema_mismatch",
            "as INT, but is STRING in topic `events`",
        ),
        (
            "a slip in an option",
            changed("scan.startup.mode", "scan.startup.mod"),
            (10, 71),
            "sql.unknown_option",
            "did you mean 'scan.startup.mode'",
        ),
        ("a wrong value", changed("earliest-offset", "group-offsets"), (10, 71), "sql.invalid_option", "checkpoints"),
        (
            "a credential",
            changed("'format' = 'json'", "'properties.sasl.password' = 'x'"),
            (10, 52),
            "config.property_refused",
            "data source",
        ),
        (
            "another cluster",
            changed("'format' = 'json'", "'properties.bootstrap.servers' = 'evil:9092'"),
            (10, 52),
            "sql.other_cluster",
            "evil:9092",
        ),
        ("no key", changed(", PRIMARY KEY (usr) NOT ENFORCED", ""), (12, 14), "sql.no_key", "PRIMARY KEY"),
        ("updates into a log", changed("'upsert-kafka'", "'kafka'"), (13, 7), "sql.primary_key", "upsert-kafka"),
        (
            "a key that mixes rows",
            changed("GROUP BY usr HAVING", "GROUP BY usr, region HAVING"),
            (12, 14),
            "graph.key_does_not_fit",
            "GROUP BY",
        ),
        (
            "a wrong client property",
            changed("'format' = 'json'", "'properties.max.poll.recodrs' = '5'"),
            (10, 52),
            "config.invalid",
            "max.poll.recodrs",
        ),
    ];
    for (number, (what, script, (line, column), code, text)) in cases.into_iter().enumerate() {
        let job = format!("wrong-{number}");
        setting.project.make_job(&job, &json!({"sql": script})).await.unwrap();
        let problem = setting.project.submit(&job).await.unwrap_err();
        assert_eq!((problem.status, problem.code()), (422, "graph.invalid"), "{what}: {problem}");
        let named = |e: &Value| {
            (&e["field"], &e["line"], &e["column"], &e["code"]) == (&json!("sql"), &json!(line), &json!(column), &json!(code))
                && e["message"].as_str().is_some_and(|m| m.contains(text))
        };
        let errors = problem.body["errors"].as_array().cloned().unwrap_or_default();
        assert!(errors.iter().any(named), "{what}: expected {line}:{column} {code} with {text:?}, found {errors:#?}");
    }
}
