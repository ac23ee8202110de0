//! What a user agent text tells: a bot or not, and which kind of device. Words, not a database: good enough to count by.

/// Whether the text holds one of the markers, in any case.
pub fn is_bot(user_agent: &str, markers: &[String]) -> bool {
    markers.iter().any(|marker| contains_ignore_case(user_agent, marker))
}

/// `mobile`, `tablet`, `desktop` or `other`.
pub fn device(user_agent: &str) -> &'static str {
    let has = |word: &str| contains_ignore_case(user_agent, word);
    if has("ipad") || has("tablet") || (has("android") && !has("mobile")) {
        "tablet"
    } else if has("mobile") || has("iphone") {
        "mobile"
    } else if has("windows") || has("macintosh") || has("x11") || has("cros") {
        "desktop"
    } else {
        "other"
    }
}

fn contains_ignore_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_apart() {
        for (user_agent, expected) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "desktop"),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile Safari", "mobile"),
            ("Mozilla/5.0 (Linux; Android 15; SM-X910) Safari", "tablet"),
            ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile", "tablet"),
            ("SmartFridge/1.0", "other"),
            ("", "other"),
        ] {
            assert_eq!(device(user_agent), expected, "{user_agent}");
        }
        assert!(is_bot("GoogleBot", &["bot".into()]));
        assert!(!is_bot("", &["bot".into()]));
    }
}
