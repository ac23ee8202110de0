//! A sink: sends each line to an HTTP service, at least once.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`. The host must be granted:
//! `millrace plugin grant NAME --http api.example.com`.

use millrace_plugin::prelude::*;

input_row! {
    /// What is written. Columns are found by name.
    pub struct Line<'a> {
        /// One line.
        line: &'a str,
    }
}

/// The sink.
pub struct HttpLines {
    url: String,
    lines: String,
}

impl Sink for HttpLines {
    type Row = Line<'static>;

    fn open(_place: Place, _restored: Vec<Vec<u8>>, params: &Params) -> Result<Self> {
        Ok(Self { url: params.require("url")?, lines: String::new() })
    }

    fn write(&mut self, rows: &Rows<'_, Self::Row>) -> Result<()> {
        rows.try_for_each(|row, _| {
            self.lines.push_str(row.line);
            self.lines.push('\n');
            Ok(())
        })
    }

    fn prepare(&mut self, _checkpoint: u64) -> Result<Vec<u8>> {
        // Delivered before the barrier: after a failure lines since the last checkpoint come again.
        if !self.lines.is_empty() {
            Request::post(self.url.as_str(), self.lines.as_bytes()).body()?;
            self.lines.clear();
        }
        Ok(Vec::new())
    }
}

export_sink!(HttpLines);

#[cfg(test)]
mod tests {
    use super::*;
    use capabilities::Outside;
    use millrace_plugin::testing::{SinkHarness, TestBatch};

    #[test]
    fn lines_are_sent_at_the_barrier() {
        let url = "https://api.example.com/lines";
        Outside { pages: [(url.to_owned(), (200, vec![]))].into(), ..Outside::default() }.set();
        let lines = TestBatch::new().required::<str>("line", vec!["a", "b"]);
        let place = Place { subtask: 0, parallelism: 1 };
        let mut sink = SinkHarness::<HttpLines>::open(&lines, place, vec![], &[("url", url)]).expect("opens");
        sink.write(&lines).expect("works");
        sink.prepare(1).expect("works");
        assert_eq!(Outside::now().requests[0].body.as_deref(), Some(b"a\nb\n".as_slice()));
    }
}
