//! Kinds of data sources: what there is to fill in, and what can be done without reading or writing a job's rows
//! (SRC-1 to SRC-3, TOP-5).
//!
//! Invariant: the description of a kind is data; the form that a page shows and the check of what comes back are made from
//! the same fields.

use crate::{ConfigError, ConnectivityFailure, ConnectivityReport, Unreachable};
use async_trait::async_trait;
use millrace_model::Schema;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Names and values of a data source's properties, secrets in clear.
pub type Properties = BTreeMap<String, String>;

/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of one name.
const NAME_BYTES_MAX: usize = 200;

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FieldType {
    /// Any text of one line.
    Text,
    /// Texts in PEM form.
    Pem,
    /// A host name or an address.
    Host,
    /// `host:port, host:port, …`
    Servers,
    /// An address of HTTP, without user and password.
    Url,
    /// A whole number within bounds.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these.
    Choice {
        /// What there is.
        values: &'static [&'static str],
    },
}

/// A TCP port.
pub const PORT: FieldType = FieldType::Integer { min: 1, max: 65_535 };

/// A property that a kind knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldSpec {
    /// Its name: `bootstrap.servers`.
    pub name: &'static str,
    /// What a page calls it.
    pub label: &'static str,
    /// What it takes.
    #[serde(flatten)]
    pub field_type: FieldType,
    /// Whether it must be there.
    pub required: bool,
    /// What holds if it is not there.
    pub default: Option<&'static str>,
    /// Whether it is kept sealed and never shown.
    pub secret: bool,
    /// Whether it says where, or how protected, secrets are sent: with another value of it, secrets must be given again.
    pub address: bool,
    /// What it means.
    pub description: &'static str,
}

impl FieldSpec {
    /// A field that may be left out.
    pub const fn new(name: &'static str, label: &'static str, field_type: FieldType, description: &'static str) -> Self {
        let address = matches!(field_type, FieldType::Host | FieldType::Servers | FieldType::Url);
        Self { name, label, field_type, required: false, default: None, secret: false, address, description }
    }

    /// It must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What holds if it is not there.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// It is kept sealed and never shown.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// It says where, or how protected, secrets are sent. Hosts, servers and URLs do so anyway.
    #[must_use]
    pub const fn address(self) -> Self {
        Self { address: true, ..self }
    }
}

/// Groups of kinds, as the manual has them (SRC-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KindGroup {
    /// Relational databases.
    Relational,
    /// Databases that spread one query over many nodes.
    Mpp,
    /// Big data systems.
    BigData,
    /// Files and objects.
    SemiStructured,
    /// Message queues.
    MessageQueue,
    /// Everything else.
    Other,
}

/// What a kind of data source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KindSpec {
    /// Its name: `kafka`.
    pub kind: &'static str,
    /// What a page calls it.
    pub title: &'static str,
    /// Where a page shows it.
    pub group: KindGroup,
    /// What it is for, and what its test finds out.
    pub description: &'static str,
    /// The properties that it knows, in the order of the form.
    pub fields: &'static [FieldSpec],
    /// Beginnings of names beyond these fields: `header.`; an empty one stands for all names.
    pub free_prefixes: &'static [&'static str],
    /// Whether schemas can be read from it.
    pub can_sample: bool,
}

impl KindSpec {
    /// Everything wrong with these properties as far as the fields tell; each error names `properties.<name>`.
    pub fn check(&self, properties: &Properties) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for field in self.fields {
            match properties.get(field.name).map(|v| v.trim()) {
                None | Some("") if field.required => errors.push(error(field.name, "config.missing", "is missing")),
                None | Some("") => {}
                Some(value) => {
                    if let Err(message) = check_value(field, value) {
                        errors.push(error(field.name, "config.invalid", message));
                    }
                }
            }
        }
        for (name, value) in properties {
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                errors.push(error(name.get(..40).unwrap_or_default(), "config.invalid", "the name is empty or longer than 200 bytes"));
            } else if value.len() > VALUE_BYTES_MAX {
                errors.push(error(name, "config.invalid", format!("has {} bytes, at most {VALUE_BYTES_MAX} are allowed", value.len())));
            } else if !self.fields.iter().any(|f| f.name == name) && !self.free_prefixes.iter().any(|p| name.starts_with(p)) {
                let known: Vec<_> = self.fields.iter().map(|f| f.name).collect();
                let message = format!("is not a property of `{}`; properties are {}", self.kind, known.join(", "));
                errors.push(error(name, "config.unknown_property", message));
            }
        }
        errors
    }

    /// The fields that send secrets somewhere else after a change from `before` to `after`.
    pub fn moved(&self, before: &Properties, after: &Properties) -> Vec<&'static str> {
        let differs = |field: &&FieldSpec| field.address && self.value(before, field.name) != self.value(after, field.name);
        self.fields.iter().filter(differs).map(|field| field.name).collect()
    }

    /// The value of a field: what is there, else its default.
    pub fn value<'a>(&self, properties: &'a Properties, name: &str) -> Option<&'a str> {
        let given = properties.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        given.or_else(|| self.fields.iter().find(|f| f.name == name)?.default)
    }
}

