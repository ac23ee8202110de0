//! Expressions as text for comparing: plans find equal parts by it, and state tells by it whether it still fits.
//!
//! Invariant: expressions that differ have different texts. Arrow leaves out the middle of long arrays, so constants of nested
//! types are written out.

use super::Expr;
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;
use std::fmt::{Debug, Formatter, Result};

/// Elements that Arrow shows of an array without leaving any out.
const SHOWN_MAX: usize = 20;

impl Debug for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Column { index, typed } => f.debug_struct("Column").field("index", index).field("typed", typed).finish(),
            Self::Literal { value, typed, is_symbol } => {
                f.debug_struct("Literal").field("value", &Constant(value)).field("typed", typed).field("is_symbol", is_symbol).finish()
            }
            Self::Call { function, arguments, typed } => {
                f.debug_struct("Call").field("function", function).field("arguments", arguments).field("typed", typed).finish()
            }
            Self::Cast { value, target, is_try, typed } => (f.debug_struct("Cast").field("value", value).field("target", target))
                .field("is_try", is_try)
                .field("typed", typed)
                .finish(),
            Self::Case { branches, otherwise, typed } => {
                f.debug_struct("Case").field("branches", branches).field("otherwise", otherwise).field("typed", typed).finish()
            }
            Self::Coalesce { arguments, typed } => f.debug_struct("Coalesce").field("arguments", arguments).field("typed", typed).finish(),
            Self::And(parts) => f.debug_tuple("And").field(parts).finish(),
            Self::Or(parts) => f.debug_tuple("Or").field(parts).finish(),
        }
    }
}

/// A constant with all of its elements.
struct Constant<'a>(&'a ArrayRef);

impl Debug for Constant<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Debug::fmt(self.0, f)?;
        write_rest(self.0, f)
    }
}

/// The elements of long lists, in pieces that Arrow shows whole.
fn write_rest(array: &dyn Array, f: &mut Formatter<'_>) -> Result {
    match array.data_type() {
        DataType::List(_) => write_rest(array.as_list::<i32>().values(), f),
        DataType::Map(_, _) => write_rest(array.as_map().entries(), f),
        DataType::Struct(_) => array.as_struct().columns().iter().try_for_each(|column| write_rest(column, f)),
        _ if array.len() <= SHOWN_MAX => Ok(()),
        _ => (0..array.len()).step_by(SHOWN_MAX).try_for_each(|from| {
            let piece = array.slice(from, SHOWN_MAX.min(array.len() - from));
            write!(f, " {piece:?}")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Typed;
    use arrow_array::{ListArray, types::Int32Type};
    use millrace_model::data_type::Element;
    use std::sync::Arc;

    fn list(changed: i32) -> Expr {
        let elements = (0..50).map(|i| Some(if i == 25 { changed } else { i }));
        let value: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(elements)]));
        let element = Element { data_type: millrace_model::DataType::Int, nullable: true };
        let typed = Typed::not_null(millrace_model::DataType::Array(Box::new(element)));
        Expr::Literal { value, typed, is_symbol: false }
    }

    #[test]
    fn lists_that_differ_in_the_middle_have_different_texts() {
        assert_ne!(format!("{:?}", list(0)), format!("{:?}", list(1)));
        assert_eq!(format!("{:?}", list(0)), format!("{:?}", list(0)));
    }
}
