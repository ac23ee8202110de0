//! Oracle: the first step of its protocol, the connect packet to a listener and its answer.
//!
//! Oracle's network protocol (TNS) is not published. The packets here follow two open implementations of it: the thin mode
//! of python-oracledb (`src/oracledb/impl/thin/messages/connect.pyx`) and Wireshark's dissector (`packet-tns.c`). The
//! listener says whether it knows the service; user and password would be checked in later steps, and the answer says so.

mod packet;

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, failed, number, port, text};
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties,
    Reached, Unreachable,
};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use packet::{Answer, connect, read};
use std::time::{Duration, Instant};

/// How often a listener may ask to send the connect packet again.
const RESENDS_MAX: usize = 3;

static SPEC: KindSpec = KindSpec {
    kind: "oracle",
    title: "Oracle",
    group: KindGroup::Relational,
    description: "An Oracle database. The test asks the listener for the service; it does not check user and password.",
    fields: &[
        HOST,
        port("1521"),
        FieldSpec::new("service_name", "Service", FieldType::Text, "Service name of the database: `ORCLPDB1`"),
        FieldSpec::new("sid", "SID", FieldType::Text, "SID of an older database, instead of a service"),
        USER.required(),
        PASSWORD.required(),
        TLS.or("disable"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `oracle`.
pub(crate) struct Oracle {
    dialer: Dialer,
}

impl Oracle {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let host = text(&SPEC, properties, "host");
        let port: u16 = number(&SPEC, properties, "port")?;
        let mut wire = self.dialer.connect(host, port, until).await?;
        let tls = TlsSettings::of(properties, TlsMode::Disable);
        if tls.mode != TlsMode::Disable {
            wire = wire.secured(host, &tls).await?;
        }
        let (service, sid) = (text(&SPEC, properties, "service_name"), text(&SPEC, properties, "sid"));
        let (key, name) = if service.is_empty() { ("SID", sid) } else { ("SERVICE_NAME", service) };
        let scheme = if wire.is_encrypted() { "TCPS" } else { "TCP" };
        let descriptor = format!(
            "(DESCRIPTION=(CONNECT_DATA=({key}={name})(CID=(PROGRAM=millrace)(HOST=millrace)(USER=millrace)))(ADDRESS=(PROTOCOL={scheme})(HOST={host})(PORT={port})))"
        );
        let request = connect(&descriptor);
        for _ in 0..=RESENDS_MAX {
            wire.send(&request).await?;
            match read(&mut wire).await? {
                Answer::Resend => {}
                Answer::Accept { version } => return Ok(reached(&wire, name, &format!("TNS {version}"), "accepted")),
                // The service is there, and a handler at another address takes the connection.
                Answer::Redirect => return Ok(reached(&wire, name, "", "redirected")),
                Answer::Refuse { text } => return Err(refusal(&wire, name, &text)),
            }
        }
        Err(wire.unexpected("the listener asks for the same again and again"))
    }
}

fn reached(wire: &Wire, service: &str, protocol: &str, answer: &str) -> Reached {
    let message = format!("Oracle listener at {} knows `{service}`; user and password are checked when they are first used", wire.place());
    Reached::new(message).with("server", "Oracle").with("protocol", protocol).with("service", service).with("answer", answer)
}

/// Codes: "TNS-12500 to TNS-12699" of Oracle's error messages.
fn refusal(wire: &Wire, service: &str, said: &str) -> Unreachable {
    let place = wire.place();
    let code = |name: &str| said.split_once(&format!("({name}="))?.1.split(')').next()?.trim().parse::<u32>().ok();
    let version = code("VSNNUM").map(|v| format!(" (version {}.{})", v >> 24, v >> 20 & 15)).unwrap_or_default();
    match code("ERR").or_else(|| code("CODE")) {
        Some(12_514 | 12_505 | 12_504) => {
            failed(Failure::Missing, format!("{place}: the listener{version} does not know `{service}`; check `service_name` or `sid`"))
        }
        Some(12_526..=12_528) => {
            failed(Failure::Protocol, format!("{place}: `{service}` takes no connections now (starting or restricted); try again later"))
        }
        Some(12_516 | 12_519 | 12_520) => {
            failed(Failure::Protocol, format!("{place}: `{service}` has no connection left; try again later"))
        }
        Some(code) => failed(Failure::Protocol, format!("{place}: the listener{version} refused with TNS-{code:05}")),
        None => failed(Failure::Protocol, format!("{place}: the listener refused: {}", printable(said))),
    }
}

#[async_trait]
impl DataSourceKind for Oracle {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn check(&self, properties: &Properties) -> Vec<ConfigError> {
        let mut errors = SPEC.check(properties);
        let (service, sid) = (text(&SPEC, properties, "service_name"), text(&SPEC, properties, "sid"));
        let mut refuse = |code: &str, message: &str| errors.push(ConfigError::new("properties.service_name", code, message));
        match (service.is_empty(), sid.is_empty()) {
            (true, true) => refuse("config.missing", "is missing; give `service_name`, or `sid` for an older database"),
            (false, false) => refuse("config.invalid", "is given together with `sid`; give one of them"),
            _ => {}
        }
        // Brackets would change the descriptor that they become part of.
        if [service, sid, text(&SPEC, properties, "host")].iter().any(|t| t.contains(['(', ')', '='])) {
            errors.push(ConfigError::new("properties.service_name", "config.invalid", "has brackets or `=`, which no name has"));
        }
        errors
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
