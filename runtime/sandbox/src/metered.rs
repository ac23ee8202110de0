//! Time that a guest really ran: summed over polls, so that waiting for neighbours is not charged.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Time spent so far.
#[derive(Debug, Default)]
pub struct Spent(Duration);

impl Spent {
    /// The sum.
    pub fn time(&self) -> Duration {
        self.0
    }
}

/// A future that measures its own polls.
pub struct Metered<'a, F> {
    work: Pin<Box<F>>,
    spent: &'a mut Spent,
}

impl<'a, F: Future> Metered<'a, F> {
    /// Measures `work` into `spent`.
    pub fn new(work: F, spent: &'a mut Spent) -> Self {
        Self { work: Box::pin(work), spent }
    }
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let started = Instant::now();
        let poll = self.work.as_mut().poll(context);
        self.spent.0 += started.elapsed();
        poll
    }
}
