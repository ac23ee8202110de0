//! Hostile texts and paths: nothing panics, overflows or grows without bound, and what is written reads as the same again.

use super::{
    DEPTH_MAX, Document, Reader,
    path::{self, Mode, PathError, SelectError, Selection},
    write::{WriteError, put_value},
};
use proptest::prelude::*;

fn written(text: &str) -> Option<String> {
    let mut reader = Reader::default();
    let document = reader.read(text).ok()?;
    let mut out = String::new();
    put_value(&document, Document::ROOT, 0, &mut out).ok()?;
    Some(out)
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nesting_is_bounded_not_followed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert_eq!(written(&nested(open, close, DEPTH_MAX)), Some(nested(open, close, DEPTH_MAX)));
        assert_eq!(written(&nested(open, close, DEPTH_MAX + 1)), None);
        assert_eq!(written(&open.repeat(1_000_000)), None);
    }
    let text = nested("[", "]", DEPTH_MAX);
    let mut reader = Reader::default();
    let document = reader.read(&text).expect("a document");
    assert_eq!(put_value(&document, Document::ROOT, 1, &mut String::new()), Err(WriteError::TooDeep));
}

#[test]
fn a_damaged_document_is_an_error_or_another_document() {
    let text = r#"{"a":[1,-2.5e+3,"x\u00e9\\",null,true,false,{"b":{},"c":[]}],"a":"\ud83d\ude00","d e":0.10}"#;
    for end in 0..text.len() {
        assert_eq!(written(&text[..end]), None, "cut at {end}");
        for replacement in ['"', '\\', '{', '}', '[', ']', ',', ':', '0', 'e', '\u{1}', 'é'] {
            let mut damaged: Vec<char> = text.chars().collect();
            damaged[end.min(text.chars().count() - 1)] = replacement;
            let damaged: String = damaged.into_iter().collect();
            if let Some(again) = written(&damaged) {
                assert_eq!(written(&again).as_ref(), Some(&again), "{damaged}");
            }
        }
    }
}

#[test]
fn repeated_keys_keep_their_first_place_and_last_value() {
    let many: Vec<String> = (0..40).map(|i| format!("\"k{}\":{i}", i % 25)).collect();
    let text = format!("{{{},\"o\":{{\"x\":[1],\"y\":2,\"x\":{{\"x\":3}}}}}}", many.join(","));
    let mut reader = Reader::default();
    let document = reader.read(&text).expect("a document");
    let members: Vec<(&str, Option<&str>)> = document.members(Document::ROOT).map(|(key, at)| (key, document.number(at))).collect();
    assert_eq!(members.len(), 26);
    assert_eq!(members[3], ("k3", Some("28")));
    assert_eq!(members[20], ("k20", Some("20")));
    assert_eq!(document.count(Document::ROOT), 26);
    assert_eq!(written(r#"{"x":[1],"y":2,"x":{"x":3,"x":4}}"#).as_deref(), Some(r#"{"x":{"x":4},"y":2}"#));
}

fn compile(text: &str) -> Result<(), PathError> {
    path::compiled(text).steps.as_ref().map(|_| ()).map_err(Clone::clone)
}

#[test]
fn long_and_deep_paths_are_refused() {
    let refused = |path: String| matches!(compile(&path), Err(PathError::Unsupported(_)));
    assert!(refused(format!("${}", ".a".repeat(100_000))));
    assert!(refused(format!("${}", ".a".repeat(2_000))));
    assert!(refused(format!("$[?({}@.a == 1{})]", "(".repeat(1_000), ")".repeat(1_000))));
    assert!(refused(format!("$[?({}(@.a == 1))]", "!".repeat(1_000))));
    assert!(refused(format!("${}.a == 1{}", "[?(@".repeat(100), ")]".repeat(100))));
    assert!(compile(&format!("${}", ".a".repeat(900))).is_ok());
}

#[test]
fn a_path_that_passes_too_much_ends() {
    let text = format!("[{}{}]", nested("[", "]", 500), ",[1]".repeat(50_000));
    let mut reader = Reader::default();
    let document = reader.read(&text).expect("a document");
    let path = path::compiled("$..*[?($..a == 1)]");
    let steps = path.steps.as_ref().expect("a path");
    assert!(matches!(steps.select(&document, Mode::Strict), Err(SelectError::Limit(_))));
    let path = path::compiled("$[-2147483648:2147483647]");
    let selection = path.steps.as_ref().expect("a path").select(&document, Mode::Lax).expect("a selection");
    // Jayway counts from the end and then once more from the start.
    assert!(matches!(selection, Selection::Many(items) if items.len() == 100_002));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}|[\\[\\]{}:,\"\\\\0-9eE.+\\-a-z \\n]{0,60}") {
        if let Some(again) = written(&text) {
            prop_assert_eq!(written(&again), Some(again.clone()));
        }
    }

    #[test]
    fn no_path_makes_the_parser_or_the_walk_panic(
        path in "(lax |strict )?\\$?([.@$\\[\\]'\"*?()!=<>~&|/:,0-9a-c -]|\\.\\.|@\\.a|\\[\\?\\(|\\)\\]|length\\(\\)|null|true){0,24}"
    ) {
        let text = r#"{"a":{"b":[1,"x",null,{"c":2}],"c":"0"},"b":[[1],[]],"c":null,"a":{"a":1,"b":2}}"#;
        let mut reader = Reader::default();
        let document = reader.read(text).expect("a document");
        let path = path::compiled(&path);
        if let Ok(steps) = &path.steps {
            let _ = steps.select(&document, Mode::Lax);
            let _ = steps.select(&document, Mode::Strict);
        }
    }
}
