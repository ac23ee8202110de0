//! Precision and scale of decimal results, by the rules on Flink's "Data Types" page.
//!
//! Invariant: what comes out has 1 ≤ precision ≤ 38 and scale ≤ precision.

use millrace_model::DataType;

/// Most digits of a decimal.
pub const PRECISION_MAX: u8 = 38;

/// Digits after the point that a result keeps when it has to give some up for digits before the point.
const SCALE_KEPT: i32 = 6;

/// Precision and scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Digits in all.
    pub precision: u8,
    /// Digits after the point.
    pub scale: u8,
}

impl From<Decimal> for DataType {
    fn from(Decimal { precision, scale }: Decimal) -> Self {
        Self::Decimal { precision, scale }
    }
}

/// The decimal that holds every value of an exact numeric type; `None` for other types.
pub fn of_exact(data_type: &DataType) -> Option<Decimal> {
    let (precision, scale) = match data_type {
        DataType::TinyInt => (3, 0),
        DataType::SmallInt => (5, 0),
        DataType::Int => (10, 0),
        DataType::BigInt => (19, 0),
        DataType::Decimal { precision, scale } => (*precision, *scale),
        _ => return None,
    };
    Some(Decimal { precision, scale })
}

/// The decimal in which values of both meet. Digits before the point are kept, whatever is left of those after it.
pub fn union(left: Decimal, right: Decimal) -> Decimal {
    let (p1, s1, p2, s2) = parts(left, right);
    let whole = (p1 - s1).max(p2 - s2);
    let scale = s1.max(s2).min(i32::from(PRECISION_MAX) - whole);
    adjust(whole + scale, scale)
}

/// Whether [`union`] holds all digits of both.
pub fn unites_all(left: Decimal, right: Decimal) -> bool {
    let (p1, s1, p2, s2) = parts(left, right);
    (p1 - s1).max(p2 - s2) + s1.max(s2) <= i32::from(PRECISION_MAX)
}

/// `+` and `-`.
pub fn addition(left: Decimal, right: Decimal) -> Decimal {
    let (p1, s1, p2, s2) = parts(left, right);
    let scale = s1.max(s2);
    adjust((p1 - s1).max(p2 - s2) + scale + 1, scale)
}

/// `*`.
pub fn multiplication(left: Decimal, right: Decimal) -> Decimal {
    let (p1, s1, p2, s2) = parts(left, right);
    adjust(p1 + p2 + 1, s1 + s2)
}

/// `/`.
pub fn division(left: Decimal, right: Decimal) -> Decimal {
    let (p1, s1, p2, s2) = parts(left, right);
    let scale = SCALE_KEPT.max(s1 + p2 + 1);
    adjust(p1 - s1 + s2 + scale, scale)
}

/// `%`.
pub fn modulo(left: Decimal, right: Decimal) -> Decimal {
    let (p1, s1, p2, s2) = parts(left, right);
    let scale = s1.max(s2);
    adjust((p1 - s1).min(p2 - s2) + scale, scale)
}

fn parts(left: Decimal, right: Decimal) -> (i32, i32, i32, i32) {
    (i32::from(left.precision), i32::from(left.scale), i32::from(right.precision), i32::from(right.scale))
}

/// Cuts to 38 digits: digits before the point are kept as long as at least six after it remain.
fn adjust(precision: i32, scale: i32) -> Decimal {
    let max = i32::from(PRECISION_MAX);
    let (precision, scale) =
        if precision <= max { (precision.max(1), scale) } else { (max, (max - (precision - scale)).max(scale.min(SCALE_KEPT))) };
    Decimal { precision: precision as u8, scale: scale.min(precision) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_flinks_precision() {
        type Rule = fn(Decimal, Decimal) -> Decimal;
        let cases: &[(&str, Rule, [u8; 4], [u8; 2])] = &[
            ("*", multiplication, [10, 2, 5, 1], [16, 3]),
            ("/", division, [10, 2, 5, 1], [17, 8]),
            ("+", addition, [10, 2, 5, 1], [11, 2]),
            ("%", modulo, [10, 2, 5, 1], [6, 2]),
            ("*", multiplication, [38, 20, 38, 18], [38, 6]),
            ("/", division, [38, 20, 38, 18], [38, 6]),
            ("+", addition, [38, 20, 38, 10], [38, 9]),
            ("%", modulo, [38, 20, 38, 10], [38, 20]),
            ("/", division, [10, 2, 10, 0], [21, 13]),
            ("/", division, [10, 2, 19, 0], [30, 22]),
            ("/", division, [10, 2, 3, 0], [14, 6]),
            ("union", union, [37, 1, 38, 30], [38, 2]),
            ("union", union, [38, 38, 38, 0], [38, 0]),
            ("union", union, [10, 2, 5, 4], [12, 4]),
        ];
        for (name, rule, [p1, s1, p2, s2], [precision, scale]) in cases {
            let result = rule(Decimal { precision: *p1, scale: *s1 }, Decimal { precision: *p2, scale: *s2 });
            assert_eq!(result, Decimal { precision: *precision, scale: *scale }, "({p1},{s1}) {name} ({p2},{s2})");
        }
    }
}
