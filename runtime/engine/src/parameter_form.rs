//! What the parameters of a plugin may be (EXT-7): a JSON Schema that a page draws a form from and a job is checked by.
//!
//! Only what a form of single values needs is read: an object of texts, numbers and truth values. Invariant: a schema that is
//! accepted is understood to its last word, so that nothing in it is promised and then not checked. The document itself is kept
//! as it was written, since the order of its properties is that of the form.

use millrace_model::{
    graph::{GraphError, Node},
    ids::NodeId,
};
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most bytes of a schema.
pub const FORM_BYTES_MAX: usize = 16 << 10;
/// Most parameters of a plugin.
pub const FORM_PARAMETERS_MAX: usize = 50;
/// Most characters of a parameter's name.
const NAME_CHARS_MAX: usize = 63;
/// Most choices of a parameter.
const CHOICES_MAX: usize = 100;
/// Most bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 64 << 10;

/// Why a schema is none for parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{place}`: {message}")]
pub struct FormError {
    /// Where in the document, as a JSON pointer.
    pub place: String,
    /// What was found, what was expected.
    pub message: String,
}

/// A parameter that is not as its schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError {
    /// The parameter.
    pub parameter: String,
    /// What was found, what was expected.
    pub message: String,
}

/// The parameters of a plugin.
#[derive(Debug, Clone)]
pub struct ParameterForm {
    parameters: BTreeMap<String, Parameter>,
    /// Whether there may be no others.
    closed: bool,
}

#[derive(Debug, Clone)]
struct Parameter {
    kind: Kind,
    default: Option<String>,
    is_required: bool,
    choices: Vec<String>,
}

#[derive(Debug, Clone)]
enum Kind {
    Text {
        chars: (usize, usize),
        pattern: Option<Regex>,
    },
    /// The name of a secret that the plugin is granted.
    Secret,
    Number {
        is_whole: bool,
        bounds: Bounds,
    },
    Boolean,
}

/// Least and greatest number, each with whether it is allowed itself.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    least: Option<(f64, bool)>,
    greatest: Option<(f64, bool)>,
}

/// A parameter as a graph has it: guests are given texts, graphs may say numbers and truth values too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParameterText(String);

impl<'de> Deserialize<'de> for ParameterText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        scalar(&value).map(Self).ok_or_else(|| D::Error::custom(format!("is {}, expected a text, a number, true or false", shown(&value))))
    }
}

/// Parameters as guests are given them.
pub(crate) fn texts(parameters: &BTreeMap<String, ParameterText>) -> BTreeMap<String, String> {
    parameters.iter().map(|(name, text)| (name.clone(), text.0.clone())).collect()
}

