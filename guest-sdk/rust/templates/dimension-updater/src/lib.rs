//! A dimension updater: names of users from an HTTP service.
//!
//! Build it with `millrace plugin build .`. The host must be granted: `millrace plugin grant NAME --http api.example.com`.

use millrace_plugin::prelude::*;

output_row! {
    /// Key column, then value columns.
    pub struct User<'a> {
        /// The key.
        id: i64,
        /// What a look-up answers.
        name: &'a str,
    }
}

/// The updater.
pub struct Users {
    url: String,
}

impl Dimension for Users {
    type Row = User<'static>;
    const KEY_COLUMNS: usize = 1;
    const TIME_TO_LIVE_MS: u64 = 60_000;

    fn open(params: &Params) -> Result<Self> {
        Ok(Self { url: params.require("url")? })
    }

    fn load(&mut self, keys: &Batch<'_>, out: &mut Emit<Self::Row>) -> Result<()> {
        let ids = keys.get(keys.schema().column::<i64>("id")?);
        for id in ids.iter().flatten() {
            let answer = Request::get(format!("{}/{id}", self.url)).send()?;
            match answer.status {
                200 => out.emit(User { id, name: std::str::from_utf8(&answer.body)?.trim() }),
                // Left out: a look-up then gives NULLs.
                404 => {}
                status => bail!("user {id}: the service answered status {status}"),
            }
        }
        Ok(())
    }
}

export_dimension!(Users);
