//! An operator with state: passes each key of its inputs on once.
//!
//! Build it with `millrace plugin build .`. Give the node `"key_fields": ["key"]`, so that a key always reaches the same
//! subtask.

use millrace_plugin::prelude::*;
use std::collections::BTreeSet;

output_row! {
    /// What is emitted.
    pub struct Key<'a> {
        /// Seen for the first time.
        key: &'a str,
    }
}

/// The operator.
pub struct Once {
    /// The key column of each input.
    columns: Vec<Col<str>>,
    seen: BTreeSet<String>,
}

impl Transform for Once {
    type Row = Key<'static>;

    fn open(inputs: &[Schema], _params: &Params) -> Result<Self> {
        let columns = inputs.iter().map(|input| input.column_not_null::<str>("key")).collect::<Result<_>>()?;
        Ok(Self { columns, seen: BTreeSet::new() })
    }

    fn process(&mut self, input: usize, rows: &Batch<'_>, out: &mut Emit<Self::Row>) -> Result<()> {
        let keys = rows.get(self.columns[input]);
        for row in 0..rows.rows() {
            let key = keys.value(row);
            if self.seen.insert(key.to_owned()) {
                out.emit(Key { key });
            }
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>> {
        let keys: Vec<&str> = self.seen.iter().map(String::as_str).collect();
        Ok(keys.join("\n").into_bytes())
    }

    fn restore(&mut self, states: Vec<Vec<u8>>) -> Result<()> {
        for state in states {
            self.seen.extend(std::str::from_utf8(&state)?.lines().map(str::to_owned));
        }
        Ok(())
    }
}

export_transform!(Once);
