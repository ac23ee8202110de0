//! Loops over columns that stay fast in a metered WebAssembly sandbox.
//!
//! Metering adds a check to every turn of a loop, so a tight loop over vector instructions pays several times its own
//! work. The kernels here handle a block of values per turn, which makes the check cheap and lets the compiler use
//! vector instructions inside the block. They work on plain slices, allocate once per column and depend on nothing,
//! so the same code runs natively and in a guest.
//!
//! Invariant: no kernel reads outside its slices, whatever it is given; wrong lengths panic, they never go unnoticed.

mod bits;
mod map;
mod selection;
mod take;
mod text;

pub use bits::{BitWriter, count_ones, get_bit, pack_bools, take_bits};
pub use map::{map, map_indexed, zip_map};
pub use selection::Selection;
pub use take::take;
pub use text::{as_text, ascii_lowercase, ascii_uppercase, select_equal, take_offsets, take_text};
