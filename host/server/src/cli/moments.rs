//! Moments as people write and read them: ISO 8601, or so far from now.

use anyhow::{Context, bail};
use std::time::{SystemTime, UNIX_EPOCH};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment in milliseconds since the epoch as text in UTC: `2026-03-01T12:00:00.25Z`.
pub(crate) fn shown(at_ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}

/// Reads a moment that is to come: `2026-03-01`, `2026-03-01T12:00:00Z`, `30d` from now, or milliseconds since the epoch.
///
/// # Errors
/// It is none of these.
pub(crate) fn read(text: &str) -> anyhow::Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock of this machine is before 1970")?;
    read_at(text.trim(), i64::try_from(now.as_millis())?)
}

fn read_at(text: &str, now_ms: i64) -> anyhow::Result<i64> {
    const EXPECTED: &str = "expected a date (2026-03-01), a moment (2026-03-01T12:00:00Z), so far from now (12h, 30d, 8w) or milliseconds \
                            since the epoch";
    if let Ok(at_ms) = text.parse::<i64>() {
        return Ok(at_ms);
    }
    for (unit, unit_ms) in [("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 7 * 86_400_000)] {
        if let Some(Ok(count)) = text.strip_suffix(unit).map(str::parse::<u32>) {
            let after_ms = i64::from(count).checked_mul(unit_ms);
            return after_ms.and_then(|after_ms| now_ms.checked_add(after_ms)).with_context(|| format!("`{text}` is too far away"));
        }
    }
    let moment = if text.len() == "2026-03-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    match OffsetDateTime::parse(&moment, &Rfc3339) {
        Ok(at) => Ok(i64::try_from(at.unix_timestamp_nanos() / 1_000_000)?),
        Err(_) => bail!("`{text}`: {EXPECTED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now_ms = 1_000;
        for (text, expected) in [
            ("1970-01-02", Some(86_400_000)),
            ("1970-01-01T01:00:00Z", Some(3_600_000)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("12h", Some(43_201_000)),
            ("30d", Some(2_592_001_000)),
            ("1772366400000", Some(1_772_366_400_000)),
            ("tomorrow", None),
            ("2026-13-01", None),
            ("d", None),
        ] {
            assert_eq!(read_at(text, now_ms).ok(), expected, "{text}");
        }
        assert!(read_at("soon", 0).unwrap_err().to_string().contains("30d"));
        assert_eq!(shown(86_400_000).as_deref(), Some("1970-01-02T00:00:00Z"));
        assert_eq!(shown(i64::MAX), None);
    }
}
