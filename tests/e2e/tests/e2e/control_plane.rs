//! The control plane over HTTP and by the command line, without a broker: a session with its cookies, keys, people and services,
//! databases to production, permissions on columns, business metadata.

use millrace_e2e::{Api, Project, Server, ServerOptions, binary, until};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const TENANT: &str = "/api/v1/tenants/acme";

/// A browser: cookies as the server sets them, and what a page repeats.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookies: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(base: &str, name: &str, password: &str) -> Result<Self, StatusCode> {
        let mut browser = Self { http: reqwest::Client::new(), base: base.to_owned(), cookies: String::new(), csrf: String::new() };
        let body = json!({"tenant": "acme", "name": name, "password": password});
        let answer = browser.http.post(format!("{base}/api/v1/sign-in")).json(&body).send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status());
        }
        let set: Vec<String> = answer.headers().get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()).collect();
        assert!(set.iter().any(|line| line.contains("HttpOnly")) && set.iter().all(|line| line.contains("SameSite=")), "{set:?}");
        browser.cookies = set.iter().map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        let said: Value = answer.json().await.unwrap();
        browser.csrf = said["csrf_token"].as_str().unwrap().to_owned();
        Ok(browser)
    }

    /// Sends a request as a page does, or without what only a page of this server knows.
    async fn call(&self, method: Method, path: &str, body: &Value, csrf: Option<&str>, origin: Option<&str>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).header(header::COOKIE, &self.cookies);
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let answer = if body.is_null() { request } else { request.json(body) }.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn page(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(method, path, &body, Some(&self.csrf), None).await
    }
}

/// `millrace`, as an administrator of the platform.
struct Cli<'a> {
    server: &'a Server,
}

impl Cli<'_> {
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(binary().unwrap());
        command.args(["--server", &self.server.base()]).args(arguments).env("MILLRACE_DATA_DIR", self.server.data_dir());
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// What a command says that must be done.
    fn done(&self, arguments: &str) -> String {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let (succeeded, said) = self.run(&words);
        assert!(succeeded, "millrace {arguments}: {said}");
        said
    }

    fn json(&self, arguments: &str) -> Value {
        let said = self.done(&format!("--json {arguments}"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("millrace {arguments}: {error}: {said}"))
    }
}

async fn token(admin: &Api, role: &str, project: Option<&str>) -> Api {
    let body = json!({"name": role.replace('_', "-"), "role": role, "project": project});
    let issued = admin.post(&format!("{TENANT}/tokens"), &body).await.unwrap();
    admin.with_token(issued["secret"].as_str().unwrap())
}

