//! Every type of the contract there and back through a guest that echoes, whole and sliced.

use crate::guests::{self, ECHO};
use arrow_array::builder::*;
use arrow_array::{ArrayRef, RecordBatch, UInt8Array};
use millrace_model::data_type::DataType;
use millrace_model::{Batch, Field, Schema};
use millrace_sandbox::{EtlOperator, WIT_VERSION};
use proptest::prelude::*;
use std::sync::Arc;

/// Variants of the contract's `data-type`.
const VARIANTS: usize = 17;

/// Column types that the property covers; every variant of the contract's `data-type` is there.
const TYPES: [&str; 22] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(38, 10)",
    "DECIMAL(5, 0)",
    "STRING",
    "BYTES",
    "DATE",
    "TIME(3)",
    "TIME(9)",
    "TIMESTAMP(3)",
    "TIMESTAMP(6)",
    "TIMESTAMP_LTZ(9)",
    "ARRAY<STRING>",
    "ARRAY<ARRAY<BOOLEAN>>",
    "MAP<STRING NOT NULL, BIGINT>",
    "ROW<a INT, b ROW<c STRING, d DECIMAL(10, 2)>>",
    "ARRAY<ROW<a BOOLEAN, b MAP<INT NOT NULL, ARRAY<DOUBLE>>>>",
];

fn schema() -> Schema {
    Schema::new(TYPES.iter().enumerate().map(|(at, text)| Field::new(format!("c{at}"), text.parse().unwrap(), true)).collect()).unwrap()
}

/// Numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// `rows` values of that type, with nulls strewn in.
fn array(data_type: &arrow_schema::DataType, nullable: bool, rows: usize, numbers: &mut Numbers) -> ArrayRef {
    use arrow_buffer::{NullBuffer, OffsetBuffer};
    use arrow_schema::DataType as D;
    let nulls: Option<NullBuffer> =
        (nullable && numbers.below(4) != 0).then(|| NullBuffer::from_iter((0..rows).map(|_| numbers.below(5) != 0)));
    let valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    macro_rules! primitive {
        ($array:ty, $value:expr) => {
            Arc::new(
                (0..rows)
                    .map(|row| {
                        let value = $value;
                        valid(row).then_some(value)
                    })
                    .collect::<$array>(),
            ) as ArrayRef
        };
    }
    let lengths = |numbers: &mut Numbers| OffsetBuffer::<i32>::from_lengths((0..rows).map(|_| numbers.below(4) as usize));
    match data_type {
        D::Boolean => primitive!(arrow_array::BooleanArray, numbers.below(2) == 0),
        D::Int8 => primitive!(arrow_array::Int8Array, numbers.next() as i8),
        D::Int16 => primitive!(arrow_array::Int16Array, numbers.next() as i16),
        D::Int32 => primitive!(arrow_array::Int32Array, numbers.next() as i32),
        D::Int64 => primitive!(arrow_array::Int64Array, numbers.next() as i64),
        D::Float32 => primitive!(arrow_array::Float32Array, numbers.next() as f32),
        D::Float64 => primitive!(arrow_array::Float64Array, numbers.next() as f64),
        D::Date32 => primitive!(arrow_array::Date32Array, numbers.next() as i32),
        D::Time32(_) => primitive!(arrow_array::Time32MillisecondArray, numbers.below(86_400_000) as i32),
        D::Time64(_) => primitive!(arrow_array::Time64NanosecondArray, numbers.below(86_400_000_000_000) as i64),
        D::Timestamp(..) | D::Decimal128(..) => {
            let digits = if let D::Decimal128(precision, _) = data_type { u32::from(*precision) } else { 18 };
            let values: Vec<i128> =
                (0..rows).map(|_| (i128::from(numbers.next()) * i128::from(numbers.next()) - (1 << 90)) % 10_i128.pow(digits)).collect();
            let data = arrow_data::ArrayData::builder(data_type.clone()).len(rows).nulls(nulls.clone());
            let data = match data_type {
                D::Decimal128(..) => data.add_buffer(arrow_buffer::Buffer::from_vec(values)),
                _ => data.add_buffer(arrow_buffer::Buffer::from_vec(values.iter().map(|v| *v as i64).collect::<Vec<i64>>())),
            };
            arrow_array::make_array(data.build().unwrap())
        }
        D::Utf8 => {
            let mut builder = StringBuilder::new();
            for row in 0..rows {
                let text: String = (0..numbers.below(6)).map(|_| ['a', 'é', '漢', '🦀', ' '][numbers.below(5) as usize]).collect();
                builder.append_option(valid(row).then_some(text));
            }
            Arc::new(builder.finish())
        }
        D::Binary => {
            let mut builder = BinaryBuilder::new();
            for row in 0..rows {
                let bytes: Vec<u8> = (0..numbers.below(6)).map(|_| numbers.next() as u8).collect();
                builder.append_option(valid(row).then_some(bytes));
            }
            Arc::new(builder.finish())
        }
        D::List(element) => {
            let offsets = lengths(numbers);
            let values = array(element.data_type(), element.is_nullable(), *offsets.last().unwrap() as usize, numbers);
            Arc::new(arrow_array::ListArray::new(element.clone(), offsets, values, nulls))
        }
        D::Map(entries, _) => {
            let offsets = lengths(numbers);
            let D::Struct(fields) = entries.data_type() else { unreachable!() };
            let length = *offsets.last().unwrap() as usize;
            let columns = fields.iter().map(|f| array(f.data_type(), f.is_nullable(), length, numbers)).collect();
            let entry = arrow_array::StructArray::new(fields.clone(), columns, None);
            Arc::new(arrow_array::MapArray::new(entries.clone(), offsets, entry, nulls, false))
        }
        D::Struct(fields) => {
            let columns = fields.iter().map(|f| array(f.data_type(), f.is_nullable(), rows, numbers)).collect();
            Arc::new(arrow_array::StructArray::new(fields.clone(), columns, nulls))
        }
        other => unreachable!("{other}"),
    }
}

