//! The date and time that parsed fields mean, by the rules of `ResolverStyle.SMART`; what is missing is that of
//! 1970-01-01 00:00.

use super::{Field, Parsed, field::first_week};
use crate::{
    calendar::{DAY_MS, civil_from_days, days_from_civil, days_in_month},
    scalar::datetime::moments::Moment,
};

const DATE_FIELDS: [Field; 14] = [
    Field::Era,
    Field::Year,
    Field::YearOfEra,
    Field::WeekYear,
    Field::Quarter,
    Field::Month,
    Field::Week,
    Field::WeekOfMonth,
    Field::Day,
    Field::DayOfYear,
    Field::AlignedDay,
    Field::DayOfWeek,
    Field::LocalDayOfWeek,
    Field::ModifiedJulianDay,
];

const MINUTE_NS: i64 = 60_000_000_000;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = DAY_MS * 1_000_000;

impl Parsed {
    /// The wall-clock time; `None` when fields are out of range or contradict each other.
    pub(in crate::scalar::datetime) fn resolve(&self) -> Option<Moment> {
        let (nano_of_day, excess_days) = self.time()?;
        let days = match self.date()? {
            Some(days) => days + excess_days,
            None => {
                let year = self.year()?.unwrap_or(1970);
                let month = u32::try_from(self.ranged(Field::Month)?.unwrap_or(1)).ok()?;
                let day = u32::try_from(self.ranged(Field::Day)?.unwrap_or(1)).ok()?;
                (day <= days_in_month(year, month)).then(|| days_from_civil(year, month, day))?
            }
        };
        Some(Moment::new(days.checked_mul(DAY_MS)?.checked_add(nano_of_day / 1_000_000)?, (nano_of_day % 1_000_000) as i32))
    }

    /// A field within its range; `None` inside when it was not read.
    fn ranged(&self, field: Field) -> Option<Option<i64>> {
        let (least, most) = field.range();
        match self.get(field) {
            Some(value) if !(least..=most).contains(&value) => None,
            value => Some(value),
        }
    }

    fn year(&self) -> Option<Option<i64>> {
        let era = self.ranged(Field::Era)?;
        let of_era = self.ranged(Field::YearOfEra)?.map(|year| if era == Some(0) { 1 - year } else { year });
        Some(self.ranged(Field::Year)?.or(of_era))
    }

    fn day_of_week(&self) -> Option<Option<i64>> {
        let local = self.ranged(Field::LocalDayOfWeek)?;
        Some(local.or(self.ranged(Field::DayOfWeek)?.map(|day| day % 7 + 1)))
    }

    /// The day that the fields make up, if they do.
    fn date(&self) -> Option<Option<i64>> {
        let (year, month, day) = (self.year()?, self.ranged(Field::Month)?, self.ranged(Field::Day)?);
        let day_of_week = self.day_of_week()?;
        let days = if let Some(julian) = self.ranged(Field::ModifiedJulianDay)? {
            julian - 40_587
        } else if let (Some(year), Some(month), Some(day)) = (year, month, day) {
            let month = u32::try_from(month).ok()?;
            // SMART: the 31st of a shorter month is its last day.
            days_from_civil(year, month, u32::try_from(day).ok()?.min(days_in_month(year, month)))
        } else if let (Some(year), Some(day)) = (year, self.ranged(Field::DayOfYear)?) {
            days_from_civil(year, 1, 1) + day - 1
        } else if let (Some(year), Some(month), Some(week), Some(day)) = (year, month, self.ranged(Field::WeekOfMonth)?, day_of_week) {
            let first = days_from_civil(year, u32::try_from(month).ok()?, 1);
            first - (first + 4).rem_euclid(7) + (week - 1) * 7 + day - 1
        } else if let (Some(year), Some(week), Some(day)) = (self.ranged(Field::WeekYear)?, self.ranged(Field::Week)?, day_of_week) {
            first_week(year) + (week - 1) * 7 + day - 1
        } else {
            return Some(None);
        };
        // Day 366 of a common year, or a weekday that the date does not have.
        let agrees = |field: Field| match self.get(field) {
            Some(read) if field == Field::Day => {
                let (year, month, day) = civil_from_days(days);
                read == i64::from(day) || (read > i64::from(day) && day == days_in_month(year, month))
            }
            Some(read) => field.of_date(days) == Some(read),
            None => true,
        };
        if self.get(Field::DayOfYear) == Some(366) && year.is_some_and(|year| days_from_civil(year, 12, 31) < days) {
            return None;
        }
        DATE_FIELDS.iter().all(|field| agrees(*field)).then_some(Some(days))
    }

    /// Nanoseconds of the day, and days to add: 24:00 is the next day.
    fn time(&self) -> Option<(i64, i64)> {
        if let Some(nanos) = self.ranged(Field::NanoOfDay)? {
            return Some((nanos, 0));
        }
        if let Some(ms) = self.ranged(Field::MilliOfDay)? {
            return Some((ms * 1_000_000, 0));
        }
        let minute = self.ranged(Field::Minute)?;
        let second = self.ranged(Field::Second)?;
        let nano = self.ranged(Field::Nano)?;
        let below = minute.unwrap_or(0) * MINUTE_NS + second.unwrap_or(0) * 1_000_000_000 + nano.unwrap_or(0);
        let half = self.ranged(Field::Half)?;
        let of_half = self.ranged(Field::ClockHourOfHalf)?.map(|hour| hour % 12).or(self.ranged(Field::HourOfHalf)?);
        let period = self.ranged(Field::DayPeriod)?;
        // Only `HH` may say 24, for the end of a day.
        let hour = match self.get(Field::Hour) {
            Some(24) if below == 0 => return Some((0, 1)),
            Some(_) => self.ranged(Field::Hour)?,
            None => self.ranged(Field::ClockHour)?.map(|hour| hour % 24),
        };
        if let (Some(hour), Some(half)) = (hour, half)
            && hour / 12 != half
        {
            return None;
        }
        let hour = match (hour, of_half, half, period) {
            (Some(hour), ..) => hour,
            (None, Some(of_half), Some(half), _) => of_half + half * 12,
            (None, Some(of_half), None, Some(period)) => of_half + if period >= 720 { 12 } else { 0 },
            // The middle of the half or part of the day.
            (None, None, Some(half), _) if minute.is_none() => half * 12 + 6,
            (None, None, None, Some(period)) if minute.is_none() => return Some((period * MINUTE_NS, 0)),
            _ => 0,
        };
        let nanos = hour * HOUR_NS + below;
        (nanos < DAY_NS).then_some((nanos, 0))
    }
}
