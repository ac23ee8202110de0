//! Aggregate functions of the project.

use super::{accumulator::GuestGroups, opened::Guests, project_function::ProjectFunction};
use crate::{error::OperatorError, operators::OperatorContext};
use millrace_functions::{
    Argument, Resolution, ResolveError, Typed,
    aggregate::{Accumulator, AggregateFunction},
};
use millrace_model::DataType;
use std::{any::Any, sync::Arc};

/// As a query is planned with it.
#[derive(Debug)]
pub(super) struct ProjectAggregate(pub(super) Arc<ProjectFunction>);

impl AggregateFunction for ProjectAggregate {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let (signature, wanted) = self.0.resolve(arguments)?;
        let result = signature.result.fields().first().ok_or_else(|| ResolveError(format!("`{}` has no result", self.name())))?;
        Ok(Resolution { arguments: wanted, result: Typed::new(result.data_type.clone(), result.nullable) })
    }

    fn check(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<(), ResolveError> {
        let (_, signature) = self.0.call(arguments, Some(result))?;
        if can_retract && !signature.retracts {
            let message = "the function cannot take rows back; give it a `retract`, or aggregate before the rows change";
            return Err(ResolveError(message.to_owned()));
        }
        Ok(())
    }

    fn can_merge(&self, arguments: &[DataType], result: &DataType) -> bool {
        self.0.call(arguments, Some(result)).is_ok_and(|(_, signature)| signature.merges)
    }

    fn needs_opening(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn accumulator(&self, _arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        Err(ResolveError(format!("`{}` is a function of the project and has not been opened", self.name())))
    }
}

impl ProjectAggregate {
    /// The function for one call in one subtask; all its accumulators share one instance.
    pub(super) async fn open(
        &self,
        arguments: &[DataType],
        result: &DataType,
        context: &OperatorContext,
        guests: &mut Guests,
    ) -> Result<Arc<dyn AggregateFunction>, OperatorError> {
        let (call, signature) = self.0.call(arguments, Some(result)).map_err(|e| OperatorError::Evaluation(e.to_string()))?;
        let not_null = (0..arguments.len()).map(|i| super::signature::parameter(signature, i).is_some_and(|p| !p.nullable)).collect();
        let open = self.0.open(context, guests);
        let guest = context.services.sandbox.open_aggregate(self.0.component(), open, call).await;
        let guest = guest.map_err(|e| OperatorError::Fault(Box::new(e)))?;
        let groups = GuestGroups::new(self.0.name(), guest, not_null, result.to_arrow(), guests.failure());
        let seen = groups.clone();
        guests.add_usage(Box::new(move || seen.usage()));
        Ok(Arc::new(OpenAggregate { planned: ProjectAggregate(self.0.clone()), groups }))
    }
}

/// As a subtask calls it.
struct OpenAggregate {
    planned: ProjectAggregate,
    groups: GuestGroups,
}

impl std::fmt::Debug for OpenAggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.planned.fmt(f)
    }
}

impl AggregateFunction for OpenAggregate {
    fn name(&self) -> &str {
        self.planned.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        self.planned.resolve(arguments)
    }

    fn check(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<(), ResolveError> {
        self.planned.check(arguments, result, can_retract)
    }

    fn can_merge(&self, arguments: &[DataType], result: &DataType) -> bool {
        self.planned.can_merge(arguments, result)
    }

    fn accumulator(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        self.check(arguments, result, can_retract)?;
        Ok(Box::new(self.groups.accumulator()))
    }
}
