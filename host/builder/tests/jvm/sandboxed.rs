//! The sandbox that components run in.

use millrace_model::ids::{NodeId, TenantId};
use millrace_sandbox::*;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

/// One for all tests.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<(Sandbox, tempfile::TempDir)> = OnceLock::new();
    let make = || {
        let cache = tempfile::tempdir().unwrap();
        // target/debug/deps/jvm-… → target/debug
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().parent().unwrap().join("millrace-compile-component");
        assert!(program.is_file(), "`{}` is missing; run `cargo build --workspace` first", program.display());
        let mut config = SandboxConfig::new(cache.path(), [7; 32], CompilerCommand { program, args: Vec::new() });
        config.pool.instances_max = 100;
        (Sandbox::new(config).unwrap(), cache)
    };
    &SANDBOX.get_or_init(make).0
}

/// Keeps what a guest logs.
#[derive(Default)]
pub struct Lines(Mutex<Vec<String>>);

impl Lines {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl GuestLog for Lines {
    fn line(&self, level: LogLevel, message: &str) {
        self.0.lock().unwrap().push(format!("{level:?} {message}"));
    }
    fn dropped(&self, _lines: u64) {}
}

pub async fn load(component: Vec<u8>) -> Arc<LoadedComponent> {
    let component = bytes::Bytes::from(component);
    let info = sandbox().admit(component.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    println!("{} bytes, machine code in {} ms", component.len(), info.compile_ms);
    sandbox().load(&info.content_hash, component).await.unwrap()
}

pub fn open(parameters: BTreeMap<String, String>, log: Arc<Lines>) -> OpenGuest {
    OpenGuest {
        tenant: TenantId::new("tests"),
        job: "jvm".into(),
        operator: NodeId::new("operator"),
        function: None,
        parameters,
        limits: OperatorLimits::default(),
        account: Arc::new(TenantAccount::new(TenantLimits::default())),
        log,
        context: GuestContext { on_reject: RejectPolicy::SetAside, ..GuestContext::default() },
    }
}