/// The parameters of a node as its plugin's form completes them.
///
/// # Errors
/// What is wrong, by parameter.
pub(crate) fn of_node(
    node: &Node,
    plugin: &crate::PluginBinding,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<GraphError>> {
    complete(plugin, given).map_err(|errors| errors.into_iter().map(|e| in_node(&node.id, e)).collect())
}

/// Parameters as the plugin's form completes them; as they are for a plugin without one. Messages name the plugin.
///
/// # Errors
/// What is wrong, by parameter.
pub(crate) fn complete(
    plugin: &crate::PluginBinding,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<ParameterError>> {
    let Some(form) = &plugin.form else { return Ok(given) };
    let secrets: Vec<&str> = plugin.grants.secrets.keys().map(String::as_str).collect();
    form.complete(&given, &secrets).map_err(|errors| {
        let named = |e: ParameterError| {
            let message = format!("parameter `{}` of plugin `{}` version {}: {}", e.parameter, plugin.name, plugin.version, e.message);
            ParameterError { message, ..e }
        };
        errors.into_iter().map(named).collect()
    })
}

fn in_node(node: &NodeId, error: ParameterError) -> GraphError {
    GraphError::in_field(node, format!("config.parameters.{}", error.parameter), "config.parameter", error.message)
}

impl ParameterForm {
    /// Reads a schema.
    ///
    /// # Errors
    /// It is no JSON, too large, or says something that a form cannot show or a job cannot check.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        if text.len() > FORM_BYTES_MAX {
            return Err(wrong("", format!("has {} bytes, expected at most {FORM_BYTES_MAX}", text.len())));
        }
        let document: Value = serde_json::from_str(text).map_err(|error| wrong("", format!("is not JSON: {error}")))?;
        let root = object(&document, "")?;
        known(root, "", &["$schema", "$id", "$comment", "title", "description", "type", "properties", "required", "additionalProperties"])?;
        if root.get("type").and_then(Value::as_str) != Some("object") {
            return Err(wrong("/type", format!("is {}, expected \"object\"", found(root.get("type")))));
        }
        texts_of(root, "", &["title", "description"])?;
        let closed = match root.get("additionalProperties") {
            None | Some(Value::Bool(true)) => false,
            Some(Value::Bool(false)) => true,
            Some(other) => return Err(wrong("/additionalProperties", format!("is {}, expected true or false", shown(other)))),
        };
        let none = Map::new();
        let properties = root.get("properties").map_or(Ok(&none), |found| object(found, "/properties"))?;
        if properties.len() > FORM_PARAMETERS_MAX {
            return Err(wrong("/properties", format!("has {}, expected at most {FORM_PARAMETERS_MAX}", properties.len())));
        }
        let required = names(root.get("required"))?;
        if let Some(name) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(wrong("/required", format!("names `{name}`, which is not among the properties")));
        }
        let mut parameters = BTreeMap::new();
        for (name, schema) in properties {
            let place = format!("/properties/{}", name.replace('~', "~0").replace('/', "~1"));
            if !is_name(name) {
                return Err(wrong(&place, format!("is no name: expected 1 to {NAME_CHARS_MAX} letters, digits, `_`, `-` and `.`")));
            }
            let parameter = Parameter::parse(schema, &place, required.contains(&name.as_str()))?;
            parameters.insert(name.clone(), parameter);
        }
        Ok(Self { parameters, closed })
    }

    /// The parameters with the defaults of those that are not given. `secrets` are the names that the plugin is granted.
    ///
    /// # Errors
    /// Everything that is missing, unknown or of another type.
    pub fn complete(&self, given: &BTreeMap<String, String>, secrets: &[&str]) -> Result<BTreeMap<String, String>, Vec<ParameterError>> {
        let (mut complete, mut errors) = (given.clone(), Vec::new());
        let mut wrong = |parameter: &str, message: String| errors.push(ParameterError { parameter: parameter.to_owned(), message });
        if self.closed {
            let known = || self.parameters.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            for name in given.keys().filter(|name| !self.parameters.contains_key(*name)) {
                wrong(name, format!("the plugin has no such parameter; it has {}", known()));
            }
        }
        for (name, parameter) in &self.parameters {
            match (given.get(name), &parameter.default) {
                (Some(text), _) => {
                    if let Err(message) = parameter.check(text, Some(secrets)) {
                        wrong(name, message);
                    }
                }
                (None, Some(default)) => {
                    complete.insert(name.clone(), default.clone());
                }
                (None, None) if parameter.is_required => wrong(name, format!("is missing, expected {}", parameter.expected())),
                (None, None) => {}
            }
        }
        if errors.is_empty() { Ok(complete) } else { Err(errors) }
    }
}

