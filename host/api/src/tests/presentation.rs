//! What a palette shows of plugins and functions (EXT-7).

use super::{Server, request};
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";
const SVG: &[u8] = br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><!-- drawn --><path d="M0 0h16v16z"/></svg>"#;
const FORM: &[u8] = br#"{"type": "object", "properties": {"z": {"type": "integer", "default": 1}, "a": {"type": "string"}}}"#;

#[tokio::test]
async fn a_plugin_is_pushed_with_all_that_a_palette_shows() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let versions = format!("{PROJECT}/plugins/fees/versions");
    let parts: [(&str, &[u8]); 4] =
        [("icon", SVG), ("component", b"\0asm fees"), ("parameters", FORM), ("documentation", b"# Fees\n\nAdds fees.\n")];
    let made = server.upload_parts(&token, &format!("{versions}?description=fees"), &parts).await;
    assert_eq!((made.status, &made.body["latest"]["number"]), (StatusCode::CREATED, &json!(1)));
    let listed = server.get(&token, &format!("{PROJECT}/plugins")).await.ok();
    let latest = listed["items"].as_array().unwrap().iter().find(|p| p["name"] == "fees").unwrap()["latest"].clone();
    assert_eq!((&latest["summary"], &latest["parameters"]["properties"]["z"]["default"]), (&json!("Adds fees."), &json!(1)));

    let icon = server.get(&token, latest["icon_url"].as_str().unwrap()).await;
    let text = icon.body.as_str().unwrap();
    assert_eq!(text, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M0 0h16v16z"/></svg>"#);
    let header = |name| icon.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(header::CONTENT_TYPE), "image/svg+xml");
    assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(header(header::CONTENT_SECURITY_POLICY), "default-src 'none'; sandbox");
    assert_eq!(header(header::CACHE_CONTROL), "private, no-cache");
    let mut again = request(Some(&token), Method::GET, latest["icon_url"].as_str().unwrap(), &Value::Null, None);
    again.headers_mut().insert(header::IF_NONE_MATCH, icon.headers[header::ETAG].clone());
    assert_eq!(server.send(again).await.status, StatusCode::NOT_MODIFIED);
    let documentation = server.get(&token, latest["documentation_url"].as_str().unwrap()).await.ok();
    assert_eq!(documentation, json!({"number": 1, "text": "# Fees\n\nAdds fees.\n"}));

    // The same component with another icon; what is not given stays, an empty part goes.
    let other = String::from_utf8(SVG.to_vec()).unwrap().replace("h16", "h8");
    let second = server.upload_parts(&token, &versions, &[("icon", other.as_bytes()), ("documentation", b"")]).await.ok()["latest"].clone();
    assert_eq!((&second["number"], &second["content_hash"], &second["summary"]), (&json!(2), &latest["content_hash"], &json!("")));
    assert_eq!((&second["documentation_url"], &second["parameters"]), (&Value::Null, &latest["parameters"]));
    // Alone, as before.
    let third = server.upload(&token, &versions, b"\0asm fees, longer").await.ok()["latest"].clone();
    assert_eq!((&third["number"], &third["parameters"]), (&json!(3), &latest["parameters"]));
    assert_eq!(server.get(&token, &format!("{versions}/2/documentation")).await.problem(), (404, "documentation.not_found"));
    assert_eq!(server.get(&token, &format!("{versions}/9/icon")).await.problem(), (404, "version.not_found"));
    assert_eq!(server.call(&token, Method::DELETE, &format!("{versions}/1"), Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&token, &format!("{versions}/1/icon")).await.problem(), (404, "version.not_found"));
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused_by_name() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let versions = format!("{PROJECT}/plugins/fees/versions");
    let component: (&str, &[u8]) = ("component", b"\0asm fees");
    for (part, code, words) in [
        (
            ("icon", &b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><script/></svg>"[..]),
            422,
            "`icon`: SVG: has the element `script`",
        ),
        (("icon", b"GIF89a"), 422, "`icon`: is neither PNG nor SVG"),
        (("parameters", b"{\"type\": \"array\"}"), 422, "`parameters`: `/type`: is \"array\", expected \"object\""),
        (("parameters", b"\xff"), 422, "`parameters`: is no text in UTF-8"),
        (("documentation", &[b'x'; (128 << 10) + 1]), 422, "`documentation`: has 131073 bytes, expected at most 131072"),
        (("readme", b"x"), 422, "`readme`: is no part of an upload, expected one of component, icon, parameters, documentation"),
        (("component", b"\0asm"), 422, "`component`: is given twice"),
    ] {
        let answer = server.upload_parts(&token, &versions, &[component, part]).await;
        assert_eq!(answer.problem().0, code, "{answer:?}");
        assert!(answer.body["detail"].as_str().unwrap().contains(words), "{answer:?}");
    }
    let nothing = server.upload_parts(&token, &versions, &[("icon", SVG)]).await;
    assert_eq!(nothing.problem(), (404, "plugin.not_found"), "a new plugin needs a component");
    let mut broken = request(Some(&token), Method::POST, &versions, &json!({}), None);
    broken.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
    assert_eq!(server.send(broken).await.problem(), (400, "request.malformed"));
}

#[tokio::test]
async fn a_function_shows_what_its_plugin_does_or_what_it_is_given() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let parts: [(&str, &[u8]); 3] = [("component", b"\0asm scalar"), ("icon", SVG), ("documentation", b"Adds.")];
    server.upload_parts(&token, &format!("{PROJECT}/plugins/add/versions"), &parts).await.ok();
    let versions = format!("{PROJECT}/functions/clean/versions");
    let first = server.post(&token, &versions, json!({"plugin": "add"})).await.ok();
    assert_eq!((&first["summary"], first["icon_url"].is_string()), (&json!("Adds."), true));
    let icon = server.get(&token, first["icon_url"].as_str().unwrap()).await;
    assert_eq!((icon.status, icon.headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, "image/svg+xml"));
    let second = server.post(&token, &versions, json!({"plugin": "add", "icon_base64": "", "documentation": "Adds two."})).await.ok();
    assert_eq!((&second["number"], &second["icon_url"], &second["summary"]), (&json!(2), &Value::Null, &json!("Adds two.")));
    let text = server.get(&token, second["documentation_url"].as_str().unwrap()).await.ok()["text"].clone();
    assert_eq!(text, "Adds two.");
    let wrong = server.post(&token, &versions, json!({"plugin": "add", "icon_base64": "R0lG"})).await;
    assert_eq!(wrong.problem(), (422, "presentation.invalid"));
    let shared = "/api/v1/tenants/acme/functions/shared/versions";
    let admin = server.token("acme", "tenant_admin", None).await;
    let of_tenant = server.post(&admin, shared, json!({"plugin": "add", "project": "web"})).await.ok();
    assert!(of_tenant["icon_url"].as_str().unwrap().ends_with("/versions/1/icon"));
    assert_eq!(server.get(&admin, of_tenant["icon_url"].as_str().unwrap()).await.status, StatusCode::OK);
    let seen = server.get(&token, &format!("{PROJECT}/functions/shared")).await.ok()["latest"]["icon_url"].clone();
    assert!(seen.as_str().unwrap().contains("/projects/"), "a member of the project asks there: {seen}");
    assert_eq!(server.get(&token, seen.as_str().unwrap()).await.status, StatusCode::OK);
}
