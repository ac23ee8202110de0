//! Operators with one or more inputs and state of their own.

use crate::{
    batch::Batch,
    bindings::types as wit,
    failure::{Error, Result},
    host::{self, Params},
    rows::{Emit, OutputRow},
    schema::{self, Schema},
};

/// An operator with one or more inputs; its state is part of checkpoints and savepoints.
pub trait Transform: Sized {
    /// What is emitted, from [`crate::output_row!`].
    type Row: OutputRow;

    /// Called once per instance: one schema per connected input, in the graph's order.
    ///
    /// # Errors
    /// The operator cannot work with these inputs or parameters; the job is refused with the message.
    fn open(inputs: &[Schema], params: &Params) -> Result<Self>;

    /// Handles rows of one input.
    ///
    /// # Errors
    /// What happens then is the job's choice.
    fn process(&mut self, input: usize, rows: &Batch<'_>, out: &mut Emit<Self::Row>) -> Result<()>;

    /// Event time has reached `watermark_ms` on all inputs.
    ///
    /// # Errors
    /// The job fails.
    fn watermark(&mut self, _watermark_ms: i64, _out: &mut Emit<Self::Row>) -> Result<()> {
        Ok(())
    }

    /// All inputs have ended: what is still to be said.
    ///
    /// # Errors
    /// The job fails.
    fn finish(&mut self, _out: &mut Emit<Self::Row>) -> Result<()> {
        Ok(())
    }

    /// A barrier: the state.
    ///
    /// # Errors
    /// The job fails and goes on from the checkpoint before.
    fn snapshot(&mut self) -> Result<Vec<u8>>;

    /// States of the subtasks of an earlier run that this one now stands for. With key columns and another number of
    /// subtasks each is given all states, and keeps what is of keys that come to it.
    ///
    /// # Errors
    /// The state cannot be read; the job does not start.
    fn restore(&mut self, states: Vec<Vec<u8>>) -> Result<()>;
}

/// An open operator; made by [`crate::export_transform`].
#[doc(hidden)]
pub struct TransformRunner<T> {
    operator: T,
    inputs: Vec<Schema>,
}

impl<T: Transform> TransformRunner<T> {
    pub fn open(inputs: Vec<wit::Schema>) -> Result<(Self, wit::Schema), wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let inputs = inputs.into_iter().map(schema::restore).collect::<Result<Vec<_>>>()?;
            let operator = T::open(&inputs, &Params(()))?;
            Ok((Self { operator, inputs }, schema::flatten(&T::Row::schema())))
        };
        let opened = open().map_err(Error::into_fault);
        host::flush_counters();
        opened
    }

    pub fn process(&mut self, input: u32, rows: wit::Batch) -> Result<wit::Batch, wit::Fault> {
        self.emitting(|this, out| {
            let number = input as usize;
            let schema = this.inputs.get(number).ok_or_else(|| Error::new(format!("the host sent rows of an input {input}")))?;
            let rows = Batch::new(schema, &rows).ok_or_else(|| Error::new("the host's batch does not fit the schema it announced"))?;
            this.operator.process(number, &rows, out)
        })
    }

    pub fn watermark(&mut self, watermark_ms: i64) -> Result<wit::Batch, wit::Fault> {
        self.emitting(|this, out| this.operator.watermark(watermark_ms, out))
    }

    pub fn finish(&mut self) -> Result<wit::Batch, wit::Fault> {
        self.emitting(|this, out| this.operator.finish(out))
    }

    pub fn snapshot(&mut self) -> Result<Vec<u8>, wit::Fault> {
        self.operator.snapshot().map_err(Error::into_fault)
    }

    pub fn restore(&mut self, states: Vec<Vec<u8>>) -> Result<(), wit::Fault> {
        self.operator.restore(states).map_err(Error::into_fault)
    }

    fn emitting(&mut self, work: impl FnOnce(&mut Self, &mut Emit<T::Row>) -> Result<()>) -> Result<wit::Batch, wit::Fault> {
        let mut out = Emit::new();
        let done = work(self, &mut out).map_err(Error::into_fault);
        host::flush_counters();
        done.map(|()| out.into_batch())
    }
}

/// Makes a type that implements [`Transform`] the component's operator. Once per plugin.
#[macro_export]
macro_rules! export_transform {
    ($transform:ty) => {
        const _: () = {
            use $crate::{bindings::types, custom::bindings::transform as contract};
            type Runner = $crate::custom::TransformRunner<$transform>;
            $crate::custom_operator_cell!(Runner);

            struct Exported;

            impl contract::Guest for Exported {
                fn open(inputs: ::std::vec::Vec<types::Schema>) -> ::std::result::Result<types::Schema, types::Fault> {
                    let (runner, output) = Runner::open(inputs)?;
                    RUNNER.set(::std::option::Option::Some(runner));
                    ::std::result::Result::Ok(output)
                }
                fn process(input: u32, rows: types::Batch) -> ::std::result::Result<types::Batch, types::Fault> {
                    with(|operator| operator.process(input, rows))
                }
                fn watermark(watermark_ms: i64) -> ::std::result::Result<types::Batch, types::Fault> {
                    with(|operator| operator.watermark(watermark_ms))
                }
                fn finish() -> ::std::result::Result<types::Batch, types::Fault> {
                    with(|operator| operator.finish())
                }
                fn snapshot() -> ::std::result::Result<::std::vec::Vec<u8>, types::Fault> {
                    with(|operator| operator.snapshot())
                }
                fn restore(states: ::std::vec::Vec<::std::vec::Vec<u8>>) -> ::std::result::Result<(), types::Fault> {
                    with(|operator| operator.restore(states))
                }
            }

            // Natively nothing calls the operator but tests: this keeps the compiler from taking it for dead code.
            const _: fn() -> ::std::result::Result<types::Batch, types::Fault> = <Exported as contract::Guest>::finish;

            #[cfg(target_arch = "wasm32")]
    $crate::custom::bindings::transform::export_transform_operator!(Exported with_types_in $crate::custom::bindings::transform);
        };
    };
}
