//! Hostile guests: a folder of `tests/hostile` each, with what must come of it.
//!
//! All of them run on one thread together with a well-behaved neighbour, so a guest that does not give way, or takes
//! the host down, shows. Each case is held with a clear reason, leaves nothing of the tenant's account taken, and the
//! process stays small.

use crate::generators;
use crate::guests::{self, CountingLog, Fixture};
use crate::hostile_operators;
use arrow_array::Array;
use bytes::Bytes;
use millrace_sandbox::*;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Fewest cases that there must be: a wrong path must not make the test pass on nothing.
const CASES_MIN: usize = 30;
/// Longest that the neighbour may wait for one small batch, in CPU time of the thread that all share: a few ticks and the
/// host's own work on an answer in an unoptimised build. CPU time, so that other processes on the machine do not count.
const NEIGHBOUR_WAIT_MAX: Duration = Duration::from_millis(200);
/// Longest that the neighbour may stand still by the clock, on however busy a machine.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// How much the process may grow over all cases.
const GROWTH_BYTES_MAX: u64 = 300 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the guest tries.
    #[allow(dead_code)]
    title: String,
    /// Prelude fragments around `guest.wat`.
    #[serde(default)]
    prelude: Vec<String>,
    /// How the component comes about; `guest.wat` as fields of a module when absent.
    #[serde(default)]
    source: Source,
    /// The world of `guest.wat`.
    #[serde(default = "etl")]
    world: String,
    /// Version of the contract that the component claims.
    #[serde(default = "current")]
    wit_version: String,
    #[serde(default)]
    limits: Limits,
    expect: Expect,
}

fn etl() -> String {
    "etl-operator".to_owned()
}

