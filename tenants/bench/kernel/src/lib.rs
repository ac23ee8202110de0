//! The computation of `cargo xtask measure etl-pipeline`: rows with `action = 'buy'` and `amount > 100` pass, the amount
//! grows by a tenth, the item becomes upper case.
//!
//! The plugin `bench-filter` and the native comparison call this same function, so that the measured difference is
//! the sandbox and nothing else. Invariant: no dependency beyond the SDK's kernels, plain slices in, vectors out.

use millrace_kernels::{Selection, ascii_uppercase, map, select_equal, take, take_text};

/// A string column: where each value starts and ends in `data`, one more offset than there are values.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Offsets.
    pub offsets: &'a [i32],
    /// All values, one behind the other.
    pub data: &'a [u8],
}

/// The input columns that are used. All have the same number of rows.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// `id BIGINT`
    pub id: &'a [i64],
    /// `usr STRING`
    pub usr: Text<'a>,
    /// `item STRING`
    pub item: Text<'a>,
    /// `action STRING`
    pub action: Text<'a>,
    /// `amount DOUBLE`
    pub amount: &'a [f64],
    /// Validity bits of these five columns, in this order; a row with a NULL in any of them is dropped.
    pub validity: [Option<&'a [u8]>; 5],
}

/// The output columns; none of them holds NULLs.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// `id BIGINT`
    pub id: Vec<i64>,
    /// `usr STRING`: offsets and data
    pub usr: (Vec<i32>, Vec<u8>),
    /// `item STRING`: offsets and data
    pub item: (Vec<i32>, Vec<u8>),
    /// `amt DOUBLE`
    pub amt: Vec<f64>,
    /// Which input rows passed.
    pub selection: Selection,
}

/// Runs the computation over a batch.
pub fn process(input: &Input<'_>) -> Output {
    let mut selection = select_equal(input.action.offsets, input.action.data, b"buy").and(|row| input.amount[row] > 100.0);
    for validity in input.validity {
        selection = selection.and_valid(validity);
    }
    let (item_offsets, mut item) = take_text(input.item.offsets, input.item.data, &selection);
    ascii_uppercase(&mut item);
    Output {
        id: take(input.id, &selection),
        usr: take_text(input.usr.offsets, input.usr.data, &selection),
        item: (item_offsets, item),
        amt: map(&take(input.amount, &selection), |amount| amount * 1.1),
        selection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purchases_above_a_hundred_pass() {
        let text = |offsets, data: &'static str| Text { offsets, data: data.as_bytes() };
        let input = Input {
            id: &[1, 2, 3, 4],
            usr: text(&[0, 1, 2, 3, 4], "abcd"),
            item: text(&[0, 2, 4, 6, 8], "i1i2i3i4"),
            action: text(&[0, 3, 6, 10, 13], "buybuyviewbuy"),
            amount: &[200.0, 100.0, 300.0, 400.0],
            validity: [None, None, Some(&[0b0111]), None, None],
        };
        let output = process(&input);
        assert_eq!(output.id, [1]);
        assert_eq!((output.usr, output.item), ((vec![0, 1], b"a".to_vec()), (vec![0, 2], b"I1".to_vec())));
        assert_eq!(output.amt, [200.0 * 1.1]);
    }
}
