//! `cargo xtask measure control-plane`: how long the ten commonest calls of a console take on an installation with many
//! projects, tables and jobs, while several people work at once; beside them searches over everything, and a table's page.
//! Everything over the HTTP API of the real server.

use anyhow::{Context, ensure};
use clap::Parser;
use millrace_e2e::{Api, Server, ServerOptions};
use serde_json::{Map, Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Tenant that everything belongs to: one that all lists and searches have to find their rows in.
const TENANT: &str = "acme";

#[derive(Parser, Clone)]
#[command(about = "Latency of the control plane's commonest calls")]
struct Arguments {
    /// Projects of the tenant
    #[arg(long, default_value_t = 1_000)]
    projects: usize,
    /// Tables, spread over the projects
    #[arg(long, default_value_t = 10_000)]
    tables: usize,
    /// Jobs, spread over the projects
    #[arg(long, default_value_t = 10_000)]
    jobs: usize,
    /// Calls of each kind that are measured
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// People who work at once
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// URL of the metadata database; a file of SQLite unless given
    #[arg(long)]
    database: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let database = arguments.database.clone();
    let options = ServerOptions {
        arguments: database.map_or_else(Vec::new, |url| vec!["--metadata-url".to_owned(), url]),
        ..ServerOptions::default()
    };
    let server = Server::start(options).await?;
    let api = server.api()?;
    let started = Instant::now();
    furnish(&api, &arguments).await?;
    let mut figures = Map::from_iter([("furnish_s".to_owned(), json!(started.elapsed().as_secs_f64()))]);
    let mut worst = 0f64;
    for (call, is_common) in Call::ALL.map(|call| (call, true)).into_iter().chain(Call::BESIDE.map(|call| (call, false))) {
        let [p50, p99] = measure(&api, &arguments, call).await?;
        worst = if is_common { worst.max(p99) } else { worst };
        figures.insert(format!("{}_p50_ms", call.name()), json!(p50));
        figures.insert(format!("{}_p99_ms", call.name()), json!(p99));
    }
    for (name, value) in [("projects", arguments.projects), ("tables", arguments.tables), ("jobs", arguments.jobs)] {
        figures.insert(name.to_owned(), json!(value));
    }
    figures.insert("p99_ms_worst".to_owned(), json!(worst));
    #[allow(clippy::print_stdout, reason = "the figures are the program's output")]
    {
        println!("{}", Value::Object(figures));
    }
    Ok(())
}

/// A call that pages of the console make again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Me,
    ListProjects,
    GetProject,
    ListTables,
    GetTable,
    ListJobs,
    GetJob,
    SaveJob,
    ListInstances,
    Inbox,
    /// A word that one table and one job have.
    SearchName,
    /// The beginning of a word that every table has.
    SearchCommon,
    /// Two words, of which only jobs of one project have both.
    SearchInProject,
    TablePage,
}

impl Call {
    const ALL: [Self; 10] = [
        Self::Me,
        Self::ListProjects,
        Self::GetProject,
        Self::ListTables,
        Self::GetTable,
        Self::ListJobs,
        Self::GetJob,
        Self::SaveJob,
        Self::ListInstances,
        Self::Inbox,
    ];

    /// Those that are made now and then; they do not count for the worst of the common ones.
    const BESIDE: [Self; 4] = [Self::SearchName, Self::SearchCommon, Self::SearchInProject, Self::TablePage];

    const fn name(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::ListProjects => "list_projects",
            Self::GetProject => "get_project",
            Self::ListTables => "list_tables",
            Self::GetTable => "get_table",
            Self::ListJobs => "list_jobs",
            Self::GetJob => "get_job",
            Self::SaveJob => "save_job",
            Self::ListInstances => "list_instances",
            Self::Inbox => "inbox",
            Self::SearchName => "search_name",
            Self::SearchCommon => "search_common",
            Self::SearchInProject => "search_in_project",
            Self::TablePage => "table_page",
        }
    }

    /// Where the `turn`-th thing of the call is.
    fn path(self, arguments: &Arguments, turn: usize) -> String {
        // A step that shares no factor with round numbers: every project comes once before one comes twice.
        let number = turn * 7_919 % arguments.projects;
        let tenant = format!("/api/v1/tenants/{TENANT}");
        let project = format!("{tenant}/projects/project-{number}");
        match self {
            Self::Me => "/api/v1/me".to_owned(),
            Self::ListProjects => format!("{tenant}/projects"),
            Self::GetProject => project,
            Self::ListTables => format!("{project}/topics"),
            Self::GetTable => format!("{project}/topics/table-{number}"),
            Self::ListJobs => format!("{project}/jobs"),
            Self::GetJob | Self::SaveJob => format!("{project}/jobs/job-{number}"),
            Self::ListInstances => format!("{project}/instances"),
            Self::Inbox => format!("{tenant}/approvals?view=waiting_for_me"),
            Self::SearchName => format!("{tenant}/search?q={number}"),
            Self::SearchCommon => format!("{tenant}/search?q=tab"),
            Self::SearchInProject => format!("{tenant}/search?q=job%20{number}&kind=job&project=project-{number}"),
            Self::TablePage => format!("{tenant}/tables/project-{number}.table-{number}"),
        }
    }

    /// What has to be read before: the revision of the job that is saved.
    async fn revision(self, api: &Api, arguments: &Arguments, turn: usize) -> anyhow::Result<i64> {
        if self != Self::SaveJob {
            return Ok(0);
        }
        api.get(&self.path(arguments, turn)).await?["revision"].as_i64().context("a job without revision")
    }

    /// Makes the call on the `turn`-th thing.
    async fn make(self, api: &Api, arguments: &Arguments, turn: usize, revision: i64) -> anyhow::Result<()> {
        let path = self.path(arguments, turn);
        match self {
            Self::SaveJob => api.put_if(&path, revision, &json!({"draft": draft(turn), "description": format!("saved {turn}")})).await?,
            _ => api.get(&path).await?,
        };
        Ok(())
    }
}

