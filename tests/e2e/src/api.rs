//! The HTTP API, as any program would use it.

use crate::wait::until;
use anyhow::{Context, bail};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt, time::Duration};

/// A request may take so long: machine code of a component in Python takes half a minute on a free core, and tests run side
/// by side.
const REQUEST_MAX: Duration = Duration::from_secs(600);

/// An answer that is not a success: problem details (RFC 9457) as the server sent them.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status; 0 if there was no answer.
    pub status: u16,
    /// The body, or the text of it if it is no JSON.
    pub body: Value,
}

impl Problem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// What to tell people.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.body.get("detail").and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}: {}", self.status, self.body)
    }
}

impl std::error::Error for Problem {}

/// What a call answers.
pub type Answer = Result<Value, Problem>;

/// A server and the right to talk to it.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// Path that answers with success once the server can work.
    pub const READY: &str = "/health/ready";
    /// Path that answers with success as soon as the server lives.
    pub const LIVE: &str = "/health/live";

    /// A client of the server at `base`.
    #[must_use]
    pub fn new(base: String, token: &str) -> Self {
        Self { http: reqwest::Client::new(), base, token: token.to_owned() }
    }

    /// The same server as somebody else sees it.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), token: token.to_owned() }
    }

    async fn call(&self, method: Method, path: &str, fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token).timeout(REQUEST_MAX);
        let lost = |error: reqwest::Error| Problem { status: 0, body: Value::String(error.to_string()) };
        let response = fill(request).send().await.map_err(lost)?;
        let status = response.status();
        let text = response.text().await.map_err(lost)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() { Ok(body) } else { Err(Problem { status: status.as_u16(), body }) }
    }

    /// Reads `path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, |r| r).await
    }

    /// Sends `body` to `path`.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, |r| r.json(body)).await
    }

    /// Replaces what is at `path`, whatever revision it has.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, |r| r.header(header::IF_MATCH, "*").json(body)).await
    }

    /// Replaces what is at `path` if it still has the revision `revision`.
    pub async fn put_if(&self, path: &str, revision: i64, body: &Value) -> Answer {
        self.call(Method::PUT, path, |r| r.header(header::IF_MATCH, format!("\"{revision}\"")).json(body)).await
    }

    /// Sets what is at `path`, without a look at its revision.
    pub async fn set(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, |r| r.json(body)).await
    }

    /// Changes parts of what is at `path`, whatever revision it has.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, |r| r.header(header::IF_MATCH, "*").json(body)).await
    }

    /// Removes what is at `path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, |r| r).await
    }

    /// The first event of a stream of server-sent events.
    ///
    /// # Errors
    /// The server refuses, or no event comes in time.
    pub async fn first_event(&self, path: &str, within: Duration) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let mut response = request.send().await?.error_for_status()?;
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        anyhow::ensure!(kind.starts_with("text/event-stream"), "{path} answers {kind}");
        let first = async {
            let mut text = String::new();
            while let Some(piece) = response.chunk().await? {
                text.push_str(&String::from_utf8_lossy(&piece));
                if let Some((event, _)) = text.split_once("\n\n") {
                    return Ok(event.to_owned());
                }
            }
            bail!("the stream of {path} ends without an event: {text}")
        };
        tokio::time::timeout(within, first).await.with_context(|| format!("{path}: no event in time"))?
    }

    /// Uploads bytes to `path`.
    pub async fn upload(&self, path: &str, bytes: Vec<u8>) -> Answer {
        self.call(Method::POST, path, |r| r.header(header::CONTENT_TYPE, "application/wasm").body(bytes)).await
    }

    /// Makes a person with one role, in the tenant or in a project, and answers the server as they see it: they sign in with
    /// their one-time password, choose another one, and make a token of their own.
    ///
    /// # Errors
    /// The server refuses, or does not sign them in.
    pub async fn make_person(&self, tenant: &str, name: &str, role: &str, project: Option<&str>) -> anyhow::Result<Self> {
        let body = json!({"name": name, "roles": [{"role": role, "project": project}]});
        let made = self.post(&format!("/api/v1/tenants/{tenant}/users"), &body).await?;
        let once = made["one_time_password"].as_str().context("no one-time password")?;
        let credentials = json!({"tenant": tenant, "name": name, "password": once});
        let signed_in = self.http.post(format!("{}/api/v1/sign-in", self.base)).json(&credentials).timeout(REQUEST_MAX).send().await?;
        let set = signed_in.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()?.split(';').next());
        let cookies = set.collect::<Vec<_>>().join("; ");
        let answer: Value = signed_in.json().await?;
        let csrf = answer["csrf_token"].as_str().with_context(|| format!("`{name}` is not signed in: {answer}"))?;
        let as_page = async |method: Method, path: &str, body: Value| {
            let request = self.http.request(method, format!("{}{path}", self.base)).timeout(REQUEST_MAX);
            let answer = request.header(header::COOKIE, &cookies).header("x-csrf-token", csrf).json(&body).send().await?;
            anyhow::ensure!(answer.status().is_success(), "{path}: HTTP {}: {}", answer.status(), answer.text().await?);
            Ok(answer.text().await?)
        };
        as_page(Method::PUT, "/api/v1/me/password", json!({"current": once, "new": "rivers run uphill"})).await?;
        let token = as_page(Method::POST, "/api/v1/me/tokens", json!({"name": "tests"})).await?;
        let token: Value = serde_json::from_str(&token)?;
        Ok(self.with_token(token["secret"].as_str().context("a token without secret")?))
    }

    /// The same caller at another server of the same metadata.
    #[must_use]
    pub fn at(&self, base: String) -> Self {
        Self { http: self.http.clone(), base, token: self.token.clone() }
    }

    /// Makes a tenant with one project.
    pub async fn make_project(&self, tenant: &str) -> Result<Project, Problem> {
        self.post("/api/v1/tenants", &json!({"name": tenant, "description": ""})).await?;
        let projects = format!("/api/v1/tenants/{tenant}/projects");
        self.post(&projects, &json!({"name": "main", "description": ""})).await?;
        Ok(Project { api: self.clone(), path: format!("{projects}/main") })
    }
}

