//! Keys of rows: their byte form and their key group.
//!
//! The byte form is Arrow's row format (<https://docs.rs/arrow-row>): equal keys have equal bytes, NULL is a value of
//! its own. Its hash is XXH3-64 (<https://github.com/Cyan4973/xxHash>). Both are part of the state format: a change
//! needs a new `state_version`.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::ArrowError;
use millrace_checkpoint::{KEY_GROUPS_DEFAULT, key_groups};
use millrace_model::Schema;

/// Number of a key group, below [`KEY_GROUPS_DEFAULT`].
pub type KeyGroup = u16;

/// The key group of a key's bytes.
#[inline]
pub fn key_group_of(key: &[u8]) -> KeyGroup {
    key_groups::key_group_of(xxhash_rust::xxh3::xxh3_64(key), KEY_GROUPS_DEFAULT)
}

/// The key group of the key with this hash.
#[inline]
pub(crate) fn key_group_of_hash(hash: u64) -> KeyGroup {
    key_groups::key_group_of(hash, KEY_GROUPS_DEFAULT)
}

/// The subtask that owns `group`.
#[inline]
pub fn subtask_of_key_group(group: KeyGroup, parallelism: usize) -> usize {
    key_groups::subtask_of_key_group(KEY_GROUPS_DEFAULT, parallelism as u16, group).into()
}

/// Turns the key columns of a batch into bytes and key groups.
pub struct KeyHasher {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl KeyHasher {
    /// A hasher over the named columns of `schema`.
    ///
    /// # Errors
    /// A column that is not in the schema or whose type cannot be a key.
    pub fn new(schema: &Schema, key_fields: &[String]) -> Result<Self, ArrowError> {
        let mut columns = Vec::with_capacity(key_fields.len());
        let mut sort_fields = Vec::with_capacity(key_fields.len());
        for name in key_fields {
            let column =
                schema.index_of(name).ok_or_else(|| ArrowError::SchemaError(format!("key column `{name}` is not in the schema")))?;
            columns.push(column);
            sort_fields.push(SortField::new(schema.fields()[column].data_type.to_arrow()));
        }
        Ok(Self { columns, converter: RowConverter::new(sort_fields)? })
    }

    /// The key bytes of every row.
    ///
    /// # Errors
    /// Columns of another type than the schema said.
    pub fn keys(&self, rows: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| rows.column(c).clone()).collect();
        self.converter.convert_columns(&columns)
    }

    /// The key group of every row.
    ///
    /// # Errors
    /// Columns of another type than the schema said.
    pub fn key_groups(&self, rows: &RecordBatch) -> Result<Vec<KeyGroup>, ArrowError> {
        Ok(self.keys(rows)?.iter().map(|key| key_group_of(key.as_ref())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key groups are part of the checkpoint format: these may never change.
    #[test]
    fn key_groups_are_fixed() {
        let groups: Vec<KeyGroup> = ["", "a", "user-0001", "ключ"].iter().map(|k| key_group_of(k.as_bytes())).collect();
        assert_eq!(groups, FIXED);
    }
    const FIXED: [KeyGroup; 4] = [74, 88, 12, 123];
}
