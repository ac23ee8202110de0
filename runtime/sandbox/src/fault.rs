//! What went wrong in tenant code, in words that its author can act on.
//!
//! Invariant: a report names tenant, job, operator, batch offsets and reason, and holds nothing of the host but the
//! guest's own frames.

use millrace_model::ids::NodeId;
use millrace_model::ids::TenantId;
use millrace_model::{Classified, FaultClass, Origin};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which call the fault ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Making the instance: memories, tables, start functions.
    Instantiate,
    /// `open`
    Open,
    /// `process`
    Process,
    /// `signatures` of a SQL function.
    Signatures,
    /// `eval` of a scalar or table function.
    Eval,
    /// `update` of an aggregate function.
    Update,
    /// `values` of an aggregate function.
    Values,
    /// `export-states` of an aggregate function.
    ExportStates,
    /// `import-states` of an aggregate function.
    ImportStates,
    /// `clear` of an aggregate function.
    Clear,
    /// `describe` of a source, `accepts-changes` of a sink.
    Describe,
    /// `poll` of a source.
    Poll,
    /// `position` of a source.
    Position,
    /// `committed` of a source.
    Committed,
    /// `write` of a sink.
    Write,
    /// `prepare` of a sink.
    Prepare,
    /// `commit` of a sink.
    Commit,
    /// `watermark` of a transforming operator.
    Watermark,
    /// `finish` of a transforming operator.
    Finish,
    /// `snapshot` of a transforming operator.
    Snapshot,
    /// `restore` of a transforming operator.
    Restore,
    /// `load-page` of a dimension updater.
    LoadPage,
    /// `load` of a dimension updater.
    Load,
}

impl Stage {
    /// The call's name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instantiate => "start",
            Self::Open => "open",
            Self::Process => "process",
            Self::Signatures => "signatures",
            Self::Eval => "eval",
            Self::Update => "update",
            Self::Values => "values",
            Self::ExportStates => "export-states",
            Self::ImportStates => "import-states",
            Self::Clear => "clear",
            Self::Describe => "describe",
            Self::Poll => "poll",
            Self::Position => "position",
            Self::Committed => "committed",
            Self::Write => "write",
            Self::Prepare => "prepare",
            Self::Commit => "commit",
            Self::Watermark => "watermark",
            Self::Finish => "finish",
            Self::Snapshot => "snapshot",
            Self::Restore => "restore",
            Self::LoadPage => "load-page",
            Self::Load => "load",
        }
    }
}

/// What kind of fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The call used up its fuel.
    Fuel,
    /// The call ran past its wall-clock deadline.
    Deadline,
    /// The instance was refused more memory and then gave up.
    Memory,
    /// The instance was refused a larger table and then gave up.
    Table,
    /// The call stack was exhausted.
    Stack,
    /// Any other trap: `unreachable`, division by zero, out-of-bounds access …
    Trap,
    /// The guest answered with a fault of its own words.
    GuestError,
    /// The input has a column whose type the contract does not carry.
    UnsupportedInput,
    /// The guest's answer breaks the contract.
    InvalidOutput,
    /// The guest passed more bytes to the host in one call than allowed.
    HostcallLimit,
    /// The tenant has no memory or instances left.
    TenantLimit,
    /// The operator was stopped by an earlier fault and has not been reopened.
    Closed,
    /// A defect or shortage of the host.
    Internal,
}

impl FaultKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel limit",
            Self::Deadline => "deadline",
            Self::Memory => "memory limit",
            Self::Table => "table limit",
            Self::Stack => "stack limit",
            Self::Trap => "trap",
            Self::GuestError => "error of the plugin",
            Self::UnsupportedInput => "unsupported input",
            Self::InvalidOutput => "invalid output",
            Self::HostcallLimit => "host call limit",
            Self::TenantLimit => "tenant limit",
            Self::Closed => "operator closed",
            Self::Internal => "internal error",
        }
    }
}

/// A frame of the guest's stack, innermost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Demangled name, or `function N` when the component has no names.
    pub function: String,
    /// Source file, where the component has DWARF.
    pub file: Option<String>,
    /// Source line, where the component has DWARF.
    pub line: Option<u32>,
}

/// A fault of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub struct FaultReport {
    /// Whose code.
    pub tenant: TenantId,
    /// Of which job.
    pub job: String,
    /// Of which operator.
    pub operator: NodeId,
    /// Name of the SQL function; `None` for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Records of the batch; empty outside `process` and when unknown.
    pub origin: Origin,
    /// Which call.
    pub stage: Stage,
    /// What kind.
    pub kind: FaultKind,
    /// Reason in words, cut to the operator's limit.
    pub message: String,
    /// Row of the input batch, where the guest named one, or of the output batch for invalid output.
    pub row: Option<u32>,
    /// Guest stack, innermost frame first; empty unless the guest trapped.
    pub frames: Vec<Frame>,
}

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(function) = &self.function {
            write!(f, "function `{function}` in ")?;
        }
        let (kind, stage) = (self.kind.as_str(), self.stage.as_str());
        write!(f, "operator `{}` of job `{}`: {kind} in `{stage}`: {}", self.operator, self.job, self.message)?;
        if let Some(row) = self.row {
            write!(f, "; row {row}")?;
        }
        for range in self.origin.iter() {
            write!(f, "; {}[{}] offsets {} to {}", range.topic, range.partition, range.first, range.last)?;
        }
        if let Some(frame) = self.place() {
            write!(f, "; at {}", frame.function)?;
            if let (Some(file), Some(line)) = (&frame.file, frame.line) {
                write!(f, " ({file}:{line})")?;
            }
        }
        Ok(())
    }
}

