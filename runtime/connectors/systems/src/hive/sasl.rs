//! SASL over Thrift's transport (`TSaslTransport` of Apache Thrift): a byte of status, four of length, then the text; PLAIN
//! is RFC 4616.

use crate::fields::failed;
use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use millrace_dial::{Wire, printable};

const START: u8 = 1;
const OK: u8 = 2;
const BAD: u8 = 3;
const ERROR: u8 = 4;
const COMPLETE: u8 = 5;
const TEXT_BYTES_MAX: usize = 64 << 10;

pub(super) async fn sign_in(wire: &mut Wire, user: &str, password: &str) -> Result<(), Unreachable> {
    let proof = [b"\0", user.as_bytes(), b"\0", password.as_bytes()].concat();
    wire.send(&[message(START, b"PLAIN"), message(OK, &proof)].concat()).await?;
    loop {
        let head = wire.read(5).await?;
        let (status, length) = match head.split_first() {
            Some((status, length)) => (*status, length.try_into().map_or(u32::MAX, u32::from_be_bytes) as usize),
            None => (0, usize::MAX),
        };
        if !(START..=COMPLETE).contains(&status) || length > TEXT_BYTES_MAX {
            return Err(super::foreign(wire));
        }
        let text = wire.read(length).await?;
        match status {
            COMPLETE => return Ok(()),
            OK => {}
            BAD | ERROR => {
                let said = printable(&String::from_utf8_lossy(&text).replace(password, "…"));
                let place = wire.place();
                return Err(if said.contains("mechanism") {
                    let hint = "the server does not take PLAIN: Kerberos is not supported, for NOSASL set `auth` to `nosasl`";
                    failed(Failure::Credentials, format!("{place}: {hint}"))
                } else {
                    failed(Failure::Credentials, format!("{place}: user or password were refused: {said}; check both"))
                });
            }
            _ => return Err(super::foreign(wire)),
        }
    }
}

fn message(status: u8, text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[status], length.as_slice(), text].concat()
}
