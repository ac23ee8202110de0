//! What a component is as a SQL function: its world and how it can be called (EXT-4).

use crate::{ControlError, facade::Control};
use bytes::Bytes;
use millrace_domain::function::FUNCTION_WORLDS;
use millrace_model::{
    Classified, FaultClass,
    ids::{NodeId, TenantId},
};
use millrace_sandbox::{FunctionSignature, GuestContext, NoLog, OpenGuest, OperatorLimits};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// What a component is.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedFunction {
    /// World that it implements; may be one that SQL cannot call.
    pub world: String,
    /// Version of the contract.
    pub wit_version: String,
    /// How it can be called; empty if it is no function.
    pub signatures: Value,
}

impl Control {
    /// Admits a component and, if it is a function, asks it for its signatures; the tenant pays for the call.
    ///
    /// # Errors
    /// It is not admitted, or does not answer as a function must.
    pub async fn describe_function(&self, tenant: &TenantId, name: &str, component: Bytes) -> Result<DescribedFunction, ControlError> {
        let found = self.admit_plugin(tenant, component.clone()).await?;
        let mut signatures = Vec::new();
        if FUNCTION_WORLDS.contains(&found.world.as_str()) {
            let sandbox = self.services.sandbox.for_tenant(tenant);
            let loaded = sandbox.load(&found.content_hash, component).await.map_err(|error| match error.class() {
                FaultClass::User => ControlError::invalid("function.refused", error.to_string()),
                FaultClass::External => ControlError::External { system: "plugin compiler".into(), message: error.to_string() },
                FaultClass::Internal => ControlError::Internal(error.to_string()),
            })?;
            let open = OpenGuest {
                tenant: tenant.clone(),
                job: "functions".into(),
                operator: NodeId::new(name),
                function: Some(name.to_owned()),
                parameters: BTreeMap::new(),
                limits: OperatorLimits::of(loaded.world()),
                account: self.services.accounts.get(tenant),
                log: Arc::new(NoLog),
                context: GuestContext::default(),
            };
            let asked = sandbox.signatures(&loaded, open).await;
            let asked = asked.map_err(|report| ControlError::invalid("function.fails", format!("asked for its signatures: {report}")))?;
            signatures = asked.iter().map(signature).collect();
        }
        Ok(DescribedFunction { world: found.world, wit_version: found.wit_version, signatures: Value::Array(signatures) })
    }
}

fn signature(found: &FunctionSignature) -> Value {
    json!({
        "parameters": found.parameters,
        "variadic": found.variadic,
        "result": found.result,
        "deterministic": found.deterministic,
        "retracts": found.retracts,
        "merges": found.merges,
    })
}
