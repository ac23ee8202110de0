//! Quality rules: what rows of a table must be like, and the SQL that tells.
//!
//! Rules on single rows become a step of jobs that write the table; rules on many rows become a job of their own that reads
//! it. Invariant: SQL that is made here quotes every name and text; a condition that a user writes is one expression and
//! nothing more.

use crate::{
    governed::{DESCRIPTION_CHARACTERS_MAX, Wrong, check_length},
    text_enum::text_enum,
};
use millrace_model::{DataType, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most characters of a condition or pattern.
pub const CONDITION_CHARACTERS_MAX: usize = 2_000;
/// Most published rules of one table.
pub const RULES_MAX: usize = 50;
/// The kind of node that checks rows.
pub const CHECK_NODE: &str = "quality_check";
/// The column that says whether a rule on many rows is kept.
const KEPT: &str = "__kept";
/// Longest window or age.
const WINDOW_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1_000;

text_enum! {
    /// What happens to a row that breaks a rule.
    OnViolation, "what happens on a violation", {
        /// It is counted and goes on.
        Count = "count",
        /// It is counted, and the rule's name is written into its mark column.
        Mark = "mark",
        /// It is counted and goes to the job's dead letters instead.
        Divert = "divert",
    }
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The column is not NULL.
    NotNull {},
    /// The column, unless NULL, is within bounds; both belong to it.
    Range {
        /// Least value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// Greatest value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// The column, unless NULL, has a part that fits the pattern; `^` and `$` make it the whole.
    Regex {
        /// A Java pattern.
        pattern: String,
    },
    /// The condition is not false, as in an SQL CHECK constraint.
    Condition {
        /// A Flink SQL expression over the table's columns.
        sql: String,
    },
    /// No two rows of a tumbling window have the same value in the column.
    Unique {
        /// Length of the window.
        window_ms: u64,
    },
    /// In every tumbling window there is a row whose time column is not older than the window's end by more than this.
    Freshness {
        /// Greatest age.
        max_age_ms: u64,
        /// Length of the window.
        window_ms: u64,
    },
    /// Every tumbling window that has rows has at least, and at most, so many.
    RowCount {
        /// Length of the window.
        window_ms: u64,
        /// Least number of rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<u64>,
        /// Greatest number of rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u64>,
    },
    /// In every tumbling window that has rows the condition over all its rows is not false.
    Aggregate {
        /// A Flink SQL expression over aggregates: `AVG(ms) < 200 AND COUNT(DISTINCT url) > 1`.
        sql: String,
        /// Length of the window.
        window_ms: u64,
    },
}

/// A quality rule of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityRule {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The column that is checked; none for `condition`, `row_count` and `aggregate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is checked.
    pub check: Check,
    /// What happens to rows that break it.
    #[serde(default = "count")]
    pub on_violation: OnViolation,
    /// The STRING column of the table that `mark` writes into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_column: Option<String>,
    /// A rule that is off stays published and is not run.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn count() -> OnViolation {
    OnViolation::Count
}

fn yes() -> bool {
    true
}

impl QualityRule {
    /// Whether it looks at each row by itself: then it runs as a step of jobs.
    pub const fn is_of_rows(&self) -> bool {
        match self.check {
            Check::NotNull {} | Check::Range { .. } | Check::Regex { .. } | Check::Condition { .. } => true,
            Check::Unique { .. } | Check::Freshness { .. } | Check::RowCount { .. } | Check::Aggregate { .. } => false,
        }
    }

    /// Everything wrong with it, for a table with these columns.
    pub fn check(&self, table: &Schema) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        check_length("description", &self.description, DESCRIPTION_CHARACTERS_MAX, &mut wrong);
        let columns = || table.fields().iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
        let needs_column = !matches!(self.check, Check::Condition { .. } | Check::RowCount { .. } | Check::Aggregate { .. });
        let column = self.column.as_deref().map(|name| (name, table.field(name)));
        match column {
            None if needs_column => wrong.push(Wrong::new("column", "is missing; say which column is checked")),
            Some((name, None)) => wrong.push(Wrong::new("column", format!("`{name}` is not in the table; its columns are {}", columns()))),
            Some(_) if !needs_column => wrong.push(Wrong::new("column", "belongs to a check of one column; leave it out here")),
            None | Some(_) => {}
        }
        let of_type = column.and_then(|(_, field)| field).map(|field| &field.data_type);
        let mut expected = |is: bool, what: &str| {
            if let Some(found) = of_type.filter(|_| !is) {
                wrong.push(Wrong::new("column", format!("is {found}; this check needs {what}")));
            }
        };
        match &self.check {
            Check::Range { .. } => expected(of_type.is_some_and(is_number), "a number"),
            Check::Regex { .. } => expected(matches!(of_type, Some(DataType::String)), "STRING"),
            Check::Freshness { .. } => {
                expected(matches!(of_type, Some(DataType::Timestamp { .. } | DataType::TimestampLtz { .. })), "TIMESTAMP or TIMESTAMP_LTZ");
            }
            Check::NotNull {} | Check::Condition { .. } | Check::Unique { .. } | Check::RowCount { .. } | Check::Aggregate { .. } => {}
        }
        self.check_settings(&mut wrong);
        let mark = self.mark_column.as_deref();
        if self.on_violation == OnViolation::Mark {
            match mark.map(|name| (name, table.field(name))) {
                None => wrong.push(Wrong::new("mark_column", "is missing; `mark` writes into a STRING column of the table")),
                Some((_, Some(field))) if matches!(field.data_type, DataType::String) => {}
                Some((name, _)) => wrong.push(Wrong::new("mark_column", format!("`{name}` is no STRING column of the table"))),
            }
        } else if mark.is_some() {
            wrong.push(Wrong::new("mark_column", "belongs to `on_violation` \"mark\""));
        }
        if !self.is_of_rows() && self.on_violation != OnViolation::Count {
            wrong.push(Wrong::new("on_violation", "must be \"count\": a check of many rows has no single row to mark or divert"));
        }
        wrong
    }

    fn check_settings(&self, wrong: &mut Vec<Wrong>) {
        match &self.check {
            Check::NotNull {} => {}
            Check::Range { min, max } => {
                if min.is_none() && max.is_none() {
                    wrong.push(Wrong::new("check", "has neither `min` nor `max`"));
                } else if min.zip(*max).is_some_and(|(min, max)| min > max) {
                    wrong.push(Wrong::new("check.min", "is greater than `max`"));
                }
            }
            Check::Regex { pattern } => {
                check_length("check.pattern", pattern, CONDITION_CHARACTERS_MAX, wrong);
                if pattern.is_empty() {
                    wrong.push(Wrong::new("check.pattern", "is empty"));
                }
            }
            Check::Condition { sql } => check_expression(sql, wrong),
            Check::Unique { window_ms } => check_length_ms("window_ms", *window_ms, wrong),
            Check::Freshness { max_age_ms, window_ms } => {
                check_length_ms("max_age_ms", *max_age_ms, wrong);
                check_length_ms("window_ms", *window_ms, wrong);
            }
            Check::Aggregate { sql, window_ms } => {
                check_expression(sql, wrong);
                check_length_ms("window_ms", *window_ms, wrong);
            }
            Check::RowCount { window_ms, min, max } => {
                check_length_ms("window_ms", *window_ms, wrong);
                if min.is_none() && max.is_none() {
                    wrong.push(Wrong::new("check", "has neither `min` nor `max`"));
                } else if min.zip(*max).is_some_and(|(min, max)| min > max) {
                    wrong.push(Wrong::new("check.min", "is greater than `max`"));
                }
            }
        }
    }

    /// The SQL condition that good rows fulfil; none for a check of many rows.
    pub fn condition(&self) -> Option<String> {
        let column = quoted(self.column.as_deref().unwrap_or_default());
        let good = match &self.check {
            Check::NotNull {} => format!("{column} IS NOT NULL"),
            Check::Range { min, max } => {
                let bounds = [min.map(|min| format!("{column} >= {min}")), max.map(|max| format!("{column} <= {max}"))];
                bounds.into_iter().flatten().collect::<Vec<_>>().join(" AND ")
            }
            Check::Regex { pattern } => format!("REGEXP({column}, {})", text(pattern)),
            Check::Condition { sql } => sql.trim().to_owned(),
            Check::Unique { .. } | Check::Freshness { .. } | Check::RowCount { .. } | Check::Aggregate { .. } => return None,
        };
        Some(good)
    }

    /// The query of a job that looks at many rows of what it calls `table`: a row for each window (for `unique`: each value of
    /// each window), with the columns `rule`, `window_start`, `window_end`, `found` and `message`, and last whether the rule is
    /// kept; none for a check of single rows.
    fn query(&self, rule: &str, table: &str) -> Option<String> {
        let column = quoted(self.column.as_deref().unwrap_or_default());
        let windowed = |window_ms: u64| {
            let size = interval(window_ms);
            format!("TABLE(TUMBLE(DATA => TABLE `checked`, TIMECOL => DESCRIPTOR(`checked_at`), SIZE => {size}))")
        };
        let by_window = |found: String, message: &str, kept: String, window_ms: u64| {
            let (from, message) = (windowed(window_ms), text(message));
            format!(
                "{found} AS found, CAST({message} AS STRING) AS message, ({kept}) AS `{KEPT}`\nFROM {from}\nGROUP BY window_start, window_end"
            )
        };
        let query = match &self.check {
            Check::NotNull {} | Check::Range { .. } | Check::Regex { .. } | Check::Condition { .. } => return None,
            Check::Unique { window_ms } => format!(
                "COUNT(*) AS found, CONCAT('rows with ', CAST({column} AS STRING)) AS message, (COUNT(*) = 1) AS `{KEPT}`\n\
                 FROM {}\nWHERE {column} IS NOT NULL GROUP BY window_start, window_end, {column}",
                windowed(*window_ms)
            ),
            Check::Freshness { max_age_ms, window_ms } => {
                // Bounds of windows are times of the session's zone, whichever kind of time the column holds.
                let age = format!("TIMESTAMPDIFF(SECOND, CAST(MAX({column}) AS TIMESTAMP(3)), window_end)");
                let kept = format!("{age} <= {}", max_age_ms.div_ceil(1_000));
                by_window(format!("CAST({age} AS BIGINT)"), "seconds since the newest row", kept, *window_ms)
            }
            Check::RowCount { window_ms, min, max } => {
                let bounds = [min.map(|min| format!("COUNT(*) >= {min}")), max.map(|max| format!("COUNT(*) <= {max}"))];
                let kept = bounds.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
                by_window("COUNT(*)".into(), "rows in the window", kept, *window_ms)
            }
            Check::Aggregate { sql, window_ms } => {
                by_window("COUNT(*)".into(), "rows in a window that breaks the condition", sql.trim().to_owned(), *window_ms)
            }
        };
        let (table, rule) = (quoted(table), text(rule));
        Some(format!(
            "CREATE VIEW `checked` AS SELECT *, PROCTIME() AS `checked_at` FROM {table};\n\
             SELECT CAST({rule} AS STRING) AS rule, CAST(window_start AS STRING) AS window_start, CAST(window_end AS STRING) AS window_end,\n{query}\n"
        ))
    }

    /// The draft of a job that checks many rows of a table and writes what it finds into `results`, a table with the columns
    /// `rule`, `window_start`, `window_end`, `found` and `message`; none for a check of single rows. Windows that keep the rule
    /// are counted and go no further.
    pub fn job(&self, rule: &RuleOfTable<'_>, table: &TableNode<'_>, results: &TableNode<'_>) -> Option<Value> {
        let sql = self.query(rule.name, "rows")?;
        let checks = json!([{"id": rule.id, "name": rule.name, "version": rule.version, "column": KEPT}]);
        let node = |id: &str, kind: String, config: Value, x: u32| json!({"id": id, "kind": kind, "config": config, "position": {"x": x, "y": 80}});
        Some(json!({
            "nodes": [
                node("table", format!("{}_source", table.kind), json!({table.field: table.name, "table_name": "rows"}), 80),
                node("windows", "sql".into(), json!({"sql": sql}), 360),
                node("check", CHECK_NODE.into(), json!({"rules": checks, "passes": "violations"}), 640),
                node("results", format!("{}_sink", results.kind), json!({results.field: results.name}), 920),
            ],
            "edges": [{"from": "table", "to": "windows"}, {"from": "windows", "to": "check"}, {"from": "check", "to": "results"}],
        }))
    }
}

