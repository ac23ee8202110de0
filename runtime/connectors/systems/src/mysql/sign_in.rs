//! Sign-in and text queries
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>).
//!
//! Invariant: a password in clear is sent over TLS only.

use super::packet::{self, Cursor, foreign};
use crate::fields::{failed, number, secret, text};
use millrace_connector::{ConnectivityFailure as Failure, KindSpec, Properties, Unreachable};
use millrace_dial::{Dialer, TlsMode, TlsSettings, Wire, printable};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::time::Instant;

const LONG_PASSWORD: u32 = 1;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const SSL: u32 = 1 << 11;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
/// UTF-8 with up to four bytes a character.
const UTF8MB4: u8 = 45;
/// Columns and rows of one answer.
const COLUMNS_MAX: u64 = 1_000;
const ROWS_MAX: usize = 20_000;
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A row of texts.
pub(super) type TextRow = Vec<Option<String>>;

/// A signed-in session.
pub(super) struct Session {
    pub(super) wire: Wire,
    /// As the server says it: `10.11.6-MariaDB-0+deb12u1`.
    pub(super) version: String,
    place: String,
    database: String,
}

/// What the server begins with.
struct Greeting {
    version: String,
    capabilities: u32,
    salt: Vec<u8>,
    plugin: String,
}

impl Session {
    pub(super) async fn open(dialer: &Dialer, spec: &KindSpec, properties: &Properties, until: Instant) -> Result<Self, Unreachable> {
        let host = text(spec, properties, "host");
        let mut wire = dialer.connect(host, number(spec, properties, "port")?, until).await?;
        let place = wire.place().to_owned();
        let database = text(spec, properties, "database").to_owned();
        let (sequence, payload) = packet::read(&mut wire).await?;
        if payload.first() == Some(&0xff) {
            return Err(refusal(&place, &database, &payload));
        }
        let greeting = Greeting::parse(&payload).ok_or_else(|| foreign(&wire))?;
        let mut sequence = sequence.wrapping_add(1);
        let tls = TlsSettings::of(properties, TlsMode::Disable);
        let mut capabilities = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;
        if !database.is_empty() {
            capabilities |= CONNECT_WITH_DB;
        }
        if tls.mode != TlsMode::Disable {
            if greeting.capabilities & SSL == 0 {
                let message = format!("{place}: the server does not offer TLS; set `tls` to `disable` or set TLS up there");
                return Err(failed(Failure::Tls, message));
            }
            capabilities |= SSL;
            packet::write(&mut wire, sequence, &head(capabilities)).await?;
            wire = wire.secured(host, &tls).await?;
            sequence = sequence.wrapping_add(1);
        }
        let (user, password) = (text(spec, properties, "user"), secret(properties, "password"));
        let mut answer = head(capabilities);
        answer.extend_from_slice(user.as_bytes());
        answer.push(0);
        let proof = proof(&greeting.plugin, password, &greeting.salt, wire.is_encrypted()).unwrap_or_default();
        answer.push(u8::try_from(proof.len()).unwrap_or(0));
        answer.extend_from_slice(&proof);
        if !database.is_empty() {
            answer.extend_from_slice(database.as_bytes());
            answer.push(0);
        }
        answer.extend_from_slice(greeting.plugin.as_bytes());
        answer.push(0);
        packet::write(&mut wire, sequence, &answer).await?;
        let mut session = Self { wire, version: printable(&greeting.version), place, database };
        session.prove(password, greeting).await?;
        Ok(session)
    }

