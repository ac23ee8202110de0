//! Runs a plugin natively in `cargo test`, with a stand-in for the host.
//!
//! ```
//! use millrace_plugin::{prelude::*, testing::{Harness, TestBatch}};
//!
//! etl_rows! {
//!     input Word<'a> { text: &'a str }
//!     output Shout { text: String }
//!     settings Style { mark: String = "!".to_owned() }
//!
//!     fn process(word: Word, style: &Style, out: &mut Emit<Shout>) {
//!         out.emit(Shout { text: word.text.to_uppercase() + &style.mark });
//!     }
//! }
//!
//! # fn main() {
//! let words = TestBatch::new().required::<str>("text", vec!["hej", "då"]);
//! let mut plugin = Harness::<Operator>::open(&words, &[("mark", "?")]).unwrap();
//! assert_eq!(plugin.process(&words).unwrap().lines(), ["HEJ?", "DÅ?"]);
//! # }
//! ```

use crate::{
    bindings::{host::Level, types as wit},
    column::{AnyBuf, AnyColumn, ColumnType, IntoColumn},
    failure::{Error, Result},
    functions::{AggregateRunner, ScalarRunner, TableRunner},
    operator::{Etl, Runner},
    schema::{DataType, Field, Schema, flatten, restore},
    *,
};
use std::{cell::RefCell, collections::BTreeMap, marker::PhantomData};

thread_local! {
    pub(crate) static HOST: RefCell<TestHost> = RefCell::default();
}

/// What the stand-in for the host was told, per thread.
#[derive(Debug, Default, Clone)]
pub struct TestHost {
    /// Parameters of the node.
    pub parameters: BTreeMap<String, String>,
    /// Lines of the log.
    pub log: Vec<(Level, String)>,
    /// Counters.
    pub counters: BTreeMap<String, u64>,
}

/// Rows for a test, with their schema.
#[derive(Debug, Clone, Default)]
pub struct TestBatch {
    schema: Schema,
    columns: Vec<wit::Column>,
    rows: usize,
    kinds: Option<Vec<u8>>,
}

impl TestBatch {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column that is declared NOT NULL.
    pub fn required<T: ColumnType + ?Sized>(self, name: &str, values: impl IntoColumn<T>) -> Self {
        self.any(Field::new(name, T::data_type(), false), values.into_column().any)
    }

    /// Adds a column that may hold NULL.
    pub fn optional<T: ColumnType + ?Sized>(self, name: &str, values: impl IntoColumn<T>) -> Self {
        self.any(Field::new(name, T::data_type(), true), values.into_column().any)
    }

    /// Adds a column of any type.
    ///
    /// # Panics
    /// It has another number of rows than the first column.
    pub fn any(mut self, field: Field, values: AnyBuf) -> Self {
        assert!(self.columns.is_empty() || self.rows == values.len, "column `{}` has another number of rows", field.name);
        self.rows = values.len;
        self.schema.push(field);
        self.columns.extend(values.columns);
        self
    }

    /// Gives the rows kinds, Flink's numbers.
    pub fn kinds(mut self, kinds: Vec<u8>) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rows as text, columns separated by ` | `, the kind in front where the batch has kinds.
    pub fn lines(&self) -> Vec<String> {
        let batch = self.to_wit();
        let Some(view) = Batch::new(&self.schema, &batch) else { unreachable!("columns follow the schema") };
        let line = |row: usize| {
            let cells: Vec<String> = (0..self.schema.fields().len()).map(|c| show(view.column(c), row)).collect();
            let kind = self.kinds.as_ref().map_or("", |kinds| ["+I ", "-U ", "+U ", "-D "][usize::from(kinds[row])]);
            format!("{kind}{}", cells.join(" | "))
        };
        (0..self.rows).map(line).collect()
    }

    fn to_wit(&self) -> wit::Batch {
        wit::Batch { rows: self.rows as u32, kinds: self.kinds.clone(), columns: self.columns.clone() }
    }
}

