//! millrace-builder
