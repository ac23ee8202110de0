//! Functions on texts.
//!
//! Invariant: texts are measured as Flink measures them: most functions count code points, those that Flink leaves to
//! `java.lang.String` (`OVERLAY`, `LPAD`, `RPAD`, `REGEXP_INSTR`, `SPLIT` by nothing) count UTF-16 units, and half a
//! surrogate pair becomes `?`, as when Java encodes it.

mod case;
mod charset;
mod encoding;
mod inet;
mod java_url;
mod join;
mod parts;
mod printf;
mod regexp;
mod search;
mod split;
mod str_to_map;
mod trim;
mod url;
mod utf16;

use super::Builtin;

/// The families of text functions.
pub(super) const FAMILIES: &[&[Builtin]] = &[
    case::FUNCTIONS,
    encoding::FUNCTIONS,
    inet::FUNCTIONS,
    join::FUNCTIONS,
    parts::FUNCTIONS,
    printf::FUNCTIONS,
    regexp::FUNCTIONS,
    search::FUNCTIONS,
    split::FUNCTIONS,
    str_to_map::FUNCTIONS,
    trim::FUNCTIONS,
    url::FUNCTIONS,
];
