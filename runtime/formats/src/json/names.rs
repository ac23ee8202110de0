//! Which column a field name stands for. Producers write fields in the same order every time, so the order of the last
//! record predicts the next one: a hit is one comparison, without finding the end of the name or hashing it.

use super::cursor::Cursor;
use crate::error::Bad;
use std::collections::HashMap;

/// Positions that are remembered; a record with more fields looks the rest up.
const PREDICTED_MAX: usize = 1_024;
/// Longest name that is remembered.
const NAME_MAX: usize = 256;

/// Field names of one row type and what was learnt about their order.
pub(crate) struct FieldNames {
    names: Vec<String>,
    by_name: HashMap<Box<[u8]>, usize>,
    predicted: Vec<Prediction>,
    /// Per field, the stamp of the object in which it was last seen.
    seen: Vec<u32>,
    stamp: u32,
}

struct Prediction {
    /// The name with its quotes; empty if nothing is predicted.
    quoted: Vec<u8>,
    /// The field, `None` for one that the schema does not have.
    field: Option<usize>,
}

impl FieldNames {
    pub(crate) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let names: Vec<String> = names.map(str::to_owned).collect();
        let by_name = names.iter().enumerate().map(|(i, n)| (n.as_bytes().into(), i)).collect();
        let seen = vec![0; names.len()];
        Self { names, by_name, predicted: Vec::new(), seen, stamp: 0 }
    }

    pub(super) fn name(&self, field: usize) -> &str {
        self.names.get(field).map_or("", String::as_str)
    }

    /// Begins an object: no field is seen yet.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.seen.fill(0);
            self.stamp = 1;
        }
    }

    /// Marks a field as seen; tells whether it is for the first time.
    #[inline]
    pub(super) fn mark(&mut self, field: usize) -> bool {
        match self.seen.get_mut(field) {
            Some(stamp) => std::mem::replace(stamp, self.stamp) != self.stamp,
            None => false,
        }
    }

    pub(super) fn is_seen(&self, field: usize) -> bool {
        self.seen.get(field) == Some(&self.stamp)
    }

    /// Reads the name at `cursor`, the `position`th of its object, up to its closing quote.
    #[inline]
    pub(super) fn read(&mut self, position: usize, cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<Option<usize>, Bad> {
        if let Some(prediction) = self.predicted.get(position)
            && !prediction.quoted.is_empty()
            && cursor.rest().starts_with(&prediction.quoted)
        {
            cursor.at += prediction.quoted.len();
            return Ok(prediction.field);
        }
        self.look_up(position, cursor, scratch)
    }

    #[cold]
    fn look_up(&mut self, position: usize, cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<Option<usize>, Bad> {
        let start = cursor.at;
        cursor.expect(b'"', "a field name in quotes")?;
        let name = cursor.string(scratch)?;
        let field = self.by_name.get(name).copied();
        let name_len = name.len();
        let quoted = cursor.bytes.get(start..cursor.at).unwrap_or_default();
        // The same length means that there are no escapes: the bytes stand for themselves.
        if quoted.len() == name_len + 2 && name_len <= NAME_MAX && position < PREDICTED_MAX {
            if self.predicted.len() <= position {
                self.predicted.resize_with(position + 1, || Prediction { quoted: Vec::new(), field: None });
            }
            if let Some(prediction) = self.predicted.get_mut(position) {
                prediction.quoted.clear();
                prediction.quoted.extend_from_slice(quoted);
                prediction.field = field;
            }
        }
        Ok(field)
    }
}
