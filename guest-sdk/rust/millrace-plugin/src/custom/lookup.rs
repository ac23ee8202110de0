//! Look-ups in the job's dimension tables.

use crate::{
    batch::Batch,
    bindings::types as wit,
    capabilities::backend,
    column::AnyBuf,
    failure::{Error, Result},
    schema::{self, Schema},
};

/// A dimension table of the job.
#[derive(Debug, Clone)]
pub struct DimensionTable {
    name: String,
    key: Schema,
    value: Schema,
}

impl DimensionTable {
    /// The table of this name.
    ///
    /// # Errors
    /// The job declares none.
    pub fn open(name: &str) -> Result<Self> {
        let columns = backend::dimension_schema(name).map_err(Error::new)?;
        Ok(Self { name: name.to_owned(), key: schema::restore(columns.0)?, value: schema::restore(columns.1)? })
    }

    /// Key columns.
    pub fn key(&self) -> &Schema {
        &self.key
    }

    /// Value columns; each may be NULL, as a key that is not there has NULLs.
    pub fn value(&self) -> &Schema {
        &self.value
    }

    /// Looks many keys up at once: one finished column per key column.
    ///
    /// # Errors
    /// The columns are not the table's key columns, or the table cannot be loaded now.
    pub fn lookup(&self, keys: Vec<AnyBuf>) -> Result<Looked> {
        let rows = keys.first().map_or(0, AnyBuf::len);
        let columns: Vec<wit::Column> = keys.into_iter().flat_map(|key| key.columns).collect();
        let keys = wit::Batch { rows: rows as u32, kinds: None, columns };
        let batch = backend::dimension_lookup(&self.name, keys).map_err(Error::new)?;
        Ok(Looked { schema: self.value.clone(), batch })
    }
}

/// What a look-up found: one row per key, in their order.
#[derive(Debug, Clone)]
pub struct Looked {
    schema: Schema,
    batch: wit::Batch,
}

impl Looked {
    /// The rows.
    ///
    /// # Errors
    /// The host answered other columns than it announced.
    pub fn rows(&self) -> Result<Batch<'_>> {
        Batch::new(&self.schema, &self.batch).ok_or_else(|| Error::new("the host's answer does not fit the table's value columns"))
    }
}
