//! Hints: which there are, and the options of a table that they set.
//!
//! As in Flink an unknown hint is refused, OPTIONS belongs behind a table (behind SELECT it means nothing), and hints that
//! only choose how a join is run mean nothing here.

use super::{Binder, TableDefinition};
use crate::{
    ast::Hint,
    error::{SqlError, nearest},
};
use std::collections::BTreeMap;

const KNOWN: &[&str] = &["OPTIONS", "STATE_TTL", "LOOKUP", "BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "MULTI_JOIN"];

/// What `LOOKUP` may say that changes how rows are looked up and not what is found.
const LOOKUP_TUNING: &[&str] = &["table", "async", "output-mode", "capacity", "timeout", "shuffle"];
/// What it may say in Flink besides.
const LOOKUP_RETRY: &[&str] = &["retry-predicate", "retry-strategy", "fixed-delay", "max-attempts"];

/// A look-up is answered once, from memory: nothing can be tried again.
fn check_lookup(hint: &Hint) -> Result<(), SqlError> {
    for option in &hint.options {
        if LOOKUP_TUNING.contains(&option.key.as_str()) {
            continue;
        }
        if LOOKUP_RETRY.contains(&option.key.as_str()) {
            let message = format!("`{}`: a look-up that finds nothing is not tried again", option.key);
            let error = SqlError::new("sql.unsupported", message, option.span);
            return Err(error.with_hint("leave it out; rows that may come late are better joined as a stream, with a time to live"));
        }
        let error = SqlError::new("sql.unknown_option", format!("LOOKUP has no option `{}`", option.key), option.span);
        return Err(match nearest(&option.key, LOOKUP_TUNING.iter().copied()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint(format!("its options are {}", LOOKUP_TUNING.join(", "))),
        });
    }
    Ok(())
}

/// Refuses hints that are not known.
pub(super) fn check(hints: &[Hint]) -> Result<(), SqlError> {
    hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("LOOKUP")).try_for_each(check_lookup)?;
    let Some(unknown) = hints.iter().find(|h| !KNOWN.iter().any(|k| h.name.value.eq_ignore_ascii_case(k))) else {
        return Ok(());
    };
    let error = SqlError::new("sql.unknown_hint", format!("there is no hint `{}`", unknown.name.value), unknown.name.span);
    Err(match nearest(&unknown.name.value, KNOWN.iter().copied()) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint(format!("hints are {}", KNOWN.join(", "))),
    })
}

fn options(hints: &[Hint]) -> impl Iterator<Item = &Hint> {
    hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("OPTIONS"))
}

impl Binder<'_> {
    /// Only tables have options.
    pub(super) fn refuse_table_hints(&self, hints: &[Hint], view: &str) -> Result<(), SqlError> {
        match options(hints).next() {
            None => Ok(()),
            Some(hint) => {
                let message = format!("OPTIONS belongs to a table, but `{view}` is a view");
                Err(self.error("sql.misplaced_hint", message, hint.name.span).with_hint("write it behind the table inside of the view"))
            }
        }
    }

    /// What `/*+ OPTIONS(…) */` sets.
    pub(super) fn hinted_options(&self, table: &TableDefinition, hints: &[Hint]) -> Result<BTreeMap<String, String>, SqlError> {
        let mut set = BTreeMap::new();
        for option in options(hints).flat_map(|h| &h.options) {
            let Some(value) = &option.value else {
                let error = self.error("sql.syntax", format!("option `{}` has no value", option.key), option.span);
                return Err(error.with_hint(format!("write `OPTIONS('{}' = '…')`", option.key)));
            };
            if let Some(source) = &table.source {
                source.check_option(&table.name, &option.key, Some(value)).map_err(|e| self.placed(SqlError { span: option.span, ..e }))?;
            }
            set.insert(option.key.clone(), value.clone());
        }
        Ok(set)
    }
}
