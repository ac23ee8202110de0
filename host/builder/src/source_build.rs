//! What a build from source text or JARs is asked, and what it answers.
//!
//! Invariant: diagnostics point into the user's own text, never into what a build puts around it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The worlds of the contract: what kind of component is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Batches in, batches out.
    EtlOperator,
    /// One value per row.
    ScalarFunction,
    /// Several rows per row.
    TableFunction,
    /// One value per group.
    AggregateFunction,
    /// Several inputs and state of its own.
    TransformOperator,
    /// Reads a system.
    SourceOperator,
    /// Writes a system.
    SinkOperator,
    /// Fills a dimension table.
    DimensionUpdater,
}

impl World {
    /// All worlds.
    pub const ALL: [Self; 8] = [
        Self::EtlOperator,
        Self::ScalarFunction,
        Self::TableFunction,
        Self::AggregateFunction,
        Self::TransformOperator,
        Self::SourceOperator,
        Self::SinkOperator,
        Self::DimensionUpdater,
    ];

    /// Its name in the contract: `etl-operator`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EtlOperator => "etl-operator",
            Self::ScalarFunction => "scalar-function",
            Self::TableFunction => "table-function",
            Self::AggregateFunction => "aggregate-function",
            Self::TransformOperator => "transform-operator",
            Self::SourceOperator => "source-operator",
            Self::SinkOperator => "sink-operator",
            Self::DimensionUpdater => "dimension-updater",
        }
    }

    /// The interface that its components export: `millrace:plugin/etl@0.1.0`.
    pub const fn interface(self) -> &'static str {
        match self {
            Self::EtlOperator => "millrace:plugin/etl@0.1.0",
            Self::ScalarFunction => "millrace:plugin/scalar@0.1.0",
            Self::TableFunction => "millrace:plugin/table@0.1.0",
            Self::AggregateFunction => "millrace:plugin/aggregate@0.1.0",
            Self::TransformOperator => "millrace:plugin/transform@0.1.0",
            Self::SourceOperator => "millrace:plugin/source@0.1.0",
            Self::SinkOperator => "millrace:plugin/sink@0.1.0",
            Self::DimensionUpdater => "millrace:plugin/dimension@0.1.0",
        }
    }
}

/// The language of online code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Java 17.
    Java,
    /// Scala 2.13.
    Scala,
}

/// A file of source text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Relative path by which diagnostics name it: `Clean.java`.
    pub path: String,
    /// The text.
    pub text: String,
}

/// A JAR that is compiled against and whose reachable classes become part of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jar {
    /// Name by which messages call it.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// Something to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBuild {
    /// What kind of component.
    pub world: World,
    /// The language of `sources`; of no meaning without any.
    pub language: Language,
    /// Online code; empty if the class is in a JAR.
    pub sources: Vec<SourceFile>,
    /// Dependencies, or the upload that holds the class.
    pub jars: Vec<Jar>,
    /// Full name of the class that implements the world; may be absent if exactly one class of `sources` does.
    pub class: Option<String>,
}

impl SourceBuild {
    /// Bytes of its sources and JARs.
    pub fn bytes(&self) -> usize {
        self.sources.iter().map(|file| file.text.len()).chain(self.jars.iter().map(|jar| jar.bytes.len())).sum()
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No component is made.
    Error,
    /// The component may not do what its author expects.
    Warning,
}

/// Something that the compilers have to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file of the user's text, or the class of a JAR.
    pub file: Option<String>,
    /// From 1, in the user's text.
    pub line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
    /// The method, where only bytecode is there: `acme.Clean.ETL`.
    pub method: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// One step of a build and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStep {
    /// `javac`, `teavm`, `clang`, `componentize`.
    pub name: String,
    /// Wall-clock milliseconds.
    pub elapsed_ms: u64,
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// The component; absent if there are errors among the diagnostics.
    pub component: Option<Vec<u8>>,
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What the tools wrote, without paths of the machine.
    pub log: String,
    /// Steps that were taken.
    pub steps: Vec<BuildStep>,
}

/// Builds components from source text and JARs.
#[async_trait]
pub trait SourceBuilder: Send + Sync {
    /// Builds one.
    ///
    /// # Errors
    /// Only what is not the user's fault: no JDK, a limit of the machine. What is wrong with the text is in the report.
    async fn build(&self, request: SourceBuild) -> Result<BuildReport, crate::BuildError>;

    /// As [`SourceBuilder::build`]; `on_step` hears the name of each step as it begins.
    ///
    /// # Errors
    /// As for [`SourceBuilder::build`].
    async fn build_watched(&self, request: SourceBuild, on_step: &(dyn Fn(&str) + Send + Sync)) -> Result<BuildReport, crate::BuildError> {
        let _ = on_step;
        self.build(request).await
    }
}

/// Makes builders.
///
/// A builder serves one tenant only: compilers may run code that they compile (Scala macros), so what a warm JVM has
/// compiled for one tenant may have changed it, and it must never compile for another. Dropping a builder ends its
/// processes. Every process is started by the [`crate::cage::ProcessStarter`] that the factory was made with.
#[async_trait]
pub trait SourceBuilderFactory: Send + Sync {
    /// What identifies the tools: a component is the same if they and the request are.
    ///
    /// # Errors
    /// A tool is missing; the message says which and how to install it.
    async fn toolchain(&self) -> Result<String, crate::BuildError>;

    /// A builder for one tenant.
    ///
    /// # Errors
    /// A tool is missing.
    async fn open(&self) -> Result<std::sync::Arc<dyn SourceBuilder>, crate::BuildError>;
}
