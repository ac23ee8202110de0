//! millrace-store
