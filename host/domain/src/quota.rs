//! What a tenant and a project may have only so much of (ROL-7).
//!
//! Invariant: the word ends with the unit where there is one; a project never has more than its tenant, whatever its own
//! quota says, because both are checked.

use crate::text_enum::text_enum;

text_enum! {
    /// Something that a tenant may have only so much of.
    Quota, "quota", {
        /// Bytes of uploaded and built content; content that is there twice counts once.
        StorageBytes = "storage_bytes",
        /// Jobs; those of archived projects do not count.
        Jobs = "jobs",
        /// Instances that are to run, run, or are stopping.
        Instances = "instances",
        /// Subtasks that hold connections: those of the sources and sinks of each active instance, or what it was given or its
        /// widest operator has, if that is more.
        Slots = "slots",
        /// Memory set aside for active instances.
        MemoryBytes = "memory_bytes",
        /// Fuel of tenant code set aside for active instances.
        FuelPerSecond = "fuel_per_second",
        /// Versions of resources, plugins and functions.
        Uploads = "uploads",
    }
}

impl Quota {
    /// What a tenant may have unless the platform's administrator says otherwise.
    pub const fn default_allowed(self) -> i64 {
        match self {
            Self::StorageBytes => 1 << 30,
            Self::Jobs => 100_000,
            Self::Instances => 1_000,
            Self::Slots => 4_000,
            Self::MemoryBytes => 64 << 30,
            Self::FuelPerSecond => 1_000_000_000_000,
            Self::Uploads => 10_000,
        }
    }
}

/// Memory of a slot whose instance was given none.
pub const SLOT_MEMORY_BYTES: i64 = 16 << 20;
