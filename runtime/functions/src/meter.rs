//! Bounds of the work that a thread does right now: time, an order to end, steps, bytes of results.
//!
//! A [`Meter`] is in force on the thread that polls its future or runs its closure, so that kernels, casts and aggregates of any
//! depth can ask without being handed one. Without a meter only the bytes are bounded.
//!
//! Invariants: who asks pays once per slice of work, never per value of a vectorised kernel; what runs over is an error of
//! the user's query that names the function, never a panic; the state of the thread before is restored however the work ends.

use crate::{Columnar, EvaluationError};
use arrow_array::{Array, cast::AsArray};
use arrow_schema::DataType as Arrow;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Most bytes of texts, lists and maps that the results of one expression may hold at one time for one batch.
pub const BATCH_BYTES_MAX: usize = 256 << 20;
/// Steps (bytes that are looked at, about) between two looks at the meter.
const SLICE_STEPS: usize = 1 << 16;
/// Steps that a row of a function written per row counts for.
const ROW_STEPS: usize = 1 << 11;

/// What some work may use, and whether it is to end.
#[derive(Debug)]
pub struct Meter {
    cancelled: AtomicBool,
    time_max: Duration,
    steps_max: u64,
    bytes_max: usize,
}

impl Meter {
    /// A meter by which work may run for so long without giving its thread back.
    pub fn new(time_max: Duration) -> Arc<Self> {
        Arc::new(Self { cancelled: AtomicBool::new(false), time_max, steps_max: u64::MAX, bytes_max: BATCH_BYTES_MAX })
    }

    /// A meter by steps and bytes, so that the answer is the same on every machine.
    pub fn of_steps(steps_max: u64, bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { cancelled: AtomicBool::new(false), time_max: Duration::MAX, steps_max, bytes_max })
    }

    /// Ends what runs by it: at its next look it fails.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The meter in force on this thread.
    pub fn current() -> Option<Arc<Self>> {
        RUNNING.with_borrow(|running| running.as_ref().map(|r| r.meter.clone()))
    }

    /// Does `work` by this meter.
    pub fn run<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let until = Instant::now().checked_add(self.time_max);
        let running = Running { meter: self.clone(), until, steps_left: self.steps_max };
        let _before = Before {
            running: RUNNING.replace(Some(running)),
            bytes_max: BYTES_MAX.replace(self.bytes_max),
            live_bytes: LIVE_BYTES.replace(0),
            keeps: KEEPS.replace(false),
            unnamed: UNNAMED.replace(false),
        };
        work()
    }

    /// The same future, each turn of which runs by this meter.
    pub fn scope<F: Future>(self: &Arc<Self>, future: F) -> Metered<F> {
        Metered { meter: self.clone(), future: Box::pin(future) }
    }
}

/// A future whose turns run by a meter.
#[derive(Debug)]
pub struct Metered<F> {
    meter: Arc<Meter>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let meter = self.meter.clone();
        meter.run(|| self.future.as_mut().poll(context))
    }
}

struct Running {
    meter: Arc<Meter>,
    until: Option<Instant>,
    steps_left: u64,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
    static BYTES_MAX: Cell<usize> = const { Cell::new(BATCH_BYTES_MAX) };
    /// Bytes of the results that the expression being evaluated still needs.
    static LIVE_BYTES: Cell<usize> = const { Cell::new(0) };
    /// Whether results of whole expressions stay until somebody says that they are gone.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
    /// Whether a bound was passed and the function at fault is not named yet.
    static UNNAMED: Cell<bool> = const { Cell::new(false) };
}

/// The thread as it was before; restores it.
struct Before {
    running: Option<Running>,
    bytes_max: usize,
    live_bytes: usize,
    keeps: bool,
    unnamed: bool,
}

impl Drop for Before {
    fn drop(&mut self) {
        RUNNING.set(self.running.take());
        BYTES_MAX.set(self.bytes_max);
        LIVE_BYTES.set(self.live_bytes);
        KEEPS.set(self.keeps);
        UNNAMED.set(self.unnamed);
    }
}

