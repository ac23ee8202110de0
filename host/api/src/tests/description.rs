//! The OpenAPI document is complete: every endpoint, its parameters and how it fails.

use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_document_describes_every_endpoint() {
    let document = serde_json::to_value(crate::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let (mut lines, mut ids) = (Vec::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "two operations are called {id}");
            assert!(operation["summary"].is_string(), "{id} has no summary");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object(), "{id}");
            let named: BTreeSet<_> = parameters(operation, "path").collect();
            let expected: BTreeSet<_> = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, expected, "{id}");
            let query: Vec<_> = parameters(operation, "query").collect();
            lines.push(format!("{id:<22}{:<7}{path} {}", method.to_uppercase(), query.join(" ")).trim_end().to_owned());
        }
    }
    lines.sort();
    insta::assert_snapshot!("endpoints", lines.join("\n"));
    let dangling: Vec<_> = references(&document).into_iter().filter(|r| document.pointer(&r[1..]).is_none()).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(move |p| p["in"] == place).filter_map(|p| p["name"].as_str())
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// What has no `allowed_actions` although something changes it, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("/api/v1/tenants/{tenant}/grants", "the tenant's `tenant.grant`"),
    ("/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/grants", "the plugin's `grant`"),
    ("/api/v1/tenants/{tenant}/meta-models/{meta_model}/managers", "the meta-model's `edit`"),
    ("/api/v1/tenants/{tenant}/users/{user}/roles", "the user's `role.grant`"),
    ("/api/v1/platform/users/{user}/roles", "the user's `platform.users`"),
];

/// What a user may do comes back as `allowed_actions`: with everything that can be changed.
#[test]
fn what_can_be_changed_says_who_may() {
    let document = serde_json::to_value(crate::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let has = |path: &str, methods: &[&str]| methods.iter().any(|method| !paths[path][*method].is_null());
    let changes_below = |path: &str| {
        // The thing itself, and what is done with it: `…/{thing}/start`.
        let is_verb =
            |other: &str| other.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')).is_some_and(|verb| !verb.contains(['/', '{']));
        has(path, &["put", "patch", "delete"]) || paths.keys().any(|other| is_verb(other) && has(other, &["post"]))
    };
    let (mut asked, mut missing) = (0, Vec::new());
    for (path, item) in paths {
        let shown = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if shown.is_null() {
            continue;
        }
        let view = fields(&document, shown);
        let things = view.iter().find(|(name, _)| *name == "items").map(|(_, items)| fields(&document, &items["items"]));
        let is_changed = match &things {
            Some(_) => paths.keys().any(|other| {
                let one = other.strip_prefix(path.as_str()).and_then(|rest| rest.strip_prefix("/{")?.strip_suffix('}'));
                one.is_some_and(|parameter| !parameter.contains('/')) && changes_below(other)
            }),
            None => changes_below(path),
        };
        if is_changed && !WITHOUT.iter().any(|(without, _)| without == path) {
            asked += 1;
            let says = |fields: &[(&str, &Value)]| fields.iter().any(|(name, _)| *name == "allowed_actions");
            if !says(&view) && !things.is_some_and(|things| says(&things)) {
                missing.push(path);
            }
        }
    }
    assert!(asked > 40, "only {asked} answers were looked at");
    assert!(missing.is_empty(), "these answers do not say what the caller may do: {missing:#?}");
    for (path, why) in WITHOUT {
        assert!(paths.contains_key(*path), "{path} ({why}) is no longer there");
    }
}

/// The fields of a schema, with those of the schemas that it is made of.
fn fields<'a>(document: &'a Value, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&reference[1..]).unwrap());
    }
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field));
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| fields(document, part));
    own.chain(parts).collect()
}

/// utoipa keeps one of two schemas of the same name without a word.
#[test]
fn no_two_types_have_the_same_name_in_the_document() {
    let (mut names, mut twice) = (BTreeSet::new(), Vec::new());
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for name in described_types(&std::fs::read_to_string(&path).unwrap()) {
                if !names.insert(name.clone()) {
                    twice.push(name);
                }
            }
        }
    }
    assert!(names.contains("ProblemDocument") && names.len() > 100, "the types are found: {}", names.len());
    assert!(twice.is_empty(), "{twice:?}");
}

/// Names of the types in a source text that derive `ToSchema`.
fn described_types(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in source.split("#[derive(").skip(1) {
        let Some((derived, rest)) = part.split_once(")]") else { continue };
        let declared = |line: &str| {
            let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let name = line.strip_prefix("struct ").or_else(|| line.strip_prefix("enum "))?;
            Some(name.split(|c: char| !c.is_alphanumeric() && c != '_').next()?.to_owned())
        };
        if derived.split(',').any(|d| d.trim().rsplit("::").next() == Some("ToSchema")) {
            found.extend(rest.lines().find_map(|line| declared(line.trim_start())));
        }
    }
    found
}
