//! millrace-e2e