/// One project, by the paths of its resources.
#[derive(Clone)]
pub struct Project {
    /// The server.
    pub api: Api,
    path: String,
}

impl Project {
    /// A project that is there, as this client's caller sees it.
    #[must_use]
    pub fn at(api: &Api, tenant: &str, project: &str) -> Self {
        Self { api: api.clone(), path: format!("/api/v1/tenants/{tenant}/projects/{project}") }
    }

    /// Path of a resource below the project.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.path)
    }

    /// Makes a Kafka data source.
    pub async fn make_kafka(&self, name: &str, bootstrap: &str) -> Answer {
        let properties = BTreeMap::from([("bootstrap.servers", bootstrap)]);
        let body = json!({"name": name, "kind": "kafka", "description": "", "properties": properties});
        self.api.post(&self.path("data-sources"), &body).await
    }

    /// Makes a topic of JSON records that is bound to the data source `kafka`.
    pub async fn make_topic(&self, name: &str, physical_name: &str, columns: &Value) -> Answer {
        let body = json!({
            "name": name, "physical_name": physical_name, "data_source": "kafka", "description": "",
            "format": {"type": "json"}, "schema": columns,
        });
        self.api.post(&self.path("topics"), &body).await
    }
}

impl Project {
    /// Uploads a component as the next version of a plugin.
    pub async fn upload_plugin(&self, name: &str, component: Vec<u8>) -> Answer {
        self.api.upload(&self.path(&format!("plugins/{name}/versions")), component).await
    }

    /// Makes a job with a draft.
    pub async fn make_job(&self, name: &str, graph: &Value) -> Answer {
        self.api.post(&self.path("jobs"), &json!({"name": name, "description": "", "draft": graph})).await
    }

    /// Tests a data source.
    pub async fn test_data_source(&self, name: &str) -> Answer {
        self.api.post(&self.path(&format!("data-sources/{name}/test")), &json!({})).await
    }

