//! Java and Scala: cold and warm builds, and plain Java on the JVM.

use super::{GUESTS, Guest, memory};
use anyhow::{Context, bail};
use millrace_builder::{
    BuildReport, Language, SourceBuild, SourceBuilder, SourceBuilderFactory, SourceFile, World,
    cage::Uncaged,
    jvm::{JvmBuilderFactory, JvmLimits},
};
use serde_json::{Map, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

/// Builds with warm tools, of which the median counts.
const WARM_BUILDS: usize = 3;
/// Rounds of half a second on the JVM; the best of the later half counts, when it is warm.
const ROUNDS: usize = 10;

/// Builds the operator in Java and Scala into `guests`, and answers the one that uses much of the library.
pub(super) fn build(folder: &Path, guests: &mut Vec<Guest>) -> anyhow::Result<Guest> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let factory = JvmBuilderFactory::new(Arc::new(Uncaged), folder.join("work"), JvmLimits::default());
        // Whatever is downloaded or prepared once per machine is not part of a build.
        factory.toolchain().await?;
        for (name, file) in [("java", "java/Upper.java"), ("scala", "scala/Upper.scala")] {
            let builder = factory.open().await?;
            guests.push(measured(&*builder, name, file, folder).await?);
        }
        let watch = memory::Watch::start();
        let builder = factory.open().await?;
        let mut heavy = measured(&*builder, "java_library_heavy", "heavy/Heavy.java", folder).await?;
        let peaks = watch.stop();
        heavy.figures.insert("compile_mib".into(), json!(peaks.total_mib));
        heavy.figures.insert("compile_largest_process_mib".into(), json!(peaks.largest_mib));
        Ok(heavy)
    })
}

/// One cold build, then builds of changed text.
async fn measured(builder: &dyn SourceBuilder, name: &'static str, file: &str, folder: &Path) -> anyhow::Result<Guest> {
    let path = Path::new(GUESTS).join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let started = Instant::now();
    let report = builder.build(request(file, &text)).await?;
    let mut figures = Map::from_iter([("cold_build_s".to_owned(), json!(started.elapsed().as_secs_f64()))]);
    let mut component = component(name, report)?;
    let mut warm = Vec::new();
    for edit in 0..WARM_BUILDS {
        // Another text each time: nothing can be remembered.
        let edited = format!("{text}\n// edit {edit}\n");
        let started = Instant::now();
        let report = builder.build(request(file, &edited)).await?;
        warm.push(started.elapsed().as_secs_f64());
        for step in &report.steps {
            figures.insert(format!("{}_ms", step.name), json!(step.elapsed_ms));
        }
        component = self::component(name, report)?;
    }
    warm.sort_by(f64::total_cmp);
    figures.insert("warm_build_s".into(), json!(warm.get(warm.len() / 2)));
    let path = folder.join(format!("{name}.wasm"));
    fs::write(&path, component)?;
    Ok(Guest { name, component: path, figures })
}

fn request(file: &str, text: &str) -> SourceBuild {
    let language = if file.ends_with(".scala") { Language::Scala } else { Language::Java };
    let path = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sources = vec![SourceFile { path, text: text.to_owned() }];
    SourceBuild { world: World::EtlOperator, language, sources, jars: Vec::new(), class: None }
}

fn component(name: &str, report: BuildReport) -> anyhow::Result<Vec<u8>> {
    report.component.with_context(|| format!("{name} is not built: {:?}", report.diagnostics))
}

/// Rows per second of plain Java on the JVM.
pub(super) fn plain(folder: &Path) -> anyhow::Result<f64> {
    let source = Path::new(GUESTS).join("jvm/Plain.java");
    let status = Command::new("javac").arg("-d").arg(folder).arg(source).status().context("cannot start javac")?;
    if !status.success() {
        bail!("javac ended with {status}");
    }
    let mut command = Command::new("java");
    command.arg("-cp").arg(folder).args(["Plain", &ROUNDS.to_string()]).stderr(Stdio::null());
    let output = command.output().context("cannot start java")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rates: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    rates.iter().skip(ROUNDS / 2).copied().reduce(f64::max).with_context(|| format!("the JVM's rounds are missing in `{text}`"))
}
