//! Log lines on standard error; what is logged is chosen by `MILLRACE_LOG` (`info` unless set).
//!
//! Invariant: whatever tenants and other systems put into a message, one event is one line, and nothing in it moves a terminal.

use crate::{config::LogFormat, instance_log};
use millrace_control::{LogWriter, log_tap};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{DynFilterFn, FilterExt},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging for this process; answers what writes the lines that name instances into the metadata store.
///
/// # Errors
/// `MILLRACE_LOG` cannot be read as a filter, or logging has already been started.
pub(crate) fn start(format: LogFormat, default_filter: &str) -> anyhow::Result<LogWriter> {
    let filter = match std::env::var("MILLRACE_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|e| anyhow::anyhow!("MILLRACE_LOG is `{text}`: {e}"))?,
        Err(_) => EnvFilter::new(default_filter),
    };
    // A filter that is sure of its answer is not asked again, and the line then passes by what was last asked for on its thread:
    // libraries ask whether debug lines are wanted, after which the next line, perhaps an error, would be lost.
    let filter = filter.and(DynFilterFn::new(|_, _| true));
    let in_colour = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_ansi(in_colour);
    let lines = match format {
        LogFormat::Text => lines.with_writer(OneLine { to: io::stderr, in_colour }).with_filter(filter).boxed(),
        // JSON escapes by itself.
        LogFormat::Json => lines.with_writer(io::stderr).json().flatten_event(true).with_filter(filter).boxed(),
    };
    let (tap, writer) = log_tap();
    let started = tracing_subscriber::registry().with(lines).with(instance_log::layer(tap)).try_init();
    started.map_err(|e| anyhow::anyhow!("cannot start logging: {e}"))?;
    Ok(writer)
}

/// Makes writers that keep each event on one line.
struct OneLine<M> {
    to: M,
    in_colour: bool,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = OneLineWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLineWriter { to: self.to.make_writer(), in_colour: self.in_colour }
    }
}

/// Gets one whole event with each write, ended by a line feed.
struct OneLineWriter<W> {
    to: W,
    /// The sequences of colours pass.
    in_colour: bool,
}

impl<W: Write> Write for OneLineWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = one_line(text.strip_suffix('\n').unwrap_or(&text), self.in_colour);
        self.to.write_all(line.as_bytes())?;
        self.to.write_all(b"\n")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The text with its control characters, and what else ends a line, written out: `\n`, `\u{1b}`. With `in_colour` the sequences
/// that choose a colour stay, which move nothing.
pub(crate) fn one_line(text: &str, in_colour: bool) -> std::borrow::Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut line = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if is_harmful(c) && !(in_colour && begins_colour(&text[at..])) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line.into()
}

/// Whether the text begins with `ESC [ numbers m`, between which semicolons stand.
fn begins_colour(text: &str) -> bool {
    let numbers = text.strip_prefix("\u{1b}[").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    numbers.is_some_and(|rest| rest.starts_with('m'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(in_colour: bool) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let lines = tracing_subscriber::fmt::layer().with_ansi(in_colour).with_writer(OneLine { to: move || to.clone(), in_colour });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let forged = "gone\r\n2026-01-01T00:00:00Z  WARN millrace: all is well\u{1b}[2J\u{9b}1m\u{2028}\u{7}";
            tracing::warn!(topic = forged, error = %forged, "kafka: {forged}");
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let line = logged(false);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.ends_with('\n') && !line.trim_end_matches('\n').contains(|c: char| c.is_control() || c == '\u{2028}'), "{line:?}");
        assert!(line.contains("gone\\r\\n2026"), "{line}");
        let coloured = logged(true);
        assert_eq!(coloured.matches('\n').count(), 1, "{coloured}");
        assert!(!coloured.contains("\u{1b}[2J") && coloured.contains("\u{1b}["), "{coloured:?}");
    }
}
