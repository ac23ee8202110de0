//! Cookies of a session, and what keeps other sites from using them.
//!
//! Invariant: the session's cookie is never readable by scripts. A request that changes something and comes by cookie must
//! repeat, in a header, a text that only a page of this server can read; it is made from the session's secret, so that it
//! needs no place of its own. Requests with a token need none of this: browsers never send tokens by themselves.

use crate::{problem::Problem, state::ApiConfig};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Header that repeats the text of the cookie `millrace_csrf`.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
const SESSION: &str = "millrace_session";
/// The prefix makes browsers refuse the cookie from other hosts of the domain and without encryption.
const SESSION_SECURE: &str = "__Host-millrace_session";
const CSRF: &str = "millrace_csrf";
const FLOW: &str = "millrace_sign_in";

/// Whether browsers reach this server encrypted.
fn is_secure(config: &ApiConfig) -> bool {
    config.public_url.starts_with("https://")
}

fn session_name(config: &ApiConfig) -> &'static str {
    if is_secure(config) { SESSION_SECURE } else { SESSION }
}

/// The secret of the session that a request comes with.
pub(crate) fn session_secret(headers: &HeaderMap, config: &ApiConfig) -> Option<String> {
    read(headers, session_name(config))
}

/// What binds a sign-in at an identity provider to this browser.
pub(crate) fn flow_secret(headers: &HeaderMap) -> Option<String> {
    read(headers, FLOW)
}

fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

/// The text that a page repeats in [`CSRF_HEADER`].
pub(crate) fn csrf_token(session_secret: &str) -> String {
    hex::encode(Sha256::digest(format!("millrace csrf v1\n{session_secret}").as_bytes()))
}

/// Cookies that begin a session.
pub(crate) fn begin(config: &ApiConfig, secret: &str) -> [HeaderValue; 2] {
    let lasts = config.session_max;
    [line(config, session_name(config), secret, true, "/", lasts), line(config, CSRF, &csrf_token(secret), false, "/", lasts)]
}

/// Cookies that end it.
pub(crate) fn end(config: &ApiConfig) -> [HeaderValue; 2] {
    [line(config, session_name(config), "", true, "/", Duration::ZERO), line(config, CSRF, "", false, "/", Duration::ZERO)]
}

/// The cookie that binds a sign-in at an identity provider to this browser.
pub(crate) fn begin_flow(config: &ApiConfig, secret: &str, lasts: Duration) -> HeaderValue {
    line(config, FLOW, secret, true, "/api/v1/sign-in", lasts)
}

fn line(config: &ApiConfig, name: &str, value: &str, hidden: bool, path: &str, lasts: Duration) -> HeaderValue {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    let hidden = if hidden { "; HttpOnly" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={}; SameSite=Lax{hidden}{secure}", lasts.as_secs());
    // Names are constants and values are made of letters and digits here.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Refuses a request by cookie that another site may have made the browser send.
pub(crate) fn check_origin(headers: &HeaderMap, method: &Method, config: &ApiConfig) -> Result<(), Problem> {
    if is_safe(method) {
        return Ok(());
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere = match text(header::ORIGIN) {
        Some(origin) => {
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            let is_public = origin.eq_ignore_ascii_case(config.public_url.trim_end_matches('/'));
            !is_public && !text(header::HOST).is_some_and(|own| own.eq_ignore_ascii_case(host))
        }
        None => text(header::HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site == "cross-site" || site == "same-site"),
    };
    match from_elsewhere {
        true => Err(Problem::new(StatusCode::FORBIDDEN, "request.foreign_origin", "the request was made by a page of another site")),
        false => Ok(()),
    }
}

/// Refuses a request by cookie that does not repeat what only our pages can read.
pub(crate) fn check_csrf(headers: &HeaderMap, method: &Method, session_secret: &str) -> Result<(), Problem> {
    let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    // Digests are compared, so that the time tells nothing about how much was right.
    let same = Sha256::digest(given) == Sha256::digest(csrf_token(session_secret).as_bytes());
    match is_safe(method) || same {
        true => Ok(()),
        false => {
            let detail = format!("send the header {CSRF_HEADER} with the value of the cookie {CSRF}");
            Err(Problem::new(StatusCode::FORBIDDEN, "request.csrf", detail))
        }
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_pages_change_things() {
        let config = ApiConfig { public_url: "https://m.example.com/".into(), ..ApiConfig::default() };
        for (pairs, allowed) in [
            (&[("origin", "https://m.example.com")][..], true),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
            (&[("host", "m.example.com")], true),
            (&[("origin", "https://evil.example.com"), ("host", "m.example.com")], false),
            (&[("origin", "null"), ("host", "m.example.com")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-origin")], true),
        ] {
            assert_eq!(check_origin(&headers(pairs), &Method::POST, &config).is_ok(), allowed, "{pairs:?}");
            assert!(check_origin(&headers(pairs), &Method::GET, &config).is_ok());
        }
        let right = csrf_token("mrs_secret");
        assert!(check_csrf(&headers(&[(CSRF_HEADER, &right)]), &Method::PUT, "mrs_secret").is_ok());
        assert!(check_csrf(&headers(&[(CSRF_HEADER, &right)]), &Method::PUT, "mrs_other").is_err());
        assert!(check_csrf(&headers(&[]), &Method::PUT, "mrs_secret").is_err());
        assert!(check_csrf(&headers(&[]), &Method::GET, "mrs_secret").is_ok());
    }

    #[test]
    fn cookies_are_hidden_and_encrypted_where_they_can_be() {
        let plain = ApiConfig::default();
        let secure = ApiConfig { public_url: "https://m.example.com".into(), ..ApiConfig::default() };
        assert_eq!(begin(&plain, "x")[0], "millrace_session=x; Path=/; Max-Age=259200; SameSite=Lax; HttpOnly");
        assert_eq!(begin(&secure, "x")[0], "__Host-millrace_session=x; Path=/; Max-Age=259200; SameSite=Lax; HttpOnly; Secure");
        assert!(!begin(&secure, "x")[1].to_str().unwrap().contains("HttpOnly"));
        let found = headers(&[("cookie", "a=b; millrace_session=mrs_1; c=d")]);
        assert_eq!(session_secret(&found, &plain).as_deref(), Some("mrs_1"));
        assert_eq!(session_secret(&found, &secure), None, "an unprotected cookie does not count where it must be protected");
    }
}
