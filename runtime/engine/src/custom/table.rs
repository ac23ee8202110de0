//! Custom sources and sinks as tables of SQL scripts: `WITH ('connector' = 'plugin', 'plugin' = '…', 'parameter.x' = '…')`.

use millrace_connector::{ConfigError, SqlNode};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What SQL calls them in the option `connector`.
pub(crate) const CONNECTOR: &str = "plugin";
/// Begins the options that the plugin reads as its parameters.
pub(super) const PARAMETER: &str = "parameter.";

/// The settings of the node that a table's options mean.
///
/// # Errors
/// Everything wrong with the options, by option.
pub(crate) fn node_of(options: &BTreeMap<String, String>) -> Result<SqlNode, Vec<ConfigError>> {
    let (mut config, mut parameters, mut errors) = (Map::new(), Map::new(), Vec::new());
    for (option, value) in options {
        match option.strip_prefix(PARAMETER) {
            Some(name) if !name.is_empty() => drop(parameters.insert(name.to_owned(), Value::from(value.as_str()))),
            _ if option == "plugin" || option == "version" => drop(config.insert(option.clone(), Value::from(value.as_str()))),
            _ if option == "connector" => {}
            _ => {
                let message = "is not known to the connector 'plugin', which has 'plugin', 'version' and 'parameter.*'";
                errors.push(ConfigError::new(option.as_str(), "sql.unknown_option", message));
            }
        }
    }
    if !config.contains_key("plugin") {
        errors.push(ConfigError::new("plugin", "sql.missing_option", "is missing; name a plugin of the project"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    config.insert("parameters".into(), Value::Object(parameters));
    Ok(SqlNode { config, ..SqlNode::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn options_become_settings() {
        let node = node_of(&options(&[("connector", "plugin"), ("plugin", "pages"), ("version", "2"), ("parameter.url", "x")])).unwrap();
        let expected = serde_json::json!({"plugin": "pages", "version": "2", "parameters": {"url": "x"}});
        assert_eq!(Value::Object(node.config), expected);
        let errors = node_of(&options(&[("connector", "plugin"), ("topic", "a"), ("parameter.", "x")])).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["parameter.", "topic", "plugin"]);
    }
}
