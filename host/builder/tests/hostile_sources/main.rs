//! Hostile sources and JARs (EXT-1, EXT-6) against the whole build service in its cage: each is refused or held with a
//! clear reason, leaves no trace, and a build of another tenant works right after.
//!
//! `HOSTILE=name,name` runs the cases whose names hold one of these.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod case;
mod zip;

use async_trait::async_trait;
use case::{Case, Expected};
use millrace_builder::{
    BuildError, Language, SourceBuild, SourceBuilder, SourceBuilderFactory, SourceFile, World,
    cage::{Cage, CageHelper, CageLevel},
    jvm::{JvmBuilderFactory, JvmLimits},
    service::{BuildEnd, BuildObserver, BuildService, ServiceConfig},
};
use millrace_model::{
    Batch, DataType, Field, Schema,
    ids::{NodeId, TenantId},
};
use millrace_sandbox::{
    CompilerCommand, GuestLog, LogLevel, OpenGuest, OperatorLimits, Sandbox, SandboxConfig, TenantAccount, TenantLimits,
};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};
use tokio::sync::mpsc;

struct Ends(mpsc::UnboundedSender<BuildEnd>);

#[async_trait]
impl BuildObserver for Ends {
    async fn step(&self, _: &str, _: &str) {}

    async fn ended(&self, _: &str, end: BuildEnd) {
        self.0.send(end).unwrap();
    }
}

struct Bench {
    service: BuildService,
    sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let helper = CageHelper { program: env!("CARGO_BIN_EXE_millrace-build-cage").into(), args: Vec::new() };
        let cage = Cage::probe(helper).unwrap();
        println!("cage: {}", cage.level().name());
        let level = cage.level();
        // Bombs are to end soon; what a user gets is more.
        let limits = JvmLimits { compile_ms: 90_000, ..JvmLimits::default() };
        let factory = JvmBuilderFactory::new(Arc::new(cage), folder.path().join("builds"), limits);
        let service = BuildService::new(Arc::new(factory), level, ServiceConfig::default());
        // target/debug/deps/hostile_sources-… → target/debug
        let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("millrace-compile-component");
        assert!(program.is_file(), "`{}` is missing; run `cargo build --workspace` first", program.display());
        let sandbox =
            Sandbox::new(SandboxConfig::new(folder.path().join("code"), [7; 32], CompilerCommand { program, args: Vec::new() })).unwrap();
        Self { service, sandbox, _folder: folder }
    }

    async fn build(&self, tenant: &str, build: SourceBuild) -> BuildEnd {
        let (ends, mut end) = mpsc::unbounded_channel();
        self.service.submit(tenant, tenant, build, Arc::new(Ends(ends))).unwrap();
        end.recv().await.unwrap()
    }

    /// Opens the component and sends it a row; answers the fault.
    async fn run(&self, component: Vec<u8>) -> Option<String> {
        let component = bytes::Bytes::from(component);
        let admitted = match self.sandbox.admit(component.clone()).await {
            Ok(admitted) => admitted,
            Err(error) => return Some(error.to_string()),
        };
        let loaded = self.sandbox.load(&admitted.content_hash, component).await.unwrap();
        let input = Schema::new(vec![Field::new("id", DataType::BigInt, false)]).unwrap();
        let ids: arrow_array::ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1]));
        let batch = Batch::inserts(arrow_array::RecordBatch::try_new(input.to_arrow(), vec![ids]).unwrap());
        let open = OpenGuest {
            tenant: TenantId::new("hostile"),
            job: "job".into(),
            operator: NodeId::new("operator"),
            function: None,
            parameters: BTreeMap::new(),
            limits: OperatorLimits::default(),
            account: Arc::new(TenantAccount::new(TenantLimits::default())),
            log: Arc::new(Silent),
            context: Default::default(),
        };
        let mut operator = match self.sandbox.open_etl(&loaded, open, input).await {
            Ok(operator) => operator,
            Err(fault) => return Some(fault.to_string()),
        };
        operator.process(&batch).await.err().map(|fault| fault.to_string())
    }
}

struct Silent;

impl GuestLog for Silent {
    fn line(&self, _: LogLevel, _: &str) {}
    fn dropped(&self, _: u64) {}
}

fn neighbour() -> SourceBuild {
    let text = "import java.util.List; import millrace.api.*;\npublic class Good extends ETLFunction {\n\
        public String tableSchema() { return \"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"id\\\":{\\\"type\\\":\\\"integer\\\"}}}\"; }\n\
        public List<Row> ETL(Row row) { return List.of(row); }\n}\n";
    let sources = vec![SourceFile { path: "Good.java".into(), text: text.into() }];
    SourceBuild { world: World::EtlOperator, language: Language::Java, sources, jars: Vec::new(), class: None }
}

