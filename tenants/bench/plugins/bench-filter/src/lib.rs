//! Purchases above 100: the plugin that `cargo xtask measure etl-pipeline` runs, in the column form.
//!
//! The computation is `millrace_bench_kernel::process`; this file only binds columns to it.

use millrace_bench_kernel::{Input, Text, process};
use millrace_plugin::{Col, OutCol, Strings, prelude::*};

/// The bound columns.
pub struct BenchFilter {
    id: Col<i64>,
    usr: Col<str>,
    item: Col<str>,
    action: Col<str>,
    amount: Col<f64>,
    out_id: OutCol<i64>,
    out_usr: OutCol<str>,
    out_item: OutCol<str>,
    out_amt: OutCol<f64>,
}

impl Etl for BenchFilter {
    fn open(input: &Schema, _params: &Params) -> Result<(Self, Schema)> {
        let mut output = Schema::new();
        let operator = Self {
            id: input.column("id")?,
            usr: input.column("usr")?,
            item: input.column("item")?,
            action: input.column("action")?,
            amount: input.column("amount")?,
            out_id: output.required("id"),
            out_usr: output.required("usr"),
            out_item: output.required("item"),
            out_amt: output.required("amt"),
        };
        Ok((operator, output))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        let (id, amount) = (batch.get(self.id), batch.get(self.amount));
        let (usr, item, action) = (batch.get(self.usr), batch.get(self.item), batch.get(self.action));
        let output = process(&Input {
            id: id.slice(),
            usr: text(usr),
            item: text(item),
            action: text(action),
            amount: amount.slice(),
            validity: [id.validity(), usr.validity(), item.validity(), action.validity(), amount.validity()].map(|v| v.bits()),
        });
        out.set(self.out_id, output.id);
        out.set(self.out_usr, ColumnBuf::<str>::from_parts(output.usr.0, output.usr.1));
        out.set(self.out_item, ColumnBuf::<str>::from_parts(output.item.0, output.item.1));
        out.set(self.out_amt, output.amt);
        out.take_kinds(batch, &output.selection);
        Ok(())
    }
}

fn text(column: Strings<'_>) -> Text<'_> {
    Text { offsets: column.offsets(), data: column.data().as_bytes() }
}

export_etl!(BenchFilter);

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{Harness, TestBatch};

    #[test]
    fn purchases_above_a_hundred_pass() {
        let input = TestBatch::new()
            .optional::<i64>("id", vec![1, 2, 3])
            .optional::<str>("usr", vec!["ann", "bob", "cy"])
            .optional::<str>("item", vec!["item-1", "item-2", "item-3"])
            .optional::<str>("action", vec!["buy", "view", "buy"])
            .optional::<f64>("amount", ColumnBuf::from_iter([Some(200.0), Some(300.0), None]));
        let mut plugin = Harness::<BenchFilter>::open(&input, &[]).expect("opens");
        assert_eq!(plugin.process(&input).expect("works").lines(), ["1 | ann | ITEM-1 | 220.00000000000003"]);
    }
}
