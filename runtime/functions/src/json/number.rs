//! Numbers of any size by their digits, as Java's `BigDecimal` reads, writes and compares them.

use std::{
    cmp::Ordering,
    fmt::{self, Write},
};

/// A number: its digits times a power of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    is_negative: bool,
    /// Digits, perhaps with a point among them.
    mantissa: &'a str,
    /// How many zeros stand before the first digit that counts.
    leading: usize,
    /// How many digits count; one for zero.
    precision: usize,
    /// Digits behind the point; negative: zeros behind the digits.
    scale: i64,
}

impl<'a> Decimal<'a> {
    /// Reads `[+-]digits[.digits][(e|E)[+-]digits]`; `None` when it is no number or its scale is beyond 32 bits.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let is_negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            None => (unsigned, 0),
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let count = whole.len() + fraction.len();
        if count == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let zeros = whole.bytes().chain(fraction.bytes()).take_while(|b| *b == b'0').count();
        let leading = zeros.min(count - 1);
        let scale = fraction.len() as i64 - exponent;
        i32::try_from(scale).ok()?;
        Some(Self { is_negative: is_negative && zeros < count, mantissa, leading, precision: count - leading, scale })
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.mantissa.bytes().filter(u8::is_ascii_digit).skip(self.leading)
    }

    fn is_zero(&self) -> bool {
        self.precision == 1 && self.digits().next() == Some(b'0')
    }

    /// The exponent when one digit stands before the point.
    fn adjusted(&self) -> i64 {
        self.precision as i64 - 1 - self.scale
    }

    /// Whether the text that it was read from is what [`write`](Self::write) writes.
    pub(crate) fn is_written_as(&self, text: &str) -> bool {
        let has_sign = text.starts_with('-');
        self.scale >= 0
            && self.adjusted() >= -6
            && self.is_negative == has_sign
            && self.mantissa.len() + usize::from(has_sign) == text.len()
            // Only a number below one begins with a zero.
            && (self.leading == 0 || self.mantissa.starts_with("0."))
    }

    /// Writes it as `BigDecimal.toString` does: plainly, or with an exponent when it is small or its digits end before the
    /// point.
    pub(crate) fn write(&self, out: &mut impl Write) -> fmt::Result {
        if self.is_negative {
            out.write_char('-')?;
        }
        let (precision, adjusted) = (self.precision as i64, self.adjusted());
        let is_plain = self.scale >= 0 && adjusted >= -6;
        let whole = if is_plain { precision - self.scale } else { 1 };
        if whole <= 0 {
            out.write_str("0.")?;
            (whole..0).try_for_each(|_| out.write_char('0'))?;
        }
        for (position, digit) in self.digits().enumerate() {
            if position as i64 == whole && position > 0 {
                out.write_char('.')?;
            }
            out.write_char(char::from(digit))?;
        }
        if !is_plain && adjusted != 0 {
            write!(out, "E{}{adjusted}", if adjusted > 0 { "+" } else { "" })?;
        }
        Ok(())
    }

    /// Compares by value: `1.0` equals `1`.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| {
            if d.is_zero() {
                0
            } else if d.is_negative {
                -1
            } else {
                1
            }
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign != Ordering::Equal || self.is_zero() {
            return by_sign;
        }
        let size = self.adjusted().cmp(&other.adjusted()).then_with(|| {
            let padded = |d: &Self| d.digits().chain(std::iter::repeat(b'0'));
            padded(self)
                .zip(padded(other))
                .take(self.precision.max(other.precision))
                .map(|(a, b)| a.cmp(&b))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        if self.is_negative { size.reverse() } else { size }
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let size = if digits.is_empty() { 0 } else { digits.parse::<i32>().map(i64::from).ok()? };
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_java_writes_them() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0.0"),
            ("0e3", "0E+3"),
            ("0e-9", "0E-9"),
            ("1.50", "1.50"),
            ("1e3", "1E+3"),
            ("1.50e2", "150"),
            ("1.5e1", "15"),
            ("-1e-5", "-0.00001"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("0.00000012", "1.2E-7"),
            ("12345678901234567890.5", "12345678901234567890.5"),
            ("1.23e400", "1.23E+400"),
            ("00012", "12"),
            ("1e2147483647", "1E+2147483647"),
        ] {
            let mut out = String::new();
            let decimal = Decimal::parse(text).expect(text);
            decimal.write(&mut out).expect("a string");
            assert_eq!(out, expected, "{text}");
            assert_eq!(decimal.is_written_as(text), text == expected, "{text}");
        }
        for text in ["", ".", "1e", "1e2147483648", "1e99999999999", "1.2.3", "x", "1_0", "-"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value() {
        let ascending = ["-1e9", "-2", "-1.5", "0", "1e-400", "0.1", "1", "1.0000000000000000000001", "2", "10", "1e2", "1e2147483647"];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                let (a, b) = (Decimal::parse(left).expect("a number"), Decimal::parse(right).expect("a number"));
                assert_eq!(a.compare(&b), i.cmp(&j), "{left} {right}");
            }
        }
        for (left, right) in [("1", "1.00"), ("100", "1e2"), ("0", "-0.000"), ("0.10", "1e-1")] {
            let (a, b) = (Decimal::parse(left).expect("a number"), Decimal::parse(right).expect("a number"));
            assert_eq!(a.compare(&b), Ordering::Equal, "{left} {right}");
        }
    }
}
