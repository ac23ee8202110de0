//! The column form of a plugin, and the glue between it and the contract.

use crate::{
    batch::{Batch, Output},
    bindings::types as wit,
    failure::{Error, Result},
    host::{self, Params},
    schema::{self, Schema},
};

/// An ETL operator over columns: stateless in the sense of streams, it may keep what it likes between batches but
/// nothing of that survives a restart.
pub trait Etl: Sized {
    /// Called once per instance: finds the input columns, reads parameters, says what comes out.
    ///
    /// # Errors
    /// The operator cannot work with this input or these parameters; the job is refused with the message.
    fn open(input: &Schema, params: &Params) -> Result<(Self, Schema)>;

    /// Called per batch. The output may have any number of rows.
    ///
    /// # Errors
    /// The batch cannot be processed; what happens then is the job's choice (fail, dead letter, reload).
    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()>;
}

/// An open operator; made by [`crate::export_etl`].
#[doc(hidden)]
pub struct Runner<E> {
    operator: E,
    input: Schema,
    output: Schema,
}

impl<E: Etl> Runner<E> {
    pub fn open(input: wit::Schema) -> Result<(Self, wit::Schema), wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let input = schema::restore(input)?;
            let (operator, output) = E::open(&input, &Params(()))?;
            let flat = schema::flatten(&output);
            Ok((Self { operator, input, output }, flat))
        };
        let opened = open().map_err(Error::into_fault);
        host::flush_counters();
        opened
    }

    pub fn process(&mut self, batch: wit::Batch) -> Result<wit::Batch, wit::Fault> {
        let processed = self.try_process(&batch).map_err(Error::into_fault);
        host::flush_counters();
        processed
    }

    fn try_process(&mut self, batch: &wit::Batch) -> Result<wit::Batch> {
        let batch = Batch::new(&self.input, batch).ok_or_else(|| Error::new("the host's batch does not fit the schema it announced"))?;
        let mut output = Output::new(&self.output);
        self.operator.process(&batch, &mut output)?;
        output.finish(&batch)
    }
}

/// Makes a type that implements [`Etl`] the component's operator. Once per plugin.
#[macro_export]
macro_rules! export_etl {
    ($operator:ty) => {
        const _: () = {
            use $crate::bindings::{Guest, types};

            ::std::thread_local! {
                static RUNNER: ::std::cell::RefCell<::std::option::Option<$crate::Runner<$operator>>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Exported;

            impl Guest for Exported {
                fn open(input: types::Schema) -> ::std::result::Result<types::Schema, types::Fault> {
                    let (runner, output) = $crate::Runner::open(input)?;
                    RUNNER.set(::std::option::Option::Some(runner));
                    ::std::result::Result::Ok(output)
                }

                fn process(input: types::Batch) -> ::std::result::Result<types::Batch, types::Fault> {
                    RUNNER.with_borrow_mut(|runner| match runner {
                        ::std::option::Option::Some(runner) => runner.process(input),
                        ::std::option::Option::None => ::std::result::Result::Err(types::Fault {
                            message: "process was called before open".into(),
                            row: ::std::option::Option::None,
                        }),
                    })
                }
            }

            // Natively nothing calls the operator but tests: this keeps the compiler from taking it for dead code.
            const _: fn(types::Schema) -> ::std::result::Result<types::Schema, types::Fault> = <Exported as Guest>::open;
            const _: fn(types::Batch) -> ::std::result::Result<types::Batch, types::Fault> = <Exported as Guest>::process;

            #[cfg(target_arch = "wasm32")]
    $crate::export_etl_operator!(Exported with_types_in $crate::bindings);
        };
    };
}
