//! Builds a request: the compiler, clang, and the component.

use super::{
    compiler::{Compiler, Ended, JarPath, Request},
    toolchain::JvmToolchain,
    world,
};
use crate::{
    BuildError, BuildReport, BuildStep, Diagnostic, Severity, SourceBuild, SourceBuilder, SourceBuilderFactory,
    cage::{CageLimits, CagedCommand, ProcessStarter, limit_that_ended},
    encode_component,
    fetched::at,
};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{process::Command, sync::Mutex, sync::OnceCell};

/// What builds of Java and Scala may use.
#[derive(Debug, Clone)]
pub struct JvmLimits {
    /// Heap of the JVM.
    pub heap_mib: u64,
    /// Wall-clock time of one request in the JVM.
    pub compile_ms: u64,
    /// The JVM, for as long as it lives.
    pub jvm: CageLimits,
    /// One run of clang or of the linker.
    pub clang: CageLimits,
}

impl Default for JvmLimits {
    fn default() -> Self {
        const DAY_S: u64 = 24 * 60 * 60;
        Self {
            heap_mib: 600,
            compile_ms: 120_000,
            jvm: CageLimits { memory_bytes: 1 << 30, cpu_s: DAY_S, wall_ms: DAY_S * 1_000, ..CageLimits::default() },
            clang: CageLimits { memory_bytes: 1 << 30, cpu_s: 120, wall_ms: 120_000, ..CageLimits::default() },
        }
    }
}

/// Makes builders of Java and Scala, one for each tenant.
pub struct JvmBuilderFactory {
    starter: Arc<dyn ProcessStarter>,
    work: PathBuf,
    limits: JvmLimits,
    toolchain: Arc<OnceCell<Arc<JvmToolchain>>>,
}

impl JvmBuilderFactory {
    /// Builds below the folder `work`; processes are started by `starter`.
    pub fn new(starter: Arc<dyn ProcessStarter>, work: impl Into<PathBuf>, limits: JvmLimits) -> Self {
        Self { starter, work: work.into(), limits, toolchain: Arc::default() }
    }

    /// The tools, looked for when they are needed first; a failure is tried again the next time.
    async fn tools(&self) -> Result<Arc<JvmToolchain>, BuildError> {
        if let Some(found) = self.toolchain.get() {
            return Ok(found.clone());
        }
        let broken = |error: tokio::task::JoinError| BuildError::Tool { tool: "the search for a JDK", reason: error.to_string() };
        let toolchain = self.toolchain.clone();
        // Goes on when whoever asks gives up: what waits next finds the search under way instead of beginning another one.
        let search = tokio::spawn(async move {
            let find = || async { Ok(Arc::new(tokio::task::spawn_blocking(JvmToolchain::find).await.map_err(broken)??)) };
            toolchain.get_or_try_init(find).await.cloned()
        });
        search.await.map_err(broken)?
    }
}

#[async_trait]
impl SourceBuilderFactory for JvmBuilderFactory {
    async fn toolchain(&self) -> Result<String, BuildError> {
        Ok(self.tools().await?.identity())
    }

    async fn open(&self) -> Result<Arc<dyn SourceBuilder>, BuildError> {
        let toolchain = self.tools().await?;
        std::fs::create_dir_all(&self.work).map_err(at(&self.work))?;
        let work = self.work.canonicalize().map_err(at(&self.work))?;
        let folder = tempfile::Builder::new().prefix("jvm-").tempdir_in(&work).map_err(at(&work))?;
        let starter = self.starter.clone();
        Ok(Arc::new(JvmBuilder { toolchain, starter, limits: self.limits.clone(), folder, compiler: Mutex::new(None) }))
    }
}

/// Builds Java and Scala for one tenant. Requests wait for each other: there is one JVM.
pub struct JvmBuilder {
    toolchain: Arc<JvmToolchain>,
    starter: Arc<dyn ProcessStarter>,
    limits: JvmLimits,
    folder: tempfile::TempDir,
    compiler: Mutex<Option<Compiler>>,
}

