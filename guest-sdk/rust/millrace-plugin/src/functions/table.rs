//! Table functions: any number of rows per row.

use super::{Arguments, Signature, argument_schema};
use crate::{
    batch::Batch,
    bindings::{signatures, table::TableRows, types as wit},
    failure::{Error, Result},
    host,
    rows::OutputRow,
    schema::Schema,
};

/// A table function; see [`crate::table_function!`] for the short form.
pub trait TableFunction: Sized {
    /// What it answers, from [`crate::output_row!`]; write `Word<'static>` for a struct with a lifetime.
    type Output: OutputRow;

    /// How it may be called; the result is replaced by the columns of [`Self::Output`]. Must always answer the same.
    fn signatures() -> Vec<Signature>;

    /// Called once per instance: all its calls have this signature and these arguments.
    ///
    /// # Errors
    /// It cannot be called so.
    fn open(signature: usize, arguments: &Schema) -> Result<Self>;

    /// The rows that each row of `arguments` gives, in their order.
    ///
    /// # Errors
    /// The job fails with the message.
    fn eval(&mut self, arguments: &Batch<'_>, out: &mut Rows<Self::Output>) -> Result<()>;
}

/// Takes the rows that a table function answers.
pub struct Rows<O: OutputRow> {
    builders: O::Builders,
    input_rows: Vec<u32>,
}

impl<O: OutputRow> Rows<O> {
    /// Nothing answered yet, with room for one row per row.
    pub fn with_capacity(rows: usize) -> Self {
        Self { builders: O::builders(rows), input_rows: Vec::with_capacity(rows) }
    }

    /// Answers a row for row `input_row` of the arguments. These never fall.
    ///
    /// # Panics
    /// The input row lies before one that has had an answer.
    #[inline]
    pub fn emit(&mut self, input_row: usize, row: O::Row<'_>) {
        let input_row = input_row as u32;
        assert!(self.input_rows.last().is_none_or(|last| *last <= input_row), "answers must come in the order of the input rows");
        self.input_rows.push(input_row);
        O::push(&mut self.builders, row);
    }

    fn finish(self) -> TableRows {
        let rows = self.input_rows.len() as u32;
        let columns = O::finish(self.builders).into_iter().flat_map(|column| column.columns).collect();
        TableRows { input_rows: self.input_rows, rows: wit::Batch { rows, kinds: None, columns } }
    }
}

/// An open function; made by [`crate::export_table!`].
#[doc(hidden)]
pub struct TableRunner<F> {
    function: F,
    arguments: Schema,
}

impl<F: TableFunction> TableRunner<F> {
    fn known() -> Vec<Signature> {
        F::signatures().into_iter().map(|signature| Signature { result: F::Output::schema(), ..signature }).collect()
    }

    pub fn signatures() -> Result<Vec<signatures::Signature>, wit::Fault> {
        host::install_panic_hook();
        Ok(Self::known().iter().map(Signature::to_wit).collect())
    }

    pub fn open(signature: u32, arguments: u32) -> Result<Self, wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let signature = signature as usize;
            let known = Self::known();
            let chosen = known.get(signature).ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
            let arguments = argument_schema(chosen, arguments as usize)?;
            Ok(Self { function: F::open(signature, &arguments)?, arguments })
        };
        open().map_err(Error::into_fault)
    }

    pub fn eval(&mut self, arguments: wit::Batch) -> Result<TableRows, wit::Fault> {
        let evaluated = self.try_eval(&arguments).map_err(Error::into_fault);
        host::flush_counters();
        evaluated
    }

    fn try_eval(&mut self, arguments: &wit::Batch) -> Result<TableRows> {
        let batch =
            Batch::new(&self.arguments, arguments).ok_or_else(|| Error::new("the host's batch does not fit the call it announced"))?;
        let mut rows = Rows::with_capacity(batch.rows());
        self.function.eval(&batch, &mut rows)?;
        Ok(rows.finish())
    }
}

