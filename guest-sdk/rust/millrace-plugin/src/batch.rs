//! What `process` gets (`Batch`) and what it fills (`Output`).

use crate::{
    bindings::types as wit,
    column::{AnyBuf, AnyColumn, Col, ColumnType, IntoColumn, OutAny, OutCol},
    failure::{Error, Result},
    schema::{DataType, Field, Schema},
};
use millrace_kernels::Selection;

/// What a row does to the table that the stream stands for; numbers are Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChangeKind {
    /// `+I`
    Insert = 0,
    /// `-U`: the row as it was
    UpdateBefore = 1,
    /// `+U`: the row as it is now
    UpdateAfter = 2,
    /// `-D`
    Delete = 3,
}

impl ChangeKind {
    fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::UpdateBefore,
            2 => Self::UpdateAfter,
            3 => Self::Delete,
            _ => Self::Insert,
        }
    }
}

/// Input rows in columns.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    schema: &'a Schema,
    batch: &'a wit::Batch,
}

impl<'a> Batch<'a> {
    /// `None` if the host sent another number of columns than the schema has.
    pub(crate) fn new(schema: &'a Schema, batch: &'a wit::Batch) -> Option<Self> {
        (batch.columns.len() == schema.flat_len()).then_some(Self { schema, batch })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batch.rows as usize
    }

    /// The column behind a handle.
    pub fn get<T: ColumnType + ?Sized>(&self, column: Col<T>) -> T::View<'a> {
        T::view(self.column(column.index))
    }

    /// The column at a position.
    ///
    /// # Panics
    /// There is no such column.
    pub fn column(&self, index: usize) -> AnyColumn<'a> {
        AnyColumn::new(&self.schema.fields()[index], &self.batch.columns[self.schema.start(index)..], self.rows())
    }

    /// The input's schema.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// What a row does to the table; always an insert in a stream without changes.
    pub fn kind(&self, row: usize) -> ChangeKind {
        self.batch.kinds.as_ref().map_or(ChangeKind::Insert, |kinds| ChangeKind::from_byte(kinds[row]))
    }

    /// The kinds of all rows as Flink's numbers; `None` if all are inserts.
    pub fn kinds(&self) -> Option<&'a [u8]> {
        self.batch.kinds.as_deref()
    }
}

/// Output rows in columns. Every column of the output schema must be set, all with the same number of rows.
#[derive(Debug)]
pub struct Output<'a> {
    schema: &'a Schema,
    columns: Vec<Option<AnyBuf>>,
    kinds: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(schema: &'a Schema) -> Self {
        Self { schema, columns: vec![None; schema.fields().len()], kinds: None }
    }

    /// Sets a column: from a vector of values, a builder or a finished column.
    pub fn set<T: ?Sized>(&mut self, column: OutCol<T>, values: impl IntoColumn<T>) {
        self.columns[column.index] = Some(values.into_column().any);
    }

    /// Sets a column whose type is known at run time only.
    pub fn set_any(&mut self, column: impl Into<OutAny>, values: AnyBuf) {
        self.columns[column.into().index] = Some(values);
    }

    /// Sets the kinds of the rows, one number (Flink's) per row.
    pub fn set_kinds(&mut self, kinds: Vec<u8>) {
        self.kinds = Some(kinds);
    }

    /// Gives the rows the kinds of the selected input rows.
    pub fn take_kinds(&mut self, batch: &Batch<'_>, selection: &Selection) {
        self.kinds = batch.kinds().map(|kinds| millrace_kernels::take(kinds, selection));
    }

    /// Passes the selected rows on as they are; the output schema must be the input's.
    pub fn take_all(&mut self, batch: &Batch<'_>, selection: &Selection) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            *column = Some(batch.column(index).take(selection));
        }
        self.take_kinds(batch, selection);
    }

    pub(crate) fn finish(self, input: &Batch<'_>) -> Result<wit::Batch> {
        let fields = self.schema.fields();
        let mut rows = None;
        let mut columns = Vec::with_capacity(self.schema.flat_len());
        for (field, column) in fields.iter().zip(self.columns) {
            let name = &field.name;
            let column = column.ok_or_else(|| Error::new(format!("output column `{name}` was not set")))?;
            match rows {
                None => rows = Some(column.len),
                Some(rows) if rows != column.len => {
                    let (first, len) = (&fields[0].name, column.len);
                    return Err(Error::new(format!("output column `{name}` has {len} values, column `{first}` has {rows}")));
                }
                Some(_) => {}
            }
            if !fits(field, &column.columns, &mut 0) {
                return Err(Error::new(format!("output column `{name}` is {} but was set with another type", field.data_type)));
            }
            columns.extend(column.columns);
        }
        let rows = rows.unwrap_or(0);
        let kinds = match (self.kinds, input.kinds()) {
            (Some(kinds), _) if kinds.len() != rows => {
                return Err(Error::new(format!("{} kinds were set for {rows} output rows", kinds.len())));
            }
            (Some(kinds), _) => Some(kinds),
            (None, Some(kinds)) if kinds.len() == rows => Some(kinds.to_vec()),
            (None, Some(_)) => {
                return Err(Error::new(
                    "the input carries updates or deletes: say with `take_kinds` or `set_kinds` what the output rows are",
                ));
            }
            (None, None) => None,
        };
        Ok(wit::Batch { rows: rows as u32, kinds, columns })
    }
}

/// Whether columns have the layouts of a field and its descendants, starting at `at`.
fn fits(field: &Field, columns: &[wit::Column], at: &mut usize) -> bool {
    use wit::ColumnData as D;
    let Some(column) = columns.get(*at) else { return false };
    *at += 1;
    let own = match field.data_type {
        DataType::Boolean => matches!(column.data, D::Bools(_)),
        DataType::TinyInt => matches!(column.data, D::I8s(_)),
        DataType::SmallInt => matches!(column.data, D::I16s(_)),
        DataType::Int | DataType::Date | DataType::Time(0..=3) => matches!(column.data, D::I32s(_)),
        DataType::BigInt | DataType::Time(_) | DataType::Timestamp(_) | DataType::TimestampLtz(_) => matches!(column.data, D::I64s(_)),
        DataType::Float => matches!(column.data, D::F32s(_)),
        DataType::Double => matches!(column.data, D::F64s(_)),
        DataType::Decimal { .. } => matches!(column.data, D::I128s(_)),
        DataType::String => matches!(column.data, D::Utf8(_)),
        DataType::Bytes => matches!(column.data, D::Bytes(_)),
        DataType::Array(_) | DataType::Map(..) => matches!(column.data, D::Offsets(_)),
        DataType::Row(_) => matches!(column.data, D::None),
    };
    own && field.children().into_iter().all(|child| fits(child, columns, at))
}
