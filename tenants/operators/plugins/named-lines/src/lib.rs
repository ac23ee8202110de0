//! An ETL operator that looks the name of each line's shard up in the dimension table `shards`.

use millrace_plugin::prelude::*;

/// The operator.
pub struct NamedLines {
    shards: DimensionTable,
    name: Col<str>,
    shard: usize,
    line: Col<str>,
    named: millrace_plugin::OutCol<str>,
}

impl Etl for NamedLines {
    fn open(input: &Schema, _params: &Params) -> Result<(Self, Schema)> {
        let shards = DimensionTable::open("shards")?;
        let name = shards.value().column("name")?;
        let mut output = Schema::new();
        let named = output.required::<str>("line");
        Ok((Self { shards, name, shard: input.index_of("shard")?, line: input.column_not_null("line")?, named }, output))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        // One look-up for the whole batch.
        let looked = self.shards.lookup(vec![batch.column(self.shard).to_buf()])?;
        let found = looked.rows()?;
        let (names, lines) = (found.get(self.name), batch.get(self.line));
        let named = |row: usize| format!("{}: {}", names.get(row).unwrap_or("nobody"), lines.value(row));
        let named: Vec<String> = (0..batch.rows()).map(named).collect();
        out.set(self.named, named);
        Ok(())
    }
}

export_etl!(NamedLines);