/// ROL-7: a person signs in with a one-time password, chooses one, and only pages of the server act with the cookie.
async fn a_session(server: &Server, admin: &Api) -> Browser {
    let roles = json!([{"role": "developer", "project": "main"}]);
    let made = admin.post(&format!("{TENANT}/users"), &json!({"name": "ann", "roles": roles})).await.unwrap();
    let once = made["one_time_password"].as_str().unwrap();
    let jobs = format!("{TENANT}/projects/main/jobs");
    assert_eq!(Browser::sign_in(&server.base(), "ann", "wrong").await.err(), Some(StatusCode::UNAUTHORIZED));
    let first = Browser::sign_in(&server.base(), "ann", once).await.unwrap();
    let (status, said) = first.page(Method::GET, &jobs, Value::Null).await;
    assert_eq!((status, &said["code"]), (StatusCode::FORBIDDEN, &json!("password.must_change")));
    let change = json!({"current": once, "new": "rivers run uphill"});
    assert_eq!(first.page(Method::PUT, "/api/v1/me/password", change).await.0, StatusCode::NO_CONTENT);
    let ann = Browser::sign_in(&server.base(), "ann", "rivers run uphill").await.unwrap();
    let job = json!({"name": "clean"});
    let (status, said) = ann.call(Method::POST, &jobs, &job, None, None).await;
    assert_eq!((status, &said["code"]), (StatusCode::FORBIDDEN, &json!("request.csrf")), "{said}");
    let (status, said) = ann.call(Method::POST, &jobs, &job, Some(&ann.csrf), Some("https://evil.example")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a page of another site: {said}");
    assert_eq!(ann.page(Method::POST, &jobs, job).await.0, StatusCode::CREATED);
    let (_, sessions) = ann.page(Method::GET, "/api/v1/me/sessions", Value::Null).await;
    assert_eq!(sessions["items"][0]["allowed_actions"], json!(["end"]), "{sessions}");
    // What they may do comes back, and is what they can do.
    let (_, members) = ann.page(Method::GET, &format!("{TENANT}/projects/main/members"), Value::Null).await;
    assert_eq!(members["items"][0]["allowed_actions"], json!([]), "{members}");
    let member = format!("{TENANT}/projects/main/members/ann");
    assert_eq!(ann.page(Method::PUT, &member, json!({"roles": ["project_data_admin"]})).await.0, StatusCode::FORBIDDEN);
    ann
}

/// PRJ-1: members and services of a project.
async fn members_and_services(admin: &Api, ann: &Browser) {
    let project = format!("{TENANT}/projects/main");
    let tenant_admin = token(admin, "tenant_admin", None).await;
    tenant_admin.set(&format!("{project}/members/ann"), &json!({"roles": ["developer", "business_user"]})).await.unwrap();
    let members = tenant_admin.get(&format!("{project}/members")).await.unwrap();
    assert_eq!(members["items"][0]["allowed_actions"], json!(["edit", "remove"]), "{members}");
    let services = tenant_admin.get(&format!("{project}/services")).await.unwrap();
    assert_eq!(services["allowed_actions"], json!(["edit", "remove"]), "{services}");
    tenant_admin.delete(&format!("{project}/services/stream_computing")).await.unwrap();
    let (status, said) = ann.page(Method::GET, &format!("{project}/jobs"), Value::Null).await;
    assert_eq!((status, &said["code"]), (StatusCode::CONFLICT, &json!("project.no_service")));
    let limited = json!({"configuration": {"parallelism_max": 4}});
    tenant_admin.set(&format!("{project}/services/stream_computing"), &limited).await.unwrap();
    assert_eq!(ann.page(Method::GET, &format!("{project}/jobs"), Value::Null).await.0, StatusCode::OK);
    let odd = json!({"configuration": {"parallelism_max": 0}});
    let odd = tenant_admin.set(&format!("{project}/services/stream_computing"), &odd).await.unwrap_err();
    assert_eq!(odd.status, 422, "{odd}");
}

/// SRC-3: secrets stay what they are under a new key; they go to no other address.
async fn keys_and_secrets(project: &Project) {
    let properties = |host: &str, password: &str| json!({"host": host, "database": "shop", "user": "ann", "password": password});
    let mysql = json!({"name": "mysql", "kind": "mysql", "properties": properties("127.0.0.1", "hunter2")});
    project.api.post(&project.path("data-sources"), &mysql).await.unwrap();
    let before = project.api.get("/api/v1/keys").await.unwrap();
    assert_eq!((before["items"].as_array().unwrap().len(), &before["allowed_actions"]), (1, &json!(["rotate"])));
    // It waits for the servers to learn of the new key, and goes on when it is called again.
    let mut resealed = 0;
    let rotated = until("the old key is out of use", 60, async || {
        let rotated = project.api.post("/api/v1/keys/rotate", &json!({})).await.map_err(|problem| problem.to_string())?;
        resealed += rotated["resealed"].as_u64().unwrap();
        if rotated["done"] == true { Ok(()) } else { Err(rotated.to_string()) }
    });
    rotated.await.unwrap();
    assert!(resealed >= 1, "the password is sealed anew");
    let source = project.path("data-sources/mysql");
    let moved = project.api.set(&source, &json!({"properties": properties("evil.example", "***")})).await.unwrap_err();
    assert_eq!(moved.body["errors"][0]["code"], "data_source.secret_moved", "{moved}");
    project.api.set(&source, &json!({"description": "orders", "properties": properties("127.0.0.1", "***")})).await.unwrap();
    let production = json!({"properties": properties("10.0.0.1", "hunter3")});
    project.api.put_if(&project.path("data-sources/mysql/production"), 0, &production).await.unwrap();
}

/// TOP-1 to TOP-4 of a database and a table in it, and PRM-1: columns for a person.
async fn databases_and_columns(admin: &Api, project: &Project, ann: &Browser) {
    // Tokens that one person has made cannot decide what another of them asks for.
    let owner = admin.make_person("acme", "olga", "project_data_admin", Some("main")).await.unwrap();
    let global = admin.make_person("acme", "gus", "global_data_admin", None).await.unwrap();
    let developer = Project::at(&token(admin, "developer", Some("main")).await, "acme", "main");
    let approve = async |who: &Api, asked: &Value| {
        who.post(&format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap()), &json!({})).await.unwrap()
    };
    owner.post(&project.path("databases"), &json!({"name": "shop", "data_source": "mysql"})).await.unwrap();
    let columns = json!([{"name": "id", "type": "BIGINT"}, {"name": "card", "type": "STRING"}]);
    let table = json!({"name": "payments", "database": "shop", "schema": columns});
    let made = developer.api.post(&project.path("topics"), &table).await.unwrap();
    assert_eq!(made["allowed_actions"], json!(["edit", "ensure", "publish", "delete"]));
    let early = developer.api.post(&project.path("topics/payments/publish"), &json!({"environment": "test"})).await.unwrap_err();
    assert_eq!(early.code(), "publish.no_database", "{early}");
    for environment in ["test", "production"] {
        let asked = json!({"environment": environment, "data_source": "mysql", "reason": "the shop"});
        let asked = owner.post(&project.path("databases/shop/publish"), &asked).await.unwrap();
        approve(&global, &asked).await;
        let asked = json!({"environment": environment, "reason": "payments"});
        let asked = developer.api.post(&project.path("topics/payments/publish"), &asked).await.unwrap();
        approve(&owner, &asked).await;
    }
    let found = owner.get(&project.path("databases/shop")).await.unwrap();
    assert_eq!(found["publications"].as_array().unwrap().len(), 2, "{found}");

    // Ann works elsewhere now, and may read one column.
    admin.post(&format!("{TENANT}/projects"), &json!({"name": "report"})).await.unwrap();
    admin.delete(&format!("{TENANT}/projects/main/members/ann")).await.unwrap();
    admin.set(&format!("{TENANT}/projects/report/members/ann"), &json!({"roles": ["developer"]})).await.unwrap();
    let page = format!("{TENANT}/tables/main.payments");
    let (_, seen) = ann.page(Method::GET, &page, Value::Null).await;
    assert_eq!((&seen["permissions"], &seen["allowed_actions"]), (&json!([]), &json!(["apply"])), "{seen}");
    let ask = json!({"table": "main.payments", "for_me": true, "permissions": ["select"], "columns": ["id"], "reason": "a report"});
    let (status, asked) = ann.page(Method::POST, &format!("{TENANT}/permission-requests"), ask).await;
    assert!(status.is_success(), "{asked}");
    approve(&owner, &asked["requests"][0]).await;
    let (_, seen) = ann.page(Method::GET, &page, Value::Null).await;
    assert_eq!(seen["permissions"], json!([{"permission": "select", "columns": ["id"]}]), "{seen}");
    let (_, mine) = ann.page(Method::GET, &format!("{TENANT}/permissions"), Value::Null).await;
    assert_eq!((&mine["items"][0]["column"], &mine["items"][0]["expired"]), (&json!("id"), &json!(false)), "{mine}");
}

