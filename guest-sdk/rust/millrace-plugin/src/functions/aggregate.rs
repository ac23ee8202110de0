//! Aggregate functions: one value per group.

use super::{Arguments, Outcome, Signature, State, argument_schema};
use crate::{
    batch::Batch,
    bindings::{aggregate::AggregateSignature, types as wit},
    column::{AnyBuf, ColumnBuilder, ColumnType},
    failure::{Error, Result},
    host,
    kernels::get_bit,
    rows::WriteField,
    schema::{Field, Schema},
};
use std::marker::PhantomData;

/// An aggregate function over values: an accumulator, and what rows do to it.
///
/// ```
/// use millrace_plugin::prelude::*;
///
/// accumulator! { struct Total { sum: i64, count: i64 } }
///
/// struct MySum;
///
/// impl Aggregate for MySum {
///     const RETRACTS: bool = true;
///     const MERGES: bool = true;
///     type Arguments<'a> = (i64,);
///     type Accumulator = Total;
///     type Answer = Option<i64>;
///
///     fn accumulate(total: &mut Total, (value,): (i64,)) -> Result<()> {
///         total.sum += value;
///         total.count += 1;
///         Ok(())
///     }
///
///     fn retract(total: &mut Total, (value,): (i64,)) -> Result<()> {
///         total.sum -= value;
///         total.count -= 1;
///         Ok(())
///     }
///
///     fn merge(total: &mut Total, other: Total) -> Result<()> {
///         total.sum += other.sum;
///         total.count += other.count;
///         Ok(())
///     }
///
///     fn value(total: &Total) -> Option<i64> {
///         (total.count > 0).then_some(total.sum)
///     }
/// }
///
/// export_aggregate!(RowAggregate<MySum>);
/// # fn main() {}
/// ```
pub trait Aggregate {
    /// Rows can be taken back: [`Self::retract`] is there. Needed over streams with updates.
    const RETRACTS: bool = false;
    /// Accumulators can be merged: [`Self::merge`] is there. Needed in session windows; makes hopping windows cheaper.
    const MERGES: bool = false;
    /// Names of the parameters, for people.
    const NAMES: &'static [&'static str] = &[];

    /// A tuple of values: `(i64, Option<&'a str>)`. A row with NULL for one that is not an `Option` is passed over.
    type Arguments<'a>: Arguments<'a>;
    /// What is kept per group; `Default` is empty.
    type Accumulator: State + Default;
    /// The result, or a [`Result`] of it.
    type Answer: Outcome;

    /// Adds a row.
    ///
    /// # Errors
    /// The job fails with the message.
    fn accumulate(accumulator: &mut Self::Accumulator, arguments: Self::Arguments<'_>) -> Result<()>;

    /// Takes a row back. It may come before the row that it takes back.
    ///
    /// # Errors
    /// The job fails with the message.
    fn retract(_accumulator: &mut Self::Accumulator, _arguments: Self::Arguments<'_>) -> Result<()> {
        Err(Error::new("the function cannot take rows back"))
    }

    /// Adds what another accumulator holds; that counts as later.
    ///
    /// # Errors
    /// The job fails with the message.
    fn merge(_accumulator: &mut Self::Accumulator, _other: Self::Accumulator) -> Result<()> {
        Err(Error::new("the function cannot merge accumulators"))
    }

    /// The result.
    fn value(accumulator: &Self::Accumulator) -> Self::Answer;
}

/// An aggregate function over columns. Groups are numbers from 0 without gaps, used again after `clear`.
pub trait AggregateFunction: Sized {
    /// Rows can be taken back.
    const RETRACTS: bool = false;
    /// Accumulators can be merged.
    const MERGES: bool = false;

    /// How it may be called. Must always answer the same.
    fn signatures() -> Vec<Signature>;

    /// Called once per instance: all its calls have this signature and these arguments.
    ///
    /// # Errors
    /// It cannot be called so.
    fn open(signature: usize, arguments: &Schema) -> Result<Self>;

    /// Takes rows into account, in order.
    ///
    /// # Errors
    /// The job fails with the message.
    fn update(&mut self, update: &Update<'_>) -> Result<()>;

    /// The result of each group, in a column of the result's type.
    ///
    /// # Errors
    /// The job fails with the message.
    fn values(&mut self, groups: &[u32]) -> Result<AnyBuf>;

    /// Appends the accumulator of a group.
    ///
    /// # Errors
    /// The job fails with the message.
    fn export(&mut self, group: u32, out: &mut Vec<u8>) -> Result<()>;

    /// Gives a group the accumulator that `export` wrote; a group that is not empty merges it.
    ///
    /// # Errors
    /// The job fails with the message.
    fn import(&mut self, group: u32, state: &[u8]) -> Result<()>;

    /// Forgets a group.
    fn clear(&mut self, group: u32);
}

/// Rows for an aggregate function.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The group of each row.
    pub groups: &'a [u32],
    /// Which rows are taken back, bit-packed; absent when all are added.
    pub retract: Option<&'a [u8]>,
    /// The arguments, as many rows as there are groups.
    pub arguments: &'a Batch<'a>,
}