/// An open operator under test.
pub struct Harness<E> {
    runner: Runner<E>,
    output: Schema,
    operator: PhantomData<E>,
}

impl<E: Etl> Harness<E> {
    /// Opens the operator for batches like `input` with these parameters; forgets what was logged and counted before.
    ///
    /// # Errors
    /// The operator refuses.
    pub fn open(input: &TestBatch, parameters: &[(&str, &str)]) -> Result<Self> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HOST.set(TestHost { parameters, ..TestHost::default() });
        let (runner, output) = Runner::open(flatten(&input.schema)).map_err(from_fault)?;
        Ok(Self { runner, output: restore(output)?, operator: PhantomData })
    }

    /// The output schema.
    pub fn output(&self) -> &Schema {
        &self.output
    }

    /// Processes one batch.
    ///
    /// # Errors
    /// The operator's error.
    pub fn process(&mut self, input: &TestBatch) -> Result<TestBatch> {
        let batch = self.runner.process(input.to_wit()).map_err(from_fault)?;
        Ok(TestBatch { schema: self.output.clone(), columns: batch.columns, rows: batch.rows as usize, kinds: batch.kinds })
    }

    /// What the host was told.
    pub fn host(&self) -> TestHost {
        HOST.with_borrow(Clone::clone)
    }
}

/// An open scalar function under test.
pub struct ScalarHarness<F> {
    runner: ScalarRunner<F>,
    result: Field,
}

impl<F: ScalarFunction> ScalarHarness<F> {
    /// Opens the function for calls of one of its signatures with so many arguments.
    ///
    /// # Errors
    /// The function refuses.
    pub fn open(signature: usize, arguments: usize) -> Result<Self> {
        HOST.set(TestHost::default());
        let known = F::signatures();
        let chosen = known.get(signature).ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
        let result = chosen.result.fields().first().cloned().ok_or_else(|| Error::new("the signature has no result"))?;
        Ok(Self { runner: ScalarRunner::open(signature as u32, arguments as u32).map_err(from_fault)?, result })
    }

    /// The results, one per row, as text.
    ///
    /// # Errors
    /// The function's error.
    pub fn eval(&mut self, arguments: &TestBatch) -> Result<Vec<String>> {
        let answer = self.runner.eval(arguments.to_wit()).map_err(from_fault)?;
        let answer = AnyBuf { len: answer.rows as usize, columns: answer.columns };
        Ok(TestBatch::new().any(self.result.clone(), answer).lines())
    }
}

/// An open table function under test.
pub struct TableHarness<F> {
    runner: TableRunner<F>,
    function: PhantomData<F>,
}

impl<F: TableFunction> TableHarness<F> {
    /// Opens the function for calls of one of its signatures with so many arguments.
    ///
    /// # Errors
    /// The function refuses.
    pub fn open(signature: usize, arguments: usize) -> Result<Self> {
        HOST.set(TestHost::default());
        Ok(Self { runner: TableRunner::open(signature as u32, arguments as u32).map_err(from_fault)?, function: PhantomData })
    }

    /// The answered rows as text, each behind the number of its row of the arguments.
    ///
    /// # Errors
    /// The function's error.
    pub fn eval(&mut self, arguments: &TestBatch) -> Result<Vec<String>> {
        let answer = self.runner.eval(arguments.to_wit()).map_err(from_fault)?;
        let schema = <F::Output as OutputRow>::schema();
        let rows = TestBatch { schema, columns: answer.rows.columns, rows: answer.rows.rows as usize, kinds: None };
        Ok(answer.input_rows.iter().zip(rows.lines()).map(|(row, line)| format!("{row}: {line}")).collect())
    }
}

/// An open aggregate function under test.
pub struct AggregateHarness<F> {
    runner: AggregateRunner<F>,
    result: Field,
}

