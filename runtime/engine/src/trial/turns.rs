//! Sources that take turns, so that the rows of several sources meet in one order in every run.
//!
//! Invariant: a turn begins when everything of the turn before has gone through all operators, which a checkpoint proves:
//! it is durable only after every sink has seen its barrier.

use tokio::sync::watch;

/// Who may send how much, in order.
pub(super) struct Turns {
    /// Source and the number of its rows.
    schedule: Vec<(usize, usize)>,
    current: watch::Sender<usize>,
}

impl Turns {
    /// Turns for sources whose rows come at these times: at most `turns_max`, more or less; rows of one slice of time are
    /// one turn each.
    pub(super) fn new(arrivals_ms: &[&[i64]], turns_max: usize) -> Self {
        let mut all: Vec<(i64, usize)> =
            (arrivals_ms.iter().enumerate()).flat_map(|(source, times)| times.iter().map(move |&at_ms| (at_ms, source))).collect();
        all.sort_by_key(|(at_ms, _)| *at_ms);
        let slices = (turns_max / arrivals_ms.len().max(1)).max(1);
        let mut schedule: Vec<(usize, usize)> = Vec::new();
        for slice in all.chunks(all.len().div_ceil(slices).max(1)) {
            for source in 0..arrivals_ms.len() {
                let count = slice.iter().filter(|(_, of)| *of == source).count();
                match schedule.last_mut() {
                    _ if count == 0 => {}
                    Some((last, rows)) if *last == source => *rows += count,
                    _ => schedule.push((source, count)),
                }
            }
        }
        Self { schedule, current: watch::Sender::new(0) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.schedule.len()
    }

    /// Waits for the next turn of `source`: its number and rows; `None` when it has had all. Cancel safe.
    pub(super) async fn next_of(&self, source: usize) -> Option<(usize, usize)> {
        let mut current = self.current.subscribe();
        loop {
            let now = *current.borrow_and_update();
            let rest = self.schedule.get(now..).unwrap_or_default();
            match rest.first() {
                Some((of, rows)) if *of == source => return Some((now, *rows)),
                _ if rest.iter().all(|(of, _)| *of != source) => return None,
                // The sender lives in `self`.
                _ => current.changed().await.ok()?,
            }
        }
    }

    /// Whether `source` has a turn behind turn `number`.
    pub(super) fn has_later(&self, source: usize, number: usize) -> bool {
        self.schedule.iter().skip(number + 1).any(|(of, _)| *of == source)
    }

    /// Turn `number` has gone through the whole job.
    pub(super) fn over(&self, number: usize) {
        self.current.send_if_modified(|current| {
            let is_current = *current == number;
            *current += usize::from(is_current);
            is_current
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_time_come_together() {
        let turns = |arrivals: &[&[i64]], max| Turns::new(arrivals, max).schedule;
        assert_eq!(turns(&[&[1, 2, 3]], 1), [(0, 3)]);
        assert_eq!(turns(&[&[1, 2, 9, 10], &[3, 4, 5, 11]], 4), [(0, 2), (1, 2), (0, 2), (1, 2)]);
        assert_eq!(turns(&[&[1, 2], &[]], 10), [(0, 2)]);
        assert_eq!(turns(&[], 10), []);
        let many: Vec<i64> = (0..10_000).collect();
        assert!(turns(&[&many, &many], 100).len() <= 100);
    }

    #[tokio::test]
    async fn each_waits_for_the_other() {
        let turns = Turns::new(&[&[1, 4], &[2, 3]], 4);
        assert_eq!(turns.next_of(0).await, Some((0, 1)));
        let other = turns.next_of(1);
        tokio::pin!(other);
        assert!(futures::poll!(&mut other).is_pending());
        turns.over(0);
        turns.over(0);
        assert_eq!(other.await, Some((1, 1)));
        assert_eq!(turns.count(), 4);
    }
}
