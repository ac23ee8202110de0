//! A function of the project: its component, its signatures, and how instances of it are opened.

use super::{opened::Guests, signature};
use crate::{
    catalog::PluginBinding,
    operators::{OperatorContext, etl::LogToTracing},
    services::EngineServices,
};
use millrace_functions::{Argument, ResolveError, Typed, registry::Function};
use millrace_model::{
    DataType,
    ids::{NodeId, TenantId},
};
use millrace_sandbox::{FunctionCall, FunctionSignature, GuestContext, LoadedComponent, NoLog, OpenGuest, OperatorLimits, World};
use std::{fmt, sync::Arc};

/// A function of the project.
pub(crate) struct ProjectFunction {
    /// What SQL calls it, in upper case.
    name: String,
    plugin: PluginBinding,
    component: Arc<LoadedComponent>,
    pub(super) signatures: Arc<[FunctionSignature]>,
}

/// State belongs to the plugin, not to a version of it: a later version reads it back.
impl fmt::Debug for ProjectFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of plugin {}", self.name, self.plugin.name)
    }
}

impl ProjectFunction {
    /// Loads the component and asks it for its signatures; `None` when it is no function.
    ///
    /// # Errors
    /// What is wrong with the component, in words.
    pub(super) async fn load(
        name: &str,
        plugin: PluginBinding,
        tenant: &TenantId,
        services: &EngineServices,
    ) -> Result<Option<Function>, String> {
        let component = services.sandbox.load(&plugin.content_hash, plugin.component.clone()).await;
        let component = component.map_err(|e| format!("plugin `{}`: {e}", plugin.name))?;
        let world = component.world();
        if !matches!(world, World::Scalar | World::Table | World::Aggregate) {
            return Ok(None);
        }
        let open = OpenGuest {
            tenant: tenant.clone(),
            job: "validate".to_owned(),
            operator: NodeId::new("sql"),
            function: Some(name.to_owned()),
            parameters: Default::default(),
            limits: OperatorLimits::of(world),
            account: services.accounts.get(tenant),
            log: Arc::new(NoLog),
            context: GuestContext::default(),
        };
        let signatures = services.sandbox.signatures(&component, open).await.map_err(|e| e.to_string())?;
        let function = Arc::new(Self { name: name.to_uppercase(), plugin, component, signatures });
        Ok(match world {
            World::Table => Some(Function::Table(Arc::new(super::table::ProjectTable(function)))),
            World::Aggregate => Some(Function::Aggregate(Arc::new(super::aggregate::ProjectAggregate(function)))),
            _ => Some(Function::Scalar(Arc::new(super::scalar::ProjectScalar(function)))),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn component(&self) -> &Arc<LoadedComponent> {
        &self.component
    }

    /// The signature that these arguments choose, and the types that they are cast to.
    pub(super) fn resolve(&self, arguments: &[Argument<'_>]) -> Result<(&FunctionSignature, Vec<DataType>), ResolveError> {
        let types: Vec<&Typed> = arguments.iter().map(|a| a.typed).collect();
        let index = signature::choose(&self.name, &self.signatures, &types)?;
        let chosen = self.signatures.get(index).ok_or_else(|| ResolveError(format!("`{}` has no signature {index}", self.name)))?;
        let wanted = (0..types.len()).filter_map(|i| signature::parameter(chosen, i)).map(|p| p.data_type.clone());
        Ok((chosen, wanted.collect()))
    }

    /// The call that arguments of these types, cast already, make.
    pub(super) fn call(
        &self,
        arguments: &[DataType],
        result: Option<&DataType>,
    ) -> Result<(FunctionCall, &FunctionSignature), ResolveError> {
        let found = self.signatures.iter().enumerate().filter(|(_, s)| signature::is_of_types(s, arguments, result));
        // Of two that differ in NOT NULL alone, the one that takes more.
        let nullable = |s: &FunctionSignature| s.parameters.iter().filter(|p| p.nullable).count();
        let found = found.max_by_key(|(index, s)| (nullable(s), std::cmp::Reverse(*index)));
        let (index, chosen) = found.ok_or_else(|| signature::no_match(&self.name, &self.signatures, arguments))?;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok((FunctionCall { signature: count(index), arguments: count(arguments.len()) }, chosen))
    }

    /// What an instance in this subtask is opened with.
    pub(super) fn open(&self, context: &OperatorContext, guests: &Guests) -> OpenGuest {
        OpenGuest {
            tenant: context.tenant.clone(),
            job: context.job.clone(),
            operator: context.operator.clone(),
            function: Some(self.name.clone()),
            parameters: Default::default(),
            limits: OperatorLimits::of(self.component.world()),
            account: guests.account().clone(),
            log: Arc::new(LogToTracing { instance: context.instance.to_string(), operator: context.operator.clone() }),
            context: GuestContext {
                subtask: u32::try_from(context.subtask).unwrap_or(u32::MAX),
                capabilities: context.services.sandbox.capabilities(&self.plugin.name, &self.plugin.grants),
                dimensions: context.dimensions.clone(),
                ..GuestContext::default()
            },
        }
    }
}
