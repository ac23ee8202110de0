//! The kind of data source `kafka` (SRC-1): what there is to fill in, its test, its topics.

use crate::{
    connectivity,
    native::Client,
    properties::{beyond, connection_refusal},
    sampling,
};
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connection, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Sample,
    SampleLimits, Unreachable,
};
use millrace_dial::Dialer;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

static SPEC: KindSpec = KindSpec {
    kind: "kafka",
    title: "Kafka",
    group: KindGroup::MessageQueue,
    description: "A Kafka cluster. The test opens a bootstrap server, signs in and asks for the cluster's brokers.",
    fields: &[
        FieldSpec::new("bootstrap.servers", "Bootstrap servers", FieldType::Servers, "Some brokers of the cluster: `host:port, host:port`")
            .required(),
        FieldSpec::new(
            "security.protocol",
            "Protocol",
            FieldType::Choice {
                values: &["plaintext", "ssl", "sasl_plaintext", "sasl_ssl", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
            },
            "Whether connections are encrypted (`ssl`) and clients sign in (`sasl`)",
        )
        .or("plaintext")
        .address(),
        FieldSpec::new(
            "sasl.mechanism",
            "Sign-in",
            FieldType::Choice { values: &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] },
            "How clients sign in",
        ),
        FieldSpec::new("sasl.username", "User", FieldType::Text, "Who to sign in as").secret(),
        FieldSpec::new("sasl.password", "Password", FieldType::Text, "The user's password").secret(),
        FieldSpec::new(
            "ssl.ca.pem",
            "Authorities",
            FieldType::Pem,
            "Certificates (PEM) of the authorities that sign the brokers' certificates",
        ),
        FieldSpec::new(
            "ssl.certificate.pem",
            "Client certificate",
            FieldType::Pem,
            "Certificate (PEM) that clients show, if brokers ask for one",
        ),
        FieldSpec::new("ssl.key.pem", "Client key", FieldType::Pem, "Key (PEM) of the client certificate").secret(),
        FieldSpec::new(
            "schema.registry.url",
            "Schema Registry",
            FieldType::Url,
            "Address of a Confluent Schema Registry, from which schemas are imported",
        ),
        FieldSpec::new("schema.registry.user", "Registry user", FieldType::Text, "Who to sign in as at the Schema Registry"),
        FieldSpec::new("schema.registry.password", "Registry password", FieldType::Text, "The Schema Registry user's password").secret(),
    ],
    // Any property of librdkafka that is not refused.
    free_prefixes: &[""],
    can_sample: true,
};

/// The kind `kafka`.
#[derive(Debug, Clone)]
pub struct KafkaDataSource {
    dialer: Dialer,
}

impl KafkaDataSource {
    /// Connects through `dialer` first; the clients themselves are limited by [`crate::limit_networks`].
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }
}

pub(crate) fn connection(properties: &Properties) -> Connection {
    Connection { kind: SPEC.kind.to_owned(), properties: properties.clone() }
}

#[async_trait]
impl DataSourceKind for KafkaDataSource {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn check(&self, properties: &Properties) -> Vec<ConfigError> {
        let mut errors = SPEC.check(properties);
        for (name, value) in properties.iter().filter(|(name, _)| !name.starts_with("schema.registry.")) {
            let field = format!("properties.{name}");
            if errors.iter().any(|e| e.field == field) {
                continue;
            }
            if let Some(reason) = connection_refusal(name) {
                errors.push(ConfigError::new(field, "config.property_refused", format!("cannot be set: {reason}")));
            } else if let Some(problem) = beyond(name, value) {
                errors.push(ConfigError::new(field, "config.invalid", problem));
            } else if let Err(error) = Client::check_properties(&BTreeMap::from([(name.clone(), value.clone())])) {
                errors.push(ConfigError::new(field, "config.invalid", error.to_string()));
            }
        }
        errors
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        let connection = connection(properties);
        ConnectivityReport::measure(connectivity::reach(&connection, &self.dialer, Instant::now() + deadline), deadline).await
    }

    async fn tables(&self, properties: &Properties, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
        let connection = connection(properties);
        connectivity::reach(&connection, &self.dialer, limits.until).await?;
        sampling::topics(&connection, limits).await
    }

    async fn sample(&self, properties: &Properties, table: &str, limits: &SampleLimits) -> Result<Sample, Unreachable> {
        let connection = connection(properties);
        connectivity::reach(&connection, &self.dialer, limits.until).await?;
        sampling::sample(&connection, &self.dialer, table, limits).await
    }
}