/// What a table function over values may answer: rows, perhaps none, or a [`Result`] of them.
pub trait IntoRows<R> {
    /// Gives each row to `emit`.
    ///
    /// # Errors
    /// The function's own.
    fn each(self, emit: &mut dyn FnMut(R)) -> Result<()>;
}

impl<R> IntoRows<R> for Vec<R> {
    fn each(self, emit: &mut dyn FnMut(R)) -> Result<()> {
        self.into_iter().for_each(emit);
        Ok(())
    }
}

impl<R> IntoRows<R> for Option<R> {
    fn each(self, emit: &mut dyn FnMut(R)) -> Result<()> {
        self.into_iter().for_each(emit);
        Ok(())
    }
}

impl<R, T: IntoRows<R>> IntoRows<R> for Result<T, Error> {
    fn each(self, emit: &mut dyn FnMut(R)) -> Result<()> {
        self?.each(emit)
    }
}

/// One table function over values, among those of a component.
pub struct TableOverload<O: OutputRow> {
    /// How it is called.
    pub signature: Signature,
    /// Calls it for a batch.
    pub call: fn(&Batch<'_>, &mut Rows<O>) -> Result<()>,
}

impl<O: OutputRow> TableOverload<O> {
    /// For the macros: an overload of these arguments.
    pub fn of<'a, A: Arguments<'a>, T>(_call: impl Fn(A) -> T, names: &[&str], call: fn(&Batch<'_>, &mut Rows<O>) -> Result<()>) -> Self {
        Self { signature: Signature::new(A::parameters(names), O::schema()), call }
    }
}

/// For the macros: calls a table function over values for each row.
///
/// # Errors
/// The function's own, with the row.
pub fn call_rows<'a, A: Arguments<'a>, O: OutputRow, T>(batch: &Batch<'a>, out: &mut Rows<O>, call: impl Fn(A) -> T) -> Result<()>
where
    T: IntoRows<O::Row<'a>>,
{
    let views = A::views(batch);
    for row in 0..batch.rows() {
        if let Some(arguments) = A::read(&views, row) {
            call(arguments).each(&mut |answer| out.emit(row, answer)).map_err(|e| e.at_row(row))?;
        }
    }
    Ok(())
}

/// Makes a type that implements [`TableFunction`] the component's function. Once per plugin.
#[macro_export]
macro_rules! export_table {
    ($function:ty) => {
        const _: () = {
            use $crate::bindings::{
                signatures,
                table::{Guest, TableRows},
                types,
            };

            ::std::thread_local! {
                static RUNNER: ::std::cell::RefCell<::std::option::Option<$crate::functions::TableRunner<$function>>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Exported;

            impl Guest for Exported {
                fn signatures() -> ::std::result::Result<::std::vec::Vec<signatures::Signature>, types::Fault> {
                    $crate::functions::TableRunner::<$function>::signatures()
                }

                fn open(signature: u32, arguments: u32) -> ::std::result::Result<(), types::Fault> {
                    let runner = $crate::functions::TableRunner::open(signature, arguments)?;
                    RUNNER.set(::std::option::Option::Some(runner));
                    ::std::result::Result::Ok(())
                }

                fn eval(arguments: types::Batch) -> ::std::result::Result<TableRows, types::Fault> {
                    RUNNER.with_borrow_mut(|runner| match runner {
                        ::std::option::Option::Some(runner) => runner.eval(arguments),
                        ::std::option::Option::None => ::std::result::Result::Err($crate::not_opened()),
                    })
                }
            }

            // Natively nothing calls the function but tests: this keeps the compiler from taking it for dead code.
            const _: fn(u32, u32) -> ::std::result::Result<(), types::Fault> = <Exported as Guest>::open;

            #[cfg(target_arch = "wasm32")]
    $crate::export_table_function!(Exported with_types_in $crate::bindings::table);
        };
    };
}
