//! What the worlds of SQL functions share: their signatures, and the call that an instance is opened for.

use crate::bindings::{Signature, aggregate, scalar, table};
use crate::convert::{Invalid, fields_from_guest, schema_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::instance::{Exports, Instance, Live, OpenGuest};
use crate::limits::OperatorLimits;
use crate::loaded::{LoadedComponent, World};
use crate::sandbox::Sandbox;
use millrace_model::{Field, Schema};
use std::sync::Arc;

/// Most signatures of one function.
const SIGNATURES_MAX: usize = 64;

/// One way to call a SQL function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSignature {
    /// One per parameter; names are for people and need not be unique. A nullable parameter takes NULL.
    pub parameters: Vec<Field>,
    /// The last parameter may be given any number of times, also not at all.
    pub variadic: bool,
    /// Scalar and aggregate functions: one field. Table functions: the columns of the answer.
    pub result: Schema,
    /// Equal arguments always give equal results.
    pub deterministic: bool,
    /// Aggregate functions: rows can be taken back.
    pub retracts: bool,
    /// Aggregate functions: accumulators can be merged.
    pub merges: bool,
}

/// Which signature all calls of an instance have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCall {
    /// Position among the function's signatures.
    pub signature: u32,
    /// Columns that each call has: the parameters, the variadic one as often as it is given.
    pub arguments: u32,
}

/// Asks a function for its signatures, on an instance of its own that ends with the answer.
pub(crate) async fn read(
    sandbox: Sandbox,
    component: &Arc<LoadedComponent>,
    open: OpenGuest,
) -> Result<Arc<[FunctionSignature]>, FaultReport> {
    match component.world() {
        World::Scalar => {
            let instance = Instance::<scalar::Guest>::new(sandbox, component.clone(), open);
            let ask = async |live: &mut Live<scalar::Guest>| live.exports.call_signatures(&mut live.store).await;
            let plain = |signature| (signature, false, false);
            asked(instance, ask, plain, false).await
        }
        World::Table => {
            let instance = Instance::<table::Guest>::new(sandbox, component.clone(), open);
            let ask = async |live: &mut Live<table::Guest>| live.exports.call_signatures(&mut live.store).await;
            asked(instance, ask, |signature| (signature, false, false), true).await
        }
        World::Aggregate => {
            let instance = Instance::<aggregate::Guest>::new(sandbox, component.clone(), open);
            let ask = async |live: &mut Live<aggregate::Guest>| live.exports.call_signatures(&mut live.store).await;
            let parts = |found: aggregate::AggregateSignature| (found.signature, found.retracts, found.merges);
            asked(instance, ask, parts, false).await
        }
        other => {
            let mut instance = Instance::<scalar::Guest>::new(sandbox, component.clone(), open);
            let cause =
                Cause::new(FaultKind::UnsupportedInput, format!("the component is of the world `{}`, not a SQL function", other.name()));
            Err(instance.report(Stage::Signatures, Arc::from([]), cause))
        }
    }
}

async fn asked<E: Exports, S>(
    mut instance: Instance<E>,
    ask: impl AsyncFnOnce(&mut Live<E>) -> wasmtime::Result<Result<Vec<S>, crate::bindings::Fault>>,
    parts: impl Fn(S) -> (Signature, bool, bool),
    is_table: bool,
) -> Result<Arc<[FunctionSignature]>, FaultReport> {
    instance.wait_for_fuel().await;
    if let Err(cause) = instance.start().await {
        return Err(instance.report(Stage::Instantiate, Arc::from([]), cause));
    }
    let fuel = instance.limits().open_fuel;
    let answer = instance.call(fuel, ask).await.map_err(|cause| cause.at_row(None));
    let checked = answer.and_then(|found| checked(found.into_iter().map(parts), is_table, instance.limits()).map_err(Cause::from));
    checked.map_err(|cause| {
        instance.end();
        instance.report(Stage::Signatures, Arc::from([]), cause)
    })
}

fn checked(
    found: impl ExactSizeIterator<Item = (Signature, bool, bool)>,
    is_table: bool,
    limits: &OperatorLimits,
) -> Result<Arc<[FunctionSignature]>, Invalid> {
    let count = found.len();
    if count == 0 || count > SIGNATURES_MAX {
        return Err(Invalid::new(format!("{count} signatures, expected 1 to {SIGNATURES_MAX}")));
    }
    let mut fields_left = limits.columns_max;
    let mut all = Vec::with_capacity(count);
    for (index, (signature, retracts, merges)) in found.enumerate() {
        let fields = signature.parameters.fields.len().saturating_add(signature.result.fields.len());
        fields_left = fields_left.checked_sub(fields).ok_or_else(|| {
            Invalid::new(format!(
                "the signatures have more than {} parameters and result columns (nested ones counted)",
                limits.columns_max
            ))
        })?;
        let checked = one(signature, retracts, merges, is_table, limits);
        all.push(checked.map_err(|e| Invalid::new(format!("signature {}: {}", index + 1, e.message)))?);
    }
    Ok(all.into())
}

fn one(signature: Signature, retracts: bool, merges: bool, is_table: bool, limits: &OperatorLimits) -> Result<FunctionSignature, Invalid> {
    let parameters = fields_from_guest(signature.parameters.fields, "the parameter list", limits)?;
    if signature.variadic && parameters.is_empty() {
        return Err(Invalid::new("it is variadic but has no parameter"));
    }
    let result = schema_from_guest(signature.result, limits)?;
    let columns = result.fields().len();
    if !is_table && columns != 1 {
        return Err(Invalid::new(format!("the result has {columns} fields, expected one")));
    }
    Ok(FunctionSignature { parameters, variadic: signature.variadic, result, deterministic: signature.deterministic, retracts, merges })
}

/// The signature that a call names.
pub(super) fn chosen(signatures: &[FunctionSignature], call: FunctionCall) -> Result<&FunctionSignature, Cause> {
    let found = signatures.get(call.signature as usize);
    found.ok_or_else(|| Cause::new(FaultKind::Internal, format!("there is no signature {}, only {}", call.signature, signatures.len())))
}
