//! Scalar functions: what one is, and the families of built-in ones.
//!
//! A family is a file with a `pub(super) const FUNCTIONS: &[Builtin]`; the list of its folder names it, and [`builtin`] the
//! list.

mod bitmap;
mod catalog;
mod collection;
mod columns;
mod datetime;
mod hash;
mod json;
mod math;
mod operator;
mod pattern;
mod regex;
mod signature;
mod string;

pub(crate) use columns::check_value;
pub(crate) use regex::{PatternError, compiled as compiled_pattern};

use crate::{Argument, Columnar, EvaluationContext, EvaluationError, Resolution, ResolveError, Typed};
use millrace_model::DataType;
use std::{fmt, sync::Arc};

/// A function of one value per row.
pub trait ScalarFunction: Send + Sync + fmt::Debug {
    /// Its name in upper case.
    fn name(&self) -> &str;

    /// Argument types to cast to, and the type of the result.
    ///
    /// # Errors
    /// Arguments that it does not take; the message says which it takes.
    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError>;

    /// Calls it for a batch. The answer has the result type's Arrow carrier and is a scalar or as long as the batch.
    ///
    /// # Errors
    /// Data on which it fails.
    fn evaluate(&self, call: &Call<'_>) -> Result<Columnar, EvaluationError>;

    /// Whether equal arguments always give equal results within a query.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// Whether a call with constant arguments may be computed while planning.
    fn supports_constant_folding(&self) -> bool {
        true
    }

    /// Itself, when it cannot be called as it is: whoever runs the query opens it for each of its calls and subtasks.
    fn needs_opening(&self) -> Option<&dyn std::any::Any> {
        None
    }

    /// Whether there is data on which a call with a result of this type fails. What cannot fail may be evaluated for rows
    /// that do not need it.
    fn can_fail(&self, result: &DataType) -> bool {
        let _ = result;
        true
    }
}

/// One call over a batch.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The arguments, in the types that `resolve` asked for.
    pub arguments: &'a [Columnar],
    /// Rows of the batch.
    pub rows: usize,
    /// What `resolve` answered.
    pub result: &'a Typed,
    /// Zone, times.
    pub context: &'a EvaluationContext,
}

/// A built-in function: two plain functions and a name.
pub struct Builtin {
    /// Name in upper case; operators are named by their sign.
    pub name: &'static str,
    /// See [`ScalarFunction::resolve`].
    pub resolve: fn(&[Argument<'_>]) -> Result<Resolution, ResolveError>,
    /// See [`ScalarFunction::evaluate`].
    pub evaluate: fn(&Call<'_>) -> Result<Columnar, EvaluationError>,
    /// See [`ScalarFunction::is_deterministic`].
    pub deterministic: bool,
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ScalarFunction for &'static Builtin {
    fn name(&self) -> &str {
        self.name
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        (self.resolve)(arguments)
    }

    fn evaluate(&self, call: &Call<'_>) -> Result<Columnar, EvaluationError> {
        (self.evaluate)(call)
    }

    fn is_deterministic(&self) -> bool {
        self.deterministic
    }

    fn can_fail(&self, result: &DataType) -> bool {
        !operator::never_fails(self.name, result) && !math::never_fails(self.name)
    }
}

/// The built-in scalar functions by name.
pub(crate) fn builtin() -> impl Iterator<Item = (&'static str, Arc<dyn ScalarFunction>)> {
    let families: Vec<&'static [Builtin]> = [
        string::FAMILIES,
        operator::FAMILIES,
        math::FAMILIES,
        &[pattern::FUNCTIONS],
        datetime::FAMILIES,
        &[hash::FUNCTIONS],
        &[bitmap::FUNCTIONS, catalog::FUNCTIONS],
        collection::FAMILIES,
        json::FAMILIES,
    ]
    .concat();
    let all: Vec<(&'static str, Arc<dyn ScalarFunction>)> =
        families.iter().flat_map(|family| family.iter()).map(|f| (f.name, Arc::new(f) as Arc<dyn ScalarFunction>)).collect();
    all.into_iter()
}
