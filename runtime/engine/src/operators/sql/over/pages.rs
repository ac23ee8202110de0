//! Rows that are held as columns: pages of batches as they came, rows by page and place.
//!
//! A page goes when its last row does; pages of which few rows are left are made anew together, so what is held is at most
//! about twice what is needed. Invariant: `live` of a page is the number of its rows that someone still refers to.

use crate::{error::OperatorError, operators::sql::held_batches::bytes_of};
use arrow_array::{Array, ArrayRef, UInt32Array, new_empty_array};
use arrow_schema::DataType;
use arrow_select::{interleave::interleave, take::take};

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowAt {
    page: u32,
    row: u32,
}

impl RowAt {
    pub(super) fn new(page: u32, row: usize) -> Self {
        Self { page, row: row as u32 }
    }
}

/// Pages of the same columns.
pub(super) struct Pages {
    types: Vec<DataType>,
    pages: Vec<Page>,
    free: Vec<u32>,
    live: usize,
    rows: usize,
    bytes: usize,
}

#[derive(Default)]
struct Page {
    columns: Vec<ArrayRef>,
    /// What its rows take.
    bytes: usize,
    rows: u32,
    live: u32,
}

/// Rows that may lie idle before anything is made anew.
const IDLE_ROWS_MAX: usize = 16_384;
/// Pages that may be there before their size matters.
const SMALL_PAGES_MAX: usize = 64;
/// Rows per page below which pages are small.
const SMALL_PAGE_ROWS: usize = 64;

impl Pages {
    pub(super) fn new(types: Vec<DataType>) -> Self {
        Self { types, pages: Vec::new(), free: Vec::new(), live: 0, rows: 0, bytes: 0 }
    }

    /// Takes a page of which all rows are referred to; answers its number.
    pub(super) fn add(&mut self, columns: Vec<ArrayRef>, rows: usize) -> u32 {
        self.live += rows;
        self.rows += rows;
        let bytes = columns.iter().map(bytes_of).sum();
        self.bytes += bytes;
        let page = Page { columns, bytes, rows: rows as u32, live: rows as u32 };
        match self.free.pop() {
            Some(number) => {
                self.pages[number as usize] = page;
                number
            }
            None => {
                self.pages.push(page);
                (self.pages.len() - 1) as u32
            }
        }
    }

    /// A row is not needed any more.
    pub(super) fn release(&mut self, at: RowAt) {
        let page = &mut self.pages[at.page as usize];
        page.live -= 1;
        self.live -= 1;
        if page.live == 0 {
            self.rows -= page.rows as usize;
            self.bytes -= page.bytes;
            *page = Page::default();
            self.free.push(at.page);
        }
    }

    /// The columns of these rows.
    pub(super) fn gather(&self, rows: &[RowAt]) -> Result<Vec<ArrayRef>, OperatorError> {
        let Some(first) = rows.first() else {
            return Ok(self.types.iter().map(new_empty_array).collect());
        };
        if rows.iter().all(|at| at.page == first.page) {
            return gather_one(&self.pages[first.page as usize].columns, rows);
        }
        // The pages that occur, renumbered.
        let mut places = vec![u32::MAX; self.pages.len()];
        let mut used: Vec<&Page> = Vec::new();
        let mut picked = Vec::with_capacity(rows.len());
        for at in rows {
            let place = &mut places[at.page as usize];
            if *place == u32::MAX {
                *place = used.len() as u32;
                used.push(&self.pages[at.page as usize]);
            }
            picked.push((*place as usize, at.row as usize));
        }
        let columns = (0..self.types.len()).map(|column| {
            let arrays: Vec<&dyn Array> = used.iter().map(|page| page.columns[column].as_ref()).collect();
            interleave(&arrays, &picked)
        });
        Ok(columns.collect::<Result<_, _>>()?)
    }

    /// Whether it is time for [`Self::renew`].
    pub(super) fn is_sparse(&self) -> bool {
        let pages = self.pages.len() - self.free.len();
        self.rows > 2 * self.live + IDLE_ROWS_MAX || (pages > SMALL_PAGES_MAX && self.live < pages * SMALL_PAGE_ROWS)
    }

    /// Whether so many rows lie idle that [`Self::renew`] is worth the work when memory is short.
    pub(super) fn is_loose(&self) -> bool {
        self.rows > self.live + self.live / 2
    }

    /// What the rows of all pages take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes one page of all rows that are referred to, which are these.
    pub(super) fn renew(&mut self, mut all: Vec<&mut RowAt>) -> Result<(), OperatorError> {
        let rows: Vec<RowAt> = all.iter().map(|at| **at).collect();
        let columns = self.gather(&rows)?;
        *self = Self::new(std::mem::take(&mut self.types));
        let page = self.add(columns, rows.len());
        for (row, at) in all.iter_mut().enumerate() {
            **at = RowAt::new(page, row);
        }
        Ok(())
    }
}

fn gather_one(columns: &[ArrayRef], rows: &[RowAt]) -> Result<Vec<ArrayRef>, OperatorError> {
    let start = rows.first().map_or(0, |at| at.row);
    // In-order input leaves as it came, without a copy.
    if rows.iter().zip(start..).all(|(at, row)| at.row == row) {
        return Ok(columns.iter().map(|c| c.slice(start as usize, rows.len())).collect());
    }
    let indices = UInt32Array::from_iter_values(rows.iter().map(|at| at.row));
    Ok(columns.iter().map(|c| take(c, &indices, None)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int32Array, cast::AsArray, types::Int32Type};
    use std::sync::Arc;

    #[test]
    fn rows_survive_being_moved_together() {
        let mut pages = Pages::new(vec![DataType::Int32]);
        let mut kept = Vec::new();
        for page in 0..100i32 {
            let column: ArrayRef = Arc::new(Int32Array::from_iter_values((0..10).map(|row| page * 10 + row)));
            let number = pages.add(vec![column], 10);
            for row in 0..10 {
                let at = RowAt::new(number, row);
                if row == (page % 10) as usize { kept.push(at) } else { pages.release(at) }
            }
        }
        let expected: Vec<i32> = (0..100).map(|page| page * 10 + page % 10).collect();
        let values = |pages: &Pages, kept: &[RowAt]| pages.gather(kept).unwrap()[0].as_primitive::<Int32Type>().values().to_vec();
        assert_eq!(values(&pages, &kept), expected);
        assert!(pages.is_sparse());
        pages.renew(kept.iter_mut().collect()).unwrap();
        assert!(!pages.is_sparse());
        assert_eq!(values(&pages, &kept), expected);
        kept.into_iter().for_each(|at| pages.release(at));
        assert_eq!((pages.live, pages.rows), (0, 0));
        assert_eq!(pages.gather(&[]).unwrap()[0].len(), 0);
    }
}
