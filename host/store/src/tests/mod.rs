//! Runs one suite on SQLite and on a real PostgreSQL.
