//! Look-up joins from end to end (SQL-9): a script over the API joins a topic to an uploaded data package and to a topic of
//! rows by key. Rows that change, keys that nobody has, a table without rows, a killed server, and what a user is told when
//! a table is missing or does not hold what was declared.

use crate::kafka;
use millrace_e2e::{Kafka, Project, Server, ServerOptions, unique, until};
use serde_json::{Value, json};
use std::{cell::Cell, collections::BTreeMap};

/// What is sold: with a code of leading zeros, and a product that no order names.
const PRODUCTS: &str = "sku,title,price,weight\n007,spoon,1.50,20\n008,fork,2.25,25\n009,knife,4.00,60\n";
/// The same a day later: forks are dearer, knives are gone.
const PRODUCTS_LATER: &str = "sku,title,price,weight\n007,spoon,1.50,20\n008,fork,9.00,25\n";

const SCRIPT: &str = "\
SET 'parallelism.default' = '2';
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE orders (id BIGINT, sku STRING, qty INT, proc AS PROCTIME())
WITH ('connector' = 'kafka', 'topic' = 'orders', 'scan.startup.mode' = 'earliest-offset');

CREATE TABLE products (sku STRING, title STRING, price DECIMAL(10, 2), PRIMARY KEY (sku) NOT ENFORCED)
WITH ('connector' = 'dimension', 'package' = 'products');

CREATE TABLE stock (sku STRING, place STRING, pieces INT, PRIMARY KEY (sku) NOT ENFORCED)
WITH ('connector' = 'dimension', 'topic' = 'stock');

INSERT INTO picks
SELECT o.id, p.title, o.qty * p.price, s.place
FROM orders AS o
JOIN products FOR SYSTEM_TIME AS OF o.proc AS p ON o.sku = p.sku
LEFT JOIN stock FOR SYSTEM_TIME AS OF o.proc AS s ON o.sku = s.sku AND s.pieces >= o.qty;
";

/// A project with the topics of the script, and what has been asked of its job.
struct Setting {
    project: Project,
    kafka: Kafka,
    orders: String,
    stock: String,
    picks: String,
    next: Cell<u64>,
}

impl Setting {
    async fn make(server: &Server) -> anyhow::Result<Self> {
        let (name, kafka) = (unique("lookup"), kafka());
        let [orders, stock, picks] = ["orders", "stock", "picks"].map(|topic| format!("{name}-{topic}"));
        for topic in [&orders, &stock, &picks] {
            kafka.create_topic(topic, 2).await?;
        }
        let project = server.api()?.make_project(&name).await?;
        project.make_kafka("kafka", kafka.bootstrap()).await?;
        let columns = |of: &[(&str, &str)]| of.iter().map(|(name, t)| json!({"name": name, "type": t})).collect::<Value>();
        let topic = async |name: &str, physical: &str, of: &[(&str, &str)]| project.make_topic(name, physical, &columns(of)).await;
        topic("orders", &orders, &[("id", "BIGINT"), ("sku", "STRING"), ("qty", "INT")]).await?;
        topic("stock", &stock, &[("sku", "STRING"), ("place", "STRING"), ("pieces", "INT")]).await?;
        topic("picks", &picks, &[("id", "BIGINT"), ("title", "STRING"), ("total", "DECIMAL(38, 2)"), ("place", "STRING")]).await?;
        Ok(Self { project, kafka, orders, stock, picks, next: Cell::new(0) })
    }

    async fn upload(&self, package: &str, rows: &str) -> anyhow::Result<()> {
        let path = self.project.path(&format!("resources/{package}/versions"));
        self.project.api.upload(&path, rows.as_bytes().to_vec()).await?;
        Ok(())
    }

    /// Sends orders of two pieces each and answers their numbers.
    fn order(&self, skus: &[Option<&str>]) -> anyhow::Result<Vec<u64>> {
        let first = self.next.replace(self.next.get() + skus.len() as u64);
        let ids: Vec<u64> = (first..self.next.get()).collect();
        for (id, sku) in ids.iter().zip(skus) {
            let order = json!({"id": id, "sku": sku, "qty": 2}).to_string();
            self.kafka.send_to(&self.orders, i32::try_from(id % 2)?, &[&order])?;
        }
        Ok(ids)
    }

    /// What has been committed, by order; an order that is there twice is an error.
    fn picked(&self) -> anyhow::Result<BTreeMap<u64, String>> {
        let mut picked = BTreeMap::new();
        for record in self.kafka.read_all(&self.picks)? {
            let row = record.json()?;
            let total = row["total"].as_f64().unwrap_or(f64::NAN);
            let text = format!("{} {total:.2} {}", row["title"], row["place"]).replace('"', "");
            let before = picked.insert(row["id"].as_u64().unwrap_or(u64::MAX), text);
            anyhow::ensure!(before.is_none(), "order {} was written twice", row["id"]);
        }
        Ok(picked)
    }

