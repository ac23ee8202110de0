//! Resources as a user meets them (EXT-5): found by content, looked into in a process of their own, bounded.

use millrace_e2e::{Server, ServerOptions};
use serde_json::{Value, json};

/// What is uploaded, and what must be found in it.
#[tokio::test]
async fn files_are_what_their_content_says() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("files").await.unwrap();
    let push =
        async |name: &str, bytes: &[u8]| project.api.upload(&project.path(&format!("resources/{name}/versions")), bytes.to_vec()).await;

    let csv = "id,at,code\n1,2024-01-02 03:04:05.678,007\n2,2024-01-02 03:04:06,008\n";
    let found = push("orders", csv.as_bytes()).await.unwrap();
    let detail = &found["latest"]["detail"];
    assert_eq!((&found["kind"], &detail["format"], &detail["row_count"]), (&json!("data_package"), &json!("csv"), &json!(2)));
    let types: Vec<&str> = detail["schema"].as_array().unwrap().iter().map(|c| c["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["BIGINT", "TIMESTAMP(3)", "STRING"]);
    let preview = project.api.get(&project.path("resources/orders/versions/latest/preview")).await.unwrap();
    assert_eq!(preview["rows"][1], json!({"id": 2, "at": "2024-01-02 03:04:06", "code": "008"}));
    let content = project.api.get(&project.path("resources/orders/versions/1/content")).await.unwrap();
    assert_eq!(content, Value::from(csv));

    let lines = format!("{{\"user\": {{\"name\": \"ann\"}}, \"n\": 1.5}}\n{}", "{\"n\": 2}\n".repeat(300_000));
    let found = push("lines", lines.as_bytes()).await.unwrap();
    assert_eq!((&found["latest"]["detail"]["format"], &found["latest"]["number"]), (&json!("json_lines"), &json!(1)));
    let preview = project.api.get(&project.path("resources/lines/versions/1/preview")).await.unwrap();
    assert_eq!(preview["rows"].as_array().unwrap().len(), 100);

    // A footer that states more bytes than there are, an archive that is none, a binary, a core module.
    let parquet = [b"PAR1".as_slice(), &[0x15; 64], &u32::MAX.to_le_bytes(), b"PAR1"].concat();
    let module = wat::parse_str("(module)").unwrap();
    let cases: [(&str, &[u8], &str); 5] = [
        ("parquet", &parquet, "Parquet"),
        ("jar", b"PK\x03\x04 and no more", "the JAR archive: it is cut off"),
        ("binary", b"\x7fELF\x02\x01\x01\x00\x00", "binary and none of the known kinds"),
        ("module", &module, "component"),
        ("nothing", b"", "empty"),
    ];
    for (name, bytes, expected) in cases {
        let problem = push(name, bytes).await.expect_err(name);
        assert_eq!((problem.status, problem.code()), (422, "resource.refused"), "{name}: {problem}");
        assert!(problem.detail().contains(expected), "{name}: expected `{expected}` in {problem}");
    }
    let listed = project.api.get(&project.path("resources")).await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "nothing is left of what was refused: {listed}");
}
