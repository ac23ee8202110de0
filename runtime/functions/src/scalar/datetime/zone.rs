//! Zones as Java names them, and clocks of `java.util.TimeZone`.

use crate::calendar;
use chrono::{Offset, TimeZone as _};
use chrono_tz::Tz;

/// A zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// One of the zone database.
    Region(Tz),
    /// Seconds ahead of UTC.
    Fixed(i64),
}

/// Until 1900 `java.util.TimeZone` uses the offset that a zone had then.
const FIRST_KNOWN_SECONDS: i64 = -2_208_988_800;

/// Short names that Java gives a meaning of its own.
const SHORT: &[(&str, Tz)] = &[
    ("ACT", Tz::Australia__Darwin),
    ("AET", Tz::Australia__Sydney),
    ("AGT", Tz::America__Argentina__Buenos_Aires),
    ("ART", Tz::Africa__Cairo),
    ("AST", Tz::America__Anchorage),
    ("BET", Tz::America__Sao_Paulo),
    ("BST", Tz::Asia__Dhaka),
    ("CAT", Tz::Africa__Harare),
    ("CNT", Tz::America__St_Johns),
    ("CST", Tz::America__Chicago),
    ("CTT", Tz::Asia__Shanghai),
    ("EAT", Tz::Africa__Addis_Ababa),
    ("ECT", Tz::Europe__Paris),
    ("IET", Tz::America__Indiana__Indianapolis),
    ("IST", Tz::Asia__Kolkata),
    ("JST", Tz::Asia__Tokyo),
    ("MIT", Tz::Pacific__Apia),
    ("NET", Tz::Asia__Yerevan),
    ("NST", Tz::Pacific__Auckland),
    ("PLT", Tz::Asia__Karachi),
    ("PNT", Tz::America__Phoenix),
    ("PRT", Tz::America__Puerto_Rico),
    ("PST", Tz::America__Los_Angeles),
    ("SST", Tz::Pacific__Guadalcanal),
    ("VST", Tz::Asia__Ho_Chi_Minh),
];

impl Zone {
    /// `TimeZone.getTimeZone`: a name of the zone database, a short name, `GMT+8:30`; anything else is UTC.
    pub(super) fn lenient(id: &str) -> Self {
        if let Some((_, zone)) = SHORT.iter().find(|(name, _)| *name == id) {
            return Self::Region(*zone);
        }
        if let Some(offset) = id.strip_prefix("GMT").and_then(gmt_offset) {
            return Self::Fixed(offset);
        }
        // Names are compared with case, unlike `Tz::from_str_insensitive`.
        id.parse().map_or(Self::Fixed(0), Self::Region)
    }

    /// `ZoneId.of`: a name of the zone database, `Z`, `+08:00`, `UTC+8`, `GMT+8`, `UT+8`.
    pub(super) fn strict(id: &str) -> Option<Self> {
        if id == "Z" {
            return Some(Self::Fixed(0));
        }
        let offset = ["UTC", "GMT", "UT", ""].into_iter().find_map(|prefix| id.strip_prefix(prefix).filter(|o| o.starts_with(['+', '-'])));
        if let Some(offset) = offset {
            return zone_offset(offset).map(Self::Fixed);
        }
        let is_short = SHORT.iter().any(|(name, _)| *name == id);
        id.parse().ok().filter(|_| !is_short).map(Self::Region)
    }

    /// Seconds ahead of UTC at an instant, as `java.util.TimeZone` says.
    pub(super) fn offset_at(self, epoch_seconds: i64) -> i64 {
        match self {
            Self::Region(zone) => calendar::offset_at(zone, epoch_seconds.max(FIRST_KNOWN_SECONDS)),
            Self::Fixed(offset) => offset,
        }
    }

    /// The instant at which a `GregorianCalendar` sees this wall-clock time: in a gap by the offset before it, and the
    /// later of two.
    pub(super) fn instant_of(self, wall_seconds: i64) -> i64 {
        let zone = match self {
            Self::Fixed(offset) => return wall_seconds.saturating_sub(offset),
            Self::Region(zone) => zone,
        };
        let early = wall_seconds.saturating_sub(self.offset_at(FIRST_KNOWN_SECONDS));
        if early < FIRST_KNOWN_SECONDS {
            return early;
        }
        if let Some(wall) = chrono::DateTime::from_timestamp(wall_seconds, 0)
            && let chrono::LocalResult::Ambiguous(_, later) = zone.offset_from_local_datetime(&wall.naive_utc())
        {
            return wall_seconds - i64::from(later.fix().local_minus_utc());
        }
        calendar::instant_of(zone, wall_seconds)
    }

    /// The instant at which `LocalDateTime.atZone` sees it: the earlier of two.
    pub(super) fn instant_of_earlier(self, wall_seconds: i64) -> i64 {
        match self {
            Self::Region(zone) => calendar::instant_of(zone, wall_seconds),
            Self::Fixed(offset) => wall_seconds.saturating_sub(offset),
        }
    }

    /// Its short name at an instant: `CEST`, `GMT+08:30`.
    pub(super) fn short_name(self, epoch_seconds: i64) -> String {
        let offset = self.offset_at(epoch_seconds);
        let gmt = || if offset == 0 { "GMT".to_owned() } else { format!("GMT{}", offset_text(offset, ":")) };
        match self {
            Self::Fixed(_) => gmt(),
            Self::Region(zone) => {
                let name = chrono::DateTime::from_timestamp(epoch_seconds, 0)
                    .map(|instant| zone.offset_from_utc_datetime(&instant.naive_utc()).to_string())
                    .unwrap_or_default();
                if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { gmt() }
            }
        }
    }
}

/// `+08:00` with the given separator.
pub(super) fn offset_text(offset_seconds: i64, separator: &str) -> String {
    let minutes = offset_seconds.abs() / 60;
    format!("{}{:02}{separator}{:02}", if offset_seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// `+8`, `+08`, `+0830`, `-8:30` behind `GMT`.
fn gmt_offset(text: &str) -> Option<i64> {
    let (sign, rest) = signed(text)?;
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 && hours.len() <= 2 => (hours, minutes),
        Some(_) => return None,
        None if rest.len() <= 2 => (rest, "0"),
        None if rest.len() <= 4 => rest.split_at_checked(rest.len() - 2)?,
        None => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// `+h`, `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, `+hhmmss`, at most 18 hours: `ZoneOffset.of`.
pub(super) fn zone_offset(text: &str) -> Option<i64> {
    let (sign, rest) = signed(text)?;
    let digits: String = match rest.len() {
        1 => format!("0{rest}0000"),
        2 => format!("{rest}0000"),
        4 => format!("{rest}00"),
        6 => rest.to_owned(),
        5 | 8 if rest.bytes().skip(2).step_by(3).all(|b| b == b':') => {
            let plain = rest.replace(':', "");
            if plain.len() == 4 { format!("{plain}00") } else { plain }
        }
        _ => return None,
    };
    let part = |at: usize| digits.get(at..at + 2).and_then(number);
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    let total = hours * 3_600 + minutes * 60 + seconds;
    (minutes <= 59 && seconds <= 59 && total <= 18 * 3_600).then_some(sign * total)
}

fn signed(text: &str) -> Option<(i64, &str)> {
    match text.split_at_checked(1)? {
        ("+", rest) => Some((1, rest)),
        ("-", rest) => Some((-1, rest)),
        _ => None,
    }
}

fn number(digits: &str) -> Option<i64> {
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}
