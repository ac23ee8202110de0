//! Fields that many kinds have, and reading them.

use millrace_connector::{ConnectivityFailure as Failure, FieldSpec, FieldType, KindSpec, PORT, Properties, Unreachable};

pub(crate) const HOST: FieldSpec =
    FieldSpec::new("host", "Host", FieldType::Host, "Name or address of the server, as the platform's servers reach it").required();
pub(crate) const USER: FieldSpec = FieldSpec::new("user", "User", FieldType::Text, "Who to sign in as");
pub(crate) const PASSWORD: FieldSpec = FieldSpec::new("password", "Password", FieldType::Text, "The user's password").secret();
pub(crate) const TLS: FieldSpec = FieldSpec::new(
    "tls",
    "TLS",
    FieldType::Choice { values: &["disable", "require", "verify"] },
    "`require` encrypts; `verify` also makes the server prove its name",
)
.address();
pub(crate) const TLS_CA: FieldSpec = FieldSpec::new(
    "tls.ca.pem",
    "Authorities",
    FieldType::Pem,
    "Certificates (PEM) of the authorities that sign the server's certificate; the public ones if empty",
);

pub(crate) const fn port(default: &'static str) -> FieldSpec {
    FieldSpec::new("port", "Port", PORT, "TCP port of the server").or(default).address()
}

/// A field's value or default.
pub(crate) fn text<'a>(spec: &KindSpec, properties: &'a Properties, name: &str) -> &'a str {
    spec.value(properties, name).unwrap_or_default()
}

/// A field's value as a number.
pub(crate) fn number<T: std::str::FromStr>(spec: &KindSpec, properties: &Properties, name: &str) -> Result<T, Unreachable> {
    let value = text(spec, properties, name);
    value.parse().map_err(|_| Unreachable::new(Failure::Configuration, format!("`{name}` is not a number that fits; check the properties")))
}

/// Secrets may have spaces at their ends.
pub(crate) fn secret<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).map(String::as_str).unwrap_or_default()
}

pub(crate) fn failed(failure: Failure, message: impl Into<String>) -> Unreachable {
    Unreachable::new(failure, message)
}