impl Update<'_> {
    /// Whether a row is taken back.
    #[inline]
    pub fn is_retraction(&self, row: usize) -> bool {
        self.retract.is_some_and(|bits| get_bit(bits, row))
    }
}

/// Something per group, made empty when first asked for.
#[derive(Debug, Clone)]
pub struct Groups<T> {
    groups: Vec<Option<T>>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self { groups: Vec::new() }
    }
}

impl<T: Default> Groups<T> {
    /// What a group has.
    pub fn get(&mut self, group: u32) -> &mut T {
        let group = group as usize;
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, || None);
        }
        self.groups[group].get_or_insert_default()
    }

    /// Whether a group has anything.
    pub fn is_empty(&self, group: u32) -> bool {
        self.groups.get(group as usize).is_none_or(Option::is_none)
    }

    /// Forgets a group.
    pub fn clear(&mut self, group: u32) {
        if let Some(found) = self.groups.get_mut(group as usize) {
            *found = None;
        }
    }
}

/// A function over values as one over columns.
pub struct RowAggregate<A: Aggregate> {
    groups: Groups<A::Accumulator>,
    of: PhantomData<fn() -> A>,
}

type ValueOf<A> = <<A as Aggregate>::Answer as Outcome>::Value;

impl<A: Aggregate> AggregateFunction for RowAggregate<A> {
    const RETRACTS: bool = A::RETRACTS;
    const MERGES: bool = A::MERGES;

    fn signatures() -> Vec<Signature> {
        let result = Field::new("result", <<ValueOf<A> as WriteField>::Column as ColumnType>::data_type(), ValueOf::<A>::NULLABLE);
        vec![Signature::new(A::Arguments::parameters(A::NAMES), [result].into_iter().collect())]
    }

    fn open(_signature: usize, _arguments: &Schema) -> Result<Self> {
        Ok(Self { groups: Groups::default(), of: PhantomData })
    }

    fn update(&mut self, update: &Update<'_>) -> Result<()> {
        let views = A::Arguments::views(update.arguments);
        for (row, &group) in update.groups.iter().enumerate() {
            let accumulator = self.groups.get(group);
            let Some(arguments) = A::Arguments::read(&views, row) else { continue };
            let done = if update.is_retraction(row) { A::retract(accumulator, arguments) } else { A::accumulate(accumulator, arguments) };
            done.map_err(|e| e.at_row(row))?;
        }
        Ok(())
    }

    fn values(&mut self, groups: &[u32]) -> Result<AnyBuf> {
        let mut column = <<ValueOf<A> as WriteField>::Column as ColumnType>::Builder::with_capacity(groups.len());
        let empty = A::Accumulator::default();
        for &group in groups {
            let value = if self.groups.is_empty(group) { A::value(&empty) } else { A::value(self.groups.get(group)) };
            value.into_outcome()?.push(&mut column);
        }
        Ok(column.finish())
    }

    fn export(&mut self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        self.groups.get(group).write(out);
        Ok(())
    }

    fn import(&mut self, group: u32, mut state: &[u8]) -> Result<()> {
        let stored = A::Accumulator::read(&mut state)?;
        if self.groups.is_empty(group) {
            *self.groups.get(group) = stored;
            return Ok(());
        }
        A::merge(self.groups.get(group), stored)
    }

    fn clear(&mut self, group: u32) {
        self.groups.clear(group);
    }
}

/// An open function; made by [`crate::export_aggregate!`].
#[doc(hidden)]
pub struct AggregateRunner<F> {
    function: F,
    arguments: Schema,
}

impl<F: AggregateFunction> AggregateRunner<F> {
    pub fn signatures() -> Result<Vec<AggregateSignature>, wit::Fault> {
        host::install_panic_hook();
        let one = |signature: &Signature| AggregateSignature { signature: signature.to_wit(), retracts: F::RETRACTS, merges: F::MERGES };
        Ok(F::signatures().iter().map(one).collect())
    }

    pub fn open(signature: u32, arguments: u32) -> Result<Self, wit::Fault> {
        host::install_panic_hook();
        let open = || {
            let signature = signature as usize;
            let known = F::signatures();
            let chosen = known.get(signature).ok_or_else(|| Error::new(format!("there is no signature {signature}")))?;
            let arguments = argument_schema(chosen, arguments as usize)?;
            Ok(Self { function: F::open(signature, &arguments)?, arguments })
        };
        open().map_err(Error::into_fault)
    }

