//! Scalar functions of the project.

use super::{opened::Guests, project_function::ProjectFunction, wait::wait};
use crate::{error::OperatorError, operators::OperatorContext};
use arrow_array::{Array, ArrayRef, new_empty_array};
use millrace_functions::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{Call, ScalarFunction},
};
use millrace_model::Field;
use millrace_sandbox::ScalarGuest;
use parking_lot::Mutex;
use std::{any::Any, sync::Arc};

/// As a query is planned with it.
#[derive(Debug)]
pub(super) struct ProjectScalar(pub(super) Arc<ProjectFunction>);

impl ScalarFunction for ProjectScalar {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let (signature, wanted) = self.0.resolve(arguments)?;
        let result = signature.result.fields().first().ok_or_else(|| ResolveError(format!("`{}` has no result", self.name())))?;
        Ok(Resolution { arguments: wanted, result: Typed::new(result.data_type.clone(), result.nullable) })
    }

    fn evaluate(&self, _call: &Call<'_>) -> Result<Columnar, EvaluationError> {
        Err(EvaluationError(format!("`{}` is a function of the project and has not been opened", self.name())))
    }

    /// Only if every signature says so: which one a call has is not known here.
    fn is_deterministic(&self) -> bool {
        self.0.signatures.iter().all(|s| s.deterministic)
    }

    fn supports_constant_folding(&self) -> bool {
        false
    }

    fn needs_opening(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl ProjectScalar {
    /// The function for one call in one subtask.
    pub(super) async fn open(
        &self,
        arguments: &[Typed],
        result: &Typed,
        context: &OperatorContext,
        guests: &mut Guests,
    ) -> Result<Arc<dyn ScalarFunction>, OperatorError> {
        let types: Vec<_> = arguments.iter().map(|a| a.data_type.clone()).collect();
        let (call, signature) = self.0.call(&types, Some(&result.data_type)).map_err(|e| OperatorError::Evaluation(e.to_string()))?;
        let not_null = (0..types.len()).map(|i| super::signature::parameter(signature, i).is_some_and(|p: &Field| !p.nullable)).collect();
        let open = self.0.open(context, guests);
        let guest = context.services.sandbox.open_scalar(self.0.component(), open, call).await;
        let guest = Arc::new(Mutex::new(guest.map_err(|e| OperatorError::Fault(Box::new(e)))?));
        let seen = guest.clone();
        guests.add_usage(Box::new(move || seen.lock().usage()));
        Ok(Arc::new(OpenScalar { function: self.0.clone(), not_null, guest, failure: guests.failure() }))
    }
}

/// As a subtask calls it.
struct OpenScalar {
    function: Arc<ProjectFunction>,
    /// Per argument whether the function takes no NULL there.
    not_null: Vec<bool>,
    guest: Arc<Mutex<ScalarGuest>>,
    failure: super::opened::Failure,
}

impl std::fmt::Debug for OpenScalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.function.fmt(f)
    }
}

impl ScalarFunction for OpenScalar {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        ProjectScalar(self.function.clone()).resolve(arguments)
    }

    fn evaluate(&self, call: &Call<'_>) -> Result<Columnar, EvaluationError> {
        if call.rows == 0 {
            return Ok(Columnar::Array(new_empty_array(&call.result.data_type.to_arrow())));
        }
        let arguments = call.arguments.iter().map(|a| a.to_array(call.rows)).collect::<Result<Vec<ArrayRef>, _>>()?;
        refuse_nulls(self.name(), &arguments, &self.not_null)?;
        let mut guest = self.guest.lock();
        let answer = wait(guest.eval(&arguments, call.rows))?;
        answer.map(Columnar::Array).map_err(|report| self.failure.note(report))
    }

    fn supports_constant_folding(&self) -> bool {
        false
    }
}

/// Planning keeps NULL from parameters that are NOT NULL; this holds it to that.
pub(super) fn refuse_nulls(name: &str, arguments: &[ArrayRef], not_null: &[bool]) -> Result<(), EvaluationError> {
    let wrong = arguments.iter().zip(not_null).position(|(array, not_null)| *not_null && array.null_count() > 0);
    match wrong {
        Some(index) => Err(EvaluationError(format!("argument {} of `{name}` is NULL, but the function takes none there", index + 1))),
        None => Ok(()),
    }
}
