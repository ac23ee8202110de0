//! TNS packets: a header of eight bytes (length, checksum, type, flags, header checksum; big endian), then the body.

use millrace_connector::Unreachable;
use millrace_dial::Wire;

const CONNECT: u8 = 1;
const ACCEPT: u8 = 2;
const REFUSE: u8 = 4;
const REDIRECT: u8 = 5;
const RESEND: u8 = 11;
const HEADER_BYTES: usize = 8;
/// Where the descriptor begins in a connect packet without the fields of version 315.
const CONNECT_BYTES: usize = 58;
const PACKET_BYTES_MAX: usize = 32 << 10;
/// The newest version that has this form of packets, and the oldest that is spoken.
const VERSION: u16 = 314;
const VERSION_MIN: u16 = 300;

/// What a listener says.
pub(super) enum Answer {
    Accept { version: u16 },
    Refuse { text: String },
    Redirect,
    Resend,
}

/// The connect packet with this descriptor.
pub(super) fn connect(descriptor: &str) -> Vec<u8> {
    let length = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let words = [
        length(CONNECT_BYTES + descriptor.len()),
        0,
        u16::from_be_bytes([CONNECT, 0]),
        0,
        VERSION,
        VERSION_MIN,
        // Service options: do not care. Session and transport data unit: 8 KiB. Protocol characteristics. Line turnaround.
        0x0001,
        8192,
        8192,
        0x4f98,
        0,
        // One, in the machine's own byte order: tells the order.
        1,
        length(descriptor.len()),
        length(CONNECT_BYTES),
        // Largest connect data to receive: the default.
        0,
        0,
        // No native services (encryption, checksums) wanted.
        0x0404,
    ];
    let mut packet: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    // Addresses and ids of tracing facilities, unused.
    packet.resize(CONNECT_BYTES, 0);
    packet.extend_from_slice(descriptor.as_bytes());
    packet
}

/// Reads one answer.
pub(super) async fn read(wire: &mut Wire) -> Result<Answer, Unreachable> {
    let header = wire.read(HEADER_BYTES).await?;
    let (length, kind) = match header.as_slice() {
        [high, low, _, _, kind, ..] => (usize::from(u16::from_be_bytes([*high, *low])), *kind),
        _ => (0, 0),
    };
    let body =
        length.checked_sub(HEADER_BYTES).filter(|_| length <= PACKET_BYTES_MAX && matches!(kind, ACCEPT | REFUSE | REDIRECT | RESEND));
    let Some(body) = body else { return Err(foreign(wire)) };
    let body = wire.read(body).await?;
    match kind {
        ACCEPT => match body.as_slice() {
            [high, low, ..] => Ok(Answer::Accept { version: u16::from_be_bytes([*high, *low]) }),
            _ => Err(foreign(wire)),
        },
        // Two reasons, then the length of the text.
        REFUSE => Ok(Answer::Refuse { text: String::from_utf8_lossy(body.get(4..).unwrap_or_default()).into_owned() }),
        REDIRECT => Ok(Answer::Redirect),
        _ => Ok(Answer::Resend),
    }
}

fn foreign(wire: &Wire) -> Unreachable {
    wire.unexpected("the answer is not an Oracle listener's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connect_packet_has_its_lengths_where_listeners_look() {
        let packet = connect("(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=X)))");
        assert_eq!(u16::from_be_bytes([packet[0], packet[1]]) as usize, packet.len());
        assert_eq!(packet[4], CONNECT);
        assert_eq!(u16::from_be_bytes([packet[8], packet[9]]), VERSION);
        assert_eq!(u16::from_be_bytes([packet[24], packet[25]]) as usize, packet.len() - CONNECT_BYTES);
        assert_eq!(u16::from_be_bytes([packet[26], packet[27]]) as usize, CONNECT_BYTES);
        assert_eq!(&packet[CONNECT_BYTES..CONNECT_BYTES + 12], b"(DESCRIPTION");
    }
}
