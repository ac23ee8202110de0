//! What a user agent text tells: a bot or not, and which kind of device. Words, not a database: good enough to count by.

/// Words that tell devices apart, in lower case; their order is that of the bits in [`device`].
const DEVICE_WORDS: [&str; 8] = ["ipad", "tablet", "android", "mobile", "iphone", "windows", "macintosh", "x11"];

/// Whether the text holds one of the markers, in any case.
pub fn is_bot(user_agent: &str, markers: &[String]) -> bool {
    found_words(user_agent, markers) != 0
}

/// `mobile`, `tablet`, `desktop` or `other`.
pub fn device(user_agent: &str) -> &'static str {
    let found = found_words(user_agent, &DEVICE_WORDS);
    let [ipad, tablet, android, mobile, iphone, windows, macintosh, x11] = std::array::from_fn(|bit| found >> bit & 1 == 1);
    if ipad || tablet || (android && !mobile) {
        "tablet"
    } else if mobile || iphone {
        "mobile"
    } else if windows || macintosh || x11 {
        "desktop"
    } else {
        "other"
    }
}

/// One bit per word that the text holds, in any case; words behind the 64th are not looked for.
///
/// One pass for all words: most bytes are ruled out by the set of first letters, so that the cost hardly grows with
/// the number of words. This runs for every click.
fn found_words(text: &str, words: &[impl AsRef<str>]) -> u64 {
    // Letters fall together with their other case, and digits with some sign: the set only rules out.
    let slot = |byte: u8| 1u32 << (byte & 31);
    let first_letters = words.iter().filter_map(|word| word.as_ref().bytes().next()).fold(0, |set, first| set | slot(first));
    let text = text.as_bytes();
    let mut found = 0;
    for (at, &byte) in text.iter().enumerate() {
        if first_letters & slot(byte) != 0 {
            let starts_here = |word: &str| {
                let word = word.as_bytes();
                word.first().is_some_and(|first| (first ^ byte) & 31 == 0)
                    && text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
            };
            for (bit, word) in words.iter().enumerate().take(64) {
                found |= u64::from(starts_here(word.as_ref())) << bit;
            }
        }
    }
    found
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
            ("X-ray 11", "other"),
            ("", "other"),
        ] {
            assert_eq!(device(user_agent), expected, "{user_agent}");
        }
        assert!(is_bot("GoogleBot", &["bot".into()]));
        assert!(!is_bot("", &["bot".into()]));
        assert!(!is_bot("bo", &["bot".into(), String::new()]));
        assert!(is_bot("x wget", &["bot".into(), "WGET".into()]));
    }
}
