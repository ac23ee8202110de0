//! The macros that declare rows and settings.
//!
//! Invariant: they only write structs and the trait impls that a careful author would write by hand; names of columns
//! are those of the fields, or what stands behind `as`.

/// A plugin over rows: what is read, what is written, the settings if there are any, and the function.
///
/// ```
/// use millrace_plugin::prelude::*;
///
/// etl_rows! {
///     /// Any field may be read from a column of another name.
///     input Order<'a> { id: i64, kind as "type": &'a str, amount: Option<Decimal<10, 2>> }
///     output Sale<'a> { id: i64, label: &'a str, amount: Decimal<10, 2> }
///     /// Parameters of the node: with a default, or required without one.
///     settings Limits { amount_min: i64 = 100, label: String }
///
///     /// The function may answer nothing or a `Result<()>`.
///     fn process(order: Order, limits: &Limits, out: &mut Emit<Sale>) -> Result<()> {
///         let Some(amount) = order.amount else { bail!("order {} has no amount", order.id) };
///         if order.kind == "buy" && amount.0 >= limits.amount_min as i128 * 100 {
///             out.emit(Sale { id: order.id, label: &limits.label, amount });
///         }
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
///
/// The macro also makes the type `Operator`, for tests with [`crate::testing::Harness`].
#[macro_export]
macro_rules! etl_rows {
    (
        $(#[$input_meta:meta])* input $input:ident $(<$input_life:lifetime>)? { $($input_fields:tt)* }
        $(#[$output_meta:meta])* output $output:ident $(<$output_life:lifetime>)? { $($output_fields:tt)* }
        $(#[$fn_meta:meta])* fn process($($arguments:tt)*) $(-> $answer:ty)? $body:block
    ) => {
        $crate::input_row! { $(#[$input_meta])* struct $input $(<$input_life>)? { $($input_fields)* } }
        $crate::output_row! { $(#[$output_meta])* struct $output $(<$output_life>)? { $($output_fields)* } }
        $(#[$fn_meta])* fn process($($arguments)*) $(-> $answer)? $body
        $crate::__row_operator!([$input $(<$input_life>)?], [$output $(<$output_life>)?], (), |row, _settings, out| process(row, out));
    };
    (
        $(#[$input_meta:meta])* input $input:ident $(<$input_life:lifetime>)? { $($input_fields:tt)* }
        $(#[$output_meta:meta])* output $output:ident $(<$output_life:lifetime>)? { $($output_fields:tt)* }
        $(#[$settings_meta:meta])* settings $settings:ident { $($settings_fields:tt)* }
        $(#[$fn_meta:meta])* fn process($($arguments:tt)*) $(-> $answer:ty)? $body:block
    ) => {
        $crate::input_row! { $(#[$input_meta])* struct $input $(<$input_life>)? { $($input_fields)* } }
        $crate::output_row! { $(#[$output_meta])* struct $output $(<$output_life>)? { $($output_fields)* } }
        $crate::settings! { $(#[$settings_meta])* struct $settings { $($settings_fields)* } }
        $(#[$fn_meta])* fn process($($arguments)*) $(-> $answer)? $body
        $crate::__row_operator!([$input $(<$input_life>)?], [$output $(<$output_life>)?], $settings, |row, settings, out| process(row, settings, out));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __row_operator {
    ([$($input:tt)*], [$($output:tt)*], $settings:ty, |$row:ident, $set:ident, $out:ident| $call:expr) => {
        #[doc(hidden)]
        pub(crate) struct Rows {
            settings: $settings,
        }

        impl $crate::RowEtl for Rows {
            type Input = $crate::__static!($($input)*);
            type Output = $crate::__static!($($output)*);

            fn open(params: &$crate::Params) -> $crate::Result<Self> {
                ::core::result::Result::Ok(Self { settings: <$settings as $crate::Settings>::read(params)? })
            }

            #[inline]
            fn process(
                &mut self,
                $row: <Self::Input as $crate::InputRow>::Row<'_>,
                $out: &mut $crate::Emit<Self::Output>,
            ) -> $crate::Result<()> {
                let $set = &self.settings;
                $crate::Step::into_result($call)
            }
        }

        /// The plugin's operator, for tests.
        pub(crate) type Operator = $crate::RowOperator<Rows>;
        $crate::export_etl!(Operator);
    };
}

/// A row struct's type without a borrowed lifetime: the name of the family of rows.
#[doc(hidden)]
#[macro_export]
macro_rules! __static {
    ($row:ident <$life:lifetime>) => { $row<'static> };
    ($row:ident) => { $row };
}

/// The column that a field stands for.
#[doc(hidden)]
#[macro_export]
macro_rules! __column {
    ($field:ident as $column:literal) => {
        $column
    };
    ($field:ident) => {
        $crate::plain_name(stringify!($field))
    };
}

/// Makes a [`crate::RowEtl`] type the component's operator. Once per plugin.
#[macro_export]
macro_rules! export_rows {
    ($operator:ty) => {
        $crate::export_etl!($crate::RowOperator<$operator>);
    };
}

/// A struct that names input columns: `struct Order<'a> { id: i64, kind as "type": &'a str, amount: Option<f64> }`.
#[macro_export]
macro_rules! input_row {
    ($(#[$meta:meta])* $vis:vis struct $row:ident $(<$life:lifetime>)? {
        $($(#[$field_meta:meta])* $field:ident $(as $column:literal)? : $type:ty),* $(,)?
    }) => {
        $(#[$meta])* $vis struct $row $(<$life>)? { $($(#[$field_meta])* $vis $field: $type,)* }
        $crate::__input_row!([$row $(<$life>)?] $($field [$field $(as $column)?] $type,)*);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __input_row {
    ([$row:ident] $($rest:tt)*) => { $crate::__input_row!('batch, [$row] [$row] $($rest)*); };
    ([$row:ident <$life:lifetime>] $($rest:tt)*) => { $crate::__input_row!($life, [$row<'_>] [$row<$life>] $($rest)*); };
    ($life:lifetime, [$($any:tt)*] [$($row:tt)*] $($field:ident [$($column:tt)*] $type:ty,)*) => {
        impl $crate::InputRow for $($any)* {
            type Row<$life> = $($row)*;
            type Views<$life> = ($(<$type as $crate::ReadField<$life>>::View,)*);

            fn bind(schema: &$crate::Schema) -> $crate::Result<::std::vec::Vec<usize>> {
                #[allow(clippy::extra_unused_lifetimes)]
                fn bind<$life>(schema: &$crate::Schema) -> $crate::Result<::std::vec::Vec<usize>> {
                    ::core::result::Result::Ok(::std::vec![
                        $($crate::bind_field::<$type>(schema, $crate::__column!($($column)*))?,)*
                    ])
                }
                bind(schema)
            }

            #[inline]
            fn views<$life>(positions: &[usize], batch: &$crate::Batch<$life>) -> Self::Views<$life> {
                let mut positions = positions.iter();
                ($(<$type as $crate::ReadField<$life>>::view($crate::next_column(&mut positions, batch)),)*)
            }

            #[inline]
            fn read<$life>(views: &Self::Views<$life>, row: usize) -> Self::Row<$life> {
                let ($($field,)*) = views;
                Self::Row::<$life> { $($field: <$type as $crate::ReadField<$life>>::read($field, row),)* }
            }
        }
    };
}

/// A struct that names output columns: `struct Sale<'a> { id: i64, label: &'a str, amount: Option<f64> }`.
#[macro_export]
macro_rules! output_row {
    ($(#[$meta:meta])* $vis:vis struct $row:ident $(<$life:lifetime>)? {
        $($(#[$field_meta:meta])* $field:ident $(as $column:literal)? : $type:ty),* $(,)?
    }) => {
        $(#[$meta])* $vis struct $row $(<$life>)? { $($(#[$field_meta])* $vis $field: $type,)* }
        $crate::__output_row!([$row $(<$life>)?] $($field [$field $(as $column)?] $type,)*);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __output_row {
    ([$row:ident] $($rest:tt)*) => { $crate::__output_row!([] [$row] [$row] $($rest)*); };
    ([$row:ident <$life:lifetime>] $($rest:tt)*) => { $crate::__output_row!([<$life>] [$row<$life>] [$row<'row>] $($rest)*); };
    ([$($generics:tt)*] [$($any:tt)*] [$($row:tt)*] $($field:ident [$($column:tt)*] $type:ty,)*) => {
        impl $($generics)* $crate::OutputRow for $($any)* {
            type Row<'row> = $($row)*;
            type Builders = ($(<<$type as $crate::WriteField>::Column as $crate::ColumnType>::Builder,)*);

            fn schema() -> $crate::Schema {
                let mut schema = $crate::Schema::new();
                $($crate::declare_field::<$type>(&mut schema, $crate::__column!($($column)*));)*
                schema
            }

            fn builders(rows: usize) -> Self::Builders {
                ($(<<<$type as $crate::WriteField>::Column as $crate::ColumnType>::Builder as $crate::ColumnBuilder>::with_capacity(rows),)*)
            }

            #[inline]
            fn push(builders: &mut Self::Builders, row: Self::Row<'_>) {
                let ($($field,)*) = builders;
                $($crate::WriteField::push(row.$field, $field);)*
            }

            fn finish(builders: Self::Builders) -> ::std::vec::Vec<$crate::AnyBuf> {
                let ($($field,)*) = builders;
                ::std::vec![$($crate::ColumnBuilder::finish($field),)*]
            }
        }
    };
}

/// A struct that is read from the node's parameters: `struct Limits { amount_min: f64 = 100.0, label: String }`.
/// Without a default the parameter is required.
#[macro_export]
macro_rules! settings {
    ($(#[$meta:meta])* $vis:vis struct $settings:ident {
        $($(#[$field_meta:meta])* $field:ident : $type:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[$meta])* $vis struct $settings { $($(#[$field_meta])* $vis $field: $type,)* }

        impl $crate::Settings for $settings {
            fn read(params: &$crate::Params) -> $crate::Result<Self> {
                ::core::result::Result::Ok(Self {
                    $($field: $crate::__setting!(params, $crate::plain_name(stringify!($field)), $type $(, $default)?),)*
                })
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __setting {
    ($params:ident, $name:expr, $type:ty, $default:expr) => {
        $params.get_or::<$type>($name, $default)?
    };
    ($params:ident, $name:expr, $type:ty) => {
        $params.require::<$type>($name)?
    };
}