impl Parameter {
    fn parse(schema: &Value, place: &str, is_required: bool) -> Result<Self, FormError> {
        let schema = object(schema, place)?;
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("string") => Self::text(schema, place)?,
            Some(word @ ("integer" | "number")) => {
                known(schema, place, &["enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])?;
                Kind::Number { is_whole: word == "integer", bounds: Bounds::parse(schema, place)? }
            }
            Some("boolean") => {
                known(schema, place, &[])?;
                Kind::Boolean
            }
            _ => {
                let found = found(schema.get("type"));
                return Err(wrong(
                    &format!("{place}/type"),
                    format!("is {found}, expected \"string\", \"integer\", \"number\" or \"boolean\""),
                ));
            }
        };
        texts_of(schema, place, &["title", "description", "$comment"])?;
        let mut parameter = Self { kind, default: None, is_required, choices: Vec::new() };
        let value = |value: &Value, parameter: &Self, place: &str| {
            let text =
                parameter.written(value).ok_or_else(|| wrong(place, format!("is {}, expected {}", shown(value), parameter.expected())))?;
            parameter.check(&text, None).map_err(|message| wrong(place, message))?;
            Ok(text)
        };
        match schema.get("enum") {
            None => {}
            Some(Value::Array(choices)) if (1..=CHOICES_MAX).contains(&choices.len()) => {
                let read = choices.iter().map(|choice| value(choice, &parameter, &format!("{place}/enum")));
                parameter.choices = read.collect::<Result<_, _>>()?;
            }
            Some(other) => return Err(wrong(&format!("{place}/enum"), format!("is {}, expected 1 to {CHOICES_MAX} values", shown(other)))),
        }
        if let Some(default) = schema.get("default") {
            parameter.default = Some(value(default, &parameter, &format!("{place}/default"))?);
        }
        Ok(parameter)
    }

    fn text(schema: &Map<String, Value>, place: &str) -> Result<Kind, FormError> {
        known(schema, place, &["enum", "minLength", "maxLength", "pattern", "format"])?;
        let length = |name: &str, usual: usize| match schema.get(name) {
            None => Ok(usual),
            Some(found) => found
                .as_u64()
                .and_then(|length| usize::try_from(length).ok())
                .ok_or_else(|| wrong(&format!("{place}/{name}"), format!("is {}, expected a whole number from 0", shown(found)))),
        };
        let chars = (length("minLength", 0)?, length("maxLength", usize::MAX)?);
        let pattern = match schema.get("pattern") {
            None => None,
            Some(Value::String(pattern)) => {
                let built = regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
                Some(built.map_err(|error| wrong(&format!("{place}/pattern"), format!("is no pattern that can be checked: {error}")))?)
            }
            Some(other) => return Err(wrong(&format!("{place}/pattern"), format!("is {}, expected a text", shown(other)))),
        };
        match schema.get("format").map(Value::as_str) {
            None | Some(Some("multiline")) => Ok(Kind::Text { chars, pattern }),
            Some(Some("secret")) => Ok(Kind::Secret),
            Some(_) => {
                let found = found(schema.get("format"));
                Err(wrong(&format!("{place}/format"), format!("is {found}, expected \"secret\" (the name of a secret) or \"multiline\"")))
            }
        }
    }

    /// A value of the schema as a guest is given it; none for one of another type.
    fn written(&self, value: &Value) -> Option<String> {
        let fits = match self.kind {
            Kind::Text { .. } | Kind::Secret => value.is_string(),
            Kind::Number { .. } => value.is_number(),
            Kind::Boolean => value.is_boolean(),
        };
        if fits { scalar(value) } else { None }
    }

    /// What is wrong with a value; `secrets` are not looked at while the schema itself is read.
    fn check(&self, text: &str, secrets: Option<&[&str]>) -> Result<(), String> {
        let expected = || Err(format!("is {}, expected {}", quoted(text), self.expected()));
        match &self.kind {
            Kind::Text { chars: (least, most), pattern } => {
                let count = text.chars().count();
                if count < *least || count > *most || pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                    return expected();
                }
            }
            Kind::Secret => {
                if let Some(secrets) = secrets.filter(|secrets| !secrets.contains(&text)) {
                    let granted =
                        if secrets.is_empty() { "none is granted".to_owned() } else { format!("granted: {}", secrets.join(", ")) };
                    return Err(format!(
                        "is {}, expected the name of a secret that the plugin is granted ({granted}); an administrator grants one with \
                         `millrace plugin grant`",
                        quoted(text)
                    ));
                }
            }
            Kind::Number { is_whole, bounds } => {
                let number = text.parse::<f64>().ok().filter(|n| n.is_finite() && (!is_whole || text.parse::<i64>().is_ok()));
                if number.is_none_or(|number| !bounds.hold(number)) {
                    return expected();
                }
            }
            Kind::Boolean if text != "true" && text != "false" => return expected(),
            Kind::Boolean => {}
        }
        let same = |choice: &String| {
            let numbers = || Some(choice.parse::<f64>().ok()? == text.parse::<f64>().ok()?);
            choice == text || (matches!(self.kind, Kind::Number { .. }) && numbers() == Some(true))
        };
        if !self.choices.is_empty() && !self.choices.iter().any(same) {
            return expected();
        }
        Ok(())
    }

    /// What a value may be, in words.
    fn expected(&self) -> String {
        if !self.choices.is_empty() {
            return format!("one of {}", self.choices.join(", "));
        }
        match &self.kind {
            Kind::Text { chars: (least, most), pattern } => {
                let length = match (*least, *most) {
                    (0, usize::MAX) => String::new(),
                    (least, usize::MAX) => format!(" of at least {least} characters"),
                    (0, most) => format!(" of at most {most} characters"),
                    (least, most) => format!(" of {least} to {most} characters"),
                };
                let pattern = pattern.as_ref().map_or_else(String::new, |pattern| format!(" that matches `{pattern}`"));
                format!("a text{length}{pattern}")
            }
            Kind::Secret => "the name of a secret".to_owned(),
            Kind::Number { is_whole, bounds } => format!("{}{bounds}", if *is_whole { "a whole number" } else { "a number" }),
            Kind::Boolean => "true or false".to_owned(),
        }
    }
}

