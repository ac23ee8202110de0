//! Which addresses data sources may have.
//!
//! Tenants choose addresses, and the server connects: without limits they could use it to look around in the network that
//! it stands in. Private networks are where data sources are, so they are open unless the platform closes them; what no
//! data source is ever at (link-local addresses with the clouds' metadata services, multicast, reserved ranges) and this
//! machine itself are closed unless the platform opens them.
//!
//! Invariant: the answer is about the address that packets go to: forms of IPv6 that stand for an IPv4 address are judged as
//! that address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Closed unless opened. Metadata services that are not link-local: Azure, Alibaba, Oracle, AWS over IPv6.
const CLOSED: &[&str] = &[
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "168.63.129.16/32",
    "100.100.100.200/32",
    "192.0.0.0/24",
    "224.0.0.0/3",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fd00:ec2::254/128",
    "ff00::/8",
];

/// Addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; expected an address, or one with a prefix length like `10.0.0.0/8`")]
pub struct NetworkError(String);

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.chars().take(80).collect());
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |p| p.parse().map_err(|_| wrong()))?;
        if prefix > bits { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// What the platform permits. The longest matching network decides; of two equal ones the one that closes.
#[derive(Debug, Clone)]
pub struct NetworkPolicy {
    closed: Vec<Network>,
    open: Vec<Network>,
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl NetworkPolicy {
    /// Closes `denied` beside what is always closed, and opens `allowed` within that.
    pub fn new(denied: Vec<Network>, allowed: Vec<Network>) -> Self {
        let mut closed: Vec<Network> = CLOSED.iter().filter_map(|text| text.parse().ok()).collect();
        closed.extend(denied);
        Self { closed, open: allowed }
    }

    /// Everything that is open by default, and this machine: for a playground on it, and for tests.
    pub fn with_loopback() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok());
        Self::new(Vec::new(), loopback.collect())
    }

    /// Whether a data source may be at this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = meant(address);
        let longest = |networks: &[Network]| networks.iter().filter(|n| n.contains(address)).map(|n| n.prefix).max();
        match (longest(&self.closed), longest(&self.open)) {
            (None, _) => true,
            (Some(_), None) => false,
            // `127.0.0.0/8` opened by name is meant, although it is closed by the same name.
            (Some(closed), Some(open)) => open >= closed,
        }
    }
}

/// The address that packets for `address` go to in the end.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        // Mapped, translated (RFC 2765, RFC 6052) and compatible addresses.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => v4(high, low),
        _ => IpAddr::V6(Ipv6Addr::from(v6.segments())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Network> {
        text.split_whitespace().map(|n| n.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check(policy: &NetworkPolicy, open: &str, closed: &str) {
        for address in open.split_whitespace() {
            assert!(policy.permits(address.parse().unwrap()), "{address} should be open");
        }
        for address in closed.split_whitespace() {
            assert!(!policy.permits(address.parse().unwrap()), "{address} should be closed");
        }
    }

    #[test]
    fn metadata_services_and_this_machine_are_closed_in_every_form() {
        check(
            &NetworkPolicy::default(),
            "10.1.2.3 192.168.1.1 172.16.0.1 8.8.8.8 fd12::1 2606:4700::1111 ::ffff:10.0.0.1",
            "127.0.0.1 127.9.9.9 0.0.0.0 169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 224.0.0.1 255.255.255.255 \
             ::1 :: fe80::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::a9fe:a9fe \
             2002:a9fe:a9fe:: ::ffff:0:127.0.0.1",
        );
    }

    #[test]
    fn the_platform_closes_and_opens_networks() {
        let policy = NetworkPolicy::new(list("10.0.0.0/8 fd00::/8"), list("10.7.0.0/16 127.0.0.1"));
        check(&policy, "10.7.1.1 127.0.0.1 192.168.0.1", "10.8.1.1 127.0.0.2 fd00::1 ::ffff:10.0.0.1");
        let everything = NetworkPolicy::new(list("0.0.0.0/0 ::/0"), list("203.0.113.7"));
        check(&everything, "203.0.113.7", "8.8.8.8 2606:4700::1111 203.0.113.8");
        check(&NetworkPolicy::with_loopback(), "127.0.0.1 ::1 ::ffff:127.0.0.1", "169.254.169.254");
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/x"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
        assert_eq!("::1".parse::<Network>().unwrap().to_string(), "::1/128");
    }
}
