//! Client properties: what users may set, and what the connector sets for itself.
//!
//! Invariant: no property from outside makes the client read the host's files, run programs, call other services or
//! break the delivery promises, and none lets it take more memory or threads than the limits here say.

use millrace_connector::{Connection, ConnectorError};
use std::collections::BTreeMap;

/// Names (or, with `*`, patterns) that are refused, and why.
const REFUSED: &[(&str, &str)] = &[
    ("plugin.library.paths", "it would load code into the server"),
    ("*.location", "it would read files of the server; use the property that holds the PEM text itself"),
    ("*keytab*", "it would read files of the server"),
    ("*kerberos*", "it would run programs on the server"),
    ("sasl.oauthbearer.*", "it would make the server call other addresses"),
    ("metadata.broker.list", "it is another name of `bootstrap.servers`, which is the one to use"),
    ("*_cb", "it is not for configuration files"),
    ("opaque", "it is not for configuration files"),
    ("ssl.engine.id", "it would load code into the server"),
    ("ssl.certificate.verify_cb", "it is not for configuration files"),
    ("ssl.ca.certificate.stores", "it would read the server's certificate stores"),
    ("debug", "its output goes to the server's log"),
    ("log*", "it changes the server's log"),
    ("group.*", "partitions are assigned by the job"),
    ("session.timeout.ms", "it belongs to consumer groups, which jobs do not use"),
    ("partition.assignment.strategy", "partitions are assigned by the job"),
    ("enable.auto.commit", "the position is part of the job's checkpoints"),
    ("auto.commit.*", "the position is part of the job's checkpoints"),
    ("enable.auto.offset.store", "the position is part of the job's checkpoints"),
    ("auto.offset.reset", "an offset that is gone is an error; set `start` instead"),
    ("offset.store.*", "the position is part of the job's checkpoints"),
    ("enable.partition.eof", "it changes what a source reads"),
    ("isolation.level", "sources read committed records only"),
    ("consume.callback.*", "it changes what a source reads"),
    ("transactional.id", "it carries the exactly-once promise"),
    ("transaction.timeout.ms", "transactions are short and written at once"),
    ("enable.idempotence", "it carries the delivery promise"),
    ("enable.gapless.guarantee", "it carries the delivery promise"),
    ("acks", "it carries the delivery promise"),
    ("request.required.acks", "it carries the delivery promise"),
    ("delivery.report.only.error", "it carries the delivery promise"),
    ("dr_*", "it carries the delivery promise"),
    ("max.in.flight*", "it carries the delivery promise"),
    ("message.send.max.retries", "it carries the delivery promise"),
    ("retries", "it carries the delivery promise"),
    ("allow.auto.create.topics", "tables are made by publishing them"),
    ("statistics.interval.ms", "the connector has its own metrics"),
    ("enable.metrics.push", "the connector has its own metrics"),
    ("test.*", "it is for tests of the client"),
    ("builtin.features", "it cannot be set"),
];

/// Servers that a data source may name: librdkafka makes a thread for each.
pub(crate) const SERVERS_MAX: usize = 20;

/// Properties that decide how much memory a client takes, and the most that each may be.
const LIMITS: &[(&str, u64)] = &[
    ("queued.max.messages.kbytes", 128 << 10),
    ("queued.min.messages", 1_000_000),
    ("fetch.message.max.bytes", 32 << 20),
    ("max.partition.fetch.bytes", 32 << 20),
    ("fetch.max.bytes", 32 << 20),
    ("fetch.min.bytes", 32 << 20),
    ("receive.message.max.bytes", RECEIVE_BYTES_MAX),
    ("message.max.bytes", 32 << 20),
    ("message.copy.max.bytes", 32 << 20),
    ("queue.buffering.max.messages", 1_000_000),
    ("queue.buffering.max.kbytes", 256 << 10),
    ("batch.size", 32 << 20),
    ("batch.num.messages", 1_000_000),
    ("socket.send.buffer.bytes", 8 << 20),
    ("socket.receive.buffer.bytes", 8 << 20),
];

/// Bytes of one answer that a client reads unless its properties ask for more.
const RECEIVE_BYTES: u64 = 16 << 20;
const RECEIVE_BYTES_MAX: u64 = 64 << 20;
/// What an answer has besides the messages that were asked for.
const FRAME_BYTES: u64 = 1 << 10;