#[async_trait]
impl SourceBuilder for JvmBuilder {
    async fn build(&self, request: SourceBuild) -> Result<BuildReport, BuildError> {
        self.build_watched(request, &|_| {}).await
    }

    async fn build_watched(&self, request: SourceBuild, on_step: &(dyn Fn(&str) + Send + Sync)) -> Result<BuildReport, BuildError> {
        let work = tempfile::Builder::new().prefix("build-").tempdir_in(self.folder.path()).map_err(at(self.folder.path()))?;
        let mut report = BuildReport { component: None, diagnostics: Vec::new(), log: String::new(), steps: Vec::new() };
        on_step("compile");
        if !self.compile(&request, work.path(), &mut report).await? {
            return Ok(report);
        }
        on_step("clang");
        let started = Instant::now();
        let linked = self.link(&request, work.path(), &mut report).await?;
        report.steps.push(step("clang", started));
        let Some(mut module) = linked else { return Ok(report) };
        on_step("componentize");
        let started = Instant::now();
        let name = request.class.as_deref().unwrap_or("the class").to_owned();
        let component = tokio::task::spawn_blocking(move || {
            world::describe(&mut module, request.world)?;
            encode_component(&name, &module)
        });
        let component = component.await.map_err(|error| BuildError::Tool { tool: "wit-component", reason: error.to_string() })?;
        report.component = Some(component?);
        report.steps.push(step("componentize", started));
        Ok(report)
    }
}

/// TeaVM has inlined Java's methods before: with half of clang's usual threshold the code is a fifth smaller and compiled a
/// quarter sooner, for a twentieth more instructions.
const INLINING: [&str; 2] = ["-mllvm", "-inline-threshold=100"];

/// The compilation units of a program: what runs for every row first, then pieces of the libraries.
struct Units {
    folder: PathBuf,
    count: usize,
    /// How the libraries are optimised: a program that brings much of them along is made small, which takes clang a quarter
    /// less time.
    libraries: &'static str,
}

impl Units {
    /// From so many units on, a program brings much along.
    const MANY: usize = 4;

    fn find(folder: PathBuf) -> Self {
        let libraries = (1..).take_while(|number| folder.join(format!("library-{number}.c")).is_file()).count();
        Self { folder, count: 1 + libraries, libraries: if libraries + 1 >= Self::MANY { "-Os" } else { "-O2" } }
    }

    /// Source, object and optimisation of a unit.
    fn unit(&self, number: usize) -> Option<(PathBuf, PathBuf, &'static str)> {
        let (name, optimisation) = match number {
            0 => ("program".to_owned(), "-O2"),
            number => (format!("library-{number}"), self.libraries),
        };
        (number < self.count).then(|| (self.folder.join(format!("{name}.c")), self.folder.join(format!("{name}.o")), optimisation))
    }
}

fn step(name: &str, started: Instant) -> BuildStep {
    BuildStep { name: name.to_owned(), elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) }
}

fn limit(what: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: None,
        line: None,
        column: None,
        method: None,
        message: format!("the build {what}"),
        help: Some("Use fewer or smaller libraries, or split the code.".into()),
    }
}

