//! `ARRAY`, `MAP` and `ROW` columns.
//!
//! Arrays and maps of known element types are typed (`List<i64>`, `Map<str, f64>`); rows, and anything deeper, are read
//! through [`AnyColumn::child`] and written by [`AnyBuf::array`], [`AnyBuf::map`] and [`AnyBuf::row`].

use crate::{
    bindings::types::{ColumnData, Utf8Data},
    column::{AnyBuf, AnyColumn, ColumnBuf, ColumnBuilder, ColumnType, IntoColumn, Validity},
    scalar::NullTracker,
    schema::{DataType, Field},
};
use millrace_kernels::Selection;
use std::{marker::PhantomData, ops::Range};

/// Marks an `ARRAY<T>` column.
pub struct List<T: ?Sized>(PhantomData<fn(&T)>);

/// Marks a `MAP<K, V>` column.
pub struct Map<K: ?Sized, V: ?Sized>(PhantomData<fn(&K, &V)>);

/// A column of arrays: each value is a range of the element column.
pub struct Lists<'a, T: ColumnType + ?Sized> {
    offsets: &'a [i32],
    validity: Validity<'a>,
    /// The elements of all arrays, one behind the other.
    pub elements: T::View<'a>,
}

/// A column of maps: each value is a range of the key and value columns.
pub struct Maps<'a, K: ColumnType + ?Sized, V: ColumnType + ?Sized> {
    offsets: &'a [i32],
    validity: Validity<'a>,
    /// The keys of all maps, one behind the other.
    pub keys: K::View<'a>,
    /// The values of all maps, one behind the other.
    pub values: V::View<'a>,
}

fn range(offsets: &[i32], validity: Validity<'_>, row: usize) -> Option<Range<usize>> {
    if validity.is_null(row) { None } else { Some(offsets[row] as usize..offsets[row + 1] as usize) }
}

impl<T: ColumnType + ?Sized> Lists<'_, T> {
    /// Where in `elements` the array of a row lies; `None` for NULL.
    pub fn get(&self, row: usize) -> Option<Range<usize>> {
        range(self.offsets, self.validity, row)
    }
}

impl<K: ColumnType + ?Sized, V: ColumnType + ?Sized> Maps<'_, K, V> {
    /// Where in `keys` and `values` the map of a row lies; `None` for NULL.
    pub fn get(&self, row: usize) -> Option<Range<usize>> {
        range(self.offsets, self.validity, row)
    }
}

impl<T: ColumnType + ?Sized> ColumnType for List<T> {
    type View<'a> = Lists<'a, T>;
    type Builder = ListBuilder<T>;

    fn data_type() -> DataType {
        DataType::Array(Box::new(Field::new("item", T::data_type(), true)))
    }

    fn accepts(declared: &DataType) -> bool {
        matches!(declared, DataType::Array(element) if T::accepts(&element.data_type))
    }

    fn view(column: AnyColumn<'_>) -> Lists<'_, T> {
        let (Some(offsets), Some(element)) = (column.offsets(), column.child(0)) else { column.wrong_layout() };
        Lists { offsets, validity: column.validity(), elements: T::view(element) }
    }
}

impl<K: ColumnType + ?Sized, V: ColumnType + ?Sized> ColumnType for Map<K, V> {
    type View<'a> = Maps<'a, K, V>;
    type Builder = MapBuilder<K, V>;

    fn data_type() -> DataType {
        let value = Field::new("value", V::data_type(), true);
        DataType::Map(Box::new(Field::new("key", K::data_type(), false)), Box::new(value))
    }

    fn accepts(declared: &DataType) -> bool {
        matches!(declared, DataType::Map(key, value) if K::accepts(&key.data_type) && V::accepts(&value.data_type))
    }

    fn view(column: AnyColumn<'_>) -> Maps<'_, K, V> {
        let (Some(offsets), Some(key), Some(value)) = (column.offsets(), column.child(0), column.child(1)) else { column.wrong_layout() };
        Maps { offsets, validity: column.validity(), keys: K::view(key), values: V::view(value) }
    }
}

/// Collects arrays: push elements to `elements`, then `close` the array.
pub struct ListBuilder<T: ColumnType + ?Sized> {
    offsets: Vec<i32>,
    nulls: NullTracker,
    /// The elements of the arrays so far and of the open one.
    pub elements: T::Builder,
}

impl<T: ColumnType + ?Sized> ListBuilder<T> {
    /// Ends an array with the elements pushed since the one before.
    pub fn close(&mut self) {
        self.nulls.push_valid();
        self.offsets.push(self.elements.len() as i32);
    }
}

impl<T: ColumnType + ?Sized> ColumnBuilder for ListBuilder<T> {
    fn with_capacity(rows: usize) -> Self {
        Self { offsets: vec![0], nulls: NullTracker::default(), elements: T::Builder::with_capacity(rows) }
    }

