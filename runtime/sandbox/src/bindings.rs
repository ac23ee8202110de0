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

pub use millrace::plugin::types::{
    BatchParam, BatchResult, ColumnDataParam, ColumnDataResult, ColumnParam, ColumnResult, DataType as WitType, DecimalType, Fault,
    FieldParam, FieldResult, SchemaParam, SchemaResult, Utf8DataParam,
};
