//! The parts of a URL as `java.net.URL` of Java 17 takes them apart: leniently, without decoding or normalizing.

/// Protocols for which Java has a handler; others are refused.
const PROTOCOLS: &[&str] = &["http", "https", "ftp", "file", "jar", "mailto", "jmod", "jrt"];

/// A URL taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JavaUrl<'a> {
    pub(super) protocol: String,
    pub(super) authority: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
}

impl<'a> JavaUrl<'a> {
    /// `None` for what Java refuses.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c <= ' ');
        let text = match text.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("url:") => &text[4..],
            _ => text,
        };
        let (protocol, rest) = protocol(text)?;
        let (rest, reference) = match rest.split_once('#') {
            Some((rest, reference)) => (rest, Some(reference)),
            None => (rest, None),
        };
        let mut url = Self { protocol, authority: None, user: None, host: "", path: rest, query: None, reference };
        match url.protocol.as_str() {
            // What these name is no path of a server.
            "mailto" => return Some(url),
            "jar" => return rest.contains("!/").then_some(url),
            _ => {}
        }
        let mut rest = rest;
        if let Some((before, query)) = rest.split_once('?') {
            (rest, url.query) = (before, Some(query));
        }
        url.path = rest;
        // Four slashes begin a path of Windows' network.
        if let Some(behind) = rest.strip_prefix("//")
            && !rest.starts_with("////")
        {
            let end = behind.find('/').unwrap_or(behind.len());
            url.path = &behind[end..];
            url.read_authority(&behind[..end])?;
        }
        Some(url)
    }

    fn read_authority(&mut self, authority: &'a str) -> Option<()> {
        self.authority = Some(authority);
        let host = match authority.split_once('@') {
            // With two of them there is no telling what is the host.
            Some((_, behind)) if behind.contains('@') => return Some(()),
            Some((user, host)) => {
                self.user = Some(user);
                host
            }
            None => authority,
        };
        if host.starts_with('[') {
            let end = host.find(']').filter(|end| *end > 2)?;
            host[1..end].split('%').next()?.parse::<std::net::Ipv6Addr>().ok()?;
            let port = &host[end + 1..];
            self.host = &host[..=end];
            return if port.is_empty() { Some(()) } else { check_port(port.strip_prefix(':')?) };
        }
        let (host, port) = host.split_once(':').unwrap_or((host, ""));
        self.host = host;
        check_port(port)
    }
}

/// The protocol in lower case and what follows its colon.
fn protocol(text: &str) -> Option<(String, &str)> {
    let colon = text.find([':', '/']).filter(|at| text.as_bytes()[*at] == b':')?;
    let protocol = text[..colon].to_ascii_lowercase();
    PROTOCOLS.contains(&protocol.as_str()).then(|| (protocol, &text[colon + 1..]))
}

/// A port may be missing, and is not looked at beyond its being a number from -1.
fn check_port(port: &str) -> Option<()> {
    (port.is_empty() || port.parse::<i32>().is_ok_and(|port| port >= -1)).then_some(())
}
