//! How a function may be called.

use crate::{
    bindings::signatures as wit,
    failure::{Error, Result},
    schema::{Field, Schema, flatten},
};

/// One way to call a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// One per parameter; names are for people. A nullable parameter takes NULL.
    pub parameters: Vec<Field>,
    /// The last parameter may be given any number of times, also not at all.
    pub variadic: bool,
    /// Scalar and aggregate functions: one column. Table functions: the columns of the answer.
    pub result: Schema,
    /// Equal arguments always give equal results.
    pub deterministic: bool,
}

impl Signature {
    /// A deterministic function of these parameters.
    pub fn new(parameters: Vec<Field>, result: Schema) -> Self {
        Self { parameters, variadic: false, result, deterministic: true }
    }

    /// The last parameter may be given any number of times.
    pub fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// Equal arguments may give different results: random numbers, the time.
    pub fn not_deterministic(mut self) -> Self {
        self.deterministic = false;
        self
    }

    pub(crate) fn to_wit(&self) -> wit::Signature {
        wit::Signature {
            parameters: flatten(&self.parameters.iter().cloned().collect()),
            variadic: self.variadic,
            result: flatten(&self.result),
            deterministic: self.deterministic,
        }
    }
}

/// The columns that come with a call of so many arguments.
///
/// # Errors
/// The function is never called so.
pub fn argument_schema(signature: &Signature, arguments: usize) -> Result<Schema> {
    let fixed = signature.parameters.len();
    let fits = if signature.variadic { arguments + 1 >= fixed } else { arguments == fixed };
    if !fits {
        return Err(Error::new(format!("{arguments} arguments for {fixed} parameters")));
    }
    let parameter = |index: usize| signature.parameters.get(index).or(signature.parameters.last()).cloned();
    Ok((0..arguments).filter_map(parameter).collect())
}
