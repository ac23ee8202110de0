//! The part of librdkafka that the connector uses, as safe types: the only place with `unsafe`.
//!
//! Invariants: every handle is released exactly once, children (topics, queues, messages) keep their client alive, and
//! memory handed to librdkafka outlives its use or is copied by it. Calls that wait say so; they run on blocking
//! threads through [`blocking`].
#![allow(unsafe_code)]

mod admin;
mod brokers;
mod client;
mod codecs;
mod consumer;
mod error;
mod list;
pub(crate) mod permission;
mod producer;
mod release;
mod topic_admin;

pub(crate) use admin::{OffsetSpec, commit_offsets, group_offset, list_offsets};
pub(crate) use client::{Client, ClientKind, Topic};
pub(crate) use codecs::BATCH_BYTES_MAX;
pub(crate) use consumer::{Fetcher, Message, Messages, TimestampKind};
pub(crate) use error::{Code, Failure, describe};
pub(crate) use producer::{Producer, Sent};
pub(crate) use topic_admin::{TopicToMake, create_topic, delete_topic, set_topic_config};

use millrace_connector::ConnectorError;

/// Runs a call that waits for the network on a thread made for that.
pub(crate) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, ConnectorError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(error) => Err(ConnectorError::Internal(format!("a Kafka call was lost: {error}"))),
    }
}

/// A text without NUL bytes, as C wants it.
fn c_text(text: &str) -> std::ffi::CString {
    // Kafka's names cannot hold NUL; a broken one is cut there and then simply not found.
    let end = text.find('\0').unwrap_or(text.len());
    std::ffi::CString::new(&text.as_bytes()[..end]).unwrap_or_default()
}

/// Copies a C text; empty for null.
///
/// # Safety
/// `text` is null or points to a text that ends with NUL.
unsafe fn rust_text(text: *const std::os::raw::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and ended by NUL by this function's contract.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
