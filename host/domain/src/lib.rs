//! millrace-domain
