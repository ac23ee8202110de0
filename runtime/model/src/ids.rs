//! Identifiers as distinct types, so that a job id cannot be passed where a tenant id is meant.
//!
//! Invariant: ids are opaque, non-empty ASCII of at most 64 characters; they are made in the control plane only.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an id that was made or stored by the control plane.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    };
}

id!(/** A tenant: the unit of isolation. */ TenantId);
id!(/** A project of a tenant. */ ProjectId);
id!(/** A data source of a project: an outside system and how to reach it. */ DataSourceId);
id!(/** A topic's metadata: shown to users like a table. */ TopicId);
id!(/** A database of a project: tables of one system. */ DatabaseId);
id!(/** A request that somebody must agree to. */ ApprovalId);
id!(/** An uploaded plugin. */ PluginId);
id!(/** An uploaded file: a JAR, a component or a data package. */ ResourceId);
id!(/** A function by which SQL calls tenant code. */ FunctionId);
id!(/** A text around a user's code. */ TemplateId);
id!(/** A temp table: what jobs leave for each other. */ TempTableId);
id!(/** A job: the editable definition. */ JobId);
id!(/** A submitted, immutable version of a job. */ VersionId);
id!(/** An instance: one running (or once running) version. */ InstanceId);
id!(/** A savepoint: a checkpoint that the user owns. */ SavepointId);
id!(/** A node of a job graph; also names the operator made from it. Unique within the graph. */ NodeId);

/// Number of a checkpoint within one instance; grows by one, starts at 1.
pub type CheckpointId = u64;
