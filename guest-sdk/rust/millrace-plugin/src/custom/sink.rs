//! Sinks.

use super::Place;
use crate::{
    batch::{Batch, ChangeKind},
    bindings::types as wit,
    failure::{Error, Result},
    host::{self, Params},
    rows::InputRow,
    schema::{self, Schema},
};
use std::marker::PhantomData;

/// Writes to a system that Millrace does not know, over granted capabilities.
///
/// At a barrier ([`Sink::prepare`]) everything written is delivered, or goes into the answer, which becomes part of the
/// checkpoint; once that is durable, [`Sink::commit`] makes it visible. After a failure [`Sink::open`] is given the answers
/// that may not have been committed and settles them.
pub trait Sink: Sized {
    /// What is read, from [`crate::input_row!`]; write `Order<'static>` for a struct with a lifetime.
    type Row: InputRow;

    /// Whether it takes updates and deletes; inserts it always takes.
    const ACCEPTS_CHANGES: bool = false;

    /// Called once per instance.
    ///
    /// # Errors
    /// The parameters are wrong, or the system cannot be used; the job does not start.
    fn open(place: Place, restored: Vec<Vec<u8>>, params: &Params) -> Result<Self>;

    /// Takes rows.
    ///
    /// # Errors
    /// What happens then is the job's choice. Nothing of the batch may count as written.
    fn write(&mut self, rows: &Rows<'_, Self::Row>) -> Result<()>;

    /// A barrier.
    ///
    /// # Errors
    /// The job fails and goes on from the checkpoint before.
    fn prepare(&mut self, checkpoint: u64) -> Result<Vec<u8>>;

    /// The checkpoint is durable: makes visible what was prepared for it and before.
    ///
    /// # Errors
    /// The job fails; the answer of `prepare` is then given to `open`.
    fn commit(&mut self, _checkpoint: u64) -> Result<()> {
        Ok(())
    }
}

/// A batch as rows.
pub struct Rows<'a, R: InputRow> {
    batch: Batch<'a>,
    positions: &'a [usize],
    row: PhantomData<fn(R)>,
}

impl<'a, R: InputRow> Rows<'a, R> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batch.rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in columns.
    pub fn batch(&self) -> &Batch<'a> {
        &self.batch
    }

    /// Calls `each` for every row.
    ///
    /// # Errors
    /// The first error of `each`, which names the row.
    pub fn try_for_each(&self, mut each: impl FnMut(R::Row<'_>, ChangeKind) -> Result<()>) -> Result<()> {
        let views = R::views(self.positions, &self.batch);
        (0..self.len()).try_for_each(|row| each(R::read(&views, row), self.batch.kind(row)).map_err(|e| e.at_row(row)))
    }
}

/// An open sink; made by [`crate::export_sink`].
#[doc(hidden)]
pub struct SinkRunner<S> {
    sink: S,
    input: Schema,
    positions: Vec<usize>,
}

impl<S: Sink> SinkRunner<S> {
    pub fn open(input: wit::Schema, place: wit::Place, restored: Vec<Vec<u8>>) -> Result<Self, wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let input = schema::restore(input)?;
            let positions = S::Row::bind(&input)?;
            Ok(Self { sink: S::open(place.into(), restored, &Params(()))?, input, positions })
        };
        let opened = open().map_err(Error::into_fault);
        host::flush_counters();
        opened
    }

    pub fn write(&mut self, rows: wit::Batch) -> Result<(), wit::Fault> {
        let mut write = || {
            let batch =
                Batch::new(&self.input, &rows).ok_or_else(|| Error::new("the host's batch does not fit the schema it announced"))?;
            self.sink.write(&Rows { batch, positions: &self.positions, row: PhantomData })
        };
        let written = write().map_err(Error::into_fault);
        host::flush_counters();
        written
    }

    pub fn prepare(&mut self, checkpoint: u64) -> Result<Vec<u8>, wit::Fault> {
        let prepared = self.sink.prepare(checkpoint).map_err(Error::into_fault);
        host::flush_counters();
        prepared
    }

    pub fn commit(&mut self, checkpoint: u64) -> Result<(), wit::Fault> {
        let done = self.sink.commit(checkpoint).map_err(Error::into_fault);
        host::flush_counters();
        done
    }
}

/// Makes a type that implements [`Sink`] the component's sink. Once per plugin.
#[macro_export]
macro_rules! export_sink {
    ($sink:ty) => {
        const _: () = {
            use $crate::{bindings::types, custom::bindings::sink as contract};
            type Runner = $crate::custom::SinkRunner<$sink>;
            $crate::custom_operator_cell!(Runner);

            struct Exported;

            impl contract::Guest for Exported {
                fn accepts_changes() -> ::std::result::Result<bool, types::Fault> {
                    ::std::result::Result::Ok(<$sink as $crate::custom::Sink>::ACCEPTS_CHANGES)
                }
                fn open(
                    input: types::Schema,
                    place: types::Place,
                    restored: ::std::vec::Vec<::std::vec::Vec<u8>>,
                ) -> ::std::result::Result<(), types::Fault> {
                    RUNNER.set(::std::option::Option::Some(Runner::open(input, place, restored)?));
                    ::std::result::Result::Ok(())
                }
                fn write(rows: types::Batch) -> ::std::result::Result<(), types::Fault> {
                    with(|sink| sink.write(rows))
                }
                fn prepare(checkpoint: u64) -> ::std::result::Result<::std::vec::Vec<u8>, types::Fault> {
                    with(|sink| sink.prepare(checkpoint))
                }
                fn commit(checkpoint: u64) -> ::std::result::Result<(), types::Fault> {
                    with(|sink| sink.commit(checkpoint))
                }
            }

            // Natively nothing calls the sink but tests: this keeps the compiler from taking it for dead code.
            const _: fn(types::Batch) -> ::std::result::Result<(), types::Fault> = <Exported as contract::Guest>::write;

            #[cfg(target_arch = "wasm32")]
    $crate::custom::bindings::sink::export_sink_operator!(Exported with_types_in $crate::custom::bindings::sink);
        };
    };
}
