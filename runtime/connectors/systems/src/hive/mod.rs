//! Hive through HiveServer2's binary transport: sign-in by SASL PLAIN and `OpenSession` in the database.

mod sasl;
mod thrift;

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, failed, number, port, secret, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use std::time::{Duration, Instant};
use thrift::{Value, Writer};

const ANSWER_BYTES_MAX: usize = 1 << 20;

static SPEC: KindSpec = KindSpec {
    kind: "hive",
    title: "Hive",
    group: KindGroup::BigData,
    description: "Hive through HiveServer2 (binary transport). The test signs in and opens a session in the database.",
    fields: &[
        HOST,
        port("10000"),
        FieldSpec::new("database", "Database", FieldType::Text, "Database that tables are in").or("default"),
        FieldSpec::new(
            "auth",
            "Sign-in",
            FieldType::Choice { values: &["plain", "nosasl"] },
            "`plain` for NONE, LDAP, PAM and CUSTOM of `hive.server2.authentication`, `nosasl` for NOSASL",
        )
        .or("plain"),
        USER.or("millrace"),
        PASSWORD,
        TLS.or("disable"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `hive`.
pub(crate) struct Hive {
    dialer: Dialer,
}

impl Hive {
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
        let (user, password) = (text(&SPEC, properties, "user"), secret(properties, "password"));
        let framed = text(&SPEC, properties, "auth") == "plain";
        if framed {
            // Servers that ask nobody for a password still want one that is not empty.
            sasl::sign_in(&mut wire, user, if password.is_empty() { "anonymous" } else { password }).await?;
        }
        let database = text(&SPEC, properties, "database");
        let answer = call(&mut wire, framed, "OpenSession", &open_session(user, database)).await?;
        let place = wire.place().to_owned();
        // TOpenSessionResp: status, serverProtocolVersion, sessionHandle, configuration.
        let response = answer.field(0).ok_or_else(|| foreign(&wire))?;
        let status = response.field(1).ok_or_else(|| foreign(&wire))?;
        // TStatusCode: 0 success, 1 success with information, 3 error.
        if !matches!(status.field(1).and_then(Value::integer), Some(0 | 1)) {
            let said = status.field(5).and_then(Value::text).map(printable).unwrap_or_default();
            let missing = said.contains("does not exist") || said.contains("NoSuchDatabase") || said.contains("not found");
            return Err(if missing {
                failed(Failure::Missing, format!("{place}: there is no database `{database}`; make it or check the name"))
            } else {
                failed(Failure::Protocol, format!("{place}: the session was refused: {said}"))
            });
        }
        let version = response.field(2).and_then(Value::integer).unwrap_or_default();
        // The handle goes back as it came; a server that does not hear it ends the session by itself.
        if let Some(handle) = response.field(3) {
            let mut writer = Writer::default();
            writer.structure(1, |request| request.copy(1, handle));
            let _ = call(&mut wire, framed, "CloseSession", &writer.end()).await;
        }
        // TProtocolVersion counts from HIVE_CLI_SERVICE_PROTOCOL_V1 = 0.
        let protocol = format!("V{}", version + 1);
        let message = format!("HiveServer2 at {place}, protocol {protocol}, database `{database}`");
        Ok(Reached::new(message).with("server", "HiveServer2").with("protocol", protocol).with("database", database))
    }
}

/// The arguments of `OpenSession` (TCLIService.thrift): protocol version 10, user, and the database to begin in.
fn open_session(user: &str, database: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.structure(1, |request| {
        request.integer(1, 9);
        request.text(2, user);
        request.map(4, &[("use:database", database)]);
    });
    writer.end()
}

/// One call; under SASL each message is a frame with its length.
async fn call(wire: &mut Wire, framed: bool, method: &str, arguments: &[u8]) -> Result<Value, Unreachable> {
    let message = thrift::call(method, arguments);
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let bytes = if framed { [length.as_slice(), message.as_slice()].concat() } else { message };
    wire.send(&bytes).await?;
    if framed {
        let length = wire.read(4).await?.try_into().map_or(u32::MAX, u32::from_be_bytes) as usize;
        if length > ANSWER_BYTES_MAX {
            return Err(foreign(wire));
        }
        let answer = wire.read(length).await?;
        return thrift::answer(&answer, method).ok_or_else(|| foreign(wire));
    }
    // Without frames the end shows only in the structure: read until it is whole.
    let mut answer = Vec::new();
    loop {
        answer.extend_from_slice(&wire.read(1).await?);
        if let Some(value) = thrift::answer(&answer, method) {
            return Ok(value);
        }
        if answer.len() > 64 << 10 || !thrift::may_begin(&answer) {
            return Err(foreign(wire));
        }
    }
}

fn foreign(wire: &Wire) -> Unreachable {
    wire.unexpected("the answer is not HiveServer2's; its binary transport is expected, and `auth` as the server has it")
}

#[async_trait]
impl DataSourceKind for Hive {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
