//! Outside systems that data sources can name beside Kafka (SRC-1, SRC-3): one folder per system, with what there is to fill
//! in, a connectivity test that really speaks the system's protocol (SRC-2), and where it can be had a table's schema
//! (TOP-5). A system whose source or sink comes takes its folder along into a crate of its own.
//!
//! Invariants: a client of a system is in its folder only; every socket comes from the [`Dialer`]; lengths that a server
//! announces are bounded before they are believed; no message holds a secret, and none repeats what a server of another
//! protocol says.
//!
//! The protocols are written out as far as a test needs them, instead of five client libraries: so each step has its own
//! error, and a library cannot resolve a name anew behind the permission.

mod catalog;
mod clickhouse;
mod elasticsearch;
mod fields;
mod ftp;
mod hbase;
mod hive;
mod http;
mod mysql;
mod oracle;
mod postgresql;
mod redis;
mod s3;

use millrace_connector::{ConnectorRegistry, DataSourceKind};
use millrace_dial::Dialer;
use std::sync::Arc;

/// Every kind, connecting through `dialer`.
pub fn kinds(dialer: &Dialer) -> Vec<Arc<dyn DataSourceKind>> {
    let dialer = || dialer.clone();
    vec![
        Arc::new(mysql::MySql::new(dialer())),
        Arc::new(mysql::MySql::doris(dialer())),
        Arc::new(postgresql::PostgreSql::new(dialer())),
        Arc::new(postgresql::PostgreSql::greenplum(dialer())),
        Arc::new(oracle::Oracle::new(dialer())),
        Arc::new(hive::Hive::new(dialer())),
        Arc::new(hbase::HBase::new(dialer())),
        Arc::new(elasticsearch::Elasticsearch::new(dialer())),
        Arc::new(ftp::Ftp::new(dialer())),
        Arc::new(s3::S3::new(dialer())),
        Arc::new(redis::Redis::new(dialer())),
        Arc::new(http::Http::new(dialer())),
        Arc::new(clickhouse::ClickHouse::new(dialer())),
    ]
}

/// Adds every kind to a registry.
#[must_use]
pub fn register(registry: ConnectorRegistry, dialer: &Dialer) -> ConnectorRegistry {
    kinds(dialer).into_iter().fold(registry, ConnectorRegistry::with_data_source)
}
