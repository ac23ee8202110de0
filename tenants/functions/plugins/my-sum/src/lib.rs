//! SUM of BIGINT, as SQL's own: NULL for a group without values.

use millrace_plugin::prelude::*;

accumulator! {
    /// Sum and number of the values.
    struct Total { sum: i64, count: i64 }
}

/// The function.
struct MySum;

impl Aggregate for MySum {
    const RETRACTS: bool = true;
    const MERGES: bool = true;
    const NAMES: &'static [&'static str] = &["value"];
    type Arguments<'a> = (i64,);
    type Accumulator = Total;
    type Answer = Option<i64>;

    fn accumulate(total: &mut Total, (value,): (i64,)) -> Result<()> {
        total.sum = total.sum.wrapping_add(value);
        total.count += 1;
        Ok(())
    }

    fn retract(total: &mut Total, (value,): (i64,)) -> Result<()> {
        total.sum = total.sum.wrapping_sub(value);
        total.count -= 1;
        Ok(())
    }

    fn merge(total: &mut Total, other: Total) -> Result<()> {
        total.sum = total.sum.wrapping_add(other.sum);
        total.count += other.count;
        Ok(())
    }

    fn value(total: &Total) -> Option<i64> {
        (total.count != 0).then_some(total.sum)
    }
}

export_aggregate!(RowAggregate<MySum>);

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{AggregateHarness, TestBatch};

    #[test]
    fn sums_are_added_taken_back_merged_and_forgotten() {
        let mut sum = AggregateHarness::<RowAggregate<MySum>>::open(0, 1).expect("opens");
        let values = TestBatch::new().optional::<i64>("value", ColumnBuf::from_iter([Some(5), None, Some(7)]));
        sum.accumulate(&[0, 1, 0], &values).expect("adds");
        assert_eq!(sum.values(&[0, 1, 2]).expect("values"), ["12", "NULL", "NULL"]);
        sum.merge(1, 0).expect("merges");
        sum.retract(&[0, 0, 1], &values).expect("takes back");
        assert_eq!(sum.values(&[0, 1]).expect("values"), ["7", "5"]);
        sum.clear(&[1]);
        assert_eq!(sum.values(&[1]).expect("values"), ["NULL"]);
    }
}
