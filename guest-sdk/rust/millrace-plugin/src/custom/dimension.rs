//! Dimension updaters: they fill the dimension tables that other plugins of a job look up.

use super::bindings::dimension as contract;
use crate::{
    batch::Batch,
    bindings::types as wit,
    failure::{Error, Result},
    host::{self, Params},
    rows::{Emit, OutputRow},
    schema::{self, Schema},
};

/// Fills a dimension table.
pub trait Dimension: Sized {
    /// Key columns, then value columns, from [`crate::output_row!`].
    type Row: OutputRow;
    /// How many of the columns are the key.
    const KEY_COLUMNS: usize;
    /// The whole table can be loaded ([`Dimension::load_page`]).
    const LOADS_ALL: bool = false;
    /// How long a loaded row may be used, in milliseconds; 0: for ever.
    const TIME_TO_LIVE_MS: u64 = 0;

    /// Called once per instance.
    ///
    /// # Errors
    /// The parameters are wrong; the job is refused with the message.
    fn open(params: &Params) -> Result<Self>;

    /// Rows of these keys, in any order; a key without a row is left out. The columns of `keys` are the key columns.
    ///
    /// # Errors
    /// The rows cannot be read now; who looks up is told.
    fn load(&mut self, keys: &Batch<'_>, out: &mut Emit<Self::Row>) -> Result<()>;

    /// A page of the table; the first call has no cursor.
    ///
    /// # Errors
    /// The table cannot be read now; rows that were loaded before stay in use.
    fn load_page(&mut self, _cursor: Option<&[u8]>, _out: &mut Emit<Self::Row>) -> Result<NextPage> {
        Err(Error::new("this updater cannot load the whole table"))
    }
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// The next call is given this.
    At(Vec<u8>),
    /// That was all.
    End,
}

/// An open updater; made by [`crate::export_dimension`].
#[doc(hidden)]
pub struct DimensionRunner<D> {
    updater: D,
    key: Schema,
}

impl<D: Dimension> DimensionRunner<D> {
    pub fn open() -> Result<(Self, contract::Description), wit::Fault> {
        host::install_panic_hook();
        let fields = D::Row::schema().fields().to_vec();
        let (key, value) = fields.split_at(D::KEY_COLUMNS.min(fields.len()));
        let (key, value): (Schema, Schema) = (key.iter().cloned().collect(), value.iter().cloned().collect());
        let description = contract::Description {
            key: schema::flatten(&key),
            value: schema::flatten(&value),
            time_to_live_ms: D::TIME_TO_LIVE_MS,
            loads_all: D::LOADS_ALL,
        };
        let opened = D::open(&Params(())).map_err(Error::into_fault);
        host::flush_counters();
        Ok((Self { updater: opened?, key }, description))
    }

    pub fn load(&mut self, keys: wit::Batch) -> Result<wit::Batch, wit::Fault> {
        let mut out = Emit::new();
        let mut load = || {
            let keys = Batch::new(&self.key, &keys).ok_or_else(|| Error::new("the host's keys do not fit the key columns"))?;
            self.updater.load(&keys, &mut out)
        };
        let loaded = load().map_err(Error::into_fault);
        host::flush_counters();
        loaded.map(|()| out.into_batch())
    }

    pub fn load_page(&mut self, cursor: Option<Vec<u8>>) -> Result<contract::Page, wit::Fault> {
        let mut out = Emit::new();
        let next = self.updater.load_page(cursor.as_deref(), &mut out).map_err(Error::into_fault);
        host::flush_counters();
        let cursor = match next? {
            NextPage::At(cursor) => Some(cursor),
            NextPage::End => None,
        };
        Ok(contract::Page { rows: out.into_batch(), cursor })
    }
}

/// Makes a type that implements [`Dimension`] the component's updater. Once per plugin.
#[macro_export]
macro_rules! export_dimension {
    ($dimension:ty) => {
        const _: () = {
            use $crate::{bindings::types, custom::bindings::dimension as contract};
            type Runner = $crate::custom::DimensionRunner<$dimension>;
            $crate::custom_operator_cell!(Runner);

            struct Exported;

            impl contract::Guest for Exported {
                fn open() -> ::std::result::Result<contract::Description, types::Fault> {
                    let (runner, description) = Runner::open()?;
                    RUNNER.set(::std::option::Option::Some(runner));
                    ::std::result::Result::Ok(description)
                }
                fn load_page(cursor: ::std::option::Option<::std::vec::Vec<u8>>) -> ::std::result::Result<contract::Page, types::Fault> {
                    with(|updater| updater.load_page(cursor))
                }
                fn load(keys: types::Batch) -> ::std::result::Result<types::Batch, types::Fault> {
                    with(|updater| updater.load(keys))
                }
            }

            // Natively nothing calls the updater but tests: this keeps the compiler from taking it for dead code.
            const _: fn(types::Batch) -> ::std::result::Result<types::Batch, types::Fault> = <Exported as contract::Guest>::load;

            #[cfg(target_arch = "wasm32")]
    $crate::custom::bindings::dimension::export_dimension_updater!(Exported with_types_in $crate::custom::bindings::dimension);
        };
    };
}
