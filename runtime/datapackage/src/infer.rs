//! Which type holds all values of a column of text.
//!
//! Invariant: the answer depends on the set of values, not on their order; in doubt it is `STRING`, which holds them all.

use crate::PackageError;
use millrace_model::{
    DataType,
    data_type::{Element, NESTING_MAX, RowField},
};
use serde_json::Value;

/// What is known of a column after some of its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Guess {
    /// Nothing but NULL so far.
    #[default]
    Unknown,
    Boolean,
    BigInt,
    Double,
    Date,
    /// Wall-clock time or instant, with the digits of its fraction.
    Timestamp {
        precision: u8,
        is_instant: bool,
        is_iso: bool,
    },
    String,
    Array(Box<Guess>),
    /// Fields in the order in which they came.
    Row(Vec<(String, Guess)>),
}

impl Guess {
    /// What holds both.
    pub(crate) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, known) | (known, Self::Unknown) => known,
            (Self::BigInt, Self::Double) | (Self::Double, Self::BigInt) => Self::Double,
            (Self::Timestamp { precision: a, is_instant, is_iso }, Self::Timestamp { precision: b, is_instant: j, is_iso: k })
                if is_instant == j && is_iso == k =>
            {
                Self::Timestamp { precision: a.max(b), is_instant, is_iso }
            }
            (Self::Array(a), Self::Array(b)) => Self::Array(Box::new(a.merge(*b))),
            (Self::Row(fields), Self::Row(others)) => Self::Row(merge_fields(fields, others)),
            (same, other) if same == other => same,
            _ => Self::String,
        }
    }

    /// What a text of CSV can be.
    pub(crate) fn of_text(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Unknown;
        }
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Self::Boolean;
        }
        // A number with a leading zero is a code: as a number it would lose digits.
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_code = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        if digits.starts_with(|c: char| c.is_ascii_digit()) && !is_code {
            if text.parse::<i64>().is_ok() {
                return Self::BigInt;
            }
            if digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) && text.parse::<f64>().is_ok() {
                return Self::Double;
            }
        }
        Self::of_time(text)
    }

    /// What a JSON value is.
    ///
    /// # Errors
    /// It is nested deeper than a type can be.
    pub(crate) fn of_json(value: &Value, depth: usize) -> Result<Self, PackageError> {
        if depth > NESTING_MAX {
            return Err(PackageError::file(format!("values are nested deeper than {NESTING_MAX} levels")));
        }
        Ok(match value {
            Value::Null => Self::Unknown,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() => Self::BigInt,
            Value::Number(_) => Self::Double,
            Value::String(text) => Self::of_time(text),
            Value::Array(items) => {
                let mut element = Self::Unknown;
                for item in items {
                    element = element.merge(Self::of_json(item, depth + 1)?);
                }
                Self::Array(Box::new(element))
            }
            Value::Object(fields) => Self::Row(Self::of_fields(fields, depth + 1)?),
        })
    }

    /// The fields of a JSON object.
    ///
    /// # Errors
    /// It is nested deeper than a type can be.
    pub(crate) fn of_fields<'a, I>(fields: I, depth: usize) -> Result<Vec<(String, Self)>, PackageError>
    where
        I: IntoIterator<Item: IntoField<'a>>,
    {
        fields.into_iter().map(IntoField::parts).map(|(name, value)| Ok((name.clone(), Self::of_json(value, depth)?))).collect()
    }

    fn of_time(text: &str) -> Self {
        let bytes = text.as_bytes();
        let date = bytes.get(..10).is_some_and(|b| shape(b, b"0000-00-00"));
        if !date {
            return Self::String;
        }
        if bytes.len() == 10 {
            return Self::Date;
        }
        let is_iso = bytes.get(10) == Some(&b'T');
        let separated = is_iso || bytes.get(10) == Some(&b' ');
        if !separated || !bytes.get(11..19).is_some_and(|b| shape(b, b"00:00:00")) {
            return Self::String;
        }
        let rest = text.get(19..).unwrap_or_default();
        let (rest, is_instant) = rest.strip_suffix('Z').map_or((rest, false), |rest| (rest, true));
        let precision = match rest.strip_prefix('.') {
            None if rest.is_empty() => 0,
            Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => digits.len() as u8,
            _ => return Self::String,
        };
        Self::Timestamp { precision, is_instant, is_iso }
    }

    /// Whether a column of this type holds all that is known of `self`: such a value needs no conversion to text.
    pub(crate) fn fits(&self, column: &Self) -> bool {
        match (self, column) {
            (Self::Unknown, _) | (Self::BigInt, Self::Double) => true,
            (Self::Array(own), Self::Array(theirs)) => own.fits(theirs),
            (Self::Row(own), Self::Row(theirs)) => {
                own.iter().all(|(name, guess)| theirs.iter().any(|(other, column)| name == other && guess.fits(column)))
            }
            (Self::Timestamp { is_instant, is_iso, .. }, Self::Timestamp { is_instant: j, is_iso: k, .. }) => {
                is_instant == j && is_iso == k
            }
            (own, theirs) => own == theirs,
        }
    }

    /// Whether date-times are written as ISO 8601 says, as SQL says, or not at all.
    pub(crate) fn writes_iso(&self) -> Option<bool> {
        match self {
            Self::Timestamp { is_iso, .. } => Some(*is_iso),
            Self::Array(element) => element.writes_iso(),
            Self::Row(fields) => fields.iter().find_map(|(_, guess)| guess.writes_iso()),
            _ => None,
        }
    }

    /// The column type. Date-times that are not written in the one form that the package has are texts.
    pub(crate) fn data_type(&self, iso: bool) -> DataType {
        match self {
            Self::Unknown | Self::String => DataType::String,
            Self::Boolean => DataType::Boolean,
            Self::BigInt => DataType::BigInt,
            Self::Double => DataType::Double,
            Self::Date => DataType::Date,
            Self::Timestamp { is_iso, .. } if *is_iso != iso => DataType::String,
            // Seconds alone are rare: the usual precision holds them as well.
            Self::Timestamp { precision, is_instant: false, .. } => DataType::Timestamp { precision: (*precision).max(3) },
            Self::Timestamp { precision, is_instant: true, .. } => DataType::TimestampLtz { precision: (*precision).max(3) },
            Self::Array(element) => DataType::Array(Box::new(Element { data_type: element.data_type(iso), nullable: true })),
            Self::Row(fields) if fields.is_empty() => DataType::String,
            Self::Row(fields) => {
                let field =
                    |(name, guess): &(String, Self)| RowField { name: name.clone(), data_type: guess.data_type(iso), nullable: true };
                DataType::Row(fields.iter().map(field).collect())
            }
        }
    }
}

