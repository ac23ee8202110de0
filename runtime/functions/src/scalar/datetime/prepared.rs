//! What is made of a text argument once, not for every row.

use crate::{EvaluationError, scalar::columns::Texts};
use std::collections::HashMap;

/// Most different texts of a column for which the result is kept.
const KEPT_MAX: usize = 256;

/// Values made of texts: of the one text of a constant, or of those of a column that were met already.
pub(super) struct Prepared<'a, T> {
    texts: Texts<'a>,
    made: HashMap<&'a str, T>,
    make: fn(&str) -> Result<T, EvaluationError>,
}

impl<'a, T> Prepared<'a, T> {
    pub(super) fn new(texts: Texts<'a>, make: fn(&str) -> Result<T, EvaluationError>) -> Self {
        Self { texts, made: HashMap::new(), make }
    }

    /// The value for a row; `None` when its text is NULL.
    ///
    /// # Errors
    /// A text of which nothing can be made.
    pub(super) fn get(&mut self, row: usize) -> Result<Option<&T>, EvaluationError> {
        let Some(text) = self.texts.get(row) else { return Ok(None) };
        if !self.made.contains_key(text) {
            if self.made.len() >= KEPT_MAX {
                self.made.clear();
            }
            self.made.insert(text, (self.make)(text)?);
        }
        Ok(self.made.get(text))
    }
}
