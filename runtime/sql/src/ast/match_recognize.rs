//! `MATCH_RECOGNIZE`: the clause that finds patterns in the rows of a table.

use super::{Expression, Identifier, OrderItem, Span, TableReference};

/// `table MATCH_RECOGNIZE (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecognize {
    /// The table that is searched.
    pub input: TableReference,
    /// `PARTITION BY …`
    pub partition_by: Vec<Expression>,
    /// `ORDER BY …`
    pub order_by: Vec<OrderItem>,
    /// `MEASURES …`
    pub measures: Vec<Measure>,
    /// `ALL ROWS PER MATCH`, and where it stands; `None` for one row.
    pub all_rows: Option<Span>,
    /// `AFTER MATCH SKIP …`
    pub skip: Option<Skip>,
    /// `PATTERN (…)`
    pub pattern: Pattern,
    /// `WITHIN …`
    pub within: Option<Expression>,
    /// `SUBSET …`
    pub subsets: Vec<Subset>,
    /// `DEFINE …`
    pub definitions: Vec<Definition>,
    /// Where the clause stands.
    pub span: Span,
}

/// `expression AS name` behind `MEASURES`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What is computed.
    pub expression: Expression,
    /// The column's name.
    pub name: Identifier,
}

/// `variable AS condition` behind `DEFINE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The variable.
    pub variable: Identifier,
    /// What a row must be to belong to it.
    pub condition: Expression,
}

/// `name = (variables)` behind `SUBSET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// The name of the variables together.
    pub name: Identifier,
    /// The variables.
    pub variables: Vec<Identifier>,
}

/// `AFTER MATCH SKIP …`: where the search goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Where.
    pub to: SkipTo,
    /// Where it stands.
    pub span: Span,
}

/// Where the search goes on behind a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipTo {
    /// `PAST LAST ROW`
    PastLastRow,
    /// `TO NEXT ROW`
    NextRow,
    /// `TO FIRST variable`
    First(Identifier),
    /// `TO [LAST] variable`
    Last(Identifier),
}

/// A pattern, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// Kinds of patterns.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternKind {
    /// `A`
    Variable(Identifier),
    /// `a b c`
    Concatenation(Vec<Pattern>),
    /// `a | b`
    Alternation(Vec<Pattern>),
    /// `(a)`
    Group(Box<Pattern>),
    /// `a{1,2}?`
    Quantified {
        /// What is repeated.
        pattern: Box<Pattern>,
        /// How often.
        quantifier: Quantifier,
    },
    /// `PERMUTE(a, b)`
    Permutation(Vec<Pattern>),
    /// `{- a -}`
    Exclusion(Box<Pattern>),
    /// `^`
    Start,
    /// `$`
    End,
}

/// How often a part of a pattern is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantifier {
    /// The least number; `None` for `{,m}`.
    pub least: Option<u32>,
    /// The greatest number; `None` for any.
    pub most: Option<u32>,
    /// `?` behind it: as few as possible.
    pub is_reluctant: bool,
    /// Where it stands.
    pub span: Span,
}
