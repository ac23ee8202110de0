//! Components that do not fit or do harm: refused clearly at upload, or held while a neighbour works on unharmed.

use crate::kafka;
use millrace_e2e::{Pipeline, PipelineOptions, Server, ServerOptions, until};
use serde_json::json;

/// What is uploaded, and what the refusal must say.
#[tokio::test]
async fn components_that_do_not_fit_are_refused_at_upload() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("uploads").await.unwrap();
    let text = |wat: &str| wat::parse_str(wat).expect("text of a component");
    let other_version = r#"(component
        (component $c)
        (instance $i (instantiate $c))
        (export "millrace:plugin/etl@9.0.0" (instance $i)))"#;
    let cases = [
        ("another contract version", text(other_version), "9.0.0"),
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
    let mut hostile = Pipeline::make(&api, &kafka(), PipelineOptions::default()).await.unwrap();
    hostile.project.upload_plugin("bench-filter", endless_process()).await.unwrap();
    hostile.project.submit(millrace_e2e::JOB).await.unwrap();

    good.launch_fresh().await.unwrap();
    hostile.kafka.send_events(&hostile.input, 0..10_000, 2).unwrap();
    hostile.launch(json!({"from": "fresh"}), json!({})).await.unwrap();
    let status = until("the fault of the hostile component is reported", 60, async || {
        let status = hostile.status().await.map_err(|e| e.to_string())?;
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
    assert_eq!(hostile.kafka.read_all(&hostile.output).unwrap(), [], "the hostile component has let nothing pass");
}

/// The component of `tests/hostile` that loops in `process`.
fn endless_process() -> Vec<u8> {
    millrace_e2e::component("endless-process").unwrap()
}
