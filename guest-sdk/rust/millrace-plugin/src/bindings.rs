//! The contract `millrace:plugin@0.1.0` as Rust types, generated from `wit/`.
//!
//! Invariant: the only module that knows the generated names beyond the data types; authors never need it.
#![allow(unsafe_code, missing_docs, clippy::all)]

wit_bindgen::generate!({
    world: "etl-operator",
    path: "wit",
    pub_export_macro: true,
    export_macro_name: "export_etl_operator",
    default_bindings_module: "millrace_plugin::bindings",
});

/// World `scalar-function`.
pub mod scalar {
    wit_bindgen::generate!({
        world: "scalar-function",
        path: "wit",
        with: { "millrace:plugin/types@0.1.0": super::millrace::plugin::types, "millrace:plugin/host@0.1.0": super::millrace::plugin::host, "millrace:plugin/clock@0.1.0": super::millrace::plugin::clock, "millrace:plugin/http@0.1.0": super::millrace::plugin::http, "millrace:plugin/secrets@0.1.0": super::millrace::plugin::secrets, "millrace:plugin/files@0.1.0": super::millrace::plugin::files },
        pub_export_macro: true,
        export_macro_name: "export_scalar_function",
        default_bindings_module: "millrace_plugin::bindings::scalar",
    });
    pub use exports::millrace::plugin::scalar::Guest;
}

/// World `table-function`.
pub mod table {
    wit_bindgen::generate!({
        world: "table-function",
        path: "wit",
        with: { "millrace:plugin/types@0.1.0": super::millrace::plugin::types, "millrace:plugin/signatures@0.1.0": super::scalar::millrace::plugin::signatures, "millrace:plugin/host@0.1.0": super::millrace::plugin::host, "millrace:plugin/clock@0.1.0": super::millrace::plugin::clock, "millrace:plugin/http@0.1.0": super::millrace::plugin::http, "millrace:plugin/secrets@0.1.0": super::millrace::plugin::secrets, "millrace:plugin/files@0.1.0": super::millrace::plugin::files },
        pub_export_macro: true,
        export_macro_name: "export_table_function",
        default_bindings_module: "millrace_plugin::bindings::table",
    });
    pub use exports::millrace::plugin::table::{Guest, TableRows};
}

/// World `aggregate-function`.
pub mod aggregate {
    wit_bindgen::generate!({
        world: "aggregate-function",
        path: "wit",
        with: { "millrace:plugin/types@0.1.0": super::millrace::plugin::types, "millrace:plugin/signatures@0.1.0": super::scalar::millrace::plugin::signatures, "millrace:plugin/host@0.1.0": super::millrace::plugin::host, "millrace:plugin/clock@0.1.0": super::millrace::plugin::clock, "millrace:plugin/http@0.1.0": super::millrace::plugin::http, "millrace:plugin/secrets@0.1.0": super::millrace::plugin::secrets, "millrace:plugin/files@0.1.0": super::millrace::plugin::files },
        pub_export_macro: true,
        export_macro_name: "export_aggregate_function",
        default_bindings_module: "millrace_plugin::bindings::aggregate",
    });
    pub use exports::millrace::plugin::aggregate::{AggregateSignature, Guest};
}

pub use aggregate::export_aggregate_function;
pub use exports::millrace::plugin::etl::Guest;
pub use millrace::plugin::{host, types};
pub use scalar::{export_scalar_function, millrace::plugin::signatures};
pub use table::export_table_function;
