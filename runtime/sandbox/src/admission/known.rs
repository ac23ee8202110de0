//! Core modules that are known, and therefore may be larger than anything a tenant could bring: language runtimes.
//!
//! Invariant: what is let off the limits is one module whose SHA-256 is listed here; everything else in the component is
//! held by the ordinary limits per function. Only totals (bytes, modules, instances, compile time) are wider for a component
//! that holds one, so that a stranger who adds a known core gains those totals and nothing else.

use crate::limits::{AdmissionLimits, CompileLimits};
use millrace_model::packed;
use sha2::{Digest, Sha256};

const MIB: usize = 1 << 20;

/// Sections with this id are core modules.
const MODULE_SECTION: u8 = 1;
/// Smaller modules are not looked up: none of the list is.
const BYTES_MIN: usize = 4 * MIB;

/// A core module that is let off limits.
struct KnownCore {
    /// What it is and where it is from.
    #[allow(dead_code, reason = "for who reads the list")]
    title: &'static str,
    /// SHA-256 of the module.
    sha256: &'static str,
}

const KNOWN: [KnownCore; 1] = [KnownCore {
    title: "CPython 3.14, libpython3.14.so of componentize-py 0.25.1",
    sha256: "4f8eadd579e63d99a0634c9326a1263460dbacf7f823d80bfb10369779ac7e4e",
}];

/// Whether these bytes are a known core module.
pub fn is_known(module: &[u8]) -> bool {
    if module.len() < BYTES_MIN {
        return false;
    }
    let found = hex::encode(Sha256::digest(module));
    KNOWN.iter().any(|core| core.sha256 == found)
}

/// Whether a known core module is at the top level of the component.
pub fn has_known(component: &[u8]) -> bool {
    let sections = packed::sections(component).unwrap_or_default();
    let mut modules = sections.into_iter().filter(|section| section.id == MODULE_SECTION);
    modules.any(|section| component.get(section.content).is_some_and(is_known))
}

/// Limits of a component that holds a known core: totals as large as such a component needs.
pub fn widened(limits: &AdmissionLimits) -> AdmissionLimits {
    AdmissionLimits {
        upload_bytes_max: limits.upload_bytes_max.max(limits.known_core_upload_bytes_max),
        modules_max: limits.modules_max.max(80),
        core_instances_max: limits.core_instances_max.max(200),
        names_max: limits.names_max.max(40_000),
        ..limits.clone()
    }
}

/// What compiling a component with a known core may use.
pub fn widened_compile(limits: &CompileLimits) -> CompileLimits {
    CompileLimits {
        cpu_s: limits.cpu_s.max(limits.known_core_cpu_s),
        memory_bytes: limits.memory_bytes.max(limits.known_core_memory_bytes),
        wall_ms: limits.wall_ms.max(limits.known_core_wall_ms),
        ..limits.clone()
    }
}
