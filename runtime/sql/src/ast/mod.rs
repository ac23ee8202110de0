//! The syntax tree of Flink SQL, as the parser reads it: names unresolved, types unchecked, every part with its place
//! in the text.
//!
//! Invariant: the tree says only what the text says. Whatever needs a catalog or a type belongs to the binder.

mod expression;
mod match_recognize;
mod query;
mod statement;

pub use expression::{
    BinaryOperator, CaseBranch, CastKind, Expression, ExpressionKind, FunctionCall, IntervalUnit, Literal, OrderItem, Over, Symbol,
    TrimSide, UnaryOperator, WindowFrame,
};
pub use match_recognize::{Definition, MatchRecognize, Measure, Pattern, PatternKind, Quantifier, Skip, SkipTo, Subset};
pub use query::{
    CommonTable, Emit, EmitRate, GroupingElement, Hint, HintOption, JoinConstraint, JoinKind, NamedWindow, Query, QueryBody, Select,
    SelectItem, SetOperator, TableAlias, TableArgument, TableFunctionArgument, TableFunctionCall, TableReference, TableReferenceKind,
};
pub use statement::{
    Column, ColumnKind, ConflictAction, CreateFunction, CreateTable, CreateView, DropObject, DropStatement, ExplainDetail, Insert,
    PrimaryKey, SetOption, Statement, StatementKind, TableOption, Watermark,
};

/// A piece of the text, in bytes from its start; `end` is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl Span {
    /// From the start of this piece to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// One name as written, without its back quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The name; Flink compares names by case.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// A name with dots: `catalog.database.table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// At least one part.
    pub parts: Vec<Identifier>,
}

impl ObjectName {
    /// Where the whole name stands.
    pub fn span(&self) -> Span {
        match (self.parts.first(), self.parts.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::default(),
        }
    }
}