/// Name and value of a field, as a map or as a list has them.
pub(crate) trait IntoField<'a> {
    fn parts(self) -> (&'a String, &'a Value);
}

impl<'a> IntoField<'a> for (&'a String, &'a Value) {
    fn parts(self) -> (&'a String, &'a Value) {
        self
    }
}

impl<'a> IntoField<'a> for &'a (String, Value) {
    fn parts(self) -> (&'a String, &'a Value) {
        (&self.0, &self.1)
    }
}

/// Fields of both, those of the first in front.
pub(crate) fn merge_fields(mut fields: Vec<(String, Guess)>, others: Vec<(String, Guess)>) -> Vec<(String, Guess)> {
    for (at, (name, guess)) in others.into_iter().enumerate() {
        // Objects of one file mostly have their fields in one order.
        let same = fields.get(at).is_some_and(|(known, _)| *known == name);
        let found = if same { fields.get_mut(at) } else { fields.iter_mut().find(|(known, _)| *known == name) };
        match found {
            Some((_, known)) => *known = std::mem::take(known).merge(guess),
            None => fields.push((name, guess)),
        }
    }
    fields
}

/// Whether `text` has the form of `pattern`, in which `0` stands for any digit.
fn shape(text: &[u8], pattern: &[u8]) -> bool {
    text.len() == pattern.len() && text.iter().zip(pattern).all(|(b, p)| if *p == b'0' { b.is_ascii_digit() } else { b == p })
}
