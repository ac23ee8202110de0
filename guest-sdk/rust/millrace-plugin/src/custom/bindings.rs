//! The worlds of custom operators and dimension updaters as Rust types, generated from `wit/`.
#![allow(unsafe_code, missing_docs, clippy::all)]

/// World `source-operator`.
pub mod source {
    wit_bindgen::generate!({
        world: "source-operator",
        path: "wit",
        with: {
            "millrace:plugin/types@0.1.0": crate::bindings::types,
            "millrace:plugin/host@0.1.0": crate::bindings::host,
            "millrace:plugin/clock@0.1.0": crate::bindings::millrace::plugin::clock,
            "millrace:plugin/http@0.1.0": crate::bindings::millrace::plugin::http,
            "millrace:plugin/secrets@0.1.0": crate::bindings::millrace::plugin::secrets,
            "millrace:plugin/files@0.1.0": crate::bindings::millrace::plugin::files,
        },
        pub_export_macro: true,
        export_macro_name: "export_source_operator",
        default_bindings_module: "millrace_plugin::custom::bindings::source",
    });
    pub use exports::millrace::plugin::source::*;
}

/// World `sink-operator`.
pub mod sink {
    wit_bindgen::generate!({
        world: "sink-operator",
        path: "wit",
        with: {
            "millrace:plugin/types@0.1.0": crate::bindings::types,
            "millrace:plugin/host@0.1.0": crate::bindings::host,
            "millrace:plugin/clock@0.1.0": crate::bindings::millrace::plugin::clock,
            "millrace:plugin/http@0.1.0": crate::bindings::millrace::plugin::http,
            "millrace:plugin/secrets@0.1.0": crate::bindings::millrace::plugin::secrets,
            "millrace:plugin/files@0.1.0": crate::bindings::millrace::plugin::files,
        },
        pub_export_macro: true,
        export_macro_name: "export_sink_operator",
        default_bindings_module: "millrace_plugin::custom::bindings::sink",
    });
    pub use exports::millrace::plugin::sink::*;
}

/// World `transform-operator`.
pub mod transform {
    wit_bindgen::generate!({
        world: "transform-operator",
        path: "wit",
        with: {
            "millrace:plugin/types@0.1.0": crate::bindings::types,
            "millrace:plugin/host@0.1.0": crate::bindings::host,
            "millrace:plugin/clock@0.1.0": crate::bindings::millrace::plugin::clock,
            "millrace:plugin/http@0.1.0": crate::bindings::millrace::plugin::http,
            "millrace:plugin/secrets@0.1.0": crate::bindings::millrace::plugin::secrets,
            "millrace:plugin/files@0.1.0": crate::bindings::millrace::plugin::files,
        },
        pub_export_macro: true,
        export_macro_name: "export_transform_operator",
        default_bindings_module: "millrace_plugin::custom::bindings::transform",
    });
    pub use exports::millrace::plugin::transform::*;
}

/// World `dimension-updater`.
pub mod dimension {
    wit_bindgen::generate!({
        world: "dimension-updater",
        path: "wit",
        with: {
            "millrace:plugin/types@0.1.0": crate::bindings::types,
            "millrace:plugin/host@0.1.0": crate::bindings::host,
            "millrace:plugin/clock@0.1.0": crate::bindings::millrace::plugin::clock,
            "millrace:plugin/http@0.1.0": crate::bindings::millrace::plugin::http,
            "millrace:plugin/secrets@0.1.0": crate::bindings::millrace::plugin::secrets,
            "millrace:plugin/files@0.1.0": crate::bindings::millrace::plugin::files,
        },
        pub_export_macro: true,
        export_macro_name: "export_dimension_updater",
        default_bindings_module: "millrace_plugin::custom::bindings::dimension",
    });
    pub use exports::millrace::plugin::dimension::*;
}
