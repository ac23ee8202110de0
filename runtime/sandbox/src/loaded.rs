//! Components whose machine code is in memory, and the worlds that they may be of.
//!
//! Invariant: a component exports exactly one world's interface, all of its functions with the contract's types.

use crate::bindings::{self, aggregate, dimension, etl, scalar, sink, source, table, transform};
use crate::host_functions::GuestState;
use crate::packed::PackedFiles;
use crate::worlds::FunctionSignature;
use std::sync::Arc;
use wasmtime::component::InstancePre;

/// A world of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    /// Batches in, batches out.
    Etl,
    /// One value per row.
    Scalar,
    /// Any number of rows per row.
    Table,
    /// One value per group.
    Aggregate,
    /// A source.
    Source,
    /// A sink.
    Sink,
    /// Several inputs, and state.
    Transform,
    /// Fills a dimension table.
    Dimension,
}

impl World {
    /// All worlds that this server runs.
    pub const ALL: [Self; 8] =
        [Self::Etl, Self::Scalar, Self::Table, Self::Aggregate, Self::Source, Self::Sink, Self::Transform, Self::Dimension];

    /// The name in the contract: `etl-operator`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etl => "etl-operator",
            Self::Scalar => "scalar-function",
            Self::Table => "table-function",
            Self::Aggregate => "aggregate-function",
            Self::Source => "source-operator",
            Self::Sink => "sink-operator",
            Self::Transform => "transform-operator",
            Self::Dimension => "dimension-updater",
        }
    }

    /// The interface that a component of this world exports.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Etl => "etl",
            Self::Scalar => "scalar",
            Self::Table => "table",
            Self::Aggregate => "aggregate",
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Transform => "transform",
            Self::Dimension => "dimension",
        }
    }

    /// The world of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.name() == name)
    }

    /// The world whose components export that interface.
    pub(crate) fn of_interface(interface: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.interface() == interface)
    }
}

/// Where the functions of a world are in a component.
pub(crate) enum Indices {
    Etl(etl::GuestIndices),
    Scalar(scalar::GuestIndices),
    Table(table::GuestIndices),
    Aggregate(aggregate::GuestIndices),
    Source(source::GuestIndices),
    Sink(sink::GuestIndices),
    Transform(transform::GuestIndices),
    Dimension(dimension::GuestIndices),
}

/// A component ready to be instantiated.
pub struct LoadedComponent {
    content_hash: String,
    world: World,
    code_bytes: usize,
    pub(crate) packed: Arc<PackedFiles>,
    pub(crate) pre: InstancePre<GuestState>,
    pub(crate) indices: Indices,
    /// What a SQL function answered when first asked for its signatures; the same bytes answer the same.
    pub(crate) signatures: tokio::sync::OnceCell<Arc<[FunctionSignature]>>,
}

impl LoadedComponent {
    /// Checks the types of what the component exports, which are otherwise only looked at when an instance is made.
    ///
    /// # Errors
    /// A function that is missing, or has other types than the contract's.
    pub(crate) fn new(
        content_hash: String,
        world: World,
        code_bytes: usize,
        packed: PackedFiles,
        pre: InstancePre<GuestState>,
    ) -> wasmtime::Result<Self> {
        let indices = match world {
            World::Etl => Indices::Etl(bindings::etl_indices(&pre)?),
            World::Scalar => Indices::Scalar(bindings::scalar_indices(&pre)?),
            World::Table => Indices::Table(bindings::table_indices(&pre)?),
            World::Aggregate => Indices::Aggregate(bindings::aggregate_indices(&pre)?),
            World::Source => Indices::Source(bindings::source_indices(&pre)?),
            World::Sink => Indices::Sink(bindings::sink_indices(&pre)?),
            World::Transform => Indices::Transform(bindings::transform_indices(&pre)?),
            World::Dimension => Indices::Dimension(bindings::dimension_indices(&pre)?),
        };
        Ok(Self { content_hash, world, code_bytes, packed: Arc::new(packed), pre, indices, signatures: tokio::sync::OnceCell::new() })
    }

    /// SHA-256 of the component, in hex.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// The world that it was made for.
    pub fn world(&self) -> World {
        self.world
    }

    /// Bytes that it holds in memory.
    pub(crate) fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// The component was opened as something else than it is.
    pub(crate) fn is_not(&self, wanted: &str) -> wasmtime::Error {
        wasmtime::format_err!("the component is of the world `{}`, not {wanted}", self.world.name())
    }
}
