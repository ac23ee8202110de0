//! Data packages as dimension tables: which resource a name means, and its rows.
//!
//! Invariant: a package is read in a process of its own, like every file of a tenant.

use async_trait::async_trait;
use millrace_datapackage::{Hints, Inspector, PackageError, limits::LINES_MAX};
use millrace_domain::ProjectScope;
use millrace_engine::{PackageBinding, PackageLines, PackageRows};
use millrace_model::Schema;
use millrace_store::{ResourceVersion, Store};
use std::{
    io::{Seek, SeekFrom, Write},
    sync::Arc,
};

/// Bytes of a package that is loaded.
const BYTES_MAX: i64 = 64 << 20;

/// A version of a package as the engine takes it.
///
/// # Errors
/// What is known of the version does not say its columns.
pub(crate) fn binding(
    (store, scope, packages): (&Store, &ProjectScope, &Inspector),
    name: &str,
    version: &ResourceVersion,
) -> Result<PackageBinding, String> {
    let schema = version.detail.get("schema").cloned().unwrap_or_default();
    let schema: Schema = serde_json::from_value(schema).map_err(|e| format!("the columns of data package `{name}` cannot be read: {e}"))?;
    if version.size_bytes > BYTES_MAX {
        return Err(format!("data package `{name}` has {} bytes; a dimension table takes at most {BYTES_MAX}", version.size_bytes));
    }
    let hints = Hints {
        is_csv: version.detail.get("format").and_then(|f| f.as_str()) == Some("csv"),
        has_header: version.detail.pointer("/options/header").and_then(serde_json::Value::as_bool),
        ..Hints::default()
    };
    let content = Content {
        store: store.clone(),
        scope: scope.clone(),
        packages: packages.clone(),
        name: format!("data package `{name}` version {}", version.number),
        content_hash: version.content_hash.clone(),
        hints,
    };
    Ok(PackageBinding {
        name: name.to_owned(),
        version: version.number.to_string(),
        content_hash: version.content_hash.clone(),
        schema,
        rows: Arc::new(content),
    })
}

/// The content of one version.
struct Content {
    store: Store,
    scope: ProjectScope,
    packages: Inspector,
    name: String,
    content_hash: String,
    hints: Hints,
}

#[async_trait]
impl PackageRows for Content {
    async fn read(&self, rows_max: u64) -> Result<PackageLines, String> {
        let spoiled = |error: std::io::Error| format!("{} cannot be copied: {error}", self.name);
        let mut file = tempfile::tempfile().map_err(spoiled)?;
        let mut position = 0;
        loop {
            let piece = self.store.content_piece(&self.scope.tenant, &self.content_hash, position).await;
            let Some(piece) = piece.map_err(|e| format!("{} cannot be read: {e}", self.name))? else { break };
            file.write_all(&piece).map_err(spoiled)?;
            position += 1;
        }
        if position == 0 {
            return Err(format!("the content of {} is gone", self.name));
        }
        file.seek(SeekFrom::Start(0)).map_err(spoiled)?;
        let wanted = u32::try_from(rows_max).unwrap_or(u32::MAX).min(u32::try_from(LINES_MAX).unwrap_or(u32::MAX));
        let hints = Hints { lines_max: Some(wanted), ..self.hints };
        let found = self.packages.inspect(&file, hints).await.map_err(|error| match error {
            PackageError::File(reason) | PackageError::Host(reason) => format!("{}: {reason}", self.name),
        })?;
        if found.has_more_lines {
            return Err(format!("{} has more than the {} rows that can be loaded", self.name, found.lines.len()));
        }
        let iso_timestamps = found.options.get("timestamp_format").and_then(|form| form.as_str()) == Some("ISO-8601");
        Ok(PackageLines { lines: found.lines, iso_timestamps })
    }
}
