//! A look at topics (TOP-5): their names, and the newest messages of one.
//!
//! Invariant: nothing is left behind in the cluster: no group is joined, no offset committed. Messages, bytes and time are
//! bounded.

use crate::{
    native::{Client, ClientKind, Code, Failure, Fetcher, OffsetSpec, Topic, blocking, list_offsets},
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{
    Connection, ConnectivityFailure, ConnectorError, Properties, RegisteredSchema, Sample, SampleLimits, SampledMessages, Unreachable,
};
use millrace_dial::{
    Dialer, TlsMode, TlsSettings,
    http::{HttpRequest, parse_url, send},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// What a client for a look needs: records that are committed, and little memory.
const LOOK: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("queued.max.messages.kbytes", "2048"),
    ("fetch.message.max.bytes", "262144"),
];

fn unusable(error: impl ToString) -> Unreachable {
    Unreachable::new(ConnectivityFailure::Configuration, error.to_string())
}

fn failed(failure: &Failure) -> Unreachable {
    let step = match failure.code {
        Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED | Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
            ConnectivityFailure::Credentials
        }
        Code::RD_KAFKA_RESP_ERR__FATAL => ConnectivityFailure::Configuration,
        Code::RD_KAFKA_RESP_ERR__TIMED_OUT | Code::RD_KAFKA_RESP_ERR__TRANSPORT => ConnectivityFailure::Timeout,
        _ => ConnectivityFailure::Protocol,
    };
    Unreachable::new(step, failure.message.clone())
}

fn client(connection: &Connection) -> Result<Arc<Client>, Unreachable> {
    let properties = assemble(connection, SOURCE_DEFAULTS, &BTreeMap::new(), LOOK).map_err(unusable)?;
    Client::new(ClientKind::Consumer, &properties).map_err(unusable)
}

async fn waiting<T: Send + 'static>(call: impl FnOnce() -> Result<T, Unreachable> + Send + 'static) -> Result<T, Unreachable> {
    blocking(move || Ok(call())).await.unwrap_or_else(|error: ConnectorError| Err(unusable(error)))
}

/// Names of topics that are not Kafka's own, and whether there are more.
pub(crate) async fn topics(connection: &Connection, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
    let client = client(connection)?;
    let limits = *limits;
    waiting(move || {
        let mut names = client.topics(left(limits.until)).map_err(|f| failed(&f))?;
        names.retain(|name| !name.starts_with("__"));
        names.sort_unstable();
        let more = names.len() > limits.tables_max;
        names.truncate(limits.tables_max);
        Ok((names, more))
    })
    .await
}

fn left(until: Instant) -> std::time::Duration {
    until.saturating_duration_since(Instant::now())
}

/// The newest messages of a topic, and what the Schema Registry says of them.
pub(crate) async fn sample(connection: &Connection, dialer: &Dialer, topic: &str, limits: &SampleLimits) -> Result<Sample, Unreachable> {
    let client = client(connection)?;
    let (name, limit) = (topic.to_owned(), *limits);
    let (topic_handle, spans) = waiting(move || spans(&client, &name, &limit)).await?;
    let mut found = read(topic_handle, &spans, limits).await?;
    match registered(&connection.properties, dialer, topic, limits).await {
        Ok(schema) => found.registered = schema,
        // Messages tell something too.
        Err(error) => found.notes.push(format!("the Schema Registry could not be asked: {error}")),
    }
    Ok(Sample::Messages(found))
}

/// For each partition where to begin and where it ends.
type Spans = Vec<(i32, i64, i64)>;

fn spans(client: &Arc<Client>, name: &str, limits: &SampleLimits) -> Result<(Topic, Spans), Unreachable> {
    let topic = Topic::new(client, name).map_err(|f| failed(&f))?;
    let metadata = client.metadata(Some(&topic), left(limits.until)).map_err(|f| failed(&f))?;
    match metadata.topic_error {
        None => {}
        Some(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART | Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) => {
            let message = format!("the cluster has no topic `{name}`; make it or check the name");
            return Err(Unreachable::new(ConnectivityFailure::Missing, message));
        }
        Some(code) => return Err(failed(&Failure::of(code))),
    }
    let ask = |spec: OffsetSpec| {
        let wanted: Vec<_> = metadata.partitions.iter().map(|&p| (p, spec)).collect();
        list_offsets(client, name, &wanted, left(limits.until)).map_err(|f| failed(&f))
    };
    let (first, end) = (ask(OffsetSpec::Earliest)?, ask(OffsetSpec::Latest)?);
    let each = i64::try_from(limits.rows_max.div_ceil(metadata.partitions.len().max(1))).unwrap_or(i64::MAX);
    let span = |((partition, first), (_, end)): ((i32, i64), (i32, i64))| (partition, first.max(end.saturating_sub(each)), end);
    let spans = first.into_iter().zip(end).map(span).collect();
    Ok((topic, spans))
}

