//! Signing in at a real OpenID provider, as a browser does it.

use super::{Answer, Browser, Server, request};
use crate::ApiConfig;
use axum::http::{Method, StatusCode, header};
use millrace_test_servers::OidcServer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CALLBACK: &str = "http://127.0.0.1:8080/api/v1/sign-in/callback";
const PROVIDER: &str = "/api/v1/tenants/acme/identity-providers/corp";

fn settings(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "client_id": OidcServer::CLIENT.0,
        "scopes": ["profile", "email", "groups"],
        "auto_provision": true,
        "allowed_domains": ["example.com"],
        "roles": [
            {"value": "data-engineers", "role": "developer", "project": "web"},
            {"role": "member"},
        ],
    })
}

/// The browser's way through the provider's pages: signs in as `name` and agrees to everything. Answers where it is sent.
async fn through_the_provider(start: &str, name: &str) -> String {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let origin = start.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let (mut url, mut form) = (start.to_owned(), None::<String>);
    for _ in 0..20 {
        let request = match form.take() {
            Some(form) => http.post(&url).header("content-type", "application/x-www-form-urlencoded").body(form),
            None => http.get(&url),
        };
        let line = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let response = request.header("cookie", line).send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        if let Some(to) = response.headers().get("location") {
            let to = to.to_str().unwrap();
            url = if to.starts_with('/') { format!("{origin}{to}") } else { to.to_owned() };
            if url.starts_with(CALLBACK) {
                return url;
            }
            continue;
        }
        let page = response.text().await.unwrap();
        form = Some(if page.contains("value=\"login\"") {
            format!("prompt=login&login={name}&password=x")
        } else {
            "prompt=consent".to_owned()
        });
    }
    panic!("the provider does not send the browser back");
}

