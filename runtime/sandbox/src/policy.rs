//! What to do about a fault: pure decisions, no clock and no I/O.
