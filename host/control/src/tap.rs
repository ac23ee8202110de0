//! Looking at the rows of a running instance.
//!
//! Invariant: at most a few readers of one tenant at a time; each ends with its reader.

use crate::{ControlError, facade::Control};
use millrace_engine::TapReader;
use millrace_model::ids::{InstanceId, NodeId, TenantId};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// Taps of one tenant on this server.
const TAPS_OF_TENANT_MAX: usize = 4;

/// How many taps each tenant has open.
#[derive(Clone, Default)]
pub(crate) struct Taps(Arc<Mutex<HashMap<TenantId, usize>>>);

/// A tap that is open; closed when it is dropped.
pub struct OpenTap {
    /// Gives the rows.
    pub reader: TapReader,
    _place: Place,
}

struct Place {
    taps: Taps,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.taps.0.lock();
        if let Some(count) = open.get_mut(&self.tenant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.tenant);
            }
        }
    }
}

impl Taps {
    fn enter(&self, tenant: &TenantId) -> Result<Place, ControlError> {
        let mut open = self.0.lock();
        let count = open.entry(tenant.clone()).or_default();
        if *count >= TAPS_OF_TENANT_MAX {
            return Err(ControlError::Busy(format!("{count} taps of this tenant are open, which is the most; close one first")));
        }
        *count += 1;
        Ok(Place { taps: self.clone(), tenant: tenant.clone() })
    }
}

impl Control {
    /// Opens a tap at what leaves a node of a running instance: of a sink, at what enters it.
    ///
    /// # Errors
    /// The instance does not run here, has no such node, or as many taps are open as may be.
    pub fn tap(&self, tenant: &TenantId, instance: &InstanceId, node: &NodeId) -> Result<OpenTap, ControlError> {
        let Some(execution) = self.execution(tenant, instance) else {
            let message = format!("instance `{instance}` is not running on this worker; only rows of a running instance can be looked at");
            return Err(ControlError::Conflict(message));
        };
        let place = self.taps().enter(tenant)?;
        let reader = execution.tap(node).map_err(|error| ControlError::invalid("tap.unusable", error.to_string()))?;
        let Some(reader) = reader else {
            let known: Vec<String> = execution.nodes().iter().map(ToString::to_string).collect();
            return Err(ControlError::not_found(format!("node `{node}` of the instance; its nodes are {}", known.join(", "))));
        };
        Ok(OpenTap { reader, _place: place })
    }
}
