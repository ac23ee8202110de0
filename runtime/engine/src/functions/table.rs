//! Table functions of the project.

use super::{opened::Guests, project_function::ProjectFunction, scalar::refuse_nulls, wait::wait};
use crate::{error::OperatorError, operators::OperatorContext};
use arrow_array::{ArrayRef, new_empty_array};
use millrace_functions::{
    Argument, Columnar, EvaluationContext, EvaluationError, ResolveError, Typed,
    table::{TableFunction, TableRows},
};
use millrace_model::{DataType, Schema};
use millrace_sandbox::{GuestRows, TableGuest};
use parking_lot::Mutex;
use std::{any::Any, sync::Arc};

/// As a query is planned with it.
#[derive(Debug)]
pub(super) struct ProjectTable(pub(super) Arc<ProjectFunction>);

impl TableFunction for ProjectTable {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError> {
        let (signature, wanted) = self.0.resolve(arguments)?;
        Ok((wanted, signature.result.clone()))
    }

    fn evaluate(&self, _arguments: &[Columnar], _rows: usize, _context: &EvaluationContext) -> Result<TableRows, EvaluationError> {
        Err(EvaluationError(format!("`{}` is a function of the project and has not been opened", self.name())))
    }

    fn needs_opening(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl ProjectTable {
    /// The function for one call in one subtask.
    pub(super) async fn open(
        &self,
        arguments: &[Typed],
        context: &OperatorContext,
        guests: &mut Guests,
    ) -> Result<Arc<dyn TableFunction>, OperatorError> {
        let types: Vec<_> = arguments.iter().map(|a| a.data_type.clone()).collect();
        let (call, signature) = self.0.call(&types, None).map_err(|e| OperatorError::Evaluation(e.to_string()))?;
        let not_null = (0..types.len()).map(|i| super::signature::parameter(signature, i).is_some_and(|p| !p.nullable)).collect();
        let result = signature.result.clone();
        let open = self.0.open(context, guests);
        let guest = context.services.sandbox.open_table(self.0.component(), open, call).await;
        let guest = Arc::new(Mutex::new(guest.map_err(|e| OperatorError::Fault(Box::new(e)))?));
        let seen = guest.clone();
        guests.add_usage(Box::new(move || seen.lock().usage()));
        Ok(Arc::new(OpenTable { function: self.0.clone(), not_null, result, guest, failure: guests.failure() }))
    }
}

/// As a subtask calls it.
struct OpenTable {
    function: Arc<ProjectFunction>,
    /// Per argument whether the function takes no NULL there.
    not_null: Vec<bool>,
    result: Schema,
    guest: Arc<Mutex<TableGuest>>,
    failure: super::opened::Failure,
}

impl std::fmt::Debug for OpenTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.function.fmt(f)
    }
}

impl TableFunction for OpenTable {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError> {
        ProjectTable(self.function.clone()).resolve(arguments)
    }

    fn evaluate(&self, arguments: &[Columnar], rows: usize, _context: &EvaluationContext) -> Result<TableRows, EvaluationError> {
        if rows == 0 {
            let columns = self.result.fields().iter().map(|f| new_empty_array(&f.data_type.to_arrow())).collect();
            return Ok(TableRows { input_rows: Vec::new(), columns });
        }
        let arguments = arguments.iter().map(|a| a.to_array(rows)).collect::<Result<Vec<ArrayRef>, _>>()?;
        refuse_nulls(self.name(), &arguments, &self.not_null)?;
        let mut guest = self.guest.lock();
        let answer = wait(guest.eval(&arguments, rows))?;
        let GuestRows { input_rows, columns } = answer.map_err(|report| self.failure.note(report))?;
        Ok(TableRows { input_rows, columns })
    }
}
