//! What an uploaded component may be, decided on its bytes before anything is compiled.
//!
//! Invariant: reading here takes time and memory linear in the upload, and no recursion; whatever passes is still
//! only compiled in the separate process.

mod known;
mod structure;
mod world;

pub(crate) use known::{has_known, widened, widened_compile};
pub(crate) use structure::check_structure;
pub(crate) use world::check_world;

use millrace_model::{Classified, FaultClass};

/// What the sandbox knows about an admitted component.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ComponentInfo {
    /// SHA-256 of the component's bytes, in hex; its name everywhere.
    pub content_hash: String,
    /// The world that it was made for: `etl-operator`, `scalar-function`, …
    pub world: String,
    /// Version of the contract that it was made for.
    pub wit_version: String,
    /// Bytes of the upload.
    pub size_bytes: usize,
    /// Milliseconds that compilation took; 0 when the cache had it.
    pub compile_ms: u64,
}

/// Why a component was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The bytes are not a component.
    #[error("this is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The bytes are a component that cannot be read.
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// A structural limit is passed.
    #[error("the component has {found} {what}, at most {max} are allowed")]
    TooBig {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// How much there is (or at least is).
        found: u64,
        /// How much there may be.
        max: u64,
    },
    /// It imports what no plugin gets.
    #[error(
        "the component imports `{0}`; plugins may import only `host`, `types`, `signatures`, `clock`, `http`, `secrets` and `files` of \
         `millrace:plugin@0.1.0` (no WASI)"
    )]
    UnknownImport(String),
    /// It was made for another version of the contract.
    #[error(
        "the component was made for version {found} of `millrace:plugin`, this server runs version {supported}; build it again with the matching SDK"
    )]
    OtherVersion {
        /// The version found.
        found: String,
        /// The version that this server runs.
        supported: &'static str,
    },
    /// It exports none of the known worlds, or not with the right types.
    #[error("the component does not fit a plugin world: {0}")]
    Contract(String),
    /// Compilation failed or took too much.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// The host failed, not the component.
    #[error("the component could not be admitted: {0}")]
    Host(String),
}

impl Classified for AdmissionError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Host(_) => FaultClass::Internal,
            _ => FaultClass::User,
        }
    }
}
