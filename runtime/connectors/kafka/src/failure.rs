//! Turns librdkafka's failures into the connector's errors: which topic, which cluster, what to do.

use crate::native::{BATCH_BYTES_MAX, Client, Code, Failure, describe, permission};
use millrace_connector::{Connection, ConnectorError};

/// The brokers as users know them.
pub(crate) fn cluster(connection: &Connection) -> String {
    connection.properties.get("bootstrap.servers").map_or_else(|| "?".to_owned(), |servers| servers.trim().to_owned())
}

/// An error at a topic.
pub(crate) fn topic_error(topic: &str, connection: &Connection, client: Option<&Client>, failure: &Failure) -> ConnectorError {
    let system = format!("kafka topic `{topic}` on {}", cluster(connection));
    if failure.is_fenced() {
        return ConnectorError::Fenced(system);
    }
    let (message, retryable) = explain(failure, client);
    ConnectorError::External { system, message, retryable }
}

/// A topic that the cluster reports an error for.
pub(crate) fn topic_code_error(topic: &str, connection: &Connection, code: Code) -> ConnectorError {
    topic_error(topic, connection, None, &Failure { code, message: describe(code), retriable: false, abortable: false })
}

fn explain(failure: &Failure, client: Option<&Client>) -> (String, bool) {
    use Code::*;
    if let Some(refused) = client.and_then(Client::refusal) {
        return (refused.message, false);
    }
    match failure.code {
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART | RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC | RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION => {
            ("the topic is not there; publish the table or make the topic".into(), false)
        }
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
            (format!("the data source's user has no permission: {}", failure.message), false)
        }
        RD_KAFKA_RESP_ERR__TRANSPORT
        | RD_KAFKA_RESP_ERR__TIMED_OUT
        | RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
        | RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
        | RD_KAFKA_RESP_ERR__RESOLVE => {
            let last = client.and_then(Client::last_error);
            if last.as_ref().is_some_and(|last| last.message.contains(permission::REFUSED)) {
                let message = "a broker is at an address in a network in which data sources may not be; whoever runs the server can open \
                               it (--source-networks-allowed)";
                return (message.into(), false);
            }
            let cause = last.map_or_else(String::new, |last| format!(": {}", last.message));
            (format!("broker unreachable{cause}"), true)
        }
        RD_KAFKA_RESP_ERR__BAD_COMPRESSION => {
            let most = BATCH_BYTES_MAX >> 20;
            (format!("a batch of messages is damaged, or has more than {most} MiB when it is unpacked: write smaller batches"), false)
        }
        RD_KAFKA_RESP_ERR__AUTHENTICATION => (format!("sign-in failed: {}", failure.message), false),
        _ => (failure.message.clone(), true),
    }
}
