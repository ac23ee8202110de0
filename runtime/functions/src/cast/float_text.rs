//! Floating-point numbers as Java writes them: `1.5`, `1.0E10`, `NaN`, `-Infinity`.
//!
//! The digits are the fewest that tell the number from its neighbours; but whole numbers beyond the precision of the type
//! (up to 2⁶³) are written with the digits that `Double.toString` gives them before Java 19, on which Flink 2.3 runs by
//! default: all digits but those that lie wholly below the precision.

use std::fmt::{Result, Write};

/// Writes a `DOUBLE`.
pub(crate) fn write_f64(value: f64, out: &mut impl Write) -> Result {
    if !value.is_finite() {
        return write_special(value, out);
    }
    if let Some(digits) = whole_digits(value, f64::MANTISSA_DIGITS) {
        return write_digits(&digits, out);
    }
    // The smallest numbers have less than two digits of precision; Java writes two.
    if value != 0.0 && value.abs() < f64::MIN_POSITIVE {
        return write_java(&format!("{value:.1e}").replace(".0e", "e"), &format!("{value:e}"), out);
    }
    write_digits(ryu::Buffer::new().format_finite(value), out)
}

/// Writes a `FLOAT`.
pub(crate) fn write_f32(value: f32, out: &mut impl Write) -> Result {
    if !value.is_finite() {
        return write_special(f64::from(value), out);
    }
    if let Some(digits) = whole_digits(f64::from(value), f32::MANTISSA_DIGITS) {
        return write_digits(&digits, out);
    }
    if value != 0.0 && value.abs() < f32::MIN_POSITIVE {
        return write_java(&format!("{value:.1e}").replace(".0e", "e"), &format!("{value:e}"), out);
    }
    write_digits(ryu::Buffer::new().format_finite(value), out)
}

/// The digits of a whole number beyond `precision_bits`, if it is one below 2⁶³.
fn whole_digits(value: f64, precision_bits: u32) -> Option<String> {
    let size = value.abs();
    if !(2_f64.powi(precision_bits as i32)..2_f64.powi(63)).contains(&size) {
        return None;
    }
    let size = size as u64;
    // A power of two 2^n has ⌊n · log₁₀ 2⌋ digits to spare.
    let spare_bits = size.ilog2().saturating_sub(precision_bits + 1);
    let spare_digits = spare_bits * 30_103 / 100_000;
    let unit = 10_u64.pow(spare_digits);
    let rounded = size / unit + u64::from(size % unit >= unit.div_ceil(2) && unit > 1);
    let sign = if value < 0.0 { "-" } else { "" };
    Some(format!("{sign}{rounded}e{spare_digits}"))
}

fn write_special(value: f64, out: &mut impl Write) -> Result {
    out.write_str(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    })
}

/// Of two texts of a number the one that Java chooses: the shortest, but of two digits at least.
fn write_java(two_digits: &str, shortest: &str, out: &mut impl Write) -> Result {
    write_digits(if shortest.contains('.') { shortest } else { two_digits }, out)
}

/// Rewrites `[-]digits[.digits][e[-]exponent]` into Java's form.
fn write_digits(text: &str, out: &mut impl Write) -> Result {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once('e').map_or((text, 0), |(mantissa, e)| (mantissa, e.parse::<i32>().unwrap_or(0)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [0_u8; 40];
    let mut count = 0;
    for byte in whole.bytes().chain(fraction.bytes()).take(digits.len()) {
        digits[count] = byte;
        count += 1;
    }
    // `point`: how many digits stand before the point.
    let mut point = whole.len() as i32 + exponent;
    let zeros = digits[..count].iter().take_while(|d| **d == b'0').count();
    let end = digits[..count].iter().rposition(|d| *d != b'0').map_or(zeros, |last| last + 1);
    let digits = std::str::from_utf8(&digits[zeros.min(end)..end]).unwrap_or("0");
    point -= zeros as i32;
    if negative {
        out.write_char('-')?;
    }
    if digits.is_empty() {
        return out.write_str("0.0");
    }
    let or_zero = |rest: &str, out: &mut dyn Write| out.write_str(if rest.is_empty() { "0" } else { rest });
    match point {
        // 10⁻³ ≤ number < 1
        -2..=0 => {
            out.write_str("0.")?;
            (point..0).try_for_each(|_| out.write_char('0'))?;
            out.write_str(digits)
        }
        // 1 ≤ number < 10⁷
        1..=7 => {
            let whole = point as usize;
            out.write_str(&digits[..whole.min(digits.len())])?;
            (digits.len()..whole).try_for_each(|_| out.write_char('0'))?;
            out.write_char('.')?;
            or_zero(digits.get(whole..).unwrap_or(""), out)
        }
        _ => {
            out.write_str(&digits[..1])?;
            out.write_char('.')?;
            or_zero(&digits[1..], out)?;
            write!(out, "E{}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_read_as_in_java() {
        let cases: &[(f64, &str)] = &[
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1.5, "1.5"),
            (-123.456, "-123.456"),
            (0.001, "0.001"),
            (0.01, "0.01"),
            (0.12, "0.12"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1_234_567.125, "1234567.125"),
            (1e7, "1.0E7"),
            (1.25e10, "1.25E10"),
            (9.007_199_254_740_992e15, "9.007199254740992E15"),
            (1e16, "1.0E16"),
            (2_f64.powi(62), "4.6116860184273879E18"),
            (-8.773833219672013e16, "-8.7738332196720128E16"),
            (2.26797932753915e17, "2.26797932753915008E17"),
            (2_f64.powi(63), "9.223372036854776E18"),
            (1.234e22, "1.234E22"),
            (f64::MAX, "1.7976931348623157E308"),
            (4.9e-324, "4.9E-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            let mut text = String::new();
            write_f64(*value, &mut text).unwrap();
            assert_eq!(text, *expected);
        }
        let mut text = String::new();
        write_f32(1.1, &mut text).unwrap();
        write_f32(3.402_823_5e38, &mut text).unwrap();
        write_f32(1e-5, &mut text).unwrap();
        write_f32(-2.144_655_2e17, &mut text).unwrap();
        assert_eq!(text, "1.13.4028235E381.0E-5-2.14465515E17");
    }
}
