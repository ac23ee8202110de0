//! The services of a project (PRJ-1): which there are, what each is configured with, and which actions need it.
//!
//! Invariant: what is not said of a project is the default: every service is there, so that a new project can be worked
//! in at once. Looking at the project itself, its members, quotas and audit needs no service.

use crate::{action::Action, text_enum::text_enum};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most subtasks of an operator that a configuration may allow.
const PARALLELISM_MAX: i64 = 1_024;

text_enum! {
    /// Something that a project can have.
    Service, "service", {
        /// Jobs and everything that they are made of.
        StreamComputing = "stream_computing",
        /// Business metadata, relations, quality rules.
        DataGovernance = "data_governance",
    }
}

impl Service {
    /// The service that a project needs for `action`.
    pub fn of(action: Action) -> Option<Self> {
        let object = action.as_str().split('.').next().unwrap_or_default();
        match object {
            "job" | "instance" | "savepoint" | "plugin" | "build" | "resource" | "release" | "preview" | "unit_test" | "temp_table" => {
                Some(Self::StreamComputing)
            }
            "business" | "business_data" | "category" | "meta_model" | "quality_rule" | "relation" | "tag" => Some(Self::DataGovernance),
            _ => None,
        }
    }

    /// The configuration unless somebody says otherwise: also the list of what can be configured.
    pub fn default_configuration(self) -> Map<String, Value> {
        let configuration = match self {
            // parallelism_max: subtasks of any operator of a job that is to start. online_code: builds on the server.
            Self::StreamComputing => json!({"parallelism_max": 128, "online_code": true}),
            Self::DataGovernance => json!({}),
        };
        configuration.as_object().cloned().unwrap_or_default()
    }

    /// The whole configuration that `wanted` asks for, filled with defaults.
    ///
    /// # Errors
    /// An unknown name, or a value of another type or out of range: names the field.
    pub fn configure(self, wanted: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut configuration = self.default_configuration();
        let known = configuration.keys().cloned().collect::<Vec<_>>().join(", ");
        for (name, value) in wanted {
            let Some(slot) = configuration.get_mut(name) else {
                return Err(format!("`{self}` has no setting `{name}`; it has: {}", if known.is_empty() { "none" } else { &known }));
            };
            let fits = match &*slot {
                Value::Bool(_) => value.is_boolean(),
                Value::Number(_) => value.as_i64().is_some_and(|number| (1..=PARALLELISM_MAX).contains(&number)),
                _ => false,
            };
            if !fits {
                let expected = if slot.is_boolean() { "true or false".to_owned() } else { format!("a number from 1 to {PARALLELISM_MAX}") };
                return Err(format!("`{name}` of `{self}` is {value}, expected {expected}"));
            }
            *slot = value.clone();
        }
        Ok(configuration)
    }
}

/// A service as a project has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceState {
    /// Whether it is there.
    pub enabled: bool,
    /// Its configuration; what is not in it is the default.
    #[serde(default)]
    pub configuration: Map<String, Value>,
}

/// The services of a project, as far as they differ from the default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectServices(BTreeMap<Service, ServiceState>);

impl ProjectServices {
    /// The state of one service, whole.
    pub fn state(&self, service: Service) -> ServiceState {
        let found = self.0.get(&service);
        let mut configuration = service.default_configuration();
        configuration.extend(found.map(|state| state.configuration.clone()).unwrap_or_default());
        ServiceState { enabled: found.is_none_or(|state| state.enabled), configuration }
    }

    /// Whether the project has what `action` needs; if not, which service is missing.
    ///
    /// # Errors
    /// The missing service.
    pub fn admit(&self, action: Action) -> Result<(), Service> {
        match Service::of(action) {
            Some(service) if !self.0.get(&service).is_none_or(|state| state.enabled) => Err(service),
            Some(_) | None => Ok(()),
        }
    }

    /// Changes one service.
    pub fn set(&mut self, service: Service, state: ServiceState) {
        self.0.insert(service, state);
    }

    /// Subtasks that an operator of a job may have.
    pub fn parallelism_max(&self) -> i64 {
        let state = self.state(Service::StreamComputing);
        state.configuration.get("parallelism_max").and_then(Value::as_i64).unwrap_or(PARALLELISM_MAX)
    }

    /// Whether code may be built on the server.
    pub fn online_code(&self) -> bool {
        self.state(Service::StreamComputing).configuration.get("online_code").and_then(Value::as_bool).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_there() {
        let mut services = ProjectServices::default();
        assert_eq!(services.admit(Action::JobCreate), Ok(()));
        assert!(services.online_code());
        services.set(Service::StreamComputing, ServiceState { enabled: false, configuration: Map::new() });
        assert_eq!(services.admit(Action::JobCreate), Err(Service::StreamComputing));
        assert_eq!(services.admit(Action::TopicView), Ok(()));
        assert_eq!(services.admit(Action::ProjectView), Ok(()));
        let text = serde_json::to_string(&services).unwrap();
        assert_eq!(text, r#"{"stream_computing":{"enabled":false,"configuration":{}}}"#);
        assert_eq!(serde_json::from_str::<ProjectServices>(&text).unwrap(), services);
    }

    #[test]
    fn configurations_are_whole_and_bounded() {
        let set = |wanted: Value| Service::StreamComputing.configure(wanted.as_object().unwrap());
        assert_eq!(Value::from(set(json!({"parallelism_max": 4})).unwrap()), json!({"parallelism_max": 4, "online_code": true}));
        for (wrong, message) in [
            (json!({"parallelism": 4}), "`stream_computing` has no setting `parallelism`; it has: online_code, parallelism_max"),
            (json!({"parallelism_max": 0}), "`parallelism_max` of `stream_computing` is 0, expected a number from 1 to 1024"),
            (json!({"online_code": "no"}), "`online_code` of `stream_computing` is \"no\", expected true or false"),
        ] {
            assert_eq!(set(wrong).unwrap_err(), message);
        }
    }
}
