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

pub use exports::millrace::plugin::etl::Guest;
pub use millrace::plugin::{host, types};