fn error(name: &str, code: &str, message: impl Into<String>) -> ConfigError {
    ConfigError::new(format!("properties.{name}"), code, message)
}

/// Messages repeat no value of a secret.
fn check_value(field: &FieldSpec, value: &str) -> Result<(), String> {
    let found = || if field.secret { "the value".to_owned() } else { format!("`{}`", value.chars().take(80).collect::<String>()) };
    match field.field_type {
        FieldType::Text => {
            if value.chars().any(char::is_control) {
                return Err("has control characters, expected one line of text".into());
            }
        }
        FieldType::Pem => {
            if !value.contains("-----BEGIN ") {
                return Err("is not in PEM form; expected a text that begins with `-----BEGIN`".into());
            }
        }
        FieldType::Host => {
            if value.contains("://") || value.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
                return Err(format!("{} is not a host; expected a name or an address without scheme, port and path", found()));
            }
        }
        FieldType::Servers => {
            let is_server = |s: &str| !s.is_empty() && !s.contains(char::is_whitespace) && !s.contains('/') && !s.contains('@');
            let address = |s: &str| s.rsplit_once("://").map_or(s.to_owned(), |(_, rest)| rest.to_owned());
            if !value.split(',').map(|s| address(s.trim())).all(|s| is_server(&s)) {
                return Err(format!("{} is not a list of servers; expected `host:port, host:port`", found()));
            }
        }
        FieldType::Url => {
            let rest = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
            let authority = rest.and_then(|r| r.split(['/', '?', '#']).next()).unwrap_or_default();
            if authority.is_empty() || value.contains(char::is_whitespace) {
                return Err("is not an HTTP address; expected `http://host:port/path` or `https://…`".into());
            }
            if authority.contains('@') {
                return Err("holds a user or a password, which everybody could see; put them into their own properties".into());
            }
        }
        FieldType::Integer { min, max } => {
            if !value.parse::<i64>().is_ok_and(|n| (min..=max).contains(&n)) {
                return Err(format!("is {}, expected a whole number from {min} to {max}", found()));
            }
        }
        FieldType::Boolean => {
            if !matches!(value, "true" | "false") {
                return Err(format!("is {}, expected `true` or `false`", found()));
            }
        }
        FieldType::Choice { values } => {
            if !values.contains(&value) {
                return Err(format!("is {}, expected one of {}", found(), values.join(", ")));
            }
        }
    }
    Ok(())
}

/// How much of a system a sample may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleLimits {
    /// Rows that are looked at.
    pub rows_max: usize,
    /// Bytes that are looked at.
    pub bytes_max: usize,
    /// Names of tables that are listed.
    pub tables_max: usize,
    /// When it must be over.
    pub until: Instant,
}

/// What a sample found.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// The system says itself what a table is.
    Table(SampledTable),
    /// The system has messages and knows nothing of what is in them.
    Messages(SampledMessages),
}

/// Some messages of a topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SampledMessages {
    /// Values of messages, the newest of each partition; those without a value are left out.
    pub values: Vec<Vec<u8>>,
    /// Messages without a value.
    pub tombstones: u64,
    /// Partitions of the topic.
    pub partitions: usize,
    /// What the Schema Registry has for the topic's values.
    pub registered: Option<RegisteredSchema>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A schema of a Schema Registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// `clicks-value`.
    pub subject: String,
    /// Its newest version.
    pub version: u64,
    /// `AVRO`, `JSON` or `PROTOBUF`.
    pub schema_type: String,
    /// The schema's text.
    pub schema: String,
}

/// A table as its system has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledTable {
    /// Its columns.
    pub schema: Schema,
    /// What is known of each column, in the same order.
    pub evidence: Vec<ColumnEvidence>,
    /// Message format that reads it: `{"type": "json"}`; absent where rows are not messages.
    pub format: Option<serde_json::Value>,
    /// What the columns come from: `messages`, `catalog`, `schema_registry`.
    pub origin: &'static str,
    /// Rows that were looked at; 0 where the system says itself what a table is.
    pub rows_seen: u64,
    /// Rows that could not be read.
    pub rows_unreadable: u64,
    /// A few rows, as JSON.
    pub rows: Vec<serde_json::Value>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// How sure a column is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnEvidence {
    /// Name of the column.
    pub column: String,
    /// Rows in which it was there and not NULL.
    pub rows_present: u64,
    /// Rows whose value had the column's type.
    pub rows_agreeing: u64,
    /// Share of rows with a value that have this type, 0 to 1; 1 where the system says itself.
    pub confidence: f64,
    /// Comment that the system has, or the type in its own words.
    pub note: Option<String>,
}

