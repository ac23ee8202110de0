//! Bindings to `wit/millrace-plugin-0.1.0`, generated at build time.
//!
//! Only the exports are generated: parameters borrow Arrow buffers (`…Param`), results own their vectors (`…Result`),
//! which become Arrow buffers without another copy. The imports (`host`) are linked by hand in `host_functions`, so that
//! strings of the guest are read in place, charged and cut before anything is copied.
#![allow(missing_docs, clippy::all, dead_code, unused_variables)]

wasmtime::component::bindgen!({
    path: "../../wit/millrace-plugin-0.1.0",
    inline: "
        package millrace:sandbox;
        world etl-guest {
            export millrace:plugin/etl@0.1.0;
        }
    ",
    world: "millrace:sandbox/etl-guest",
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
});

#[allow(unused_imports)]
pub use millrace::plugin::types::{
    BatchParam, BatchResult, ColumnDataParam, ColumnDataResult, ColumnParam, ColumnResult, DataType as WitType, DecimalType, Fault,
    FieldParam, FieldResult, SchemaParam, SchemaResult, Utf8DataParam, Utf8DataResult,
};

/// Checks the types of the exported functions, which are otherwise only looked at when an instance is made.
///
/// # Errors
/// A function that is missing, or has other parameters or results than the contract's.
pub fn check_types<T: 'static>(pre: &EtlGuestPre<T>) -> wasmtime::Result<()> {
    use wasmtime::component::types::ComponentItem;
    const ETL: &str = "millrace:plugin/etl@0.1.0";
    let component = pre.instance_pre().component();
    let instance = component.get_export_index(None, ETL);
    let function = |name: &str| match component.get_export(instance.as_ref(), name) {
        Some((ComponentItem::ComponentFunc(function), _)) => Ok(function),
        _ => Err(wasmtime::format_err!("`{ETL}` does not export the function `{name}`")),
    };
    let types = pre.instance_pre().instance_type();
    function("open")?
        .typecheck::<(SchemaParam<'static>,), (Result<SchemaResult, Fault>,)>(&types)
        .map_err(|e| e.context("the function `open` has other types than the contract's"))?;
    function("process")?
        .typecheck::<(BatchParam<'static>,), (Result<BatchResult, Fault>,)>(&types)
        .map_err(|e| e.context("the function `process` has other types than the contract's"))
}
