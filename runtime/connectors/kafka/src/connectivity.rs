//! The connectivity test (SRC-2): names, then ports, then the protocol, so that the answer names the step that failed.

use crate::{
    native::{Client, ClientKind, Code, Failure, blocking, permission},
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{Connection, ConnectivityFailure, ConnectorError, Reached, Unreachable};
use millrace_dial::Dialer;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long librdkafka is left alone before its errors are looked at again.
const LOOK: Duration = Duration::from_millis(250);

type Outcome = Result<Reached, Unreachable>;

pub(crate) async fn reach(connection: &Connection, dialer: &Dialer, deadline: Instant) -> Outcome {
    let configuration = |error: ConnectorError| Unreachable::new(ConnectivityFailure::Configuration, error.to_string());
    let properties = assemble(connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[]).map_err(configuration)?;
    Client::check_properties(&properties).map_err(configuration)?;
    let servers = properties.get("bootstrap.servers").map(String::as_str).unwrap_or_default();
    // One reachable server is enough; if none is, the first one's failure is told.
    let mut first_failure = None;
    let mut reached = false;
    for server in servers.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (host, port) = place(server);
        match dialer.connect(&host, port, deadline).await {
            Ok(_) => {
                reached = true;
                break;
            }
            Err(failure) => _ = first_failure.get_or_insert(failure),
        }
    }
    match first_failure {
        Some(failure) if !reached => Err(failure),
        _ => {
            // Its threads are made only once there is somebody to talk to.
            let client = Client::new(ClientKind::Consumer, &properties).map_err(configuration)?;
            blocking(move || Ok(speak(&client, deadline))).await.unwrap_or_else(|error| Err(configuration(error)))
        }
    }
}

/// Host and port of a server: `protocol://host:port` is allowed, and the port may be left out.
fn place(server: &str) -> (String, u16) {
    let address = server.rsplit_once("://").map_or(server, |(_, rest)| rest);
    let split = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = split.filter(|(host, _)| !host.is_empty()).unwrap_or((address, 9092));
    (host.trim_start_matches('[').trim_end_matches(']').to_owned(), port)
}

/// Asks for the cluster's brokers; errors that will not pass end the test early.
fn speak(client: &Arc<Client>, deadline: Instant) -> Outcome {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match client.metadata(None, left.min(LOOK)) {
            Ok(metadata) => {
                let id = client.cluster_id(left.min(LOOK)).unwrap_or_else(|| "without an id".into());
                let plural = if metadata.brokers == 1 { "" } else { "s" };
                let reached = Reached::new(format!("Kafka cluster {id}, {} broker{plural}", metadata.brokers));
                return Ok(reached.with("server", "Kafka").with("cluster", id).with("brokers", metadata.brokers.to_string()));
            }
            Err(failure) => {
                if let Some(refused) = client.refusal() {
                    return Err(Unreachable::new(ConnectivityFailure::Configuration, refused.message));
                }
                let last = client.last_error();
                if let Some(definite) = last.as_ref().and_then(definite) {
                    return Err(definite);
                }
                if left.is_zero() {
                    let reason = last.unwrap_or(failure).message;
                    let message = format!("the port is open, but no broker answered in time: {reason}");
                    return Err(Unreachable::new(ConnectivityFailure::Timeout, message));
                }
            }
        }
    }
}

fn definite(failure: &Failure) -> Option<Unreachable> {
    // A peer that does not speak TLS just closes: librdkafka then reports the transport, and the step only in its text.
    let handshake = failure.message.contains("SSL handshake failed");
    let (step, what) = match failure.code {
        Code::RD_KAFKA_RESP_ERR__SSL => (ConnectivityFailure::Tls, "TLS failed"),
        Code::RD_KAFKA_RESP_ERR__TRANSPORT if handshake => (ConnectivityFailure::Tls, "TLS failed"),
        Code::RD_KAFKA_RESP_ERR__TRANSPORT if failure.message.contains(permission::REFUSED) => {
            (ConnectivityFailure::Configuration, "a broker names an address in a network in which data sources may not be")
        }
        Code::RD_KAFKA_RESP_ERR__AUTHENTICATION | Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED => {
            (ConnectivityFailure::Credentials, "user or password were refused")
        }
        Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM => (ConnectivityFailure::Credentials, "the broker does not offer this sign-in"),
        _ => return None,
    };
    Some(Unreachable::new(step, format!("{what}: {}", failure.message)))
}
