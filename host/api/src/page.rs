//! Cursor pages on the wire.

use millrace_store::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// `next_cursor` of the page before; none for the first.
    cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given; a number outside of that counts as the nearest one.
    limit: Option<u32>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { cursor: query.cursor, limit: query.limit }
    }
}

/// One page, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    /// The items.
    items: Vec<T>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// Puts further items behind the last page.
    pub(crate) fn append(&mut self, items: impl Iterator<Item = T>) {
        self.items.extend(items);
    }

    /// A page of wire items that are made with more than the stored ones.
    pub(crate) fn with<S>(page: Page<S>, item: impl FnMut(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(item).collect(), next_cursor: page.next_cursor }
    }

    /// A page of wire items.
    pub(crate) fn of<S>(page: Page<S>) -> axum::Json<Self>
    where
        T: From<S>,
    {
        axum::Json(Self { items: page.items.into_iter().map(T::from).collect(), next_cursor: page.next_cursor })
    }
}
