//! What authors are told, by line and column of their own text; and classes in JARs.

use crate::{
    building::{build, cases, request, run},
    sandboxed::{Lines, load, open, sandbox},
};
use millrace_builder::{BuildReport, Jar, Language, SourceBuild, SourceFile, World};
use std::{collections::BTreeMap, process::Command, sync::Arc};

fn text(world: World, path: &str, text: &str) -> SourceBuild {
    let language = if path.ends_with(".scala") { Language::Scala } else { Language::Java };
    let sources = vec![SourceFile { path: path.into(), text: text.into() }];
    SourceBuild { world, language, sources, jars: Vec::new(), class: None }
}

fn told(report: &BuildReport) -> String {
    assert!(report.component.is_none(), "it was built");
    let place = |number: Option<u32>| number.map_or_else(|| "-".into(), |number| number.to_string());
    let lines = report.diagnostics.iter().map(|d| {
        format!("{}:{}:{}: {}", d.file.as_deref().unwrap_or("-"), place(d.line), place(d.column), d.message.lines().next().unwrap())
    });
    lines.collect::<Vec<_>>().join("\n")
}

const SCHEMA: &str = "public String tableSchema() { return null; }";

/// Each case: world, file, text, and a part of what must be told.
#[test]
fn mistakes_are_told_where_they_are() {
    let etl = |body: &str| format!("import millrace.api.*;\npublic class A extends ETLFunction {{\n{SCHEMA}\n{body}\n}}\n");
    let cases = [
        (
            World::EtlOperator,
            "A.java",
            etl("public void ETL(Row in, Collector<Row> out) { int x = \"a\"; }"),
            "A.java:4:55: incompatible types",
        ),
        (World::EtlOperator, "A.java", etl("public void ETL(Row in, Collector<Row> out) { foo(); }"), "A.java:4:47: cannot find symbol"),
        (World::EtlOperator, "A.java", "class B {}".into(), "-:-:-: there is no class that extends ETLFunction"),
        (
            World::EtlOperator,
            "A.scala",
            "import millrace.api._\nclass A extends ETLFunction {\n  def tableSchema(): String = 1\n}\n".into(),
            "A.scala:3:31: type mismatch",
        ),
        (
            World::ScalarFunction,
            "A.java",
            "public class A extends org.apache.flink.table.functions.ScalarFunction { public Object eval(Thread t) { return t; } }".into(),
            "there is no SQL type for",
        ),
        (
            World::AggregateFunction,
            "A.java",
            "import org.apache.flink.table.functions.*; public class A extends AggregateFunction<Long, A.Acc> { \
             public static class Acc { private long x; } public Acc createAccumulator() { return new Acc(); } \
             public Long getValue(Acc a) { return a.x; } public void accumulate(Acc a, Long v) { a.x += v; } }"
                .into(),
            "field `x` of A$Acc cannot be saved in checkpoints",
        ),
    ];
    run(async {
        for (world, path, source, expected) in cases {
            let told = told(&build(text(world, path, &source)).await);
            assert!(told.contains(expected), "expected `{expected}`, found\n{told}\nfor\n{source}");
        }
    });
}

/// A class that lies in an uploaded JAR, with another JAR's class in its way and resources beside it.
#[test]
fn classes_of_jars_are_built() {
    run(async {
        let folder = cases("etl").into_iter().find(|folder| folder.ends_with("filter")).unwrap();
        let source = request(&folder, World::EtlOperator, Language::Java);
        let jar = jar(&source.sources);
        let request = SourceBuild { sources: Vec::new(), jars: vec![jar], class: Some("acme.etl.Clean".into()), ..source };
        let report = build(request.clone()).await;
        let component = report.component.unwrap_or_else(|| panic!("{:#?}", report.diagnostics));
        let loaded = load(component).await;
        let operator = sandbox().open_etl(&loaded, open(BTreeMap::new(), Arc::new(Lines::default())), crate::etl::input_schema()).await;
        operator.unwrap_or_else(|fault| panic!("{fault}"));
        let missing = build(SourceBuild { class: Some("acme.etl.Other".into()), ..request }).await;
        assert_eq!(told(&missing), "-:-:-: there is no class `acme.etl.Other`");
    });
}

/// Compiles as an author would, against the SDK of the toolchain, and packs.
fn jar(sources: &[SourceFile]) -> Jar {
    let work = tempfile::tempdir().unwrap();
    let sdk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/java/api/src/main/java");
    let mut javac = Command::new("javac");
    javac.args(["-proc:none", "-nowarn", "-implicit:none", "-sourcepath"]).arg(sdk).arg("-d").arg(work.path().join("classes"));
    for source in sources {
        let path = work.path().join(&source.path);
        std::fs::write(&path, &source.text).unwrap();
        javac.arg(path);
    }
    assert!(javac.status().unwrap().success());
    let archive = work.path().join("clean.jar");
    let mut pack = Command::new("jar");
    assert!(pack.arg("cf").arg(&archive).arg("-C").arg(work.path().join("classes")).arg(".").status().unwrap().success());
    Jar { name: "clean.jar".into(), bytes: std::fs::read(archive).unwrap() }
}
