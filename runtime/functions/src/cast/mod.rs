//! `CAST` and `TRY_CAST` between all of Flink's types.
//!
//! Invariants: which pairs have a cast is said once, by [`is_castable`]; a value that does not fit is an error with
//! `CAST`, NULL with `TRY_CAST`, except decimals beyond their precision, which are NULL with both, as in Flink.

mod conversion;
mod float_text;
mod length;
mod nested;
mod numeric;
mod parse;
mod temporal;
mod text;
mod time_parse;
mod value_text;

pub use length::Lengths;
pub use text::{TextForm, to_text, to_text_as};
pub(crate) use value_text::{write_date, write_decimal};

use crate::{Columnar, EvaluationContext, EvaluationError, coercion::is_numeric};
use arrow_array::{ArrayRef, cast::AsArray, new_null_array};
pub(crate) use conversion::Conversion;
use conversion::Converted;
pub(crate) use float_text::{write_f32, write_f64};
use millrace_model::DataType;
pub(crate) use numeric::{POWERS_OF_TEN, fits, rescale};
pub(crate) use parse::is_java_float;
pub(crate) use temporal::{nanos_per_unit, timestamp_values};
pub(crate) use time_parse::{parse_date, parse_time, parse_timestamp};

/// Where a cast goes to.
#[derive(Clone, PartialEq, Eq)]
pub struct CastTarget {
    /// The type.
    pub data_type: DataType,
    /// `CHAR(n)`/`VARCHAR(n)`/`BINARY(n)`/`VARBINARY(n)`: the length, and whether shorter values are padded.
    pub length: Option<(u32, bool)>,
    /// The same of what is inside of the type: elements, keys and values, fields. Empty where nothing has a length.
    pub parts: Vec<Lengths>,
    /// How a cast to a text writes values.
    pub text: TextForm,
}

/// State is found again by the text of what is computed, so that of a cast without inner lengths stays as it always was.
impl std::fmt::Debug for CastTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("CastTarget");
        text.field("data_type", &self.data_type).field("length", &self.length);
        if !self.parts.is_empty() {
            text.field("parts", &self.parts);
        }
        text.field("text", &self.text).finish()
    }
}

impl From<DataType> for CastTarget {
    fn from(data_type: DataType) -> Self {
        Self { data_type, length: None, parts: Vec::new(), text: TextForm::Cast }
    }
}

/// Casts a column. `is_try`: values that do not fit become NULL instead of an error.
///
/// # Errors
/// A value that does not fit, or types that Flink does not cast.
pub fn cast(
    value: &Columnar,
    from: &DataType,
    to: &CastTarget,
    is_try: bool,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let conversion = Conversion { is_try, text: to.text, context };
    let array = value.inner();
    let mut result = if *from == to.data_type { array.clone() } else { convert(array, from, &to.data_type, conversion)?.array };
    if let Some((length, pads)) = to.length {
        result = length::fit(&result, length, pads);
    }
    if !to.parts.is_empty() {
        result = length::fit_parts(&result, &to.parts)?;
    }
    Ok(match value {
        Columnar::Array(_) => Columnar::Array(result),
        Columnar::Scalar(_) => Columnar::Scalar(result),
    })
}

/// Whether Flink has a cast between these types at all.
pub fn is_castable(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Array, Bitmap, Boolean, Bytes, Date, IntervalDayTime, IntervalYearMonth, Map, Multiset, Null, Row, String, Time, Timestamp,
        TimestampLtz, Variant,
    };
    if from == to {
        return true;
    }
    match (from, to) {
        (Null, _) => true,
        (_, Null) => false,
        (Variant, _) | (_, Variant) => false,
        (_, String) => true,
        (String, Array(_) | Map(..) | Multiset(_) | Row(_) | Bitmap | IntervalDayTime | IntervalYearMonth) => false,
        (String, _) => true,
        (from, to) if is_numeric(from) && is_numeric(to) => true,
        (Boolean, to) => is_numeric(to),
        (from, Boolean) => is_numeric(from),
        (Date, Timestamp { .. } | TimestampLtz { .. }) => true,
        (Time { .. }, Time { .. } | Timestamp { .. } | TimestampLtz { .. }) => true,
        (Timestamp { .. } | TimestampLtz { .. }, Date | Time { .. } | Timestamp { .. } | TimestampLtz { .. }) => true,
        (Array(a), Array(b)) | (Multiset(a), Multiset(b)) => is_castable(&a.data_type, &b.data_type),
        (Map(ka, va), Map(kb, vb)) => is_castable(&ka.data_type, &kb.data_type) && is_castable(&va.data_type, &vb.data_type),
        (Row(a), Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_castable(&a.data_type, &b.data_type)),
        (Bitmap, Bytes) => true,
        (Bytes | Bitmap, _) => false,
        _ => false,
    }
}

/// Whether there are values on which a cast fails.
pub fn can_fail(from: &DataType, to: &DataType) -> bool {
    use DataType::{Boolean, Date, Decimal, Double, Float, String, Time, Timestamp, TimestampLtz};
    match (from, to) {
        (from, to) if from == to => false,
        (DataType::Null, _) => false,
        (Float | Double, Decimal { .. }) => true,
        (from, to) if is_numeric(from) && is_numeric(to) => false,
        (from, Boolean) | (Boolean, from) if is_numeric(from) => false,
        (from, String) => matches!(from, DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_)),
        // Only nanoseconds have a range that is smaller than that of the others.
        (_, Timestamp { precision: 7..=9 } | TimestampLtz { precision: 7..=9 }) => true,
        (Date | Time { .. } | Timestamp { .. } | TimestampLtz { .. }, _) => false,
        _ => true,
    }
}

/// Casts between two different types.
fn convert(array: &ArrayRef, from: &DataType, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    use DataType::{Array, Boolean, Bytes, Date, Map, Multiset, Null, Row, String, Time, Timestamp, TimestampLtz};
    if from == to {
        return Ok(array.clone().into());
    }
    if (from, to) == (&DataType::Bitmap, &Bytes) {
        return Ok(array.clone().into());
    }
    if !is_castable(from, to) {
        return Err(EvaluationError(format!("cannot cast {from} to {to}")));
    }
    match (from, to) {
        (Null, _) => Ok(new_null_array(&to.to_arrow(), array.len()).into()),
        (_, String) => Ok(Converted::whole(to_text_as(array, from, conversion.text, conversion.context)?)),
        (String, Bytes) => Ok(Converted::whole(parse::to_bytes(array.as_string::<i32>()))),
        (String, Date | Time { .. } | Timestamp { .. } | TimestampLtz { .. }) => temporal::parse(array.as_string::<i32>(), to, conversion),
        (String, _) => parse::parse(array.as_string::<i32>(), to, conversion),
        (Boolean, _) => numeric::from_boolean(array.as_boolean(), to),
        (from, Boolean) => numeric::to_boolean(array, from),
        (from, to) if is_numeric(from) && is_numeric(to) => numeric::convert(array, from, to, conversion),
        (Date | Time { .. } | Timestamp { .. } | TimestampLtz { .. }, _) => temporal::convert(array, from, to, conversion),
        (Array(a), Array(b)) => nested::array(array, &a.data_type, b, conversion),
        (Multiset(_) | Map(..), _) => nested::map(array, from, to, conversion),
        (Row(a), Row(b)) => nested::row(array, a, b, conversion),
        _ => Err(EvaluationError(format!("cannot cast {from} to {to}"))),
    }
}