/// What was said, and the component.
fn heard(end: BuildEnd) -> (String, Option<Vec<u8>>) {
    match end {
        BuildEnd::Reported(report) => {
            let said = report.diagnostics.iter().map(|d| {
                let place = d.line.map(|line| format!("{}:{line}: ", d.file.as_deref().unwrap_or_default())).unwrap_or_default();
                format!("{place}{}{}", d.method.as_deref().map(|m| format!("[{m}] ")).unwrap_or_default(), d.message)
            });
            (said.collect::<Vec<_>>().join("\n"), report.component)
        }
        BuildEnd::Limit(reason) => (reason, None),
        BuildEnd::Machine(reason) => (format!("machine: {reason}"), None),
        BuildEnd::Cancelled => ("cancelled".into(), None),
    }
}

async fn check(bench: &Bench, case: &Case, canary: &Path) -> Result<(), String> {
    let began = Instant::now();
    let recipe = &case.recipe;
    let end = bench.build("hostile", case.build(canary)).await;
    let is_machine = matches!(end, BuildEnd::Machine(_));
    let (mut said, component) = heard(end);
    let built = component.is_some();
    if let (Some(component), Expected::Held | Expected::Harmless) = (component, recipe.expected) {
        let fault = bench.run(component).await;
        if recipe.expected == Expected::Harmless && fault.is_some() {
            return Err(format!("it faults: {fault:?}"));
        }
        if recipe.expected == Expected::Held && fault.is_none() {
            return Err("nothing held it".into());
        }
        said.push_str(&fault.unwrap_or_default());
    }
    println!(
        "{} ({} ms): {}\n    {}",
        case.name,
        began.elapsed().as_millis(),
        recipe.about,
        said.chars().take(600).collect::<String>().replace('\n', "\n    ")
    );
    if is_machine {
        return Err(format!("the machine is blamed: {said}"));
    }
    if built != (recipe.expected != Expected::Refused) {
        return Err(format!("expected {:?}; there is {} component; said: {said}", recipe.expected, if built { "a" } else { "no" }));
    }
    if let Some(missing) = recipe.words.iter().find(|words| !said.contains(words.as_str())) {
        return Err(format!("`{missing}` is not in: {said}"));
    }
    if said.contains("/root/") || said.contains("/tmp/") || said.contains("root:x:") {
        return Err(format!("a path or a file of the machine is shown: {said}"));
    }
    let touched = std::fs::read_dir(canary).unwrap().count();
    if touched > 0 {
        return Err("it has written outside of its cage".into());
    }
    let (said, component) = heard(bench.build("neighbour", neighbour()).await);
    match component {
        Some(_) => Ok(()),
        None => Err(format!("the neighbour cannot build afterwards: {said}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_or_held_and_the_neighbour_builds_on() {
    let bench = Bench::new().await;
    let wanted = std::env::var("HOSTILE").unwrap_or_default();
    // Their Scala compiler comes from the cache that the first build fills.
    let (said, component) = heard(bench.build("neighbour", neighbour()).await);
    assert!(component.is_some(), "{said}");
    let cases = case::all();
    assert!(cases.len() >= 25, "only {} cases were found", cases.len());
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| wanted.split(',').any(|name| case.name.contains(name))) {
        let canary = tempfile::tempdir().unwrap();
        if let Err(reason) = check(&bench, case, canary.path()).await {
            println!("FAILED {}: {reason}", case.name);
            failures.push(format!("{}: {reason}", case.name));
        }
    }
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n\n"));
}

/// Starts nothing: what reaches it was not refused in time.
struct NoCompilers;

#[async_trait]
impl SourceBuilderFactory for NoCompilers {
    async fn toolchain(&self) -> Result<String, BuildError> {
        Ok("none".into())
    }

    async fn open(&self) -> Result<Arc<dyn SourceBuilder>, BuildError> {
        Err(BuildError::NoCage { reason: "a compiler was asked for".into() })
    }
}

#[tokio::test]
async fn what_can_be_seen_without_a_compiler_never_reaches_one() {
    let service = BuildService::new(Arc::new(NoCompilers), CageLevel::Namespaces, ServiceConfig::default());
    let cases: Vec<Case> =
        case::all().into_iter().filter(|case| case.recipe.before_compilers && case.recipe.language == Language::Java).collect();
    assert!(cases.len() >= 25, "only {} cases were found", cases.len());
    for case in &cases {
        let canary = tempfile::tempdir().unwrap();
        let (ends, mut end) = mpsc::unbounded_channel();
        service.submit("hostile", "hostile", case.build(canary.path()), Arc::new(Ends(ends))).unwrap();
        let (said, component) = heard(end.recv().await.unwrap());
        println!("{}: {said}", case.name);
        assert!(component.is_none() && case.recipe.expected == Expected::Refused, "{}", case.name);
        for words in &case.recipe.words {
            assert!(said.contains(words.as_str()), "{}: `{words}` is not in: {said}", case.name);
        }
    }
}
