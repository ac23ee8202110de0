//! millrace-checkpoint
