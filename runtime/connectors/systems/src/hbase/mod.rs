//! HBase through its own RPC: the master as registry, then the server of `hbase:meta`. No ZooKeeper, no gateway.
//!
//! Services and messages: `hbase-protocol-shaded/src/main/protobuf` of HBase (`rpc/RPC.proto`, `server/rs/Client.proto`,
//! `server/master/Master.proto`, `Registry.proto`).

mod protobuf;
mod rpc;

use crate::fields::{HOST, failed, number, port, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{Dialer, printable};
use protobuf::{Message, bytes, number as numeric};
use rpc::{Call, Channel};
use std::time::{Duration, Instant};

static SPEC: KindSpec = KindSpec {
    kind: "hbase",
    title: "HBase",
    group: KindGroup::BigData,
    description: "An HBase cluster (2.3 or newer, simple authentication). The test asks the master for cluster, version and \
                  namespace, and the server of hbase:meta for the table.",
    fields: &[
        HOST,
        port("16000"),
        FieldSpec::new("namespace", "Namespace", FieldType::Text, "Namespace that tables are in").or("default"),
        FieldSpec::new("table", "Table", FieldType::Text, "Table that must be there; empty: any"),
        FieldSpec::new("user", "User", FieldType::Text, "Who to act as").or("millrace"),
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// Name of the first region of `hbase:meta`, which is the only one.
const META_REGION: &[u8] = b"hbase:meta,,1";
/// A region is named by its full name.
const REGION_NAME: u64 = 1;

/// The kind `hbase`.
pub(crate) struct HBase {
    dialer: Dialer,
}

impl HBase {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let (host, user) = (text(&SPEC, properties, "host"), text(&SPEC, properties, "user"));
        let port = number(&SPEC, properties, "port")?;
        let mut registry = Channel::open(self.dialer.connect(host, port, until).await?, "ClientMetaService", user).await?;
        let cluster = registry.done("GetClusterId", &[]).await.map_err(no_master)?;
        let cluster = Message(&cluster).text(1).map(|t| printable(&t)).unwrap_or_default();
        let (meta_host, meta_port) = meta_server(&mut registry).await?;

        let mut master = Channel::open(self.dialer.connect(host, port, until).await?, "MasterService", user).await?;
        let status = master.done("GetClusterStatus", &numeric(1, 0)).await.map_err(no_master)?;
        let version =
            Message(&status).message(1).and_then(|s| s.message(1)).and_then(|v| v.text(1)).map(|t| printable(&t)).unwrap_or_default();
        let namespace = text(&SPEC, properties, "namespace");
        match master.call("GetNamespaceDescriptor", &bytes(1, namespace.as_bytes())).await? {
            Call::Done(_) => {}
            Call::Failed { class, .. } if class.ends_with("NamespaceNotFoundException") => {
                let message = format!("{}: there is no namespace `{namespace}`; make it or check the name", master.place());
                return Err(failed(Failure::Missing, message));
            }
            Call::Failed { class, said } => return Err(master.refusal("GetNamespaceDescriptor", &class, &said)),
        }

        let wire = self.dialer.connect(&meta_host, meta_port, until).await.map_err(|e| {
            let message = format!("the master answers, but not the region server that it names: {}", e.message);
            Unreachable::new(e.failure, message)
        })?;
        let mut meta = Channel::open(wire, "ClientService", user).await?;
        let table = text(&SPEC, properties, "table");
        // Without a table to look for, reading a row that is not there still shows that the region server answers.
        let row = if namespace == "default" { table.to_owned() } else { format!("{namespace}:{table}") };
        let answer = meta.done("Get", &get_table_state(if table.is_empty() { "-" } else { &row })).await?;
        let is_there = Message(&answer).message(1).is_some_and(|result| result.message(1).is_some());
        let mut message = format!("HBase {version}, cluster {cluster}, namespace `{namespace}`");
        if !table.is_empty() {
            if !is_there {
                let message = format!("{}: namespace `{namespace}` has no table `{table}`; make it or check the name", meta.place());
                return Err(failed(Failure::Missing, message));
            }
            message.push_str(&format!(", table `{table}`"));
        }
        let reached = Reached::new(message).with("server", "HBase").with("version", version).with("cluster", cluster);
        Ok(reached.with("namespace", namespace).with("table", table).with("meta_server", format!("{}:{meta_port}", printable(&meta_host))))
    }
}

/// Other servers of HBase, and old ones, just hang up: some at once, region servers once they are asked for a master's service.
fn no_master(error: Unreachable) -> Unreachable {
    match error.failure {
        Failure::Protocol => failed(error.failure, format!("{}; give the address of a master of HBase 2.3 or newer", error.message)),
        _ => error,
    }
}

/// Host and port of the server that has `hbase:meta`.
async fn meta_server(registry: &mut Channel) -> Result<(String, u16), Unreachable> {
    let locations = registry.done("GetMetaRegionLocations", &[]).await?;
    let server = Message(&locations).message(1).and_then(|location| location.message(2)).and_then(|server| {
        let port = u16::try_from(server.number(2)?).ok()?;
        Some((server.text(1)?, port))
    });
    server.ok_or_else(|| {
        let message = "hbase:meta is on no server; wait until the cluster has started, or look into the master's log";
        failed(Failure::Protocol, format!("{}: {message}", registry.place()))
    })
}

/// A GetRequest for the state of a table, which HBase keeps in the family `table` of `hbase:meta`.
fn get_table_state(row: &str) -> Vec<u8> {
    let region = [numeric(1, REGION_NAME), bytes(2, META_REGION)].concat();
    let get = [bytes(1, row.as_bytes()), bytes(2, &bytes(1, b"table"))].concat();
    [bytes(1, &region), bytes(2, &get)].concat()
}

#[async_trait]
impl DataSourceKind for HBase {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
