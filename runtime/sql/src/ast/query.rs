//! Queries and what stands in their `FROM`.

use super::{Expression, Identifier, MatchRecognize, ObjectName, OrderItem, Over, Span};

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `WITH name AS (…), …`
    pub with: Vec<CommonTable>,
    /// What it selects from.
    pub body: QueryBody,
    /// `ORDER BY …`
    pub order_by: Vec<OrderItem>,
    /// `LIMIT n` / `FETCH FIRST n ROWS ONLY`
    pub limit: Option<Expression>,
    /// `OFFSET n`
    pub offset: Option<Expression>,
    /// Where it stands.
    pub span: Span,
}

/// `name [(columns)] AS (query)`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonTable {
    /// Its name.
    pub name: Identifier,
    /// Column names when given.
    pub columns: Vec<Identifier>,
    /// What it stands for.
    pub query: Query,
}

/// The body of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryBody {
    /// `SELECT …`
    Select(Box<Select>),
    /// `(query)`
    Query(Box<Query>),
    /// `left UNION [ALL] right` …
    Set {
        /// Which operation.
        operator: SetOperator,
        /// `ALL`: duplicates stay.
        all: bool,
        /// Left side.
        left: Box<QueryBody>,
        /// Right side.
        right: Box<QueryBody>,
        /// Where it stands.
        span: Span,
    },
    /// `VALUES (…), (…)`
    Values {
        /// Rows of equal width.
        rows: Vec<Vec<Expression>>,
        /// Where it stands.
        span: Span,
    },
}

/// Set operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// `UNION`
    Union,
    /// `INTERSECT`
    Intersect,
    /// `EXCEPT`
    Except,
}

/// `SELECT …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// `/*+ … */`
    pub hints: Vec<Hint>,
    /// `DISTINCT`
    pub distinct: bool,
    /// What is selected.
    pub items: Vec<SelectItem>,
    /// `FROM`, comma-separated; empty when there is none.
    pub from: Vec<TableReference>,
    /// `WHERE …`
    pub selection: Option<Expression>,
    /// `GROUP BY …`; `None` when absent, empty for `GROUP BY ()`.
    pub group_by: Option<Vec<GroupingElement>>,
    /// `HAVING …`
    pub having: Option<Expression>,
    /// `WINDOW name AS (…), …`
    pub windows: Vec<NamedWindow>,
    /// `EMIT …`
    pub emit: Option<Emit>,
    /// `QUALIFY …`
    pub qualify: Option<Expression>,
    /// Where it stands.
    pub span: Span,
}

/// `EMIT EARLY [EVERY x], LATE [EVERY x] ALLOW LATENESS y`.
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    /// Results before the end of a window.
    pub early: Option<EmitRate>,
    /// Results for rows that come after the end.
    pub late: Option<EmitRate>,
    /// How long after its end a window takes rows.
    pub allow_lateness: Option<Expression>,
    /// Where it stands.
    pub span: Span,
}

/// How often results are given out.
#[derive(Debug, Clone, PartialEq)]
pub struct EmitRate {
    /// An interval; `None` is with every row.
    pub every: Option<Expression>,
}

/// `name AS (window specification)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedWindow {
    /// Its name.
    pub name: Identifier,
    /// What it stands for.
    pub over: Over,
}

/// One item behind `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectItem {
    /// `*` or `table.*`
    Wildcard {
        /// The part before the star.
        qualifier: Option<ObjectName>,
        /// Where it stands.
        span: Span,
    },
    /// `expression [AS name]`
    Expression {
        /// What is computed.
        expression: Expression,
        /// Its name when given.
        alias: Option<Identifier>,
    },
}

/// One element behind `GROUP BY`.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupingElement {
    /// One expression.
    Expression(Expression),
    /// `GROUPING SETS (…)`: elements may nest.
    Sets(Vec<GroupingElement>, Span),
    /// `CUBE (…)`
    Cube(Vec<Vec<Expression>>, Span),
    /// `ROLLUP (…)`
    Rollup(Vec<Vec<Expression>>, Span),
    /// `(a, b)` or `()`
    Tuple(Vec<Expression>, Span),
    /// `DISTINCT …`: all elements of the clause, of whose sets equal ones count once.
    Distinct(Vec<GroupingElement>, Span),
}

