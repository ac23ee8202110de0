//! Guests for the tests: core modules in WAT, wrapped into components of the real contract.

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray, Time32MillisecondArray};
use bytes::Bytes;
use millrace_model::ids::{NodeId, TenantId};
use millrace_model::{Batch, DataType, Field, Schema};
use millrace_sandbox::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// Fragments of a well-behaved guest that echoes what it gets.
pub const ECHO: [&str; 6] = ["memory", "realloc", "open", "echo", "process", "post"];

pub fn hostile_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile")
}

/// A module of the named prelude fragments and `fields`.
pub fn module(prelude: &[impl AsRef<str>], fields: &str) -> String {
    let mut text = "(module\n".to_owned();
    for name in prelude {
        let path = hostile_dir().join("prelude").join(format!("{}.wat", name.as_ref()));
        text += &std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    text + fields + ")\n"
}

/// Wraps a core module into an ETL operator of the contract, whose version can be another one.
pub fn component(module: &str, wit_version: &str) -> Bytes {
    component_of("etl-operator", module, wit_version)
}

/// Wraps a core module into a component of a world of the contract.
pub fn component_of(world: &str, module: &str, wit_version: &str) -> Bytes {
    let at_version = |text: String| text.replace("@0.1.0", &format!("@{wit_version}"));
    let mut bytes = wat::parse_str(at_version(module.to_owned())).unwrap_or_else(|e| panic!("{e}"));
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/millrace-plugin-0.1.0");
    let mut text = format!("package millrace:plugin@{wit_version};\n");
    for file in ["types.wit", "capabilities.wit", "etl-operator.wit", "functions.wit", "operators.wit"] {
        text += at_version(std::fs::read_to_string(dir.join(file)).unwrap()).split_once(";\n").unwrap().1;
    }
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("contract.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&bytes).unwrap().validate(true).encode().unwrap_or_else(|e| panic!("{e:#}")).into()
}

/// A sandbox of its own, with a cache folder that goes with it.
pub struct Fixture {
    pub sandbox: Sandbox,
    pub cache: tempfile::TempDir,
}

pub fn fixture() -> Fixture {
    fixture_with(|_| {})
}

pub fn fixture_with(change: impl FnOnce(&mut SandboxConfig)) -> Fixture {
    let cache = tempfile::tempdir().unwrap();
    let mut config = config(cache.path());
    change(&mut config);
    Fixture { sandbox: Sandbox::new(config).unwrap(), cache }
}

pub fn config(cache: &Path) -> SandboxConfig {
    let compiler = CompilerCommand { program: env!("CARGO_BIN_EXE_millrace-compile-component").into(), args: Vec::new() };
    let mut config = SandboxConfig::new(cache, [7; 32], compiler);
    config.pool.instances_max = 100;
    config
}

impl Fixture {
    pub async fn load(&self, component: Bytes) -> Arc<LoadedComponent> {
        let info = self.sandbox.admit(component.clone()).await.unwrap();
        self.sandbox.load(&info.content_hash, component).await.unwrap()
    }
}

/// Small limits, so that what a hostile guest does to them does not take long.
pub fn limits() -> OperatorLimits {
    OperatorLimits {
        process_fuel: 200_000_000,
        open_fuel: 200_000_000,
        deadline_ms: 30_000,
        memory_bytes_max: 16 << 20,
        table_elements_max: 10_000,
        rows_max: 100_000,
        output_bytes_max: 4 << 20,
        state_bytes_max: 64 << 10,
        ..OperatorLimits::default()
    }
}

pub fn open(limits: OperatorLimits) -> OpenGuest {
    OpenGuest {
        tenant: TenantId::new("tenant"),
        job: "job".into(),
        operator: NodeId::new("clean"),
        function: None,
        parameters: BTreeMap::from([("threshold".into(), "0.5".into())]),
        limits,
        account: Arc::new(TenantAccount::new(TenantLimits::default())),
        log: Arc::new(NoLog),
        context: GuestContext::default(),
    }
}

/// Counts what a guest logs.
#[derive(Default)]
pub struct CountingLog {
    pub lines: AtomicU64,
    pub bytes: AtomicU64,
    pub longest: AtomicU64,
    pub dropped: AtomicU64,
}

impl GuestLog for CountingLog {
    fn line(&self, _level: LogLevel, message: &str) {
        self.lines.fetch_add(1, Relaxed);
        self.bytes.fetch_add(message.len() as u64, Relaxed);
        self.longest.fetch_max(message.len() as u64, Relaxed);
    }

    fn dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Relaxed);
    }
}

/// The schema that the hostile guests get: flattened, column 6 is the element of `tags`.
pub fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::BigInt, false),
        Field::new("name", DataType::String, true),
        Field::new("amount", DataType::Decimal { precision: 10, scale: 2 }, true),
        Field::new("at", DataType::Time { precision: 3 }, true),
        Field::new("flag", DataType::Boolean, true),
        Field::new("tags", "ARRAY<STRING NOT NULL>".parse().unwrap(), true),
    ])
    .unwrap()
}

/// Ten rows of that schema, `name` with a null.
pub fn batch() -> Batch {
    let mut tags = ListBuilder::new(StringBuilder::new()).with_field(arrow_schema::Field::new("item", arrow_schema::DataType::Utf8, false));
    for row in 0..10 {
        for tag in 0..row % 3 {
            tags.values().append_value(format!("tag {tag}"));
        }
        tags.append(true);
    }
    let amounts = Decimal128Array::from_iter_values((0..10).map(|row| row * 100)).with_precision_and_scale(10, 2).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..10)),
        Arc::new(StringArray::from_iter((0..10).map(|row| (row != 4).then(|| format!("name é {row}"))))),
        Arc::new(amounts),
        Arc::new(Time32MillisecondArray::from_iter_values((0..10).map(|row| row * 1_000))),
        Arc::new(BooleanArray::from_iter((0..10).map(|row| Some(row % 2 == 0)))),
        Arc::new(tags.finish()),
    ];
    let mut batch = Batch::inserts(RecordBatch::try_new(schema().to_arrow(), columns).unwrap());
    batch.origin = Arc::from([millrace_model::OffsetRange { topic: "clicks".into(), partition: 1, first: 100, last: 109 }]);
    batch
}
