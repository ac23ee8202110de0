//! Types of expressions, and what a function answers when asked for its own.

use arrow_array::ArrayRef;
use millrace_model::DataType;
use std::fmt;

/// A type and whether NULL may occur.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Typed {
    /// The type.
    pub data_type: DataType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl Typed {
    /// A type and whether NULL may occur.
    pub fn new(data_type: DataType, nullable: bool) -> Self {
        Self { data_type, nullable }
    }

    /// A type whose values may be NULL.
    pub fn nullable(data_type: DataType) -> Self {
        Self::new(data_type, true)
    }

    /// A type without NULL.
    pub fn not_null(data_type: DataType) -> Self {
        Self::new(data_type, false)
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.data_type, if self.nullable { "" } else { " NOT NULL" })
    }
}

/// What a function may know of an argument before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a> {
    /// Its type.
    pub typed: &'a Typed,
    /// Its value when it is a constant: an array of one value in the type's Arrow carrier.
    pub literal: Option<&'a ArrayRef>,
    /// The keyword when it is one (`DAY`, `LEADING`, `NULL ON NULL`); then `literal` holds the same text.
    pub symbol: Option<&'a str>,
}

/// How a function will be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Types that the arguments are cast to (implicitly, by `coercion`) before the call; one per argument. A symbol
    /// argument stays `STRING`.
    pub arguments: Vec<DataType>,
    /// Type of the result.
    pub result: Typed,
}

/// Arguments that a function does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResolveError(pub String);

/// Data on which an expression cannot be computed: a fault of the user's query or data, not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EvaluationError(pub String);

impl From<arrow_schema::ArrowError> for EvaluationError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self(error.to_string())
    }
}
