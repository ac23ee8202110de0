//! Connectivity tests against servers that are JVMs (SRC-2), one at a time.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod answers;

use answers::Probe;
use millrace_test_servers::{HBaseServer, HiveServer, OpenSearchServer, http};
use serde_json::json;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The test in a runtime of its own while no other server runs.
fn alone(test: impl Future<Output = ()>) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

#[test]
fn hbase() {
    alone(async {
        let server = HBaseServer::start().unwrap();
        let probe = Probe::new("hbase", json!({"host": "127.0.0.1", "port": server.master()}));
        // Listening is not yet serving: the master takes calls when its own tables are there.
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let report = probe.kind.test(&probe.properties(&json!({})), Duration::from_secs(10)).await;
            if report.reachable {
                break;
            }
            assert!(Instant::now() < deadline, "{report:?}");
        }
        let reached = probe.reaches(json!({}), "HBase 2.6.1, cluster ").await;
        assert_eq!(reached.details["meta_server"], format!("127.0.0.1:{}", server.region_server()));
        probe.reaches(json!({"namespace": "hbase", "table": "namespace"}), "table `namespace`").await;
        probe.fails(json!({"namespace": "nowhere"}), "missing", "no namespace `nowhere`").await;
        probe.fails(json!({"table": "nothing"}), "missing", "no table `nothing`").await;
        probe.fails(json!({"port": server.region_server()}), "protocol", "give the address of a master").await;
        probe.unreachable_places().await;
    });
}

#[test]
fn opensearch() {
    alone(async {
        let server = OpenSearchServer::start().unwrap();
        assert_eq!(http::request(server.port(), "PUT", "/clicks", "{}").unwrap().0, 200);
        let probe = Probe::new("elasticsearch", json!({"url": format!("http://127.0.0.1:{}", server.port()), "index": "clicks"}));
        let reached = probe.reaches(json!({}), "OpenSearch 2.19.1, cluster `millrace`, index `clicks`").await;
        assert_eq!(reached.details["version"], "2.19.1");
        probe.reaches(json!({"index": ""}), "OpenSearch").await;
        probe.reaches(json!({"user": "ann", "password": "hunter2"}), "OpenSearch").await;
        probe.fails(json!({"index": "nothing"}), "missing", "no index `nothing`").await;
        probe.fails(json!({"index": "../_cluster/health"}), "missing", "no index").await;
        probe.fails(json!({"url": format!("https://127.0.0.1:{}", server.port())}), "tls", "TLS failed").await;
        probe.unreachable_urls("url").await;
    });
}

#[test]
fn hive() {
    alone(async {
        let server = HiveServer::start().unwrap();
        let probe = Probe::new("hive", json!({"host": "127.0.0.1", "port": server.port()}));
        let reached = probe.reaches(json!({}), "database `default`").await;
        assert_eq!(reached.details["server"], "HiveServer2");
        probe.reaches(json!({"user": "ann", "password": "hunter2"}), "protocol V").await;
        probe.fails(json!({"database": "nowhere"}), "missing", "no database `nowhere`").await;
        probe.fails(json!({"tls": "require"}), "tls", "TLS failed").await;
        probe.fails_soon(json!({"auth": "nosasl"}), &["protocol", "credentials", "timeout"]).await;
        probe.unreachable_places().await;
    });
}
