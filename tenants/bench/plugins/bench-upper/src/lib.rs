//! Rows of at least 50 with the name in upper case: what `cargo xtask measure guest-languages` runs in every language.

use millrace_plugin::prelude::*;

etl_rows! {
    input Purchase<'a> {
        id: i64,
        name: &'a str,
        amount: f64,
    }

    output Priced<'a> {
        id: i64,
        name: &'a str,
        amount: f64,
    }

    settings Pricing {
        factor: f64 = 1.1,
    }

    fn process(purchase: Purchase, pricing: &Pricing, out: &mut Emit<Priced>) -> Result<()> {
        if purchase.amount >= 50.0 {
            let name = purchase.name.to_uppercase();
            out.emit(Priced { id: purchase.id, name: &name, amount: purchase.amount * pricing.factor });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{Harness, TestBatch};

    #[test]
    fn small_amounts_are_left_out() {
        let input = TestBatch::new()
            .required::<i64>("id", vec![1, 2])
            .required::<str>("name", vec!["ann", "bob"])
            .required::<f64>("amount", ColumnBuf::from_iter([Some(50.0), Some(49.0)]));
        let mut plugin = Harness::<Operator>::open(&input, &[("factor", "2")]).expect("opens");
        assert_eq!(plugin.process(&input).expect("works").lines(), ["1 | ANN | 100"]);
    }
}
