//! FTP: sign-in and folder over the control connection (RFC 959), under TLS by `AUTH TLS` (RFC 4217).

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, failed, number, port, secret, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use std::time::{Duration, Instant};

const LINE_BYTES_MAX: usize = 2048;
/// Lines of one answer.
const LINES_MAX: usize = 100;

static SPEC: KindSpec = KindSpec {
    kind: "ftp",
    title: "FTP",
    group: KindGroup::SemiStructured,
    description: "Files on an FTP server. The test signs in and enters the folder.",
    fields: &[
        HOST,
        port("21"),
        USER.or("anonymous"),
        PASSWORD,
        FieldSpec::new("path", "Folder", FieldType::Text, "Folder below which files are read and written").or("/"),
        TLS.or("disable"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `ftp`.
pub(crate) struct Ftp {
    dialer: Dialer,
}

struct Reply {
    code: u16,
    text: String,
}

impl Ftp {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let host = text(&SPEC, properties, "host");
        let mut wire = self.dialer.connect(host, number(&SPEC, properties, "port")?, until).await?;
        let place = wire.place().to_owned();
        let banner = reply(&mut wire).await?;
        if banner.code != 220 {
            return Err(failed(Failure::Protocol, format!("{place}: the server takes nobody now (code {}); try again later", banner.code)));
        }
        let tls = TlsSettings::of(properties, TlsMode::Disable);
        if tls.mode != TlsMode::Disable {
            let answer = command(&mut wire, "AUTH TLS").await?;
            if answer.code != 234 {
                let message =
                    format!("{place}: the server does not offer TLS (code {}); set `tls` to `disable` or set TLS up there", answer.code);
                return Err(failed(Failure::Tls, message));
            }
            wire = wire.secured(host, &tls).await?;
        }
        sign_in(&mut wire, text(&SPEC, properties, "user"), secret(properties, "password")).await?;
        let system = command(&mut wire, "SYST").await?;
        let system = if system.code == 215 { printable(&system.text) } else { String::new() };
        let path = text(&SPEC, properties, "path");
        let entered = command(&mut wire, &format!("CWD {path}")).await?;
        if entered.code != 250 {
            let message = format!("{place}: folder `{path}` cannot be entered: {}; check the path", printable(&entered.text));
            return Err(failed(Failure::Missing, message));
        }
        // The answer to a farewell changes nothing.
        let _ = command(&mut wire, "QUIT").await;
        let server = printable(banner.text.lines().next().unwrap_or_default());
        let message = format!("FTP server `{server}`, folder `{path}`");
        Ok(Reached::new(message).with("server", server).with("system", system).with("path", path))
    }
}

async fn sign_in(wire: &mut Wire, user: &str, password: &str) -> Result<(), Unreachable> {
    let mut answer = command(wire, &format!("USER {user}")).await?;
    if answer.code == 331 {
        let password = if user == "anonymous" && password.is_empty() { "millrace@" } else { password };
        if password.contains(['\r', '\n']) {
            return Err(failed(Failure::Configuration, "the password has line ends, which FTP cannot send"));
        }
        answer = command(wire, &format!("PASS {password}")).await?;
    }
    let place = wire.place();
    match answer.code {
        230 | 202 => Ok(()),
        332 => Err(failed(
            Failure::Credentials,
            format!("{place}: the server asks for an account beside user and password, which is not supported"),
        )),
        421 => Err(failed(Failure::Protocol, format!("{place}: the server takes nobody now; try again later"))),
        code => {
            let message = format!("{place}: user or password were refused (code {code}); check both, and whether the server wants TLS");
            Err(failed(Failure::Credentials, message))
        }
    }
}

async fn command(wire: &mut Wire, line: &str) -> Result<Reply, Unreachable> {
    wire.send(format!("{line}\r\n").as_bytes()).await?;
    reply(wire).await
}

/// One reply; those of several lines begin with `ddd-` and end with a line that begins with `ddd `.
async fn reply(wire: &mut Wire) -> Result<Reply, Unreachable> {
    let mut text = String::new();
    let mut first = None;
    for _ in 0..LINES_MAX {
        let line = wire.line(LINE_BYTES_MAX).await?;
        let code = line.get(..3).and_then(|c| c.parse::<u16>().ok()).filter(|c| (100..600).contains(c));
        let ends = line.as_bytes().get(3).is_none_or(|b| *b == b' ');
        text.push_str(line.get(4..).unwrap_or_default());
        text.push('\n');
        match (first, code) {
            (None, None) => return Err(wire.unexpected("the answer is not FTP")),
            (None, Some(code)) if ends => return Ok(Reply { code, text }),
            (None, Some(code)) => first = Some(code),
            (Some(began), Some(code)) if began == code && ends => return Ok(Reply { code, text }),
            (Some(_), _) => {}
        }
    }
    Err(wire.unexpected("the answer is longer than any of FTP"))
}

#[async_trait]
impl DataSourceKind for Ftp {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
