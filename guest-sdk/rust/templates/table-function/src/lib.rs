//! A table function for SQL: the parts of a path, from the root to the leaf.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`.

use millrace_plugin::prelude::*;

table_function! {
    /// The columns of the answer.
    output Part<'a> {
        part: &'a str,
        depth: i32,
    }

    /// Called for every row; a row with NULL for an argument that is not an `Option` gives no rows.
    fn parts<'a>(path: &'a str) -> Vec<Part<'a>> {
        path.split('/').filter(|part| !part.is_empty()).zip(1..).map(|(part, depth)| Part { part, depth }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{TableHarness, TestBatch};

    #[test]
    fn a_path_has_parts() {
        let paths = TestBatch::new().required::<str>("path", vec!["/shop/tea", "/"]);
        let mut function = TableHarness::<Function>::open(0, 1).expect("opens");
        assert_eq!(function.eval(&paths).expect("works"), ["0: shop | 1", "0: tea | 2"]);
    }
}
