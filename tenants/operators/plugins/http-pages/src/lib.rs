//! A source that reads lines page by page from an HTTP service.
//!
//! The service has a number of shards, each a growing list of lines: `GET <url>?shard=<k>&from=<n>&limit=<m>` answers the
//! lines of shard `k` from number `n` on, at most `m`. A shard is read by exactly one subtask; a position is the next line of
//! each shard, so that no line is lost or doubled, whatever the parallelism after a restart.

use millrace_plugin::prelude::*;
use std::collections::BTreeMap;

output_row! {
    /// A line of the service.
    pub struct Line<'a> {
        /// Of this shard.
        shard: i32,
        /// Counts from 0 in its shard.
        number: i64,
        /// Without its line break.
        line: &'a str,
    }
}

/// The source.
pub struct HttpPages {
    url: String,
    page_rows: usize,
    /// Answer that nothing will ever follow when every shard has been read to its end.
    bounded: bool,
    wait_ms: u32,
    /// The next line of each shard of this subtask.
    next: BTreeMap<u32, u64>,
    /// Shards in the order in which they are asked.
    turn: usize,
    /// Shards in a row that had nothing.
    empty: usize,
}

impl Source for HttpPages {
    type Row = Line<'static>;

    fn open(place: Place, restored: Vec<Vec<u8>>, params: &Params) -> Result<Self> {
        let shards: u32 = params.get_or("shards", 1)?;
        let mut next: BTreeMap<u32, u64> = (0..shards).filter(|shard| place.owns(u64::from(*shard))).map(|shard| (shard, 0)).collect();
        for position in &restored {
            for (shard, from) in read_position(position)? {
                next.entry(shard).and_modify(|next| *next = from);
            }
        }
        Ok(Self {
            url: params.require("url")?,
            page_rows: params.get_or("page_rows", 1_000)?,
            bounded: params.get_or("bounded", false)?,
            wait_ms: params.get_or("wait_ms", 100)?,
            next,
            turn: 0,
            empty: 0,
        })
    }

    fn poll(&mut self, rows_max: usize, out: &mut Emit<Self::Row>) -> Result<Polled> {
        let Some((&shard, &from)) = self.next.iter().nth(self.turn % self.next.len().max(1)) else {
            return Ok(if self.bounded { Polled::finished() } else { Polled::wait_ms(60_000) });
        };
        let limit = self.page_rows.min(rows_max);
        let page = Request::get(format!("{}?shard={shard}&from={from}&limit={limit}", self.url)).body()?;
        let mut read = 0;
        for (number, line) in (from..).zip(std::str::from_utf8(&page)?.lines().take(limit)) {
            out.emit(Line { shard: shard as i32, number: number as i64, line });
            read += 1;
        }
        self.next.insert(shard, from + read);
        self.turn += 1;
        self.empty = if read == 0 { self.empty + 1 } else { 0 };
        Ok(match self.empty >= self.next.len() {
            false => Polled::ready(),
            true if self.bounded => Polled::finished(),
            true => Polled::wait_ms(self.wait_ms),
        })
    }

    fn position(&mut self) -> Result<Vec<u8>> {
        Ok(self.next.iter().flat_map(|(shard, next)| shard.to_le_bytes().into_iter().chain(next.to_le_bytes())).collect())
    }
}

fn read_position(bytes: &[u8]) -> Result<Vec<(u32, u64)>> {
    let entry = |entry: &[u8]| Some((u32::from_le_bytes(*entry.first_chunk()?), u64::from_le_bytes(*entry.last_chunk()?)));
    match bytes.len() % 12 {
        0 => Ok(bytes.chunks_exact(12).filter_map(entry).collect()),
        _ => Err(Error::new(format!("a position of {} bytes is not one of this source", bytes.len()))),
    }
}

export_source!(HttpPages);

#[cfg(test)]
mod tests {
    use super::*;
    use capabilities::Outside;
    use millrace_plugin::testing::SourceHarness;

    fn serve(pages: &[(&str, &str)]) {
        let page = |(query, lines): &(&str, &str)| (format!("http://pages/l?{query}"), (200, lines.as_bytes().to_vec()));
        Outside { pages: pages.iter().map(page).collect(), ..Outside::default() }.set();
    }

    const PARAMETERS: &[(&str, &str)] = &[("url", "http://pages/l"), ("shards", "2"), ("page_rows", "2"), ("bounded", "true")];

    #[test]
    fn shards_are_read_to_their_ends_and_gone_on_with() {
        serve(&[
            ("shard=0&from=0&limit=2", "a\nb\n"),
            ("shard=0&from=2&limit=2", "c\n"),
            ("shard=0&from=3&limit=2", ""),
            ("shard=1&from=0&limit=2", "x\n"),
            ("shard=1&from=1&limit=2", ""),
        ]);
        let alone = Place { subtask: 0, parallelism: 1 };
        let mut source = SourceHarness::<HttpPages>::open(alone, Vec::new(), PARAMETERS).unwrap();
        assert_eq!(source.poll(100).unwrap(), (vec!["0 | 0 | a".to_owned(), "0 | 1 | b".to_owned()], Polled::ready()));
        let position = source.position().unwrap();
        // Another run, with two subtasks: each goes on with its own shard.
        let second = Place { subtask: 1, parallelism: 2 };
        let mut source = SourceHarness::<HttpPages>::open(second, vec![position.clone()], PARAMETERS).unwrap();
        assert_eq!(source.poll(100).unwrap().0, ["1 | 0 | x"]);
        assert_eq!(source.poll(100).unwrap(), (vec![], Polled::finished()));
        let first = Place { subtask: 0, parallelism: 2 };
        let mut source = SourceHarness::<HttpPages>::open(first, vec![position], PARAMETERS).unwrap();
        assert_eq!(source.poll(100).unwrap().0, ["0 | 2 | c"]);
        assert_eq!(source.poll(100).unwrap(), (vec![], Polled::finished()));
    }

    #[test]
    fn a_service_that_fails_is_an_error_and_no_row_is_skipped() {
        serve(&[]);
        let alone = Place { subtask: 0, parallelism: 1 };
        let mut source = SourceHarness::<HttpPages>::open(alone, Vec::new(), PARAMETERS).unwrap();
        let error = source.poll(10).unwrap_err();
        assert!(error.message().ends_with("answered status 404"), "{error}");
        assert!(SourceHarness::<HttpPages>::open(alone, vec![vec![1, 2, 3]], PARAMETERS).is_err());
    }
}
