//! millrace-control