impl Bounds {
    fn parse(schema: &Map<String, Value>, place: &str) -> Result<Self, FormError> {
        let bound = |name: &str, allowed: bool| match schema.get(name) {
            None => Ok(None),
            Some(found) => match found.as_f64() {
                Some(number) => Ok(Some((number, allowed))),
                None => Err(wrong(&format!("{place}/{name}"), format!("is {}, expected a number", shown(found)))),
            },
        };
        Ok(Self {
            least: bound("minimum", true)?.or(bound("exclusiveMinimum", false)?),
            greatest: bound("maximum", true)?.or(bound("exclusiveMaximum", false)?),
        })
    }

    fn hold(&self, number: f64) -> bool {
        let above = self.least.is_none_or(|(least, allowed)| number > least || (allowed && number == least));
        above && self.greatest.is_none_or(|(greatest, allowed)| number < greatest || (allowed && number == greatest))
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.least {
            Some((least, true)) => write!(f, " of at least {least}")?,
            Some((least, false)) => write!(f, " above {least}")?,
            None => {}
        }
        match self.greatest {
            Some((greatest, allowed)) => {
                let and = if self.least.is_some() { " and" } else { "" };
                write!(f, "{and} {} {greatest}", if allowed { "of at most" } else { "below" })
            }
            None => Ok(()),
        }
    }
}

fn wrong(place: &str, message: String) -> FormError {
    FormError { place: if place.is_empty() { "/".to_owned() } else { place.to_owned() }, message }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, FormError> {
    value.as_object().ok_or_else(|| wrong(place, format!("is {}, expected an object", shown(value))))
}

/// Refuses what is not read, so that no schema says more than is checked.
fn known(schema: &Map<String, Value>, place: &str, own: &[&str]) -> Result<(), FormError> {
    const GENERAL: [&str; 7] = ["type", "title", "description", "default", "examples", "deprecated", "$comment"];
    let strange = |name: &&String| !own.contains(&name.as_str()) && (place.is_empty() || !GENERAL.contains(&name.as_str()));
    match schema.keys().find(strange) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = if place.is_empty() { own.to_vec() } else { GENERAL.iter().chain(own).copied().collect() };
            Err(wrong(&format!("{place}/{name}"), format!("is not read here; known are {}", known.join(", "))))
        }
    }
}

fn texts_of(schema: &Map<String, Value>, place: &str, fields: &[&str]) -> Result<(), FormError> {
    let bad = fields.iter().find_map(|name| Some((name, schema.get(*name).filter(|value| !value.is_string())?)));
    bad.map_or(Ok(()), |(name, value)| Err(wrong(&format!("{place}/{name}"), format!("is {}, expected a text", shown(value)))))
}

fn names(required: Option<&Value>) -> Result<Vec<&str>, FormError> {
    let Some(required) = required else { return Ok(Vec::new()) };
    let names = required.as_array().and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    names.ok_or_else(|| wrong("/required", format!("is {}, expected a list of names", shown(required))))
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// A single value as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn found(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), shown)
}

