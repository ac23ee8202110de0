//! What a graph's names stand for; implemented by the control plane over one tenant's and project's metadata.
//!
//! Invariant: a catalog answers only what its tenant and project may see.

use crate::ParameterForm;
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::TableBinding;
use millrace_model::Schema;
pub use millrace_sandbox::{CapabilityGrants, FolderGrant, SecretValue};
use std::sync::Arc;

/// A plugin version that a node refers to.
#[derive(Debug, Clone)]
pub struct PluginBinding {
    /// Name in the project.
    pub name: String,
    /// Version that was found.
    pub version: String,
    /// SHA-256 of the component, in hex.
    pub content_hash: String,
    /// The component.
    pub component: Bytes,
    /// What it may do beyond computing. Never pinned: as it is when the job starts.
    pub grants: CapabilityGrants,
    /// What its parameters may be, if it says so.
    pub form: Option<Arc<ParameterForm>>,
}

/// A SQL function of the project.
#[derive(Debug, Clone)]
pub struct FunctionBinding {
    /// Its name in the project.
    pub name: String,
    /// The plugin that it is. Whether it is one of a function's worlds is for the engine to find out.
    pub plugin: PluginBinding,
}

/// A version of an uploaded data package.
#[derive(Clone)]
pub struct PackageBinding {
    /// Its name in the project.
    pub name: String,
    /// Version that was found.
    pub version: String,
    /// SHA-256 of the file, in hex.
    pub content_hash: String,
    /// Its columns as they were found in the file.
    pub schema: Schema,
    /// Its rows.
    pub rows: Arc<dyn PackageRows>,
}

/// The rows of a data package, read when they are needed.
#[async_trait]
pub trait PackageRows: Send + Sync {
    /// All rows, of which there may be `rows_max`.
    ///
    /// # Errors
    /// The package cannot be read or has more rows, in words.
    async fn read(&self, rows_max: u64) -> Result<PackageLines, String>;
}

/// Rows of a data package as lines of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLines {
    /// One object a row; values may be texts.
    pub lines: Vec<String>,
    /// Times are written in the form of ISO 8601, not of SQL.
    pub iso_timestamps: bool,
}

/// What a table is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableUsage {
    /// A source reads it.
    Read,
    /// A sink writes it.
    Write,
}

/// Why a name could not be resolved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// Nothing has this name.
    #[error("{what} is not there{}", .suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default())]
    NotFound {
        /// Kind and name: "topic `cliks`".
        what: String,
        /// The nearest name that is there.
        suggestion: Option<String>,
    },
    /// It is there but may not be used.
    #[error("{0}")]
    Forbidden(String),
    /// The metadata could not be read now.
    #[error("{0}")]
    External(String),
}

impl CatalogError {
    /// The code of a graph's error about a table that could not be resolved.
    pub(crate) fn table_code(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => "permission.missing",
            Self::NotFound { .. } | Self::External(_) => "config.unknown_table",
        }
    }
}

/// Resolves names of one project.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The table (topic) named `name`, for any use.
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError>;

    /// The table named `name` for reading or for writing, where that makes a difference to what may be used.
    async fn table_for(&self, name: &str, usage: TableUsage) -> Result<TableBinding, CatalogError> {
        let _ = usage;
        self.table(name).await
    }

    /// The plugin named `name`; the newest version unless one is named.
    async fn plugin(&self, name: &str, version: Option<&str>) -> Result<PluginBinding, CatalogError>;

    /// The data package named `name`; its newest version unless one is named.
    async fn package(&self, name: &str, version: Option<&str>) -> Result<PackageBinding, CatalogError> {
        let _ = version;
        Err(CatalogError::NotFound { what: format!("data package `{name}`"), suggestion: None })
    }

    /// The SQL function named `name`, by default the plugin of that name. `name` is as a script writes it: in any case
    /// where it is called, exact behind `CREATE FUNCTION … AS`.
    async fn function(&self, name: &str) -> Result<FunctionBinding, CatalogError> {
        Ok(FunctionBinding { name: name.to_owned(), plugin: self.plugin(name, None).await? })
    }
}
