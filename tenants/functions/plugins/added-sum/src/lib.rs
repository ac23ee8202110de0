//! SUM of BIGINT over rows that are only ever added: without `retract` and `merge`.

use millrace_plugin::prelude::*;

/// The function.
struct AddedSum;

impl Aggregate for AddedSum {
    type Arguments<'a> = (i64,);
    type Accumulator = Option<i64>;
    type Answer = Option<i64>;

    fn accumulate(total: &mut Option<i64>, (value,): (i64,)) -> Result<()> {
        *total = Some(total.unwrap_or_default().wrapping_add(value));
        Ok(())
    }

    fn value(total: &Option<i64>) -> Option<i64> {
        *total
    }
}

export_aggregate!(RowAggregate<AddedSum>);
