//! Keeps orders above a limit and adds a fee.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`.

use millrace_plugin::prelude::*;

etl_rows! {
    /// What is read. Columns are found by name; a column that may be NULL is read as `Option`.
    input Order<'a> {
        id: i64,
        item: &'a str,
        amount: Option<f64>,
    }

    /// What is written.
    output Sale<'a> {
        id: i64,
        item: &'a str,
        amount: f64,
    }

    /// Parameters of the node in the job; a default makes one optional.
    settings Limits {
        amount_min: f64 = 100.0,
    }

    /// Called for every row; emit any number of rows.
    fn process(order: Order, limits: &Limits, out: &mut Emit<Sale>) -> Result<()> {
        match order.amount {
            Some(amount) if amount < 0.0 => bail!("order {} has the negative amount {amount}", order.id),
            Some(amount) if amount >= limits.amount_min => {
                out.emit(Sale { id: order.id, item: order.item, amount: amount * 1.1 });
            }
            _ => count("orders_dropped", 1),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{Harness, TestBatch};

    #[test]
    fn orders_above_the_limit_pass() {
        let orders = TestBatch::new()
            .required::<i64>("id", vec![1, 2, 3])
            .required::<str>("item", vec!["tea", "cake", "milk"])
            .optional::<f64>("amount", ColumnBuf::from_iter([Some(50.0), Some(10.0), None]));
        let mut plugin = Harness::<Operator>::open(&orders, &[("amount_min", "20")]).expect("opens");
        assert_eq!(plugin.process(&orders).expect("works").lines(), ["1 | tea | 55.00000000000001"]);
        assert_eq!(plugin.host().counters["orders_dropped"], 2);
    }
}
