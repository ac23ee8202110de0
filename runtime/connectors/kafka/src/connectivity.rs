//! The connectivity test (SRC-2): names, then ports, then the protocol, so that the answer names the step that failed.

use crate::{
    native::{Client, ClientKind, Code, Failure, blocking},
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{Connection, ConnectivityFailure, ConnectivityReport, ConnectorError};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout_at,
};

/// How long librdkafka is left alone before its errors are looked at again.
const LOOK: Duration = Duration::from_millis(250);

type Outcome = Result<String, (ConnectivityFailure, String)>;

pub(crate) async fn test(connection: &Connection, deadline: Duration) -> ConnectivityReport {
    let began = Instant::now();
    let outcome = run(connection, began + deadline).await;
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(message) => ConnectivityReport { reachable: true, message, failure: None, elapsed_ms },
        Err((failure, message)) => ConnectivityReport { reachable: false, message, failure: Some(failure), elapsed_ms },
    }
}

async fn run(connection: &Connection, deadline: Instant) -> Outcome {
    let configuration = |error: ConnectorError| (ConnectivityFailure::Configuration, error.to_string());
    let properties = assemble(connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[]).map_err(configuration)?;
    let client = Client::new(ClientKind::Consumer, &properties).map_err(configuration)?;
    let servers = properties.get("bootstrap.servers").map(String::as_str).unwrap_or_default();
    // One reachable server is enough; if none is, the first one's failure is told.
    let mut first_failure = None;
    let mut reached = false;
    for server in servers.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        match probe(server, deadline).await {
            Ok(()) => {
                reached = true;
                break;
            }
            Err(failure) => _ = first_failure.get_or_insert(failure),
        }
    }
    match first_failure {
        Some(failure) if !reached => Err(failure),
        _ => blocking(move || Ok(speak(&client, deadline))).await.unwrap_or_else(|error| Err(configuration(error))),
    }
}

/// Resolves the name and opens the port.
async fn probe(server: &str, deadline: Instant) -> Result<(), (ConnectivityFailure, String)> {
    // `protocol://host:port` is allowed; the port may be left out.
    let address = server.rsplit_once("://").map_or(server, |(_, rest)| rest);
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let address = if has_port { address.to_owned() } else { format!("{address}:9092") };
    let until = tokio::time::Instant::from_std(deadline);
    let resolved = match timeout_at(until, lookup_host(&address)).await {
        Err(_) => return Err((ConnectivityFailure::Timeout, format!("{address}: the name was not resolved in time"))),
        Ok(Err(error)) => return Err((ConnectivityFailure::Dns, format!("{address}: the name does not resolve: {error}"))),
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
    };
    let mut failure = (ConnectivityFailure::Dns, format!("{address}: the name has no addresses"));
    for ip in resolved {
        failure = match timeout_at(until, TcpStream::connect(ip)).await {
            Ok(Ok(_)) => return Ok(()),
            Err(_) => (ConnectivityFailure::Timeout, format!("{address} ({ip}): no answer in time; is a firewall in between?")),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                (ConnectivityFailure::Refused, format!("{address} ({ip}): connection refused; nobody listens there"))
            }
            Ok(Err(error)) => (ConnectivityFailure::Timeout, format!("{address} ({ip}): {error}")),
        };
    }
    Err(failure)
}

/// Asks for the cluster's brokers; errors that will not pass end the test early.
fn speak(client: &Arc<Client>, deadline: Instant) -> Outcome {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match client.metadata(None, left.min(LOOK)) {
            Ok(metadata) => {
                let id = client.cluster_id(left.min(LOOK)).unwrap_or_else(|| "without an id".into());
                let plural = if metadata.brokers == 1 { "" } else { "s" };
                return Ok(format!("Kafka cluster {id}, {} broker{plural}", metadata.brokers));
            }
            Err(failure) => {
                let last = client.last_error();
                if let Some(definite) = last.as_ref().and_then(definite) {
                    return Err(definite);
                }
                if left.is_zero() {
                    let reason = last.unwrap_or(failure).message;
                    return Err((ConnectivityFailure::Timeout, format!("the port is open, but no broker answered in time: {reason}")));
                }
            }
        }
    }
}

fn definite(failure: &Failure) -> Option<(ConnectivityFailure, String)> {
    // A peer that does not speak TLS just closes: librdkafka then reports the transport, and the step only in its text.
    let handshake = failure.message.contains("SSL handshake failed");
    match failure.code {
        Code::RD_KAFKA_RESP_ERR__SSL => Some((ConnectivityFailure::Tls, format!("TLS failed: {}", failure.message))),
        Code::RD_KAFKA_RESP_ERR__TRANSPORT if handshake => Some((ConnectivityFailure::Tls, format!("TLS failed: {}", failure.message))),
        Code::RD_KAFKA_RESP_ERR__AUTHENTICATION | Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED => {
            Some((ConnectivityFailure::Credentials, format!("user or password were refused: {}", failure.message)))
        }
        Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM => {
            Some((ConnectivityFailure::Credentials, format!("the broker does not offer this sign-in: {}", failure.message)))
        }
        _ => None,
    }
}
