//! The guests of one SQL stage: opened together, watched together.

use super::{aggregate::ProjectAggregate, scalar::ProjectScalar, table::ProjectTable};
use crate::{error::OperatorError, metrics::SubtaskMetrics, operators::OperatorContext};
use futures::future::BoxFuture;
use millrace_functions::{EvaluationError, Expr, Typed};
use millrace_model::{Origin, ids::TenantId};
use millrace_places::{FairPlaces, Place};
use millrace_sandbox::{FaultReport, TenantAccount, Usage};
use millrace_sql::plan::{AggregateCall, Correlation, MatchExpr, MatchOperand};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// Threads of this process that may wait for guests at a time: enough to keep the processors busy, far fewer than the
/// threads that Tokio will make for it. Of one tenant half of them: a guest may wait for what it has asked of others.
static WAITING: LazyLock<FairPlaces> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let all = (cores * 4).clamp(8, 128);
    FairPlaces::new(all, all / 2)
});

/// Where a guest's last report is kept for whoever tells of it: errors of evaluation are only words.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<FaultReport>>>);

impl Failure {
    /// Keeps the report; answers it in words.
    pub(super) fn note(&self, report: FaultReport) -> EvaluationError {
        let error = EvaluationError(report.to_string());
        *self.0.lock() = Some(report);
        error
    }
}

type UsageOf = Box<dyn Fn() -> Usage + Send + Sync>;

/// The guests of a stage.
pub(crate) struct Guests {
    tenant: TenantId,
    account: Arc<TenantAccount>,
    failure: Failure,
    usages: Vec<UsageOf>,
}

impl Guests {
    pub(crate) fn new(context: &OperatorContext) -> Self {
        let account = context.services.accounts.get(&context.tenant);
        Self { tenant: context.tenant.clone(), account, failure: Failure::default(), usages: Vec::new() }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.usages.is_empty()
    }

    pub(super) fn account(&self) -> &Arc<TenantAccount> {
        &self.account
    }

    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    pub(super) fn add_usage(&mut self, usage: UsageOf) {
        self.usages.push(usage);
    }

    /// Waits until the stage may call its guests: for fuel of the tenant, then for a thread to wait on.
    pub(crate) async fn enter(&self) -> Option<Place> {
        if self.is_empty() {
            return None;
        }
        self.account.wait_for_fuel().await;
        Some(WAITING.take(&self.tenant).await)
    }

    /// The error with all that is known of it, when a guest made it.
    pub(crate) fn explain(&self, error: OperatorError, origin: &Origin) -> OperatorError {
        let report = self.failure.0.lock().take();
        match (report, error) {
            (Some(mut report), OperatorError::Evaluation(_) | OperatorError::State(_)) => {
                if report.origin.is_empty() {
                    report.origin = origin.clone();
                }
                OperatorError::Fault(Box::new(report))
            }
            (_, error) => error,
        }
    }

    /// Shows what the guests have used among the subtask's metrics.
    pub(crate) fn report_usage(&self, metrics: &SubtaskMetrics) {
        if self.is_empty() {
            return;
        }
        let mut counters: BTreeMap<String, u64> = BTreeMap::new();
        for usage in self.usages.iter().map(|usage| usage()) {
            for (name, value) in usage.counters {
                *counters.entry(name).or_default() += value;
            }
            *counters.entry("fuel".into()).or_default() += usage.fuel;
            *counters.entry("guestTimeUs".into()).or_default() += usage.time_us;
            *counters.entry("guestMemoryPeakBytes".into()).or_default() += usage.memory_peak_bytes;
        }
        metrics.set_counters(counters);
    }

    /// Opens every function of the project that `expr` calls.
    pub(crate) fn open_expr<'a>(
        &'a mut self,
        expr: &'a mut Expr,
        context: &'a OperatorContext,
    ) -> BoxFuture<'a, Result<(), OperatorError>> {
        Box::pin(async move {
            for child in expr.children_mut() {
                self.open_expr(child, context).await?;
            }
            if let Expr::Call { function, arguments, typed } = expr {
                let planned = function.clone();
                if let Some(planned) = planned.needs_opening().and_then(|f| f.downcast_ref::<ProjectScalar>()) {
                    let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
                    *function = planned.open(&types, typed, context, self).await?;
                }
            }
            Ok(())
        })
    }

    /// Opens every function of the project that these calls are of.
    pub(crate) async fn open_calls(&mut self, calls: &mut [AggregateCall], context: &OperatorContext) -> Result<(), OperatorError> {
        for call in calls {
            let planned = call.function.clone();
            if let Some(planned) = planned.needs_opening().and_then(|f| f.downcast_ref::<ProjectAggregate>()) {
                call.function = planned.open(&call.argument_types, &call.result.data_type, context, self).await?;
            }
        }
        Ok(())
    }

    /// Opens every function of the project that is called over the rows of a match.
    pub(crate) async fn open_match_expr(&mut self, over: &mut MatchExpr, context: &OperatorContext) -> Result<(), OperatorError> {
        self.open_expr(&mut over.expr, context).await?;
        for operand in &mut over.operands {
            if let MatchOperand::Aggregate { arguments, call, .. } = operand {
                for argument in arguments {
                    self.open_expr(argument, context).await?;
                }
                self.open_calls(std::slice::from_mut(call), context).await?;
            }
        }
        Ok(())
    }

    /// Opens every function of the project that `correlation` calls.
    pub(crate) async fn open_correlation(&mut self, correlation: &mut Correlation, context: &OperatorContext) -> Result<(), OperatorError> {
        match correlation {
            Correlation::Unnest { collection, .. } => self.open_expr(collection, context).await,
            Correlation::Function { function, arguments } => {
                for argument in arguments.iter_mut() {
                    self.open_expr(argument, context).await?;
                }
                let planned = function.clone();
                if let Some(planned) = planned.needs_opening().and_then(|f| f.downcast_ref::<ProjectTable>()) {
                    let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
                    *function = planned.open(&types, context, self).await?;
                }
                Ok(())
            }
        }
    }
}
