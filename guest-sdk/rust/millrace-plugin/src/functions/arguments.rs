//! Arguments of a call as a tuple of values: `(i64, Option<&str>)`.

use crate::{
    batch::Batch,
    column::{ColumnType, Validity},
    rows::ReadField,
    schema::Field,
};

/// A tuple of arguments. A value that is not an `Option` is strict: where the argument is NULL the function is not called,
/// and the result is NULL (a scalar function), no row (a table function), or nothing is accumulated (an aggregate).
pub trait Arguments<'a>: Sized {
    /// The columns of a batch, ready to read.
    type Views;
    /// Whether any argument is strict.
    const STRICT: bool;

    /// The parameters; all take NULL.
    fn parameters(names: &[&str]) -> Vec<Field>;
    /// The columns of a batch.
    fn views(batch: &Batch<'a>) -> Self::Views;
    /// The arguments of a row; `None` where a strict one is NULL.
    fn read(views: &Self::Views, row: usize) -> Option<Self>;
}

impl Arguments<'_> for () {
    type Views = ();
    const STRICT: bool = false;

    fn parameters(_names: &[&str]) -> Vec<Field> {
        Vec::new()
    }

    fn views(_batch: &Batch<'_>) {}

    fn read((): &(), _row: usize) -> Option<Self> {
        Some(())
    }
}

macro_rules! arguments {
    ($($($argument:ident $index:tt),+;)+) => { $(
        impl<'a, $($argument: ReadField<'a>),+> Arguments<'a> for ($($argument,)+) {
            type Views = ($((Validity<'a>, $argument::View),)+);
            const STRICT: bool = $(!$argument::NULLABLE)||+;

            fn parameters(names: &[&str]) -> Vec<Field> {
                vec![$(Field::new(names.get($index).copied().unwrap_or_default(), <$argument::Column as ColumnType>::data_type(), true)),+]
            }

            fn views(batch: &Batch<'a>) -> Self::Views {
                ($({
                    let column = batch.column($index);
                    (column.validity(), $argument::view(column))
                },)+)
            }

            #[inline]
            fn read(views: &Self::Views, row: usize) -> Option<Self> {
                Some(($({
                    let (validity, view) = &views.$index;
                    if !$argument::NULLABLE && validity.is_null(row) {
                        return None;
                    }
                    $argument::read(view, row)
                },)+))
            }
        }
    )+ };
}

arguments! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
