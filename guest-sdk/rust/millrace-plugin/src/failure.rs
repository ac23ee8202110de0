//! What a plugin says when it cannot go on.

use crate::bindings::types::Fault;
use std::fmt;

/// A reason, and the input row that caused it where that is known.
///
/// Any error of the standard library or another crate turns into it with `?`; [`crate::bail!`] makes one from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
    row: Option<u32>,
}

/// The result of a plugin's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with this message: say what was found and what was expected.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), row: None }
    }

    /// Names the input row, counted from 0, unless one is named already.
    pub fn at_row(mut self, row: usize) -> Self {
        self.row.get_or_insert(row as u32);
        self
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The input row that caused the error.
    pub fn row(&self) -> Option<usize> {
        self.row.map(|row| row as usize)
    }

    pub(crate) fn into_fault(self) -> Fault {
        Fault { message: self.message, row: self.row }
    }
}

/// For the macros: a call before `open`.
#[doc(hidden)]
pub fn not_opened() -> Fault {
    Error::new("called before open").into_fault()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(f, "row {row}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

// `Error` itself does not implement `std::error::Error`, so that this conversion can exist.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// Returns an [`Error`] with a formatted message from the current function.
#[macro_export]
macro_rules! bail {
    ($($text:tt)*) => { return ::core::result::Result::Err($crate::Error::new(::std::format!($($text)*))) };
}
