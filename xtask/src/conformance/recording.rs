//! What Flink answers to a case, in the form of the expected files.

use super::{cases::Case, script};
use anyhow::{Context, bail};
use millrace_test_servers::{
    FlinkCluster,
    gateway::{Outcome, Rows, Session},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

const ROWS: &str = "expected.jsonl";
const REFUSED: &str = "expected.error";
const ATTEMPTS_MAX: u32 = 6;

/// Messages of a cluster in trouble, not of a bad script. A runtime error may end the TaskManager (see
/// `FlinkCluster::revive`), and then the queries beside it fail with one of these.
const NOT_THE_SCRIPT: [&str; 12] = [
    "Could not acquire the minimum required resources",
    "TaskExecutor is shutting down",
    "TaskManager",
    "has lost",
    "Connection unexpectedly closed",
    "Connecting to remote task manager",
    "RecipientUnreachable",
    "RemoteTransportException",
    "PartitionNotFoundException",
    "No pooled slot available",
    "bufferLock",
    "Failed to deploy",
];

/// Every run of a script gives the same rows.
const PROPERTIES: [(&str, &str); 7] = [
    ("execution.runtime-mode", "streaming"),
    ("parallelism.default", "1"),
    ("table.exec.resource.default-parallelism", "1"),
    ("pipeline.auto-watermark-interval", "0"),
    ("table.local-time-zone", "UTC"),
    ("restart-strategy.type", "none"),
    // An INSERT ends when its job does.
    ("table.dml-sync", "true"),
];

pub(super) enum Recording {
    Rows { text: String, count: usize },
    Refused(String),
}

/// Runs the case's script in a session of its own.
pub(super) fn of(case: &Case, cluster: &FlinkCluster) -> anyhow::Result<Recording> {
    let mut last = String::new();
    let output = tempfile::NamedTempFile::new().context("cannot make a file")?;
    for _ in 0..ATTEMPTS_MAX {
        match attempt(case, cluster, output.path())? {
            Outcome::Rows(_) if writes(case) => return written(output.path()),
            Outcome::Rows(rows) => return Ok(recorded(&rows)),
            Outcome::Refused(message) if NOT_THE_SCRIPT.iter().any(|sign| message.contains(sign)) => {
                cluster.revive()?;
                last = message;
            }
            Outcome::Refused(message) => return Ok(Recording::Refused(refusal(&message))),
        }
    }
    bail!("Flink could not run the script: {last}")
}

/// Whether what the case gives is what its last statement writes to a table.
fn writes(case: &Case) -> bool {
    script::statements(&case.script, &case.folder, Path::new("")).last().is_some_and(|last| script::is_insert(last))
}

/// What the sink has written: a recording as it is.
fn written(output: &Path) -> anyhow::Result<Recording> {
    let text = fs::read_to_string(output).with_context(|| format!("cannot read {}", output.display()))?;
    Ok(Recording::Rows { count: text.lines().count().saturating_sub(1), text })
}

fn attempt(case: &Case, cluster: &FlinkCluster, output: &Path) -> anyhow::Result<Outcome> {
    let session = Session::open(cluster.gateway_port(), &PROPERTIES)?;
    let mut rows = Rows::default();
    for statement in script::statements(&case.script, &case.folder, output) {
        match session.run(&statement)? {
            Outcome::Rows(found) => rows = found,
            refused @ Outcome::Refused(_) => return Ok(refused),
        }
    }
    Ok(Outcome::Rows(rows))
}

fn recorded(rows: &Rows) -> Recording {
    let columns: Vec<_> = rows.columns.iter().map(|(name, of)| json!({"name": name, "type": of})).collect();
    let mut text = format!("{}\n", json!({ "columns": columns }));
    for (kind, cells) in &rows.rows {
        let cells = cells.iter().map(|cell| cell.as_deref().map_or(Value::Null, Value::from));
        let line: Value = std::iter::once(Value::from(*kind)).chain(cells).collect();
        text.push_str(&format!("{line}\n"));
    }
    Recording::Rows { text, count: rows.rows.len() }
}

/// The first line of the innermost cause without its class, and the place if Flink names one.
fn refusal(message: &str) -> String {
    let innermost = message.rsplit("\nCaused by: ").next().unwrap_or(message);
    let innermost = innermost.trim_start_matches("<Exception on server side:").trim_start();
    let line = innermost.lines().next().unwrap_or_default().trim();
    let class = line.split(':').next().unwrap_or_default();
    let is_class = class.contains('.') && class.chars().all(|c| c.is_alphanumeric() || "._$".contains(c));
    let text = line.strip_prefix(class).and_then(|text| text.strip_prefix(": ")).filter(|_| is_class).unwrap_or(line);
    let mut refusal = format!("{text}\n");
    if let Some((line, column)) = place(message) {
        refusal.push_str(&format!("line {line}, column {column}\n"));
    }
    refusal
}

/// Line and column behind the first `From line` or else `at line`.
fn place(message: &str) -> Option<(u32, u32)> {
    let find = |word: &str| {
        message.match_indices(word).find_map(|(at, found)| {
            let (line, rest) = message[at + found.len()..].split_once(", column ")?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            Some((line.parse().ok()?, rest[..digits].parse().ok()?))
        })
    };
    ["From line ", "from line ", "At line ", "at line "].into_iter().find_map(find)
}

impl Recording {
    pub(super) fn refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(super) fn summary(&self) -> String {
        match self {
            Self::Rows { count, .. } => format!("{count} rows"),
            Self::Refused(_) => "refused".to_owned(),
        }
    }

    fn file(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::Rows { text, .. } => (ROWS, REFUSED, text),
            Self::Refused(text) => (REFUSED, ROWS, text),
        }
    }

    /// How this differs from what `folder` holds.
    pub(super) fn differs_from(&self, folder: &Path) -> anyhow::Result<Option<&'static str>> {
        let (name, _, text) = self.file();
        let path = folder.join(name);
        if !path.exists() {
            return Ok(Some("new"));
        }
        let before = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if before == text {
            return Ok(None);
        }
        let settings = fs::read_to_string(folder.join("case.toml")).unwrap_or_default();
        let same = if settings.contains("compare = \"ordered\"") {
            false
        } else if settings.contains("compare = \"table\"") {
            table(&before) == table(text)
        } else {
            sorted(&before) == sorted(text)
        };
        if same {
            return Ok(None);
        }
        Ok(Some("changed"))
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (name, other, text) = self.file();
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let other = folder.join(other);
        if other.exists() {
            fs::remove_file(&other).with_context(|| format!("cannot remove {}", other.display()))?;
        }
        Ok(())
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// How often each row is left after all changes; the line of the columns counts as one.
fn table(text: &str) -> BTreeMap<&str, i64> {
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        // A line begins with `["+I",` or, without columns, `["+I"]`.
        let (row, change) = match line.get(..5) {
            Some("[\"+I\"" | "[\"+U\"") => (&line[5..], 1),
            Some("[\"-U\"" | "[\"-D\"") => (&line[5..], -1),
            _ => (line, 1),
        };
        *rows.entry(row).or_default() += change;
    }
    rows.retain(|_, count| *count != 0);
    rows
}

