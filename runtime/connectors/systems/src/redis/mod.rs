//! Redis: sign-in, database, server information (RESP2, <https://redis.io/docs/latest/develop/reference/protocol-spec/>).

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, failed, number, port, secret, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use std::time::{Duration, Instant};

const LINE_BYTES_MAX: usize = 4096;
const BULK_BYTES_MAX: usize = 64 << 10;

static SPEC: KindSpec = KindSpec {
    kind: "redis",
    title: "Redis",
    group: KindGroup::Other,
    description: "Keys and values. The test signs in, selects the database and asks for the version.",
    fields: &[
        HOST,
        port("6379"),
        FieldSpec::new("database", "Database", FieldType::Integer { min: 0, max: 65_535 }, "Number of the database").or("0"),
        USER,
        PASSWORD,
        TLS.or("disable"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `redis`.
pub(crate) struct Redis {
    dialer: Dialer,
}

/// An answer of one command.
enum Answer {
    Text(String),
    Error(String),
}

impl Redis {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let host = text(&SPEC, properties, "host");
        let mut wire = self.dialer.connect(host, number(&SPEC, properties, "port")?, until).await?;
        let tls = TlsSettings::of(properties, TlsMode::Disable);
        if tls.mode != TlsMode::Disable {
            wire = wire.secured(host, &tls).await?;
        }
        let place = wire.place().to_owned();
        let (user, password) = (text(&SPEC, properties, "user"), secret(properties, "password"));
        if !password.is_empty() {
            let arguments = if user.is_empty() { vec!["AUTH", password] } else { vec!["AUTH", user, password] };
            if let Answer::Error(said) = command(&mut wire, &arguments).await? {
                // Some versions repeat the arguments of a wrong AUTH.
                let said = printable(&said).replace(password, "…");
                return Err(failed(Failure::Credentials, format!("{place}: user or password were refused: {said}; check both")));
            }
        }
        let database = text(&SPEC, properties, "database");
        if let Answer::Error(said) = command(&mut wire, &["SELECT", database]).await? {
            return Err(refused(&place, &said, |said| {
                failed(Failure::Missing, format!("{place}: database {database} cannot be selected: {said}; check its number"))
            }));
        }
        let info = match command(&mut wire, &["INFO", "server"]).await? {
            Answer::Text(info) => info,
            Answer::Error(said) => {
                return Err(refused(&place, &said, |said| failed(Failure::Protocol, format!("{place}: INFO was refused: {said}"))));
            }
        };
        let find = |name: &str| info.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).map(printable).unwrap_or_default();
        let version = find("redis_version");
        let message = format!("Redis {version}, database {database}");
        Ok(Reached::new(message)
            .with("server", "Redis")
            .with("version", version)
            .with("database", database)
            .with("mode", find("redis_mode")))
    }
}

/// Errors that mean "sign in first" may come with any command.
fn refused(place: &str, said: &str, other: impl FnOnce(String) -> Unreachable) -> Unreachable {
    let said = printable(said);
    if said.starts_with("NOAUTH") || said.starts_with("NOPERM") || said.starts_with("WRONGPASS") {
        return failed(Failure::Credentials, format!("{place}: {said}; give `user` and `password` of somebody who may do it"));
    }
    other(said)
}

async fn command(wire: &mut Wire, arguments: &[&str]) -> Result<Answer, Unreachable> {
    let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n{argument}\r\n", argument.len()).as_bytes());
    }
    wire.send(&request).await?;
    let line = wire.line(LINE_BYTES_MAX).await?;
    let foreign = "the answer is not Redis";
    if let Some(error) = line.strip_prefix('-') {
        return Ok(Answer::Error(error.to_owned()));
    }
    if let Some(simple) = line.strip_prefix('+') {
        return Ok(Answer::Text(simple.to_owned()));
    }
    let length = line.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()).filter(|n| *n <= BULK_BYTES_MAX);
    let Some(length) = length else { return Err(wire.unexpected(foreign)) };
    let bulk = wire.read(length + 2).await?;
    Ok(Answer::Text(String::from_utf8_lossy(bulk.get(..length).unwrap_or_default()).into_owned()))
}

#[async_trait]
impl DataSourceKind for Redis {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
