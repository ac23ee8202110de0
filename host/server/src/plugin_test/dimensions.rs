//! Dimension tables of a plugin under test: files of rows, the first column being the key.

use super::{decode, guess};
use anyhow::Context;
use arrow_array::{RecordBatch, RecordBatchOptions, UInt32Array};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::Schema;
use millrace_sandbox::{DimensionColumns, DimensionTables};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    pin::Pin,
};

/// Tables by name.
pub(super) struct Tables(BTreeMap<String, Table>);

struct Table {
    columns: DimensionColumns,
    /// Places of rows by their keys, as JSON.
    places: HashMap<Vec<u8>, u32>,
    rows: RecordBatch,
}

impl Tables {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or whose columns cannot be guessed.
    pub(super) fn read(files: &[(String, PathBuf)]) -> anyhow::Result<Self> {
        let tables = files.iter().map(|(name, path)| {
            let table = Table::read(path).with_context(|| format!("dimension table `{name}` ({})", path.display()))?;
            Ok((name.clone(), table))
        });
        tables.collect::<anyhow::Result<_>>().map(Self)
    }

    fn table(&self, name: &str) -> Result<&Table, String> {
        self.0.get(name).ok_or_else(|| format!("there is no dimension table `{name}`; give it with --dimension {name}=FILE"))
    }
}

impl Table {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let lines: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
        let mut fields = guess(&lines)?.fields().to_vec();
        fields.first_mut().context("it has no rows")?.nullable = false;
        let schema = Schema::new(fields.clone())?;
        let values = fields.split_off(1);
        let columns = DimensionColumns { key: Schema::new(fields)?, value: Schema::new(values)? };
        let rows = decode(path, &schema, &lines, usize::MAX)?.pop().context("it has no rows")?.rows;
        let keys = rows.project(&[0])?;
        let places = encoded(&columns.key, &keys)?.iter().map(<[u8]>::to_vec).zip(0..).collect();
        let values = rows.project(&(1..rows.num_columns()).collect::<Vec<_>>())?;
        Ok(Self { columns, places, rows: values })
    }

    fn find(&self, keys: &RecordBatch) -> anyhow::Result<RecordBatch> {
        let found: UInt32Array = encoded(&self.columns.key, keys)?.iter().map(|key| self.places.get(key).copied()).collect();
        let columns = self.rows.columns().iter().map(|column| arrow_select::take::take(column, &found, None)).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(keys.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.columns.value.to_arrow(), columns, &options)?)
    }
}

impl DimensionTables for Tables {
    fn columns(&self, table: &str) -> Result<&DimensionColumns, String> {
        Ok(&self.table(table)?.columns)
    }

    fn lookup<'a>(&'a self, table: &'a str, keys: RecordBatch) -> Pin<Box<dyn Future<Output = Result<RecordBatch, String>> + Send + 'a>> {
        let found = self.table(table).and_then(|found| found.find(&keys).map_err(|error| error.to_string()));
        Box::pin(std::future::ready(found))
    }
}

fn encoded(schema: &Schema, rows: &RecordBatch) -> anyhow::Result<EncodedRows> {
    let mut encoded = EncodedRows::default();
    Encoder::new(&FormatSpec::Json(JsonOptions::default()), schema)?.encode(rows, &mut encoded)?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[tokio::test]
    async fn rows_are_found_by_the_first_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.jsonl");
        std::fs::write(&path, "{\"id\": 1, \"name\": \"ada\"}\n\n{\"id\": 7, \"name\": null}\n").unwrap();
        let tables = Tables::read(&[("users".into(), path)]).unwrap();
        let columns = tables.columns("users").unwrap();
        let keys = RecordBatch::try_new(columns.key.to_arrow(), vec![Arc::new(Int64Array::from(vec![7, 1, 3, 1]))]).unwrap();
        let found = tables.lookup("users", keys).await.unwrap();
        let expected = StringArray::from(vec![None, Some("ada"), None, Some("ada")]);
        assert_eq!(found.column(0).as_any().downcast_ref::<StringArray>(), Some(&expected));
        let missing = tables.columns("none").unwrap_err();
        assert!(missing.contains("--dimension none=FILE"), "{missing}");
    }
}
