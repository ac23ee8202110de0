//! Every limit of the sandbox in one place, with the defaults that the product ships.
//!
//! Invariant: nothing else in this crate holds a number that a tenant could run into.

use crate::loaded::World;
use std::path::PathBuf;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How the sandbox is set up; one per process.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Folder of the machine-code cache; created when absent.
    pub cache_dir: PathBuf,
    /// Key of the MAC over cached machine code. A cache written under another key is ignored, never executed.
    pub mac_key: [u8; 32],
    /// How to start the separate compile process.
    pub compiler: CompilerCommand,
    /// What an uploaded component may be like.
    pub admission: AdmissionLimits,
    /// What one compile process may use.
    pub compile: CompileLimits,
    /// What all instances of this process share.
    pub pool: PoolLimits,
    /// How often a running guest gives way to its neighbours, in milliseconds.
    pub interrupt_tick_ms: u64,
}

impl SandboxConfig {
    /// A configuration with the shipped limits.
    pub fn new(cache_dir: impl Into<PathBuf>, mac_key: [u8; 32], compiler: CompilerCommand) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            mac_key,
            compiler,
            admission: AdmissionLimits::default(),
            compile: CompileLimits::default(),
            pool: PoolLimits::default(),
            interrupt_tick_ms: 5,
        }
    }
}

/// Program and arguments of the compile process: something whose `main` ends in [`crate::compile_child_main`].
#[derive(Debug, Clone)]
pub struct CompilerCommand {
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments before anything else; the sandbox adds none.
    pub args: Vec<String>,
}

/// Structural limits, checked on the bytes before anything is compiled.
///
/// The figures come from measured compile bombs: 58 KiB of simultaneously live values took 3 s, 70 KiB of loop-carried
/// locals 2.3 s (90 s at 50,000 locals).
#[derive(Debug, Clone)]
pub struct AdmissionLimits {
    /// Bytes of the upload.
    pub upload_bytes_max: usize,
    /// Bytes of an upload that holds a known core module (a language runtime, see `admission::known`).
    pub known_core_upload_bytes_max: usize,
    /// Bytes of one function's body.
    pub function_bytes_max: usize,
    /// Locals of one function, parameters not counted.
    pub locals_max: u32,
    /// Functions of all core modules together.
    pub functions_max: u32,
    /// Core modules in the component.
    pub modules_max: u32,
    /// Core instances that the component makes.
    pub core_instances_max: u32,
    /// Component instances that the component makes.
    pub component_instances_max: u32,
    /// Levels of components and modules within each other; the component itself is level 1.
    pub nesting_max: u32,
    /// Linear memories of all core modules together.
    pub memories_max: u32,
    /// Tables of all core modules together.
    pub tables_max: u32,
    /// Initial elements of one table.
    pub table_elements_max: u64,
    /// Globals of all core modules together.
    pub globals_max: u32,
    /// Types, core and component ones together.
    pub types_max: u32,
    /// Data and element segments together.
    pub segments_max: u32,
    /// Imports, exports and aliases together.
    pub names_max: u32,
    /// Custom sections (names, DWARF), bytes of each counted in the upload.
    pub custom_sections_max: u32,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            upload_bytes_max: 8 * MIB,
            known_core_upload_bytes_max: 32 * MIB,
            function_bytes_max: 256 * KIB,
            locals_max: 2_000,
            functions_max: 50_000,
            modules_max: 32,
            core_instances_max: 32,
            component_instances_max: 32,
            nesting_max: 5,
            memories_max: 8,
            tables_max: 32,
            table_elements_max: 100_000,
            globals_max: 20_000,
            types_max: 20_000,
            segments_max: 50_000,
            names_max: 20_000,
            custom_sections_max: 500,
        }
    }
}

/// What one compile process may use; it sets these on itself, the parent adds the wall clock.
#[derive(Debug, Clone)]
pub struct CompileLimits {
    /// CPU seconds before the kernel kills it.
    pub cpu_s: u64,
    /// Bytes of private writable memory.
    pub memory_bytes: u64,
    /// Wall-clock milliseconds before the parent kills it.
    pub wall_ms: u64,
    /// Bytes of machine code that the parent reads.
    pub output_bytes_max: usize,
    /// The same for components that hold a known core module: CPU seconds.
    pub known_core_cpu_s: u64,
    /// … bytes of private writable memory.
    pub known_core_memory_bytes: u64,
    /// … wall-clock milliseconds.
    pub known_core_wall_ms: u64,
    /// Compile processes at one time; further ones wait.
    pub parallel_max: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            cpu_s: 30,
            memory_bytes: 1 << 30,
            wall_ms: 120_000,
            output_bytes_max: 128 * MIB,
            // CPython takes 20 s and 0.6 GiB of an optimised compiler, three times that of one that is being debugged.
            known_core_cpu_s: 180,
            known_core_memory_bytes: 2 << 30,
            known_core_wall_ms: 600_000,
            parallel_max: 2,
        }
    }
}

