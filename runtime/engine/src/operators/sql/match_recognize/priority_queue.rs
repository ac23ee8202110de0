//! A binary heap that orders equal items as Java's `PriorityQueue` does.
//!
//! Flink keeps partial matches in such queues and walks through them in the order of their arrays; which of several matches
//! that begin at the same row is found first depends on it.

/// Items by a key; the least is on top.
#[derive(Debug, Clone)]
pub(super) struct PriorityQueue<T> {
    items: Vec<T>,
}

impl<T> Default for PriorityQueue<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// What is ordered.
pub(super) trait Ordered: Copy {
    fn key(&self) -> u64;
}

impl<T: Ordered> PriorityQueue<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items in the order of the array.
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
    }

    pub(super) fn peek(&self) -> Option<&T> {
        self.items.first()
    }

    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
        let mut at = self.items.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if item.key() >= self.items[parent].key() {
                break;
            }
            self.items[at] = self.items[parent];
            at = parent;
        }
        self.items[at] = item;
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.items.pop()?;
        let Some(&top) = self.items.first() else { return Some(last) };
        self.sift_down(0, last);
        Some(top)
    }

    /// Removes items; the others keep their order and become a heap again.
    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        let before = self.items.len();
        self.items.retain(keep);
        if self.items.len() < before {
            for at in (0..self.items.len() / 2).rev() {
                self.sift_down(at, self.items[at]);
            }
        }
    }

    fn sift_down(&mut self, mut at: usize, item: T) {
        let half = self.items.len() / 2;
        while at < half {
            let mut child = 2 * at + 1;
            if child + 1 < self.items.len() && self.items[child].key() > self.items[child + 1].key() {
                child += 1;
            }
            if item.key() <= self.items[child].key() {
                break;
            }
            self.items[at] = self.items[child];
            at = child;
        }
        self.items[at] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ordered for (u64, char) {
        fn key(&self) -> u64 {
            self.0
        }
    }

    /// The orders are those that Java 17 answers.
    #[test]
    fn equal_items_come_as_in_java() {
        let mut queue = PriorityQueue::default();
        for item in [(3, 'a'), (1, 'b'), (1, 'c'), (2, 'd'), (1, 'e'), (3, 'f')] {
            queue.push(item);
        }
        let shown = |items: &[(u64, char)]| items.iter().map(|i| i.1).collect::<String>();
        assert_eq!(shown(queue.items()), "becadf");
        queue.retain(|item| item.1 != 'b');
        assert_eq!(shown(queue.items()), "ecadf");
        let popped: Vec<(u64, char)> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(shown(&popped), "ecdaf");
    }
}
