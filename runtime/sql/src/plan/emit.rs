//! When a window of `GROUP BY` gives out results beside that at its end (Flink's `WindowEmitStrategy`).

use std::fmt;

/// Early and late results of windows; at least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmitStrategy {
    /// Before the end: with every row (0), or so many milliseconds after the first one and then as often.
    pub early_ms: Option<u64>,
    /// For rows that come after the end: likewise.
    pub late_ms: Option<u64>,
    /// How long after its end a window takes rows; event time.
    pub lateness_ms: u64,
}

impl fmt::Display for EmitStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delay = |ms: u64| if ms == 0 { "no delay".to_owned() } else { format!("delay {ms} millisecond") };
        let early = self.early_ms.map(|ms| format!("early {}", delay(ms)));
        let late = self.late_ms.map(|ms| format!("late {}", delay(ms)));
        f.write_str(&early.into_iter().chain(late).collect::<Vec<_>>().join(", "))
    }
}
