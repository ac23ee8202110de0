//! Jobs of mode `jar` (JOB-1): checked and pinned here, because no embedded engine knows them.
//!
//! Invariant: what is accepted names a JAR of the project by its content, so that a version runs the same for ever on the
//! cluster that will run it.

use crate::engine::Examined;
use millrace_domain::{ProjectScope, ResourceKind};
use millrace_model::{
    Classified, FaultClass,
    graph::{GraphError, JarProgram, JobGraph, check_jar},
};
use millrace_store::{Store, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Checks the program of `graph` and fixes its JAR by content.
///
/// # Errors
/// The metadata store fails; what is wrong with the program is an answer.
pub(crate) async fn examine(
    store: &Store,
    scope: &ProjectScope,
    graph: &JobGraph,
    jar: &JarProgram,
) -> Result<Result<Examined, Vec<GraphError>>, StoreError> {
    let mut errors = check_jar(graph);
    let pin = match pinned(store, scope, jar).await {
        Ok(Ok(pin)) => pin,
        Ok(Err(error)) => {
            errors.push(*error);
            Value::Null
        }
        Err(error) => return Err(error),
    };
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let message = "this server has no cluster engine yet: the version can be kept and compared, but not started";
    let warnings = vec![GraphError::in_document("jar.engine", "jar.no_engine", message)];
    Ok(Ok(Examined { schemas: BTreeMap::new(), pins: json!({"jar": pin}), graph: graph.clone(), queries: Vec::new(), warnings }))
}

async fn pinned(store: &Store, scope: &ProjectScope, jar: &JarProgram) -> Result<Result<Value, Box<GraphError>>, StoreError> {
    let wrong =
        |field: &str, code: &str, message: String| Ok(Err(Box::new(GraphError::in_document(format!("jar.{field}"), code, message))));
    let found = match store.resource(scope, &jar.resource).await {
        Ok(found) => found,
        Err(error) if error.class() == FaultClass::User => {
            return wrong(
                "resource",
                "jar.unknown_resource",
                format!("`{}` is not a resource of the project; upload the JAR", jar.resource),
            );
        }
        Err(error) => return Err(error),
    };
    if found.kind != ResourceKind::Jar {
        return wrong("resource", "jar.wrong_kind", format!("`{}` is a {}, expected a JAR", jar.resource, found.kind));
    }
    let version = match &jar.version {
        None => found.latest,
        Some(wanted) => {
            let newest = found.latest.number;
            let versions = store.resource_versions(scope, &found.id).await?;
            match versions.into_iter().find(|version| version.number.to_string() == *wanted) {
                Some(version) => version,
                None => {
                    return wrong("version", "jar.unknown_version", format!("`{wanted}` is not a version of it; the newest is {newest}"));
                }
            }
        }
    };
    Ok(Ok(json!({"resource": found.name, "version": version.number.to_string(), "content_hash": version.content_hash})))
}
