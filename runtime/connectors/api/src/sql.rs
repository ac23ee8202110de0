//! How a table of a SQL script becomes nodes: `WITH` options of Flink's connectors turned into settings of ours.

use crate::{ConfigError, TableBinding};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A value of the option `connector` that a connector answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlConnector {
    /// The value: `upsert-kafka`.
    pub name: &'static str,
    /// The option that names the table of the project: `topic`.
    pub table_option: &'static str,
    /// Whether reading gives updates and deletes: the table then needs a primary key.
    pub sends_changes: bool,
    /// Every option that it knows; a `*` at the end stands for any end.
    pub options: &'static [&'static str],
}

/// A table as a script declares it.
#[derive(Debug, Clone, Copy)]
pub struct SqlTable<'a> {
    /// The value of the option `connector`; that of a table of the project that no script declares is the data source's
    /// kind.
    pub connector: &'a str,
    /// `WITH (…)`, hints put over it.
    pub options: &'a BTreeMap<String, String>,
    /// Columns of `PRIMARY KEY`; empty without one.
    pub primary_key: &'a [String],
    /// The table of the project that it stands for.
    pub binding: &'a TableBinding,
}

/// Settings of a node made from a script's table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SqlNode {
    /// The node's `config`.
    pub config: Map<String, Value>,
    /// Its subtasks, if the options say.
    pub parallelism: Option<u16>,
    /// Which option each setting comes from, where their names differ: an error in the setting is shown at the option.
    pub origins: BTreeMap<String, String>,
    /// What is accepted and does not mean what it does in Flink; fields are names of options.
    pub warnings: Vec<ConfigError>,
}
