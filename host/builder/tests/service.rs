//! The build service over builders that do what a test tells them (EXT-2): turns, bounds, cancelling, warm builders.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use async_trait::async_trait;
use millrace_builder::{
    BuildError, BuildReport, Jar, Language, SourceBuild, SourceBuilder, SourceBuilderFactory, SourceFile, World,
    cage::CageLevel,
    service::{
        BuildEnd, BuildObserver, BuildService, ServiceConfig,
        queue::{Cancelled, Queue, QueueFull, QueueLimits},
        workers::{Worker, WorkerRules, Workers},
    },
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

fn limits(running_max: usize, waiting_per_tenant_max: usize) -> QueueLimits {
    QueueLimits { running_max, running_per_tenant_max: 1, waiting_per_tenant_max, waiting_max: 5, ..QueueLimits::default() }
}

#[test]
fn tenants_take_turns() {
    let mut queue = Queue::new(QueueLimits { running_per_tenant_max: 9, waiting_max: 100, ..limits(1, 10) });
    for id in ["a1", "a2", "a3", "b1", "c1", "c2"] {
        queue.submit(&id[..1], id, 0).unwrap();
    }
    let mut order = Vec::new();
    while let Some((_, id)) = queue.take_next() {
        assert_eq!(queue.take_next(), None, "one runs at a time");
        queue.ended(&id);
        order.push(id);
    }
    assert_eq!(order, ["a1", "b1", "c1", "a2", "c2", "a3"]);
}

#[test]
fn a_tenant_whose_builds_run_does_not_hold_up_others() {
    let mut queue = Queue::new(limits(3, 10));
    for id in ["a1", "a2", "b1"] {
        queue.submit(&id[..1], id, 0).unwrap();
    }
    assert_eq!(queue.take_next(), Some(("a".into(), "a1".into())));
    assert_eq!(queue.take_next(), Some(("b".into(), "b1".into())));
    assert_eq!(queue.take_next(), None, "one of each tenant");
    queue.ended("a1");
    assert_eq!(queue.take_next(), Some(("a".into(), "a2".into())));
}

#[test]
fn too_many_waiting_are_refused_in_words() {
    let mut queue = Queue::new(limits(1, 2));
    queue.submit("a", "a1", 0).unwrap();
    queue.submit("a", "a2", 0).unwrap();
    assert_eq!(queue.submit("a", "a3", 0), Err(QueueFull::OfTenant(2)));
    for tenant in ["b", "c", "d"] {
        queue.submit(tenant, tenant, 0).unwrap();
    }
    let refused = queue.submit("e", "e1", 0).unwrap_err();
    assert_eq!(refused.to_string(), "5 builds are waiting, as many as the server takes; try again later");
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    const MIB: usize = 1 << 20;
    let bounds = QueueLimits { waiting_bytes_per_tenant_max: 10 * MIB, waiting_bytes_max: 15 * MIB, ..limits(1, 10) };
    let mut queue = Queue::new(bounds);
    queue.submit("a", "a1", 6 * MIB).unwrap();
    assert_eq!(queue.admits("a", 5 * MIB), Err(QueueFull::BytesOfTenant(10)));
    assert_eq!(queue.submit("a", "a2", 5 * MIB), Err(QueueFull::BytesOfTenant(10)));
    queue.submit("b", "b1", 9 * MIB).unwrap();
    let refused = queue.submit("c", "c1", 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the builds that are waiting have 15 MiB of sources and JARs, as much as the server takes; try again later"
    );
    queue.take_next().unwrap();
    queue.submit("a", "a2", 5 * MIB).unwrap();
    queue.cancel("b1");
    queue.submit("c", "c1", 9 * MIB).unwrap();
}

#[test]
fn what_is_cancelled_while_it_waits_never_runs() {
    let mut queue = Queue::new(limits(1, 10));
    for id in ["a1", "b1", "b2"] {
        queue.submit(&id[..1], id, 0).unwrap();
    }
    queue.take_next().unwrap();
    assert_eq!([queue.cancel("a1"), queue.cancel("b1"), queue.cancel("b1")], [Cancelled::Running, Cancelled::Waiting, Cancelled::Unknown]);
    queue.ended("a1");
    assert_eq!(queue.take_next(), Some(("b".into(), "b2".into())));
    queue.ended("b2");
    assert_eq!((queue.take_next(), queue.waiting_count(), queue.running_count()), (None, 0, 0));
}

#[test]
fn a_builder_never_changes_its_tenant_and_ends_by_rule() {
    let mut workers = Workers::new(WorkerRules { builds_max: 3, idle_max_ms: 100, idle_max: 2 });
    assert_eq!(workers.give_back("a", Worker::new("a"), 0), Vec::<&str>::new());
    assert!(workers.take("b").is_none());
    let again = workers.take("a").unwrap();
    assert!(workers.give_back("a", again, 10).is_empty());
    let again = workers.take("a").unwrap();
    assert_eq!(workers.give_back("a", again, 20), ["a"], "the third build is its last");
    for (tenant, now_ms) in [("a", 30), ("b", 40), ("c", 50)] {
        let ended = workers.give_back(tenant, Worker::new(tenant), now_ms);
        assert_eq!(ended.first().copied(), (tenant == "c").then_some("a"), "the oldest makes room");
    }
    assert_eq!(workers.expire(140), ["b"]);
    assert_eq!(workers.idle_count(), 1);
}

/// Counts builders and builds; a class named `Wait` builds until it is cancelled, `Broken` fails, `Panic` panics.
#[derive(Default)]
struct Fake {
    opened: AtomicUsize,
    dropped: AtomicUsize,
    jars: Mutex<Vec<Jar>>,
}

struct FakeBuilder(Arc<Fake>, usize);

impl Drop for FakeBuilder {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl SourceBuilder for FakeBuilder {
    async fn build(&self, request: SourceBuild) -> Result<BuildReport, BuildError> {
        match request.class.as_deref() {
            Some("Wait") => std::future::pending().await,
            Some("Broken") => Err(BuildError::NoCargo),
            Some("Panic") => panic!("a defect"),
            _ => {
                self.0.jars.lock().unwrap().extend(request.jars);
                let log = format!("builder {}", self.1);
                Ok(BuildReport { component: Some(b"\0asm".to_vec()), diagnostics: Vec::new(), log, steps: Vec::new() })
            }
        }
    }

    async fn build_watched(&self, request: SourceBuild, on_step: &(dyn Fn(&str) + Send + Sync)) -> Result<BuildReport, BuildError> {
        on_step("javac");
        self.build(request).await
    }
}

/// Opens builders, or waits for a network that does not answer.
struct Factory {
    fake: Arc<Fake>,
    hangs: bool,
}

#[async_trait]
impl SourceBuilderFactory for Factory {
    async fn toolchain(&self) -> Result<String, BuildError> {
        Ok("fake".into())
    }

    async fn open(&self) -> Result<Arc<dyn SourceBuilder>, BuildError> {
        if self.hangs {
            return std::future::pending().await;
        }
        let number = self.fake.opened.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Arc::new(FakeBuilder(self.fake.clone(), number)))
    }
}

/// Sends on what it hears, one line each.
struct Listener(mpsc::UnboundedSender<String>);

#[async_trait]
impl BuildObserver for Listener {
    async fn step(&self, id: &str, step: &str) {
        self.0.send(format!("{id} {step}")).unwrap();
    }

    async fn ended(&self, id: &str, end: BuildEnd) {
        let end = match end {
            BuildEnd::Reported(report) if report.component.is_some() => report.log,
            BuildEnd::Reported(report) => report.diagnostics.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; "),
            BuildEnd::Limit(reason) => format!("limit: {reason}"),
            BuildEnd::Machine(reason) => format!("machine: {}", reason.split(';').next().unwrap()),
            BuildEnd::Cancelled => "cancelled".into(),
        };
        self.0.send(format!("{id} -> {end}")).unwrap();
    }
}

struct Bench {
    service: BuildService,
    fake: Arc<Fake>,
    listener: Arc<Listener>,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Bench {
    fn new(config: ServiceConfig) -> Self {
        Self::over(config, false)
    }

    fn over(config: ServiceConfig, hangs: bool) -> Self {
        let fake = Arc::new(Fake::default());
        let (said, heard) = mpsc::unbounded_channel();
        let service = BuildService::new(Arc::new(Factory { fake: fake.clone(), hangs }), CageLevel::Namespaces, config);
        Self { service, fake, listener: Arc::new(Listener(said)), heard }
    }

    fn submit(&self, tenant: &str, id: &str, class: &str) {
        self.service.submit(tenant, id, build(class), self.listener.clone()).unwrap();
    }

    /// The next end of a build; steps are passed over.
    async fn end(&mut self) -> String {
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await.unwrap().unwrap();
            if heard.contains("->") {
                return heard;
            }
        }
    }

    async fn heard(&mut self) -> String {
        self.heard.recv().await.unwrap()
    }
}

fn build(class: &str) -> SourceBuild {
    let sources = vec![SourceFile { path: format!("{class}.java"), text: format!("class {class} {{}}") }];
    SourceBuild { world: World::EtlOperator, language: Language::Java, sources, jars: Vec::new(), class: Some(class.to_owned()) }
}

#[tokio::test]
async fn a_warm_builder_serves_its_tenant_again_and_no_other() {
    let mut bench = Bench::new(ServiceConfig::default());
    bench.submit("a", "1", "Good");
    assert_eq!([bench.heard().await, bench.heard().await], ["1 check", "1 prepare"]);
    assert_eq!([bench.heard().await, bench.heard().await], ["1 javac", "1 -> builder 1"]);
    bench.submit("a", "2", "Good");
    assert_eq!(bench.end().await, "2 -> builder 1");
    bench.submit("b", "3", "Good");
    assert_eq!(bench.end().await, "3 -> builder 2");
    assert_eq!(bench.service.status().idle_workers, 2);
    drop(bench.service);
}

#[tokio::test]
async fn a_cancelled_build_takes_its_builder_with_it() {
    let mut bench = Bench::new(ServiceConfig::default());
    bench.submit("a", "1", "Wait");
    bench.submit("a", "2", "Good");
    bench.submit("a", "3", "Good");
    assert_eq!([bench.heard().await, bench.heard().await, bench.heard().await], ["1 check", "1 prepare", "1 javac"]);
    assert!(bench.service.cancel("3").await);
    assert_eq!(bench.end().await, "3 -> cancelled");
    assert!(bench.service.cancel("1").await);
    assert_eq!(bench.end().await, "1 -> cancelled");
    assert_eq!(bench.fake.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(bench.end().await, "2 -> builder 2");
    assert!(!bench.service.cancel("1").await);
}

#[tokio::test]
async fn a_build_that_fails_or_takes_too_long_leaves_the_next_unharmed() {
    let mut bench = Bench::new(ServiceConfig { build_max: Duration::from_millis(50), ..ServiceConfig::default() });
    bench.submit("a", "1", "Wait");
    assert_eq!(bench.end().await, "1 -> limit: the build takes longer than 0 s");
    bench.submit("a", "2", "Broken");
    assert_eq!(bench.end().await, "2 -> machine: cargo was not found");
    bench.submit("a", "3", "Panic");
    assert_eq!(bench.end().await, "3 -> machine: the build failed by a defect of the server");
    bench.submit("a", "4", "Good");
    assert_eq!(bench.end().await, "4 -> builder 4");
    assert_eq!(bench.fake.dropped.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn compilers_that_are_never_ready_stop_nobody_for_ever() {
    let mut bench = Bench::over(ServiceConfig { prepare_max: Duration::from_millis(300), ..ServiceConfig::default() }, true);
    bench.submit("a", "1", "Good");
    assert_eq!([bench.heard().await, bench.heard().await], ["1 check", "1 prepare"]);
    assert!(bench.service.cancel("1").await);
    assert_eq!(bench.end().await, "1 -> cancelled");
    bench.submit("a", "2", "Good");
    assert_eq!(bench.end().await, "2 -> machine: the compilers were not ready after 0 s");
    assert_eq!(bench.service.status().running, 0);
}

#[tokio::test]
async fn a_builder_never_sees_a_jar_that_was_not_written_anew() {
    let mut bench = Bench::new(ServiceConfig::default());
    let with_jar = |bytes: &[u8]| SourceBuild { jars: vec![Jar { name: "x.jar".into(), bytes: bytes.to_vec() }], ..build("Good") };
    bench.service.submit("a", "1", with_jar(b"MZ"), bench.listener.clone()).unwrap();
    assert_eq!(bench.end().await, "1 -> JAR `x.jar`: it is not a JAR: a ZIP archive begins with `PK`");
    assert_eq!(bench.fake.opened.load(Ordering::SeqCst), 0);
    let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    bench.service.submit("a", "2", with_jar(&empty), bench.listener.clone()).unwrap();
    assert_eq!(bench.end().await, "2 -> builder 1");
    assert_eq!(bench.fake.jars.lock().unwrap()[0].bytes, empty);
}
