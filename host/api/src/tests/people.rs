//! Users, sign-in, sessions, own tokens: who comes in, and who does not.

use super::{Browser, PASSWORD, Server, request};
use axum::http::{Method, StatusCode, header};
use millrace_store::TokenSecret;
use serde_json::{Value, json};

const USERS: &str = "/api/v1/tenants/acme/users";
const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

#[tokio::test]
async fn a_person_comes_in_works_and_leaves() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let made = server.post(&server.admin, USERS, json!({"name": "bob", "roles": [{"role": "developer", "project": "web"}]})).await;
    assert_eq!((made.status, &made.body["state"]), (StatusCode::CREATED, &json!("active")));
    let once = made.body["one_time_password"].as_str().unwrap();
    let mut bob = Browser { tenant: Some("acme".into()), name: "bob".into(), cookies: String::new(), csrf: String::new() };
    let first = server.sign_in(&mut bob, once).await;
    let cookies: Vec<_> = first.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies[0].contains("; HttpOnly") && cookies[0].contains("SameSite=Lax"), "{cookies:?}");
    assert_eq!(first.ok()["must_change_password"], true);
    let early = server.browse(&bob, Method::GET, &format!("{PROJECT}/jobs"), Value::Null).await;
    assert_eq!(early.problem(), (403, "password.must_change"));
    assert_eq!(server.browse(&bob, Method::GET, "/api/v1/me", Value::Null).await.ok()["must_change_password"], true);
    for (current, new, field) in
        [("wrong", PASSWORD, "current"), (once, "short", "new"), (once, "bob-bob-bob-bob", "new"), (once, once, "new")]
    {
        let body = json!({"current": current, "new": new});
        let refused = server.browse(&bob, Method::PUT, "/api/v1/me/password", body).await;
        assert_eq!(refused.problem(), (422, "password.refused"), "{new}");
        assert_eq!(refused.body["errors"][0]["field"], field, "{new}");
    }
    let body = json!({"current": once, "new": PASSWORD});
    assert_eq!(server.browse(&bob, Method::PUT, "/api/v1/me/password", body).await.status, StatusCode::NO_CONTENT);

    let me = server.browse(&bob, Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert_eq!((&me["kind"], &me["name"], &me["csrf_token"]), (&json!("person"), &json!("bob"), &json!(bob.csrf)));
    assert_eq!((&me["tenants"][0]["name"], &me["tenants"][0]["roles"]), (&json!("acme"), &json!([])));
    assert_eq!((&me["projects"][0]["name"], &me["projects"][0]["roles"]), (&json!("web"), &json!(["developer"])));
    let allowed = me["projects"][0]["allowed_actions"].as_array().unwrap();
    assert!(allowed.contains(&json!("job.create")) && !allowed.contains(&json!("project.archive")), "{allowed:?}");
    let job = json!({"name": "mine"});
    assert_eq!(server.browse(&bob, Method::POST, &format!("{PROJECT}/jobs"), job).await.status, StatusCode::CREATED);
    let project = server.browse(&bob, Method::GET, PROJECT, Value::Null).await.ok();
    assert!(project["allowed_actions"].as_array().unwrap().contains(&json!("job.create")));
    assert_eq!(project["services"], json!(["stream_computing", "data_governance"]));

    let out = server.browse(&bob, Method::POST, "/api/v1/sign-out", Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(server.browse(&bob, Method::GET, "/api/v1/me", Value::Null).await.problem(), (401, "token.required"));
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?actor=bob&limit=200").await.ok();
    let mut words: Vec<_> = audit["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    words.reverse();
    assert_eq!(words, ["session.sign_in", "request.refused", "password.change", "job.create", "session.sign_out"]);
    let all = server.get(&server.admin, "/api/v1/tenants/acme/audit?limit=200").await.ok().to_string();
    assert!(!all.contains(once) && !all.contains(PASSWORD) && !all.contains(&bob.csrf), "no secrets in the log");
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_are_told_apart_by_nobody() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.person(Some("acme"), "bob", json!([])).await;
    let carla = server.person(Some("acme"), "carla", json!([])).await;
    let etag = server.get(&server.admin, &format!("{USERS}/carla")).await.headers[header::ETAG].to_str().unwrap().to_owned();
    let off = request(Some(&server.admin), Method::PATCH, &format!("{USERS}/carla"), &json!({"enabled": false}), Some(&etag));
    assert_eq!(server.send(off).await.ok()["state"], "disabled");
    assert_eq!(server.browse(&carla, Method::GET, "/api/v1/me", Value::Null).await.problem(), (401, "token.required"));
    let attempt = async |tenant: Option<&str>, name: &str, password: &str| {
        let body = json!({"tenant": tenant, "name": name, "password": password});
        server.send(request(None, Method::POST, "/api/v1/sign-in", &body, None)).await
    };
    let known = attempt(Some("acme"), "bob", "wrong").await;
    assert_eq!(known.problem(), (401, "sign_in.failed"));
    for (tenant, name, password) in [
        (Some("acme"), "nobody", PASSWORD),
        (Some("acme"), "carla", PASSWORD),
        (Some("acme"), "ann", ""),
        (Some("bolt"), "bob", PASSWORD),
        (None, "bob", PASSWORD),
        (Some("acme"), "Robert'); DROP TABLE users;--", PASSWORD),
    ] {
        let answer = attempt(tenant, name, password).await;
        assert_eq!((answer.problem(), &answer.body["detail"]), ((401, "sign_in.failed"), &known.body["detail"]), "{name}");
    }
    for account in ["bob", "nobody"] {
        for _ in 0..5 {
            attempt(Some("acme"), account, "wrong").await;
        }
        let slowed = attempt(Some("acme"), account, PASSWORD).await;
        assert_eq!(slowed.problem(), (429, "sign_in.too_many"), "{account}");
        let seconds: i64 = slowed.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
    let refused = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=session.sign_in&outcome=refused").await.ok();
    assert!(refused["items"].as_array().unwrap().len() >= 5);
    assert!(!refused.to_string().contains("DROP TABLE") && !refused.to_string().contains("nobody"), "what was typed is not in the log");
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let bob = server.person(Some("acme"), "bob", json!([{"role": "tenant_admin"}])).await;
    let by_cookie = |extra: &[(&'static str, &str)]| {
        let mut request = request(None, Method::POST, "/api/v1/tenants/acme/projects", &json!({"name": "evil"}), None);
        request.headers_mut().insert(header::COOKIE, bob.cookies.parse().unwrap());
        for (name, value) in extra {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    assert_eq!(server.send(by_cookie(&[])).await.problem(), (403, "request.csrf"));
    assert_eq!(server.send(by_cookie(&[("x-csrf-token", "guess")])).await.problem(), (403, "request.csrf"));
    let foreign = by_cookie(&[("x-csrf-token", &bob.csrf), ("origin", "https://evil.example")]);
    assert_eq!(server.send(foreign).await.problem(), (403, "request.foreign_origin"));
    let own = by_cookie(&[("x-csrf-token", &bob.csrf), ("origin", "http://127.0.0.1:8080")]);
    assert_eq!(server.send(own).await.status, StatusCode::CREATED);
    let mut sign_in = request(None, Method::POST, "/api/v1/sign-in", &json!({"name": "x", "password": "y"}), None);
    sign_in.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    assert_eq!(server.send(sign_in).await.problem(), (403, "request.foreign_origin"));
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let boss = server.person(Some("acme"), "boss", json!([{"role": "tenant_admin"}])).await;
    let roles = format!("{USERS}/ann/roles");
    let read = server.browse(&boss, Method::GET, &roles, Value::Null).await;
    let etag = read.headers[header::ETAG].to_str().unwrap().to_owned();
    let several = json!({"roles": [{"role": "developer", "project": "web"}, {"role": "business_user"}]});
    assert_eq!(server.browse(&boss, Method::PUT, &roles, several.clone()).await.problem(), (428, "request.if_match"));
    let set = server.browse_if(&boss, Method::PUT, &roles, several.clone(), Some(&etag)).await;
    assert_eq!(set.body["roles"].as_array().map(Vec::len), Some(2), "{set:?}");
    let etag = set.headers[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(server.get(&server.admin, &format!("{USERS}/ann")).await.headers[header::ETAG], etag.as_str(), "the ETag goes on");
    for (body, expected) in [
        (json!({"roles": [{"role": "platform_admin"}]}), (422, "request.invalid")),
        (json!({"roles": [{"role": "developer", "tenant": "acme"}]}), (422, "request.invalid")),
        (json!({"roles": [{"role": "developer", "project": "nope"}]}), (404, "project.not_found")),
        (json!({"roles": [{"role": "owner"}]}), (422, "request.invalid_body")),
    ] {
        assert_eq!(server.browse_if(&boss, Method::PUT, &roles, body.clone(), Some(&etag)).await.problem(), expected, "{body}");
    }
    // A token that may administer but not operate gives nothing that operates, takes it from nobody, and lets nobody in.
    let half = json!({"name": "half", "role": "tenant_admin", "scopes": ["read", "write", "administer"]});
    let half = server.post(&server.admin, "/api/v1/tenants/acme/tokens", half).await.ok()["secret"].as_str().unwrap().to_owned();
    let more = server.post(&half, USERS, json!({"name": "dan", "roles": [{"role": "developer"}]})).await;
    assert_eq!(more.problem(), (403, "access.forbidden"));
    let take = request(Some(&half), Method::PUT, &roles, &json!({"roles": []}), Some(&etag));
    assert_eq!(server.send(take).await.problem(), (403, "access.forbidden"));
    assert_eq!(server.post(&half, &format!("{USERS}/boss/reset-password"), Value::Null).await.problem(), (403, "access.forbidden"));
    assert_eq!(server.call(&half, Method::DELETE, &format!("{USERS}/ann"), Value::Null).await.problem(), (403, "access.forbidden"));
    server.post(&half, USERS, json!({"name": "dan", "password": false, "roles": [{"role": "member"}]})).await.ok();

    let last = server.call(&server.admin, Method::DELETE, &format!("{USERS}/boss"), Value::Null).await;
    assert_eq!(last.problem(), (409, "user.in_use"));
    let found = server.browse(&boss, Method::GET, &format!("{USERS}?search=an&with_roles=true"), Value::Null).await.ok();
    let names: Vec<_> = found["items"].as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dan", "ann"]);
    assert_eq!(found["items"][1]["roles"].as_array().unwrap().len(), 2);
    let member = server.token("acme", "member", None).await;
    let seen = server.get(&member, &format!("{USERS}/ann?")).await.ok();
    assert_eq!((&seen["email"], seen.get("roles"), &seen["allowed_actions"]), (&Value::Null, None, &json!([])));
    assert_eq!(server.call(&server.admin, Method::DELETE, &format!("{USERS}/ann"), Value::Null).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn own_tokens_are_narrower_than_their_owner() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.post(&server.admin, "/api/v1/tenants/acme/projects", json!({"name": "other"})).await.ok();
    let boss = server.person(Some("acme"), "boss", json!([{"role": "tenant_admin"}])).await;
    let own = "/api/v1/me/tokens";
    let body = json!({"name": "ci", "role": "developer", "project": "web", "scopes": ["read", "write"]});
    let issued = server.browse(&boss, Method::POST, own, body).await.ok();
    assert_eq!((&issued["owner"], &issued["role"]), (&json!("boss"), &json!("developer")));
    let token = issued["secret"].as_str().unwrap();
    server.post(token, &format!("{PROJECT}/jobs"), json!({"name": "by-token"})).await.ok();
    assert_eq!(server.get(token, "/api/v1/tenants/acme/projects/other/jobs").await.problem(), (404, "project.not_found"));
    assert_eq!(server.get(token, "/api/v1/tenants/acme/tokens").await.problem().0, 403);
    assert_eq!(server.get(token, "/api/v1/me").await.ok()["name"], "boss");
    assert_eq!(server.post(token, own, json!({"name": "more"})).await.problem(), (403, "session.required"));
    assert_eq!(server.get(token, "/api/v1/me/sessions").await.problem(), (403, "session.required"));
    let password = json!({"current": PASSWORD, "new": "another long one"});
    assert_eq!(server.call(token, Method::PUT, "/api/v1/me/password", password).await.problem(), (403, "session.required"));

    let bob = server.person(Some("acme"), "bob", json!([{"role": "developer", "project": "web"}])).await;
    for body in [json!({"name": "x", "role": "tenant_admin"}), json!({"name": "x", "role": "developer", "expires_at_ms": 1})] {
        assert_eq!(server.browse(&bob, Method::POST, own, body.clone()).await.problem(), (422, "request.invalid"), "{body}");
    }
    let hidden = json!({"name": "x", "project": "other"});
    assert_eq!(server.browse(&bob, Method::POST, own, hidden).await.problem(), (404, "project.not_found"));
    assert!(server.browse(&bob, Method::GET, own, Value::Null).await.ok()["items"].as_array().unwrap().is_empty());
    let id = issued["id"].as_str().unwrap();
    assert_eq!(server.browse(&bob, Method::DELETE, &format!("{own}/{id}"), Value::Null).await.problem(), (404, "token.not_found"));
    let listed = server.get(&server.admin, "/api/v1/tenants/acme/tokens").await.ok();
    assert!(listed["items"].as_array().unwrap().iter().any(|t| t["owner"] == "boss"), "{listed}");
    assert_eq!(server.browse(&boss, Method::DELETE, &format!("{own}/{id}"), Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(token, "/api/v1/me").await.problem(), (401, "token.required"));
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let laptop = server.person(Some("acme"), "bob", json!([])).await;
    let mut phone = Browser { tenant: Some("acme".into()), name: "bob".into(), cookies: String::new(), csrf: String::new() };
    server.sign_in(&mut phone, PASSWORD).await.ok();
    let listed = server.browse(&laptop, Method::GET, "/api/v1/me/sessions", Value::Null).await.ok();
    let of = |current: bool| listed["items"].as_array().unwrap().iter().find(|s| s["current"] == current).unwrap()["id"].clone();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let path = format!("/api/v1/me/sessions/{}", of(false).as_str().unwrap());
    assert_eq!(server.browse(&laptop, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.browse(&phone, Method::GET, "/api/v1/me", Value::Null).await.problem(), (401, "token.required"));
    let reset = server.post(&server.admin, &format!("{USERS}/bob/reset-password"), Value::Null).await.ok();
    assert!(reset["one_time_password"].as_str().unwrap().len() >= 16);
    assert_eq!(server.browse(&laptop, Method::GET, "/api/v1/me", Value::Null).await.problem(), (401, "token.required"));
    assert_eq!(server.sign_in(&mut phone, PASSWORD).await.problem(), (401, "sign_in.failed"), "the old password is gone");
}

#[tokio::test]
async fn the_platform_has_users_too() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let root = server.person(None, "root", json!([{"role": "platform_admin"}])).await;
    let helper = json!([{"role": "developer", "tenant": "acme", "project": "web"}]);
    let helper = server.person(None, "helper", helper).await;
    server.browse(&helper, Method::GET, &format!("{PROJECT}/jobs"), Value::Null).await.ok();
    let me = server.browse(&root, Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert!(me["allowed_actions"].as_array().unwrap().contains(&json!("tenant.create")) && me["tenant"].is_null());
    let odd = json!({"name": "odd", "roles": [{"role": "developer"}]});
    assert_eq!(server.browse(&root, Method::POST, "/api/v1/platform/users", odd).await.problem(), (422, "request.invalid"));
    let last = server.browse(&root, Method::DELETE, "/api/v1/platform/users/root", Value::Null).await;
    assert_eq!(last.problem(), (409, "user.in_use"));
    let audit = server.browse(&root, Method::GET, "/api/v1/platform/audit?action=user.*", Value::Null).await.ok();
    assert!(!audit["items"].as_array().unwrap().is_empty());
}

/// ROL-7: what a data folder has left behind on the platform is seen and ended.
#[tokio::test]
async fn tokens_of_the_platform_are_listed_and_ended() {
    let server = Server::start().await;
    let secret = TokenSecret::generate();
    server.store.ensure_admin_token(&"root".parse().unwrap(), "worker-2", &secret).await.unwrap();
    let lost = secret.reveal();
    let tokens = "/api/v1/platform/tokens";
    let listed = server.get(&server.admin, tokens).await.ok();
    let shown: Vec<_> = listed["items"].as_array().unwrap().iter().map(|t| (t["worker"].clone(), t["role"].clone())).collect();
    assert_eq!(shown, [(json!("worker-2"), json!("platform_admin")), (json!("worker-1"), json!("platform_admin"))]);
    assert!(!listed.to_string().contains("secret"), "{listed}");
    let path = format!("{tokens}/{}", listed["items"][0]["id"].as_str().unwrap());
    assert_eq!(server.call(&server.admin, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(lost, tokens).await.problem(), (401, "token.required"));
    let audit = server.get(&server.admin, "/api/v1/platform/audit?action=token.*").await.ok();
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.revoke", "token.create", "token.create"]);
    let unknown = server.call(&server.admin, Method::DELETE, &format!("{tokens}/tok_x"), Value::Null).await;
    assert_eq!(unknown.problem(), (404, "token.not_found"));
}

/// ROL-7: who an identity provider signs in is seen, said and unsaid.
#[tokio::test]
async fn identities_are_listed_and_unlinked() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.person(None, "root", json!([{"role": "platform_admin"}])).await;
    let settings = json!({"settings": {"issuer": "https://id.example.com", "client_id": "millrace", "enabled": false}});
    for (home, user) in [("/api/v1/tenants/acme", "ann"), ("/api/v1/platform", "root")] {
        let provider = format!("{home}/identity-providers/corp");
        server.call(&server.admin, Method::PUT, &provider, settings.clone()).await.ok();
        let identities = format!("{provider}/identities");
        let linked = server.post(&server.admin, &identities, json!({"user": user, "subject": "s/1"})).await;
        assert_eq!(linked.status, StatusCode::NO_CONTENT, "{linked:?}");
        let listed = server.get(&server.admin, &identities).await.ok();
        assert_eq!((&listed["items"][0]["user_name"], &listed["items"][0]["subjects"][0]["subject"]), (&json!(user), &json!("s/1")));
        let one = format!("{identities}/s%2F1");
        assert_eq!(server.call(&server.admin, Method::DELETE, &one, Value::Null).await.status, StatusCode::NO_CONTENT);
        assert_eq!(server.call(&server.admin, Method::DELETE, &one, Value::Null).await.problem(), (404, "identity.not_found"));
        assert_eq!(server.get(&server.admin, &identities).await.ok()["items"], json!([]));
    }
}

#[tokio::test]
async fn the_log_is_taken_away_as_a_file() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let export = "/api/v1/tenants/acme/audit/export";
    let csv = server.get(&server.admin, export).await;
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = csv.body.as_str().unwrap().to_owned();
    assert!(text.starts_with("id,at_ms,actor,actor_name,action,object,outcome,project,request_id,detail\r\n"));
    let total = server.get(&server.admin, "/api/v1/tenants/acme/audit?limit=200").await.ok()["items"].as_array().unwrap().len();
    assert_eq!(text.lines().count(), total + 1);
    let lines = server.get(&server.admin, &format!("{export}?format=jsonl&action=job.*")).await;
    let actions: Vec<Value> = match &lines.body {
        Value::String(text) => text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone()).collect(),
        other => panic!("{other}"),
    };
    assert_eq!(actions, ["job.submit", "job.create"]);
    assert_eq!(server.get(&server.admin, &format!("{export}?format=xml")).await.problem(), (422, "request.invalid"));
    let later = server.get(&server.admin, "/api/v1/tenants/acme/audit?from_ms=99999999999999").await.ok();
    assert!(later["items"].as_array().unwrap().is_empty());
}