impl FaultReport {
    /// The frame to show first: the innermost one of the plugin's own source, past the standard library and its panic
    /// machinery; the innermost of all when none has a source file.
    pub fn place(&self) -> Option<&Frame> {
        let own = |frame: &&Frame| frame.file.as_ref().is_some_and(|file| !file.starts_with("/rustc/") && !file.contains("/registry/src/"));
        self.frames.iter().find(own).or_else(|| self.frames.first())
    }
}

impl Classified for FaultReport {
    fn class(&self) -> FaultClass {
        match self.kind {
            FaultKind::Internal => FaultClass::Internal,
            _ => FaultClass::User,
        }
    }

    fn is_retryable(&self) -> bool {
        // Memory of the tenant comes back when its other instances end; a deadline may have been missed under load.
        matches!(self.kind, FaultKind::TenantLimit | FaultKind::Deadline)
    }
}

/// What wasmtime reported, sorted by kind.
pub(crate) struct Cause {
    pub kind: FaultKind,
    pub message: String,
    pub row: Option<u32>,
    pub frames: Vec<Frame>,
}

impl Cause {
    pub(crate) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), row: None, frames: Vec::new() }
    }

    pub(crate) fn at_row(mut self, row: Option<u32>) -> Self {
        self.row = row;
        self
    }

    /// Sorts an error of a wasmtime call.
    pub(crate) fn of(error: &wasmtime::Error) -> Self {
        use wasmtime::Trap;
        let frames = error.downcast_ref::<wasmtime::WasmBacktrace>().map(frames).unwrap_or_default();
        let (kind, message) = if let Some(trap) = error.downcast_ref::<Trap>() {
            match trap {
                Trap::OutOfFuel => (FaultKind::Fuel, "used up the fuel of one call".to_owned()),
                Trap::StackOverflow => (FaultKind::Stack, trap.to_string()),
                Trap::StringOutOfBounds
                | Trap::ListOutOfBounds
                | Trap::InvalidDiscriminant
                | Trap::UnalignedPointer
                | Trap::InvalidChar => (FaultKind::InvalidOutput, trap.to_string()),
                _ => (FaultKind::Trap, trap.to_string()),
            }
        } else if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            (FaultKind::Internal, "the server has no free instance; try again later".to_owned())
        } else {
            let text = root_cause(error);
            if text.contains("hostcall") && text.contains("fuel") {
                (FaultKind::HostcallLimit, "passed more bytes to the host in one call than allowed".to_owned())
            } else {
                // What is left are violations of the canonical ABI: pointers, lengths, discriminants, strings.
                (FaultKind::InvalidOutput, text)
            }
        };
        Self { kind, message, row: None, frames }
    }
}

fn root_cause(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}

fn frames(trace: &wasmtime::WasmBacktrace) -> Vec<Frame> {
    let mut frames = Vec::new();
    for frame in trace.frames() {
        let fallback = || frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), readable);
        if frame.symbols().is_empty() {
            frames.push(Frame { function: fallback(), file: None, line: None });
        }
        for symbol in frame.symbols() {
            frames.push(Frame {
                function: symbol.name().map_or_else(fallback, readable),
                file: symbol.file().map(str::to_owned),
                line: symbol.line(),
            });
        }
    }
    frames
}

/// A Rust symbol without its hash; any other name as it is.
fn readable(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_plugins_own_source() {
        let frame = |function: &str, file: &str| Frame { function: readable(function), file: Some(file.into()), line: Some(40) };
        let report = FaultReport {
            tenant: TenantId::new("t"),
            job: "clicks".into(),
            operator: NodeId::new("clean"),
            function: None,
            origin: std::sync::Arc::from([]),
            stage: Stage::Process,
            kind: FaultKind::Trap,
            message: "wasm trap: wasm `unreachable` instruction executed".into(),
            row: None,
            frames: vec![
                frame("_ZN3std9panicking15panic_with_hook17h0123456789abcdefE", "/rustc/59/library/std/src/panicking.rs"),
                frame("_ZN6plugin5clean17h0123456789abcdefE", "src/lib.rs"),
            ],
        };
        let text = report.to_string();
        assert!(text.ends_with("executed; at plugin::clean (src/lib.rs:40)"), "{text}");
    }
}