/// A rule as the job that runs it names it.
#[derive(Debug, Clone, Copy)]
pub struct RuleOfTable<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Number of its published version.
    pub version: i64,
}

/// A table as a node of a job.
#[derive(Debug, Clone, Copy)]
pub struct TableNode<'a> {
    /// Kind of its data source.
    pub kind: &'a str,
    /// The setting that names it.
    pub field: &'a str,
    /// Its name.
    pub name: &'a str,
}

fn check_length_ms(field: &str, ms: u64, wrong: &mut Vec<Wrong>) {
    if !(1_000..=WINDOW_MS_MAX).contains(&ms) {
        wrong.push(Wrong::new(format!("check.{field}"), format!("is {ms} ms; expected 1000 to {WINDOW_MS_MAX}")));
    }
}

fn check_expression(sql: &str, wrong: &mut Vec<Wrong>) {
    check_length("check.sql", sql, CONDITION_CHARACTERS_MAX, wrong);
    wrong.extend(not_one_expression(sql).map(|message| Wrong::new("check.sql", message)));
}

fn is_number(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(data_type, D::TinyInt | D::SmallInt | D::Int | D::BigInt | D::Float | D::Double | D::Decimal { .. })
}

/// A name in backticks.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text literal.
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// As an interval of SQL, in whole seconds; a field of its own for each unit, since one takes only two digits.
fn interval(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    format!("INTERVAL '{days} {hours:02}:{minutes:02}:{:02}' DAY TO SECOND", seconds % 60)
}

