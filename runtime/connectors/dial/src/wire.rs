//! Bytes to and from a server, under one deadline.

use crate::{TlsSettings, tls};
use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use std::{
    io::{Error, ErrorKind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout_at,
};
use tokio_rustls::client::TlsStream;

/// A connection, plain or under TLS.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection with its name for messages, its deadline, and what has been read but not asked for yet.
pub struct Wire {
    stream: Stream,
    place: String,
    until: Instant,
    ahead: Vec<u8>,
    read_from: usize,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, place: String, until: Instant) -> Self {
        Self { stream: Stream::Plain(stream), place, until, ahead: Vec::new(), read_from: 0 }
    }

    /// `host:port`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// When everything must be over.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether bytes are encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    pub(crate) fn into_parts(self) -> (Stream, String, Instant) {
        (self.stream, self.place, self.until)
    }

    /// Puts TLS on the connection; `host` is the name that the server must prove.
    ///
    /// # Errors
    /// The settings are wrong, or the handshake failed.
    pub async fn secured(self, host: &str, settings: &TlsSettings) -> Result<Self, Unreachable> {
        let Self { stream, place, until, .. } = self;
        let Stream::Plain(plain) = stream else {
            return Err(Unreachable::new(Failure::Configuration, format!("{place}: the connection is encrypted already")));
        };
        let secured = tls::handshake(plain, &place, host, settings, until).await?;
        Ok(Self { stream: Stream::Tls(Box::new(secured)), place, until, ahead: Vec::new(), read_from: 0 })
    }

    /// An answer that is none of this protocol.
    pub fn unexpected(&self, what: &str) -> Unreachable {
        Unreachable::new(Failure::Protocol, format!("{}: {what}; check the port and the kind of the data source", self.place))
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// The connection broke or the time is over.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Unreachable> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(self.until.into(), sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.late()),
        }
    }

    /// Reads exactly `count` bytes.
    ///
    /// # Errors
    /// The connection broke or the time is over.
    pub async fn read(&mut self, count: usize) -> Result<Vec<u8>, Unreachable> {
        while self.ahead.len() - self.read_from < count {
            self.fill().await?;
        }
        let end = self.read_from + count;
        let found = self.ahead.get(self.read_from..end).map(<[u8]>::to_vec).unwrap_or_default();
        self.forget(end);
        Ok(found)
    }

    /// Reads up to the next line end, which is not part of the answer.
    ///
    /// # Errors
    /// No line end within `max` bytes, the connection broke or the time is over.
    pub async fn line(&mut self, max: usize) -> Result<String, Unreachable> {
        loop {
            let rest = self.ahead.get(self.read_from..).unwrap_or_default();
            if let Some(length) = rest.iter().take(max).position(|b| *b == b'\n') {
                let line = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).trim_end_matches('\r').to_owned();
                self.forget(self.read_from + length + 1);
                return Ok(line);
            }
            if rest.len() >= max {
                return Err(self.unexpected("the answer is not made of lines"));
            }
            self.fill().await?;
        }
    }

    fn forget(&mut self, end: usize) {
        self.read_from = end;
        if self.read_from == self.ahead.len() {
            self.ahead.clear();
            self.read_from = 0;
        }
    }

    async fn fill(&mut self) -> Result<(), Unreachable> {
        let mut piece = [0u8; 8192];
        match timeout_at(self.until.into(), self.stream.read(&mut piece)).await {
            Ok(Ok(0)) => Err(self.unexpected("the server closed the connection without an answer")),
            Ok(Ok(count)) => {
                self.ahead.extend_from_slice(piece.get(..count).unwrap_or_default());
                Ok(())
            }
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Unreachable {
        let message = format!("{}: the port is open, but the server did not answer in time; is it the right port?", self.place);
        Unreachable::new(Failure::Timeout, message)
    }

    fn broken(&self, error: &Error) -> Unreachable {
        match error.kind() {
            ErrorKind::InvalidData => Unreachable::new(Failure::Tls, format!("{}: TLS failed: {error}", self.place)),
            _ => self.unexpected("the server ended the connection"),
        }
    }
}

/// What a server says, fit for a message: one line, bounded, without control characters.
pub fn printable(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
