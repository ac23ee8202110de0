//! millrace-connector-kafka
