//! Values that a start gives for the job's parameters (RUN-1, RUN-4).
//!
//! Invariant: a name that is a parameter of every job changes that parameter; any other becomes an environment parameter.

use millrace_model::graph::{JobGraph, JobParameters};
use serde_json::Value;
use std::collections::BTreeMap;

/// Parameters that cannot be given as one text.
const NOT_TEXT: [&str; 2] = ["environment", "restart"];

/// Puts `values` over the parameters of `graph`.
///
/// # Errors
/// A value that is not of the parameter's type; the text names both.
pub fn override_parameters(graph: &mut JobGraph, values: &BTreeMap<String, String>) -> Result<(), String> {
    if values.is_empty() {
        return Ok(());
    }
    let mut parameters = serde_json::to_value(&graph.parameters).map_err(|e| e.to_string())?;
    for (name, value) in values {
        let is_named = !NOT_TEXT.contains(&name.as_str()) && (parameters.get(name).is_some() || name == "dead_letter_topic");
        if is_named {
            let number = parameters.get(name).is_some_and(Value::is_number);
            parameters[name] = match value.parse::<u64>() {
                Ok(found) if number => Value::from(found),
                Err(_) if number => return Err(format!("parameter `{name}` is `{value}`, expected a whole number")),
                Ok(_) | Err(_) => Value::from(value.as_str()),
            };
        } else {
            parameters["environment"][name] = Value::from(value.as_str());
        }
    }
    graph.parameters = serde_json::from_value::<JobParameters>(parameters).map_err(|e| format!("parameters: {e}"))?;
    Ok(())
}

/// Whether the values of a start fit the job's parameters.
///
/// # Errors
/// A value that is not of the parameter's type; the text names both.
pub fn check_parameters(graph: &JobGraph, values: &BTreeMap<String, String>) -> Result<(), String> {
    override_parameters(&mut graph.clone(), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(values: &[(&str, &str)], expected: Result<Value, &str>) {
        let mut graph: JobGraph = serde_json::from_value(json!({"nodes": [], "parameters": {"parallelism": 2}})).unwrap();
        let values = values.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let found = override_parameters(&mut graph, &values).map(|()| {
            let p = &graph.parameters;
            json!({"parallelism": p.parallelism, "time": p.time_attribute, "dead": p.dead_letter_topic, "environment": p.environment})
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn parameters_are_changed_by_name_and_the_rest_is_environment() {
        check(
            &[("parallelism", "4"), ("time_attribute", "event_time"), ("dead_letter_topic", "dead"), ("region", "eu"), ("restart", "1")],
            Ok(json!({"parallelism": 4, "time": "event_time", "dead": "dead", "environment": {"region": "eu", "restart": "1"}})),
        );
        check(&[("parallelism", "-3")], Err("parameter `parallelism` is `-3`, expected a whole number"));
        check(&[("checkpoint_interval_ms", "abc")], Err("parameter `checkpoint_interval_ms` is `abc`, expected a whole number"));
        check(&[("parallelism", "many")], Err("parameter `parallelism` is `many`, expected a whole number"));
    }
}
