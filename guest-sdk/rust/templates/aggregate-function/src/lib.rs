//! An aggregate function for SQL: a mean with weights.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`.

use millrace_plugin::prelude::*;

accumulator! {
    /// What is kept per group, and read back from savepoints: add fields at the end only.
    struct Weighted { sum: f64, weight: f64 }
}

struct WeightedMean;

impl Aggregate for WeightedMean {
    /// Rows can be taken back, so it works over streams with updates.
    const RETRACTS: bool = true;
    /// Accumulators can be merged, so it works in session windows.
    const MERGES: bool = true;
    const NAMES: &'static [&'static str] = &["value", "weight"];
    type Arguments<'a> = (f64, f64);
    type Accumulator = Weighted;
    type Answer = Option<f64>;

    fn accumulate(kept: &mut Weighted, (value, weight): (f64, f64)) -> Result<()> {
        if weight < 0.0 {
            bail!("the weight {weight} is negative");
        }
        kept.sum += value * weight;
        kept.weight += weight;
        Ok(())
    }

    fn retract(kept: &mut Weighted, (value, weight): (f64, f64)) -> Result<()> {
        kept.sum -= value * weight;
        kept.weight -= weight;
        Ok(())
    }

    fn merge(kept: &mut Weighted, other: Weighted) -> Result<()> {
        kept.sum += other.sum;
        kept.weight += other.weight;
        Ok(())
    }

    fn value(kept: &Weighted) -> Option<f64> {
        (kept.weight != 0.0).then(|| kept.sum / kept.weight)
    }
}

export_aggregate!(RowAggregate<WeightedMean>);

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{AggregateHarness, TestBatch};

    #[test]
    fn means_by_group() {
        let rows = TestBatch::new().required::<f64>("value", vec![1.0, 3.0, 5.0]).required::<f64>("weight", vec![1.0, 3.0, 2.0]);
        let mut function = AggregateHarness::<RowAggregate<WeightedMean>>::open(0, 2).expect("opens");
        function.accumulate(&[0, 0, 1], &rows).expect("adds");
        assert_eq!(function.values(&[0, 1, 2]).expect("values"), ["2.5", "5", "NULL"]);
    }
}
