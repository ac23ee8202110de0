//! Whether a thing is as its file says, and what to send if it is not.
//!
//! Invariant: pure; secrets come only from variables, and what a server shows of one never counts as a difference.

use super::{FIXED, Kind, Nature};
use crate::manifest::Variables;
use anyhow::bail;
use millrace_domain::quality::QualityRule;
use millrace_model::graph::JobGraph;
use serde_json::{Value, json};

/// What the API shows of a secret; sent back, it keeps the secret.
pub(super) const SECRET: &str = "***";

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// It is not there.
    Made,
    /// It differs.
    Changed,
    /// Nothing.
    Same,
    /// Its content has to be uploaded.
    Missing,
}

/// The variable that a secret property stands for in files: `BROKER_SASL_PASSWORD`.
pub(super) fn secret_variable(source: &str, property: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{source}_{property}").chars().map(plain).collect()
}

/// Compares a thing with its file; the text says what differs or is missing.
pub(super) fn compare(kind: &Kind, wanted: &Value, found: Option<&Value>, variables: &Variables) -> anyhow::Result<(Compared, String)> {
    let Some(found) = found else {
        if kind.nature == Nature::Uploaded {
            let note = format!("is not there; upload it with `millrace {}`", kind.folder.trim_end_matches('s'));
            return Ok((Compared::Missing, note));
        }
        return Ok((Compared::Made, String::new()));
    };
    if kind.nature == Nature::Uploaded && wanted.get("content_hash") != found.get("content_hash") {
        return Ok((Compared::Missing, "has another content there; upload the version that the file names".into()));
    }
    for fixed in FIXED.iter().filter(|field| kind.fields.contains(field)) {
        // Files of an earlier version name no database.
        if wanted.get(fixed).is_some_and(|wanted| Some(wanted) != found.get(fixed)) {
            bail!("is of {fixed} {} there and {} in its file; a {fixed} cannot be changed", found[fixed], wanted[fixed]);
        }
    }
    let wanted = filled(kind, wanted, true, variables)?;
    let differs = |field: &&&str| match **field {
        "draft" => meaning(&wanted["draft"]) != meaning(&found["draft"]),
        "document" => rule(&wanted["document"]) != rule(&found["document"]),
        "properties" => shown(&wanted["properties"]) != shown(&found["properties"]),
        field => wanted.get(field).is_some_and(|wanted| Some(wanted) != found.get(field)),
    };
    let fields: Vec<&str> = kind.fields.iter().filter(differs).copied().collect();
    if fields.is_empty() || kind.nature == Nature::Uploaded {
        return Ok((Compared::Same, String::new()));
    }
    Ok((Compared::Changed, fields.join(", ")))
}

/// A definition ready to be sent: placeholders are their values. A secret without a value stays what it is on the server.
pub(super) fn filled(kind: &Kind, wanted: &Value, exists: bool, variables: &Variables) -> anyhow::Result<Value> {
    let mut wanted = wanted.clone();
    if !kind.fields.contains(&"properties") {
        return Ok(wanted);
    }
    for (property, value) in wanted["properties"].as_object_mut().into_iter().flatten() {
        let Some(variable) = value.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}')).map(str::to_owned) else {
            continue;
        };
        *value = match variables.get(&variable) {
            Some(set) => json!(set),
            None if exists => json!(SECRET),
            None => {
                bail!("`properties.{property}` needs the variable {variable}; set it in the environment or with --set {variable}=VALUE")
            }
        };
    }
    Ok(wanted)
}

/// As the server understands both: defaults that a file leaves out are no difference.
fn meaning(graph: &Value) -> Option<JobGraph> {
    serde_json::from_value(graph.clone()).ok()
}

/// As [`meaning`], of a quality rule.
fn rule(document: &Value) -> Option<QualityRule> {
    serde_json::from_value(document.clone()).ok()
}

