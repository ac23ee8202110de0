//! Statements: tables, views, functions, inserts, settings.

use super::{Expression, Identifier, ObjectName, Query, Span};
use millrace_model::DataType;

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it stands, without the semicolon.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // a script has few statements
pub enum StatementKind {
    /// `CREATE [TEMPORARY] TABLE … (…) WITH (…)`
    CreateTable(CreateTable),
    /// `CREATE [TEMPORARY] VIEW … AS query`
    CreateView(CreateView),
    /// `CREATE [TEMPORARY [SYSTEM]] FUNCTION … AS '…'`
    CreateFunction(CreateFunction),
    /// `INSERT INTO table [(columns)] query`
    Insert(Insert),
    /// `[EXECUTE] STATEMENT SET BEGIN …; … END`
    StatementSet(Vec<Insert>),
    /// `SET 'key' = 'value'`
    Set(SetOption),
    /// `RESET 'key'`; `None` resets all.
    Reset(Option<SetOption>),
    /// `EXPLAIN [PLAN FOR | details] statement`
    Explain {
        /// What more is asked for, in the order of the text.
        details: Vec<ExplainDetail>,
        /// What is explained.
        statement: Box<Statement>,
    },
    /// `DROP [TEMPORARY [SYSTEM]] TABLE | VIEW | FUNCTION [IF EXISTS] name`
    Drop(DropStatement),
    /// A query whose rows are the answer.
    Query(Query),
    /// `USE CATALOG …`, `USE …`, `ADD JAR …`, `ALTER …`, `SHOW …`: understood and refused by the binder, by this name.
    Unsupported(String),
}

/// What `EXPLAIN` tells beside the operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainDetail {
    /// `ESTIMATED_COST`
    EstimatedCost,
    /// `CHANGELOG_MODE`
    ChangelogMode,
    /// `JSON_EXECUTION_PLAN`
    JsonExecutionPlan,
    /// `PLAN_ADVICE`
    PlanAdvice,
}

/// `DROP …` of what a script has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropStatement {
    /// What is dropped.
    pub object: DropObject,
    /// Its name.
    pub name: ObjectName,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// What can be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the words of SQL
pub enum DropObject {
    Table,
    View,
    Function,
}

/// `SET 'key' = 'value'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOption {
    /// Option name.
    pub key: String,
    /// Its value; empty for `RESET`.
    pub value: String,
    /// Where the key stands.
    pub span: Span,
}

/// A table's declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub name: ObjectName,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// `WATERMARK FOR …`
    pub watermark: Option<Watermark>,
    /// `PRIMARY KEY (…) NOT ENFORCED`
    pub primary_key: Option<PrimaryKey>,
    /// `COMMENT '…'`
    pub comment: Option<String>,
    /// `PARTITIONED BY (…)`
    pub partitioned_by: Vec<Identifier>,
    /// `WITH (…)` in order.
    pub options: Vec<TableOption>,
    /// `LIKE other`
    pub like: Option<ObjectName>,
    /// `INCLUDING ALL`, `EXCLUDING OPTIONS`, … behind `LIKE`, in upper case and in the order of the text.
    pub like_options: Vec<String>,
    /// `AS query`
    pub query: Option<Query>,
}

/// `'key' = 'value'` of a `WITH` clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOption {
    /// Option name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where the pair stands.
    pub span: Span,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Identifier,
    /// What it is.
    pub kind: ColumnKind,
    /// `COMMENT '…'`
    pub comment: Option<String>,
    /// Where its declaration stands.
    pub span: Span,
}

/// What a column is.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnKind {
    /// In the record itself.
    Physical {
        /// Its type.
        data_type: DataType,
        /// False with `NOT NULL`.
        nullable: bool,
    },
    /// `name type METADATA [FROM 'key'] [VIRTUAL]`
    Metadata {
        /// Its type.
        data_type: DataType,
        /// False with `NOT NULL`.
        nullable: bool,
        /// `FROM '…'`; the column's own name when absent.
        key: Option<String>,
        /// `VIRTUAL`: not written by sinks.
        is_virtual: bool,
    },
    /// `name AS expression`
    Computed(Expression),
}

/// `WATERMARK FOR column AS expression`.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    /// The event-time column.
    pub column: Identifier,
    /// The watermark that a row stands for.
    pub expression: Expression,
    /// Where it stands.
    pub span: Span,
}

/// `PRIMARY KEY (…) NOT ENFORCED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    /// Its columns.
    pub columns: Vec<Identifier>,
    /// Flink accepts only `NOT ENFORCED`; the binder refuses others.
    pub enforced: bool,
    /// Where it stands.
    pub span: Span,
}

/// A view's declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// Its name.
    pub name: ObjectName,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Column names when given.
    pub columns: Vec<Identifier>,
    /// `COMMENT '…'`
    pub comment: Option<String>,
    /// What it stands for.
    pub query: Query,
}

/// A function's declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFunction {
    /// Its name.
    pub name: ObjectName,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `SYSTEM`
    pub system: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `AS '…'`: a class in Flink, a function of the project here.
    pub identifier: String,
    /// Where the identifier stands.
    pub identifier_span: Span,
    /// `LANGUAGE …`
    pub language: Option<String>,
    /// `USING JAR '…', …`
    pub resources: Vec<String>,
}

/// `INSERT INTO …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// The sink.
    pub table: ObjectName,
    /// `OVERWRITE`: the binder refuses it.
    pub overwrite: bool,
    /// Columns when listed.
    pub columns: Vec<Identifier>,
    /// What is inserted.
    pub query: Query,
    /// Hints behind the table's name.
    pub hints: Vec<super::Hint>,
    /// `ON CONFLICT DO …`
    pub on_conflict: Option<ConflictAction>,
    /// Where it stands.
    pub span: Span,
}

/// What `ON CONFLICT DO` says of rows that share the key of their sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictAction {
    /// There must be none.
    Error,
    /// The first row stays.
    Nothing,
    /// The latest row wins.
    Deduplicate,
}
