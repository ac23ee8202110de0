//! A sink that writes lines to files of a granted folder, exactly once.
//!
//! Lines of a checkpoint lie in one file. At the barrier it is written below `pending/`, where nobody looks; the checkpoint
//! holds its name. Once that is durable the file is renamed into `out/`, which is seen whole or not at all. After a failure
//! the names in the restored checkpoint are renamed if they have not been yet, and everything else that this subtask left
//! below `pending/` is removed: its lines come again.

use millrace_plugin::prelude::*;

input_row! {
    /// What is written.
    pub struct Line<'a> {
        /// Without its line break.
        line: &'a str,
    }
}

/// Bytes that are held before they go to the disk.
const BUFFER_BYTES_MAX: usize = 4 << 20;

/// The sink.
pub struct FolderLines {
    folder: Folder,
    /// Begins the names of this subtask's files: other jobs may use the same folder.
    prefix: String,
    /// Lines that are not on the disk yet.
    buffer: Vec<u8>,
    /// Whether lines since the last barrier are in the open file.
    spilled: bool,
    /// Prepared and not committed yet, by checkpoint.
    prepared: Vec<(u64, String)>,
}

impl Sink for FolderLines {
    type Row = Line<'static>;

    fn open(place: Place, restored: Vec<Vec<u8>>, params: &Params) -> Result<Self> {
        let folder = Folder::new(params.get_or("folder", "out".to_owned())?);
        let prefix = format!("{:016x}-{}", capabilities::random_seed(), place.subtask);
        let sink = Self { folder, prefix, buffer: Vec::new(), spilled: false, prepared: Vec::new() };
        // Says at once if the folder is not granted; the ones within it are made when they are needed.
        sink.folder.list("")?;
        let pending: Vec<String> = sink.names("pending").collect();
        for names in &restored {
            for name in std::str::from_utf8(names)?.lines() {
                // It is not there any more if it was committed before the failure.
                if pending.iter().any(|there| there == name) {
                    sink.publish(name)?;
                }
            }
        }
        for name in sink.names("pending").filter(|name| name.starts_with(&format!("{}-", sink.prefix))) {
            sink.folder.remove(&format!("pending/{name}"))?;
        }
        Ok(sink)
    }

    fn write(&mut self, rows: &Rows<'_, Self::Row>) -> Result<()> {
        let before = self.buffer.len();
        let written = rows.try_for_each(|row, _| {
            if row.line.contains('\n') {
                bail!("the line has a line break");
            }
            self.buffer.extend_from_slice(row.line.as_bytes());
            self.buffer.push(b'\n');
            Ok(())
        });
        if written.is_err() {
            self.buffer.truncate(before);
            return written;
        }
        if self.buffer.len() > BUFFER_BYTES_MAX {
            self.spill()?;
        }
        count("lines", rows.len() as u64);
        Ok(())
    }

    fn prepare(&mut self, checkpoint: u64) -> Result<Vec<u8>> {
        if !self.buffer.is_empty() {
            self.spill()?;
        }
        if self.spilled {
            let name = format!("{}-{checkpoint}.lines", self.prefix);
            self.folder.rename(&format!("pending/{}", self.open_name()), &format!("pending/{name}"))?;
            self.spilled = false;
            self.prepared.push((checkpoint, name));
        }
        // What was prepared for a checkpoint that failed is carried on.
        let names: Vec<&str> = self.prepared.iter().map(|(_, name)| name.as_str()).collect();
        Ok(names.join("\n").into_bytes())
    }

    fn commit(&mut self, checkpoint: u64) -> Result<()> {
        while let Some((of, name)) = self.prepared.first() {
            if *of > checkpoint {
                break;
            }
            self.publish(name)?;
            self.prepared.remove(0);
        }
        Ok(())
    }
}

impl FolderLines {
    fn open_name(&self) -> String {
        format!("{}-open", self.prefix)
    }

    fn spill(&mut self) -> Result<()> {
        self.folder.append(&format!("pending/{}", self.open_name()), &self.buffer)?;
        self.buffer.clear();
        self.spilled = true;
        Ok(())
    }

    fn publish(&self, name: &str) -> Result<()> {
        self.folder.rename(&format!("pending/{name}"), &format!("out/{name}"))
    }

    /// Names below a folder; none if it is not there yet.
    fn names(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        self.folder.list(path).unwrap_or_default().into_iter().map(|entry| entry.name)
    }
}

export_sink!(FolderLines);

#[cfg(test)]
mod tests {
    use super::*;
    use capabilities::Outside;
    use millrace_plugin::testing::{SinkHarness, TestBatch};

    const ALONE: Place = Place { subtask: 0, parallelism: 1 };

    fn open(restored: Vec<Vec<u8>>) -> SinkHarness<FolderLines> {
        SinkHarness::open(&lines(&[]), ALONE, restored, &[]).unwrap()
    }

    fn lines(lines: &[&str]) -> TestBatch {
        TestBatch::new().required::<str>("line", lines.to_vec())
    }

    /// Paths and contents.
    fn files() -> Vec<(String, String)> {
        let file = |((_, path), content): (&(String, String), &Vec<u8>)| (path.clone(), String::from_utf8_lossy(content).into_owned());
        Outside::now().files.iter().map(file).collect()
    }

    #[test]
    fn lines_are_seen_once_their_checkpoint_is_durable() {
        Outside::default().set();
        let mut sink = open(Vec::new());
        sink.write(&lines(&["a", "b"])).unwrap();
        assert_eq!(files(), [], "nothing is written before the barrier");
        let prepared = sink.prepare(1).unwrap();
        assert_eq!(prepared, b"000000000000002a-0-1.lines");
        sink.write(&lines(&["c"])).unwrap();
        sink.commit(1).unwrap();
        assert_eq!(files(), [("out/000000000000002a-0-1.lines".to_owned(), "a\nb\n".to_owned())]);
    }

    #[test]
    fn a_restart_loses_and_doubles_nothing() {
        Outside::default().set();
        let mut sink = open(Vec::new());
        sink.write(&lines(&["a"])).unwrap();
        let first = sink.prepare(1).unwrap();
        sink.write(&lines(&["b"])).unwrap();
        sink.prepare(2).unwrap();
        // Checkpoint 1 was durable and not committed, checkpoint 2 was not durable: its lines come again.
        for _ in 0..2 {
            open(vec![first.clone()]);
            assert_eq!(files(), [("out/000000000000002a-0-1.lines".to_owned(), "a\n".to_owned())]);
        }
    }

    #[test]
    fn a_batch_with_a_wrong_line_leaves_nothing_behind() {
        Outside::default().set();
        let mut sink = open(Vec::new());
        let error = sink.write(&lines(&["a", "b\nc"])).unwrap_err();
        assert_eq!(error.row(), Some(1));
        assert_eq!(sink.prepare(1).unwrap(), b"");
    }
}
