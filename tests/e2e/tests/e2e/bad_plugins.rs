//! Components that do not fit or do harm: refused clearly at upload, or held while a neighbour works on unharmed.

use crate::kafka;
use millrace_e2e::{Pipeline, PipelineOptions, Server, ServerOptions, until};
use serde_json::json;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// Parts that the guest looping in `process` is made of, beside its own.
const LOOP_PRELUDE: &[&str] = &["memory", "realloc", "open", "echo", "post"];

/// The hostile guest `tests/hostile/<case>`, as a component of the contract in version `wit_version`.
fn hostile(case: &str, prelude: &[&str], wit_version: &str) -> Vec<u8> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: String| std::fs::read_to_string(repository.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let of_version = |text: String| text.replace("@0.1.0", &format!("@{wit_version}"));
    let fragments = prelude.iter().map(|name| read(format!("tests/hostile/prelude/{name}.wat")));
    let fields: String = fragments.chain([read(format!("tests/hostile/{case}/guest.wat"))]).collect();
    let mut module = wat::parse_str(of_version(format!("(module {fields})"))).unwrap();
    let contract = |file: &str| of_version(read(format!("wit/millrace-plugin-0.1.0/{file}")));
    // The package is declared once in a document.
    let further = ["capabilities.wit", "etl-operator.wit"].map(|file| contract(file).split_once(";\n").unwrap().1.to_owned());
    let text = [contract("types.wit"), further.concat()].concat();
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("contract.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("etl-operator")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// What is uploaded, and what the refusal must say.
#[tokio::test]
async fn components_that_do_not_fit_are_refused_at_upload() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("uploads").await.unwrap();
    let text = |wat: &str| wat::parse_str(wat).expect("text of a component");
    let cases = [
        ("another contract version", hostile("loop-in-process", LOOP_PRELUDE, "9.0.0"), "9.0.0"),
        ("no component", b"this is not WebAssembly".to_vec(), ""),
        ("a core module", text("(module)"), "component"),
        ("an empty component", text("(component)"), "etl"),
        ("nothing", Vec::new(), ""),
    ];
    for (number, (what, bytes, expected)) in cases.into_iter().enumerate() {
        let problem = project.upload_plugin(&format!("bad-{number}"), bytes).await.expect_err(what);
        assert!((400..500).contains(&problem.status), "{what}: {problem}");
        assert!(!problem.code().is_empty() && !problem.detail().is_empty(), "{what}: {problem}");
        assert!(problem.detail().contains(expected), "{what}: expected `{expected}` in {problem}");
    }
}

/// A component that never returns from `process`, beside a good job on the same server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_component_does_not_harm_its_neighbour() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let mut good = Pipeline::make(&api, &kafka(), PipelineOptions::default()).await.unwrap();
    let component = Some(hostile("loop-in-process", LOOP_PRELUDE, "0.1.0"));
    let mut harmful = Pipeline::make(&api, &kafka(), PipelineOptions { component, ..PipelineOptions::default() }).await.unwrap();

    good.launch_fresh().await.unwrap();
    harmful.kafka.send_events(&harmful.input, 0..10_000, 2).unwrap();
    harmful.launch(json!({"from": "fresh"}), json!({})).await.unwrap();
    let status = until("the fault of the hostile component is reported", 60, async || {
        let status = harmful.status().await.map_err(|e| e.to_string())?;
        let text = status.to_string();
        if text.contains("filter") && (text.contains("fuel") || text.contains("time") || text.contains("interrupt")) {
            Ok(status)
        } else {
            Err(text)
        }
    });
    status.await.unwrap();

    good.kafka.send_events(&good.input, 0..50_000, 2).unwrap();
    good.await_output(50_000, 60).await.unwrap();
    let status = good.status().await.unwrap();
    assert_eq!(status["state"], "running", "{status}");
    good.stop_with_savepoint(60).await.unwrap();
    good.check_output(50_000).unwrap();
    assert_eq!(harmful.kafka.read_all(&harmful.output).unwrap(), [], "the hostile component has let nothing pass");
}