    /// Validates the job's draft.
    pub async fn validate(&self, job: &str) -> Answer {
        self.api.post(&self.path(&format!("jobs/{job}/validate")), &json!({})).await
    }

    /// Makes a version of the job's draft.
    pub async fn submit(&self, job: &str) -> Answer {
        self.api.post(&self.path(&format!("jobs/{job}/versions")), &json!({})).await
    }

    /// Makes an instance of the job's newest version, which takes its state from `start`, and answers its id.
    pub async fn make_instance(&self, job: &str, start: &Value, parameters: &Value) -> Result<String, Problem> {
        let body = json!({"job": job, "start": start, "parameters": parameters});
        let made = self.api.post(&self.path("instances"), &body).await?;
        match made["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(Problem { status: 0, body: made }),
        }
    }

    /// Starts an instance: as `start` says, or as it was made, later from its own latest state.
    pub async fn start_instance(&self, instance: &str, start: Option<&Value>) -> Answer {
        let body = start.map_or_else(|| json!({}), |start| json!({"start": start}));
        self.api.post(&self.path(&format!("instances/{instance}/start")), &body).await
    }

    /// Stops an instance.
    pub async fn stop_instance(&self, instance: &str, with_savepoint: bool) -> Answer {
        self.api.post(&self.path(&format!("instances/{instance}/stop")), &json!({"with_savepoint": with_savepoint})).await
    }

    /// Takes a savepoint and answers its id.
    pub async fn make_savepoint(&self, instance: &str) -> Result<String, Problem> {
        let made = self.api.post(&self.path(&format!("instances/{instance}/savepoints")), &json!({})).await?;
        match (made["id"].as_str(), made["state"].as_str()) {
            (Some(id), Some("completed")) => Ok(id.to_owned()),
            _ => Err(Problem { status: 0, body: made }),
        }
    }

    /// Savepoints of an instance, newest first.
    pub async fn savepoints(&self, instance: &str) -> Answer {
        self.api.get(&self.path(&format!("instances/{instance}/savepoints"))).await
    }

    /// Builds online code or JARs on the server and answers the build once it has ended, however it has.
    ///
    /// # Errors
    /// The server refuses, or the build does not end in time.
    pub async fn build(&self, request: &Value) -> anyhow::Result<Value> {
        let taken = self.api.post(&self.path("builds?wait_ms=60000"), request).await?;
        let path = self.path(&format!("builds/{}?wait_ms=60000", taken["id"].as_str().context("a build without id")?));
        let ended = until("the build ends", 600, async || match self.api.get(&path).await {
            Ok(build) if build["ended_at_ms"].is_number() => Ok(build),
            Ok(build) => Err(build["step"].to_string()),
            Err(problem) => Err(problem.to_string()),
        });
        ended.await
    }

    /// Waits for a state of an instance.
    ///
    /// # Errors
    /// It fails for good, or is not in that state in time.
    pub async fn await_state(&self, instance: &str, wanted: &str, seconds: u64) -> anyhow::Result<()> {
        let what = format!("the instance is {wanted}");
        let found = until(&what, seconds, async || match self.instance(instance).await {
            Ok(status) if status["state"] == wanted || status["state"] == "failed" => Ok(status),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(error.to_string()),
        });
        let status = found.await?;
        if status["state"] != wanted {
            bail!("the instance has failed instead of being {wanted}: {status}, {:?}", self.exceptions(instance).await);
        }
        Ok(())
    }

    /// What the server says of an instance.
    pub async fn instance(&self, instance: &str) -> Answer {
        self.api.get(&self.path(&format!("instances/{instance}"))).await
    }

    /// Metrics of an instance; null while it does not run.
    pub async fn metrics(&self, instance: &str) -> Answer {
        let mut answer = self.api.get(&self.path(&format!("instances/{instance}/metrics"))).await?;
        Ok(answer["value"].take())
    }

    /// Failures of an instance, newest first.
    pub async fn exceptions(&self, instance: &str) -> Answer {
        self.api.get(&self.path(&format!("instances/{instance}/exceptions"))).await
    }
}
