//! English names of months, days and parts of a day.

pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
/// Sunday first.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const HALVES: [&str; 2] = ["AM", "PM"];

/// How long a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// `May`
    Short,
    /// `Friday`
    Full,
    /// `F`
    Narrow,
}

impl Length {
    /// A name cut to this length.
    pub(super) fn of(self, name: &'static str) -> &'static str {
        match self {
            Self::Full => name,
            Self::Short => name.get(..3).unwrap_or(name),
            Self::Narrow => name.get(..1).unwrap_or(name),
        }
    }
}