/// A table in `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableReference {
    /// What it is.
    pub kind: TableReferenceKind,
    /// `AS name (columns)`
    pub alias: Option<TableAlias>,
    /// Where it stands.
    pub span: Span,
}

/// `AS name (columns)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableAlias {
    /// The name.
    pub name: Identifier,
    /// Column names when given.
    pub columns: Vec<Identifier>,
}

/// Kinds of tables in `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub enum TableReferenceKind {
    /// A table or view by name.
    Named {
        /// Its name.
        name: ObjectName,
        /// `/*+ OPTIONS('key' = 'value') */`
        hints: Vec<Hint>,
        /// `FOR SYSTEM_TIME AS OF …`
        as_of: Option<Expression>,
    },
    /// `(query)`
    Derived {
        /// The query.
        query: Box<Query>,
        /// `LATERAL`
        lateral: bool,
    },
    /// `[LATERAL] TABLE(function(…))`, also `function(…)` bare.
    Function {
        /// The call.
        call: TableFunctionCall,
        /// `LATERAL`
        lateral: bool,
    },
    /// `UNNEST(expression) [WITH ORDINALITY]`
    Unnest {
        /// What is unnested.
        expressions: Vec<Expression>,
        /// `WITH ORDINALITY`
        with_ordinality: bool,
    },
    /// `left JOIN right …`
    Join {
        /// Left side.
        left: Box<TableReference>,
        /// Right side.
        right: Box<TableReference>,
        /// Which join.
        kind: JoinKind,
        /// Its condition.
        constraint: JoinConstraint,
    },
    /// `table MATCH_RECOGNIZE (…)`
    MatchRecognize(Box<MatchRecognize>),
}

/// Kinds of joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// `[INNER] JOIN`
    Inner,
    /// `LEFT [OUTER] JOIN`
    Left,
    /// `RIGHT [OUTER] JOIN`
    Right,
    /// `FULL [OUTER] JOIN`
    Full,
    /// `CROSS JOIN`
    Cross,
}

/// What a join compares.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinConstraint {
    /// `ON condition`
    On(Expression),
    /// `USING (columns)`
    Using(Vec<Identifier>),
    /// `NATURAL`
    Natural,
    /// None, as for `CROSS JOIN`.
    None,
}

/// A call in `FROM`: a window table function or a table function of the user.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFunctionCall {
    /// Its name.
    pub name: ObjectName,
    /// Its arguments.
    pub arguments: Vec<TableFunctionArgument>,
    /// Where it stands.
    pub span: Span,
}

/// `[name =>] argument`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFunctionArgument {
    /// `name =>`
    pub name: Option<Identifier>,
    /// The argument.
    pub value: TableArgument,
    /// Where it stands.
    pub span: Span,
}

/// What may be given to a table function.
#[derive(Debug, Clone, PartialEq)]
pub enum TableArgument {
    /// `TABLE name` / `TABLE (query)` with `PARTITION BY …` / `ORDER BY …`
    Table {
        /// The table: `Named` or `Derived`.
        table: Box<TableReference>,
        /// `PARTITION BY …`
        partition_by: Vec<Expression>,
        /// `ORDER BY …`
        order_by: Vec<OrderItem>,
    },
    /// `DESCRIPTOR(columns)`
    Descriptor(Vec<Identifier>),
    /// A value.
    Expression(Expression),
}

/// One hint of `/*+ … */`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// `OPTIONS`, `STATE_TTL`, …
    pub name: Identifier,
    /// Its arguments.
    pub options: Vec<HintOption>,
}

/// `'key' = 'value'`, or a bare name or literal (then `value` is `None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintOption {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Option<String>,
    /// Where it stands.
    pub span: Span,
}