/// What all instances of this process share.
#[derive(Debug, Clone)]
pub struct PoolLimits {
    /// Component instances alive at one time. Each reserves a little more than 4 GiB of address space (not of memory),
    /// so a process can have about thirty sandboxes of the default size.
    pub instances_max: u32,
    /// Largest linear memory of any instance, in bytes; operators have a lower limit of their own.
    pub memory_bytes_max: usize,
    /// Bytes of a linear memory that stay resident (and are zeroed) when its slot is free.
    pub memory_keep_resident_bytes: usize,
    /// Slots that stay mapped to the component they last held.
    pub warm_slots_max: u32,
    /// Bytes of a fiber's stack, host calls included; 2 MiB of it are the guest's. Reserved, not used, until recursion is deep.
    pub stack_bytes: usize,
    /// Bytes of machine code of idle components that are kept in memory.
    pub loaded_bytes_max: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            instances_max: 1_000,
            memory_bytes_max: 512 * MIB,
            memory_keep_resident_bytes: 64 * KIB,
            warm_slots_max: 100,
            stack_bytes: 3 * MIB,
            loaded_bytes_max: 512 * MIB as u64,
        }
    }
}

/// What one operator instance may do.
#[derive(Debug, Clone)]
pub struct OperatorLimits {
    /// Fuel of one call of `process`; about one unit per instruction.
    pub process_fuel: u64,
    /// Fuel of instantiation and `open` together.
    pub open_fuel: u64,
    /// Wall-clock milliseconds of one call, host calls and yielding to neighbours included.
    pub deadline_ms: u64,
    /// Bytes of linear memory.
    pub memory_bytes_max: usize,
    /// Elements of all tables together.
    pub table_elements_max: usize,
    /// Rows of one answer.
    pub rows_max: usize,
    /// Bytes of one answer, as they lie in host memory.
    pub output_bytes_max: usize,
    /// Bytes of the state or position that an operator gives to a checkpoint.
    pub state_bytes_max: usize,
    /// Columns of the output schema, nested ones included.
    pub columns_max: usize,
    /// Bytes of a column or counter name.
    pub name_bytes_max: usize,
    /// Bytes of a fault message that are kept.
    pub message_bytes_max: usize,
    /// Bytes of a log line that are kept.
    pub log_line_bytes_max: usize,
    /// Log lines per second; a burst of twice as many passes.
    pub log_lines_per_second: u32,
    /// Different custom counters.
    pub counters_max: usize,
}

impl OperatorLimits {
    /// What an instance of this world may do, wherever it runs.
    pub fn of(world: World) -> Self {
        match world {
            // All groups of a call in one subtask lie in one instance.
            World::Aggregate => Self { memory_bytes_max: 256 * MIB, ..Self::default() },
            World::Etl | World::Scalar | World::Table | World::Source | World::Sink | World::Transform | World::Dimension => {
                Self::default()
            }
        }
    }
}

impl Default for OperatorLimits {
    fn default() -> Self {
        Self {
            process_fuel: 20_000_000_000,
            open_fuel: 5_000_000_000,
            deadline_ms: 10_000,
            memory_bytes_max: 64 * MIB,
            table_elements_max: 100_000,
            rows_max: 1 << 20,
            output_bytes_max: 64 * MIB,
            state_bytes_max: 32 * MIB,
            columns_max: 2_000,
            name_bytes_max: 256,
            message_bytes_max: 4 * KIB,
            log_line_bytes_max: 8 * KIB,
            log_lines_per_second: 100,
            counters_max: 100,
        }
    }
}

/// Mebibytes of linear memory that all instances of a tenant have together unless a server is told otherwise.
pub const TENANT_MEMORY_MIB: usize = 256;

/// What all instances of one tenant share in this process.
#[derive(Debug, Clone)]
pub struct TenantLimits {
    /// Fuel per second; `None` is unlimited.
    pub fuel_per_second: Option<u64>,
    /// Seconds of fuel that can be saved up while idle.
    pub fuel_burst_s: u32,
    /// Bytes of linear memory of all instances together.
    pub memory_bytes_max: u64,
    /// Instances at one time.
    pub instances_max: u32,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self { fuel_per_second: None, fuel_burst_s: 2, memory_bytes_max: 1 << 30, instances_max: 200 }
    }
}