    pub fn update(&mut self, groups: &[u32], retract: Option<&[u8]>, arguments: &wit::Batch) -> Result<(), wit::Fault> {
        let mut update = || {
            let batch = Batch::new(&self.arguments, arguments).filter(|batch| batch.rows() == groups.len());
            let batch = batch.ok_or_else(|| Error::new("the host's batch does not fit the call it announced"))?;
            self.function.update(&Update { groups, retract, arguments: &batch })
        };
        let updated = update().map_err(Error::into_fault);
        host::flush_counters();
        updated
    }

    pub fn values(&mut self, groups: &[u32]) -> Result<wit::Batch, wit::Fault> {
        let answer = self.function.values(groups).map_err(Error::into_fault)?;
        Ok(wit::Batch { rows: answer.len as u32, kinds: None, columns: answer.columns })
    }

    pub fn export_states(&mut self, groups: &[u32]) -> Result<wit::Utf8Data, wit::Fault> {
        let (mut offsets, mut data) = (vec![0_i32], Vec::new());
        for &group in groups {
            self.function.export(group, &mut data).map_err(Error::into_fault)?;
            let end = i32::try_from(data.len()).map_err(|_| Error::new("the states are longer than 2 GiB").into_fault())?;
            Vec::push(&mut offsets, end);
        }
        Ok(wit::Utf8Data { offsets, data })
    }

    pub fn import_states(&mut self, groups: &[u32], states: &wit::Utf8Data) -> Result<(), wit::Fault> {
        for (row, (&group, bounds)) in groups.iter().zip(states.offsets.windows(2)).enumerate() {
            let state = states.data.get(bounds[0] as usize..bounds[1] as usize).unwrap_or_default();
            self.function.import(group, state).map_err(|e| e.at_row(row).into_fault())?;
        }
        Ok(())
    }

    pub fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|group| self.function.clear(*group));
    }
}

/// Makes a type that implements [`AggregateFunction`] the component's function. Once per plugin.
#[macro_export]
macro_rules! export_aggregate {
    ($function:ty) => {
        const _: () = {
            use $crate::bindings::{
                aggregate::{AggregateSignature, Guest},
                types,
            };

            type Runner = $crate::functions::AggregateRunner<$function>;

            ::std::thread_local! {
                static RUNNER: ::std::cell::RefCell<::std::option::Option<Runner>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            fn run<T>(work: impl FnOnce(&mut Runner) -> ::std::result::Result<T, types::Fault>) -> ::std::result::Result<T, types::Fault> {
                RUNNER.with_borrow_mut(|runner| match runner {
                    ::std::option::Option::Some(runner) => work(runner),
                    ::std::option::Option::None => ::std::result::Result::Err($crate::not_opened()),
                })
            }

            struct Exported;

            impl Guest for Exported {
                fn signatures() -> ::std::result::Result<::std::vec::Vec<AggregateSignature>, types::Fault> {
                    Runner::signatures()
                }

                fn open(signature: u32, arguments: u32) -> ::std::result::Result<(), types::Fault> {
                    RUNNER.set(::std::option::Option::Some(Runner::open(signature, arguments)?));
                    ::std::result::Result::Ok(())
                }

                fn update(
                    groups: ::std::vec::Vec<u32>,
                    retract: ::std::option::Option<::std::vec::Vec<u8>>,
                    arguments: types::Batch,
                ) -> ::std::result::Result<(), types::Fault> {
                    run(|runner| runner.update(&groups, retract.as_deref(), &arguments))
                }

                fn values(groups: ::std::vec::Vec<u32>) -> ::std::result::Result<types::Batch, types::Fault> {
                    run(|runner| runner.values(&groups))
                }

                fn export_states(groups: ::std::vec::Vec<u32>) -> ::std::result::Result<types::Utf8Data, types::Fault> {
                    run(|runner| runner.export_states(&groups))
                }

                fn import_states(groups: ::std::vec::Vec<u32>, states: types::Utf8Data) -> ::std::result::Result<(), types::Fault> {
                    run(|runner| runner.import_states(&groups, &states))
                }

                fn clear(groups: ::std::vec::Vec<u32>) -> ::std::result::Result<(), types::Fault> {
                    run(|runner| {
                        runner.clear(&groups);
                        ::std::result::Result::Ok(())
                    })
                }
            }

            // Natively nothing calls the function but tests: this keeps the compiler from taking it for dead code.
            const _: fn(u32, u32) -> ::std::result::Result<(), types::Fault> = <Exported as Guest>::open;

            #[cfg(target_arch = "wasm32")]
    $crate::export_aggregate_function!(Exported with_types_in $crate::bindings::aggregate);
        };
    };
}