/// Whether the work may go on.
///
/// # Errors
/// It was cancelled, or has used up its time.
pub fn check() -> Result<(), EvaluationError> {
    spend(1)
}

fn spend(steps: usize) -> Result<(), EvaluationError> {
    let exceeded = RUNNING.with_borrow_mut(|running| {
        let running = running.as_mut()?;
        if running.meter.is_cancelled() {
            return Some("the work was cancelled while it computed (batch.cancelled)".to_owned());
        }
        running.steps_left = running.steps_left.saturating_sub(steps as u64);
        if running.steps_left == 0 {
            return Some(format!("it took more than {} steps (batch.too_slow)", running.meter.steps_max));
        }
        if running.until.is_some_and(|until| Instant::now() >= until) {
            let seconds = running.meter.time_max.as_secs_f32();
            return Some(format!("one batch was computed for more than {seconds} s without an end (batch.too_slow)"));
        }
        None
    });
    exceeded.map_or(Ok(()), |message| Err(bound_passed(message)))
}

fn bound_passed(message: String) -> EvaluationError {
    UNNAMED.set(true);
    EvaluationError(message)
}

/// The error of a call of `function`: one of a bound names the innermost function that passed it.
pub(crate) fn named(error: EvaluationError, function: &str) -> EvaluationError {
    if UNNAMED.replace(false) { EvaluationError(format!("`{function}`: {}", error.0)) } else { error }
}

/// Counts the steps of a loop, and looks at the meter after each slice of them.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    taken: usize,
}

impl Steps {
    /// Counts so many more.
    #[inline]
    pub(crate) fn take(&mut self, steps: usize) -> Result<(), EvaluationError> {
        self.taken = self.taken.saturating_add(steps);
        if self.taken < SLICE_STEPS { Ok(()) } else { spend(std::mem::take(&mut self.taken)) }
    }

    /// Counts a row of a function that is written per row.
    #[inline]
    pub(crate) fn row(&mut self) -> Result<(), EvaluationError> {
        self.take(ROW_STEPS)
    }
}

/// Bytes that results of the expression being evaluated may still take.
pub(crate) fn bytes_left() -> usize {
    BYTES_MAX.get().saturating_sub(LIVE_BYTES.get())
}

/// Refuses results that would take more bytes than are left.
pub(crate) fn check_bytes(bytes: usize) -> Result<(), EvaluationError> {
    if bytes <= bytes_left() { Ok(()) } else { Err(too_many_bytes()) }
}

pub(crate) fn too_many_bytes() -> EvaluationError {
    let max = BYTES_MAX.get();
    bound_passed(format!("the values of a batch would be larger than {max} bytes together (batch.memory)"))
}

/// Bytes of the results that are needed now.
pub(crate) fn live_bytes() -> usize {
    LIVE_BYTES.get()
}

/// Says that of the results made since there were `before` bytes only one of `bytes` is left.
pub(crate) fn settle(before: usize, bytes: usize) -> Result<(), EvaluationError> {
    LIVE_BYTES.set(before);
    check_bytes(bytes)?;
    LIVE_BYTES.set(before + bytes);
    Ok(())
}

/// Says that a whole expression has been evaluated, before which there were `before` bytes.
pub(crate) fn end_of_expression(before: usize) {
    if !KEEPS.get() {
        LIVE_BYTES.set(before);
    }
}

/// While it lives, results of all expressions evaluated on this thread count together.
#[derive(Debug)]
pub struct Together {
    live_bytes: usize,
    keeps: bool,
}

impl Together {
    /// From here on they count together.
    #[must_use]
    #[allow(clippy::new_without_default)] // it does something
    pub fn new() -> Self {
        Self { live_bytes: LIVE_BYTES.get(), keeps: KEEPS.replace(true) }
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        LIVE_BYTES.set(self.live_bytes);
        KEEPS.set(self.keeps);
    }
}

/// Counts what `value` takes when it stands in each of so many rows.
///
/// # Errors
/// It would be more than a batch may take.
pub fn spread(value: &Columnar, rows: usize) -> Result<(), EvaluationError> {
    let Columnar::Scalar(one) = value else { return Ok(()) };
    settle(live_bytes(), size_bytes(one.as_ref()).saturating_mul(rows))
}

