//! The memory and table limits of one instance, charged to its tenant.
//!
//! Invariant: what is held is given back on drop. A refusal is remembered, because the guest only sees a failed
//! `memory.grow` and most then trap as `unreachable`, which would say nothing to the author.

use crate::account::TenantAccount;
use std::sync::Arc;

/// Why growth was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More linear memory than the operator may have: wanted, allowed.
    Memory { wanted_bytes: usize, max_bytes: usize },
    /// More table elements than the operator may have: wanted, allowed.
    Table { wanted: usize, max: usize },
    /// More linear memory than the tenant has left.
    Tenant { max_bytes: u64 },
}

/// Counts what one store holds.
pub struct Cage {
    account: Arc<TenantAccount>,
    memory_bytes_max: usize,
    table_elements_max: usize,
    memory_bytes: usize,
    memory_peak_bytes: usize,
    table_elements: usize,
    last_growth_bytes: usize,
    refusal: Option<Refusal>,
}

impl Cage {
    /// A cage around a new store; `None` when the tenant may have no more instances.
    pub fn new(account: Arc<TenantAccount>, memory_bytes_max: usize, table_elements_max: usize) -> Option<Self> {
        account.take_instance().then(|| Self {
            account,
            memory_bytes_max,
            table_elements_max,
            memory_bytes: 0,
            memory_peak_bytes: 0,
            table_elements: 0,
            last_growth_bytes: 0,
            refusal: None,
        })
    }

    /// The latest refusal since the last call of this.
    pub fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    /// Bytes of linear memory held now.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Most bytes of linear memory held.
    pub fn memory_peak_bytes(&self) -> usize {
        self.memory_peak_bytes
    }

    fn undo_growth(&mut self) {
        let bytes = std::mem::take(&mut self.last_growth_bytes);
        self.memory_bytes = self.memory_bytes.saturating_sub(bytes);
        self.account.give_back_memory(bytes as u64);
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.account.give_back_memory(self.memory_bytes as u64);
        self.account.give_back_instance();
    }
}

impl wasmtime::ResourceLimiter for Cage {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let wanted_bytes = self.memory_bytes.saturating_add(growth);
        if wanted_bytes > self.memory_bytes_max {
            self.refusal = Some(Refusal::Memory { wanted_bytes, max_bytes: self.memory_bytes_max });
            return Ok(false);
        }
        if !self.account.take_memory(growth as u64) {
            self.refusal = Some(Refusal::Tenant { max_bytes: self.account.limits().memory_bytes_max });
            return Ok(false);
        }
        self.memory_bytes = wanted_bytes;
        self.memory_peak_bytes = self.memory_peak_bytes.max(wanted_bytes);
        self.last_growth_bytes = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo_growth();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > self.table_elements_max {
            self.refusal = Some(Refusal::Table { wanted, max: self.table_elements_max });
            return Ok(false);
        }
        self.table_elements = wanted;
        Ok(true)
    }
}
