//! Takes web addresses apart: the part of RFC 3986 that clicks need, for `http` and `https` only.

/// A web address whose parts borrow from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    host: &'a str,
    path: &'a str,
    query: &'a str,
}

/// The parts of an absolute `http` or `https` address; `None` if it is malformed.
pub fn parse(text: &str) -> Option<Url<'_>> {
    let (scheme, rest) = text.trim().split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _fragment)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let (host, port) = host_and_port.split_once(':').unwrap_or((host_and_port, ""));
    let plain_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let plain_port = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let plain_path = !path.bytes().any(|b| b.is_ascii_control() || b == b' ');
    (plain_host && plain_port && plain_path).then_some(Url { host, path, query })
}

impl Url<'_> {
    /// The host in lower case, without a leading `www.`.
    pub fn domain(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        host.strip_prefix("www.").map(str::to_owned).unwrap_or(host)
    }

    /// The path without `.`, `..`, empty segments and a trailing slash; `/` if nothing is left.
    pub fn normal_path(&self) -> String {
        let mut segments: Vec<&str> = Vec::new();
        for segment in self.path.split('/') {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        let mut path = String::with_capacity(self.path.len().max(1));
        for segment in &segments {
            path.push('/');
            path.push_str(segment);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    /// The first value of a query parameter, decoded; `None` if it is not there, empty, or not UTF-8.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let value = self.query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?.1;
        decode(value).filter(|value| !value.is_empty())
    }
}

/// Undoes percent and plus encoding; a stray `%` stays as it is.
fn decode(text: &str) -> Option<String> {
    let hex = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(at + 1)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, expected) in [
            ("https://www.Shop.example/x/./y//z/", Some(("shop.example", "/x/y/z"))),
            ("http://u:p@shop.example:8080", Some(("shop.example", "/"))),
            ("https://shop.example/../..?q", Some(("shop.example", "/"))),
            ("https://shop.example/a b", None),
            ("https://shop.example:port/", None),
            ("https://sh%op.example/", None),
            ("ftp://shop.example/", None),
            ("/relative", None),
        ] {
            let found = parse(text).map(|url| (url.domain(), url.normal_path()));
            assert_eq!(found.as_ref().map(|(d, p)| (d.as_str(), p.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn query_values_are_decoded() {
        let url = parse("https://a.example/?x=1&utm_campaign=caf%C3%A9+%2B%zz&y=").expect("url");
        assert_eq!(url.query_value("utm_campaign").as_deref(), Some("café +%zz"));
        assert_eq!(url.query_value("y"), None);
        assert_eq!(url.query_value("utm"), None);
        assert_eq!(parse("https://a.example/?c=%FF").expect("url").query_value("c"), None);
    }
}