/// Bytes of the texts, lists and maps of an array; what has a fixed width counts as nothing, because rows are bounded.
pub fn size_bytes(array: &dyn Array) -> usize {
    let span = |offsets: &[i32]| match offsets {
        [first, .., last] => usize::try_from(last - first).unwrap_or(0),
        _ => 0,
    };
    match array.data_type() {
        Arrow::Utf8 => span(array.as_string::<i32>().value_offsets()),
        Arrow::Binary => span(array.as_binary::<i32>().value_offsets()),
        // What is used of the buffers: builders leave room in them.
        Arrow::List(_) | Arrow::Map(..) | Arrow::Struct(_) => {
            array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_buffer_memory_size())
        }
        _ => 0,
    }
}

/// Refuses values that would be larger than a batch may be when they are put together from places (part, position) of parts.
pub(crate) fn check_places(parts: &[&dyn Array], places: &[(usize, usize)]) -> Result<(), EvaluationError> {
    let length = |part: usize, at: usize| {
        let offsets = match parts.get(part).map(|p| (p, p.data_type())) {
            Some((part, Arrow::Utf8)) => part.as_string::<i32>().value_offsets(),
            Some((part, Arrow::Binary)) => part.as_binary::<i32>().value_offsets(),
            _ => return 0,
        };
        offsets.get(at).zip(offsets.get(at + 1)).map_or(0, |(start, end)| usize::try_from(end - start).unwrap_or(0))
    };
    if !parts.iter().any(|part| matches!(part.data_type(), Arrow::Utf8 | Arrow::Binary)) {
        return Ok(());
    }
    check_bytes(places.iter().map(|&(part, at)| length(part, at)).sum())
}

/// Refuses values that would be larger than a batch may be when `chosen` rows have the one and `others` the other.
pub(crate) fn check_either(one: &Columnar, chosen: usize, other: &Columnar, others: usize) -> Result<(), EvaluationError> {
    let bytes = |value: &Columnar, rows: usize| match value {
        Columnar::Scalar(one) => size_bytes(one.as_ref()).saturating_mul(rows),
        Columnar::Array(array) => size_bytes(array.as_ref()),
    };
    check_bytes(bytes(one, chosen).saturating_add(bytes(other, others)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_when_it_is_cancelled_or_has_used_up_its_steps_or_time() {
        assert!(check().is_ok());
        let meter = Meter::new(Duration::from_secs(3600));
        assert!(meter.run(check).is_ok());
        meter.cancel();
        assert!(meter.run(check).unwrap_err().0.contains("batch.cancelled"));
        assert!(Meter::new(Duration::ZERO).run(check).unwrap_err().0.contains("batch.too_slow"));
        let steps = |count: usize| {
            Meter::of_steps(1_000_000, 10).run(|| {
                let mut steps = Steps::default();
                (0..count).try_for_each(|_| steps.take(1000))
            })
        };
        assert!(steps(900).is_ok());
        assert!(steps(1100).is_err());
    }

    #[test]
    fn a_meter_is_in_force_only_for_its_own_work() {
        let outer = Meter::new(Duration::from_secs(3600));
        outer.run(|| {
            let inner = Meter::of_steps(1, 10);
            assert!(inner.run(check).is_err());
            assert_eq!(inner.run(bytes_left), 10);
            assert!(check().is_ok());
            assert_eq!(bytes_left(), BATCH_BYTES_MAX);
        });
        assert!(Meter::current().is_none());
    }

    #[test]
    fn results_count_until_they_are_gone() {
        settle(0, 100).unwrap();
        assert_eq!(bytes_left(), BATCH_BYTES_MAX - 100);
        end_of_expression(0);
        let together = Together::new();
        settle(live_bytes(), 100).unwrap();
        end_of_expression(0);
        assert_eq!(live_bytes(), 100);
        assert!(settle(live_bytes(), BATCH_BYTES_MAX - 99).is_err());
        drop(together);
        assert_eq!(live_bytes(), 0);
    }
}