/// Reads from each partition up to where it ended at the beginning.
async fn read(topic: Topic, spans: &Spans, limits: &SampleLimits) -> Result<SampledMessages, Unreachable> {
    let mut found = SampledMessages { partitions: spans.len(), ..SampledMessages::default() };
    let mut open: BTreeMap<i32, i64> = spans.iter().filter(|(_, from, end)| from < end).map(|(p, _, end)| (*p, *end)).collect();
    let mut fetcher = Fetcher::new(topic);
    for (partition, from, _) in spans.iter().filter(|(p, ..)| open.contains_key(p)) {
        fetcher.start(*partition, *from).map_err(|f| failed(&f))?;
    }
    let (mut messages, mut bytes) = (fetcher.messages(), 0);
    while !open.is_empty() {
        messages.clear();
        fetcher.take(&mut messages, 500);
        if messages.len() == 0 {
            if tokio::time::timeout_at(limits.until.into(), fetcher.nonempty()).await.is_err() {
                found.notes.push("the time was over before all messages were read".into());
                break;
            }
            continue;
        }
        for message in (0..messages.len()).filter_map(|index| messages.get(index)) {
            match &message.failure {
                // The end of the partition, perhaps behind marks of transactions that are no messages.
                Some(failure) if failure.code == Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => _ = open.remove(&message.partition),
                Some(failure) => return Err(failed(failure)),
                None => {
                    if open.get(&message.partition).is_some_and(|end| message.offset + 1 >= *end) {
                        open.remove(&message.partition);
                    }
                    let Some(value) = message.payload else {
                        found.tombstones += 1;
                        continue;
                    };
                    bytes += value.len();
                    if found.values.len() >= limits.rows_max || bytes > limits.bytes_max {
                        found.notes.push(format!("only {} messages were read: the rest is beyond the sample's size", found.values.len()));
                        return Ok(found);
                    }
                    found.values.push(value.to_vec());
                }
            }
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct RegistryAnswer {
    subject: String,
    version: u64,
    schema: String,
    /// Left out for Avro.
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
}

/// The newest schema of the topic's values (<https://docs.confluent.io/platform/current/schema-registry/develop/api.html>).
async fn registered(
    properties: &Properties,
    dialer: &Dialer,
    topic: &str,
    limits: &SampleLimits,
) -> Result<Option<RegisteredSchema>, Unreachable> {
    let Some(url) = properties.get("schema.registry.url").filter(|url| !url.trim().is_empty()) else { return Ok(None) };
    let mut url = parse_url(url).map_err(|e| unusable(format!("`schema.registry.url` {e}")))?;
    let subject = format!("{topic}-value");
    url.path_segments_mut().map(|mut s| _ = s.pop_if_empty().extend(["subjects", &subject, "versions", "latest"])).unwrap_or_default();
    let sign_in = [("user", "schema.registry.user"), ("password", "schema.registry.password")];
    let sign_in = sign_in.iter().filter_map(|(name, from)| Some(((*name).to_owned(), properties.get(*from)?.clone()))).collect();
    let request = HttpRequest::get(url).header("accept", "application/vnd.schemaregistry.v1+json").basic_auth(&sign_in);
    let tls = TlsSettings { mode: TlsMode::Verify, ca_pem: properties.get("ssl.ca.pem").cloned() };
    let answer = send(dialer, request, &tls, limits.until).await?;
    match answer.status.as_u16() {
        200 => {}
        404 => return Ok(None),
        401 | 403 => {
            return Err(Unreachable::new(ConnectivityFailure::Credentials, format!("{}: user or password were refused", answer.place)));
        }
        status => return Err(Unreachable::new(ConnectivityFailure::Protocol, format!("{}: status {status}", answer.place))),
    }
    let found: RegistryAnswer = serde_json::from_slice(&answer.body)
        .map_err(|_| Unreachable::new(ConnectivityFailure::Protocol, format!("{}: the answer is not a Schema Registry's", answer.place)))?;
    let schema_type = found.schema_type.unwrap_or_else(|| "AVRO".into());
    Ok(Some(RegisteredSchema { subject: found.subject, version: found.version, schema_type, schema: found.schema }))
}
