//! Cases of reading and writing CSV.
