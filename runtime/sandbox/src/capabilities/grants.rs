//! Grants as data: what the control plane keeps and gives to an operator when it starts.
//!
//! Invariant: a secret is never shown: neither by `Debug` nor by serialization.

use serde::{Deserialize, Serialize, de, ser};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use url::{Host, Url};

/// What an operator may do beyond computing; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapabilityGrants {
    /// It may read the clock.
    pub clock: bool,
    /// Hosts that it may send requests to.
    pub http: BTreeSet<HttpTarget>,
    /// Secrets that it may read, by name.
    pub secrets: BTreeMap<String, SecretValue>,
    /// Folders of the server that it may use, by name.
    pub folders: BTreeMap<String, FolderGrant>,
}

/// A folder of the server's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderGrant {
    /// Absolute path.
    pub path: PathBuf,
    /// Whether files may be written, renamed and removed.
    #[serde(default)]
    pub writable: bool,
}

/// A secret in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the guest that it is granted to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(***)")
    }
}

/// A host, and a port if only one is granted: `api.example.com`, `api.example.com:8443`, `[::1]:8080`.
///
/// Without a port the two usual ones are meant, 80 and 443. A host is matched as a whole; there are no wildcards. Addresses
/// that are not public are reached only where the grant names them literally (`127.0.0.1`, `10.0.0.5:8080`, `localhost`): a
/// public name that resolves to one is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpTarget {
    host: Host<String>,
    port: Option<u16>,
}

impl HttpTarget {
    /// Whether a request to `url` is one to this target.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        url.host().is_some_and(|host| host.to_owned() == self.host)
            && match self.port {
                Some(granted) => port == Some(granted),
                None => matches!(port, Some(80 | 443)),
            }
    }

    /// Whether the grant itself names a place that is not public.
    pub(crate) fn is_literal_private(&self) -> bool {
        match &self.host {
            Host::Ipv4(ip) => !super::address::is_public((*ip).into()),
            Host::Ipv6(ip) => !super::address::is_public((*ip).into()),
            Host::Domain(name) => name == "localhost",
        }
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

impl FromStr for HttpTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("`{text}` is not a host to grant: {why}; expected `host` or `host:port`");
        let (host, port) = match text.rsplit_once(':') {
            // A colon within brackets belongs to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse::<u16>().map_err(|_| wrong(format!("`{port}` is not a port")))?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        if host.contains(['/', '@', '*', '?', '#']) {
            return Err(wrong("it has more than a host and a port, or a wildcard".into()));
        }
        Ok(Self { host: Host::parse(host).map_err(|e| wrong(e.to_string()))?, port })
    }
}

impl Serialize for HttpTarget {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HttpTarget {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_matched_whole() {
        let allows = |target: &str, url: &str| target.parse::<HttpTarget>().unwrap().allows(&Url::parse(url).unwrap());
        for (target, url, expected) in [
            ("api.example.com", "https://api.example.com/v1", true),
            ("api.example.com", "http://API.example.com/", true),
            ("api.example.com", "https://api.example.com:8443/", false),
            ("api.example.com:8443", "https://api.example.com:8443/", true),
            ("api.example.com:8443", "https://api.example.com/", false),
            ("example.com", "https://api.example.com/", false),
            ("example.com", "https://example.com.evil.org/", false),
            ("example.com", "https://evilexample.com/", false),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            // The URL standard reads these as the same address; the grant names it, so they may pass.
            ("127.0.0.1:8080", "http://0x7f.1:8080/", true),
            ("[::1]:8080", "http://[::1]:8080/", true),
            ("localhost:8080", "http://127.0.0.1:8080/", false),
        ] {
            assert_eq!(allows(target, url), expected, "{target} {url}");
        }
        for wrong in ["", "*.example.com", "https://example.com", "example.com:99999", "user@example.com", "exa mple.com"] {
            assert!(wrong.parse::<HttpTarget>().is_err(), "{wrong}");
        }
        for literal in ["127.0.0.1", "localhost:80", "10.1.2.3:9000", "[fd00::1]:80", "169.254.169.254"] {
            assert!(literal.parse::<HttpTarget>().unwrap().is_literal_private(), "{literal}");
        }
        assert!(!"93.184.216.34".parse::<HttpTarget>().unwrap().is_literal_private());
    }
}
