//! The macros that make SQL functions of plain Rust functions.

/// A scalar function: each `fn` is an overload, told from the others by the types of its arguments.
///
/// ```
/// use millrace_plugin::prelude::*;
///
/// scalar_function! {
///     /// How often a word is in a text. NULL where an argument that is not an `Option` is NULL.
///     fn occurrences(text: &str, word: &str) -> i64 {
///         if word.is_empty() { 0 } else { text.matches(word).count() as i64 }
///     }
///
///     /// It may answer a `Result`; an error fails the job and names the row.
///     fn of_json(document: &[u8], depth: Option<i32>) -> Result<i64> {
///         if document.is_empty() { bail!("the document is empty") }
///         Ok(i64::from(depth.unwrap_or(1)))
///     }
/// }
/// # fn main() {}
/// ```
///
/// Borrowed arguments may be answered with a lifetime: `fn first<'a>(text: &'a str) -> &'a str`.
/// The macro also makes the type `Function`, for tests with [`crate::testing::ScalarHarness`].
#[macro_export]
macro_rules! scalar_function {
    ($($(#[$meta:meta])* fn $name:ident $(<$life:lifetime>)? ($($argument:ident : $type:ty),* $(,)?) -> $answer:ty $body:block)+) => {
        $($(#[$meta])* fn $name $(<$life>)? ($($argument: $type),*) -> $answer $body)+

        #[doc(hidden)]
        pub(crate) struct Overloads;

        impl $crate::functions::Overload for Overloads {
            fn overloads() -> ::std::vec::Vec<$crate::functions::ScalarOverload> {
                ::std::vec![$($crate::functions::ScalarOverload::of(
                    |($($argument,)*)| $name($($argument),*),
                    &[$($crate::plain_name(stringify!($argument))),*],
                    |batch| $crate::functions::evaluate(batch, |($($argument,)*)| $name($($argument),*)),
                )),+]
            }
        }

        /// The function, for tests.
        pub(crate) type Function = $crate::functions::Overloads<Overloads>;
        $crate::export_scalar!(Function);
    };
}

/// A table function: what a row of the answer is, and functions that answer rows. Each `fn` is an overload.
///
/// ```
/// use millrace_plugin::prelude::*;
///
/// table_function! {
///     output Word<'a> { word: &'a str, length: i32 }
///
///     /// The words of a text; `Vec`, `Option`, and a `Result` of these may be answered.
///     fn words<'a>(text: &'a str) -> Vec<Word<'a>> {
///         text.split_whitespace().map(|word| Word { word, length: word.len() as i32 }).collect()
///     }
/// }
/// # fn main() {}
/// ```
///
/// The macro also makes the type `Function`, for tests with [`crate::testing::TableHarness`].
#[macro_export]
macro_rules! table_function {
    (
        $(#[$output_meta:meta])* output $output:ident $(<$output_life:lifetime>)? { $($output_fields:tt)* }
        $($(#[$meta:meta])* fn $name:ident $(<$life:lifetime>)? ($($argument:ident : $type:ty),* $(,)?) -> $answer:ty $body:block)+
    ) => {
        $crate::output_row! { $(#[$output_meta])* struct $output $(<$output_life>)? { $($output_fields)* } }
        $($(#[$meta])* fn $name $(<$life>)? ($($argument: $type),*) -> $answer $body)+

        type Answered = $crate::__static!($output $(<$output_life>)?);

        #[doc(hidden)]
        fn overloads() -> ::std::vec::Vec<$crate::functions::TableOverload<Answered>> {
            ::std::vec![$($crate::functions::TableOverload::of(
                |($($argument,)*)| $name($($argument),*),
                &[$($crate::plain_name(stringify!($argument))),*],
                |batch, out| {
                    $crate::functions::call_rows(batch, out, |($($argument,)*)| $name($($argument),*))
                },
            )),+]
        }

        /// The function, for tests.
        pub(crate) struct Function {
            call: fn(&$crate::Batch<'_>, &mut $crate::functions::Rows<Answered>) -> $crate::Result<()>,
        }

        impl $crate::functions::TableFunction for Function {
            type Output = Answered;

            fn signatures() -> ::std::vec::Vec<$crate::functions::Signature> {
                overloads().into_iter().map(|overload| overload.signature).collect()
            }

            fn open(signature: usize, _arguments: &$crate::Schema) -> $crate::Result<Self> {
                match overloads().into_iter().nth(signature) {
                    ::core::option::Option::Some(chosen) => ::core::result::Result::Ok(Self { call: chosen.call }),
                    ::core::option::Option::None => $crate::bail!("there is no signature {signature}"),
                }
            }

            fn eval(
                &mut self,
                arguments: &$crate::Batch<'_>,
                out: &mut $crate::functions::Rows<Answered>,
            ) -> $crate::Result<()> {
                (self.call)(arguments, out)
            }
        }

        $crate::export_table!(Function);
    };
}
