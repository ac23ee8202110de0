//! Sources.

use super::{Place, bindings::source as contract};
use crate::{
    bindings::types as wit,
    failure::{Error, Result},
    host::{self, Params},
    rows::{Emit, OutputRow},
    schema,
};

/// Reads a system that Millrace does not know, over granted capabilities.
///
/// The host asks for rows as long as the job can take more, and at each barrier for the position: where a later run must
/// go on so that no row is lost or doubled. Everything emitted before the barrier lies before that position.
pub trait Source: Sized {
    /// What is emitted, from [`crate::output_row!`].
    type Row: OutputRow;

    /// Called once per instance. `restored` is empty at the first start. With the parallelism of before it is the position
    /// of the subtask of the same number; with another one it is the positions of all, of which this one goes on with its
    /// share: divide the work into pieces and ask [`Place::owns`].
    ///
    /// # Errors
    /// The parameters are wrong, or the system cannot be used; the job does not start.
    fn open(place: Place, restored: Vec<Vec<u8>>, params: &Params) -> Result<Self>;

    /// Emits rows, at most `rows_max`. Do not wait here: answer [`Next::Wait`].
    ///
    /// # Errors
    /// What happens then is the job's choice: with `reload` it asks again after a while.
    fn poll(&mut self, rows_max: usize, out: &mut Emit<Self::Row>) -> Result<Polled>;

    /// A barrier: where a later run must go on.
    ///
    /// # Errors
    /// The job fails and goes on from an earlier position.
    fn position(&mut self) -> Result<Vec<u8>>;

    /// A checkpoint is durable: what its position covers may be acknowledged to the system.
    ///
    /// # Errors
    /// It is logged; the checkpoint stays durable.
    fn committed(&mut self, _checkpoint: u64) -> Result<()> {
        Ok(())
    }
}

/// When to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Ready,
    /// Nothing now; after so many milliseconds.
    Wait(u32),
    /// Nothing any more.
    Finished,
}

/// What a poll answers beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// When to be asked again.
    pub next: Next,
    /// No later row is older than this, in epoch milliseconds; `None`: no change.
    pub watermark_ms: Option<i64>,
}

impl Polled {
    /// There may be more at once.
    pub fn ready() -> Self {
        Self { next: Next::Ready, watermark_ms: None }
    }

    /// There is nothing more for now.
    pub fn wait_ms(ms: u32) -> Self {
        Self { next: Next::Wait(ms), watermark_ms: None }
    }

    /// There will never be more.
    pub fn finished() -> Self {
        Self { next: Next::Finished, watermark_ms: None }
    }

    /// Says that no later row is older.
    pub fn watermark_ms(self, watermark_ms: i64) -> Self {
        Self { watermark_ms: Some(watermark_ms), ..self }
    }
}

/// An open source; made by [`crate::export_source`].
#[doc(hidden)]
pub struct SourceRunner<S>(S);

impl<S: Source> SourceRunner<S> {
    pub fn describe() -> wit::Schema {
        host::install_panic_hook();
        schema::flatten(&S::Row::schema())
    }

    pub fn open(place: wit::Place, restored: Vec<Vec<u8>>) -> Result<Self, wit::Fault> {
        let opened = S::open(place.into(), restored, &Params(())).map(Self).map_err(Error::into_fault);
        host::flush_counters();
        opened
    }

    pub fn poll(&mut self, rows_max: u32) -> Result<contract::Polled, wit::Fault> {
        let mut out = Emit::<S::Row>::new();
        let polled = self.0.poll(rows_max as usize, &mut out).map_err(Error::into_fault);
        host::flush_counters();
        let polled = polled?;
        let next = match polled.next {
            Next::Ready => contract::Next::Ready,
            Next::Wait(ms) => contract::Next::Wait(ms),
            Next::Finished => contract::Next::Finished,
        };
        let rows = out.into_batch();
        Ok(contract::Polled { rows: (rows.rows > 0).then_some(rows), watermark_ms: polled.watermark_ms, next })
    }

    pub fn position(&mut self) -> Result<Vec<u8>, wit::Fault> {
        self.0.position().map_err(Error::into_fault)
    }

    pub fn committed(&mut self, checkpoint: u64) -> Result<(), wit::Fault> {
        let done = self.0.committed(checkpoint).map_err(Error::into_fault);
        host::flush_counters();
        done
    }
}

/// Makes a type that implements [`Source`] the component's source. Once per plugin.
#[macro_export]
macro_rules! export_source {
    ($source:ty) => {
        const _: () = {
            use $crate::{bindings::types, custom::bindings::source as contract};
            type Runner = $crate::custom::SourceRunner<$source>;
            $crate::custom_operator_cell!(Runner);

            struct Exported;

            impl contract::Guest for Exported {
                fn describe() -> ::std::result::Result<types::Schema, types::Fault> {
                    ::std::result::Result::Ok(Runner::describe())
                }
                fn open(place: types::Place, restored: ::std::vec::Vec<::std::vec::Vec<u8>>) -> ::std::result::Result<(), types::Fault> {
                    RUNNER.set(::std::option::Option::Some(Runner::open(place, restored)?));
                    ::std::result::Result::Ok(())
                }
                fn poll(rows_max: u32) -> ::std::result::Result<contract::Polled, types::Fault> {
                    with(|source| source.poll(rows_max))
                }
                fn position() -> ::std::result::Result<::std::vec::Vec<u8>, types::Fault> {
                    with(|source| source.position())
                }
                fn committed(checkpoint: u64) -> ::std::result::Result<(), types::Fault> {
                    with(|source| source.committed(checkpoint))
                }
            }

            // Natively nothing calls the source but tests: this keeps the compiler from taking it for dead code.
            const _: fn(u32) -> ::std::result::Result<contract::Polled, types::Fault> = <Exported as contract::Guest>::poll;

            #[cfg(target_arch = "wasm32")]
    $crate::custom::bindings::source::export_source_operator!(Exported with_types_in $crate::custom::bindings::source);
        };
    };
}
