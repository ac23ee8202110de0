//! Problem details as an error for people: what is wrong, where, and what to do next.

use serde::Deserialize;
use serde_json::Value;
use std::fmt::{self, Write};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers.
    #[error(
        "no server answers at {base}: {reason}\n  next: start one with `millrace server`, or name another with --server or MILLRACE_SERVER"
    )]
    Unreachable {
        /// Address that was tried.
        base: String,
        /// What the network said.
        reason: String,
    },
    /// It was reached, and no answer came in time.
    #[error(
        "the server at {base} has taken the request and not answered in time; it may still do what was asked\n  next: look whether it was \
         done before you ask again"
    )]
    NoAnswer {
        /// Address of the server.
        base: String,
    },
    /// The server refused.
    #[error("{0}")]
    Problem(Box<Problem>),
}

impl ClientError {
    /// HTTP status, absent when nobody answered.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } => None,
            Self::Problem(problem) => Some(problem.status),
        }
    }
}

/// RFC 9457 with the members that the API adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) code: String,
    pub(crate) request_id: Option<String>,
    pub(crate) errors: Vec<Value>,
}

/// Reads the body of a refusal; a body that is not problem details (a proxy's page) becomes the detail.
pub(super) fn problem_of(status: u16, body: &str) -> Problem {
    match serde_json::from_str::<Problem>(body) {
        Ok(problem) => Problem { status, ..problem },
        Err(_) => Problem { status, detail: body.chars().take(500).collect(), ..Problem::default() },
    }
}

impl Problem {
    /// What the user can do about it.
    fn next_step(&self) -> Option<&'static str> {
        match self.status {
            401 => Some("sign in with `millrace sign-in NAME`, or give a token: --token, MILLRACE_TOKEN, or run beside the data folder"),
            403 if self.code == "access.token_scope" => Some("use a token that has the scope; `millrace token create --scope` makes one"),
            403 => Some("ask an administrator for a role that allows it, or use another token"),
            404 => Some("check the names with the matching `list` command"),
            412 | 428 => Some("somebody else changed it; read it again and repeat"),
            429 | 503 => Some("try again in a moment"),
            500 => Some("see the server's log for the request id"),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "{head} [{}{}{}]", self.status, if self.code.is_empty() { "" } else { " " }, self.code)?;
        for error in &self.errors {
            write!(f, "\n  - {}", line_of(error))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\n  request: {id}")?;
        }
        if let Some(next) = self.next_step() {
            write!(f, "\n  next: {next}")?;
        }
        Ok(())
    }
}

/// One error of a graph or request as a line: `node clean, field config.plugin: …`.
pub(crate) fn line_of(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let mut line = String::new();
    // Writing to a string cannot fail.
    if let Some(node) = text("node") {
        let _ = write!(line, "node `{node}`");
    }
    if let Some(field) = text("field") {
        let _ = write!(line, "{}field `{field}`", if line.is_empty() { "" } else { ", " });
    }
    if let (Some(row), Some(column)) = (error.get("line").and_then(Value::as_u64), error.get("column").and_then(Value::as_u64)) {
        let _ = write!(line, "{}line {row}, column {column}", if line.is_empty() { "" } else { ", " });
    }
    if !line.is_empty() {
        line.push_str(": ");
    }
    line.push_str(text("message").unwrap_or("(no message)"));
    if let Some(code) = text("code") {
        let _ = write!(line, " [{code}]");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_place_and_the_next_step() {
        let body = r#"{"type":"about:blank","title":"Unprocessable","status":422,"detail":"the job graph has 1 error","code":"graph.invalid",
            "errors":[{"node":"clean","field":"config.plugin","code":"config.unknown_plugin","message":"plugin `x` is not there"}]}"#;
        let expected = "the job graph has 1 error [422 graph.invalid]\n  - node `clean`, field `config.plugin`: plugin `x` is not there [config.unknown_plugin]";
        assert_eq!(problem_of(422, body).to_string(), expected);
        let refused = problem_of(401, "{}").to_string();
        assert!(refused.contains("--token"), "{refused}");
        assert_eq!(problem_of(502, "<html>bad gateway</html>").to_string(), "<html>bad gateway</html> [502]");
    }
}
