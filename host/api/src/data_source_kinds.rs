//! Kinds of data sources and what there is to fill in: pages draw their forms from this (SRC-1).

use crate::caller::Caller;
use axum::Json;
use millrace_control::{FieldSpec, FieldType, KindSpec};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A kind of data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindView {
    /// Its name: `kafka`.
    kind: &'static str,
    /// What a page calls it.
    title: &'static str,
    /// `relational`, `mpp`, `big_data`, `semi_structured`, `message_queue` or `other`.
    #[schema(value_type = String)]
    group: Value,
    /// What it is for, and what its connectivity test finds out.
    description: &'static str,
    /// What there is to fill in, in the order of the form.
    fields: Vec<FieldView>,
    /// Beginnings of names beyond the fields: `header.`; an empty one stands for all names.
    free_prefixes: Vec<&'static str>,
    /// Whether schemas can be imported from it.
    can_sample: bool,
    /// Whether jobs can read or write it now.
    usable_in_jobs: bool,
}

/// Something to fill in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldView {
    /// Name of the property.
    name: &'static str,
    /// What a page calls it.
    label: &'static str,
    /// `text`, `pem`, `host`, `servers`, `url`, `integer`, `boolean` or `choice`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Values of a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<&'static str>>,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<i64>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<i64>,
    /// Whether it must be there.
    required: bool,
    /// What holds if it is not there.
    default: Option<&'static str>,
    /// Whether it is kept sealed and never shown.
    secret: bool,
    /// Whether it says where, or how protected, secrets are sent: with another value of it, `***` keeps no secret.
    address: bool,
    /// What it means.
    description: &'static str,
}

/// All kinds of data sources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindsView {
    items: Vec<KindView>,
}

/// List the kinds of data sources with their fields.
#[utoipa::path(get, path = "/api/v1/data-source-kinds", tag = "data sources", responses((status = 200, body = KindsView)))]
pub(crate) async fn list_data_source_kinds(caller: Caller) -> Json<KindsView> {
    let items = caller.api.control.data_source_kinds().into_iter().map(view).collect();
    Json(KindsView { items })
}

fn view(spec: KindSpec) -> KindView {
    KindView {
        kind: spec.kind,
        title: spec.title,
        // A word; if it had no JSON form, that would be a defect, and an empty one does no harm.
        group: serde_json::to_value(spec.group).unwrap_or_default(),
        description: spec.description,
        fields: spec.fields.iter().map(field).collect(),
        free_prefixes: spec.free_prefixes.to_vec(),
        can_sample: spec.can_sample,
        usable_in_jobs: spec.kind == "kafka",
    }
}

fn field(spec: &FieldSpec) -> FieldView {
    let (kind, values, min, max) = match spec.field_type {
        FieldType::Text => ("text", None, None, None),
        FieldType::Pem => ("pem", None, None, None),
        FieldType::Host => ("host", None, None, None),
        FieldType::Servers => ("servers", None, None, None),
        FieldType::Url => ("url", None, None, None),
        FieldType::Integer { min, max } => ("integer", None, Some(min), Some(max)),
        FieldType::Boolean => ("boolean", None, None, None),
        FieldType::Choice { values } => ("choice", Some(values.to_vec()), None, None),
    };
    let FieldSpec { name, label, required, default, secret, address, description, .. } = *spec;
    FieldView { name, label, kind, values, min, max, required, default, secret, address, description }
}
