//! Batches and schemas across the border: Arrow on our side, the contract's Arrow-layout lists on the guest's.
//!
//! Invariant: nothing that a guest returned becomes an Arrow array before its counts, lengths, offsets, text and values
//! have been checked here.

mod buffers;
mod from_guest;
mod function;
mod schema;
mod to_guest;
mod to_host_call;

#[cfg(test)]
mod fuzzed;

pub(crate) use from_guest::{OutputLimits, batch_from_guest};
pub(crate) use function::{column_from_guest, rows_from_guest, states_from_guest};
pub(crate) use schema::{SchemaForGuest, fields_from_guest, flat_columns, schema_from_guest};
pub(crate) use to_guest::BatchForGuest;
pub(crate) use to_host_call::{batch_for_lowering, schema_for_lowering};

/// What is wrong with a guest's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Reason in words, naming the column.
    pub message: String,
    /// Row of the answer, where one is to blame.
    pub row: Option<u32>,
}

impl Invalid {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), row: None }
    }

    fn at(message: impl Into<String>, row: usize) -> Self {
        Self { message: message.into(), row: u32::try_from(row).ok() }
    }

    /// Names the column, unless a child has done so already.
    fn in_column(mut self, name: &str) -> Self {
        self.message = match self.message.strip_prefix("column `") {
            Some(rest) => format!("column `{name}.{rest}"),
            None => format!("column `{name}`: {}", self.message),
        };
        self
    }
}
