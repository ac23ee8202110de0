//! SQL functions made by tenants (EXT-4): their names, states and attributes.

use crate::{name::Name, text_enum::text_enum};
use std::collections::BTreeMap;

/// Most attributes of a function.
pub const ATTRIBUTES_MAX: usize = 50;
/// Most characters of an attribute's name.
pub const ATTRIBUTE_NAME_MAX: usize = 63;
/// Most characters of an attribute's value.
pub const ATTRIBUTE_VALUE_MAX: usize = 1_000;
/// Worlds of components that SQL can call.
pub const FUNCTION_WORLDS: [&str; 3] = ["scalar-function", "table-function", "aggregate-function"];

text_enum! {
    /// Whether a function should still be used.
    FunctionState, "function state", {
        /// It can be used.
        Enabled = "enabled",
        /// It works on, for what uses it already; lists say that nothing new should.
        Deprecated = "deprecated",
    }
}

/// Reads the name of a function: one that SQL can write without quotes.
///
/// # Errors
/// What was found, what was expected.
pub fn function_name(text: &str) -> Result<Name, String> {
    match text.parse::<Name>() {
        Ok(name) if !name.as_str().contains('-') => Ok(name),
        Ok(name) => Err(format!("`{name}` has a `-`, which SQL reads as minus; use `_`")),
        Err(error) => Err(error.to_string()),
    }
}

/// Checks attributes.
///
/// # Errors
/// There are too many, or one is too long or has no name.
pub fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), String> {
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(format!("{} attributes, expected at most {ATTRIBUTES_MAX}", attributes.len()));
    }
    for (name, value) in attributes {
        let shown: String = name.chars().take(ATTRIBUTE_NAME_MAX).collect();
        if !(1..=ATTRIBUTE_NAME_MAX).contains(&name.chars().count()) {
            return Err(format!("the name `{shown}` has not 1 to {ATTRIBUTE_NAME_MAX} characters"));
        }
        if value.chars().count() > ATTRIBUTE_VALUE_MAX {
            return Err(format!("the value of `{shown}` has more than {ATTRIBUTE_VALUE_MAX} characters"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_sql() {
        assert_eq!(function_name("normalize_url").map(|n| n.to_string()), Ok("normalize_url".to_owned()));
        assert!(function_name("normalize-url").is_err_and(|e| e.contains("use `_`")));
        assert!(function_name("Upper").is_err());
    }

    #[test]
    fn attributes_are_bounded() {
        let one = |name: &str, value: &str| check_attributes(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(one("owner", "data team"), Ok(()));
        assert!(one("", "x").is_err() && one("a", &"x".repeat(1_001)).is_err());
        let many = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(check_attributes(&many), Err("51 attributes, expected at most 50".to_owned()));
    }
}
