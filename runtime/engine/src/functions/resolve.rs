//! Which functions of the project a text calls.

use super::project_function::ProjectFunction;
use crate::{
    catalog::{Catalog, CatalogError, FunctionBinding},
    services::EngineServices,
};
use millrace_functions::{FunctionRegistry, registry::Function};
use millrace_model::ids::TenantId;
use millrace_sql::{
    Session, SqlError,
    ast::{Span, StatementKind},
    parser,
};
use std::collections::BTreeMap;

/// Names of a text that are looked up in the project at most.
const NAMES_MAX: usize = 200;

/// The functions that a text may call.
pub(crate) struct ResolvedFunctions {
    /// Built-in ones, and those of the project that are called by their own names.
    registry: FunctionRegistry,
    /// Those that a `CREATE FUNCTION … AS` names.
    implementations: BTreeMap<String, Function>,
    /// What a version keeps of those of the project.
    pins: Vec<serde_json::Value>,
}

impl ResolvedFunctions {
    /// A session that knows them.
    pub(crate) fn session(&self) -> Session {
        let mut session = Session::new(self.registry.clone());
        for (name, function) in &self.implementations {
            session.add_implementation(name, function.clone());
        }
        session
    }

    pub(crate) fn pins(&self) -> &[serde_json::Value] {
        &self.pins
    }

    /// No functions but these.
    #[cfg(test)]
    pub(crate) fn only(registry: FunctionRegistry) -> Self {
        Self { registry, implementations: BTreeMap::new(), pins: Vec::new() }
    }

    fn pin(&mut self, name: &str, binding: &FunctionBinding) {
        let plugin = &binding.plugin;
        self.pins.push(serde_json::json!({
            "function": name, "plugin": plugin.name, "version": plugin.version, "content_hash": plugin.content_hash,
        }));
    }
}

/// Looks up what `text` calls and what its `CREATE FUNCTION`s name. Built-in functions come first, as in Flink; what is not
/// there is left to whoever reads the text, who knows better what was meant.
///
/// # Errors
/// A function that may not be used, or that is none, with its place in `text`.
pub(crate) async fn resolve(
    text: &str,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
) -> Result<ResolvedFunctions, SqlError> {
    let mut found = ResolvedFunctions { registry: services.functions.clone(), implementations: BTreeMap::new(), pins: Vec::new() };
    // A text that cannot be read is told by who reads it.
    let Ok(statements) = parser::parse_script(text) else { return Ok(found) };
    let mut declared = Vec::new();
    for statement in &statements {
        let StatementKind::CreateFunction(create) = &statement.kind else { continue };
        declared.extend(create.name.parts.last().map(|p| p.value.to_uppercase()));
        let (name, span) = (&create.identifier, create.identifier_span);
        if found.implementations.contains_key(name) {
            continue;
        }
        let Some(binding) = binding(name, span, catalog).await? else { continue };
        // Reports speak of the function as the text does.
        let called = create.name.parts.last().map_or(name.as_str(), |p| p.value.as_str());
        let Some(function) = load(called, &binding, span, tenant, services).await? else {
            let message = format!("plugin `{}` is not a SQL function", binding.plugin.name);
            let error = SqlError::new("sql.not_a_function", message, span);
            return Err(error.with_hint("its component must be of the world scalar-function, table-function or aggregate-function"));
        };
        found.pin(name, &binding);
        found.implementations.insert(name.clone(), function);
    }
    let called = parser::called_names(text).into_iter();
    let unknown = called.filter(|(name, _)| found.registry.get(name).is_none() && !declared.contains(&name.to_uppercase()));
    for (name, span) in unknown.take(NAMES_MAX).collect::<Vec<_>>() {
        let Some(binding) = binding(&name, span, catalog).await? else { continue };
        if let Some(function) = load(&name, &binding, span, tenant, services).await? {
            found.pin(&name, &binding);
            found.registry = found.registry.with(&name, function);
        }
    }
    Ok(found)
}

async fn binding(name: &str, span: Span, catalog: &dyn Catalog) -> Result<Option<FunctionBinding>, SqlError> {
    match catalog.function(name).await {
        Ok(binding) => Ok(Some(binding)),
        Err(CatalogError::NotFound { .. }) => Ok(None),
        Err(error @ CatalogError::Forbidden(_)) => Err(SqlError::new("sql.forbidden", error.to_string(), span)),
        Err(error @ CatalogError::External(_)) => Err(SqlError::new("sql.unreadable", error.to_string(), span)),
    }
}

async fn load(
    name: &str,
    binding: &FunctionBinding,
    span: Span,
    tenant: &TenantId,
    services: &EngineServices,
) -> Result<Option<Function>, SqlError> {
    let loaded = ProjectFunction::load(name, binding.plugin.clone(), tenant, services).await;
    loaded.map_err(|message| SqlError::new("sql.function_fails", format!("function `{name}`: {message}"), span))
}
