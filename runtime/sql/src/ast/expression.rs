//! Expressions.

use super::{Identifier, ObjectName, Query, Span};
use millrace_functions::cast::Lengths;
use millrace_model::DataType;

/// An expression and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands.
    pub span: Span,
}

/// Kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind {
    /// A constant.
    Literal(Literal),
    /// `column`, `table.column`, `column.field.field`: which is which is the binder's question.
    Name(ObjectName),
    /// `-x`, `NOT x`
    Unary(UnaryOperator, Box<Expression>),
    /// `a + b`
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `x IS [NOT] NULL`
    IsNull {
        /// What is looked at.
        value: Box<Expression>,
        /// `NOT`
        negated: bool,
    },
    /// `x IS [NOT] TRUE | FALSE | UNKNOWN`; `None` is `UNKNOWN`.
    IsTruth {
        /// What is looked at.
        value: Box<Expression>,
        /// Which truth value.
        truth: Option<bool>,
        /// `NOT`
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`
    IsDistinctFrom {
        /// Left side.
        left: Box<Expression>,
        /// Right side.
        right: Box<Expression>,
        /// `NOT`
        negated: bool,
    },
    /// `x [NOT] BETWEEN [SYMMETRIC] low AND high`
    Between {
        /// What is compared.
        value: Box<Expression>,
        /// Lower end.
        low: Box<Expression>,
        /// Upper end.
        high: Box<Expression>,
        /// `SYMMETRIC`
        symmetric: bool,
        /// `NOT`
        negated: bool,
    },
    /// `x [NOT] IN (a, b)`
    InList {
        /// What is searched.
        value: Box<Expression>,
        /// Where.
        list: Vec<Expression>,
        /// `NOT`
        negated: bool,
    },
    /// `x [NOT] IN (query)`
    InQuery {
        /// What is searched.
        value: Box<Expression>,
        /// Where.
        query: Box<Query>,
        /// `NOT`
        negated: bool,
    },
    /// `x < SOME (query)`, `x >= ALL (query)`; `= SOME` is `IN`, `<> ALL` is `NOT IN`.
    Quantified {
        /// What is compared.
        value: Box<Expression>,
        /// `<`, `<=`, `>`, `>=`, or `<>` with `SOME`, `=` with `ALL`.
        operator: BinaryOperator,
        /// `ALL`, not `SOME` or `ANY`.
        all: bool,
        /// With what.
        query: Box<Query>,
    },
    /// `EXISTS (query)`
    Exists(Box<Query>),
    /// `(query)` as a value
    Query(Box<Query>),
    /// `x [NOT] LIKE pattern [ESCAPE c]`, also `SIMILAR TO`
    Like {
        /// What is matched.
        value: Box<Expression>,
        /// The pattern.
        pattern: Box<Expression>,
        /// `ESCAPE`
        escape: Option<Box<Expression>>,
        /// `SIMILAR TO` instead of `LIKE`.
        similar: bool,
        /// `NOT`
        negated: bool,
    },
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`
    Case {
        /// What is compared with each `WHEN`.
        operand: Option<Box<Expression>>,
        /// `WHEN … THEN …`
        branches: Vec<CaseBranch>,
        /// `ELSE …`
        otherwise: Option<Box<Expression>>,
    },
    /// `CAST(x AS type)`, `TRY_CAST(x AS type)`
    Cast {
        /// What is cast.
        value: Box<Expression>,
        /// To what.
        data_type: DataType,
        /// `CHAR(n)` / `VARCHAR(n)` / `BINARY(n)` / `VARBINARY(n)`: length and whether values are padded to it.
        length: Option<(u32, bool)>,
        /// The same of what is inside of the type; empty where nothing has a length.
        parts: Vec<Lengths>,
        /// Which cast.
        kind: CastKind,
    },
    /// A call, aggregates and niladic functions (`CURRENT_DATE`) included. Special forms are calls too: `EXTRACT(unit
    /// FROM x)` is `EXTRACT(symbol, x)`, `POSITION(a IN b)` is `POSITION(a, b)`, `SUBSTRING(a FROM b FOR c)` is
    /// `SUBSTRING(a, b, c)`, `TRIM(side c FROM s)` is `TRIM(symbol, c, s)` with `BOTH` and a blank for what is left out
    /// (`TRIM(s)` keeps its one argument), `OVERLAY(a PLACING b FROM c FOR d)` is `OVERLAY(a, b, c, d)`, `CEIL(x TO
    /// unit)` is `CEIL(x, symbol)`, `TIMESTAMPADD(unit, …)` has a symbol first, `f(DEFAULT)` has the symbol `DEFAULT`,
    /// `(a, b) OVERLAPS (c, d)` is `OVERLAPS(a, b, c, d)`, `FINAL f(x)` is `FINAL(f(x))`.
    ///
    /// `JSON_…` clauses are symbols behind the arguments, in the order of the text: `RETURNING <type>` with Flink's text
    /// of the type, `NULL ON EMPTY`, `ERROR ON ERROR`, `EMPTY ARRAY ON EMPTY`, …, `WITHOUT WRAPPER`, `WITH CONDITIONAL
    /// WRAPPER`, `WITH UNCONDITIONAL WRAPPER`, `NULL ON NULL`, `ABSENT ON NULL`. `DEFAULT x ON EMPTY` is the symbol
    /// `DEFAULT ON EMPTY` with `x` behind it; `x FORMAT JSON` is `x` with the symbol `FORMAT JSON` behind it. `KEY k
    /// VALUE v` and `k : v` are two arguments. `x IS JSON OBJECT` is `IS_JSON(x, symbol)`, the symbol being `VALUE` when
    /// none is written, below a `NOT` when it is negated.
    Call(FunctionCall),
    /// `INTERVAL '1:30' HOUR TO MINUTE`
    Interval {
        /// The text between the quotes, with its sign.
        value: String,
        /// First unit.
        from: IntervalUnit,
        /// `TO unit`
        to: Option<IntervalUnit>,
    },
    /// `ARRAY[a, b]`
    Array(Vec<Expression>),
    /// `MAP[k, v, k, v]`
    Map(Vec<Expression>),
    /// `ROW(a, b)` or `(a, b)`
    Row(Vec<Expression>),
    /// `x[index]`
    Element(Box<Expression>, Box<Expression>),
    /// `x.field` where `x` is not a plain name
    Field(Box<Expression>, Identifier),
    /// A keyword argument of a special form: `DAY`, `LEADING`, `NULL ON NULL`.
    Symbol(Symbol),
    /// `*` as in `COUNT(*)`
    Star,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Boolean(bool),
    /// `12`, `1.5`, `1e3`, as written.
    Number(String),
    /// `'it''s'`, unescaped; also `_UTF16'…'` and `U&'…'`.
    String(String),
    /// `X'0A'`
    Bytes(Vec<u8>),
    /// `DATE '2024-01-31'`
    Date(String),
    /// `TIME '12:00:00'`
    Time(String),
    /// `TIMESTAMP '2024-01-31 12:00:00'`
    Timestamp(String),
}