/// Properties with what cannot be compared left out: placeholders of an export and secrets.
fn shown(properties: &Value) -> Value {
    let mut properties = properties.clone();
    for value in properties.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        if value.as_str().is_some_and(|text| text == SECRET || text.starts_with("${")) {
            *value = json!(SECRET);
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::{super::KINDS, *};

    fn check(folder: &str, wanted: Value, found: Option<Value>, set: &[&str], expected: Result<(Compared, &str), &str>) {
        let kind = KINDS.iter().find(|kind| kind.folder == folder).unwrap();
        let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
        let compared = compare(kind, &wanted, found.as_ref(), &Variables::new(&set).unwrap());
        let compared =
            compared.and_then(|(done, note)| filled(kind, &wanted, found.is_some(), &Variables::new(&set)?).map(|_| (done, note)));
        assert_eq!(compared.map_err(|e| e.to_string()), expected.map(|(done, note)| (done, note.to_owned())).map_err(str::to_owned));
    }

    #[test]
    fn secrets_and_defaults_are_no_difference() {
        let source =
            json!({"name": "b", "kind": "kafka", "description": "", "properties": {"a": "1", "sasl.password": "${B_SASL_PASSWORD}"}});
        let there =
            json!({"name": "b", "kind": "kafka", "description": "", "properties": {"a": "1", "sasl.password": "${B_SASL_PASSWORD}"}});
        check("data-sources", source.clone(), Some(there.clone()), &[], Ok((Compared::Same, "")));
        let needs =
            "`properties.sasl.password` needs the variable B_SASL_PASSWORD; set it in the environment or with --set B_SASL_PASSWORD=VALUE";
        check("data-sources", source.clone(), None, &[], Err(needs));
        check("data-sources", source.clone(), None, &["B_SASL_PASSWORD=x"], Ok((Compared::Made, "")));
        check("data-sources", source, Some(there), &["B_SASL_PASSWORD=x"], Ok((Compared::Changed, "properties")));
        let job = json!({"name": "j", "folder": "", "description": "", "draft": {"nodes": []}});
        let full = json!({"name": "j", "folder": "", "description": "", "draft": serde_json::to_value(JobGraph::default()).unwrap()});
        check("jobs", job.clone(), Some(full.clone()), &[], Ok((Compared::Same, "")));
        let mut other = job;
        (other["folder"], other["draft"]["sql"]) = (json!("etl"), json!("SELECT 1"));
        check("jobs", other, Some(full), &[], Ok((Compared::Changed, "folder, draft")));
    }

    #[test]
    fn a_table_stays_in_its_database() {
        let topic = json!({"name": "t", "database": "shop"});
        check("topics", topic.clone(), Some(topic.clone()), &[], Ok((Compared::Same, "")));
        check("topics", json!({"name": "t"}), Some(topic.clone()), &[], Ok((Compared::Same, "")));
        let moved = "is of database \"shop\" there and \"till\" in its file; a database cannot be changed";
        check("topics", json!({"name": "t", "database": "till"}), Some(topic), &[], Err(moved));
        let rule = |more: Value| json!({"name": "r", "table": "t", "document": more});
        let (short, long) = (
            json!({"column": "a", "check": {"type": "not_null"}}),
            json!({"column": "a", "check": {"type": "not_null"}, "on_violation": "count"}),
        );
        check("quality-rules", rule(short.clone()), Some(rule(long)), &[], Ok((Compared::Same, "")));
        let other = rule(json!({"column": "b", "check": {"type": "not_null"}}));
        check("quality-rules", rule(short), Some(other), &[], Ok((Compared::Changed, "document")));
    }

    #[test]
    fn content_is_uploaded_not_made() {
        let plugin = json!({"name": "p", "description": "", "content_hash": "aa"});
        check("plugins", plugin.clone(), None, &[], Ok((Compared::Missing, "is not there; upload it with `millrace plugin`")));
        check("plugins", plugin.clone(), Some(plugin.clone()), &[], Ok((Compared::Same, "")));
        let mut other = plugin.clone();
        other["content_hash"] = json!("bb");
        check(
            "plugins",
            plugin,
            Some(other),
            &[],
            Ok((Compared::Missing, "has another content there; upload the version that the file names")),
        );
    }

    #[test]
    fn variables_are_plain_words() {
        assert_eq!(secret_variable("main-broker", "sasl.password"), "MAIN_BROKER_SASL_PASSWORD");
    }
}