fn shown(value: &Value) -> String {
    shortened(&value.to_string())
}

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { format!("{}…", text.chars().take(60).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(properties: Value, more: Value) -> ParameterForm {
        let mut document = json!({"type": "object", "properties": properties});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ParameterForm::parse(&document.to_string()).unwrap()
    }

    #[track_caller]
    fn check(form: &ParameterForm, given: &[(&str, &str)], expected: Result<&[(&str, &str)], &[&str]>) {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>();
        let found = form.complete(&pairs(given), &["token", "key"]);
        let found = found.map_err(|errors| errors.into_iter().map(|e| format!("{} {}", e.parameter, e.message)).collect::<Vec<_>>());
        assert_eq!(found, expected.map(pairs).map_err(|lines| lines.iter().map(|line| (*line).to_owned()).collect()));
    }

    #[test]
    fn defaults_are_filled_and_what_is_wrong_is_named() {
        let form = form(
            json!({
                "amount_min": {"type": "number", "title": "Least amount", "default": 100, "minimum": 0},
                "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10},
                "mode": {"type": "string", "enum": ["fast", "safe"], "default": "safe"},
                "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"},
                "api_key": {"type": "string", "format": "secret"},
                "on": {"type": "boolean", "default": false},
            }),
            json!({"required": ["name", "count"], "additionalProperties": false}),
        );
        let defaults = [("amount_min", "100"), ("count", "3"), ("mode", "safe"), ("name", "abc"), ("on", "false")];
        check(&form, &[("name", "abc"), ("count", "3")], Ok(&defaults));
        check(
            &form,
            &[("amount_min", "-1"), ("mode", "slow"), ("on", "yes"), ("api_key", "pass"), ("color", "red")],
            Err(&[
                "color the plugin has no such parameter; it has amount_min, api_key, count, mode, name, on",
                "amount_min is `-1`, expected a number of at least 0",
                "api_key is `pass`, expected the name of a secret that the plugin is granted (granted: token, key); an administrator \
                 grants one with `millrace plugin grant`",
                "count is missing, expected a whole number of at least 1 and below 10",
                "mode is `slow`, expected one of fast, safe",
                "name is missing, expected a text of 2 to 5 characters that matches `^[a-z]+$`",
                "on is `yes`, expected true or false",
            ]),
        );
        check(
            &form,
            &[("name", "ABC"), ("count", "10")],
            Err(&[
                "count is `10`, expected a whole number of at least 1 and below 10",
                "name is `ABC`, expected a text of 2 to 5 characters that matches `^[a-z]+$`",
            ]),
        );
        for bad in ["", "1e3", "0.5", "NaN", "inf", "99999999999999999999", "x"] {
            assert!(form.complete(&BTreeMap::from([("count".into(), bad.into()), ("name".into(), "abc".into())]), &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_chosen_by_value_and_open_forms_take_more() {
        let form = form(json!({"rate": {"type": "number", "enum": [0.5, 1]}}), json!({}));
        check(&form, &[("rate", "1.0"), ("other", "x")], Ok(&[("other", "x"), ("rate", "1.0")]));
        check(&form, &[("rate", "2")], Err(&["rate is `2`, expected one of 0.5, 1"]));
    }

    #[test]
    fn a_schema_that_says_more_than_is_checked_is_refused() {
        #[track_caller]
        fn refused(document: Value, expected: &str) {
            let error = ParameterForm::parse(&document.to_string()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let one = |property: Value| json!({"type": "object", "properties": {"a": property}});
        refused(json!([]), "`/`: is [], expected an object");
        refused(json!({}), "`/type`: is missing, expected \"object\"");
        refused(json!({"type": "object", "oneOf": []}), "`/oneOf`: is not read here");
        refused(json!({"type": "object", "required": ["b"]}), "`/required`: names `b`, which is not among the properties");
        refused(json!({"type": "object", "additionalProperties": {}}), "`/additionalProperties`: is {}, expected true or false");
        refused(json!({"type": "object", "properties": {"a b": {"type": "string"}}}), "`/properties/a b`: is no name");
        refused(one(json!({"type": "float"})), "`/properties/a/type`: is \"float\", expected \"string\"");
        refused(one(json!({"$ref": "#"})), "`/properties/a/type`: is missing");
        refused(one(json!({"type": "string", "minimum": 1})), "`/properties/a/minimum`: is not read here");
        refused(one(json!({"type": "string", "format": "email"})), "`/properties/a/format`: is \"email\", expected \"secret\"");
        refused(one(json!({"type": "string", "pattern": "("})), "`/properties/a/pattern`: is no pattern");
        refused(one(json!({"type": "string", "pattern": "(a{1000}){1000}"})), "`/properties/a/pattern`: is no pattern");
        refused(one(json!({"type": "integer", "default": 1.5})), "`/properties/a/default`: is `1.5`, expected a whole number");
        refused(one(json!({"type": "integer", "default": "1"})), "`/properties/a/default`: is \"1\", expected a whole number");
        refused(one(json!({"type": "integer", "enum": []})), "`/properties/a/enum`: is [], expected 1 to 100 values");
        refused(one(json!({"type": "number", "minimum": "0"})), "`/properties/a/minimum`: is \"0\", expected a number");
        refused(one(json!({"type": "string", "title": 1})), "`/properties/a/title`: is 1, expected a text");
        let many: Map<String, Value> = (0..51).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect();
        refused(json!({"type": "object", "properties": many}), "`/properties`: has 51, expected at most 50");
        assert!(ParameterForm::parse("{").unwrap_err().message.starts_with("is not JSON"));
        assert!(ParameterForm::parse(&" ".repeat(FORM_BYTES_MAX + 1)).unwrap_err().message.contains("expected at most 16384"));
    }
}