/// The same by the command line, and what else it can do to the control plane.
async fn by_the_command_line(server: &Server, folder: &Path) {
    let cli = Cli { server };
    let file = |name: &str, document: Value| {
        let path = folder.join(name);
        fs::write(&path, document.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // Databases.
    cli.done("-t acme -p main database create till --source mysql --description tills");
    cli.done("-t acme -p main database edit till --physical-name till_1");
    let till = cli.json("-t acme -p main database show till");
    assert_eq!((&till["physical_name"], &till["description"]), (&json!("till_1"), &json!("tills")), "{till}");
    assert!(cli.done("-t acme -p main database publish till --for test --source mysql --reason now").contains("asked for `till` in test"));
    assert!(cli.done("-t acme -p main database list").contains("till_1"));
    let (succeeded, said) = cli.run(&["-t", "acme", "-p", "main", "database", "delete", "shop"]);
    assert!(!succeeded && said.contains("error: "), "a database with tables stays: {said}");
    cli.done("-t acme -p main database create empty");
    cli.done("-t acme -p main database delete empty");

    // Business metadata.
    cli.done("-t acme category create goods");
    cli.done("-t acme category create shoes --in goods");
    cli.done("-t acme category edit shoes --rename boots --description warm");
    let boots = cli.json("-t acme category show boots");
    assert_eq!((&boots["parent_name"], &boots["description"]), (&json!("goods"), &json!("warm")), "{boots}");
    cli.done("-t acme category delete boots");
    let model = file("model.json", json!({"attributes": [{"name": "level", "type": "text"}]}));
    cli.done(&format!("-t acme meta-model create product --of goods --file {model}"));
    let model = file("model.json", json!({"description": "what is sold", "attributes": [{"name": "level", "type": "text"}]}));
    cli.done(&format!("-t acme meta-model edit product --file {model}"));
    assert!(cli.done("-t acme meta-model publish product --reason first").contains("asked for the publication of `product`"));
    let api = server.api().unwrap();
    let global = api.make_person("acme", "gwen", "global_data_admin", None).await.unwrap();
    let asked = global.get(&format!("{TENANT}/approvals?view=waiting_for_me")).await.unwrap();
    let asked = asked["items"].as_array().unwrap().iter().find(|item| item["subject_name"] == "product").unwrap();
    global.post(&format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap()), &json!({})).await.unwrap();
    assert!(cli.done("-t acme meta-model versions product").contains("what is sold"));
    let shoe = file("shoe.json", json!({"values": {"level": "high"}}));
    cli.done(&format!("-t acme business-data create shoe --of product --file {shoe}"));
    let shoe = cli.json("-t acme business-data show shoe");
    let table = cli.json("-t acme table show main.payments");
    let ends = json!({"from": {"kind": "business_data", "id": shoe["id"]}, "to": {"kind": "table", "id": table["id"], "column": "id"}});
    let relation = file("relation.json", ends);
    cli.done(&format!("-t acme relation create pays --file {relation}"));
    cli.done(&format!("-t acme relation edit pays --file {relation}"));
    assert!(cli.done("-t acme relation list").contains("pays"));
    cli.done("-t acme relation delete pays");
    cli.done("-t acme business-data delete shoe");

    // Identity providers: one that is off is not asked.
    let settings = json!({"issuer": "https://id.example.com", "client_id": "millrace", "enabled": false});
    let provider = file("corp.json", settings);
    let secret = folder.join("secret");
    fs::write(&secret, "hunter2\n").unwrap();
    let set = format!("-t acme identity-provider set corp --file {provider} --client-secret-file {}", secret.display());
    assert!(cli.done(&set).contains("/api/v1/sign-in/callback"));
    assert!(cli.done("-t acme identity-provider list").contains("id.example.com"));
    assert_eq!(cli.json("-t acme identity-provider show corp")["allowed_actions"], json!(["edit", "link", "delete"]));
    cli.done("-t acme identity-provider link corp ann subject-1");
    let (succeeded, said) = cli.run(&["-t", "acme", "identity-provider", "enable", "corp"]);
    assert!(!succeeded && said.contains("does not answer as it should"), "{said}");
    cli.done("-t acme identity-provider disable corp");
    cli.done("-t acme identity-provider delete corp");

    // Oneself, the installation, the log.
    assert!(cli.done("me show").contains("local-admin"));
    assert_eq!(cli.json("platform status")["state"], "ready");
    assert!(cli.done("platform metrics").contains("millrace_"));
    let log = folder.join("audit.jsonl");
    cli.done(&format!("-t acme audit --action key.* --export {}", log.display()));
    cli.done(&format!("-t acme audit --export {}", log.display()));
    let rows = fs::read_to_string(&log).unwrap();
    assert!(rows.lines().count() > 20 && rows.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{rows}");
    assert!(!rows.contains("hunter"), "no secret is in the log");

    // What everybody may do, with tables and temp tables; instances that never ran.
    cli.done("-t acme -p main permission public payments --permission select");
    assert_eq!(cli.json("-t acme table show main.payments")["readers"]["public"], json!(["select"]));
    cli.done("-t acme -p main permission public payments");
    let (succeeded, said) = cli.run(&["-t", "acme", "-p", "main", "permission", "list", "nothing", "--temp"]);
    assert!(!succeeded && said.contains("temp table"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_commands_run_the_control_plane() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (admin, folder) = (server.api().unwrap(), tempfile::tempdir().unwrap());
    let project = admin.make_project("acme").await.unwrap();
    let ann = a_session(&server, &admin).await;
    members_and_services(&admin, &ann).await;
    keys_and_secrets(&project).await;
    databases_and_columns(&admin, &project, &ann).await;
    by_the_command_line(&server, folder.path()).await;

    // A job that a list shows in short, and an instance of it.
    let graph = json!({"nodes": [], "parameters": {"parallelism": 2}});
    project.make_job("empty", &graph).await.unwrap();
    let listed = admin.get(&project.path("jobs")).await.unwrap();
    assert!(listed["items"].as_array().unwrap().iter().all(|job| job.get("draft").is_none()), "{listed}");
    let whole = admin.get(&project.path("jobs?full=true")).await.unwrap();
    assert_eq!(whole["items"][0]["draft"]["parameters"]["parallelism"], 2, "{whole}");

    let (status, _) = ann.page(Method::POST, "/api/v1/sign-out", Value::Null).await;
    assert!(status.is_success(), "{status}");
    assert_eq!(ann.page(Method::GET, "/api/v1/me", Value::Null).await.0, StatusCode::UNAUTHORIZED, "the cookie is worth nothing now");
}