impl JvmBuilder {
    /// Source and JARs to C, in the JVM; answers whether there is a program.
    async fn compile(&self, request: &SourceBuild, work: &Path, report: &mut BuildReport) -> Result<bool, BuildError> {
        let mut jars = Vec::new();
        for (number, jar) in request.jars.iter().enumerate() {
            let path = work.join(format!("{number}.jar"));
            tokio::fs::write(&path, &jar.bytes).await.map_err(at(&path))?;
            jars.push(JarPath { name: &jar.name, path });
        }
        let asked = Request::new(request, jars, work);
        let mut slot = self.compiler.lock().await;
        let mut compiler = match slot.take() {
            Some(compiler) => compiler,
            None => {
                let limits = self.limits.jvm.clone();
                Compiler::start(&self.toolchain, &*self.starter, self.folder.path(), self.limits.heap_mib, limits)?
            }
        };
        // Taken out while it works: whoever gives up waiting leaves no half-read answer behind.
        match compiler.ask(&asked, Duration::from_millis(self.limits.compile_ms)).await {
            Ok(answer) => {
                *slot = Some(compiler);
                if let Some(reason) = answer.failure {
                    return Err(BuildError::Tool { tool: "the Java compiler", reason });
                }
                report.steps.extend(answer.steps);
                let failed = answer.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
                report.diagnostics.extend(answer.diagnostics);
                Ok(!failed)
            }
            Err(Ended::Limit(what)) => {
                report.diagnostics.push(limit(what));
                Ok(false)
            }
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    /// C to a module; nothing if a limit ended it.
    async fn link(&self, request: &SourceBuild, work: &Path, report: &mut BuildReport) -> Result<Option<Vec<u8>>, BuildError> {
        let (native, prepared) = (&self.toolchain.native, &self.toolchain.prepared);
        let units = Units::find(work.join("c"));
        let module = work.join("module.wasm");
        let next = AtomicUsize::new(0);
        let (one, other) = tokio::try_join!(self.compile_units(&units, &next, work), self.compile_units(&units, &next, work))?;
        let parts =
            ["runtime", "heap", "text", request.world.name(), "no-files", "longjmp-tag", "setjmp"].map(|name| prepared.object(name));
        let objects: Vec<PathBuf> = (0..units.count).filter_map(|n| units.unit(n)).map(|(_, object, _)| object).chain(parts).collect();
        let ended = match one.or(other) {
            None => self.run("wasm-ld", native.link_args(&module, &objects), work).await?,
            ended => ended,
        };
        if let Some(what) = ended {
            report.diagnostics.push(limit(what));
            return Ok(None);
        }
        tokio::fs::read(&module).await.map(Some).map_err(at(&module))
    }

    /// Compiles units from the next one on that nobody else has begun; answers the limit that ended one of them.
    async fn compile_units(&self, units: &Units, next: &AtomicUsize, work: &Path) -> Result<Option<&'static str>, BuildError> {
        let (native, prepared) = (&self.toolchain.native, &self.toolchain.prepared);
        let path = |path: &Path| path.display().to_string();
        while let Some((source, object, optimisation)) = units.unit(next.fetch_add(1, Ordering::Relaxed)) {
            let mut args = native.compile_args();
            args.extend([optimisation, "-DTEAVM_CUSTOM_LOG=1"].map(String::from));
            args.extend(INLINING.into_iter().chain(["-iquote"]).map(String::from));
            args.extend([path(&units.folder), "-I".into(), path(&prepared.c().join("include")), "-I".into(), path(&prepared.c())]);
            args.extend(["-c".into(), path(&source), "-o".into(), path(&object)]);
            let ended = self.run("clang", args, work).await?;
            if ended.is_some() {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    /// Runs clang or the linker; answers the limit that ended it.
    async fn run(&self, tool: &'static str, args: Vec<String>, work: &Path) -> Result<Option<&'static str>, BuildError> {
        let mut caged = CagedCommand::new(self.toolchain.native.program(), work).args(args).readable(self.toolchain.readable());
        caged.limits = self.limits.clang.clone();
        let mut command = Command::from(self.starter.command(&caged)?);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = command.output().await.map_err(|error| BuildError::Tool { tool, reason: error.to_string() })?;
        if output.status.success() {
            return Ok(None);
        }
        if let Some(what) = limit_that_ended(output.status) {
            return Ok(Some(what));
        }
        let text = String::from_utf8_lossy(&output.stderr).replace(&work.display().to_string(), "");
        let start: String = text.chars().take(2_000).collect();
        Err(BuildError::Tool { tool, reason: format!("it ended with {}: {}", output.status, start.trim()) })
    }
}