    /// Answers what the server asks until it is content.
    async fn prove(&mut self, password: &str, greeting: Greeting) -> Result<(), Unreachable> {
        let (mut plugin, mut salt) = (greeting.plugin, greeting.salt);
        // Each server asks at most twice; a hostile one must not ask for ever.
        for _ in 0..4 {
            let (sequence, payload) = packet::read(&mut self.wire).await?;
            let next = sequence.wrapping_add(1);
            match payload.split_first() {
                Some((0x00, _)) => return Ok(()),
                Some((0xff, _)) => return Err(refusal(&self.place, &self.database, &payload)),
                Some((0xfe, rest)) => {
                    let mut cursor = Cursor(rest);
                    plugin = cursor.text();
                    salt = cursor.0.strip_suffix(&[0]).unwrap_or(cursor.0).to_vec();
                    let proof = proof(&plugin, password, &salt, self.wire.is_encrypted()).ok_or_else(|| self.unknown_plugin(&plugin))?;
                    packet::write(&mut self.wire, next, &proof).await?;
                }
                // caching_sha2_password: 3 means "known", 4 "send the password".
                Some((0x01, [3])) if plugin == "caching_sha2_password" => {}
                Some((0x01, [4])) if plugin == "caching_sha2_password" => {
                    if !self.wire.is_encrypted() {
                        let message = "the server wants to see the password of this user, which is sent under TLS only; set `tls` to `require` or `verify`";
                        return Err(failed(Failure::Tls, format!("{}: {message}", self.place)));
                    }
                    packet::write(&mut self.wire, next, &[password.as_bytes(), &[0]].concat()).await?;
                }
                _ => return Err(foreign(&self.wire)),
            }
        }
        let _ = salt;
        Err(foreign(&self.wire))
    }

    fn unknown_plugin(&self, plugin: &str) -> Unreachable {
        let hint = if plugin == "mysql_clear_password" {
            "which needs TLS; set `tls` to `require` or `verify`"
        } else {
            "which is not supported; use a user with a native or SHA-2 password"
        };
        failed(Failure::Credentials, format!("{}: the user signs in by `{}`, {hint}", self.place, printable(plugin)))
    }

    /// Rows of a query, as texts.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>, Unreachable> {
        packet::write(&mut self.wire, 0, &[&[3], sql.as_bytes()].concat()).await?;
        let (_, head) = packet::read(&mut self.wire).await?;
        if head.first() == Some(&0xff) {
            return Err(refusal(&self.place, &self.database, &head));
        }
        let columns = Cursor(&head).integer().filter(|n| *n <= COLUMNS_MAX).ok_or_else(|| foreign(&self.wire))?;
        // Definitions of the columns, then an end mark.
        for _ in 0..=columns {
            packet::read(&mut self.wire).await?;
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        loop {
            let (_, payload) = packet::read(&mut self.wire).await?;
            match payload.first() {
                Some(0xfe) if payload.len() < 9 => return Ok(rows),
                Some(0xff) => return Err(refusal(&self.place, &self.database, &payload)),
                _ => {}
            }
            bytes += payload.len();
            if rows.len() >= ROWS_MAX || bytes > ANSWER_BYTES_MAX {
                return Err(self.wire.unexpected("the answer has more rows than were asked for"));
            }
            let mut cursor = Cursor(&payload);
            let row: Option<TextRow> = (0..columns).map(|_| cursor.value()).collect();
            rows.push(row.ok_or_else(|| foreign(&self.wire))?);
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
        let _ = packet::write(&mut self.wire, 0, &[1]).await;
    }
}

/// What every answer of the client begins with.
fn head(capabilities: u32) -> Vec<u8> {
    let mut bytes = capabilities.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(1u32 << 24).to_le_bytes());
    bytes.push(UTF8MB4);
    bytes.extend_from_slice(&[0; 23]);
    bytes
}

impl Greeting {
    /// Protocol::HandshakeV10.
    fn parse(payload: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(payload);
        if cursor.byte()? != 10 {
            return None;
        }
        let version = cursor.text();
        cursor.take(4)?;
        let mut salt = cursor.take(8)?.to_vec();
        cursor.take(1)?;
        let low = u32::from(cursor.u16()?);
        cursor.take(3)?;
        let capabilities = low | u32::from(cursor.u16()?) << 16;
        let length = usize::from(cursor.byte()?);
        cursor.take(10)?;
        let rest = cursor.take(length.saturating_sub(8).max(13))?;
        salt.extend_from_slice(rest.strip_suffix(&[0]).unwrap_or(rest));
        let plugin = if capabilities & PLUGIN_AUTH == 0 { "mysql_native_password".to_owned() } else { cursor.text() };
        Some(Self { version, capabilities, salt, plugin })
    }
}

