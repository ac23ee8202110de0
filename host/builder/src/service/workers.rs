//! Warm builders: who keeps one, and when it ends.
//!
//! Invariants: a worker that has served a tenant serves no other, ever; a worker that was interrupted is not used again;
//! at most `idle_max` wait for work, the one that has waited longest ends first.

use std::collections::HashMap;

/// When a warm builder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerRules {
    /// Builds that one serves.
    pub builds_max: u32,
    /// How long one waits for the next.
    pub idle_max_ms: u64,
    /// How many wait.
    pub idle_max: usize,
}

impl Default for WorkerRules {
    fn default() -> Self {
        Self { builds_max: 50, idle_max_ms: 600_000, idle_max: 3 }
    }
}

/// A builder with what it has done.
#[derive(Debug)]
pub struct Worker<B> {
    /// The builder.
    pub builder: B,
    builds: u32,
}

impl<B> Worker<B> {
    /// A builder that has done nothing.
    pub fn new(builder: B) -> Self {
        Self { builder, builds: 0 }
    }
}

#[derive(Debug)]
struct Idle<B> {
    worker: Worker<B>,
    since_ms: u64,
}

/// Builders that wait for work, by tenant.
#[derive(Debug)]
pub struct Workers<B> {
    rules: WorkerRules,
    idle: HashMap<String, Vec<Idle<B>>>,
}

impl<B> Workers<B> {
    /// None yet.
    pub fn new(rules: WorkerRules) -> Self {
        Self { rules, idle: HashMap::new() }
    }

    /// Takes a builder that this tenant has used before.
    pub fn take(&mut self, tenant: &str) -> Option<Worker<B>> {
        let mine = self.idle.get_mut(tenant)?;
        let found = mine.pop();
        if mine.is_empty() {
            self.idle.remove(tenant);
        }
        found.map(|idle| idle.worker)
    }

    /// Gives a builder back after a build that ran to its end; answers those that end now.
    pub fn give_back(&mut self, tenant: &str, mut worker: Worker<B>, now_ms: u64) -> Vec<B> {
        worker.builds += 1;
        if worker.builds >= self.rules.builds_max {
            return vec![worker.builder];
        }
        self.idle.entry(tenant.to_owned()).or_default().push(Idle { worker, since_ms: now_ms });
        let mut ended = Vec::new();
        while self.idle_count() > self.rules.idle_max {
            match self.remove_oldest() {
                Some(builder) => ended.push(builder),
                None => break,
            }
        }
        ended
    }

    /// Builders that have waited long enough.
    pub fn expire(&mut self, now_ms: u64) -> Vec<B> {
        let idle_max_ms = self.rules.idle_max_ms;
        let mut ended = Vec::new();
        for mine in self.idle.values_mut() {
            for at in (0..mine.len()).rev() {
                if mine.get(at).is_some_and(|idle| now_ms.saturating_sub(idle.since_ms) >= idle_max_ms) {
                    ended.push(mine.remove(at).worker.builder);
                }
            }
        }
        self.idle.retain(|_, mine| !mine.is_empty());
        ended
    }

    /// Builders that wait.
    pub fn idle_count(&self) -> usize {
        self.idle.values().map(Vec::len).sum()
    }

    fn remove_oldest(&mut self) -> Option<B> {
        let all =
            self.idle.iter().flat_map(|(tenant, mine)| mine.iter().enumerate().map(move |(at, idle)| (idle.since_ms, tenant.clone(), at)));
        let (_, tenant, at) = all.min()?;
        let mine = self.idle.get_mut(&tenant)?;
        let found = mine.remove(at);
        if mine.is_empty() {
            self.idle.remove(&tenant);
        }
        Some(found.worker.builder)
    }
}
