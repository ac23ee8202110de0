//! HBase's RPC: connection preamble and header, then calls. Frames have four bytes of length; headers and messages in them
//! are length-delimited.

use super::protobuf::{Message, bytes, delimited, number, take_delimited};
use crate::fields::failed;
use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use millrace_dial::{Wire, printable};

/// `HBas`, version 0, simple authentication.
const PREAMBLE: &[u8] = b"HBas\x00\x50";
const FRAME_BYTES_MAX: usize = 4 << 20;

/// A connection to one service of one server.
pub(super) struct Channel {
    wire: Wire,
    last_call: u64,
}

/// What a call came to.
pub(super) enum Call {
    Done(Vec<u8>),
    /// Name of the exception's class, and the first line that it says.
    Failed {
        class: String,
        said: String,
    },
}

impl Channel {
    pub(super) async fn open(mut wire: Wire, service: &str, user: &str) -> Result<Self, Unreachable> {
        let header = [bytes(1, &bytes(1, user.as_bytes())), bytes(2, service.as_bytes())].concat();
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_be_bytes();
        wire.send(&[PREAMBLE, length.as_slice(), header.as_slice()].concat()).await?;
        Ok(Self { wire, last_call: 0 })
    }

    pub(super) fn place(&self) -> &str {
        self.wire.place()
    }

    pub(super) async fn call(&mut self, method: &str, request: &[u8]) -> Result<Call, Unreachable> {
        self.last_call += 1;
        let header = [number(1, self.last_call), bytes(3, method.as_bytes()), number(4, 1)].concat();
        let body = [delimited(&header), delimited(request)].concat();
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.wire.send(&[length.as_slice(), body.as_slice()].concat()).await?;
        let head = self.wire.read(4).await?;
        let length = head.try_into().map_or(u32::MAX, u32::from_be_bytes) as usize;
        if length == 0 || length > FRAME_BYTES_MAX {
            return Err(self.foreign());
        }
        let frame = self.wire.read(length).await?;
        let mut rest = frame.as_slice();
        let header = take_delimited(&mut rest).map(Message).ok_or_else(|| self.foreign())?;
        if let Some(exception) = header.message(2) {
            let class = exception.text(1).unwrap_or_default();
            let trace = exception.text(2).unwrap_or_default();
            return Ok(Call::Failed { class: printable(&class), said: printable(trace.lines().next().unwrap_or_default()) });
        }
        if header.number(1) != Some(self.last_call) {
            return Err(self.foreign());
        }
        Ok(Call::Done(take_delimited(&mut rest).unwrap_or_default().to_vec()))
    }

    /// A call that should not fail.
    pub(super) async fn done(&mut self, method: &str, request: &[u8]) -> Result<Vec<u8>, Unreachable> {
        match self.call(method, request).await? {
            Call::Done(answer) => Ok(answer),
            Call::Failed { class, said } => Err(self.refusal(method, &class, &said)),
        }
    }

    pub(super) fn refusal(&self, method: &str, class: &str, said: &str) -> Unreachable {
        let place = self.place();
        let short = class.rsplit('.').next().unwrap_or_default();
        match short {
            "AccessDeniedException" | "AccessControlException" | "FallbackDisallowedException" => {
                failed(Failure::Credentials, format!("{place}: the user was refused ({short}); only simple authentication is supported"))
            }
            "PleaseHoldException" | "ServerNotRunningYetException" | "MasterNotRunningException" => {
                failed(Failure::Protocol, format!("{place}: the server is starting or is not the active master ({short}); try again later"))
            }
            "UnknownServiceException" | "UnsupportedOperationException" => {
                failed(Failure::Protocol, format!("{place}: the server does not offer `{method}`"))
            }
            _ => failed(Failure::Protocol, format!("{place}: `{method}` failed: {said}")),
        }
    }

    fn foreign(&self) -> Unreachable {
        self.wire.unexpected("the answer is not HBase")
    }
}
