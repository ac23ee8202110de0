//! The compiler: a JVM that stays warm and answers one request per line.

use super::toolchain::JvmToolchain;
use crate::{
    BuildError, BuildStep, Diagnostic, SourceBuild,
    cage::{CageLimits, CagedCommand, ProcessStarter, could_not_start, limit_that_ended},
};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// What the compiler is asked.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub world: &'static str,
    pub language: crate::Language,
    pub sources: &'a [crate::SourceFile],
    pub jars: Vec<JarPath<'a>>,
    pub class: Option<&'a str>,
    pub folder: &'a Path,
}

#[derive(Serialize)]
pub(super) struct JarPath<'a> {
    pub name: &'a str,
    pub path: PathBuf,
}

impl<'a> Request<'a> {
    pub(super) fn new(build: &'a SourceBuild, jars: Vec<JarPath<'a>>, folder: &'a Path) -> Self {
        Self { world: build.world.name(), language: build.language, sources: &build.sources, jars, class: build.class.as_deref(), folder }
    }
}

/// What it answers.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    #[serde(default)]
    pub steps: Vec<BuildStep>,
    /// Something in the compiler itself went wrong.
    pub failure: Option<String>,
}

/// How a request ended that was not answered.
pub(super) enum Ended {
    /// A limit, in words that follow "the build".
    Limit(&'static str),
    /// Something else.
    Failed(BuildError),
}

/// A running compiler. Dropping it ends the JVM.
pub(super) struct Compiler {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    errors: tokio::task::JoinHandle<String>,
}

/// Kept of what the compiler writes to standard error.
const ERRORS_BYTES_MAX: u64 = 64 * 1024;

/// Longest answer: a hundred diagnostics, and long ones.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn failed(reason: impl std::fmt::Display) -> BuildError {
    BuildError::Tool { tool: "the Java compiler", reason: reason.to_string() }
}

impl Compiler {
    /// Starts one that reads and writes below `folder`.
    pub(super) fn start(
        toolchain: &JvmToolchain,
        starter: &dyn ProcessStarter,
        folder: &Path,
        heap_mib: u64,
        limits: CageLimits,
    ) -> Result<Self, BuildError> {
        let mut caged = CagedCommand::new(toolchain.java(), folder);
        caged.limits = limits;
        let prepared = &toolchain.prepared;
        caged = caged.readable(toolchain.readable()).args([
            // The compilers run for seconds: the quick compiler and the small collector are faster than the thorough ones.
            "-XX:TieredStopAtLevel=1".to_owned(),
            "-XX:+UseSerialGC".to_owned(),
            "-Xshare:auto".to_owned(),
            "-Xss16m".to_owned(),
            format!("-Xmx{heap_mib}m"),
            "-Djava.awt.headless=true".to_owned(),
            format!("-Djava.io.tmpdir={}", folder.display()),
            "-cp".to_owned(),
            toolchain.compiler_class_path(),
            "millrace.compiler.Main".to_owned(),
            prepared.sdk().display().to_string(),
            prepared.runtime().display().to_string(),
            toolchain.scala_library().display().to_string(),
        ]);
        let mut command = Command::from(starter.command(&caged)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(requests), Some(answers), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(failed("its streams are missing"));
        };
        let errors = tokio::spawn(async move {
            let mut text = Vec::new();
            let mut kept = errors.take(ERRORS_BYTES_MAX);
            let _ = kept.read_to_end(&mut text).await;
            // Read on, so that it never waits for us.
            let _ = tokio::io::copy(&mut kept.into_inner(), &mut tokio::io::sink()).await;
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { child, requests, answers: BufReader::new(answers), errors })
    }

    /// Asks; after an error the compiler is of no more use.
    pub(super) async fn ask(&mut self, request: &Request<'_>, timeout: Duration) -> Result<Answer, Ended> {
        let mut line = serde_json::to_vec(request).map_err(|error| Ended::Failed(failed(error)))?;
        line.push(b'\n');
        let exchange = async {
            self.requests.write_all(&line).await?;
            self.requests.flush().await?;
            let mut answer = Vec::new();
            (&mut self.answers).take(ANSWER_BYTES_MAX).read_until(b'\n', &mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        match tokio::time::timeout(timeout, exchange).await {
            Err(_) => Err(Ended::Limit("takes longer than it may")),
            Ok(Ok(answer)) if answer.ends_with(b"\n") => serde_json::from_slice(&answer).map_err(|error| Ended::Failed(failed(error))),
            Ok(_) => Err(self.ended().await),
        }
    }

    /// Why it ended.
    async fn ended(&mut self) -> Ended {
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => return Ended::Failed(failed(error)),
        };
        if let (Some(limit), false) = (limit_that_ended(status), could_not_start(status)) {
            return Ended::Limit(limit);
        }
        let errors = (&mut self.errors).await.unwrap_or_default();
        Ended::Failed(failed(format!("it ended with {status}: {}", errors.trim())))
    }
}
