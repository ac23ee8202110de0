//! From text to the syntax tree: a lexer and a parser by recursive descent, with Flink 2.3's grammar and Calcite's
//! precedences.
//!
//! Invariant: any text is answered with a tree or an error. Neither the parser nor who walks the tree can run out of
//! stack: the height of a tree is bounded, chains of operators included.

mod call;
mod create;
mod create_table;
mod cursor;
mod emit;
mod expression;
mod from;
mod group;
mod hint;
mod insert;
mod interval;
mod json;
mod keywords;
mod lexer;
mod match_recognize;
mod over;
mod parentheses;
mod predicate;
mod primary;
mod query;
mod select;
mod settings;
mod special;
mod statement;
mod table_function;
mod text;
mod token;
mod types;

use crate::{
    ast::{Expression, Hint, ObjectName, Query, Span, Statement},
    error::SqlError,
};
use token::Token;

/// Most bytes of a text.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Most words and signs of a text.
pub const TOKENS_MAX: usize = 200_000;

/// How deep queries, expressions and tables may nest. A debug build needs up to 1.6 MiB of stack for the deepest.
pub const LEVELS_MAX: usize = 100;

/// Greatest height of a tree in such levels, long chains like `a - b - c - …` included, which grow without nesting.
pub const HEIGHT_MAX: usize = 200;

/// Reads a script: statements that end with semicolons.
pub fn parse_script(text: &str) -> Result<Vec<Statement>, SqlError> {
    Parser::new(text)?.script()
}

/// What a script uses beside its own statements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Uses {
    /// Names that stand for tables and views: in `FROM`, as arguments of table functions, behind `LIKE` and behind `INSERT
    /// INTO`. Names of `WITH` tables are among them.
    pub tables: Vec<ObjectName>,
    /// All hints.
    pub hints: Vec<Hint>,
}

/// Reads a script and says what it uses.
pub fn parse_script_with_uses(text: &str) -> Result<(Vec<Statement>, Uses), SqlError> {
    let mut parser = Parser::new(text)?;
    let statements = parser.script()?;
    Ok((statements, parser.uses))
}

/// Words before a parenthesis that are no functions: types, clauses and lists.
const NOT_CALLED: &[&str] = &[
    "ARRAY",
    "AS",
    "BY",
    "CHAR",
    "CUBE",
    "DECIMAL",
    "DISTINCT",
    "FROM",
    "GROUPING",
    "IN",
    "INTERVAL",
    "KEY",
    "MAP",
    "MULTISET",
    "OVER",
    "ROLLUP",
    "ROW",
    "SETS",
    "TABLE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "UNIQUE",
    "USING",
    "VALUES",
    "VARBINARY",
    "VARCHAR",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Names in `text` that a parenthesis follows and that may therefore be called as functions, each once with its place;
/// nothing for a text that has no words.
pub fn called_names(text: &str) -> Vec<(String, Span)> {
    let Ok(parser) = Parser::new(text) else { return Vec::new() };
    let mut seen = std::collections::BTreeSet::new();
    let mut called = Vec::new();
    for pair in parser.tokens.windows(2) {
        let [name, next] = pair else { continue };
        if next.kind != token::Kind::LeftParen {
            continue;
        }
        let span = Span { start: name.start as usize, end: name.end as usize };
        let written = text.get(span.start..span.end).unwrap_or_default();
        let written = match name.kind {
            token::Kind::Word if !NOT_CALLED.contains(&written.to_uppercase().as_str()) => written.to_owned(),
            token::Kind::QuotedName => written.trim_matches('`').replace("``", "`"),
            _ => continue,
        };
        if seen.insert(written.to_uppercase()) {
            called.push((written, span));
        }
    }
    called
}

/// Reads one query; a semicolon may end it.
pub fn parse_query(text: &str) -> Result<Query, SqlError> {
    let mut parser = Parser::new(text)?;
    let query = parser.query()?;
    parser.eat(token::Kind::Semicolon);
    parser.expect_end("the end of the query")?;
    Ok(query)
}

/// Reads one expression.
pub fn parse_expression(text: &str) -> Result<Expression, SqlError> {
    let mut parser = Parser::new(text)?;
    let expression = parser.expression()?;
    parser.expect_end("the end of the expression")?;
    Ok(expression)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// The next token; never behind the last, which is the end.
    at: usize,
    /// How many parts are open.
    level: usize,
    /// The deepest level reached in the part that was read last.
    peak: usize,
    /// The token last read as a name without `AS` before it: perhaps a misspelt keyword.
    implicit_alias: Option<usize>,
    /// Lengths inside of the type that has just been read.
    type_parts: Vec<millrace_functions::cast::Lengths>,
    uses: Uses,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, SqlError> {
        let mut tokens = lexer::tokens(text)?;
        parentheses::link(text, &mut tokens);
        Ok(Self { text, tokens, at: 0, level: 0, peak: 0, implicit_alias: None, type_parts: Vec::new(), uses: Uses::default() })
    }
}
