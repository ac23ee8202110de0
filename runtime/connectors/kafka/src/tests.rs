//! The connector as a whole, against a real broker.