/// Begins at our server; answers the provider's URL and the cookie.
async fn begin(server: &Server, provider: &str, return_to: &str) -> (String, String) {
    let path = format!("/api/v1/sign-in/oidc/{provider}?return_to={return_to}");
    let sent = server.send(request(None, Method::GET, &path, &Value::Null, None)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
    let cookie = sent.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    (sent.headers[header::LOCATION].to_str().unwrap().to_owned(), cookie)
}

/// Comes back to our server.
async fn come_back(server: &Server, url: &str, cookie: &str) -> Answer {
    let mut back = request(None, Method::GET, url.strip_prefix("http://127.0.0.1:8080").unwrap(), &Value::Null, None);
    back.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    server.send(back).await
}

async fn sign_in(server: &Server, provider: &str, name: &str) -> Answer {
    let (url, cookie) = begin(server, provider, "/").await;
    let back = through_the_provider(&url, name).await;
    come_back(server, &back, &cookie).await
}

fn browser(answer: &Answer) -> Browser {
    let set: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap().split(';').next().unwrap()).collect();
    let csrf = set.iter().find_map(|pair| pair.strip_prefix("millrace_csrf=")).unwrap().to_owned();
    Browser { tenant: None, name: String::new(), cookies: set.join("; "), csrf }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_real_provider_come_in_as_its_claims_say() {
    let provider = OidcServer::start(CALLBACK).unwrap();
    let server = Server::start().await;
    server.furnish("acme").await;
    let body = json!({"settings": settings(&provider.issuer()), "client_secret": OidcServer::CLIENT.1});
    let made = server.call(&server.admin, Method::PUT, PROVIDER, body.clone()).await.ok();
    assert_eq!((&made["redirect_uri"], &made["has_client_secret"]), (&json!(CALLBACK), &json!(true)));
    assert!(!made.to_string().contains(OidcServer::CLIENT.1));
    let listed = server.send(request(None, Method::GET, "/api/v1/sign-in/providers?tenant=acme", &Value::Null, None)).await.ok();
    let id = made["id"].as_str().unwrap();
    assert_eq!(listed["items"], json!([{"name": "corp", "url": format!("/api/v1/sign-in/oidc/{id}")}]));
    for tenant in ["?tenant=nobody", ""] {
        let none = server.send(request(None, Method::GET, &format!("/api/v1/sign-in/providers{tenant}"), &Value::Null, None)).await;
        assert_eq!(none.ok(), json!({"items": []}));
    }

    let (url, cookie) = begin(&server, id, "/t/acme").await;
    assert!(url.contains("code_challenge_method=S256") && url.contains("nonce=") && url.contains("state="), "{url}");
    let back = through_the_provider(&url, "dev.ann").await;
    let stranger = come_back(&server, &back, "millrace_sign_in=guess").await;
    assert_eq!(stranger.problem(), (400, "sign_in.unknown_flow"), "another browser cannot use the code");
    let signed_in = come_back(&server, &back, &cookie).await;
    assert_eq!(
        (signed_in.status, &signed_in.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/t/acme".parse().unwrap()),
        "{signed_in:?}"
    );
    let ann = browser(&signed_in);
    let me = server.browse(&ann, Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert_eq!((&me["name"], &me["email"]), (&json!("dev-ann"), &json!("dev.ann@example.com")));
    assert_eq!(me["display_name"], "dev.ann of the River");
    let roles: Vec<_> = me["grants"].as_array().unwrap().iter().map(|g| g["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["developer", "member"]);
    assert_eq!(me["session"]["method"], id);
    assert_eq!(
        server.browse(&ann, Method::POST, "/api/v1/tenants/acme/projects/web/jobs", json!({"name": "x"})).await.status,
        StatusCode::CREATED
    );
    let again = come_back(&server, &back, &cookie).await;
    assert_eq!(again.problem(), (400, "sign_in.unknown_flow"), "a sign-in is answered once");
    let second = server.browse(&browser(&sign_in(&server, id, "dev.ann").await), Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert_eq!(second["user"], me["user"], "the same subject is the same user");

    for (name, reason) in [("stranger", "elsewhere.example"), ("unverified", "verified an address")] {
        let refused = sign_in(&server, id, name).await;
        assert_eq!(refused.problem(), (401, "sign_in.failed"), "{name}");
        assert!(refused.body["detail"].as_str().unwrap().contains(reason), "{refused:?}");
    }
    // A name that somebody here has already is somebody else's.
    let namesake = browser(&sign_in(&server, id, "ann").await);
    let me = server.browse(&namesake, Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert_eq!(me["name"], "ann-2");
    let etag = server.get(&server.admin, "/api/v1/tenants/acme/users/ann-2").await.headers[header::ETAG].to_str().unwrap().to_owned();
    let off = request(Some(&server.admin), Method::PATCH, "/api/v1/tenants/acme/users/ann-2", &json!({"enabled": false}), Some(&etag));
    server.send(off).await.ok();
    assert_eq!(sign_in(&server, id, "ann").await.problem(), (401, "sign_in.failed"), "who is disabled stays out");

    let mut closed = body.clone();
    closed["settings"]["auto_provision"] = json!(false);
    closed["client_secret"] = Value::Null;
    server.call(&server.admin, Method::PUT, PROVIDER, closed).await.ok();
    assert_eq!(sign_in(&server, id, "newcomer").await.problem(), (401, "sign_in.failed"));
    let link = json!({"user": "ann", "subject": "newcomer"});
    let linked = server.post(&server.admin, &format!("{PROVIDER}/identities"), link).await;
    assert_eq!(linked.status, StatusCode::NO_CONTENT);
    let known = browser(&sign_in(&server, id, "newcomer").await);
    assert_eq!(server.browse(&known, Method::GET, "/api/v1/me", Value::Null).await.ok()["name"], "ann");
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=session.sign_in&limit=200").await.ok();
    let outcomes: Vec<_> = audit["items"].as_array().unwrap().iter().map(|e| e["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|o| **o == "refused").count(), 4, "{audit}");

    let mut wrong = body;
    wrong["client_secret"] = json!("another secret");
    server.call(&server.admin, Method::PUT, PROVIDER, wrong).await.ok();
    let refused = sign_in(&server, id, "dev.ann").await;
    assert_eq!(refused.problem(), (502, "sign_in.provider"));
    assert!(!refused.body.to_string().contains("invalid_client"), "what a provider says is for the log");
}

/// A secret is for the issuer to whom it was given: another one would get it at the first sign-in.
#[tokio::test]
async fn a_secret_stays_with_its_issuer() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let put = async |issuer: &str, secret: Value| {
        let settings = json!({"issuer": issuer, "client_id": "millrace", "enabled": false});
        server.call(&server.admin, Method::PUT, PROVIDER, json!({"settings": settings, "client_secret": secret})).await
    };
    put("https://id.example.com", json!("hunter2")).await.ok();
    assert_eq!(put("https://id.example.com", Value::Null).await.ok()["has_client_secret"], true);
    let moved = put("https://evil.example.com", Value::Null).await;
    assert_eq!((moved.problem(), &moved.body["errors"][0]["field"]), ((422, "identity_provider.secret_moved"), &json!("client_secret")));
    assert_eq!(put("https://other.example.com", json!("")).await.ok()["has_client_secret"], false);
    assert_eq!(put("https://third.example.com", Value::Null).await.ok()["has_client_secret"], false, "there is none to keep");
}

/// What a provider is not allowed to be, and that the answer does not map the network.
#[tokio::test]
async fn providers_are_where_data_sources_may_be() {
    let server = Server::with(ApiConfig { public_url: "https://millrace.example.com".into(), ..ApiConfig::default() }).await;
    server.furnish("acme").await;
    let put = async |issuer: String| {
        let settings = json!({"issuer": issuer, "client_id": "millrace"});
        server.call(&server.admin, Method::PUT, PROVIDER, json!({"settings": settings, "client_secret": ""})).await
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "169.254.169.254", "[::1]"] {
        let refused = put(format!("https://{host}:{port}")).await;
        assert_eq!(refused.problem(), (422, "sign_in.provider"), "{host}");
        assert!(refused.body["detail"].as_str().unwrap().contains("source-networks-allowed"), "{refused:?}");
    }
    let (open, closed) = (put(format!("https://localhost:{port}")).await, put("https://localhost:1".into()).await);
    let detail = |answer: &Answer| answer.body["detail"].as_str().unwrap().split(" does not").nth(1).unwrap().to_owned();
    assert_eq!((open.status, detail(&open)), (closed.status, detail(&closed)), "an open port answers as a closed one");
}

#[tokio::test]
async fn providers_that_cannot_be_are_refused() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let put = async |settings: Value| server.call(&admin, Method::PUT, PROVIDER, json!({"settings": settings})).await;
    let with = |name: &str, value: Value| {
        let mut settings = settings("https://id.example.com");
        settings[name] = value;
        settings
    };
    for (settings, code) in [
        (with("issuer", json!("http://id.example.com")), (422, "sign_in.provider")),
        (with("issuer", json!("http://127.0.0.1:1")), (502, "sign_in.provider")),
        (with("client_id", json!("")), (422, "request.invalid")),
        (with("allowed_domains", json!(["@example.com"])), (422, "request.invalid")),
        (with("roles", json!([{"role": "platform_admin"}])), (422, "request.invalid")),
        (with("roles", json!([{"role": "king"}])), (422, "request.invalid")),
        (with("surprise", json!(1)), (422, "request.invalid_body")),
    ] {
        assert_eq!(put(settings.clone()).await.problem(), code, "{settings}");
    }
    let mut off = settings("https://id.example.com");
    off["enabled"] = json!(false);
    let made = put(off).await.ok();
    let begin = format!("/api/v1/sign-in/oidc/{}", made["id"].as_str().unwrap());
    let get = async |path: &str| server.send(request(None, Method::GET, path, &Value::Null, None)).await;
    assert_eq!(get(&begin).await.problem(), (404, "identity_provider.not_found"));
    assert_eq!(get("/api/v1/sign-in/oidc/idp_none").await.problem(), (404, "identity_provider.not_found"));
    for path in ["//evil.example", "https://evil.example", "/%5Cevil"] {
        assert_eq!(get(&format!("{begin}?return_to={path}")).await.problem(), (422, "request.invalid"), "{path}");
    }
    for query in ["", "?state=x", "?code=y&state=x", "?error=access_denied&state=x"] {
        assert_eq!(get(&format!("/api/v1/sign-in/callback{query}")).await.problem(), (400, "sign_in.unknown_flow"), "{query}");
    }
    assert_eq!(server.call(&admin, Method::DELETE, PROVIDER, Value::Null).await.status, StatusCode::NO_CONTENT);
}
