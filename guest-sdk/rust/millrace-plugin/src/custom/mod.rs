//! Custom operators: sources, sinks, operators with inputs and state of their own, and dimension updaters.
//!
//! Each is a trait and a macro that exports its type: [`Source`] and [`crate::export_source!`], [`Sink`] and
//! [`crate::export_sink!`], [`Transform`] and [`crate::export_transform!`], [`Dimension`] and
//! [`crate::export_dimension!`]. What they may do beyond computing is in [`crate::capabilities`].

#[doc(hidden)]
pub mod bindings;
mod dimension;
mod lookup;
mod sink;
mod source;
mod transform;

#[doc(hidden)]
pub use dimension::DimensionRunner;
pub use dimension::{Dimension, NextPage};
pub use lookup::{DimensionTable, Looked};
#[doc(hidden)]
pub use sink::SinkRunner;
pub use sink::{Rows, Sink};
#[doc(hidden)]
pub use source::SourceRunner;
pub use source::{Next, Polled, Source};
pub use transform::Transform;
#[doc(hidden)]
pub use transform::TransformRunner;

use crate::bindings::types as wit;

/// Which of an operator's subtasks this instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 0.
    pub subtask: u32,
    /// Number of subtasks.
    pub parallelism: u32,
}

impl From<wit::Place> for Place {
    fn from(place: wit::Place) -> Self {
        Self { subtask: place.subtask, parallelism: place.parallelism }
    }
}

impl Place {
    /// Whether the piece of work with this number is this subtask's: each piece is of exactly one.
    pub fn owns(&self, piece: u64) -> bool {
        piece % u64::from(self.parallelism.max(1)) == u64::from(self.subtask)
    }
}

/// For the macros: keeps the one operator of a component, and runs `call` on it.
#[doc(hidden)]
#[macro_export]
macro_rules! custom_operator_cell {
    ($runner:ty) => {
        ::std::thread_local! {
            static RUNNER: ::std::cell::RefCell<::std::option::Option<$runner>> =
                const { ::std::cell::RefCell::new(::std::option::Option::None) };
        }

        fn with<T>(
            call: impl ::std::ops::FnOnce(&mut $runner) -> ::std::result::Result<T, $crate::bindings::types::Fault>,
        ) -> ::std::result::Result<T, $crate::bindings::types::Fault> {
            RUNNER.with_borrow_mut(|runner| match runner {
                ::std::option::Option::Some(runner) => call(runner),
                ::std::option::Option::None => ::std::result::Result::Err($crate::bindings::types::Fault {
                    message: "called before open".into(),
                    row: ::std::option::Option::None,
                }),
            })
        }
    };
}
