//! What rows are ordered by.

use super::PlanColumn;

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// The input column.
    pub column: usize,
    /// `DESC`
    pub descending: bool,
    /// Rows with NULL come last; by default NULL is less than any value.
    pub nulls_last: bool,
}

impl SortKey {
    /// The same key over columns that have moved.
    pub(crate) fn moved(self, moved: &[Option<usize>]) -> Self {
        Self { column: moved[self.column].unwrap_or_default(), ..self }
    }

    /// Whether it is the only key of an order, ascending.
    pub(crate) fn is_only_ascending(keys: &[Self]) -> bool {
        matches!(keys, [only] if !only.descending)
    }
}

/// `v DESC, id ASC`
pub(super) fn text(order: &[SortKey], columns: &[PlanColumn]) -> String {
    let one = |key: &SortKey| {
        let nulls = match (key.descending, key.nulls_last) {
            (false, true) => " NULLS LAST",
            (true, false) => " NULLS FIRST",
            _ => "",
        };
        format!("{} {}{nulls}", columns[key.column].name, if key.descending { "DESC" } else { "ASC" })
    };
    order.iter().map(one).collect::<Vec<_>>().join(", ")
}
