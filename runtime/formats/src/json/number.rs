//! Numbers: one pass checks the syntax and gathers the digits; nearly all values need no second look.

use super::cursor::Cursor;
use crate::{
    error::{Bad, bad},
    text::shown,
};

/// A number as it is written.
pub(super) struct Number<'a> {
    /// The whole number.
    pub(super) text: &'a [u8],
    negative: bool,
    /// All digits without the point, if `exact`.
    mantissa: u64,
    /// Whether `mantissa` holds all digits (up to 19 of them).
    exact: bool,
    /// Power of ten to multiply the mantissa with.
    exponent: i64,
    /// Neither point nor exponent.
    integer: bool,
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

impl<'a> Cursor<'a> {
    /// Reads a number.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Bad> {
        let start = self.at;
        let negative = self.eat(b'-');
        let mut mantissa = 0;
        let whole = self.at;
        self.digits(&mut mantissa);
        let mut digits = self.at - whole;
        if digits == 0 {
            self.at = start;
            return Err(self.unexpected("a value"));
        }
        if digits > 1 && self.bytes.get(whole) == Some(&b'0') {
            self.at = whole;
            return Err(self.unexpected("a number without leading zeros"));
        }
        let (mut exponent, mut integer) = (0, true);
        if self.eat(b'.') {
            integer = false;
            let fraction = self.at;
            self.digits(&mut mantissa);
            if self.at == fraction {
                return Err(self.unexpected("a digit"));
            }
            digits += self.at - fraction;
            exponent = -((self.at - fraction) as i64);
        }
        if matches!(self.peek(), b'e' | b'E') {
            integer = false;
            exponent += self.exponent()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        Ok(Number { text, negative, mantissa, exact: digits <= 19, exponent, integer })
    }

    #[inline]
    fn digits(&mut self, mantissa: &mut u64) {
        let (mut value, mut count) = (*mantissa, 0);
        for &byte in self.rest() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
        }
        *mantissa = value;
        self.at += count;
    }

    /// Capped far beyond every representable number, so that sums cannot overflow.
    fn exponent(&mut self) -> Result<i64, Bad> {
        self.at += 1;
        let negative = match self.peek() {
            sign @ (b'+' | b'-') => {
                self.at += 1;
                sign == b'-'
            }
            _ => false,
        };
        let start = self.at;
        let mut value = 0i64;
        while let digit @ b'0'..=b'9' = self.peek() {
            value = (value * 10 + i64::from(digit - b'0')).min(1 << 40);
            self.at += 1;
        }
        if self.at == start {
            return Err(self.unexpected("a digit"));
        }
        Ok(if negative { -value } else { value })
    }
}

impl Number<'_> {
    /// As an integer; a fraction is cut off, as Jackson's `getLongValue` does.
    #[inline]
    pub(super) fn to_i64(&self, name: &str) -> Result<i64, Bad> {
        if self.integer && self.exact {
            let magnitude = i64::try_from(self.mantissa).ok();
            if let Some(value) = magnitude.map(|m| if self.negative { -m } else { m }) {
                return Ok(value);
            }
            if self.negative && self.mantissa == 1 << 63 {
                return Ok(i64::MIN);
            }
        }
        if !self.integer {
            let truncated = self.to_f64(name)?.trunc();
            // The greatest double below 2^63 is well below it, so the bounds are exact.
            if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&truncated) {
                return Ok(truncated as i64);
            }
        }
        Err(self.out_of_range(name))
    }

    /// As an integer of fewer bits.
    #[inline]
    pub(super) fn to_int<T: TryFrom<i64>>(&self, name: &str) -> Result<T, Bad> {
        T::try_from(self.to_i64(name)?).map_err(|_| self.out_of_range(name))
    }

    /// As the nearest double. Up to 53 bits of digits and 10^22, one exactly rounded operation gives it (Clinger 1990).
    #[inline]
    pub(super) fn to_f64(&self, name: &str) -> Result<f64, Bad> {
        if self.exact && self.mantissa < 1 << 53 {
            let power = usize::try_from(self.exponent.unsigned_abs()).ok().and_then(|e| EXACT_POWERS.get(e));
            if let Some(power) = power {
                let digits = self.mantissa as f64;
                let magnitude = if self.exponent < 0 { digits / power } else { digits * power };
                return Ok(if self.negative { -magnitude } else { magnitude });
            }
        }
        match lexical_core::parse::<f64>(self.text) {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.out_of_range(name)),
        }
    }

    /// As the nearest float, rounded once.
    pub(super) fn to_f32(&self) -> Result<f32, Bad> {
        match lexical_core::parse::<f32>(self.text) {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.out_of_range("FLOAT")),
        }
    }

    #[cold]
    fn out_of_range(&self, name: &str) -> Bad {
        bad(format!("`{}` is out of the range of {name}", shown(self.text)))
    }
}