    /// Orders, and waits for what comes of them; `None` for an order of which nothing comes.
    async fn expect(&self, orders: &[(Option<&str>, Option<&str>)]) -> anyhow::Result<()> {
        let skus: Vec<Option<&str>> = orders.iter().map(|(sku, _)| *sku).collect();
        // The last order is always answered, by either partition: what is not there by then does not come.
        let ids = self.order(&[skus.as_slice(), &[Some("007"), Some("007")]].concat())?;
        let (last, ids) = (ids[orders.len()..].to_vec(), &ids[..orders.len()]);
        let picked = until("the orders are picked", 60, async || {
            let picked = self.picked().map_err(|e| e.to_string())?;
            if last.iter().all(|id| picked.contains_key(id)) { Ok(picked) } else { Err(format!("{picked:?}")) }
        });
        let picked = picked.await?;
        let found: Vec<Option<&str>> = ids.iter().map(|id| picked.get(id).map(String::as_str)).collect();
        let wanted: Vec<Option<&str>> = orders.iter().map(|(_, row)| *row).collect();
        anyhow::ensure!(found == wanted, "of {skus:?} came {found:?}, expected {wanted:?}");
        Ok(())
    }

    /// Orders one product until `row` comes of it: rows of a topic take effect when they are read.
    async fn await_row(&self, sku: &str, row: &str) -> anyhow::Result<()> {
        let seen = until("the changed row is found", 60, async || {
            let id = self.order(&[Some(sku)]).map_err(|e| e.to_string())?[0];
            let answer = until("the order is picked", 60, async || {
                self.picked().map_err(|e| e.to_string())?.remove(&id).ok_or_else(|| "nothing".to_owned())
            });
            let answer = answer.await.map_err(|e| e.to_string())?;
            if answer == row { Ok(()) } else { Err(answer) }
        });
        seen.await
    }

    async fn launch(&self, job: &str, start: Value) -> anyhow::Result<String> {
        let instance = self.project.make_instance(job, &start, &json!({})).await?;
        self.project.start_instance(&instance, None).await?;
        self.project.await_state(&instance, "running", 90).await?;
        Ok(instance)
    }

