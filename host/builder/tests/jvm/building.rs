//! The builder under test: one for all tests, so that its JVM is warm.

use millrace_builder::{
    BuildReport, Language, SourceBuild, SourceBuilder, SourceBuilderFactory, SourceFile, World,
    cage::Uncaged,
    jvm::{JvmBuilderFactory, JvmLimits},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// Runs a test; the JVM's streams belong to this runtime.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap())
}

async fn builder() -> Arc<dyn SourceBuilder> {
    static BUILDER: tokio::sync::OnceCell<Arc<dyn SourceBuilder>> = tokio::sync::OnceCell::const_new();
    let make = || async {
        let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("jvm-{}", std::process::id()));
        JvmBuilderFactory::new(Arc::new(Uncaged), work, JvmLimits::default()).open().await.unwrap()
    };
    BUILDER.get_or_init(make).await.clone()
}

pub async fn build(request: SourceBuild) -> BuildReport {
    let report = builder().await.build(request).await.unwrap_or_else(|error| panic!("{error}"));
    let steps: Vec<String> = report.steps.iter().map(|step| format!("{} {} ms", step.name, step.elapsed_ms)).collect();
    println!("{}", steps.join(", "));
    report
}

/// A request for the source files of a case.
pub fn request(case: &Path, world: World, language: Language) -> SourceBuild {
    let ending = if language == Language::Java { "java" } else { "scala" };
    let mut sources: Vec<SourceFile> = std::fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .map(|path| SourceFile {
            path: path.file_name().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).unwrap(),
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    SourceBuild { world, language, sources, jars: Vec::new(), class: None }
}

pub fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jvm/cases").join(folder);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}
