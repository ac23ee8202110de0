//! Functions by name: built-in ones, and those that a project adds.
//!
//! Invariant: names are compared without case, as Flink does for functions.

use crate::{aggregate::AggregateFunction, scalar::ScalarFunction, table::TableFunction};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// A function of any kind.
#[derive(Clone)]
pub enum Function {
    /// One value per row.
    Scalar(Arc<dyn ScalarFunction>),
    /// Several rows per row.
    Table(Arc<dyn TableFunction>),
    /// One value per group.
    Aggregate(Arc<dyn AggregateFunction>),
}

/// Functions by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct FunctionRegistry {
    functions: Arc<BTreeMap<String, Function>>,
}

impl FunctionRegistry {
    /// The built-in functions.
    pub fn builtin() -> Self {
        static BUILTIN: OnceLock<FunctionRegistry> = OnceLock::new();
        BUILTIN
            .get_or_init(|| {
                let mut functions = BTreeMap::new();
                for (name, function) in crate::scalar::builtin() {
                    functions.insert(name.to_owned(), Function::Scalar(function));
                }
                for (name, function) in crate::aggregate::builtin() {
                    functions.insert(name.to_owned(), Function::Aggregate(function));
                }
                Self { functions: Arc::new(functions) }
            })
            .clone()
    }

    /// Adds a function under `name`; it hides a built-in one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, function: Function) -> Self {
        Arc::make_mut(&mut self.functions).insert(name.to_uppercase(), function);
        self
    }

    /// Takes the function named `name` away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.functions).remove(&name.to_uppercase());
        self
    }

    /// The function named `name`.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.functions.get(&name.to_uppercase())
    }

    /// The scalar function named `name`.
    pub fn scalar(&self, name: &str) -> Option<&Arc<dyn ScalarFunction>> {
        match self.get(name)? {
            Function::Scalar(function) => Some(function),
            Function::Table(_) | Function::Aggregate(_) => None,
        }
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.functions.keys().map(String::as_str)
    }
}
