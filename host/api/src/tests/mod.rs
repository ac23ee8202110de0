//! The API in process, on SQLite.
