//! What an uploaded file is, found by looking at its content (EXT-5).
//!
//! Invariant: a name never decides. What parses bytes of strangers does so within limits: components in the sandbox's
//! compile process, data packages in a process of their own.

use crate::{ControlError, facade::Control};
use bytes::Bytes;
use millrace_builder::{
    Diagnostic, Jar,
    jar::{JarLimits, check_jar},
};
use millrace_datapackage::{Hints, PackageError};
use millrace_domain::ResourceKind;
use millrace_model::ids::TenantId;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// How a WebAssembly binary begins; the next four bytes tell a component from a core module.
const WASM: &[u8] = b"\0asm";
/// How a ZIP archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// Bytes of a component or JAR that are read: one more than either may have.
const WHOLE_BYTES_MAX: u64 = (64 << 20) + 1;

/// What a file is.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectedResource {
    /// Its kind.
    pub kind: ResourceKind,
    /// What was found in it.
    pub detail: Value,
    /// The first rows of a data package.
    pub preview: Value,
}

impl Control {
    /// Looks into `file`.
    ///
    /// # Errors
    /// It is none of the kinds, or is damaged: the message says what was found and expected.
    pub async fn inspect_resource(&self, tenant: &TenantId, file: File, hints: Hints) -> Result<InspectedResource, ControlError> {
        let begin = read(&file, 8).await?;
        if begin.starts_with(WASM) {
            let component = read(&file, WHOLE_BYTES_MAX).await?;
            let found = self.admit_plugin(tenant, Bytes::from(component)).await.map_err(as_resource)?;
            let detail = json!({"world": found.world, "wit_version": found.wit_version});
            return Ok(InspectedResource { kind: ResourceKind::Component, detail, preview: json!([]) });
        }
        if begin.starts_with(ZIP) {
            return jar(read(&file, WHOLE_BYTES_MAX).await?).await;
        }
        let package = self.packages.inspect(&file, hints).await.map_err(|error| match error {
            PackageError::File(reason) => refused(reason),
            PackageError::Host(message) => ControlError::Internal(message),
        })?;
        let detail = json!({
            "format": package.format,
            "options": package.options,
            "schema": package.schema,
            "row_count": package.row_count,
            "warnings": package.warnings,
        });
        Ok(InspectedResource { kind: ResourceKind::DataPackage, detail, preview: json!(package.rows) })
    }
}

/// The beginning of a file.
async fn read(file: &File, bytes_max: u64) -> Result<Vec<u8>, ControlError> {
    let unreadable = |error: &dyn std::fmt::Display| ControlError::External { system: "upload".into(), message: error.to_string() };
    let mut file = file.try_clone().map_err(|error| unreadable(&error))?;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    });
    read.await.map_err(|error| unreadable(&error))?.map_err(|error| unreadable(&error))
}

/// Checks a JAR as a build will do once more before a compiler sees it.
async fn jar(bytes: Vec<u8>) -> Result<InspectedResource, ControlError> {
    let checked = tokio::task::spawn_blocking(move || check_jar(&Jar { name: "upload".into(), bytes }, &JarLimits::default()));
    let checked = checked.await.map_err(|error| ControlError::Internal(format!("a JAR could not be checked: {error}")))?;
    match checked {
        Ok(checked) => {
            let warnings: Vec<String> = checked.warnings.iter().map(line).collect();
            let detail = json!({"classes": checked.classes, "warnings": warnings});
            Ok(InspectedResource { kind: ResourceKind::Jar, detail, preview: json!([]) })
        }
        Err(errors) => Err(refused(errors.iter().map(line).collect::<Vec<_>>().join("; "))),
    }
}

/// What was found, where, and what to do.
fn line(found: &Diagnostic) -> String {
    // The archive has no name yet.
    let message = found.message.replacen("JAR `upload`", "the JAR archive", 1);
    let place = found.method.as_deref().or(found.file.as_deref()).filter(|place| *place != "upload");
    let text = place.map_or_else(|| message.clone(), |place| format!("`{place}`: {message}"));
    found.help.as_ref().map_or_else(|| text.clone(), |help| format!("{text}; {help}"))
}

fn refused(reason: impl Into<String>) -> ControlError {
    ControlError::invalid("resource.refused", reason)
}

/// A component that is refused here is refused as a resource.
fn as_resource(error: ControlError) -> ControlError {
    match error {
        ControlError::Invalid { message, .. } => refused(message),
        other => other,
    }
}
