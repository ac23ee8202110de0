//! Sign-in and simple queries (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use super::scram::Scram;
use crate::fields::{failed, number, secret, text};
use md5::{Digest, Md5};
use millrace_connector::{ConnectivityFailure as Failure, KindSpec, Properties, Unreachable};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use std::time::Instant;

/// The request for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Protocol 3.0.
const VERSION: u32 = 196_608;
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Messages before the session is ready: parameters and notices.
const MESSAGES_MAX: usize = 1_000;
const ROWS_MAX: usize = 20_000;
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A row of texts.
pub(super) type TextRow = Vec<Option<String>>;

/// A signed-in session.
pub(super) struct Session {
    pub(super) wire: Wire,
    /// `server_version`.
    pub(super) version: String,
    place: String,
    database: String,
}

impl Session {
    pub(super) async fn open(dialer: &Dialer, spec: &KindSpec, properties: &Properties, until: Instant) -> Result<Self, Unreachable> {
        let host = text(spec, properties, "host");
        let mut wire = dialer.connect(host, number(spec, properties, "port")?, until).await?;
        let place = wire.place().to_owned();
        let tls = TlsSettings::of(properties, TlsMode::Disable);
        if tls.mode != TlsMode::Disable {
            wire.send(&SSL_REQUEST).await?;
            match wire.read(1).await?.first() {
                Some(b'S') => wire = wire.secured(host, &tls).await?,
                Some(b'N' | b'E') => {
                    let message = format!("{place}: the server does not offer TLS; set `tls` to `disable` or set TLS up there");
                    return Err(failed(Failure::Tls, message));
                }
                _ => return Err(foreign(&wire)),
            }
        }
        let (user, database) = (text(spec, properties, "user"), text(spec, properties, "database"));
        let mut startup = VERSION.to_be_bytes().to_vec();
        for part in ["user", user, "database", database, "application_name", "millrace", "client_encoding", "UTF8", ""] {
            startup.extend_from_slice(part.as_bytes());
            startup.push(0);
        }
        let length = u32::try_from(startup.len() + 4).unwrap_or(u32::MAX);
        wire.send(&[&length.to_be_bytes(), startup.as_slice()].concat()).await?;
        let mut session = Self { wire, version: String::new(), place, database: database.to_owned() };
        session.sign_in(user, secret(properties, "password")).await?;
        Ok(session)
    }

    /// Answers what the server asks until it is ready for queries.
    async fn sign_in(&mut self, user: &str, password: &str) -> Result<(), Unreachable> {
        let mut scram = None;
        for _ in 0..MESSAGES_MAX {
            let (kind, body) = self.receive().await?;
            match kind {
                b'E' => return Err(self.refusal(&body)),
                b'Z' => return Ok(()),
                b'S' => {
                    let mut parts = body.split(|b| *b == 0).map(String::from_utf8_lossy);
                    if parts.next().as_deref() == Some("server_version") {
                        self.version = printable(&parts.next().unwrap_or_default());
                    }
                }
                b'K' | b'N' | b'v' => {}
                b'R' => {
                    let (code, rest) = body.split_first_chunk::<4>().ok_or_else(|| foreign(&self.wire))?;
                    match (u32::from_be_bytes(*code), rest) {
                        (0, _) => {}
                        (2 | 6..=9, _) => return Err(self.unsupported()),
                        (3, _) => {
                            if !self.wire.is_encrypted() {
                                let message = "the server wants the password in clear, which is sent under TLS only; set `tls` to `require` or `verify`";
                                return Err(failed(Failure::Tls, format!("{}: {message}", self.place)));
                            }
                            self.respond(&zero_ended(password)).await?;
                        }
                        (5, salt) => self.respond(&zero_ended(&md5_proof(user, password, salt))).await?,
                        (10, mechanisms) => {
                            if !mechanisms.split(|b| *b == 0).any(|m| m == b"SCRAM-SHA-256") {
                                return Err(self.unsupported());
                            }
                            let begun = Scram::begin(password);
                            let first = begun.first();
                            let length = u32::try_from(first.len()).unwrap_or(0);
                            let message = [b"SCRAM-SHA-256\0".as_slice(), &length.to_be_bytes(), first.as_bytes()].concat();
                            self.respond(&message).await?;
                            scram = Some(begun);
                        }
                        (11, challenge) => {
                            let answer = scram.as_ref().and_then(|s| s.answer(&String::from_utf8_lossy(challenge)));
                            self.respond(answer.ok_or_else(|| foreign(&self.wire))?.as_bytes()).await?;
                        }
                        (12, _) => {}
                        _ => return Err(foreign(&self.wire)),
                    }
                }
                _ => return Err(foreign(&self.wire)),
            }
        }
        Err(foreign(&self.wire))
    }

