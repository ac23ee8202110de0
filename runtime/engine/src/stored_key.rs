//! Looks at a key that comes back from storage before it is taken apart.
//!
//! Arrow's rows are decoded on trust: bytes that no `RowConverter` made would be a panic. What is checked here is the
//! layout that `arrow-row` describes: a fixed-width value is a sentinel byte and its bytes; a variable one is a sentinel
//! byte and, if it is not empty, blocks of 8 (the first four) or 32 bytes, each followed by 255 or, at the last, by the
//! number of its bytes; a struct is a sentinel and its fields; a list is its elements as variable values, then an empty one.

use arrow_schema::DataType;

/// Whether `key` is a row of columns of these types.
pub(crate) fn is_well_formed(key: &[u8], types: &[DataType]) -> bool {
    let mut rest = key;
    types.iter().try_for_each(|data_type| value(&mut rest, data_type)).is_some() && rest.is_empty()
}

const NON_EMPTY: u8 = 2;
const CONTINUES: u8 = 0xff;
const SHORT_BLOCK: usize = 8;
const SHORT_BLOCKS: usize = 4;
const LONG_BLOCK: usize = 32;

/// Takes one value off the front.
fn value(rest: &mut &[u8], data_type: &DataType) -> Option<()> {
    match data_type {
        DataType::Null => (bytes(rest, 2)? == [NON_EMPTY, 3]).then_some(()),
        DataType::Boolean => bytes(rest, 2).map(drop),
        DataType::Utf8 | DataType::LargeUtf8 => variable(rest).and_then(|v| std::str::from_utf8(&v.unwrap_or_default()).ok().map(drop)),
        DataType::Binary | DataType::LargeBinary => variable(rest).map(drop),
        DataType::FixedSizeBinary(width) => bytes(rest, 1 + usize::try_from(*width).ok()?).map(drop),
        DataType::Struct(fields) => {
            bytes(rest, 1)?;
            fields.iter().try_for_each(|field| value(rest, field.data_type()))
        }
        DataType::List(element) => elements(rest, &[element.data_type()], &[element.is_nullable()]),
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else { return None };
            let types: Vec<&DataType> = fields.iter().map(|f| f.data_type()).collect();
            let nullable: Vec<bool> = fields.iter().map(|f| f.is_nullable()).collect();
            elements(rest, &types, &nullable)
        }
        other => bytes(rest, 1 + other.primitive_width()?).map(drop),
    }
}

fn bytes<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// A variable value; `None` inside if it is empty or NULL.
fn variable(rest: &mut &[u8]) -> Option<Option<Vec<u8>>> {
    if bytes(rest, 1)? != [NON_EMPTY] {
        return Some(None);
    }
    let mut found = Vec::new();
    for block in 0.. {
        let width = if block < SHORT_BLOCKS { SHORT_BLOCK } else { LONG_BLOCK };
        let (content, sentinel) = (bytes(rest, width)?, *bytes(rest, 1)?.first()?);
        if sentinel != CONTINUES {
            found.extend_from_slice(content.get(..sentinel.into())?);
            break;
        }
        found.extend_from_slice(content);
    }
    Some(Some(found))
}

fn elements(rest: &mut &[u8], types: &[&DataType], nullable: &[bool]) -> Option<()> {
    while let Some(element) = variable(rest)? {
        let mut inner: &[u8] = &element;
        for (data_type, nullable) in types.iter().zip(nullable) {
            // Arrow refuses NULLs where a list's element (or a map's key) may not be NULL.
            if !nullable && inner.first() == Some(&0) {
                return None;
            }
            value(&mut inner, data_type)?;
        }
        if !inner.is_empty() {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, BinaryArray, Int64Array, ListArray, StringArray, StructArray, types::Int32Type};
    use arrow_row::{RowConverter, SortField};
    use std::sync::Arc;

    /// Every damaged key is either refused or decoded without a panic.
    #[test]
    fn what_passes_can_be_decoded() {
        let long = "ü".repeat(70);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("eight888"), None, Some(""), Some(&long)]));
        let blobs: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\0\xff"), Some(&[7; 33]), None, Some(b"")]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MIN), Some(0)]));
        let lists = [Some(vec![Some(1), None]), Some(vec![]), None, Some(vec![Some(3)])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        let field = |a: &ArrayRef| Arc::new(arrow_schema::Field::new("f", a.data_type().clone(), true));
        let nested = vec![(field(&texts), texts.clone()), (field(&lists), lists.clone())];
        let columns = [numbers, texts, blobs, lists, Arc::new(StructArray::from(nested))];
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let converter = RowConverter::new(types.iter().map(|t| SortField::new(t.clone())).collect()).unwrap();
        let rows = converter.convert_columns(&columns).unwrap();
        let parser = converter.parser();
        let mut refused = 0;
        for row in rows.iter() {
            assert!(is_well_formed(row.as_ref(), &types));
            for at in 0..row.as_ref().len() {
                assert!(!is_well_formed(&row.as_ref()[..at], &types), "cut at {at}");
                for flip in [0x01, 0x02, 0x10, 0x80, 0xff] {
                    let mut key = row.as_ref().to_vec();
                    key[at] ^= flip;
                    if is_well_formed(&key, &types) {
                        converter.convert_rows([parser.parse(&key)]).unwrap();
                    } else {
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 100);
    }
}
