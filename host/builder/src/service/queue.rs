//! Which build is next: fair by tenant, bounded, without a clock or a process in it.
//!
//! Invariants: tenants take turns, so that one who asks for a hundred builds delays another by one; never more than
//! `running_max` run, never more than `running_per_tenant_max` of one tenant; what is cancelled while it waits never runs; what
//! waits in memory is bounded in bytes.

use std::collections::{HashMap, VecDeque};

/// Bounds of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Builds that run at the same time.
    pub running_max: usize,
    /// Of one tenant.
    pub running_per_tenant_max: usize,
    /// Builds of one tenant that wait.
    pub waiting_per_tenant_max: usize,
    /// Builds of all tenants that wait.
    pub waiting_max: usize,
    /// Bytes of sources and JARs of one tenant's builds that wait.
    pub waiting_bytes_per_tenant_max: usize,
    /// Bytes of all tenants' builds that wait.
    pub waiting_bytes_max: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            running_max: 2,
            running_per_tenant_max: 1,
            waiting_per_tenant_max: 16,
            waiting_max: 512,
            waiting_bytes_per_tenant_max: 128 << 20,
            waiting_bytes_max: 512 << 20,
        }
    }
}

/// Why a build is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    /// The tenant has too many waiting.
    #[error("the tenant has {0} builds waiting, as many as it may; wait for one to end or cancel one")]
    OfTenant(usize),
    /// All tenants together have.
    #[error("{0} builds are waiting, as many as the server takes; try again later")]
    OfServer(usize),
    /// The tenant's builds that wait have too much in them, in MiB.
    #[error("the tenant's waiting builds may have {0} MiB of sources and JARs; wait for one to end, cancel one, or use fewer JARs")]
    BytesOfTenant(usize),
    /// All tenants' together have.
    #[error("the builds that are waiting have {0} MiB of sources and JARs, as much as the server takes; try again later")]
    BytesOfServer(usize),
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited and is gone.
    Waiting,
    /// It runs: whoever runs it must end it.
    Running,
    /// It is not here.
    Unknown,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    bytes: usize,
}

/// Builds that wait and run, by tenant and id.
#[derive(Debug)]
pub struct Queue {
    limits: QueueLimits,
    /// Tenants with waiting builds; the first is next.
    turns: VecDeque<String>,
    waiting: HashMap<String, VecDeque<Waiting>>,
    running: HashMap<String, String>,
}

impl Queue {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> Self {
        Self { limits, turns: VecDeque::new(), waiting: HashMap::new(), running: HashMap::new() }
    }

    /// Whether a build of so many bytes may wait.
    ///
    /// # Errors
    /// Too many wait, or too much.
    pub fn admits(&self, tenant: &str, bytes: usize) -> Result<(), QueueFull> {
        let QueueLimits { waiting_max, waiting_per_tenant_max, waiting_bytes_max, waiting_bytes_per_tenant_max, .. } = self.limits;
        let (mut count, mut total) = (0, 0usize);
        for mine in self.waiting.values() {
            count += mine.len();
            total = total.saturating_add(bytes_of(mine));
        }
        let (my_count, mine) = self.waiting.get(tenant).map_or((0, 0), |mine| (mine.len(), bytes_of(mine)));
        match () {
            () if count >= waiting_max => Err(QueueFull::OfServer(waiting_max)),
            () if my_count >= waiting_per_tenant_max => Err(QueueFull::OfTenant(waiting_per_tenant_max)),
            () if mine.saturating_add(bytes) > waiting_bytes_per_tenant_max => {
                Err(QueueFull::BytesOfTenant(waiting_bytes_per_tenant_max >> 20))
            }
            () if total.saturating_add(bytes) > waiting_bytes_max => Err(QueueFull::BytesOfServer(waiting_bytes_max >> 20)),
            () => Ok(()),
        }
    }

    /// Adds a build of so many bytes behind the tenant's others.
    ///
    /// # Errors
    /// Too many wait, or too much.
    pub fn submit(&mut self, tenant: &str, id: &str, bytes: usize) -> Result<(), QueueFull> {
        self.admits(tenant, bytes)?;
        let mine = self.waiting.entry(tenant.to_owned()).or_default();
        if mine.is_empty() {
            self.turns.push_back(tenant.to_owned());
        }
        mine.push_back(Waiting { id: id.to_owned(), bytes });
        Ok(())
    }

    /// Takes the next build that may run now: its tenant and id.
    pub fn take_next(&mut self) -> Option<(String, String)> {
        if self.running.len() >= self.limits.running_max {
            return None;
        }
        let per_tenant = self.limits.running_per_tenant_max;
        let turn = self.turns.iter().position(|tenant| self.running_of(tenant) < per_tenant)?;
        let tenant = self.turns.remove(turn)?;
        let mine = self.waiting.get_mut(&tenant)?;
        let id = mine.pop_front()?.id;
        if mine.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.turns.push_back(tenant.clone());
        }
        self.running.insert(id.clone(), tenant.clone());
        Some((tenant, id))
    }

    /// A running build has ended, however.
    pub fn ended(&mut self, id: &str) {
        self.running.remove(id);
    }

    /// A build is no longer wanted.
    pub fn cancel(&mut self, id: &str) -> Cancelled {
        if self.running.contains_key(id) {
            return Cancelled::Running;
        }
        let found = self.waiting.iter_mut().find_map(|(tenant, ids)| {
            let at = ids.iter().position(|waiting| waiting.id == id)?;
            ids.remove(at);
            Some((tenant.clone(), ids.is_empty()))
        });
        let Some((tenant, is_last)) = found else { return Cancelled::Unknown };
        if is_last {
            self.waiting.remove(&tenant);
            self.turns.retain(|turn| *turn != tenant);
        }
        Cancelled::Waiting
    }

    /// Builds that wait.
    pub fn waiting_count(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// Builds that run.
    pub fn running_count(&self) -> usize {
        self.running.len()
    }

    fn running_of(&self, tenant: &str) -> usize {
        self.running.values().filter(|running| *running == tenant).count()
    }
}

fn bytes_of(waiting: &VecDeque<Waiting>) -> usize {
    waiting.iter().fold(0, |total, waiting| total.saturating_add(waiting.bytes))
}