    /// The first error of a script that cannot be submitted, as one line.
    async fn refusal(&self, script: &str) -> anyhow::Result<String> {
        let job = unique("refused");
        self.project.make_job(&job, &json!({"sql": script})).await?;
        match self.project.submit(&job).await {
            Ok(version) => anyhow::bail!("was accepted: {version}"),
            Err(problem) => {
                let error = &problem.body["errors"][0];
                Ok(format!("{}:{} {} {}", error["line"], error["column"], error["code"], error["message"]).replace('"', ""))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_looked_up_in_a_package_and_in_a_topic() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let setting = Setting::make(&server).await.unwrap();
    if let Err(error) = look_up(&mut server, &setting).await {
        panic!("{error:#}\n{}", server.state());
    }
}

async fn look_up(server: &mut Server, setting: &Setting) -> anyhow::Result<()> {
    let project = setting.project.clone();
    setting.upload("products", PRODUCTS).await?;
    project.make_job("picking", &json!({"sql": SCRIPT})).await?;
    project.submit("picking").await?;
    let instance = setting.launch("picking", json!({"from": "fresh"})).await?;

    // The topic holds nothing yet: LEFT JOIN keeps the order. A key that is missing, or NULL, has no product.
    setting
        .expect(&[(Some("008"), Some("fork 4.50 null")), (Some("7"), None), (None, None), (Some("009"), Some("knife 8.00 null"))])
        .await?;

    // Rows come, in both partitions; one is too few for the condition.
    setting.kafka.send_rows(&setting.stock, 0, &[row("008", "A1", 5).pair(), row("009", "B2", 1).pair()])?;
    setting.kafka.send_rows(&setting.stock, 1, &[row("007", "C3", 9).pair()])?;
    setting.await_row("008", "fork 4.50 A1").await?;
    setting.await_row("007", "spoon 3.00 C3").await?;
    setting.expect(&[(Some("009"), Some("knife 8.00 null")), (Some("unheard"), None)]).await?;

    // One row changes, another is deleted.
    let key = row("007", "", 0).key;
    setting.kafka.send_rows(&setting.stock, 0, &[row("008", "Z9", 5).pair()])?;
    setting.kafka.send_rows(&setting.stock, 1, &[(&key, None)])?;
    setting.await_row("008", "fork 4.50 Z9").await?;
    setting.await_row("007", "spoon 3.00 null").await?;

    // A new version of the package is for those that ask for it: the job's version has the one it was submitted with.
    setting.upload("products", PRODUCTS_LATER).await?;
    server.kill()?;
    server.restart().await?;
    project.await_state(&instance, "running", 90).await?;
    setting.expect(&[(Some("008"), Some("fork 4.50 Z9")), (Some("009"), Some("knife 8.00 null"))]).await?;
    let refused = project.api.delete(&project.path("resources/products")).await;
    let refused = refused.err().map(|problem| problem.to_string()).unwrap_or_default();
    anyhow::ensure!(refused.contains("picking"), "the package of a running job is not removed: {refused}");

    // The same script submitted again has the rows of now, and goes on where the former version was.
    project.stop_instance(&instance, true).await?;
    project.await_state(&instance, "stopped", 90).await?;
    let savepoint = project.savepoints(&instance).await?["items"][0]["id"].clone();
    project.submit("picking").await?;
    let instance = setting.launch("picking", json!({"from": "savepoint", "savepoint": savepoint})).await?;
    setting.expect(&[(Some("008"), Some("fork 18.00 Z9")), (Some("009"), None)]).await?;
    let figures = project.metrics(&instance).await?["dimension_tables"].clone();
    let rows = |table: &str| figures.as_array().into_iter().flatten().find(|f| f["name"] == table).map(|f| f["rows"].clone());
    anyhow::ensure!((rows("products"), rows("stock")) == (Some(json!(2)), Some(json!(2))), "{figures}");
    Ok(())
}

/// A row of the stock.
struct Row {
    key: String,
    value: String,
}

impl Row {
    fn pair(&self) -> (&str, Option<&str>) {
        (&self.key, Some(&self.value))
    }
}

fn row(sku: &str, place: &str, pieces: u64) -> Row {
    let (key, value) = (json!({"sku": sku}).to_string(), json!({"sku": sku, "place": place, "pieces": pieces}).to_string());
    Row { key, value }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_dimension_table_is_said() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let setting = Setting::make(&server).await.unwrap();
    let project = &setting.project;
    let changed = |from: &str, to: &str| {
        assert!(SCRIPT.contains(from), "{from}");
        SCRIPT.replacen(from, to, 1)
    };
    let missing = setting.refusal(SCRIPT).await.unwrap();
    assert_eq!(
        missing,
        "7:34 config.unknown_package data package `products` is not there; upload its rows: `millrace resource push products FILE`"
    );
    setting.upload("products", PRODUCTS).await.unwrap();
    let cases = [
        (
            "a topic that is not there",
            changed("'topic' = 'stock'", "'topic' = 'stocks'"),
            "10:34 config.unknown_table topic `stocks` is not there; did you mean `stock`?",
        ),
        (
            "a column that the package lacks",
            changed("title STRING", "label STRING").replace("p.title", "p.label"),
            "6:14 sql.schema_mismatch package `products` has no column `label`; its columns are sku, title, price, weight",
        ),
        (
            "a column that the topic lacks",
            changed("place STRING", "spot STRING").replace("s.place", "s.spot"),
            "9:33 sql.schema_mismatch column `spot` of table `stock` is not in the dimension table of this name; its columns are sku, place, pieces",
        ),
        (
            "a column of another type than the topic's",
            changed("pieces INT", "pieces STRING"),
            "9:47 sql.schema_mismatch column `pieces` of table `stock` is declared as STRING, but is INT in the dimension table of this name; declare it as INT, and cast it where another type is needed",
        ),
        (
            "a version that the package lacks",
            changed("'package' = 'products'", "'package' = 'products', 'package.version' = '7'"),
            "7:34 config.unknown_package version `7` of data package `products` is not there",
        ),
        (
            "a topic without a key",
            changed("pieces INT, PRIMARY KEY (sku) NOT ENFORCED", "pieces INT"),
            "10:34 sql.no_primary_key option 'topic' needs a key, as the newest row of each key is kept; declare `PRIMARY KEY (…) NOT ENFORCED` in the table",
        ),
        (
            "no equality",
            changed("ON o.sku = p.sku", "ON o.sku <> p.sku"),
            "14:6 sql.no_lookup_key nothing says which rows of `products` to look up; compare a column of `products` as it is with a value of the same type: `ON l.key = d.key`",
        ),
        (
            "a table that flows",
            changed("JOIN stock FOR SYSTEM_TIME AS OF o.proc AS s", "JOIN stock AS s"),
            "16:11 sql.dimension_not_read `stock` is a dimension table: its rows are looked up, they do not flow; join it: `JOIN stock FOR SYSTEM_TIME AS OF l.proc AS d ON l.key = d.key`, with `proc AS PROCTIME()` on the left",
        ),
    ];
    let mut wrong = Vec::new();
    for (what, script, wanted) in cases {
        let said = setting.refusal(&script).await.unwrap_or_else(|e| format!("{e:#}"));
        if said != wanted {
            wrong.push(format!("{what}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // What only the rows show stops the job, and names the row.
    setting.upload("products", "sku,title,price,weight\n007,spoon,cheap,20\n").await.unwrap();
    project.make_job("picking", &json!({"sql": SCRIPT})).await.unwrap();
    project.submit("picking").await.unwrap();
    let instance = setting.launch("picking", json!({"from": "fresh"})).await.unwrap();
    setting.order(&[Some("007")]).unwrap();
    let failed = until("the job says which row it cannot read", 60, async || {
        let status = project.exceptions(&instance).await.map_err(|e| e.to_string())?.to_string();
        if status.contains("dimension table `products` cannot be loaded: row 1 of the package") { Ok(()) } else { Err(status) }
    });
    failed.await.unwrap();
}
