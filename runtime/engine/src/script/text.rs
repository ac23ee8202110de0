//! The text of a SQL node: the statements of the script that its INSERT needs, and the way back from a place in it to the
//! place in the script.

use millrace_model::{Schema, graph::TextPlace};
use millrace_sql::{
    SqlError,
    ast::{Insert, ObjectName, Span, Statement, StatementKind},
    parser::Uses,
};
use std::collections::BTreeSet;

/// Statements joined to one text.
#[derive(Debug, Default)]
pub(super) struct NodeText {
    pub(super) sql: String,
    pieces: Vec<Piece>,
}

/// One statement of the text.
#[derive(Debug)]
struct Piece {
    /// The line of the text that it begins on, from 1, in column 1.
    line: u32,
    /// Where it begins in the script; `None` for a statement that is not the user's.
    origin: Option<TextPlace>,
}

impl NodeText {
    /// What `insert` needs of the statements before it.
    pub(super) fn of(script: &str, statements: &[Statement], uses: &Uses, insert: &Insert, made: &[String]) -> Self {
        let mut text = Self::default();
        for statement in made {
            text.push(statement, None);
        }
        for span in needed(statements, uses, insert) {
            text.push(&script[span.start..span.end], Some(place(script, span)));
        }
        text.push(&without_sink_options(script, insert), Some(place(script, insert.span)));
        text
    }

    fn push(&mut self, statement: &str, origin: Option<TextPlace>) {
        if !self.sql.is_empty() {
            self.sql.push_str(";\n\n");
        }
        let line = u32::try_from(self.sql.matches('\n').count()).unwrap_or(u32::MAX - 1) + 1;
        self.pieces.push(Piece { line, origin });
        self.sql.push_str(statement);
    }

    /// The place in the script of a place in this text.
    pub(super) fn in_script(&self, place: TextPlace) -> Option<TextPlace> {
        let piece = self.pieces.iter().rev().find(|p| p.line <= place.line)?;
        let origin = piece.origin?;
        let line = origin.line + (place.line - piece.line);
        let column = if place.line == piece.line { origin.column + place.column - 1 } else { place.column };
        Some(TextPlace { line, column })
    }
}

/// The INSERT with blanks for the options of its sink, which are settings of the sink's node.
fn without_sink_options(script: &str, insert: &Insert) -> String {
    let whole = &script[insert.span.start..insert.span.end];
    let behind_name = insert.table.span().end.saturating_sub(insert.span.start);
    let hint = whole.get(behind_name..).and_then(|rest| {
        let start = behind_name + rest.find("/*+")?;
        Some(start..start + whole.get(start..)?.find("*/")? + 2)
    });
    match hint.filter(|_| !insert.hints.is_empty()) {
        Some(hint) => {
            let blank: String = whole[hint.clone()].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            [&whole[..hint.start], &blank, &whole[hint.end..]].concat()
        }
        None => whole.to_owned(),
    }
}

/// Where `span` begins in `text`.
pub(super) fn place(text: &str, span: Span) -> TextPlace {
    crate::operators::sql::place(text, &SqlError::new("sql", "", span))
}

/// Statements before `insert` that it cannot do without: names refer backwards only, so one pass finds them all.
fn needed(statements: &[Statement], uses: &Uses, insert: &Insert) -> Vec<Span> {
    let mut wanted = names_within(uses, insert.span);
    let mut found = Vec::new();
    for statement in statements.iter().rev().filter(|s| s.span.end <= insert.span.start) {
        let is_needed = match &statement.kind {
            StatementKind::CreateTable(table) => is_wanted(&wanted, &table.name),
            StatementKind::CreateView(view) => is_wanted(&wanted, &view.name),
            StatementKind::Drop(drop) => is_wanted(&wanted, &drop.name),
            StatementKind::CreateFunction(_) => true,
            // Other options are parameters of the whole job.
            StatementKind::Set(option) => option.key.starts_with("table."),
            StatementKind::Reset(option) => option.as_ref().is_none_or(|o| o.key.starts_with("table.")),
            StatementKind::Insert(_)
            | StatementKind::StatementSet(_)
            | StatementKind::Explain { .. }
            | StatementKind::Query(_)
            | StatementKind::Unsupported(_) => false,
        };
        if is_needed {
            wanted.extend(names_within(uses, statement.span));
            found.push(statement.span);
        }
    }
    found.reverse();
    found
}

fn names_within(uses: &Uses, span: Span) -> BTreeSet<&str> {
    let within = |name: &&ObjectName| span.start <= name.span().start && name.span().end <= span.end;
    uses.tables.iter().filter(within).filter_map(|name| name.parts.last()).map(|p| p.value.as_str()).collect()
}

fn is_wanted(wanted: &BTreeSet<&str>, name: &ObjectName) -> bool {
    name.parts.last().is_some_and(|p| wanted.contains(p.value.as_str()))
}

/// A declaration of a table of the project that the script does not declare.
pub(super) fn declaration_of(name: &str, schema: &Schema) -> String {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let column = |f: &millrace_model::Field| format!("  {} {}{}", quoted(&f.name), f.data_type, if f.nullable { "" } else { " NOT NULL" });
    let columns: Vec<String> = schema.fields().iter().map(column).collect();
    format!("CREATE TABLE {} (\n{}\n)", quoted(name), columns.join(",\n"))
}
