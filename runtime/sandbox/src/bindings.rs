//! Bindings to `wit/millrace-plugin-0.1.0`, generated at build time.
//!
//! Only the exports are generated: parameters borrow Arrow buffers (`…Param`), results own their vectors (`…Result`),
//! which become Arrow buffers without another copy. The imports (`host`, …) are linked by hand in `host_functions`, so that
//! strings of the guest are read in place, charged and cut before anything is copied.
//!
//! No component exports all of these interfaces: they are in one world so that they share their types. Which of them a
//! component has is decided by its [`crate::loaded::World`].
#![allow(missing_docs, clippy::all, dead_code, unused_variables)]

wasmtime::component::bindgen!({
    path: "../../wit/millrace-plugin-0.1.0",
    inline: "
        package millrace:sandbox;
        world every-guest {
            export millrace:plugin/etl@0.1.0;
            export millrace:plugin/scalar@0.1.0;
            export millrace:plugin/table@0.1.0;
            export millrace:plugin/aggregate@0.1.0;
            export millrace:plugin/source@0.1.0;
            export millrace:plugin/sink@0.1.0;
            export millrace:plugin/transform@0.1.0;
            export millrace:plugin/dimension@0.1.0;
        }
    ",
    world: "millrace:sandbox/every-guest",
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use exports::millrace::plugin::{aggregate, dimension, etl, scalar, sink, source, table, transform};
#[allow(unused_imports)]
pub use millrace::plugin::signatures::Signature;
#[allow(unused_imports)]
pub use millrace::plugin::types::{
    BatchParam, BatchResult, ColumnDataParam, ColumnDataResult, ColumnParam, ColumnResult, DataType as WitType, DecimalType, Fault,
    FieldParam, FieldResult, Place, SchemaParam, SchemaResult, Utf8DataParam, Utf8DataResult,
};

use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};

/// The functions of one exported interface, to be checked.
struct Exported<'a, T: 'static> {
    pre: &'a InstancePre<T>,
    interface: &'static str,
}

impl<T: 'static> Exported<'_, T> {
    /// Checks the types of a function.
    fn has<P: ComponentNamedList + Lower, R: ComponentNamedList + Lift>(&self, name: &str) -> wasmtime::Result<()> {
        use wasmtime::component::types::ComponentItem;
        let component = self.pre.component();
        let instance = component.get_export_index(None, self.interface);
        let Some((ComponentItem::ComponentFunc(function), _)) = component.get_export(instance.as_ref(), name) else {
            return Err(wasmtime::format_err!("`{}` does not export the function `{name}`", self.interface));
        };
        let checked = function.typecheck::<P, R>(&self.pre.instance_type());
        checked.map_err(|e| e.context(format!("the function `{name}` has other types than the contract's")))
    }
}

type Answer<T> = (Result<T, Fault>,);

/// The checked functions of an ETL operator.
pub fn etl_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<etl::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/etl@0.1.0" };
    exported.has::<(SchemaParam<'static>,), Answer<SchemaResult>>("open")?;
    exported.has::<(BatchParam<'static>,), Answer<BatchResult>>("process")?;
    etl::GuestIndices::new(pre)
}

/// The checked functions of a scalar function.
pub fn scalar_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<scalar::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/scalar@0.1.0" };
    exported.has::<(), Answer<Vec<Signature>>>("signatures")?;
    exported.has::<(u32, u32), Answer<()>>("open")?;
    exported.has::<(BatchParam<'static>,), Answer<BatchResult>>("eval")?;
    scalar::GuestIndices::new(pre)
}

/// The checked functions of a table function.
pub fn table_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<table::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/table@0.1.0" };
    exported.has::<(), Answer<Vec<Signature>>>("signatures")?;
    exported.has::<(u32, u32), Answer<()>>("open")?;
    exported.has::<(BatchParam<'static>,), Answer<table::TableRows>>("eval")?;
    table::GuestIndices::new(pre)
}

/// The checked functions of an aggregate function.
pub fn aggregate_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<aggregate::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/aggregate@0.1.0" };
    exported.has::<(), Answer<Vec<aggregate::AggregateSignature>>>("signatures")?;
    exported.has::<(u32, u32), Answer<()>>("open")?;
    exported.has::<(&'static [u32], Option<&'static [u8]>, BatchParam<'static>), Answer<()>>("update")?;
    exported.has::<(&'static [u32],), Answer<BatchResult>>("values")?;
    exported.has::<(&'static [u32],), Answer<Utf8DataResult>>("export-states")?;
    exported.has::<(&'static [u32], Utf8DataParam<'static>), Answer<()>>("import-states")?;
    exported.has::<(&'static [u32],), Answer<()>>("clear")?;
    aggregate::GuestIndices::new(pre)
}

/// The checked functions of a source.
pub fn source_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<source::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/source@0.1.0" };
    exported.has::<(), Answer<SchemaResult>>("describe")?;
    exported.has::<(Place, &'static [&'static [u8]]), Answer<()>>("open")?;
    exported.has::<(u32,), Answer<source::Polled>>("poll")?;
    exported.has::<(), Answer<Vec<u8>>>("position")?;
    exported.has::<(u64,), Answer<()>>("committed")?;
    source::GuestIndices::new(pre)
}

/// The checked functions of a sink.
pub fn sink_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<sink::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/sink@0.1.0" };
    exported.has::<(), Answer<bool>>("accepts-changes")?;
    exported.has::<(SchemaParam<'static>, Place, &'static [&'static [u8]]), Answer<()>>("open")?;
    exported.has::<(BatchParam<'static>,), Answer<()>>("write")?;
    exported.has::<(u64,), Answer<Vec<u8>>>("prepare")?;
    exported.has::<(u64,), Answer<()>>("commit")?;
    sink::GuestIndices::new(pre)
}

/// The checked functions of a transforming operator.
pub fn transform_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<transform::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/transform@0.1.0" };
    exported.has::<(&'static [SchemaParam<'static>],), Answer<SchemaResult>>("open")?;
    exported.has::<(u32, BatchParam<'static>), Answer<BatchResult>>("process")?;
    exported.has::<(i64,), Answer<BatchResult>>("watermark")?;
    exported.has::<(), Answer<BatchResult>>("finish")?;
    exported.has::<(), Answer<Vec<u8>>>("snapshot")?;
    exported.has::<(&'static [&'static [u8]],), Answer<()>>("restore")?;
    transform::GuestIndices::new(pre)
}

/// The checked functions of a dimension updater.
pub fn dimension_indices<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<dimension::GuestIndices> {
    let exported = Exported { pre, interface: "millrace:plugin/dimension@0.1.0" };
    exported.has::<(), Answer<dimension::Description>>("open")?;
    exported.has::<(Option<&'static [u8]>,), Answer<dimension::Page>>("load-page")?;
    exported.has::<(BatchParam<'static>,), Answer<BatchResult>>("load")?;
    dimension::GuestIndices::new(pre)
}
