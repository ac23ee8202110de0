//! `DECIMAL(P, S)`: an unscaled 128-bit integer and the number of digits after the point.

use crate::column::ColumnBuilder as _;
use crate::{
    bindings::types::ColumnData,
    column::{AnyColumn, ColumnBuf, ColumnType, IntoColumn},
    scalar::{Scalar, ScalarBuilder, Values, column_type},
    schema::DataType,
};
use std::fmt;

/// A decimal number: `Decimal::<10, 2>(12_345)` is 123.45. At most `P` digits, `S` of them after the point.
///
/// Arithmetic is done on the unscaled number, so that nothing is rounded unseen; [`Decimal::checked`] keeps the digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const P: u8, const S: u8>(pub i128);

impl<const P: u8, const S: u8> Decimal<P, S> {
    /// The number with this unscaled value, unless it has more than `P` digits.
    pub fn checked(unscaled: i128) -> Option<Self> {
        (unscaled.unsigned_abs() < 10u128.pow(P.min(38).into())).then_some(Self(unscaled))
    }

    /// The nearest double: for output only, sums of doubles drift.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 10f64.powi(S.into())
    }

    /// The same number with `S2` digits after the point, rounded half up as Flink's CAST does; `None` if it has more
    /// than `P2` digits then.
    pub fn rescale<const P2: u8, const S2: u8>(self) -> Option<Decimal<P2, S2>> {
        let unscaled = if S2 >= S {
            self.0.checked_mul(10i128.checked_pow(u32::from(S2 - S))?)?
        } else {
            let divisor = 10i128.checked_pow(u32::from(S - S2))?;
            let (whole, rest) = (self.0 / divisor, self.0 % divisor);
            whole + if rest.abs() * 2 >= divisor { self.0.signum() } else { 0 }
        };
        Decimal::checked(unscaled)
    }
}

impl<const P: u8, const S: u8> fmt::Display for Decimal<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = self.0.unsigned_abs();
        if S == 0 {
            return write!(f, "{sign}{digits}");
        }
        let unit = 10u128.pow(S.into());
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit, width = S.into())
    }
}

impl<const P: u8, const S: u8> Scalar for Decimal<P, S> {
    /// Two words per value, low word first.
    type Slice<'a> = &'a [u64];
    type Buffer = Vec<u64>;

    fn data_type() -> DataType {
        DataType::Decimal { precision: P, scale: S }
    }
    fn accepts(declared: &DataType) -> bool {
        matches!(declared, DataType::Decimal { precision, scale } if *precision <= P && *scale == S)
    }
    fn slice(data: &ColumnData) -> Option<&[u64]> {
        match data {
            ColumnData::I128s(words) => Some(words),
            _ => None,
        }
    }
    #[inline]
    fn at(words: &[u64], row: usize) -> Self {
        Self((u128::from(words[2 * row]) | u128::from(words[2 * row + 1]) << 64) as i128)
    }
    fn buffer(rows: usize) -> Vec<u64> {
        Vec::with_capacity(2 * rows)
    }
    #[inline]
    fn push(words: &mut Vec<u64>, value: Self) {
        words.extend_from_slice(&[value.0 as u64, (value.0 >> 64) as u64]);
    }
    fn filler() -> Self {
        Self(0)
    }
    fn buffer_len(words: &Vec<u64>) -> usize {
        words.len() / 2
    }
    fn wrap(words: Vec<u64>) -> ColumnData {
        ColumnData::I128s(words)
    }
}

column_type!(Decimal<P, S>, P, S);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(Decimal::<10, 2>(-5).to_string(), "-0.05");
        assert_eq!(Decimal::<10, 0>(42).to_string(), "42");
        assert_eq!(Decimal::<3, 1>::checked(1000), None);
        assert_eq!(Decimal::<5, 3>(12_345).rescale::<4, 2>(), Some(Decimal(1_235)));
        assert_eq!(Decimal::<5, 3>(-12_345).rescale::<4, 2>(), Some(Decimal(-1_235)));
        assert_eq!(Decimal::<5, 1>(12_345).rescale::<5, 3>(), None);
        assert_eq!(Decimal::<38, 0>(10i128.pow(37)).rescale::<38, 10>(), None);
    }

    #[test]
    fn words_hold_negative_numbers() {
        let mut words = Vec::new();
        for value in [-1, i128::MIN + 1, 7 << 70] {
            Decimal::<38, 0>::push(&mut words, Decimal(value));
        }
        let read: Vec<i128> = (0..3).map(|row| Decimal::<38, 0>::at(&words, row).0).collect();
        assert_eq!(read, [-1, i128::MIN + 1, 7 << 70]);
    }
}