/// What proves the password; `None` for a way of signing in that is not known, or may not be used here.
fn proof(plugin: &str, password: &str, salt: &[u8], is_encrypted: bool) -> Option<Vec<u8>> {
    let mixed = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    Some(match plugin {
        "mysql_clear_password" if is_encrypted => [password.as_bytes(), &[0]].concat(),
        "mysql_native_password" | "caching_sha2_password" if password.is_empty() => Vec::new(),
        "mysql_native_password" => {
            let once = Sha1::digest(password);
            let twice = Sha1::digest(once);
            mixed(&once, &Sha1::new().chain_update(salt).chain_update(twice).finalize())
        }
        "caching_sha2_password" => {
            let once = Sha256::digest(password);
            let twice = Sha256::digest(once);
            mixed(&once, &Sha256::new().chain_update(twice).chain_update(salt).finalize())
        }
        _ => return None,
    })
}

/// An error packet as a failure (codes: MySQL's and MariaDB's error references).
fn refusal(place: &str, database: &str, payload: &[u8]) -> Unreachable {
    let mut cursor = Cursor(payload.get(1..).unwrap_or_default());
    let code = cursor.u16().unwrap_or_default();
    if cursor.0.first() == Some(&b'#') {
        cursor.take(6);
    }
    let said = printable(&String::from_utf8_lossy(cursor.0));
    match code {
        1045 | 1698 | 1130 | 1862 | 3118 | 4151 => {
            failed(Failure::Credentials, format!("{place}: user or password were refused: {said}; check both"))
        }
        1044 | 1142 | 1227 => failed(Failure::Credentials, format!("{place}: the user may not use database `{database}`: {said}")),
        1049 => failed(Failure::Missing, format!("{place}: there is no database `{database}`; make it or check the name")),
        3159 => failed(Failure::Tls, format!("{place}: the server takes encrypted connections only; set `tls` to `require` or `verify`")),
        1040 | 1203 => failed(Failure::Protocol, format!("{place}: the server has no connection left: {said}; try again later")),
        _ => failed(Failure::Protocol, format!("{place}: the server answered with error {code}: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_proved_as_servers_check_them() {
        let salt = *b"0123456789abcdefghij";
        // A server knows SHA1(SHA1(password)) and finds SHA1(password) again from the proof.
        let native = proof("mysql_native_password", "secret", &salt, false).unwrap();
        let stored = Sha1::digest(Sha1::digest("secret"));
        let mask = Sha1::new().chain_update(salt).chain_update(stored).finalize();
        let once: Vec<u8> = native.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha1::digest(once), stored);
        let sha2 = proof("caching_sha2_password", "secret", &salt, false).unwrap();
        let stored = Sha256::digest(Sha256::digest("secret"));
        let mask = Sha256::new().chain_update(stored).chain_update(salt).finalize();
        let once: Vec<u8> = sha2.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha256::digest(once), stored);
        assert_eq!(proof("mysql_native_password", "", &salt, false).unwrap(), b"");
        assert!(proof("mysql_clear_password", "secret", &salt, false).is_none(), "never in clear without TLS");
    }

    #[test]
    fn a_greeting_that_is_cut_off_is_no_greeting() {
        let mut whole = vec![10];
        whole.extend_from_slice(b"8.0.36\0\x01\0\0\0saltsalt\0\xff\xf7\xff\x02\0\xff\xdf\x15");
        whole.extend_from_slice(&[0; 10]);
        whole.extend_from_slice(b"saltsaltsalt\0caching_sha2_password\0");
        let greeting = Greeting::parse(&whole).unwrap();
        assert_eq!((greeting.version.as_str(), greeting.plugin.as_str()), ("8.0.36", "caching_sha2_password"));
        assert_eq!(greeting.salt, b"saltsaltsaltsaltsalt");
        for end in 0..52 {
            assert!(Greeting::parse(&whole[..end]).is_none(), "{end}");
        }
    }
}
