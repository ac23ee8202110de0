//! The API in process, on SQLite, with a control plane that answers what a test tells it.

mod approvals;
mod authorization;
mod builds;
mod data_sources;
mod description;
mod functions;
mod governance;
mod grants;
mod job_life;
mod looking;
mod oidc;
mod people;
mod presentation;
mod problems;
mod project_life;
mod refusals;
mod resources;
mod streams;
mod tables;
mod templates;
mod walk;

use crate::{
    AdmittedComponent, ApiConfig, ApiState, ConnectivityReport, ControlFailure, ControlPlane, ExplainReport, FieldError, PinFailure,
    PinnedGraph, RowTap, ValidationReport,
};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use bytes::Bytes;
use millrace_control::{
    BuildOrder, BuildsStatus, ConnectivityFailure, DescribedFunction, FieldSpec, FieldType, InspectedResource, KindGroup, KindSpec,
    PackageHints, PreviewOrder, PreviewReport, PreviewRow, SampledTable, SinkRows, TappedRow, TappedRows, TempTableSize, UnitTestOrder,
    UnitTestReport, UnitTestState, Unreachable,
};
use millrace_domain::{ApprovalKind, Name, ProjectScope, ResourceKind, Scope, TokenScope, governed::GovernedKind};
use millrace_model::{
    Schema,
    graph::JobGraph,
    ids::{InstanceId, JobId, NodeId, SavepointId, TenantId, TopicId},
};
use millrace_store::{
    Build, BuildEnding, BuildState, Cause, JobVersion, NewApproval, NewBuild, NewGoverned, NewToken, SecretKey, Store, StoreOptions,
    TableViewer, TempTable, TokenSecret,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt;

/// A kind of data source as the connectors describe theirs.
const KAFKA: KindSpec = KindSpec {
    kind: "kafka",
    title: "Kafka",
    group: KindGroup::MessageQueue,
    description: "A cluster",
    fields: &[
        FieldSpec::new("bootstrap.servers", "Servers", FieldType::Servers, "Where it is").required(),
        FieldSpec::new("timeout_ms", "Timeout", FieldType::Integer { min: 1, max: 9 }, "How long").or("5"),
        FieldSpec::new("protocol", "Protocol", FieldType::Choice { values: &["plain", "tls"] }, "How"),
        FieldSpec::new("sasl.password", "Password", FieldType::Text, "Secret").secret(),
        FieldSpec::new("ssl.key.pem", "Key", FieldType::Pem, "Secret").secret(),
    ],
    free_prefixes: &["x."],
    can_sample: true,
};

/// Answers like a control plane; a graph with a node of kind `wrong` is wrong, one of kind `panic` panics.
#[derive(Clone)]
pub(super) struct FakeControl {
    store: Store,
    pub notified: Arc<AtomicUsize>,
}

#[async_trait]
impl ControlPlane for FakeControl {
    async fn test_connection(&self, _: &TenantId, kind: &str, properties: BTreeMap<String, String>) -> ConnectivityReport {
        let message = format!("{kind} with password of {} characters", properties.get("sasl.password").map_or(0, String::len));
        ConnectivityReport { reachable: true, message, details: BTreeMap::new(), failure: None, elapsed_ms: 3 }
    }

    fn data_source_kinds(&self) -> Vec<KindSpec> {
        vec![KAFKA]
    }

    fn check_data_source(&self, kind: &str, properties: &BTreeMap<String, String>) -> Vec<FieldError> {
        if kind != "kafka" {
            return vec![FieldError::in_field("kind", "data_source.unknown_kind", "is not known")];
        }
        let errors = KAFKA.check(properties);
        errors.into_iter().map(|e| FieldError::in_field(&e.field, &e.code, e.message)).collect()
    }

    async fn data_source_tables(&self, _: &TenantId, _: &str, _: &BTreeMap<String, String>) -> Result<(Vec<String>, bool), Unreachable> {
        Ok((vec!["clicks".into()], false))
    }

    async fn sample_data_source(
        &self,
        _: &TenantId,
        _: &str,
        properties: &BTreeMap<String, String>,
        table: &str,
        rows_max: usize,
    ) -> Result<SampledTable, Unreachable> {
        if table != "clicks" {
            return Err(Unreachable::new(ConnectivityFailure::Missing, format!("the cluster has no topic `{table}`")));
        }
        Ok(SampledTable {
            schema: serde_json::from_value(json!([{"name": "url", "type": "STRING"}])).unwrap(),
            evidence: Vec::new(),
            format: Some(json!({"type": "json"})),
            origin: "messages",
            rows_seen: rows_max as u64,
            rows_unreadable: 0,
            rows: vec![json!({"url": "/a"})],
            notes: vec![format!("at {}", properties["bootstrap.servers"])],
        })
    }

    async fn ensure_topic(&self, _: &ProjectScope, _: &TopicId, options: &Value) -> Result<bool, ControlFailure> {
        match options.get("fail") {
            Some(_) => Err(ControlFailure::External("kafka topic clicks: no broker".into())),
            None => Ok(true),
        }
    }

    async fn admit_plugin(&self, _: &TenantId, component: Bytes) -> Result<AdmittedComponent, ControlFailure> {
        if !component.starts_with(b"\0asm") {
            return Err(ControlFailure::Invalid { code: "plugin.refused".into(), message: "not a component".into() });
        }
        let content_hash = format!("{:064x}", component.len());
        Ok(AdmittedComponent { content_hash, world: "etl-operator".into(), wit_version: "0.1.0".into() })
    }

    async fn inspect_resource(&self, _: &TenantId, mut file: File, hints: PackageHints) -> Result<InspectedResource, ControlFailure> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).unwrap();
        let (kind, detail) = match bytes.as_slice() {
            [0, b'a', b's', b'm', ..] => (ResourceKind::Component, json!({"world": "etl-operator", "wit_version": "0.1.0"})),
            [b'P', b'K', ..] => (ResourceKind::Jar, json!({})),
            b"broken" => {
                return Err(ControlFailure::Invalid { code: "resource.refused".into(), message: "neither CSV nor anything else".into() });
            }
            _ => {
                (ResourceKind::DataPackage, json!({"format": "csv", "schema": [{"name": "a", "type": "INT"}], "header": hints.has_header}))
            }
        };
        let preview = if kind == ResourceKind::DataPackage { json!([{"a": 1}]) } else { json!([]) };
        Ok(InspectedResource { kind, detail, preview })
    }

    async fn describe_function(&self, _: &TenantId, name: &str, component: Bytes) -> Result<DescribedFunction, ControlFailure> {
        let world = if component.starts_with(b"\0asm scalar") { "scalar-function" } else { "etl-operator" };
        Ok(DescribedFunction { world: world.into(), wit_version: "0.1.0".into(), signatures: json!([{"name": name}]) })
    }

    async fn ensure_table_in(&self, viewer: &TableViewer, topic: &TopicId, options: &Value) -> Result<bool, ControlFailure> {
        self.store.resolve_table(viewer, topic.as_str(), None).await.map_err(|error| ControlFailure::Conflict(error.to_string()))?;
        self.ensure_topic(&viewer.scope, topic, options).await
    }

    async fn validate(&self, _: &TableViewer, graph: &JobGraph) -> Result<ValidationReport, ControlFailure> {
        assert!(graph.nodes.iter().all(|n| n.kind != "panic"), "a defect with details inside");
        let wrong = graph.nodes.iter().filter(|n| n.kind == "wrong").map(|node| FieldError {
            node: Some(node.id.to_string()),
            field: Some("config.topic".into()),
            code: "config.unknown_table".into(),
            message: "`clikcs` is not in the project; did you mean `clicks`?".into(),
            line: None,
            column: None,
        });
        let errors: Vec<_> = wrong.collect();
        Ok(ValidationReport { valid: errors.is_empty(), errors, warnings: Vec::new(), schemas: BTreeMap::new() })
    }

    async fn explain(&self, _: &TableViewer, graph: &JobGraph) -> Result<ExplainReport, ControlFailure> {
        let wrong = graph.sql.as_deref().is_some_and(|sql| sql.contains("wrong"));
        let place = |error| FieldError { line: Some(2), column: Some(8), ..error };
        let errors: Vec<_> = wrong.then(|| place(FieldError::in_field("sql", "sql.syntax", "expected a query"))).into_iter().collect();
        Ok(ExplainReport { valid: !wrong, errors, graph: serde_json::to_value(graph).ok(), ..ExplainReport::default() })
    }

    async fn pin(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<PinnedGraph, PinFailure> {
        let report = self.validate(viewer, graph).await.map_err(PinFailure::Control)?;
        if !report.valid {
            return Err(PinFailure::Graph(report.errors));
        }
        Ok(PinnedGraph { graph: graph.clone(), pins: json!({}), content_hash: json!(graph).to_string() })
    }

    async fn examine_version(
        &self,
        _: &TableViewer,
        version: &JobVersion,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldError>, ControlFailure> {
        let errors = parameters.get("wrong").map(|why| FieldError::in_field("parameters", "config.invalid", why.as_str()));
        Ok(errors.into_iter().filter(|_| !version.graph.nodes.is_empty()).collect())
    }

    fn notify(&self) {
        self.notified.fetch_add(1, Ordering::SeqCst);
    }

    fn observe(&self, _: &InstanceId) -> Option<Value> {
        Some(json!({"phase": "running", "metrics": {"clean": {"numRecordsIn": 7}}, "checkpoints": [{"id": 1}]}))
    }

    async fn create_savepoint(&self, tenant: &TenantId, instance: &InstanceId, by: &Cause) -> Result<SavepointId, ControlFailure> {
        let internal = |error: millrace_store::StoreError| ControlFailure::Internal(error.to_string());
        let begun = self.store.begin_savepoint(by, tenant, instance).await.map_err(internal)?;
        Ok(self.store.complete_savepoint(tenant, &begun.id, "savepoints/1", 1, 10).await.map_err(internal)?.id)
    }

    async fn preview_topic(&self, _: &TableViewer, topic: &str, order: PreviewOrder) -> Result<PreviewReport, ControlFailure> {
        let row = serde_json::value::to_raw_value(&json!({"topic": topic, "order": format!("{order:?}")})).unwrap();
        let rows = vec![PreviewRow { change: "+I".into(), place: json!({"partition": 0}).as_object().cloned(), row }];
        Ok(PreviewReport { schema: Default::default(), rows, has_more: false, bad_records: Vec::new(), failure: None })
    }

    async fn preview_job(
        &self,
        viewer: &TableViewer,
        graph: &JobGraph,
        node: &NodeId,
        order: PreviewOrder,
    ) -> Result<PreviewReport, PinFailure> {
        if !graph.nodes.iter().any(|n| n.id == *node) {
            return Err(PinFailure::Graph(vec![FieldError::in_field("node", "graph.unknown_node", "the job has no such node")]));
        }
        self.preview_topic(viewer, node.as_str(), order).await.map_err(PinFailure::Control)
    }

    fn tap(&self, _: &TenantId, _: &InstanceId, node: &NodeId) -> Result<Box<dyn RowTap>, ControlFailure> {
        if node.as_str() == "none" {
            return Err(ControlFailure::NotFound("node `none` of the instance".into()));
        }
        Ok(Box::new(FakeTap(0)))
    }

    async fn begin_unit_test(&self, _: &TableViewer, by: &str, order: UnitTestOrder) -> Result<UnitTestReport, PinFailure> {
        let mut warnings: Vec<String> = Vec::new();
        for (name, mut package) in order.sources {
            let mut text = String::new();
            package.file.read_to_string(&mut text).unwrap();
            warnings.push(format!("{name}: {} = {text:?} {:?}", package.name, package.hints));
        }
        warnings.extend(order.expected.iter().map(|(name, (package, mode))| format!("{name}: {} {mode:?}", package.name)));
        Ok(UnitTestReport { by: by.into(), seed: order.order.seed, warnings, ..unit_test("ut_1") })
    }

    fn unit_test(&self, _: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure> {
        Ok(unit_test(id))
    }

    fn recent_unit_tests(&self, _: &ProjectScope, job: Option<&JobId>) -> Vec<UnitTestReport> {
        vec![UnitTestReport { job: job.map(ToString::to_string).unwrap_or_default(), ..unit_test("ut_1") }]
    }

    fn unit_test_rows(&self, _: &ProjectScope, _: &str, _: &NodeId, after: u64, limit: usize) -> Result<SinkRows, ControlFailure> {
        let row = |number: u64| json!({"number": number, "change": "+I", "row": {"n": number}});
        let rows: Vec<Value> = (after + 1..=250).take(limit).map(row).collect();
        Ok(sink_rows(&rows))
    }

    fn cancel_unit_test(&self, _: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure> {
        Ok(UnitTestReport { state: UnitTestState::Cancelled, ..unit_test(id) })
    }

    async fn temp_tables_to_make(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<BTreeMap<String, Schema>, PinFailure> {
        let mut new = BTreeMap::new();
        for node in graph.nodes.iter().filter(|n| n.kind == "temp_table_sink") {
            let name = node.config["table"].as_str().unwrap();
            if self.store.temp_table(&viewer.scope, name).await.is_err() {
                new.insert(name.to_owned(), serde_json::from_value(json!([{"name": "a", "type": "INT"}])).unwrap());
            }
        }
        Ok(new)
    }

    async fn make_temp_topic(&self, table: &TempTable) -> Result<(), ControlFailure> {
        match table.name.as_str() {
            "unlucky" => Err(ControlFailure::External("no broker".into())),
            _ => Ok(()),
        }
    }

    async fn set_temp_retention(&self, _: &TempTable, retention_ms: i64) -> Result<(), ControlFailure> {
        if retention_ms == 61_000 { Err(ControlFailure::External("no broker".into())) } else { Ok(()) }
    }

    async fn drop_temp_topic(&self, _: &TempTable) -> Result<(), ControlFailure> {
        Ok(())
    }

    async fn temp_table_size(&self, _: &TempTable) -> Result<TempTableSize, ControlFailure> {
        Ok(TempTableSize { records: 7, partitions: 2, bytes_estimated: Some(700) })
    }

    async fn remove_savepoint_state(&self, location: &str) -> Result<(), ControlFailure> {
        if location.starts_with("broken") { Err(ControlFailure::External("no disk".into())) } else { Ok(()) }
    }

    fn admits_build(&self, _: &TenantId, bytes: usize) -> Result<(), ControlFailure> {
        if bytes > 64 { Err(ControlFailure::Busy("builds with 64 bytes wait".into())) } else { Ok(()) }
    }

    async fn submit_build(&self, cause: &Cause, scope: &ProjectScope, order: BuildOrder) -> Result<Build, ControlFailure> {
        if order.class.as_deref() == Some("Busy") {
            return Err(ControlFailure::Busy("16 builds wait".into()));
        }
        let internal = |error: millrace_store::StoreError| ControlFailure::Internal(error.to_string());
        let (world, language) = (order.world.name().to_owned(), format!("{:?}", order.language).to_lowercase());
        let new = NewBuild {
            world,
            language,
            class: order.class.clone(),
            template: order.completed.as_ref().map(|c| c.template.clone()),
            plugin: order.plugin,
            worker: "w".into(),
        };
        let build = self.store.create_build(cause, scope, &new).await.map_err(internal)?;
        if order.class.as_deref() != Some("Slow") {
            let jars: Vec<_> = order.jars.iter().map(|jar| format!("{} {}", jar.name, jar.bytes.len())).collect();
            let log = format!("{:?} {:?} {jars:?}", order.sources, order.completed.as_ref().map(|c| &c.source));
            let ending =
                BuildEnding { log, component: Some(("c0ffee".into(), b"\0asm scalar function".to_vec())), ..BuildEnding::default() };
            self.store.end_build(scope, &build.id, BuildState::Succeeded, ending).await.map_err(internal)?;
        }
        Ok(build)
    }

    async fn cancel_build(&self, cause: &Cause, scope: &ProjectScope, id: &str) -> Result<Build, ControlFailure> {
        self.store.cancel_build(cause, scope, id).await.map_err(|error| ControlFailure::NotFound(error.to_string()))
    }

    async fn wait_for_build(&self, scope: &ProjectScope, id: &str, _: Duration) -> Result<Build, ControlFailure> {
        if id == "bld_newest" {
            let page = self.store.builds(scope, &Default::default()).await.map_err(|error| ControlFailure::NotFound(error.to_string()))?;
            return page.items.into_iter().next().ok_or_else(|| ControlFailure::NotFound("build".into()));
        }
        self.store.build(scope, id).await.map_err(|error| ControlFailure::NotFound(error.to_string()))
    }

    async fn builds_status(&self) -> BuildsStatus {
        BuildsStatus { service: None, toolchain: Err("install a JDK".into()) }
    }

    fn prometheus(&self) -> String {
        "millrace_instances 1\n".to_owned()
    }
}

/// Rows of a unit test's sink.
fn sink_rows(rows: &[Value]) -> SinkRows {
    let row = |value: &Value| millrace_control::CollectedRow {
        number: value["number"].as_u64().unwrap(),
        change: "+I",
        row: serde_json::value::to_raw_value(&value["row"]).unwrap(),
    };
    let page = millrace_control::CollectedPage { rows: rows.iter().map(row).collect(), total: 300, kept: 250 };
    SinkRows { page, is_running: false }
}

/// A unit test that runs.
fn unit_test(id: &str) -> UnitTestReport {
    UnitTestReport {
        id: id.to_owned(),
        job: "job_1".into(),
        job_name: "clean-clicks".into(),
        by: "somebody".into(),
        state: UnitTestState::Running,
        seed: 0,
        started_at_ms: 1,
        ended_at_ms: None,
        sources: Vec::new(),
        sinks: Vec::new(),
        late_rows: 0,
        dead_letters: 0,
        recent_dead_letters: Vec::new(),
        failure: None,
        warnings: Vec::new(),
        fuel: 0,
    }
}

/// Gives three rows at a time, five times.
struct FakeTap(u64);

#[async_trait]
impl RowTap for FakeTap {
    fn schema(&self) -> Value {
        json!([{"name": "n", "type": "BIGINT"}])
    }

    async fn next(&mut self) -> Result<Option<TappedRows>, ControlFailure> {
        if self.0 == 15 {
            return Ok(None);
        }
        let row = |n: u64| TappedRow { change: "+I", row: serde_json::value::to_raw_value(&json!({"n": n})).unwrap() };
        self.0 += 3;
        Ok(Some(TappedRows { rows: (self.0 - 2..=self.0).map(row).collect(), seen: self.0 * 2, dropped: self.0 }))
    }
}

/// A server without a socket.
pub(super) struct Server {
    router: Router,
    pub api: ApiState,
    pub store: Store,
    pub control: FakeControl,
    /// Token of the platform administrator.
    pub admin: String,
    makers: AtomicUsize,
    _folder: tempfile::TempDir,
}

/// A good password.
pub(super) const PASSWORD: &str = "rivers run uphill";

/// A browser with the cookies of a session.
pub(super) struct Browser {
    pub tenant: Option<String>,
    pub name: String,
    pub cookies: String,
    pub csrf: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the request was done.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        assert_eq!(self.body["request_id"].as_str(), self.headers["x-request-id"].to_str().ok(), "{self:?}");
        (self.status.as_u16(), self.body["code"].as_str().unwrap())
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(ApiConfig {
            body_bytes_max: 64 << 10,
            plugin_bytes_max: 128 << 10,
            resource_bytes_max: 4 << 20,
            follow_max: Duration::from_millis(1),
            ..ApiConfig::default()
        })
        .await
    }

    pub async fn with(config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = ApiConfig { hash_rules: crate::HashRules { memory_kib: 8, passes: 1, concurrent_max: 4 }, ..config };
        let url = format!("sqlite://{}", folder.path().join("meta.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[3; 32]))).await.unwrap();
        let secret = TokenSecret::generate();
        store.ensure_admin_token(&"root".parse::<Name>().unwrap(), "worker-1", &secret).await.unwrap();
        let control = FakeControl { store: store.clone(), notified: Arc::default() };
        let api = ApiState::new(store.clone(), control.clone(), config);
        let router = crate::router(api.clone());
        Self { router, api, store, control, admin: secret.reveal().to_owned(), makers: AtomicUsize::new(0), _folder: folder }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends JSON (or nothing for null) as the bearer of `token`.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        self.send(request(Some(token), method, path, &body, None)).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, Method::POST, path, body).await
    }

    /// A token of `role` in `tenant`, or in one project of it.
    pub async fn token(&self, tenant: &str, role: &str, project: Option<&str>) -> String {
        let tenant = self.store.tenant(tenant).await.unwrap().id;
        let project = match project {
            Some(project) => Some(self.store.project(&tenant, project).await.unwrap().scope.project),
            None => None,
        };
        let (name, role) = (role.replace('_', "-").parse().unwrap(), role.parse().unwrap());
        let scopes = TokenScope::ALL.iter().copied().collect();
        let new = NewToken { name, role, project, scopes, expires_at_ms: None };
        // Each is another person's: nobody decides what somebody asks for whose token they have made.
        let maker = format!("usr_maker{}", self.makers.fetch_add(1, Ordering::SeqCst));
        let cause = Cause { actor: maker.clone(), actor_name: maker, request_id: None };
        self.store.create_token(&cause, &tenant, &new).await.unwrap().secret.reveal().to_owned()
    }

    /// A user of a tenant (or of the platform) with roles and a password of their own, signed in.
    pub async fn person(&self, tenant: Option<&str>, name: &str, roles: Value) -> Browser {
        let users = tenant.map_or("/api/v1/platform/users".to_owned(), |tenant| format!("/api/v1/tenants/{tenant}/users"));
        let made = self.post(&self.admin, &users, json!({"name": name, "roles": roles})).await.ok();
        let once = made["one_time_password"].as_str().unwrap();
        let mut browser = Browser { tenant: tenant.map(str::to_owned), name: name.to_owned(), cookies: String::new(), csrf: String::new() };
        self.sign_in(&mut browser, once).await.ok();
        let change = json!({"current": once, "new": PASSWORD});
        let changed = self.browse(&browser, Method::PUT, "/api/v1/me/password", change).await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{changed:?}");
        browser
    }

    /// Signs in and keeps the cookies.
    pub async fn sign_in(&self, browser: &mut Browser, password: &str) -> Answer {
        let body = json!({"tenant": browser.tenant, "name": browser.name, "password": password});
        let answer = self.send(request(None, Method::POST, "/api/v1/sign-in", &body, None)).await;
        if answer.status.is_success() {
            let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap().split(';').next().unwrap());
            browser.cookies = set.collect::<Vec<_>>().join("; ");
            browser.csrf = answer.body["csrf_token"].as_str().unwrap().to_owned();
        }
        answer
    }

    /// Sends JSON as a page of this server in that browser would.
    pub async fn browse(&self, browser: &Browser, method: Method, path: &str, body: Value) -> Answer {
        self.browse_if(browser, method, path, body, None).await
    }

    /// As [`Self::browse`], with a precondition.
    pub async fn browse_if(&self, browser: &Browser, method: Method, path: &str, body: Value, if_match: Option<&str>) -> Answer {
        let mut request = request(None, method, path, &body, if_match);
        request.headers_mut().insert(header::COOKIE, browser.cookies.parse().unwrap());
        request.headers_mut().insert("x-csrf-token", browser.csrf.parse().unwrap());
        self.send(request).await
    }

    /// The tenant `tenant` with a project `web` that has one of each; answers the id of the instance.
    pub async fn furnish(&self, tenant: &str) -> String {
        self.post(&self.admin, "/api/v1/tenants", json!({"name": tenant})).await.ok();
        let tenant = format!("/api/v1/tenants/{tenant}");
        self.post(&self.admin, &format!("{tenant}/projects"), json!({"name": "web"})).await.ok();
        self.post(&self.admin, &format!("{tenant}/users"), json!({"name": "ann", "password": false})).await.ok();
        let project = format!("{tenant}/projects/web");
        let properties = json!({"bootstrap.servers": "localhost:9092", "sasl.password": "hunter2"});
        let source = json!({"name": "broker", "kind": "kafka", "properties": properties});
        self.post(&self.admin, &format!("{project}/data-sources"), source).await.ok();
        let topic = json!({"name": "clicks", "data_source": "broker", "schema": [{"name": "url", "type": "STRING"}]});
        self.post(&self.admin, &format!("{project}/topics"), topic).await.ok();
        self.post(&self.admin, &format!("{project}/databases"), json!({"name": "shop"})).await.ok();
        self.upload(&self.admin, &format!("{project}/plugins/clean/versions"), b"\0asm component").await.ok();
        self.upload(&self.admin, &format!("{project}/resources/sample/versions"), b"a\n1\n").await.ok();
        self.post(&self.admin, &format!("{project}/functions"), json!({"name": "clean"})).await.ok();
        self.post(&self.admin, &format!("{tenant}/functions"), json!({"name": "shared"})).await.ok();
        self.call(&self.admin, Method::PUT, &format!("{project}/temp-table-settings"), json!({"data_source": "broker"})).await.ok();
        let sums = json!({"name": "sums", "schema": [{"name": "a", "type": "INT"}]});
        self.post(&self.admin, &format!("{project}/temp-tables"), sums).await.ok();
        let job = json!({"name": "clean-clicks", "draft": {"nodes": [{"id": "in", "kind": "kafka_source"}]}});
        self.post(&self.admin, &format!("{project}/jobs"), job).await.ok();
        self.post(&self.admin, &format!("{project}/jobs/clean-clicks/versions"), Value::Null).await.ok();
        self.post(&self.admin, &format!("{project}/builds"), json!({"world": "etl-operator", "class": "Slow"})).await.ok();
        self.request_permission(&tenant, "usr_ann").await;
        self.govern(&tenant).await;
        let instance = self.post(&self.admin, &format!("{project}/instances"), json!({"job": "clean-clicks"})).await.ok();
        instance["id"].as_str().unwrap().to_owned()
    }

    /// One of each kind of business metadata, and a quality rule.
    async fn govern(&self, tenant: &str) {
        let admin = self.admin.clone();
        self.post(&admin, &format!("{tenant}/categories"), json!({"name": "people"})).await.ok();
        self.post(&admin, &format!("{tenant}/tags"), json!({"name": "personal", "colour": "#ff0000"})).await.ok();
        let attributes = json!([{"name": "mail", "type": "text", "required": true}]);
        let model = json!({"name": "customer", "category": "people", "document": {"attributes": attributes}});
        let model = self.post(&admin, &format!("{tenant}/meta-models"), model).await.ok();
        // Without an approval, so that the tests of approvals begin with none.
        let name = tenant.trim_start_matches("/api/v1/tenants/");
        let id = self.store.tenant(name).await.unwrap().id;
        let entry = NewGoverned {
            kind: GovernedKind::BusinessData,
            project: None,
            name: "ann".parse().unwrap(),
            parent: model["id"].as_str().unwrap().to_owned(),
            draft: json!({"values": {"mail": "ann@example.org"}}),
        };
        self.store.create_governed(&Cause::system("test"), &id, &entry).await.unwrap();
        let entry = self.get(&admin, &format!("{tenant}/business-data/ann")).await.ok();
        let table = self.get(&admin, &format!("{tenant}/table-pages/web.clicks")).await.ok();
        let ends =
            json!({"from": {"kind": "business_data", "id": entry["id"]}, "to": {"kind": "table", "id": table["id"], "column": "url"}});
        self.post(&admin, &format!("{tenant}/relations"), json!({"name": "visits", "document": ends})).await.ok();
        let rule = json!({"name": "url-is-there", "table": "clicks", "document": {"column": "url", "check": {"type": "not_null"}}});
        self.post(&admin, &format!("{tenant}/projects/web/quality-rules"), rule).await.ok();
    }

    /// `applicant` asks for the right to read `clicks`; answers the request number.
    pub async fn request_permission(&self, tenant: &str, applicant: &str) -> String {
        let tenant = self.store.tenant(tenant.trim_start_matches("/api/v1/tenants/")).await.unwrap().id;
        let scope = self.store.project(&tenant, "web").await.unwrap().scope;
        let topic = self.store.topic(&scope, "clicks").await.unwrap();
        let new = NewApproval {
            kind: ApprovalKind::TablePermission,
            scope: Scope::Project(scope),
            environment: None,
            subject: topic.id.to_string(),
            subject_name: "web.clicks".into(),
            open_key: format!("{}/{applicant}", topic.id),
            for_project: None,
            reason: "for the monthly report".into(),
            payload: json!({
                "grantee_kind": "person", "grantee": applicant, "grantee_name": applicant,
                "permissions": ["select"], "columns": [], "expires_at_ms": null,
            }),
        };
        let cause = Cause { actor: applicant.into(), actor_name: applicant.into(), request_id: None };
        self.store.request_approval(&cause, &new).await.unwrap().number.to_string()
    }

    /// Uploads a form of named parts.
    pub async fn upload_parts(&self, token: &str, path: &str, parts: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            body.extend_from_slice(format!("--b0\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b0--\r\n");
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0")
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    pub async fn upload(&self, token: &str, path: &str, component: &[u8]) -> Answer {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/wasm")
            .body(Body::from(component.to_vec()));
        self.send(request.unwrap()).await
    }
}

pub(super) fn request(token: Option<&str>, method: Method, path: &str, body: &Value, if_match: Option<&str>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(tag) = if_match {
        request = request.header(header::IF_MATCH, tag);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(body.to_string())
    };
    request.body(body).unwrap()
}
