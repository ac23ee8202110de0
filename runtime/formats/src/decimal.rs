//! DECIMAL as text, both ways, digit by digit: never through floating point.
//!
//! Surplus digits after the point are rounded half up, as Flink's `DecimalData.fromBigDecimal`; a number with too many
//! digits before it is refused (Flink would write NULL).

/// The unscaled value of `text` (JSON number syntax) as `DECIMAL(precision, scale)`.
pub(crate) fn parse(text: &[u8], precision: u8, scale: u8) -> Result<i128, String> {
    let shown = || String::from_utf8_lossy(text.get(..40).unwrap_or(text)).into_owned();
    let malformed = || format!("`{}` is not a decimal number", shown());
    let (negative, unsigned) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..]).ok_or_else(malformed)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|&b| b == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &mantissa[mantissa.len()..]),
    };
    if (whole.is_empty() && fraction.is_empty()) || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    // Digits from the left that lie at or before the last kept place.
    let kept = whole.len() as i64 + exponent + i64::from(scale);
    let too_large = || format!("`{}` does not fit DECIMAL({precision}, {scale})", shown());
    let mut value: i128 = 0;
    let mut digits = 0;
    for &digit in whole.iter().chain(fraction).take(usize::try_from(kept).unwrap_or(0)) {
        value = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit - b'0'))).ok_or_else(too_large)?;
        digits += 1;
    }
    if value != 0 {
        let zeros = u32::try_from(kept - digits).map_err(|_| too_large())?;
        value = 10i128.checked_pow(zeros).and_then(|unit| value.checked_mul(unit)).ok_or_else(too_large)?;
    }
    let first_dropped = usize::try_from(kept).ok().and_then(|kept| whole.iter().chain(fraction).nth(kept));
    if first_dropped.is_some_and(|&digit| digit >= b'5') {
        value += 1;
    }
    if value >= 10i128.pow(u32::from(precision.min(38))) {
        return Err(too_large());
    }
    Ok(if negative { -value } else { value })
}

/// Exponents are capped far outside of what 38 digits can hold, so that sums cannot overflow.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |n, d| (n * 10 + i64::from(d - b'0')).min(1 << 40));
    Some(if negative { -value } else { value })
}

/// Appends the plain form (`-12.30`): all `scale` digits, no exponent.
pub(crate) fn write(value: i128, scale: u8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
        return;
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    out.push(b'.');
    out.resize(out.len() + scale - fraction.len(), b'0');
    out.extend_from_slice(fraction);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, precision: u8, scale: u8, expected: &str) {
        let shown = match parse(text.as_bytes(), precision, scale) {
            Ok(value) => {
                let mut out = Vec::new();
                write(value, scale, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected, "for {text}");
    }

    #[test]
    fn digits_are_exact() {
        check("0.1", 10, 2, "0.10");
        check("-0.05", 10, 2, "-0.05");
        check("12345678901234567890123456789012345678", 38, 0, "12345678901234567890123456789012345678");
        check("0.12345678901234567890123456789012345678", 38, 38, "0.12345678901234567890123456789012345678");
        check("1e3", 10, 2, "1000.00");
        check("123E-2", 10, 2, "1.23");
        check("1E+2", 3, 0, "100");
        check("0e99999999999999999999", 3, 0, "0");
        check("1e-99999999999999999999", 3, 0, "0");
    }

    #[test]
    fn surplus_digits_round_half_up() {
        check("1.005", 10, 2, "1.01");
        check("-1.005", 10, 2, "-1.01");
        check("1.004999", 10, 2, "1.00");
        check("0.5", 1, 0, "1");
        check("0.05", 1, 0, "0");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check("100", 2, 0, "error: `100` does not fit DECIMAL(2, 0)");
        check("99.5", 2, 0, "error: `99.5` does not fit DECIMAL(2, 0)");
        check("1e40", 38, 0, "error: `1e40` does not fit DECIMAL(38, 0)");
        check("1e99999999999999999999", 38, 0, "error: `1e99999999999999999999` does not fit DECIMAL(38, 0)");
        for text in ["", "-", ".", "1x", "e5", "1e", "--1", "1.2.3"] {
            check(text, 10, 2, &format!("error: `{text}` is not a decimal number"));
        }
    }
}
