//! What is cached of a dimension table: the whole of it, or the keys used last.
//!
//! Keys and cached rows are in Arrow's row format (<https://docs.rs/arrow-row>): equal keys have equal bytes.

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, SchemaRef};
use hashbrown::HashMap;
use millrace_model::Schema;
use std::time::{Duration, Instant};

/// Rows of a whole table, by key.
pub(super) struct Whole {
    values: RecordBatch,
    by_key: HashMap<Box<[u8]>, u32>,
    pub loaded: Instant,
}

/// Columns of a table, with what turns them into bytes and back.
pub(super) struct Codec {
    keys: RowConverter,
    values: RowConverter,
    key_columns: usize,
    /// Value columns; each may be null, as a key that is not there has nulls.
    pub value_schema: SchemaRef,
    null_row: Box<[u8]>,
}

impl Codec {
    /// # Errors
    /// A type that cannot be cached, in words.
    pub fn new(key: &Schema, value: &Schema) -> Result<Self, String> {
        let converter = |schema: &Schema, what: &str| {
            let fields = schema.fields().iter().map(|f| SortField::new(f.data_type.to_arrow())).collect();
            RowConverter::new(fields).map_err(|e| format!("{what} columns of such types cannot be cached: {e}"))
        };
        let (keys, values) = (converter(key, "key")?, converter(value, "value")?);
        let value_schema = value.to_arrow();
        let nulls: Vec<ArrayRef> = value_schema.fields().iter().map(|f| new_null_array(f.data_type(), 1)).collect();
        let null_row = values.convert_columns(&nulls).map_err(|e| e.to_string())?.row(0).as_ref().into();
        Ok(Self { keys, values, key_columns: key.fields().len(), value_schema, null_row })
    }

    /// The bytes of each row's key, the key columns being the first.
    pub fn keys_of(&self, rows: &RecordBatch) -> Result<Vec<Box<[u8]>>, ArrowError> {
        let columns = rows.columns().get(..self.key_columns).unwrap_or_default();
        let bytes = self.keys.convert_columns(columns)?;
        Ok(bytes.iter().map(|key| key.as_ref().into()).collect())
    }

    /// The bytes of each row's values, which follow the key columns.
    pub fn values_of(&self, rows: &RecordBatch) -> Result<Vec<Box<[u8]>>, ArrowError> {
        let columns = rows.columns().get(self.key_columns..).unwrap_or_default();
        let bytes = self.values.convert_columns(columns)?;
        Ok(bytes.iter().map(|row| row.as_ref().into()).collect())
    }

    /// Value columns of these rows; `None` is a row of nulls.
    pub fn rows<'a>(&self, rows: impl Iterator<Item = Option<&'a [u8]>>) -> Result<RecordBatch, ArrowError> {
        let parser = self.values.parser();
        let columns = self.values.convert_rows(rows.map(|row| parser.parse(row.unwrap_or(&self.null_row))))?;
        RecordBatch::try_new(self.value_schema.clone(), columns)
    }
}

impl Whole {
    /// A table of these pages; of rows with the same key the last one counts.
    pub fn new(codec: &Codec, pages: &[RecordBatch], rows_schema: &SchemaRef) -> Result<Self, ArrowError> {
        let rows = arrow_select::concat::concat_batches(rows_schema, pages)?;
        let by_key = codec.keys_of(&rows)?.into_iter().zip(0u32..).collect();
        let columns = rows.columns().get(codec.key_columns..).unwrap_or_default().to_vec();
        Ok(Self { values: RecordBatch::try_new(codec.value_schema.clone(), columns)?, by_key, loaded: Instant::now() })
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.by_key.contains_key(key)
    }

    pub fn is_older_than(&self, ttl: Option<Duration>) -> bool {
        ttl.is_some_and(|ttl| self.loaded.elapsed() >= ttl)
    }

    /// Values of these keys, and how many were there.
    pub fn lookup(&self, keys: &[Box<[u8]>]) -> Result<(RecordBatch, usize), ArrowError> {
        let rows: UInt32Array = keys.iter().map(|key| self.by_key.get(key).copied()).collect();
        let found = rows.len() - arrow_array::Array::null_count(&rows);
        let columns = self.values.columns().iter().map(|column| arrow_select::take::take(column, &rows, None));
        Ok((RecordBatch::try_new(self.values.schema(), columns.collect::<Result<_, _>>()?)?, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringArray, cast::AsArray};
    use millrace_model::{DataType, Field};
    use std::sync::Arc;

    fn rows(keys: Vec<i64>, names: Vec<Option<&str>>) -> RecordBatch {
        let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(Int64Array::from(keys))), ("name", Arc::new(StringArray::from(names)))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, name == "name"))).unwrap()
    }

    fn codec() -> Codec {
        let schema = |name: &str, data_type, nullable| Schema::new(vec![Field::new(name, data_type, nullable)]).unwrap();
        Codec::new(&schema("id", DataType::BigInt, false), &schema("name", DataType::String, true)).unwrap()
    }

    fn names(batch: &RecordBatch) -> Vec<Option<String>> {
        batch.column(0).as_string::<i32>().iter().map(|name| name.map(str::to_owned)).collect()
    }

    #[test]
    fn a_whole_table_answers_in_the_order_of_the_keys_with_nulls_where_there_is_no_row() {
        let codec = codec();
        let pages = [rows(vec![1, 2], vec![Some("one"), None]), rows(vec![1, 3], vec![Some("uno"), Some("three")])];
        let whole = Whole::new(&codec, &pages, &pages[0].schema()).unwrap();
        assert_eq!(whole.len(), 3, "the last row of a key counts");
        let keys = codec.keys_of(&rows(vec![3, 7, 1, 2], vec![None; 4])).unwrap();
        let (found, hits) = whole.lookup(&keys).unwrap();
        assert_eq!((names(&found), hits), (vec![Some("three".into()), None, Some("uno".into()), None], 3));
    }

    #[test]
    fn rows_come_back_from_their_bytes() {
        let codec = codec();
        let values = codec.values_of(&rows(vec![1, 2], vec![Some("one"), None])).unwrap();
        let back = codec.rows([Some(&values[0][..]), None, Some(&values[1][..])].into_iter()).unwrap();
        assert_eq!(names(&back), [Some("one".into()), None, None]);
    }
}
