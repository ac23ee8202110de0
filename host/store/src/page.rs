//! Pages of a listing, newest first.
//!
//! Invariant: ids grow with time, so the id of the last item is the whole cursor: nothing is skipped or seen twice when
//! items come and go between two pages.

use crate::{StoreError, row};
use sqlx::any::AnyRow;

/// Most items on a page.
pub const PAGE_ITEMS_MAX: u32 = 200;
/// Items on a page when the caller does not say.
pub const PAGE_ITEMS: u32 = 50;
/// Bytes of the documents on a page; one that is larger stands alone.
pub const PAGE_BYTES_MAX: i64 = 8 << 20;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Where the page before ended; none for the first.
    pub cursor: Option<String>,
    /// Items wanted.
    pub limit: Option<u32>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// Ids on the page are smaller than this. Without a cursor: greater than all ids, as no prefix begins with `z`.
    pub(crate) fn before(&self) -> Result<&str, StoreError> {
        match &self.cursor {
            None => Ok("zzzz"),
            Some(cursor) if millrace_domain::name::looks_like_id(cursor) => Ok(cursor),
            Some(_) => Err(StoreError::Invalid {
                field: "cursor",
                message: "is not one that this server gave; leave it out for the first page".into(),
            }),
        }
    }

    fn items(&self) -> u32 {
        self.limit.unwrap_or(PAGE_ITEMS).clamp(1, PAGE_ITEMS_MAX)
    }

    /// Rows to ask for: one more than wanted tells whether there is another page.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.items()) + 1
    }

    /// What of a page is read whose items have documents of any size; `rows` are their ids with `bytes`, one more than wanted.
    pub(crate) fn within_bytes(&self, rows: &[AnyRow]) -> Result<Cut, StoreError> {
        let sizes = rows.iter().map(|found| Ok((row::text(found, "id")?, row::integer(found, "bytes")?)));
        Ok(self.cut(sizes.collect::<Result<_, StoreError>>()?))
    }

    fn cut(&self, sizes: Vec<(String, i64)>) -> Cut {
        let mut left = PAGE_BYTES_MAX;
        let fits = sizes.iter().take(self.items() as usize).enumerate().take_while(|(place, (_, bytes))| {
            left = left.saturating_sub(*bytes);
            *place == 0 || left >= 0
        });
        let rows = fits.count();
        let last = rows.checked_sub(1).and_then(|place| sizes.get(place)).map(|(id, _)| id.clone());
        Cut { has_more: rows < sizes.len(), rows, last }
    }

    /// Cuts `items` to the page; `id` is the sort key.
    pub(crate) fn page<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> &str) -> Page<T> {
        let wanted = self.items() as usize;
        let more = items.len() > wanted;
        items.truncate(wanted);
        let next_cursor = if more { items.last().map(|item| id(item).to_owned()) } else { None };
        Page { items, next_cursor }
    }
}

/// The part of a page that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Items that fit.
    rows: usize,
    last: Option<String>,
    has_more: bool,
}

impl Cut {
    /// The smallest id on the page: what came or went since the sizes were read moves nothing over its end. Greater than all ids
    /// for an empty page.
    pub(crate) fn from(&self) -> &str {
        self.last.as_deref().unwrap_or("zzzz")
    }

    /// The page of these items.
    pub(crate) fn page<T>(self, items: Vec<T>) -> Page<T> {
        Page { items, next_cursor: self.last.filter(|_| self.has_more) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_its_documents_become_too_large() {
        let cut = |limit: u32, sizes: &[i64]| {
            let sizes = sizes.iter().enumerate().map(|(number, bytes)| (format!("job_{number}"), *bytes)).collect();
            let cut = PageRequest { cursor: None, limit: Some(limit) }.cut(sizes);
            (cut.rows, cut.page(Vec::<u8>::new()).next_cursor)
        };
        const MIB: i64 = 1 << 20;
        assert_eq!(cut(3, &[]), (0, None));
        assert_eq!(cut(3, &[MIB, MIB]), (2, None));
        assert_eq!(cut(2, &[MIB, MIB, MIB]), (2, Some("job_1".into())));
        assert_eq!(cut(9, &[3 * MIB, 3 * MIB, 3 * MIB, MIB]), (2, Some("job_1".into())));
        assert_eq!(cut(9, &[20 * MIB, MIB]), (1, Some("job_0".into())), "what is too large stands alone");
    }
}
