//! Paths and names in what strangers send to be built: they lead nowhere.

use millrace_builder::{
    Language, SourceBuild, SourceFile, World,
    sources::{SourceLimits, check_sources},
};

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