fn current() -> String {
    WIT_VERSION.to_owned()
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Source {
    /// `guest.wat` are fields of a core module that is made a component.
    #[default]
    Fields,
    /// `guest.wat` is the upload as it stands: a core module or a component.
    Text,
    /// Bytes in hex.
    Hex(String),
    /// Made by the generator of that name, of that size.
    Generated { name: String, size: usize },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    fuel: Option<u64>,
    deadline_ms: Option<u64>,
    compile_cpu_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// `admission`, `instantiate`, the call (`open`, `process`, `eval`, `export_states`, …), or `none`: the guest is
    /// harmless under its limits.
    stage: String,
    #[serde(default)]
    kind: Option<FaultKind>,
    /// Text that the reason holds.
    #[serde(default)]
    reason: String,
    #[serde(default)]
    log_lines_max: Option<u64>,
    #[serde(default)]
    log_line_bytes_max: Option<u64>,
    #[serde(default)]
    counters_max: Option<usize>,
}

/// Runs batches without pause and notes the longest wait.
struct Neighbour {
    batches: Arc<AtomicU64>,
    longest_us: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Neighbour {
    async fn start(fixture: &Fixture) -> Self {
        let component = fixture.load(guests::component(&guests::module(&guests::ECHO, ""), WIT_VERSION)).await;
        let mut operator = fixture.sandbox.open_etl(&component, guests::open(guests::limits()), guests::schema()).await.unwrap();
        let (batches, longest_us, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, longest, stopped) = (batches.clone(), longest_us.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let batch = guests::batch();
            while !stopped.load(Relaxed) {
                let started = thread_time();
                let answer = operator.process(&batch).await.unwrap();
                assert_eq!(answer.rows, batch.rows);
                tokio::task::yield_now().await;
                longest.fetch_max((thread_time() - started).as_micros() as u64, Relaxed);
                count.fetch_add(1, Relaxed);
            }
        });
        Self { batches, longest_us, stop, task }
    }

    /// Waits until the neighbour has done some more batches.
    async fn goes_on(&self, case: &str) {
        let goal = self.batches.load(Relaxed) + 3;
        let deadline = Instant::now() + STANDSTILL_MAX;
        while self.batches.load(Relaxed) < goal {
            assert!(Instant::now() < deadline, "{case}: the neighbour stands still");
            tokio::task::yield_now().await;
        }
    }
}

fn upload(dir: &Path, case: &Case) -> Bytes {
    let text = || std::fs::read_to_string(dir.join("guest.wat")).unwrap();
    match &case.source {
        Source::Fields => guests::component_of(&case.world, &guests::module(&case.prelude, &text()), &case.wit_version),
        Source::Text => wat::parse_str(text()).unwrap().into(),
        Source::Hex(digits) => hex::decode(digits).unwrap().into(),
        Source::Generated { name, size } => generators::generate(name, *size),
    }
}

async fn run(fixture: &Fixture, upload: Bytes, case: &Case) -> Result<(), String> {
    let expect = &case.expect;
    let check = |stage: &str, kind: Option<FaultKind>, reason: String| {
        let right = stage == expect.stage && kind == expect.kind && reason.contains(&expect.reason) && reason.len() < 10_000;
        if right { Ok(()) } else { Err(format!("got {stage} {kind:?} {reason:?}")) }
    };
    let info = match fixture.sandbox.admit(upload.clone()).await {
        Ok(info) => info,
        Err(error) => return check("admission", None, error.to_string()),
    };
    let component = fixture.sandbox.load(&info.content_hash, upload).await.map_err(|e| e.to_string())?;
    let mut limits = guests::limits();
    if let Some(fuel) = case.limits.fuel {
        (limits.open_fuel, limits.process_fuel) = (fuel, fuel);
    }
    limits.deadline_ms = case.limits.deadline_ms.unwrap_or(limits.deadline_ms);
    let log = Arc::new(CountingLog::default());
    let mut open = guests::open(limits);
    open.log = log.clone();
    let account = open.account.clone();
    if matches!(component.world(), World::Source | World::Sink | World::Transform | World::Dimension) {
        let outcome = match hostile_operators::run(&fixture.sandbox, &component, open).await {
            Ok(()) => check("none", None, String::new()),
            Err(report) => check(&stage_of(&report), Some(report.kind), report.to_string()),
        };
        return given_back(&account, outcome);
    }
    if component.world() != World::Etl {
        open.function = Some("f".into());
        let outcome = match function(fixture, &component, open).await {
            Ok(()) => check("none", None, String::new()),
            Err(report) if report.function.as_deref() != Some("f") => Err(format!("the report does not name the function: {report:?}")),
            Err(report) => check(&stage_of(&report), Some(report.kind), report.to_string()),
        };
        return given_back(&account, outcome);
    }
    let outcome = match fixture.sandbox.open_etl(&component, open, guests::schema()).await {
        Err(report) => {
            let stage = if report.stage == Stage::Open { "open" } else { "instantiate" };
            check(stage, Some(report.kind), report.to_string())
        }
        Ok(mut operator) => match operator.process(&guests::batch()).await {
            Err(report) => {
                let named =
                    report.tenant.as_str() == "tenant" && report.operator.as_str() == "clean" && report.origin == guests::batch().origin;
                if !named || operator.is_open() != (report.kind == FaultKind::GuestError) {
                    return Err(format!("the report is not complete, or the instance not handled rightly: {report:?}"));
                }
                check("process", Some(report.kind), report.to_string())
            }
            Ok(_) => {
                let counters = operator.usage().counters.len();
                if expect.counters_max.is_some_and(|max| counters > max) {
                    return Err(format!("{counters} counters"));
                }
                check("none", None, String::new())
            }
        },
    };
    let (lines, longest) = (log.lines.load(Relaxed), log.longest.load(Relaxed));
    if expect.log_lines_max.is_some_and(|max| lines > max || lines == 0) || expect.log_line_bytes_max.is_some_and(|max| longest > max) {
        return Err(format!("{lines} log lines, longest {longest} bytes"));
    }
    given_back(&account, outcome)
}

fn given_back(account: &TenantAccount, outcome: Result<(), String>) -> Result<(), String> {
    let usage = account.usage();
    if usage.memory_bytes != 0 || usage.instances != 0 {
        return Err(format!("the tenant's account is not given back: {usage:?}"));
    }
    outcome
}

/// The stage as `case.toml` writes it.
fn stage_of(report: &FaultReport) -> String {
    serde_json::to_value(report.stage).ok().and_then(|stage| stage.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Every call of a function's world, in the order in which a job makes them, over ten BIGINTs.
async fn function(fixture: &Fixture, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    let sandbox = &fixture.sandbox;
    let (call, column) = (FunctionCall { signature: 0, arguments: 1 }, guests::batch().rows.column(0).clone());
    match component.world() {
        World::Table => drop(sandbox.open_table(component, open, call).await?.eval(&[column], 10).await?),
        World::Aggregate => {
            let mut guest = sandbox.open_aggregate(component, open, call).await?;
            if let Err(report) = guest.update(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], Some(&[0b10, 0]), &[column]).await {
                assert!(!guest.is_open(), "groups that may be half changed are still there");
                return Err(report);
            }
            assert_eq!(guest.values(&[0, 1]).await?.len(), 2);
            let states = guest.export_states(&[0, 1]).await?;
            guest.import_states(&[2, 3], &states).await?;
            guest.clear(&[0, 1, 2, 3]).await?;
        }
        _ => drop(sandbox.open_scalar(component, open, call).await?.eval(&[column], 10).await?),
    }
    Ok(())
}

/// CPU time that this thread has used.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn every_hostile_guest_is_held_and_the_neighbour_unharmed() {
    let mut dirs: Vec<_> = std::fs::read_dir(guests::hostile_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.toml").exists())
        .collect();
    dirs.sort();
    assert!(dirs.len() >= CASES_MIN, "only {} cases", dirs.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let failures = runtime.block_on(async {
        let fixture = guests::fixture_with(|config| config.compile.cpu_s = 10);
        let neighbour = Neighbour::start(&fixture).await;
        neighbour.goes_on("before").await;
        let before = resident_bytes();
        let mut failures = Vec::new();
        for dir in &dirs {
            let name = dir.file_name().unwrap().to_string_lossy().into_owned();
            let case: Case =
                toml::from_str(&std::fs::read_to_string(dir.join("case.toml")).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let case = Arc::new(case);
            let own;
            let at = match case.limits.compile_cpu_s {
                Some(cpu_s) => {
                    own = guests::fixture_with(|config| config.compile.cpu_s = cpu_s);
                    &own
                }
                None => &fixture,
            };
            neighbour.longest_us.store(0, Relaxed);
            let started = Instant::now();
            // Making the upload is the test's own work: it must not hold up this thread.
            let (making, of) = (case.clone(), dir.clone());
            let upload = tokio::task::spawn_blocking(move || upload(&of, &making)).await.unwrap();
            let outcome = run(at, upload, &case).await;
            let longest = Duration::from_micros(neighbour.longest_us.load(Relaxed));
            #[allow(clippy::print_stdout)]
            {
                println!("{name}: {:?}, neighbour waited at most {longest:?} of CPU", started.elapsed());
            }
            if let Err(found) = outcome {
                failures.push(format!("{name}: {found}"));
            }
            if longest > NEIGHBOUR_WAIT_MAX {
                failures.push(format!("{name}: the neighbour waited {longest:?}"));
            }
            neighbour.goes_on(&name).await;
        }
        neighbour.stop.store(true, Relaxed);
        neighbour.task.await.unwrap();
        let growth = resident_bytes().saturating_sub(before);
        if growth > GROWTH_BYTES_MAX {
            failures.push(format!("the process grew by {} MiB", growth >> 20));
        }
        failures
    });
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), dirs.len(), failures.join("\n"));
}