    fn push_null(&mut self) {
        self.nulls.push_null(self.len());
        self.offsets.push(self.elements.len() as i32);
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn finish(self) -> AnyBuf {
        AnyBuf::array(self.offsets, self.elements.finish()).with_validity(self.nulls.finish())
    }
}

impl<T: ColumnType + ?Sized> IntoColumn<List<T>> for ListBuilder<T> {
    fn into_column(self) -> ColumnBuf<List<T>> {
        ColumnBuf::new(self.finish())
    }
}

/// Collects maps: push to `keys` and `values`, then `close` the map.
pub struct MapBuilder<K: ColumnType + ?Sized, V: ColumnType + ?Sized> {
    offsets: Vec<i32>,
    nulls: NullTracker,
    /// The keys of the maps so far and of the open one.
    pub keys: K::Builder,
    /// The values, one per key.
    pub values: V::Builder,
}

impl<K: ColumnType + ?Sized, V: ColumnType + ?Sized> MapBuilder<K, V> {
    /// Ends a map with the keys and values pushed since the one before.
    pub fn close(&mut self) {
        self.nulls.push_valid();
        self.offsets.push(self.keys.len() as i32);
    }
}

impl<K: ColumnType + ?Sized, V: ColumnType + ?Sized> ColumnBuilder for MapBuilder<K, V> {
    fn with_capacity(rows: usize) -> Self {
        let (keys, values) = (K::Builder::with_capacity(rows), V::Builder::with_capacity(rows));
        Self { offsets: vec![0], nulls: NullTracker::default(), keys, values }
    }

    fn push_null(&mut self) {
        self.nulls.push_null(self.len());
        self.offsets.push(self.keys.len() as i32);
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn finish(self) -> AnyBuf {
        AnyBuf::map(self.offsets, self.keys.finish(), self.values.finish()).with_validity(self.nulls.finish())
    }
}

impl<K: ColumnType + ?Sized, V: ColumnType + ?Sized> IntoColumn<Map<K, V>> for MapBuilder<K, V> {
    fn into_column(self) -> ColumnBuf<Map<K, V>> {
        ColumnBuf::new(self.finish())
    }
}

impl AnyBuf {
    /// A column of arrays; `offsets` says where each array's elements start, one more than there are arrays.
    ///
    /// # Panics
    /// The offsets do not end with the number of elements.
    pub fn array(offsets: Vec<i32>, elements: AnyBuf) -> Self {
        Self::nested(offsets, [elements])
    }

    /// A column of maps; `offsets` as for arrays.
    ///
    /// # Panics
    /// The offsets do not end with the number of keys and of values.
    pub fn map(offsets: Vec<i32>, keys: AnyBuf, values: AnyBuf) -> Self {
        Self::nested(offsets, [keys, values])
    }

    fn nested<const N: usize>(offsets: Vec<i32>, children: [AnyBuf; N]) -> Self {
        let last = offsets.last().copied().unwrap_or(-1);
        assert!(children.iter().all(|child| i32::try_from(child.len) == Ok(last)), "offsets must end with the number of children");
        let mut buf = Self::scalar(ColumnData::Offsets(offsets), None, 0);
        if let ColumnData::Offsets(offsets) = &buf.columns[0].data {
            buf.len = offsets.len() - 1;
        }
        buf.columns.extend(children.into_iter().flat_map(|child| child.columns));
        buf
    }

    /// A column of rows with these fields.
    ///
    /// # Panics
    /// The fields differ in length.
    pub fn row(len: usize, fields: Vec<AnyBuf>) -> Self {
        assert!(fields.iter().all(|field| field.len == len), "every field of a row column must have {len} values");
        let mut buf = Self::scalar(ColumnData::None, None, len);
        buf.columns.extend(fields.into_iter().flat_map(|field| field.columns));
        buf
    }
}

impl AnyColumn<'_> {
    /// The selected values as a new column, whatever the type.
    pub fn take(&self, selection: &Selection) -> AnyBuf {
        use millrace_kernels as k;
        let children = |selection: &Selection| {
            (0..self.field().children().len()).filter_map(|n| self.child(n)).map(|c| c.take(selection)).collect::<Vec<_>>()
        };
        let text = |text: &Utf8Data| {
            let (offsets, data) = k::take_text(&text.offsets, &text.data, selection);
            Utf8Data { offsets, data }
        };
        let mut nested = Vec::new();
        let data = match self.data() {
            ColumnData::Bools(bits) => ColumnData::Bools(k::take_bits(bits, selection)),
            ColumnData::I8s(values) => ColumnData::I8s(k::take(values, selection)),
            ColumnData::I16s(values) => ColumnData::I16s(k::take(values, selection)),
            ColumnData::I32s(values) => ColumnData::I32s(k::take(values, selection)),
            ColumnData::I64s(values) => ColumnData::I64s(k::take(values, selection)),
            ColumnData::F32s(values) => ColumnData::F32s(k::take(values, selection)),
            ColumnData::F64s(values) => ColumnData::F64s(k::take(values, selection)),
            ColumnData::I128s(words) => ColumnData::I128s(k::take(words.as_chunks::<2>().0, selection).into_flattened()),
            ColumnData::Utf8(data) => ColumnData::Utf8(text(data)),
            ColumnData::Bytes(data) => ColumnData::Bytes(text(data)),
            ColumnData::Offsets(offsets) => {
                let (offsets, elements) = k::take_offsets(offsets, selection);
                nested = children(&elements);
                ColumnData::Offsets(offsets)
            }
            ColumnData::None => {
                nested = children(selection);
                ColumnData::None
            }
        };
        let validity = self.validity().bits().map(|bits| k::take_bits(bits, selection));
        let mut taken = AnyBuf::scalar(data, validity, selection.len());
        taken.columns.extend(nested.into_iter().flat_map(|child| child.columns));
        taken
    }
}
