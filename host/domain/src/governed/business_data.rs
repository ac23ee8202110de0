//! Business data: entries that have the attributes of their meta-model.

use super::{DESCRIPTION_CHARACTERS_MAX, MetaModel, Wrong, check_length};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessData {
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// Values by attribute.
    #[serde(default)]
    pub values: BTreeMap<String, Value>,
}

impl BusinessData {
    /// Everything wrong with it, by its meta-model.
    pub fn check(&self, model: &MetaModel) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        check_length("description", &self.description, DESCRIPTION_CHARACTERS_MAX, &mut wrong);
        for attribute in &model.attributes {
            let at = format!("values.{}", attribute.name);
            match self.values.get(attribute.name.as_str()).filter(|value| !value.is_null()) {
                None if attribute.required => wrong.push(Wrong::new(at, "is missing; the meta-model requires it")),
                None => {}
                Some(value) => wrong.extend(attribute.check(value).map(|message| Wrong::new(at, message))),
            }
        }
        let is_known = |name: &str| model.attributes.iter().any(|a| a.name.as_str() == name);
        for name in self.values.keys().filter(|name| !is_known(name)) {
            let known: Vec<&str> = model.attributes.iter().map(|a| a.name.as_str()).collect();
            let shown: String = name.chars().take(80).collect();
            wrong.push(Wrong::new("values", format!("`{shown}` is no attribute of the meta-model; it has {}", known.join(", "))));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_follow_their_meta_model() {
        let model: MetaModel = serde_json::from_value(json!({"attributes": [
            {"name": "owner", "type": "text", "required": true, "characters_max": 5},
            {"name": "level", "type": "enum", "values": ["low", "high"]},
            {"name": "weight", "type": "integer", "min": 1, "max": 9},
            {"name": "share", "type": "number", "max": 1.0},
            {"name": "since", "type": "date"},
            {"name": "vital", "type": "boolean"},
        ]}))
        .unwrap();
        assert_eq!(model.check(), []);
        let wrong = |values: Value| {
            let entry = BusinessData { values: serde_json::from_value(values).unwrap(), ..BusinessData::default() };
            entry.check(&model).into_iter().map(|w| format!("{} {}", w.field, w.message)).collect::<Vec<_>>()
        };
        assert!(wrong(json!({"owner": "ann", "level": "low", "weight": 9, "share": 0.5, "since": "2024-02-29", "vital": true})).is_empty());
        assert_eq!(wrong(json!({"owner": null})), ["values.owner is missing; the meta-model requires it"]);
        assert_eq!(
            wrong(json!({"owner": "annabel", "level": "mid", "weight": 0, "share": 2, "since": "2023-02-29", "vital": 1, "x": 1})),
            [
                "values.owner has 7 characters; expected at most 5",
                "values.level is \"mid\"; expected one of low, high",
                "values.weight is 0; expected at least 1",
                "values.share is 2; expected at most 1",
                "values.since is \"2023-02-29\"; expected a day such as \"2024-02-29\"",
                "values.vital is 1; expected true or false",
                "values `x` is no attribute of the meta-model; it has owner, level, weight, share, since, vital",
            ]
        );
        assert_eq!(wrong(json!({"owner": "a", "weight": 1.5})), ["values.weight is 1.5; expected a whole number"]);
    }

    #[test]
    fn a_meta_model_is_checked_itself() {
        let model: MetaModel = serde_json::from_value(json!({"attributes": [
            {"name": "a", "type": "enum"}, {"name": "a", "type": "text", "min": 1}, {"name": "b", "type": "integer", "min": 2, "max": 1},
        ]}))
        .unwrap();
        let fields: Vec<String> = model.check().into_iter().map(|w| w.field).collect();
        assert_eq!(fields, ["attributes[0].values", "attributes[1].name", "attributes[1].min", "attributes[2].min"]);
    }
}