fn batch(rows: usize, seed: u64) -> Batch {
    let numbers = &mut Numbers(seed);
    let schema = schema().to_arrow();
    let columns = schema.fields().iter().map(|f| array(f.data_type(), f.is_nullable(), rows, numbers)).collect();
    let mut batch = Batch::inserts(RecordBatch::try_new(schema, columns).unwrap());
    if numbers.below(2) == 0 && rows > 0 {
        let mut kinds: Vec<u8> = (0..rows).map(|_| numbers.below(4) as u8).collect();
        kinds[0] = 3;
        batch.kinds = Some(UInt8Array::from(kinds));
    }
    batch
}

async fn echo() -> (guests::Fixture, EtlOperator) {
    let fixture = guests::fixture();
    let component = fixture.load(guests::component(&guests::module(&ECHO, ""), WIT_VERSION)).await;
    let operator = fixture.sandbox.open_etl(&component, guests::open(guests::limits()), schema()).await.unwrap();
    (fixture, operator)
}

#[test]
fn every_type_comes_back_as_it_went() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_fixture, operator) = runtime.block_on(echo());
    assert_eq!(operator.output_schema(), &schema());
    let operator = std::cell::RefCell::new(operator);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let cases = (0_usize..70, any::<u64>(), 0_usize..20, 0_usize..20);
    runner
        .run(&cases, |(rows, seed, skip, cut)| {
            let whole = batch(rows, seed);
            let skip = skip.min(rows);
            let length = (rows - skip).saturating_sub(cut);
            let mut sliced = whole.clone();
            sliced.rows = whole.rows.slice(skip, length);
            sliced.kinds = None;
            for sent in [whole, sliced] {
                let got = runtime.block_on(operator.borrow_mut().process(&sent)).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(&got.rows, &sent.rows);
                prop_assert_eq!(&got.kinds, &sent.kinds);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_type_list_is_complete() {
    // Without a `_` arm: a new variant does not compile until it is named here, and then fails until it is in `TYPES`.
    let covered = |data_type: &DataType| match data_type {
        // Types of expressions only: no column of a plugin has one.
        DataType::Multiset(_)
        | DataType::Bitmap
        | DataType::IntervalYearMonth
        | DataType::IntervalDayTime
        | DataType::Variant
        | DataType::Null => "",
        DataType::Boolean => "BOOLEAN",
        DataType::TinyInt => "TINYINT",
        DataType::SmallInt => "SMALLINT",
        DataType::Int => "INT",
        DataType::BigInt => "BIGINT",
        DataType::Float => "FLOAT",
        DataType::Double => "DOUBLE",
        DataType::Decimal { .. } => "DECIMAL",
        DataType::String => "STRING",
        DataType::Bytes => "BYTES",
        DataType::Date => "DATE",
        DataType::Time { .. } => "TIME(",
        DataType::Timestamp { .. } => "TIMESTAMP(",
        DataType::TimestampLtz { .. } => "TIMESTAMP_LTZ",
        DataType::Array(_) => "ARRAY",
        DataType::Map(..) => "MAP",
        DataType::Row(_) => "ROW",
    };
    let found: std::collections::BTreeSet<_> = TYPES.iter().map(|text| covered(&text.parse().unwrap())).collect();
    assert_eq!(found.len(), VARIANTS, "{found:?}");
}