    async fn respond(&mut self, body: &[u8]) -> Result<(), Unreachable> {
        self.post(b'p', body).await
    }

    async fn post(&mut self, kind: u8, body: &[u8]) -> Result<(), Unreachable> {
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
        self.wire.send(&[&[kind], length.to_be_bytes().as_slice(), body].concat()).await
    }

    async fn receive(&mut self) -> Result<(u8, Vec<u8>), Unreachable> {
        let head = self.wire.read(5).await?;
        let parts = head.split_first().and_then(|(kind, rest)| Some((*kind, u32::from_be_bytes(rest.try_into().ok()?))));
        let Some((kind, length)) = parts else { return Err(foreign(&self.wire)) };
        let length = (length as usize).checked_sub(4).filter(|n| *n <= MESSAGE_BYTES_MAX && kind.is_ascii_alphanumeric());
        let Some(length) = length else { return Err(foreign(&self.wire)) };
        Ok((kind, self.wire.read(length).await?))
    }

    /// Rows of a query, as texts.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>, Unreachable> {
        self.post(b'Q', &zero_ended(sql)).await?;
        let (mut rows, mut bytes, mut refusal) = (Vec::new(), 0, None);
        loop {
            let (kind, body) = self.receive().await?;
            bytes += body.len() + 5;
            if rows.len() > ROWS_MAX || bytes > ANSWER_BYTES_MAX {
                return Err(self.wire.unexpected("the answer has more rows than were asked for"));
            }
            match kind {
                b'D' => rows.push(row(&body).ok_or_else(|| foreign(&self.wire))?),
                b'E' => refusal = Some(self.refusal(&body)),
                b'Z' => return refusal.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Says farewell; a server that does not hear it notices the end by itself.
    pub(super) async fn close(mut self) {
        let _ = self.post(b'X', &[]).await;
    }

    fn unsupported(&self) -> Unreachable {
        let message = "the server wants a way of signing in that is not supported; passwords (SCRAM-SHA-256, MD5) are";
        failed(Failure::Credentials, format!("{}: {message}", self.place))
    }

    /// An error message as a failure (codes: appendix A of PostgreSQL's manual).
    fn refusal(&self, body: &[u8]) -> Unreachable {
        let field = |wanted: u8| {
            let found = body.split(|b| *b == 0).find_map(|part| part.split_first().filter(|(kind, _)| **kind == wanted));
            found.map(|(_, text)| printable(&String::from_utf8_lossy(text))).unwrap_or_default()
        };
        let (place, database, code, said) = (&self.place, &self.database, field(b'C'), field(b'M'));
        match code.as_str() {
            "28P01" => failed(Failure::Credentials, format!("{place}: user or password were refused: {said}; check both")),
            "28000" => failed(
                Failure::Credentials,
                format!("{place}: the user may not sign in from here so: {said}; see the server's pg_hba.conf"),
            ),
            "42501" => failed(Failure::Credentials, format!("{place}: the user may not do this in database `{database}`: {said}")),
            "3D000" => failed(Failure::Missing, format!("{place}: there is no database `{database}`; make it or check the name")),
            "53300" => failed(Failure::Protocol, format!("{place}: the server has no connection left: {said}; try again later")),
            "57P03" => failed(Failure::Protocol, format!("{place}: the server is starting up or shutting down; try again later")),
            _ => failed(Failure::Protocol, format!("{place}: the server answered with error {code}: {said}")),
        }
    }
}

fn foreign(wire: &Wire) -> Unreachable {
    wire.unexpected("the answer is not PostgreSQL")
}

fn zero_ended(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// `md5` + MD5(MD5(password + user) + salt).
fn md5_proof(user: &str, password: &str, salt: &[u8]) -> String {
    let inner = hex::encode(Md5::new().chain_update(password).chain_update(user).finalize());
    format!("md5{}", hex::encode(Md5::new().chain_update(inner).chain_update(salt).finalize()))
}

/// The values of a DataRow.
fn row(body: &[u8]) -> Option<TextRow> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        rest = after;
        if length < 0 {
            values.push(None);
            continue;
        }
        let (value, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        values.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = after;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_and_a_cut_one_is_none() {
        let whole = [&[0, 3][..], &[0, 0, 0, 1, b'a'], &[0xff; 4], &[0, 0, 0, 0]].concat();
        assert_eq!(row(&whole), Some(vec![Some("a".into()), None, Some(String::new())]));
        for end in 0..whole.len() {
            assert_eq!(row(&whole[..end]), None, "{end}");
        }
    }
}