/// Why the value of a property is beyond what a client may take.
pub(crate) fn beyond(name: &str, value: &str) -> Option<String> {
    if name == "bootstrap.servers" {
        let servers = value.split(',').filter(|server| !server.trim().is_empty()).count();
        return (servers > SERVERS_MAX)
            .then(|| format!("names {servers} servers, at most {SERVERS_MAX} are allowed; a few are enough, as they name the others"));
    }
    let (_, max) = LIMITS.iter().find(|(limited, _)| *limited == name)?;
    match value.trim().parse::<i64>() {
        Ok(number) if u64::try_from(number).is_ok_and(|number| number > *max) => {
            Some(format!("is {number}, at most {max} is allowed, so that one client does not take the memory of others"))
        }
        Ok(_) => None,
        Err(_) => Some("is not a whole number".into()),
    }
}

/// Names that belong to the data source, not to one operator.
const CONNECTION_ONLY: &[&str] = &["bootstrap.servers", "metadata.broker.list", "security.protocol", "sasl.*", "ssl.*", "enable.ssl.*"];

/// Why a property of an operator is refused.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    if CONNECTION_ONLY.iter().any(|pattern| matches(pattern, name)) {
        return Some("it belongs to the data source");
    }
    connection_refusal(name)
}

/// Why a property of a data source is refused.
pub(crate) fn connection_refusal(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, reason)| *reason)
}

/// Beginning of the properties that are the Schema Registry's, not the client's.
pub(crate) const REGISTRY: &str = "schema.registry.";

/// `*` at either end stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

/// Properties of a client: the connector's defaults, then the data source's, then the operator's, then what must be.
pub(crate) fn assemble(
    connection: &Connection,
    defaults: &[(&str, &str)],
    operator: &BTreeMap<String, String>,
    required: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, ConnectorError> {
    check_connection(connection)?;
    if let Some((name, reason)) = operator.keys().find_map(|name| Some((name, refusal(name)?))) {
        return Err(ConnectorError::Config(format!("client property `{name}` cannot be set: {reason}")));
    }
    check_limits(operator)?;
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut all: BTreeMap<String, String> = SHARED.iter().chain(defaults).map(text).collect();
    all.extend(connection.properties.iter().filter(|(name, _)| !name.starts_with(REGISTRY)).map(|(n, v)| (n.clone(), v.clone())));
    all.extend(operator.clone());
    all.extend(required.iter().map(text));
    fit_sizes(&mut all, |name| connection.properties.contains_key(name) || operator.contains_key(name));
    Ok(all)
}

/// Sizes that were not asked for follow those that were: librdkafka wants the largest fetch to be no smaller than the largest
/// message, and room for it and its frame in an answer.
fn fit_sizes(all: &mut BTreeMap<String, String>, is_asked_for: impl Fn(&str) -> bool) {
    let number = |all: &BTreeMap<String, String>, name: &str| all.get(name).and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0);
    let (fetch, message) = (number(all, "fetch.max.bytes"), number(all, "message.max.bytes"));
    if (1..message).contains(&fetch) && !is_asked_for("fetch.max.bytes") {
        all.insert("fetch.max.bytes".into(), message.to_string());
    }
    if !is_asked_for("receive.message.max.bytes") {
        let answer = fetch.max(message).saturating_add(FRAME_BYTES);
        all.insert("receive.message.max.bytes".into(), answer.clamp(RECEIVE_BYTES, RECEIVE_BYTES_MAX).to_string());
    }
}

fn check_limits(properties: &BTreeMap<String, String>) -> Result<(), ConnectorError> {
    match properties.iter().find_map(|(name, value)| Some((name, beyond(name, value)?))) {
        Some((name, problem)) => Err(ConnectorError::Config(format!("client property `{name}` {problem}"))),
        None => Ok(()),
    }
}

/// Checks a data source's properties by name.
pub(crate) fn check_connection(connection: &Connection) -> Result<(), ConnectorError> {
    if let Some((name, reason)) = connection.properties.keys().find_map(|name| Some((name, connection_refusal(name)?))) {
        return Err(ConnectorError::Config(format!("client property `{name}` cannot be set: {reason}")));
    }
    check_limits(&connection.properties)?;
    match connection.properties.get("bootstrap.servers").map(|servers| servers.trim()) {
        None | Some("") => Err(ConnectorError::Config("client property `bootstrap.servers` is missing: expected `host:port, …`".into())),
        Some(_) => Ok(()),
    }
}

/// Small and quick to reconnect: thousands of clients may share a process.
const SHARED: &[(&str, &str)] = &[
    ("client.id", "millrace"),
    ("allow.auto.create.topics", "false"),
    ("socket.keepalive.enable", "true"),
    ("socket.nagle.disable", "true"),
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("log.connection.close", "false"),
    ("enable.metrics.push", "false"),
];

/// Defaults of sources. The prefetch is bounded in bytes, and a full one is looked at again at once, not after a second.
pub(crate) const SOURCE_DEFAULTS: &[(&str, &str)] = &[
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "100000"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.error.backoff.ms", "100"),
    ("fetch.message.max.bytes", "4194304"),
    ("fetch.max.bytes", "12582912"),
    ("fetch.wait.max.ms", "500"),
];

