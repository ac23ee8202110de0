use super::*;
use serde_json::{Value, json};

fn parameters(declared: Value) -> BTreeMap<String, Parameter> {
    serde_json::from_value(declared).unwrap()
}

fn template(text: &str, declared: Value) -> Result<Template, String> {
    let made = Template::new(TemplateLanguage::Java, text.to_owned(), parameters(declared));
    made.map_err(|errors| errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect::<Vec<_>>().join("; "))
}

fn values(given: Value) -> BTreeMap<String, Value> {
    serde_json::from_value(given).unwrap()
}

#[test]
fn code_goes_in_as_it_is_and_values_as_tokens() {
    let text =
        "class {{ name }} {\n  String p = \"{{prefix}}\"; long n = {{n}};\n{{content}}\n  Map m = new HashMap() {{ put(1, 2); }};\n}\n";
    let declared = json!({
        "name": {"type": "identifier", "default": "Clean"}, "prefix": {"type": "string"},
        "n": {"type": "integer", "minimum": 1, "default": 5}, "content": {"type": "code"},
    });
    let template = template(text, declared).unwrap();
    let filled = template.complete(&values(json!({"prefix": "a\"\n{{n}}", "content": "  int x = {{n}};\n  y();"}))).unwrap();
    let expected = "class Clean {\n  String p = \"a\\\"\\n{{n}}\"; long n = 5;\n  int x = {{n}};\n  y();\n  Map m = new HashMap() {{ put(1, 2); }};\n}\n";
    assert_eq!(filled.text, expected);
    let origin = |line, column| filled.lines.origin(line, column).map(|o| (o.parameter, o.line, o.column));
    assert_eq!(origin(2, Some(3)), None);
    assert_eq!(origin(3, Some(7)), Some(("content".into(), 1, Some(7))));
    assert_eq!(origin(4, Some(7)), Some(("content".into(), 2, Some(7))), "behind the last character");
    assert_eq!((origin(4, Some(8)), origin(5, Some(1))), (None, None));
    assert_eq!(origin(4, None), Some(("content".into(), 2, None)));
}

#[test]
fn code_within_a_line_maps_by_column() {
    let template = template("f({{a}}, {{b}});", json!({"a": {"type": "code"}, "b": {"type": "code"}})).unwrap();
    let filled = template.complete(&values(json!({"a": "x +\n  äy", "b": "z"}))).unwrap();
    assert_eq!(filled.text, "f(x +\n  äy, z);");
    let origin = |line, column| filled.lines.origin(line, Some(column)).map(|o| (o.parameter, o.line, o.column));
    assert_eq!(origin(1, 2), None);
    assert_eq!(origin(1, 3), Some(("a".into(), 1, Some(1))));
    assert_eq!(origin(2, 4), Some(("a".into(), 2, Some(4))));
    assert_eq!(origin(2, 7), Some(("b".into(), 1, Some(1))));
    assert_eq!(origin(3, 1), None);
}

#[test]
fn a_template_that_cannot_work_is_refused() {
    let check = |text: &str, declared: Value, expected: &str| {
        let error = template(text, declared).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("{{a}} {{b}}", json!({"a": {"type": "code"}}), "`{{b}}` is not among the parameters");
    check("{{a}}", json!({"a": {"type": "code"}, "b": {"type": "string"}}), "b: is declared, but the text has no `{{b}}`");
    check("{{a}} {{a}}", json!({"a": {"type": "code"}}), "a: is code and stands in the text 2 times");
    check("{{a}}", json!({"a": {"type": "string"}}), "none is of type `code`");
    check("{{a}} {{n}}", json!({"a": {"type": "code"}, "n": {"type": "integer", "default": "5"}}), "is \"5\", expected a whole number");
    check("{{a}} {{n}}", json!({"a": {"type": "code"}, "n": {"type": "integer", "enum": [1, true]}}), "is true, expected a whole number");
}

#[test]
fn what_does_not_fit_is_named() {
    let declared = json!({
        "c": {"type": "code"}, "id": {"type": "identifier", "default": "x"}, "n": {"type": "number", "maximum": 2.5, "default": 1},
        "mode": {"type": "string", "enum": ["fast", "safe"], "default": "safe"}, "b": {"type": "boolean", "default": false},
    });
    let template = template("{{c}}{{id}}{{n}}{{mode}}{{b}}", declared).unwrap();
    let check = |given: Value, expected: &[&str]| {
        let errors = template.complete(&values(given)).unwrap_err();
        let found: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(f, e)| f.starts_with(e)), "{found:?}");
    };
    check(json!({}), &["c: is missing and has no default"]);
    check(json!({"c": "", "d": 1}), &["d: the template has no such parameter; it has b, c, id, mode, n"]);
    check(
        json!({"c": "", "id": "a b", "n": 3, "mode": "slow"}),
        &["id: is \"a b\", expected a name", "mode: is \"slow\", expected one of", "n: is 3, expected at most 2.5"],
    );
    check(json!({"c": 1, "b": "yes"}), &["b: is \"yes\", expected true or false", "c: is 1, expected code"]);
    let python =
        Template::new(TemplateLanguage::Python, "{{c}} {{b}}".into(), parameters(json!({"c": {"type": "code"}, "b": {"type": "boolean"}})));
    assert_eq!(python.unwrap().complete(&values(json!({"c": "", "b": true}))).unwrap().text, " True");
}

#[test]
fn a_message_belongs_to_what_the_user_wrote() {
    let text = "class A {\n  int a = {{value}};\n{{none}}\n{{body}}\n}\n";
    let declared = json!({"value": {"type": "code"}, "none": {"type": "code", "default": ""}, "body": {"type": "code"}});
    let filled =
        template(text, declared).unwrap().complete(&values(json!({"value": "1 + é + x", "body": "  first\n  second line"}))).unwrap();
    assert_eq!(filled.text, "class A {\n  int a = 1 + é + x;\n\n  first\n  second line\n}\n");
    let nearest = |line, column| filled.lines.nearest(line, Some(column)).map(|o| (o.parameter, o.line, o.column.unwrap())).unwrap();
    assert_eq!(nearest(2, 11), ("value".into(), 1, 1));
    assert_eq!(nearest(2, 19), ("value".into(), 1, 9));
    assert_eq!(nearest(4, 3), ("body".into(), 1, 3));
    assert_eq!(nearest(5, 10), ("body".into(), 2, 10));
    // The closing bracket of the frame, where a compiler sees that something is missing: the end of what the user wrote.
    assert_eq!(nearest(6, 1), ("body".into(), 2, 14));
    assert_eq!(nearest(1, 1), ("value".into(), 1, 1));
    assert_eq!(nearest(3, 1), ("value".into(), 1, 10), "where nothing was written: what was written before");
    assert_eq!(filled.lines.nearest(5, None).map(|o| (o.line, o.column)), Some((2, None)));
}
