//! Scalar functions: one value per row.

use super::{Arguments, Signature, argument_schema};
use crate::{
    batch::Batch,
    bindings::{signatures, types as wit},
    column::{AnyBuf, ColumnBuilder, ColumnType},
    failure::{Error, Result},
    host,
    rows::WriteField,
    schema::{Field, Schema},
};

/// A scalar function over columns; see [`crate::scalar_function!`] for the short form.
pub trait ScalarFunction: Sized {
    /// How it may be called. Must always answer the same.
    fn signatures() -> Vec<Signature>;

    /// Called once per instance: all its calls have this signature and these arguments.
    ///
    /// # Errors
    /// It cannot be called so.
    fn open(signature: usize, arguments: &Schema) -> Result<Self>;

    /// One value per row of `arguments`, in a column of the result's type.
    ///
    /// # Errors
    /// The job fails with the message.
    fn eval(&mut self, arguments: &Batch<'_>) -> Result<AnyBuf>;
}

/// An open function; made by [`crate::export_scalar!`].
#[doc(hidden)]
pub struct ScalarRunner<F> {
    function: F,
    arguments: Schema,
}

impl<F: ScalarFunction> ScalarRunner<F> {
    pub fn signatures() -> Result<Vec<signatures::Signature>, wit::Fault> {
        host::install_panic_hook();
        Ok(F::signatures().iter().map(Signature::to_wit).collect())
    }

    pub fn open(signature: u32, arguments: u32) -> Result<Self, wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let signature = signature as usize;
            let known = F::signatures();
            let chosen = known.get(signature).ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
            let arguments = argument_schema(chosen, arguments as usize)?;
            Ok(Self { function: F::open(signature, &arguments)?, arguments })
        };
        open().map_err(Error::into_fault)
    }

    pub fn eval(&mut self, arguments: wit::Batch) -> Result<wit::Batch, wit::Fault> {
        let evaluated = self.try_eval(&arguments).map_err(Error::into_fault);
        host::flush_counters();
        evaluated
    }

    fn try_eval(&mut self, arguments: &wit::Batch) -> Result<wit::Batch> {
        let batch =
            Batch::new(&self.arguments, arguments).ok_or_else(|| Error::new("the host's batch does not fit the call it announced"))?;
        let answer = self.function.eval(&batch)?;
        Ok(wit::Batch { rows: answer.len as u32, kinds: None, columns: answer.columns })
    }
}

/// What a function over values may answer: a value, or a [`Result`] of one.
pub trait Outcome {
    /// The value.
    type Value: WriteField;

    /// As a result.
    ///
    /// # Errors
    /// The function's own.
    fn into_outcome(self) -> Result<Self::Value>;
}

impl<T: WriteField> Outcome for T {
    type Value = T;

    fn into_outcome(self) -> Result<T> {
        Ok(self)
    }
}

impl<T: WriteField> Outcome for Result<T, Error> {
    type Value = T;

    fn into_outcome(self) -> Result<T> {
        self
    }
}

/// The column of one overload's results.
pub type Evaluate = fn(&Batch<'_>) -> Result<AnyBuf>;

/// One function over values, among those of a component.
pub struct ScalarOverload {
    /// How it is called.
    pub signature: Signature,
    /// Calls it for a batch.
    pub evaluate: Evaluate,
}

/// The functions over values of a component; made by [`crate::scalar_function!`].
pub trait Overload {
    /// All of them.
    fn overloads() -> Vec<ScalarOverload>;
}

/// For the macros: calls a function over values for each row.
///
/// # Errors
/// The function's own, with the row.
pub fn evaluate<'a, A: Arguments<'a>, O: Outcome>(batch: &Batch<'a>, call: impl Fn(A) -> O) -> Result<AnyBuf> {
    let views = A::views(batch);
    let mut column = <<O::Value as WriteField>::Column as ColumnType>::Builder::with_capacity(batch.rows());
    for row in 0..batch.rows() {
        match A::read(&views, row) {
            Some(arguments) => call(arguments).into_outcome().map_err(|e| e.at_row(row))?.push(&mut column),
            None => column.push_null(),
        }
    }
    Ok(column.finish())
}

impl ScalarOverload {
    /// For the macros: an overload of these arguments and this answer.
    pub fn of<'a, A: Arguments<'a>, O: Outcome>(_call: impl Fn(A) -> O, names: &[&str], evaluate: Evaluate) -> Self {
        let result = Field::new(
            "result",
            <<O::Value as WriteField>::Column as ColumnType>::data_type(),
            A::STRICT || <O::Value as WriteField>::NULLABLE,
        );
        Self { signature: Signature::new(A::parameters(names), [result].into_iter().collect()), evaluate }
    }
}

/// Functions over values as a function over columns.
pub struct Overloads<O> {
    evaluate: Evaluate,
    of: std::marker::PhantomData<fn() -> O>,
}

impl<O: Overload> ScalarFunction for Overloads<O> {
    fn signatures() -> Vec<Signature> {
        O::overloads().into_iter().map(|overload| overload.signature).collect()
    }

    fn open(signature: usize, _arguments: &Schema) -> Result<Self> {
        let chosen = O::overloads().into_iter().nth(signature);
        let chosen = chosen.ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
        Ok(Self { evaluate: chosen.evaluate, of: std::marker::PhantomData })
    }

    fn eval(&mut self, arguments: &Batch<'_>) -> Result<AnyBuf> {
        (self.evaluate)(arguments)
    }
}

/// Makes a type that implements [`ScalarFunction`] the component's function. Once per plugin.
#[macro_export]
macro_rules! export_scalar {
    ($function:ty) => {
        const _: () = {
            use $crate::bindings::{scalar::Guest, signatures, types};

            ::std::thread_local! {
                static RUNNER: ::std::cell::RefCell<::std::option::Option<$crate::functions::ScalarRunner<$function>>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Exported;

            impl Guest for Exported {
                fn signatures() -> ::std::result::Result<::std::vec::Vec<signatures::Signature>, types::Fault> {
                    $crate::functions::ScalarRunner::<$function>::signatures()
                }

                fn open(signature: u32, arguments: u32) -> ::std::result::Result<(), types::Fault> {
                    let runner = $crate::functions::ScalarRunner::open(signature, arguments)?;
                    RUNNER.set(::std::option::Option::Some(runner));
                    ::std::result::Result::Ok(())
                }

                fn eval(arguments: types::Batch) -> ::std::result::Result<types::Batch, types::Fault> {
                    RUNNER.with_borrow_mut(|runner| match runner {
                        ::std::option::Option::Some(runner) => runner.eval(arguments),
                        ::std::option::Option::None => ::std::result::Result::Err($crate::not_opened()),
                    })
                }
            }

            // Natively nothing calls the function but tests: this keeps the compiler from taking it for dead code.
            const _: fn(u32, u32) -> ::std::result::Result<(), types::Fault> = <Exported as Guest>::open;

            #[cfg(target_arch = "wasm32")]
    $crate::export_scalar_function!(Exported with_types_in $crate::bindings::scalar);
        };
    };
}
