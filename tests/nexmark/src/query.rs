//! The queries, by their numbers in the benchmark.

/// How an answer is compared with Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same changes, in any order.
    Changes,
    /// The same table after all changes: two branches of a query meet in any order, in Flink too.
    Table,
    /// Not at all: the answer depends on when the query runs.
    Nothing,
}

/// A query.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// `q5`.
    pub name: &'static str,
    /// What of a streaming engine it shows.
    pub about: &'static str,
    /// How its answer is compared.
    pub compare: Compare,
    text: &'static str,
}

/// Folder of what Flink needs for q13 and q14: a table that can be looked up, and a function.
pub const JAVA_SOURCES: &str = "tests/nexmark/flink/millrace/nexmark";
/// The connector in it, `side_input`, whose option `path` names a file of JSON lines.
pub const JAVA_FACTORY: &str = "millrace.nexmark.SideInputFactory";
/// The statement that makes the function known.
pub const JAVA_FUNCTION: &str = "CREATE TEMPORARY SYSTEM FUNCTION count_char AS 'millrace.nexmark.CountChar' LANGUAGE JAVA";

/// Columns, event time and watermark of the one table of events.
const EVENTS: &str = include_str!("../queries/events.sql");
/// The views that the queries read.
const VIEWS: &str = include_str!("../queries/views.sql");
/// The table that q13 looks rows up in.
const SIDE_INPUT: &str = "key BIGINT, `value` STRING";

/// The statement that declares the table of events with these options (`WITH (…)`, or nothing).
#[must_use]
pub fn events_table(options: &str) -> String {
    format!("CREATE TABLE events (\n{EVENTS}) {options}")
}

impl Query {
    /// Whether it looks rows up in the table `side_input`.
    #[must_use]
    pub fn has_side_input(&self) -> bool {
        self.text.contains("side_input")
    }

    /// Whether it calls the function `count_char` of the project.
    #[must_use]
    pub fn has_function(&self) -> bool {
        self.text.contains("count_char")
    }

    /// Its statements, of which the last is the query: `events` and `side_input` are declared with these options
    /// (`WITH (…)`, or nothing).
    #[must_use]
    pub fn script(&self, events: &str, side_input: &str) -> String {
        let side = if self.has_side_input() { format!("CREATE TABLE side_input ({SIDE_INPUT}) {side_input};\n") } else { String::new() };
        format!("{};\n{side}{VIEWS}{}", events_table(events), self.text)
    }

    /// The statements before the query (tables and views, with these options), and the query.
    #[must_use]
    pub fn statements(&self, events: &str, side_input: &str) -> (Vec<String>, String) {
        let script = self.script(events, side_input);
        // No text in them has a semicolon.
        let mut statements: Vec<String> = script.split(';').map(|statement| statement.trim().to_owned()).collect();
        let query = statements.pop().unwrap_or_default();
        (statements, query)
    }

    /// The query named so.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        QUERIES.iter().find(|query| query.name == name)
    }
}

macro_rules! queries {
    ($($name:ident $compare:ident $about:literal,)*) => {
        /// All queries that Flink itself runs: q6 it refuses.
        pub const QUERIES: &[Query] = &[$(Query {
            name: stringify!($name),
            about: $about,
            compare: Compare::$compare,
            text: include_str!(concat!("../queries/", stringify!($name), ".sql")),
        },)*];
    };
}

queries! {
    q0 Changes "reading and writing, nothing between",
    q1 Changes "a decimal computation per row",
    q2 Changes "a filter that keeps little",
    q3 Table "a join that keeps both sides",
    q4 Table "a join, an aggregation, and an aggregation of its changes",
    q5 Table "sliding windows, and a join with their maxima",
    q7 Table "a window's maximum joined back to the rows",
    q8 Table "a join of two windows",
    q9 Table "the best row of each key over a join",
    q10 Changes "dates as text",
    q11 Changes "session windows",
    q12 Nothing "windows over processing time",
    q13 Changes "a row looked up for each row",
    q14 Changes "a function of the project, CASE and a filter over decimals",
    q15 Changes "many distinct counts with filters, one key",
    q16 Changes "many distinct counts with filters, many keys",
    q17 Changes "an aggregation by key and day",
    q18 Changes "the last row of each key",
    q19 Changes "the ten best rows of each key",
    q20 Table "a join that filters one side",
    q21 Changes "a regular expression per row",
    q22 Changes "parts of a text",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_declares_what_its_query_reads() {
        let script = Query::named("q13").map(|query| query.script("WITH ('x' = '1')", "WITH ('x' = '2')")).unwrap_or_default();
        assert!(script.contains("CREATE TABLE side_input") && script.contains("VIEW bid") && script.contains("WITH ('x' = '2')"));
        let (tables, query) = Query::named("q12").unwrap().statements("", "");
        assert!(tables.len() == 5 && tables[4].starts_with("CREATE VIEW timed_bid") && query.starts_with("SELECT"));
        assert!(!Query::named("q0").unwrap().script("", "").contains("side_input"));
        assert!(Query::named("q6").is_none());
    }
}
