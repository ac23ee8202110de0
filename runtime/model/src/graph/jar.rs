//! Programs in JARs that a cluster engine runs (JOB-1).
//!
//! Invariant: what [`check_jar`] accepts can be written on a command line: no control characters, bounded lengths.

use super::{GraphError, JobGraph};
use serde::{Deserialize, Serialize};

/// Most arguments of a program.
pub const ARGUMENTS_MAX: usize = 200;
/// Most characters in one argument.
pub const ARGUMENT_CHARACTERS_MAX: usize = 4_096;
/// Most characters in the name of a class.
const CLASS_CHARACTERS_MAX: usize = 512;

/// How a job is developed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobMode {
    /// On the canvas or as a SQL script; runs on the embedded engine.
    Online,
    /// As a program in a JAR; runs on a cluster.
    Jar,
}

impl JobMode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Jar => "jar",
        }
    }
}

/// The cluster engine that a program is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JarEngine {
    /// Apache Flink.
    Flink,
    /// Spark Streaming.
    Spark,
}

impl JarEngine {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flink => "flink",
            Self::Spark => "spark",
        }
    }
}

/// A program in a JAR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JarProgram {
    /// The resource that holds the JAR.
    pub resource: String,
    /// Its version; the newest when the job is submitted, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Full name of the class with `main`.
    pub main_class: String,
    /// What `main` is called with.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What runs it.
    pub engine: JarEngine,
}

impl JobGraph {
    /// How the job is developed.
    pub fn mode(&self) -> JobMode {
        if self.jar.is_some() { JobMode::Jar } else { JobMode::Online }
    }
}

/// Everything wrong with the program of a graph, as far as its text tells. Whether the resource is there is not known here.
pub fn check_jar(graph: &JobGraph) -> Vec<GraphError> {
    let Some(jar) = &graph.jar else { return Vec::new() };
    let mut errors = Vec::new();
    let mut wrong = |field: &str, code: &str, message: String| errors.push(GraphError::in_document(format!("jar.{field}"), code, message));
    if !is_class_name(&jar.main_class) {
        wrong(
            "main_class",
            "jar.main_class",
            format!("`{}` is not the full name of a class, such as `com.acme.Main`", cut(&jar.main_class)),
        );
    }
    if jar.resource.is_empty() {
        wrong("resource", "jar.resource", "expected the name of a resource that holds a JAR".into());
    }
    if jar.arguments.len() > ARGUMENTS_MAX {
        wrong("arguments", "jar.arguments", format!("has {} arguments, at most {ARGUMENTS_MAX} are allowed", jar.arguments.len()));
    }
    for (position, argument) in jar.arguments.iter().enumerate().take(ARGUMENTS_MAX) {
        if argument.chars().count() > ARGUMENT_CHARACTERS_MAX {
            wrong(&format!("arguments[{position}]"), "jar.arguments", format!("is longer than {ARGUMENT_CHARACTERS_MAX} characters"));
        }
        if argument.contains('\0') {
            wrong(&format!("arguments[{position}]"), "jar.arguments", "holds a NUL character, which no program can be given".into());
        }
    }
    if graph.sql.is_some() || !graph.nodes.is_empty() || !graph.edges.is_empty() || !graph.dimension_tables.is_empty() {
        let message = "a job of mode `jar` is its program only: remove `sql`, `nodes`, `edges` and `dimension_tables`";
        errors.push(GraphError::in_document("jar", "jar.not_alone", message));
    }
    errors
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

fn is_class_name(name: &str) -> bool {
    let part = |part: &str| {
        let mut characters = part.chars();
        characters.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
            && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    name.len() <= CLASS_CHARACTERS_MAX && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(graph: &str, expected: &[&str]) {
        let graph: JobGraph = serde_json::from_str(graph).expect("graph");
        let found: Vec<String> = check_jar(&graph).iter().map(|e| e.field.clone().unwrap_or_default()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(r#"{"nodes":[]}"#, &[]);
        check(r#"{"jar":{"resource":"app","main_class":"com.acme.Main$Inner","arguments":["--in","a b"],"engine":"flink"}}"#, &[]);
        check(r#"{"jar":{"resource":"","main_class":"com..Main","engine":"spark"}}"#, &["jar.main_class", "jar.resource"]);
        check(
            r#"{"jar":{"resource":"a","main_class":"Main;rm","arguments":["\u0000"],"engine":"flink"}}"#,
            &["jar.main_class", "jar.arguments[0]"],
        );
        check(r#"{"jar":{"resource":"a","main_class":"A","engine":"flink"},"nodes":[{"id":"a","kind":"etl"}]}"#, &["jar"]);
    }

    #[test]
    fn the_mode_follows_from_the_document() {
        let graph: JobGraph = serde_json::from_str(r#"{"jar":{"resource":"a","main_class":"A","engine":"spark"}}"#).expect("graph");
        assert_eq!((graph.mode(), JobGraph::default().mode()), (JobMode::Jar, JobMode::Online));
    }
}
