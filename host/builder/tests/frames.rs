//! Frames around a user's parts (EXT-2): diagnostics have the line and column of what the user wrote.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use millrace_builder::{
    Diagnostic, Language, Severity, SourceBuild, SourceFile, World,
    frame::{DEFAULT_FRAMES, DefaultFrame, Frame, FrameError},
    sources::{SourceLimits, check_sources},
};
use std::collections::BTreeMap;

fn parts(parts: &[(&str, &str)]) -> BTreeMap<String, String> {
    parts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn diagnostic(line: u32, column: u32) -> Diagnostic {
    let message = "wrong".to_owned();
    Diagnostic {
        severity: Severity::Error,
        file: Some("A.java".into()),
        line: Some(line),
        column: Some(column),
        method: None,
        message,
        help: None,
    }
}

#[test]
fn a_diagnostic_points_into_the_users_part() {
    let frame = Frame { path: "A.java", text: "class A {\n  int a = {{value:a number}};\n{{body}}\n}\n" };
    let filled = frame.fill(&parts(&[("value", "1 + é + x"), ("body", "  first\n  second line")]), &[]).unwrap();
    assert_eq!(filled.source.text, "class A {\n  int a = 1 + é + x;\n  first\n  second line\n}\n");
    let mapped = |line, column| {
        let found = filled.in_parts(diagnostic(line, column));
        (found.file.unwrap(), found.line.unwrap(), found.column.unwrap())
    };
    assert_eq!(mapped(2, 11), ("value".into(), 1, 1));
    assert_eq!(mapped(2, 19), ("value".into(), 1, 9));
    assert_eq!(mapped(3, 3), ("body".into(), 1, 3));
    assert_eq!(mapped(4, 10), ("body".into(), 2, 10));
    // The closing bracket of the frame, where a compiler sees that something is missing: the end of what the user wrote.
    assert_eq!(mapped(5, 1), ("body".into(), 2, 14));
    assert_eq!(mapped(1, 1), ("value".into(), 1, 1));
    let elsewhere = Diagnostic { file: Some("B.java".into()), ..diagnostic(1, 1) };
    assert_eq!(filled.in_parts(elsewhere.clone()), elsewhere);
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let frame = Frame { path: "A.java", text: "{{imports}} {{body}}" };
    let missing = frame.fill(&parts(&[]), &["imports"]).unwrap_err();
    assert_eq!(missing.to_string(), "the part `body` is missing; the frame has imports, body");
    let unknown = frame.fill(&parts(&[("bodi", "")]), &[]).unwrap_err();
    assert_eq!(unknown.to_string(), "the frame has no part `bodi`; it has imports, body");
    for malformed in ["{{", "{{}}", "{{a b}}"] {
        assert!(matches!(Frame { path: "A.java", text: malformed }.parts(), Err(FrameError::Malformed(_))), "{malformed}");
    }
}

#[test]
fn every_default_frame_can_be_filled() {
    for default in &DEFAULT_FRAMES {
        let names = default.frame.parts().unwrap();
        assert_eq!(names, ["imports", "members", "tableSchema", "ETL"]);
        assert_eq!(DefaultFrame::of(default.world, default.language), Some(default));
        let filled = default.frame.fill(&parts(&[("tableSchema", "return \"{}\";"), ("ETL", "return null;")]), default.optional).unwrap();
        assert!(filled.source.text.contains("return null;"));
    }
}

fn checked(path: &str, text: &str, class: Option<&str>) -> String {
    let sources = vec![SourceFile { path: path.into(), text: text.into() }];
    let build =
        SourceBuild { world: World::EtlOperator, language: Language::Java, sources, jars: Vec::new(), class: class.map(str::to_owned) };
    check_sources(&build, &SourceLimits::default()).iter().map(|d| format!("{:?}:{:?} {}", d.line, d.column, d.message)).collect()
}

#[test]
fn paths_and_names_lead_nowhere() {
    assert_eq!(checked("acme/A.java", "class A {}", Some("acme.A$B")), "");
    for path in ["../A.java", "/A.java", "a/../A.java", "a//A.java", ".A.java", "-d.java", "A.java\n", "A.scala", "a b.java", "@args.java"]
    {
        assert!(checked(path, "", None).contains("path must"), "{path}");
    }
    for class in ["", "a..b", "a/b", "a\"", "1a", "a;b", "a\n#include", "*/"] {
        assert!(checked("A.java", "", Some(class)).contains("not the name of a class"), "{class}");
    }
    assert!(checked("A.java", &"(".repeat(300), None).starts_with("Some(1):Some(201) brackets are nested"));
    assert!(checked("A.java", "x\n import scala.reflect.macros.Context", None).starts_with("Some(2):Some(9) macros are not allowed"));
}
