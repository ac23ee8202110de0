//! The guest of `measure sandbox-call`: binds the contract's columns to the kernel and nothing more.

mod kernel;

wit_bindgen::generate!({ path: "../../../wit/millrace-plugin-0.1.0", world: "etl-operator" });

use exports::millrace::plugin::etl::Guest;
use millrace::plugin::types::{Batch, Column, ColumnData, DataType, Fault, Field, Schema, Utf8Data};

struct Bench;

impl Guest for Bench {
    fn open(_input: Schema) -> Result<Schema, Fault> {
        let field = |name: &str, data_type| Field { name: name.into(), data_type, nullable: false, children: 0 };
        let fields = vec![
            field("id", DataType::Bigint),
            field("ts", DataType::Bigint),
            field("v", DataType::Double),
            field("y", DataType::Double),
            field("name", DataType::Utf8),
        ];
        Ok(Schema { fields })
    }

    fn process(batch: Batch) -> Result<Batch, Fault> {
        let Ok([ids, times, values, names]) = <[Column; 4]>::try_from(batch.columns) else { return Err(fault()) };
        let (ColumnData::I64s(ids), ColumnData::I64s(times), ColumnData::F64s(v), ColumnData::Utf8(names)) =
            (ids.data, times.data, values.data, names.data)
        else {
            return Err(fault());
        };
        let input = kernel::Input {
            ids: &ids,
            times: &times,
            values: &v,
            validity: values.validity.as_deref(),
            offsets: &names.offsets,
            text: &names.data,
        };
        let output = kernel::process(&input);
        let column = |data| Column { data, validity: None };
        Ok(Batch {
            rows: output.ids.len() as u32,
            kinds: None,
            columns: vec![
                column(ColumnData::I64s(output.ids)),
                column(ColumnData::I64s(output.times)),
                column(ColumnData::F64s(output.values)),
                column(ColumnData::F64s(output.lines)),
                column(ColumnData::Utf8(Utf8Data { offsets: output.offsets, data: output.text })),
            ],
        })
    }
}

fn fault() -> Fault {
    Fault { message: "expected the columns id BIGINT, ts BIGINT, v DOUBLE, name STRING".into(), row: None }
}

export!(Bench);
