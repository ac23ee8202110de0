//! Which signature a call has, by Flink's rules: the first whose types are those of the arguments, else the first that
//! they can be cast to implicitly. An argument that may be NULL never fits a parameter that is NOT NULL.

use millrace_functions::{ResolveError, Typed, coercion::is_implicit};
use millrace_model::{DataType, Field};
use millrace_sandbox::FunctionSignature;

/// Signatures that a message lists.
const LISTED_MAX: usize = 8;

/// The parameter that argument `index` is for.
pub(super) fn parameter(signature: &FunctionSignature, index: usize) -> Option<&Field> {
    let last = signature.parameters.last().filter(|_| signature.variadic);
    signature.parameters.get(index).or(last)
}

fn takes(signature: &FunctionSignature, arguments: usize) -> bool {
    let fixed = signature.parameters.len();
    if signature.variadic { arguments + 1 >= fixed } else { arguments == fixed }
}

/// Position of the signature that a call with these arguments has.
pub(super) fn choose(name: &str, signatures: &[FunctionSignature], arguments: &[&Typed]) -> Result<usize, ResolveError> {
    let fits = |signature: &FunctionSignature, type_fits: &dyn Fn(&DataType, &DataType) -> bool, heeds_null: bool| {
        takes(signature, arguments.len())
            && arguments.iter().enumerate().all(|(index, argument)| {
                let fitting = |p: &Field| type_fits(&argument.data_type, &p.data_type) && (p.nullable || !argument.nullable || !heeds_null);
                parameter(signature, index).is_some_and(fitting)
            })
    };
    let exact = |from: &DataType, to: &DataType| from == to;
    let first =
        |type_fits: &dyn Fn(&DataType, &DataType) -> bool, heeds_null| signatures.iter().position(|s| fits(s, type_fits, heeds_null));
    if let Some(found) = first(&exact, true).or_else(|| first(&is_implicit, true)) {
        return Ok(found);
    }
    let types: Vec<DataType> = arguments.iter().map(|a| a.data_type.clone()).collect();
    let error = no_match(name, signatures, &types);
    if first(&is_implicit, false).is_some() {
        return Err(ResolveError(format!("an argument may be NULL where the function takes none (wrap it in COALESCE); {error}")));
    }
    Err(error)
}

/// Whether arguments of exactly these types make such a call.
pub(super) fn is_of_types(signature: &FunctionSignature, arguments: &[DataType], result: Option<&DataType>) -> bool {
    let answers = |wanted: &DataType| signature.result.fields().first().is_some_and(|f| f.data_type == *wanted);
    takes(signature, arguments.len())
        && arguments.iter().enumerate().all(|(index, argument)| parameter(signature, index).is_some_and(|p| p.data_type == *argument))
        && result.is_none_or(answers)
}

/// There is no signature for these types; the message lists those that there are.
pub(super) fn no_match(name: &str, signatures: &[FunctionSignature], arguments: &[DataType]) -> ResolveError {
    let given: Vec<String> = arguments.iter().map(DataType::to_string).collect();
    let mut known: Vec<String> = signatures.iter().take(LISTED_MAX).map(|s| written(name, s)).collect();
    if signatures.len() > LISTED_MAX {
        known.push(format!("{} more", signatures.len() - LISTED_MAX));
    }
    ResolveError(format!("no signature takes ({}); there are {}", given.join(", "), known.join(", ")))
}

/// `F(a BIGINT NOT NULL, rest STRING …) → STRING`
fn written(name: &str, signature: &FunctionSignature) -> String {
    let field = |f: &Field| {
        let not_null = if f.nullable { "" } else { " NOT NULL" };
        let space = if f.name.is_empty() { "" } else { " " };
        format!("{}{space}{}{not_null}", f.name, f.data_type)
    };
    let mut parameters: Vec<String> = signature.parameters.iter().map(field).collect();
    if let (true, Some(last)) = (signature.variadic, parameters.last_mut()) {
        last.push_str(" …");
    }
    let result: Vec<String> = match signature.result.fields() {
        [only] => vec![only.data_type.to_string()],
        several => several.iter().map(field).collect(),
    };
    format!("{name}({}) → {}", parameters.join(", "), result.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_model::Schema;

    fn signature(parameters: &[(&str, &str)], variadic: bool, result: &str) -> FunctionSignature {
        let field = |(name, text): &(&str, &str)| {
            let (text, nullable) = text.strip_suffix(" NOT NULL").map_or((*text, true), |text| (text, false));
            Field::new(*name, text.parse().unwrap(), nullable)
        };
        let result = Schema::new(vec![Field::new("result", result.parse().unwrap(), true)]).unwrap();
        let parameters = parameters.iter().map(field).collect();
        FunctionSignature { parameters, variadic, result, deterministic: true, retracts: false, merges: false }
    }

    /// Arguments, and the signature that they choose or what the refusal says.
    type Case<'a> = (&'a [(&'a str, bool)], Result<usize, &'a str>);

    #[test]
    fn exact_types_come_before_implicit_casts_and_null_fits_no_not_null() {
        let signatures = [
            signature(&[("a", "DOUBLE")], false, "DOUBLE"),
            signature(&[("a", "BIGINT")], false, "BIGINT"),
            signature(&[("a", "STRING NOT NULL"), ("b", "STRING")], true, "STRING"),
        ];
        let cases: &[Case<'_>] = &[
            (&[("BIGINT", true)], Ok(1)),
            (&[("INT", true)], Ok(0)),
            (&[("FLOAT", false)], Ok(0)),
            (&[("STRING", false)], Ok(2)),
            (&[("STRING", false), ("STRING", true), ("STRING", true)], Ok(2)),
            (&[("STRING", true), ("STRING", true)], Err("an argument may be NULL where the function takes none")),
            (
                &[("BOOLEAN", true)],
                Err(
                    "no signature takes (BOOLEAN); there are F(a DOUBLE) → DOUBLE, F(a BIGINT) → BIGINT, F(a STRING NOT NULL, b STRING …) → STRING",
                ),
            ),
            (&[], Err("no signature takes ()")),
        ];
        for (given, expected) in cases {
            let types: Vec<Typed> = given.iter().map(|(text, nullable)| Typed::new(text.parse().unwrap(), *nullable)).collect();
            let found = choose("F", &signatures, &types.iter().collect::<Vec<_>>());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, *expected, "{given:?}"),
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{given:?}: {found}"),
                (found, expected) => panic!("{given:?}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