/// A keyword that is an argument, in upper case, several words joined by one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol(pub String);

/// Operators before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-x`
    Minus,
    /// `+x`
    Plus,
    /// `NOT x`
    Not,
}

/// Operators between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is its own sign
pub enum BinaryOperator {
    Plus,
    Minus,
    Multiply,
    Divide,
    Modulo,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// `WHEN condition THEN value`.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseBranch {
    /// `WHEN …`
    pub when: Expression,
    /// `THEN …`
    pub then: Expression,
}

/// Which cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastKind {
    /// `CAST`: fails the job when a value does not fit.
    Cast,
    /// `TRY_CAST`: answers NULL instead.
    TryCast,
}

/// Which side of a text is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the words of SQL
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    /// The function's name.
    pub name: ObjectName,
    /// Its arguments in order.
    pub arguments: Vec<Expression>,
    /// Names of arguments given as `name => value`; as long as `arguments` when any is named, else empty.
    pub argument_names: Vec<Option<Identifier>>,
    /// `DISTINCT`
    pub distinct: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Box<Expression>>,
    /// `WITHIN GROUP (ORDER BY …)`, or `ORDER BY` inside the parentheses
    pub order_by: Vec<OrderItem>,
    /// `OVER (…)`
    pub over: Option<Box<Over>>,
    /// `IGNORE NULLS` (true) / `RESPECT NULLS` (false)
    pub ignore_nulls: Option<bool>,
}

/// `OVER …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// `OVER name`, or the base name inside the parentheses
    pub name: Option<Identifier>,
    /// `PARTITION BY …`
    pub partition_by: Vec<Expression>,
    /// `ORDER BY …`
    pub order_by: Vec<OrderItem>,
    /// `ROWS | RANGE …`
    pub frame: Option<WindowFrame>,
    /// Where it stands.
    pub span: Span,
}

/// `ROWS | RANGE BETWEEN start AND CURRENT ROW`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowFrame {
    /// `ROWS` (true) or `RANGE` (false).
    pub is_rows: bool,
    /// The start's distance before the current row; `None` is `UNBOUNDED PRECEDING`.
    pub preceding: Option<Box<Expression>>,
    /// Where it stands.
    pub span: Span,
}

/// `expression [ASC | DESC] [NULLS FIRST | LAST]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// By what.
    pub expression: Expression,
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST`
    pub nulls_first: Option<bool>,
}

/// Units of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is its own word
pub enum IntervalUnit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}
