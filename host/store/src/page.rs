//! Pages of a listing, newest first.
//!
//! Invariant: ids grow with time, so the id of the last item is the whole cursor: nothing is skipped or seen twice when
//! items come and go between two pages.

use crate::StoreError;

/// Most items on a page.
pub const PAGE_ITEMS_MAX: u32 = 200;
/// Items on a page when the caller does not say.
pub const PAGE_ITEMS: u32 = 50;

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

    /// Cuts `items` to the page; `id` is the sort key.
    pub(crate) fn page<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> &str) -> Page<T> {
        let wanted = self.items() as usize;
        let more = items.len() > wanted;
        items.truncate(wanted);
        let next_cursor = if more { items.last().map(|item| id(item).to_owned()) } else { None };
        Page { items, next_cursor }
    }
}