impl<F: AggregateFunction> AggregateHarness<F> {
    /// Opens the function for calls of one of its signatures with so many arguments.
    ///
    /// # Errors
    /// The function refuses.
    pub fn open(signature: usize, arguments: usize) -> Result<Self> {
        HOST.set(TestHost::default());
        let known = F::signatures();
        let chosen = known.get(signature).ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
        let result = chosen.result.fields().first().cloned().ok_or_else(|| Error::new("the signature has no result"))?;
        Ok(Self { runner: AggregateRunner::open(signature as u32, arguments as u32).map_err(from_fault)?, result })
    }

    /// Adds rows to groups.
    ///
    /// # Errors
    /// The function's error.
    pub fn accumulate(&mut self, groups: &[u32], arguments: &TestBatch) -> Result<()> {
        self.runner.update(groups, None, &arguments.to_wit()).map_err(from_fault)
    }

    /// Takes rows back from groups.
    ///
    /// # Errors
    /// The function's error.
    pub fn retract(&mut self, groups: &[u32], arguments: &TestBatch) -> Result<()> {
        let all = vec![0xff; groups.len().div_ceil(8)];
        self.runner.update(groups, Some(&all), &arguments.to_wit()).map_err(from_fault)
    }

    /// The result of each group as text.
    ///
    /// # Errors
    /// The function's error.
    pub fn values(&mut self, groups: &[u32]) -> Result<Vec<String>> {
        let answer = self.runner.values(groups).map_err(from_fault)?;
        let answer = AnyBuf { len: answer.rows as usize, columns: answer.columns };
        Ok(TestBatch::new().any(self.result.clone(), answer).lines())
    }

    /// Gives `into` the accumulator of `from`, as a restart or a merge does.
    ///
    /// # Errors
    /// The function's error.
    pub fn merge(&mut self, into: u32, from: u32) -> Result<()> {
        let states = self.runner.export_states(&[from]).map_err(from_fault)?;
        self.runner.import_states(&[into], &states).map_err(from_fault)
    }

    /// Forgets groups.
    pub fn clear(&mut self, groups: &[u32]) {
        self.runner.clear(groups);
    }
}

fn from_fault(fault: wit::Fault) -> Error {
    let error = Error::new(fault.message);
    match fault.row {
        Some(row) => error.at_row(row as usize),
        None => error,
    }
}

/// One value as text.
fn show(column: AnyColumn<'_>, row: usize) -> String {
    if column.validity().is_null(row) {
        return "NULL".into();
    }
    let range = || column.offsets().map_or(0..0, |offsets| offsets[row] as usize..offsets[row + 1] as usize);
    let child = |n: usize, row: usize| column.child(n).map_or_else(String::new, |child| show(child, row));
    let list = |items: Vec<String>| items.join(", ");
    let wit_i64 = || match column.data() {
        wit::ColumnData::I64s(values) => values[row],
        wit::ColumnData::I32s(values) => i64::from(values[row]) * 1_000_000,
        _ => column.wrong_layout(),
    };
    macro_rules! value {
        ($type:ty) => {
            <$type as ColumnType>::view(column).value(row).to_string()
        };
    }
    match &column.field().data_type {
        DataType::Boolean => value!(bool),
        DataType::TinyInt => value!(i8),
        DataType::SmallInt => value!(i16),
        DataType::Int => value!(i32),
        DataType::BigInt => value!(i64),
        DataType::Float => value!(f32),
        DataType::Double => value!(f64),
        DataType::String => value!(str),
        DataType::Date => value!(Date),
        DataType::Bytes => <[u8] as ColumnType>::view(column).value(row).iter().map(|byte| format!("{byte:02x}")).collect(),
        DataType::Decimal { scale, .. } => show_decimal(<Decimal<38, 0> as ColumnType>::view(column).value(row).0, *scale),
        DataType::Time(_) => Time::<9>(wit_i64()).to_string(),
        DataType::Timestamp(0..=3) => Timestamp::<3>(wit_i64()).to_string(),
        DataType::Timestamp(4..=6) => Timestamp::<6>(wit_i64()).to_string(),
        DataType::Timestamp(_) => Timestamp::<9>(wit_i64()).to_string(),
        DataType::TimestampLtz(0..=3) => TimestampLtz::<3>(wit_i64()).to_string(),
        DataType::TimestampLtz(4..=6) => TimestampLtz::<6>(wit_i64()).to_string(),
        DataType::TimestampLtz(_) => TimestampLtz::<9>(wit_i64()).to_string(),
        DataType::Array(_) => format!("[{}]", list(range().map(|at| child(0, at)).collect())),
        DataType::Map(..) => format!("{{{}}}", list(range().map(|at| child(0, at) + ": " + &child(1, at)).collect())),
        DataType::Row(fields) => format!("({})", list((0..fields.len()).map(|n| child(n, row)).collect())),
    }
}

