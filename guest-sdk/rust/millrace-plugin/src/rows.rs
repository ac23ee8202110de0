//! The row form of a plugin: structs that name the columns, and a function that is called per row.
//!
//! Strings are views into the input batch and emitted values go straight into output columns, so a row costs no
//! allocation. The structs are declared by [`crate::etl_rows!`], or by [`crate::input_row!`] and
//! [`crate::output_row!`] for an operator that keeps something between rows ([`RowEtl`]).

use crate::{
    batch::{Batch, ChangeKind, Output},
    column::{AnyBuf, AnyColumn, OutAny},
    failure::{Error, Result},
    host::Params,
    operator::Etl,
    schema::Schema,
};

mod field;
mod macros;
mod settings;

pub use field::{ReadField, WriteField};
pub use settings::{Settings, Words};

/// A struct that names input columns; made by the macros.
pub trait InputRow {
    /// The row, borrowing from the batch.
    type Row<'r>;
    /// The columns of a batch, ready to read.
    type Views<'r>;

    /// Positions of the columns, in the order of the struct's fields.
    ///
    /// # Errors
    /// A column is missing, of another type, or may be NULL where the struct does not say `Option`.
    fn bind(schema: &Schema) -> Result<Vec<usize>>;
    /// The columns at these positions.
    fn views<'r>(positions: &[usize], batch: &Batch<'r>) -> Self::Views<'r>;
    /// One row.
    fn read<'r>(views: &Self::Views<'r>, row: usize) -> Self::Row<'r>;
}

/// A struct that names output columns; made by the macros.
pub trait OutputRow {
    /// The row, borrowing from wherever.
    type Row<'r>;
    /// Output columns in the making.
    type Builders;

    /// The output schema.
    fn schema() -> Schema;
    /// Room for `rows` rows.
    fn builders(rows: usize) -> Self::Builders;
    /// Appends a row.
    fn push(builders: &mut Self::Builders, row: Self::Row<'_>);
    /// The finished columns.
    fn finish(builders: Self::Builders) -> Vec<AnyBuf>;
}

/// Takes output rows.
pub struct Emit<O: OutputRow> {
    builders: O::Builders,
    /// Kinds of the rows so far; absent while the stream has no changes.
    kinds: Option<Vec<u8>>,
    rows: usize,
    kind: ChangeKind,
}

impl<O: OutputRow> Emit<O> {
    /// Takes rows that are not made from an input row: inserts.
    pub(crate) fn new() -> Self {
        Self { builders: O::builders(0), kinds: None, rows: 0, kind: ChangeKind::Insert }
    }

    /// The rows so far.
    pub(crate) fn into_batch(self) -> crate::bindings::types::Batch {
        let columns = O::finish(self.builders).into_iter().flat_map(|column| column.columns).collect();
        crate::bindings::types::Batch { rows: self.rows as u32, kinds: self.kinds, columns }
    }

    /// Rows emitted so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nothing has been emitted yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Emits a row that does to the output what the current input row does to the input: an insert for an insert,
    /// a delete for a delete.
    #[inline]
    pub fn emit(&mut self, row: O::Row<'_>) {
        O::push(&mut self.builders, row);
        if let Some(kinds) = &mut self.kinds {
            kinds.push(self.kind as u8);
        }
        self.rows += 1;
    }

    /// Emits a row of another kind.
    pub fn emit_as(&mut self, kind: ChangeKind, row: O::Row<'_>) {
        O::push(&mut self.builders, row);
        let rows = self.rows;
        self.kinds.get_or_insert_with(|| vec![ChangeKind::Insert as u8; rows]).push(kind as u8);
        self.rows += 1;
    }

    /// What the current input row does to the table.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }
}

/// An ETL operator over rows that keeps something between them: settings, buffers, parsers.
pub trait RowEtl: Sized {
    /// What is read, from [`crate::input_row!`]; write `Order<'static>` for a struct with a lifetime.
    type Input: InputRow;
    /// What is written, from [`crate::output_row!`].
    type Output: OutputRow;

    /// Called once per instance.
    ///
    /// # Errors
    /// The parameters are wrong; the job is refused with the message.
    fn open(params: &Params) -> Result<Self>;

    /// Called per row; emits any number of rows.
    ///
    /// # Errors
    /// The row cannot be processed; the whole batch then counts as failed and the fault names the row.
    fn process(&mut self, row: <Self::Input as InputRow>::Row<'_>, out: &mut Emit<Self::Output>) -> Result<()>;
}

/// A row operator as an operator over columns.
pub struct RowOperator<R> {
    rows: R,
    positions: Vec<usize>,
}

impl<R: RowEtl> Etl for RowOperator<R> {
    fn open(input: &Schema, params: &Params) -> Result<(Self, Schema)> {
        let positions = R::Input::bind(input)?;
        Ok((Self { rows: R::open(params)?, positions }, R::Output::schema()))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        let views = R::Input::views(&self.positions, batch);
        let rows = batch.rows();
        let kinds = batch.kinds().map(|_| Vec::with_capacity(rows));
        let mut emit = Emit::<R::Output> { builders: R::Output::builders(rows), kinds, rows: 0, kind: ChangeKind::Insert };
        for row in 0..rows {
            emit.kind = batch.kind(row);
            self.rows.process(R::Input::read(&views, row), &mut emit).map_err(|error| error.at_row(row))?;
        }
        for (index, column) in R::Output::finish(emit.builders).into_iter().enumerate() {
            out.set_any(OutAny { index }, column);
        }
        if let Some(kinds) = emit.kinds {
            out.set_kinds(kinds);
        }
        Ok(())
    }
}

/// What a row function may answer: nothing, or a result.
pub trait Step {
    /// As a result.
    fn into_result(self) -> Result<()>;
}

impl Step for () {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> Step for Result<(), E> {
    fn into_result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}

/// For the macros: the position of a field's column, checked.
#[doc(hidden)]
pub fn bind_field<'a, T: ReadField<'a>>(schema: &Schema, name: &str) -> Result<usize> {
    let column = if T::NULLABLE { schema.column::<T::Column>(name)? } else { schema.column_not_null::<T::Column>(name)? };
    Ok(column.index)
}

/// For the macros: adds a field's output column.
#[doc(hidden)]
pub fn declare_field<T: WriteField>(schema: &mut Schema, name: &str) {
    match T::NULLABLE {
        true => drop(schema.optional::<T::Column>(name)),
        false => drop(schema.required::<T::Column>(name)),
    }
}

/// For the macros: the next column that `bind` found.
#[doc(hidden)]
pub fn next_column<'a>(positions: &mut std::slice::Iter<'_, usize>, batch: &Batch<'a>) -> AnyColumn<'a> {
    let Some(&position) = positions.next() else { unreachable!("bind answers one position per field") };
    batch.column(position)
}

/// For the macros: a field's name without `r#`.
#[doc(hidden)]
pub fn plain_name(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