/// A graph as people draw it: a source, a query, a sink.
fn draft(turn: usize) -> Value {
    json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks"}},
            {"id": "query", "kind": "sql", "config": {"sql": format!("SELECT url, COUNT(*) AS n FROM `in` WHERE id > {turn} GROUP BY url")}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "counts"}},
        ],
        "edges": [{"from": "in", "to": "query"}, {"from": "query", "to": "out"}],
    })
}

async fn furnish(api: &Api, arguments: &Arguments) -> anyhow::Result<()> {
    api.post("/api/v1/tenants", &json!({"name": TENANT, "description": ""})).await?;
    let (jobs, tables, projects) = (arguments.jobs, arguments.tables, arguments.projects);
    ensure!(projects > 0 && tables >= projects && jobs >= projects, "every project has a table and a job");
    in_parallel(projects, 8, async |number| {
        let made = format!("/api/v1/tenants/{TENANT}/projects");
        api.post(&made, &json!({"name": format!("project-{number}")})).await?;
        let source = json!({"name": "broker", "kind": "kafka", "properties": {"bootstrap.servers": "127.0.0.1:9"}});
        api.post(&format!("{made}/project-{number}/data-sources"), &source).await?;
        Ok(())
    })
    .await?;
    in_parallel(tables, 8, async |number| {
        let columns = json!([
            {"name": "id", "type": "BIGINT", "nullable": false},
            {"name": "url", "type": "STRING", "nullable": true},
            {"name": "at", "type": "TIMESTAMP(3)", "nullable": true},
        ]);
        let body = json!({"name": format!("table-{number}"), "data_source": "broker", "schema": columns});
        api.post(&format!("/api/v1/tenants/{TENANT}/projects/project-{}/topics", number % projects), &body).await?;
        Ok(())
    })
    .await?;
    in_parallel(jobs, 8, async |number| {
        let body = json!({"name": format!("job-{number}"), "folder": format!("folder-{}", number % 3), "draft": draft(number)});
        api.post(&format!("/api/v1/tenants/{TENANT}/projects/project-{}/jobs", number % projects), &body).await?;
        Ok(())
    })
    .await
}

/// Milliseconds that half and that 99 of 100 calls stay below.
async fn measure(api: &Api, arguments: &Arguments, call: Call) -> anyhow::Result<[f64; 2]> {
    let elapsed_ms = std::cell::RefCell::new(Vec::with_capacity(arguments.calls));
    // What the first calls bring into memory is there for all that follow.
    in_parallel(arguments.calls / 10, arguments.clients, async |turn| {
        let revision = call.revision(api, arguments, turn).await?;
        call.make(api, arguments, turn, revision).await
    })
    .await?;
    in_parallel(arguments.calls, arguments.clients, async |turn| {
        let revision = call.revision(api, arguments, turn).await?;
        let started = Instant::now();
        call.make(api, arguments, turn, revision).await.with_context(|| format!("{call:?}"))?;
        elapsed_ms.borrow_mut().push(started.elapsed().as_secs_f64() * 1_000.0);
        Ok(())
    })
    .await?;
    let mut elapsed_ms = elapsed_ms.into_inner();
    elapsed_ms.sort_by(f64::total_cmp);
    let rank = |share: f64| elapsed_ms.get(((share * elapsed_ms.len() as f64).ceil() as usize).saturating_sub(1)).copied();
    Ok([rank(0.5).context("no calls")?, rank(0.99).context("no calls")?])
}

/// Runs `work` on 0 to `count` - 1, `width` at a time.
async fn in_parallel(count: usize, width: usize, work: impl AsyncFn(usize) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let worker = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return anyhow::Ok(());
            }
            work(number).await?;
        }
    };
    let workers: Vec<_> = (0..width.max(1)).map(|_| worker()).collect();
    futures::future::try_join_all(workers).await?;
    Ok(())
}