fn show_decimal(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let point = if scale == 0 { "" } else { "." };
    format!("{}{whole}{point}{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// An open source under test. The world outside is [`crate::capabilities::Outside`].
pub struct SourceHarness<S: custom::Source> {
    runner: custom::SourceRunner<S>,
}

impl<S: custom::Source> SourceHarness<S> {
    /// Opens the source.
    ///
    /// # Errors
    /// The source refuses.
    pub fn open(place: custom::Place, restored: Vec<Vec<u8>>, parameters: &[(&str, &str)]) -> Result<Self> {
        set_parameters(parameters);
        let place = wit::Place { subtask: place.subtask, parallelism: place.parallelism };
        Ok(Self { runner: custom::SourceRunner::open(place, restored).map_err(from_fault)? })
    }

    /// Asks for rows; answers them as text, as [`TestBatch::lines`].
    ///
    /// # Errors
    /// The source's error.
    pub fn poll(&mut self, rows_max: u32) -> Result<(Vec<String>, custom::Polled)> {
        use custom::{Next, bindings::source as contract};
        let polled = self.runner.poll(rows_max).map_err(from_fault)?;
        let next = match polled.next {
            contract::Next::Ready => Next::Ready,
            contract::Next::Wait(ms) => Next::Wait(ms),
            contract::Next::Finished => Next::Finished,
        };
        let lines = polled.rows.map_or_else(Vec::new, |batch| {
            let schema = <S::Row as OutputRow>::schema();
            TestBatch { schema, columns: batch.columns, rows: batch.rows as usize, kinds: batch.kinds }.lines()
        });
        Ok((lines, custom::Polled { next, watermark_ms: polled.watermark_ms }))
    }

    /// A barrier.
    ///
    /// # Errors
    /// The source's error.
    pub fn position(&mut self) -> Result<Vec<u8>> {
        self.runner.position().map_err(from_fault)
    }
}

/// An open sink under test. The world outside is [`crate::capabilities::Outside`].
pub struct SinkHarness<S: custom::Sink> {
    runner: custom::SinkRunner<S>,
}

impl<S: custom::Sink> SinkHarness<S> {
    /// Opens the sink for batches like `input`.
    ///
    /// # Errors
    /// The sink refuses.
    pub fn open(input: &TestBatch, place: custom::Place, restored: Vec<Vec<u8>>, parameters: &[(&str, &str)]) -> Result<Self> {
        set_parameters(parameters);
        let place = wit::Place { subtask: place.subtask, parallelism: place.parallelism };
        Ok(Self { runner: custom::SinkRunner::open(flatten(&input.schema), place, restored).map_err(from_fault)? })
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// The sink's error.
    pub fn write(&mut self, rows: &TestBatch) -> Result<()> {
        self.runner.write(rows.to_wit()).map_err(from_fault)
    }

    /// A barrier.
    ///
    /// # Errors
    /// The sink's error.
    pub fn prepare(&mut self, checkpoint: u64) -> Result<Vec<u8>> {
        self.runner.prepare(checkpoint).map_err(from_fault)
    }

    /// The checkpoint is durable.
    ///
    /// # Errors
    /// The sink's error.
    pub fn commit(&mut self, checkpoint: u64) -> Result<()> {
        self.runner.commit(checkpoint).map_err(from_fault)
    }
}

fn set_parameters(parameters: &[(&str, &str)]) {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HOST.set(TestHost { parameters, ..TestHost::default() });
}
