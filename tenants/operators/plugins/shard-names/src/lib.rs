//! A dimension updater: names of shards, from an HTTP service that answers `GET <url>?name=<shard>`.

use millrace_plugin::prelude::*;

output_row! {
    /// A shard.
    pub struct Shard<'a> {
        /// The key.
        shard: i32,
        /// What a look-up answers.
        name: &'a str,
    }
}

/// The updater.
pub struct ShardNames {
    url: String,
}

impl Dimension for ShardNames {
    type Row = Shard<'static>;
    const KEY_COLUMNS: usize = 1;

    fn open(params: &Params) -> Result<Self> {
        Ok(Self { url: params.require("url")? })
    }

    fn load(&mut self, keys: &Batch<'_>, out: &mut Emit<Self::Row>) -> Result<()> {
        let shards = keys.get(keys.schema().column::<i32>("shard")?);
        for shard in shards.iter().flatten() {
            let answer = Request::get(format!("{}?name={shard}", self.url)).send()?;
            match answer.status {
                200 => out.emit(Shard { shard, name: std::str::from_utf8(&answer.body)?.trim() }),
                404 => count("shards_without_a_name", 1),
                status => bail!("shard {shard}: the service answered status {status}"),
            }
        }
        Ok(())
    }
}

export_dimension!(ShardNames);
