//! wasmtime's settings: what machine code is made, and what it is run with.
//!
//! Invariant: `code_settings` is the only place that decides about code generation, so the compile process and the
//! server agree; wasmtime checks that again when code is loaded, and the fingerprint keeps caches apart.

use crate::limits::PoolLimits;
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

/// Version of wasmtime that the machine code is made by and for; bound into the cache's MAC.
pub const WASMTIME_VERSION: &str = "48.0.8";

/// Bytes of guest stack before "call stack exhausted". Interpreters (JavaScript, Python) recurse through large frames and
/// end a script's recursion themselves long before, if there is this much.
const GUEST_STACK_BYTES: usize = 2 * 1024 * 1024;

/// Core instances and tables reckoned per component instance: wit-component makes a main module, a shim and a fixup
/// module, the latter two with tables of their own; a language runtime is made of dozens of modules. Counting core
/// instances costs nothing, tables reserve address space.
const CORE_INSTANCES_PER_INSTANCE: u32 = 64;
const TABLES_PER_INSTANCE: u32 = 3;

fn code_settings() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        // Managed languages that need the GC proposals are built to linear memory; the fewer features, the smaller the
        // surface that tenant code can reach.
        .wasm_gc(false)
        .wasm_function_references(false)
        // Exceptions of Java and Scala are longjmp in C, which is made of WebAssembly's exceptions (ADR 13).
        .wasm_exceptions(true)
        .wasm_tail_call(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        // Results must not depend on the CPU that a job happens to run on: a replay gives the same rows.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(false)
        // Traces walk frame pointers; unwind tables would only cost memory and a slow registration per component.
        .native_unwind_info(false);
    config
}

/// The engine of the compile process: no pool, one thread.
///
/// # Errors
/// Settings that wasmtime refuses on this machine.
pub fn compile_engine() -> wasmtime::Result<Engine> {
    let mut config = code_settings();
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// The engine that runs guests.
///
/// # Errors
/// Settings that wasmtime refuses on this machine, or not enough address space for the pool.
pub fn runtime_engine(limits: &PoolLimits, core_instances_max: u32) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances_max)
        .total_core_instances(limits.instances_max.saturating_mul(CORE_INSTANCES_PER_INSTANCE))
        // A module that throws also has a heap for its exceptions, which takes the place of a memory.
        .total_memories(limits.instances_max.saturating_mul(2))
        .total_gc_heaps(limits.instances_max)
        .total_tables(limits.instances_max.saturating_mul(TABLES_PER_INSTANCE))
        .total_stacks(limits.instances_max)
        .max_core_instances_per_component(core_instances_max)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        .max_memory_size(limits.memory_bytes_max)
        .table_elements(100_000)
        .linear_memory_keep_resident(limits.memory_keep_resident_bytes)
        .table_keep_resident(16 * 1024)
        .async_stack_keep_resident(16 * 1024)
        .max_unused_warm_slots(limits.warm_slots_max);
    let mut config = code_settings();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(limits.stack_bytes)
        // Stacks go from tenant to tenant.
        .async_stack_zeroing(true);
    Engine::new(&config)
}

/// A name for everything that decides whether machine code fits this engine: version, target, CPU features, tunables.
pub fn fingerprint(engine: &Engine) -> String {
    struct Sink(Sha256);
    impl Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sink = Sink(Sha256::new());
    sink.0.update(WASMTIME_VERSION);
    engine.precompile_compatibility_hash().hash(&mut sink);
    hex::encode(sink.0.finalize())
}