/// Why `sql` could be more than one expression in parentheses; none if it is one.
fn not_one_expression(sql: &str) -> Option<String> {
    let (mut depth, mut quote) = (0i32, None);
    let mut before = ' ';
    for c in sql.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '`' | '"' => quote = Some(c),
                '(' => depth += 1,
                ')' if depth == 0 => return Some("closes a parenthesis that it has not opened".into()),
                ')' => depth -= 1,
                ';' => return Some("has a `;`; expected one expression".into()),
                ',' if depth == 0 => return Some("has a `,` outside of parentheses; expected one expression".into()),
                '-' if before == '-' => return Some("has a comment; expected one expression".into()),
                '*' if before == '/' => return Some("has a comment; expected one expression".into()),
                _ => {}
            },
        }
        before = c;
    }
    if sql.trim().is_empty() {
        Some("is empty; expected an expression over the table's columns".into())
    } else if quote.is_some() || depth > 0 {
        Some("ends within quotes or parentheses".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_model::Field;
    use serde_json::json;

    fn table() -> Schema {
        let field = |name: &str, text: &str| Field::new(name, serde_json::from_value(json!(text)).unwrap(), true);
        Schema::new(vec![field("url", "STRING"), field("ms", "BIGINT"), field("at", "TIMESTAMP(3)"), field("quality", "STRING")]).unwrap()
    }

    fn rule(value: serde_json::Value) -> QualityRule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rules_of_rows_become_conditions() {
        for (value, condition) in [
            (json!({"column": "url", "check": {"type": "not_null"}}), "`url` IS NOT NULL"),
            (json!({"column": "ms", "check": {"type": "range", "min": 0, "max": 10.5}}), "`ms` >= 0 AND `ms` <= 10.5"),
            (json!({"column": "url", "check": {"type": "regex", "pattern": "^it's"}}), "REGEXP(`url`, '^it''s')"),
            (json!({"check": {"type": "condition", "sql": " ms > 3 OR url = ';' "}}), "ms > 3 OR url = ';'"),
        ] {
            let rule = rule(value);
            assert_eq!(rule.check(&table()), [], "{condition}");
            assert_eq!(rule.condition().as_deref(), Some(condition));
            assert_eq!(rule.query("r", "t"), None);
        }
    }

    #[test]
    fn rules_of_many_rows_become_jobs() {
        let mut shown = String::new();
        for value in [
            json!({"column": "url", "check": {"type": "unique", "window_ms": 60_000}}),
            json!({"column": "at", "check": {"type": "freshness", "max_age_ms": 30_000, "window_ms": 60_000}}),
            json!({"check": {"type": "row_count", "window_ms": 60_000, "min": 1, "max": 100}}),
            json!({"check": {"type": "aggregate", "window_ms": 60_000, "sql": "AVG(ms) < 200"}}),
        ] {
            let rule = rule(value);
            assert_eq!(rule.check(&table()), []);
            let table = |name| TableNode { kind: "kafka", field: "topic", name };
            let of_table = RuleOfTable { id: "qlr_1", name: "no-twins", version: 3 };
            let job = rule.job(&of_table, &table("clicks"), &table("quality-results")).unwrap();
            shown.push_str(job["nodes"][1]["config"]["sql"].as_str().unwrap());
            assert_eq!(job["nodes"][2]["config"]["rules"][0], json!({"id": "qlr_1", "name": "no-twins", "version": 3, "column": "__kept"}));
        }
        insta::assert_snapshot!("quality_scripts", shown);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, expected) in [
            (json!({"check": {"type": "not_null"}}), "column is missing; say which column is checked"),
            (
                json!({"column": "uri", "check": {"type": "not_null"}}),
                "column `uri` is not in the table; its columns are url, ms, at, quality",
            ),
            (json!({"column": "url", "check": {"type": "range", "min": 1}}), "column is STRING; this check needs a number"),
            (json!({"column": "ms", "check": {"type": "range"}}), "check has neither `min` nor `max`"),
            (json!({"check": {"type": "condition", "sql": "ms > 1) FROM t --"}}), "check.sql closes a parenthesis that it has not opened"),
            (
                json!({"check": {"type": "condition", "sql": "ms > 1, 2"}}),
                "check.sql has a `,` outside of parentheses; expected one expression",
            ),
            (json!({"check": {"type": "condition", "sql": "ms > 1 -- x"}}), "check.sql has a comment; expected one expression"),
            (json!({"check": {"type": "condition", "sql": "'a"}}), "check.sql ends within quotes or parentheses"),
            (
                json!({"column": "ms", "check": {"type": "not_null"}, "on_violation": "mark"}),
                "mark_column is missing; `mark` writes into a STRING column of the table",
            ),
            (
                json!({"check": {"type": "aggregate", "window_ms": 10, "sql": "COUNT(*) > 1"}}),
                "check.window_ms is 10 ms; expected 1000 to 604800000",
            ),
            (
                json!({"check": {"type": "row_count", "window_ms": 5000, "min": 1}, "on_violation": "divert"}),
                "on_violation must be \"count\": a check of many rows has no single row to mark or divert",
            ),
        ] {
            let wrong: Vec<_> = rule(value).check(&table()).into_iter().map(|w| format!("{} {}", w.field, w.message)).collect();
            assert_eq!(wrong, [expected]);
        }
    }
}