/// One kind of data source.
#[async_trait]
pub trait DataSourceKind: Send + Sync {
    /// What it is.
    fn spec(&self) -> &'static KindSpec;

    /// Everything wrong with these properties; empty if they can be tried. No I/O.
    fn check(&self, properties: &Properties) -> Vec<ConfigError> {
        self.spec().check(properties)
    }

    /// Really connects and says what was reached or exactly what failed (SRC-2). Ends before `deadline`. The properties
    /// have passed [`Self::check`].
    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport;

    /// Names of the tables (topics) that are there, in order, and whether there are more.
    ///
    /// # Errors
    /// The system cannot be used, or has no tables.
    async fn tables(&self, _properties: &Properties, _limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
        Err(no_tables(self.spec()))
    }

    /// Finds out the columns of a table. Leaves nothing behind in the system.
    ///
    /// # Errors
    /// The system cannot be used, or the table is not there.
    async fn sample(&self, _properties: &Properties, _table: &str, _limits: &SampleLimits) -> Result<Sample, Unreachable> {
        Err(no_tables(self.spec()))
    }
}

fn no_tables(spec: &KindSpec) -> Unreachable {
    let message = format!("schemas cannot be read from data sources of kind `{}`; describe the table by hand", spec.kind);
    Unreachable::new(ConnectivityFailure::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: KindSpec = KindSpec {
        kind: "thing",
        title: "Thing",
        group: KindGroup::Other,
        description: "",
        fields: &[
            FieldSpec::new("host", "Host", FieldType::Host, "").required(),
            FieldSpec::new("port", "Port", PORT, "").or("80").address(),
            FieldSpec::new("url", "URL", FieldType::Url, ""),
            FieldSpec::new("servers", "Servers", FieldType::Servers, ""),
            FieldSpec::new("tls", "TLS", FieldType::Choice { values: &["disable", "verify"] }, ""),
            FieldSpec::new("pin", "PIN", FieldType::Integer { min: 0, max: 9 }, "").secret(),
            FieldSpec::new("ok", "OK", FieldType::Boolean, ""),
            FieldSpec::new("ca", "CA", FieldType::Pem, ""),
        ],
        free_prefixes: &["header."],
        can_sample: false,
    };

    fn properties(text: &str) -> Properties {
        text.split_whitespace().filter_map(|p| p.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn what_fits_the_fields_passes() {
        let all = "host=db.example port=5432 url=https://x.example/a servers=a:1,ssl://b:2 tls=verify pin=1 ok=true header.X-Team=a";
        assert_eq!(SPEC.check(&properties(all)), []);
        assert_eq!(SPEC.value(&properties("host=a"), "port"), Some("80"));
        assert_eq!(SPEC.value(&properties("port=81"), "port"), Some("81"));
        assert_eq!(SPEC.value(&properties(""), "tls"), None);
    }

    #[test]
    fn what_sends_secrets_elsewhere_is_told() {
        let moved = |before: &str, after: &str| SPEC.moved(&properties(before), &properties(after));
        assert_eq!(moved("host=a port=1 pin=1 ok=true", "host=a port=1 pin=2 ok=false header.x=1"), [""; 0]);
        assert_eq!(moved("host=a", "host=a port=80"), [""; 0], "the default is said");
        assert_eq!(moved("host=a port=81 servers=x:1", "host=b servers=x:1,y:2"), ["host", "port", "servers"]);
        assert_eq!(moved("host=a url=http://x", "host=a"), ["url"]);
    }

    #[test]
    fn each_wrong_field_is_named_and_no_secret_repeated() {
        let all = "port=0 url=ftp://x servers=a,,b tls=maybe pin=hunter2 ok=yes other=1 ca=abc";
        let errors = SPEC.check(&properties(all));
        let lines: Vec<String> = errors.iter().map(|e| format!("{} {} {}", e.field, e.code, e.message)).collect();
        let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        let expected = ["host", "port", "url", "servers", "tls", "pin", "ok", "ca", "other"].map(|n| format!("properties.{n}"));
        assert_eq!(fields, expected, "{lines:#?}");
        assert!(!lines.join(" ").contains("hunter2"), "{lines:#?}");
        for url in ["http://", "http:///a", "http://user:pw@host/", "host"] {
            assert!(!SPEC.check(&properties(&format!("host=a url={url}"))).is_empty(), "{url}");
        }
    }
}
