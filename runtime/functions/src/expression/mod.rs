//! Typed expressions over the columns of a batch, and their evaluation.
//!
//! Invariant: `CASE`, `COALESCE`, `AND` and `OR` evaluate a part only for the rows that need it, so `CASE WHEN b <> 0 THEN
//! a / b END` never divides by zero.

mod choice;
mod debug;
mod evaluate;
mod logical;
mod same;

pub use evaluate::evaluate;

use crate::{Argument, Typed, cast::CastTarget, scalar::ScalarFunction};
use arrow_array::ArrayRef;
use std::sync::Arc;

/// What evaluation may depend on besides the rows.
#[derive(Debug, Clone)]
pub struct EvaluationContext {
    /// The session's time zone (`table.local-time-zone`).
    pub zone: chrono_tz::Tz,
    /// Processing time of the batch in epoch milliseconds.
    pub now_ms: i64,
    /// The watermark that came before the batch; `None` before the first.
    pub watermark_ms: Option<i64>,
}

impl Default for EvaluationContext {
    fn default() -> Self {
        Self { zone: chrono_tz::UTC, now_ms: 0, watermark_ms: None }
    }
}

/// A typed expression. Cheap enough to clone while planning.
#[derive(Clone)]
pub enum Expr {
    /// A column of the input.
    Column {
        /// Its position.
        index: usize,
        /// Its type.
        typed: Typed,
    },
    /// A constant.
    Literal {
        /// An array of one value in the type's Arrow carrier.
        value: ArrayRef,
        /// Its type.
        typed: Typed,
        /// Whether it is a keyword argument.
        is_symbol: bool,
    },
    /// A call; arguments already have the types that the function asked for.
    Call {
        /// The function.
        function: Arc<dyn ScalarFunction>,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// Type of the result.
        typed: Typed,
    },
    /// `CAST` (written or implicit).
    Cast {
        /// What is cast.
        value: Box<Expr>,
        /// Where to.
        target: CastTarget,
        /// `TRY_CAST`
        is_try: bool,
        /// Type of the result.
        typed: Typed,
    },
    /// `CASE WHEN … THEN … ELSE … END`; all results have the type `typed`.
    Case {
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`; NULL when absent.
        otherwise: Option<Box<Expr>>,
        /// Type of the result.
        typed: Typed,
    },
    /// The first argument that is not NULL; all have the type `typed`.
    Coalesce {
        /// At least one.
        arguments: Vec<Expr>,
        /// Type of the result.
        typed: Typed,
    },
    /// Three-valued `AND` of at least two.
    And(Vec<Expr>),
    /// Three-valued `OR` of at least two.
    Or(Vec<Expr>),
}

impl Expr {
    /// A column.
    pub fn column(index: usize, typed: Typed) -> Self {
        Self::Column { index, typed }
    }

    /// The type.
    pub fn typed(&self) -> Typed {
        match self {
            Self::Column { typed, .. }
            | Self::Literal { typed, .. }
            | Self::Call { typed, .. }
            | Self::Cast { typed, .. }
            | Self::Case { typed, .. }
            | Self::Coalesce { typed, .. } => typed.clone(),
            Self::And(parts) | Self::Or(parts) => Typed::new(millrace_model::DataType::Boolean, parts.iter().any(|p| p.typed().nullable)),
        }
    }

    /// The constant value, when it is one.
    pub fn literal(&self) -> Option<&ArrayRef> {
        match self {
            Self::Literal { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The keyword, when it is one.
    pub fn symbol(&self) -> Option<&str> {
        use arrow_array::cast::AsArray;
        match self {
            Self::Literal { value, is_symbol: true, .. } => Some(value.as_string::<i32>().value(0)),
            _ => None,
        }
    }

    /// Calls `visit` on the direct parts.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Column { .. } | Self::Literal { .. } => Vec::new(),
            Self::Call { arguments, .. } | Self::Coalesce { arguments, .. } => arguments.iter().collect(),
            Self::Cast { value, .. } => vec![value],
            Self::Case { branches, otherwise, .. } => {
                branches.iter().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref()).collect()
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().collect(),
        }
    }

    /// The direct parts, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Column { .. } | Self::Literal { .. } => Vec::new(),
            Self::Call { arguments, .. } | Self::Coalesce { arguments, .. } => arguments.iter_mut().collect(),
            Self::Cast { value, .. } => vec![value],
            Self::Case { branches, otherwise, .. } => {
                branches.iter_mut().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref_mut()).collect()
            }
            Self::And(parts) | Self::Or(parts) => parts.iter_mut().collect(),
        }
    }

    /// Whether equal rows always give equal results.
    pub fn is_deterministic(&self) -> bool {
        let own = match self {
            Self::Call { function, .. } => function.is_deterministic(),
            _ => true,
        };
        own && self.children().iter().all(|c| c.is_deterministic())
    }

    /// Whether there is data on which evaluation fails.
    pub fn can_fail(&self) -> bool {
        let own = match self {
            Self::Call { function, typed, .. } => function.can_fail(&typed.data_type),
            Self::Cast { value, target, is_try, .. } => !*is_try && crate::cast::can_fail(&value.typed().data_type, &target.data_type),
            _ => false,
        };
        own || self.children().iter().any(|c| c.can_fail())
    }

    /// Positions of the columns that it reads, added to `into`.
    pub fn columns(&self, into: &mut std::collections::BTreeSet<usize>) {
        if let Self::Column { index, .. } = self {
            into.insert(*index);
        }
        for child in self.children() {
            child.columns(into);
        }
    }

    /// The same expression with every column position mapped.
    #[must_use]
    pub fn map_columns(mut self, map: &impl Fn(usize) -> usize) -> Self {
        fn walk(expr: &mut Expr, map: &impl Fn(usize) -> usize) {
            if let Expr::Column { index, .. } = expr {
                *index = map(*index);
            }
            for child in expr.children_mut() {
                walk(child, map);
            }
        }
        walk(&mut self, map);
        self
    }
}

/// What a function may know of these expressions before it runs; `typed` must be kept alive by the caller.
pub fn arguments<'a>(expressions: &'a [Expr], typed: &'a [Typed]) -> Vec<Argument<'a>> {
    expressions.iter().zip(typed).map(|(e, typed)| Argument { typed, literal: e.literal(), symbol: e.symbol() }).collect()
}
