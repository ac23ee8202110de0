//! Write Millrace plugins in Rust.
//!
//! A plugin is one function over rows ([`etl_rows!`]) or over columns ([`Etl`] and [`export_etl!`]). The command
//! `millrace plugin build` makes a WebAssembly component of it, which runs in the caged, metered sandbox of a job.
//!
//! Rows are the short way, columns the fast one: they work on plain slices with the kernels of [`kernels`].
//!
//! ```
//! use millrace_plugin::prelude::*;
//!
//! etl_rows! {
//!     /// What is read: columns are found by name, types are checked when the job starts.
//!     input Order<'a> { id: i64, item: &'a str, amount: Option<f64> }
//!     /// What is written.
//!     output Sale<'a> { id: i64, item: &'a str, amount: f64 }
//!
//!     fn process(order: Order, out: &mut Emit<Sale>) {
//!         if let Some(amount) = order.amount.filter(|a| *a > 100.0) {
//!             out.emit(Sale { id: order.id, item: order.item, amount: amount * 1.1 });
//!         }
//!     }
//! }
//! # fn main() {}
//! ```

mod batch;
pub mod bindings;
pub mod capabilities;
mod column;
pub mod custom;
mod decimal;
mod failure;
pub mod functions;
mod host;
mod nested;
mod operator;
mod rows;
mod scalar;
mod schema;
mod temporal;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod text;

pub use batch::{Batch, ChangeKind, Output};
pub use bindings::{export_aggregate_function, export_etl_operator, export_scalar_function, export_table_function, host::Level};
pub use column::{AnyBuf, AnyColumn, Col, ColumnBuf, ColumnBuilder, ColumnType, IntoColumn, OutAny, OutCol, Validity};
pub use decimal::Decimal;
#[doc(hidden)]
pub use failure::not_opened;
pub use failure::{Error, Result};
pub use functions::{Aggregate, AggregateFunction, RowAggregate, ScalarFunction, TableFunction};
pub use host::{Params, count, log};
pub use millrace_kernels as kernels;
pub use nested::{List, ListBuilder, Lists, Map, MapBuilder, Maps};
pub use operator::Etl;
#[doc(hidden)]
pub use operator::Runner;
pub use rows::{Emit, InputRow, OutputRow, ReadField, RowEtl, RowOperator, Settings, Step, Words, WriteField};
#[doc(hidden)]
pub use rows::{bind_field, declare_field, next_column, plain_name};
pub use scalar::{Scalar, ScalarBuilder, Values};
pub use schema::{DataType, Field, Schema};
pub use temporal::{Date, Time, Times, Timestamp, TimestampLtz, units_per_second};
pub use text::{Binaries, BytesBuilder, Strings, TextBuilder};

/// Everything that a plugin usually needs.
pub mod prelude {
    pub use crate::capabilities::{self, Folder, Request};
    pub use crate::custom::{Dimension, DimensionTable, Next, NextPage, Place, Polled, Rows, Sink, Source, Transform};
    pub use crate::kernels::{self, Selection};
    pub use crate::{
        Aggregate, AggregateFunction, AnyBuf, AnyColumn, Batch, ChangeKind, Col, ColumnBuf, ColumnBuilder, DataType, Date, Decimal, Emit,
        Error, Etl, Field, List, Map, OutAny, OutCol, Output, Params, Result, RowAggregate, RowEtl, ScalarFunction, Schema, TableFunction,
        Time, Timestamp, TimestampLtz, Words, accumulator, bail, count, debug, error, etl_rows, export_aggregate, export_etl, export_rows,
        export_scalar, export_table, functions::Signature, info, input_row, output_row, scalar_function, settings, table_function, trace,
        warn,
    };
    pub use crate::{export_dimension, export_sink, export_source, export_transform};
}