/// What a source needs to be right.
pub(crate) const SOURCE_REQUIRED: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "false"),
];

/// Defaults of a sink that writes straight away. Rows come in batches anyway, and what queues up while a request is under
/// way fills the next one. A linger would make librdkafka poll without waiting during its last millisecond, at the cost
/// of a fifth of the processor time of a busy sink.
pub(crate) const AT_LEAST_ONCE_DEFAULTS: &[(&str, &str)] = &[
    ("linger.ms", "0"),
    ("batch.size", "262144"),
    ("queue.buffering.max.messages", "200000"),
    ("queue.buffering.max.kbytes", "65536"),
    ("sticky.partitioning.linger.ms", "3"),
];

/// Defaults of a sink that writes whole transactions: large batches.
pub(crate) const EXACTLY_ONCE_DEFAULTS: &[(&str, &str)] = &[
    ("linger.ms", "5"),
    ("batch.size", "1000000"),
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "131072"),
    ("sticky.partitioning.linger.ms", "10"),
];

/// What every sink needs to be right; only failed deliveries are reported one by one.
pub(crate) const SINK_REQUIRED: &[(&str, &str)] =
    &[("enable.idempotence", "true"), ("acks", "all"), ("delivery.report.only.error", "true")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_that_reach_into_the_server_are_refused() {
        for name in ["plugin.library.paths", "ssl.ca.location", "ssl.keystore.location", "sasl.kerberos.kinit.cmd", "sasl.kerberos.keytab"]
        {
            assert!(connection_refusal(name).is_some(), "{name}");
        }
        for name in ["bootstrap.servers", "sasl.password", "ssl.ca.pem", "security.protocol"] {
            assert!(connection_refusal(name).is_none(), "{name}");
            assert!(refusal(name).is_some(), "{name} belongs to the data source");
        }
        for name in ["enable.auto.commit", "group.id", "transactional.id", "isolation.level", "acks", "log_level", "debug"] {
            assert!(refusal(name).is_some(), "{name}");
        }
        for name in [
            "fetch.max.bytes",
            "receive.message.max.bytes",
            "batch.size",
            "heartbeat.interval.ms",
            "socket.timeout.ms",
            "linger.ms",
            "compression.type",
            "client.rack",
        ] {
            assert!(refusal(name).is_none(), "{name}");
        }
    }
    fn connection(properties: &[(&str, &str)]) -> Connection {
        let all = [&[("bootstrap.servers", "a:9092")], properties].concat();
        Connection { kind: "kafka".into(), properties: all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect() }
    }

    fn receives(properties: &[(&str, &str)]) -> Result<String, String> {
        let all = assemble(&connection(properties), SOURCE_DEFAULTS, &BTreeMap::new(), SOURCE_REQUIRED).map_err(|e| e.to_string())?;
        crate::native::Client::new(crate::native::ClientKind::Consumer, &all).map_err(|e| e.to_string())?;
        Ok(all["receive.message.max.bytes"].clone())
    }

    #[test]
    fn what_a_client_takes_is_bounded() {
        let eight_thousand = vec!["a:1"; 8_000].join(",");
        let too_many = assemble(&connection(&[("bootstrap.servers", &eight_thousand)]), &[], &BTreeMap::new(), &[]).unwrap_err();
        assert!(too_many.to_string().contains("names 8000 servers, at most 20 are allowed"), "{too_many}");
        assert_eq!(receives(&[]).unwrap(), "16777216");
        assert_eq!(receives(&[("fetch.max.bytes", "33554432")]).unwrap(), "33555456", "librdkafka wants room beside a fetch");
        assert_eq!(receives(&[("message.max.bytes", "20000000")]).unwrap(), "20001024");
        assert_eq!(receives(&[("receive.message.max.bytes", "67108864")]).unwrap(), "67108864");
        let problem = receives(&[("receive.message.max.bytes", "1000000000")]).unwrap_err();
        assert!(problem.contains("`receive.message.max.bytes` is 1000000000, at most 67108864 is allowed"), "{problem}");
        assert!(receives(&[("queued.max.messages.kbytes", "0x7fffffff")]).unwrap_err().contains("is not a whole number"));
        let operator = BTreeMap::from([("queue.buffering.max.kbytes".to_owned(), "2097151".to_owned())]);
        let problem = assemble(&connection(&[]), AT_LEAST_ONCE_DEFAULTS, &operator, SINK_REQUIRED).unwrap_err();
        assert!(problem.to_string().contains("at most 262144"), "{problem}");
    }
}
