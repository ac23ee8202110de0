//! millrace-sandbox
