//! The connectors that this process knows, by kind.

use crate::Connector;
use std::{collections::BTreeMap, sync::Arc};

/// Connectors by kind.
#[derive(Clone, Default)]
pub struct ConnectorRegistry {
    by_kind: BTreeMap<&'static str, Arc<dyn Connector>>,
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

    /// All kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.by_kind.keys().copied()
    }
}
