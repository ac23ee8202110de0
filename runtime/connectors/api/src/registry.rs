//! The connectors and kinds of data sources that this process knows.

use crate::{Connector, DataSourceKind};
use std::{collections::BTreeMap, sync::Arc};

/// Connectors by kind.
#[derive(Clone, Default)]
pub struct ConnectorRegistry {
    by_kind: BTreeMap<&'static str, Arc<dyn Connector>>,
    data_sources: BTreeMap<&'static str, Arc<dyn DataSourceKind>>,
}

impl ConnectorRegistry {
    /// Adds a connector: the one registration line of a new system.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        self.by_kind.insert(connector.kind(), connector);
        self
    }

    /// The connector of a data source kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Connector>> {
        self.by_kind.get(kind)
    }

    /// Adds a kind of data source.
    #[must_use]
    pub fn with_data_source(mut self, kind: Arc<dyn DataSourceKind>) -> Self {
        self.data_sources.insert(kind.spec().kind, kind);
        self
    }

    /// The kind of data source of this name.
    pub fn data_source(&self, kind: &str) -> Option<&Arc<dyn DataSourceKind>> {
        self.data_sources.get(kind)
    }

    /// All kinds of data sources, in order.
    pub fn data_sources(&self) -> impl Iterator<Item = &Arc<dyn DataSourceKind>> + '_ {
        self.data_sources.values()
    }

    /// Kinds that jobs can read or write, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.by_kind.keys().copied()
    }
}
