//! The product from end to end: the real binary, a real broker, everything over the HTTP API.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as expected")]
#![allow(clippy::print_stdout, reason = "a run with random points says which they were")]

mod api_description;
mod bad_input;
mod bad_plugins;
mod control_plane;
mod custom_operators;
mod exactly_once;
mod governance;
mod hostile_sql;
mod looking;
mod lookup_joins;
mod manual;
mod online_code;
mod outages;
mod permissions;
mod project_files;
mod resources;
mod scripts;
mod sql;
mod sql_scripts;
mod temp_tables;
mod tenant_code;
mod tour;
mod two_servers;

use millrace_e2e::Kafka;
use millrace_test_servers::shared_broker;

/// The broker that all tests share which do not stop it.
fn kafka() -> Kafka {
    Kafka::at(shared_broker().bootstrap())
}