/// Copies what is recorded in the folder `from`, if anything, to the folder `to`.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in [ROWS, REFUSED] {
        let path = from.join(name);
        if path.exists() {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_equal_whatever_led_to_them() {
        let direct = "{\"columns\":[]}\n[\"+I\",\"a\",\"2\"]\n";
        let updated = "{\"columns\":[]}\n[\"+I\",\"a\",\"1\"]\n[\"-U\",\"a\",\"1\"]\n[\"+U\",\"a\",\"2\"]\n";
        assert_eq!(table(direct), table(updated));
        assert_ne!(table(direct), table("{\"columns\":[]}\n[\"+I\",\"a\",\"3\"]\n"));
    }

    #[test]
    fn a_refusal_is_the_innermost_message_and_its_place() {
        let message = "Internal server error.\n<Exception on server side:\norg.a.B: SQL validation failed. From line 2, column 8 to line 2, column 9: x\n\tat a.b\nCaused by: org.c.D: Column 'x' not found\n\tat c.d\n";
        assert_eq!(refusal(message), "Column 'x' not found\nline 2, column 8\n");
        assert_eq!(refusal("a.B: outer\nCaused by: java.lang.ArithmeticException: / by zero\n\tat x"), "/ by zero\n");
        assert_eq!(refusal("a.B: outer\nCaused by: java.lang.NullPointerException\n\tat x"), "java.lang.NullPointerException\n");
    }
}
