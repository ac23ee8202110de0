//! What librdkafka reports.

use super::rust_text;
use rdkafka_sys as rd;

/// librdkafka's and the broker's error codes.
pub(crate) use rdkafka_sys::rd_kafka_resp_err_t as Code;

/// A failed call.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// The same call may succeed later.
    pub(crate) retriable: bool,
    /// The transaction must be aborted, then may be written again.
    pub(crate) abortable: bool,
}

impl Failure {
    pub(crate) fn of(code: Code) -> Self {
        Self { code, message: describe(code), retriable: false, abortable: false }
    }

    /// Whether a newer producer with the same transactional id has taken over.
    pub(crate) fn is_fenced(&self) -> bool {
        use Code::*;
        matches!(
            self.code,
            RD_KAFKA_RESP_ERR__FENCED
                | RD_KAFKA_RESP_ERR_PRODUCER_FENCED
                | RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
                | RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
        )
    }

    /// Takes over a call's result; null is success.
    ///
    /// # Safety
    /// `error` is null or an error object that nobody else releases.
    pub(super) unsafe fn check(error: *mut rd::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: not null, valid and owned by this function's contract; released last.
        unsafe {
            let failure = Self {
                code: rd::rd_kafka_error_code(error),
                message: rust_text(rd::rd_kafka_error_string(error)),
                retriable: rd::rd_kafka_error_is_retriable(error) != 0,
                abortable: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            };
            rd::rd_kafka_error_destroy(error);
            Err(failure)
        }
    }

    /// Takes over a result code.
    pub(super) fn check_code(code: Code) -> Result<(), Self> {
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Self::of(code)) }
    }

    /// The error of the last call that only answered "failed".
    pub(super) fn last() -> Self {
        // SAFETY: reads a thread-local number.
        Self::of(unsafe { rd::rd_kafka_last_error() })
    }
}

/// The code's text.
pub(crate) fn describe(code: Code) -> String {
    // SAFETY: answers a static text for every code.
    unsafe { rust_text(rd::rd_kafka_err2str(code)) }
}
