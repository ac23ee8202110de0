//! Delivers runs of jobs as OpenLineage events to an HTTP endpoint, beside everything else.
//!
//! Invariant: nothing waits for it. The audit log is the queue: what could not be delivered stays there, and after an outage
//! delivery goes on where it was, a page at a time. Each event is delivered at least once, by one server at a time.

use millrace_domain::lineage::run_event;
use millrace_store::{RunRecord, Store};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Time between two looks when there was nothing.
const IDLE: Duration = Duration::from_secs(2);
/// Longest wait after failures.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How long one server has the turn without taking it again.
const LEASE_MS: i64 = 120_000;
/// Younger rows may still get an older neighbour.
const SETTLED_MS: i64 = 3_000;
/// Events of one page.
const PAGE: i64 = 100;
/// Most time for one event.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// An endpoint of OpenLineage and who delivers to it.
pub(crate) struct Deliverer {
    store: Store,
    endpoint: String,
    worker: String,
    http: reqwest::Client,
}

impl Deliverer {
    /// Delivers to `endpoint`, such as `http://marquez:5000/api/v1/lineage`.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn new(store: Store, endpoint: String, worker: String) -> anyhow::Result<Self> {
        let user_agent = concat!("millrace/", env!("CARGO_PKG_VERSION"));
        let http = reqwest::Client::builder().timeout(REQUEST_MAX).user_agent(user_agent).build()?;
        Ok(Self { store, endpoint, worker, http })
    }

    /// Delivers until `closing`.
    pub(crate) async fn run(self, closing: CancellationToken) {
        let mut wait = IDLE;
        loop {
            let delivered = tokio::select! {
                delivered = self.page() => delivered,
                () = closing.cancelled() => return,
            };
            wait = match delivered {
                Ok(0) => IDLE,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    let next = (wait.max(IDLE) * 2).min(WAIT_MAX);
                    tracing::warn!(%error, wait_s = next.as_secs(), "lineage events are not delivered; they stay in the audit log");
                    next
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = closing.cancelled() => return,
            }
        }
    }

    /// Delivers one page; answers how many events there were.
    async fn page(&self) -> anyhow::Result<usize> {
        let now_ms = self.store.now_ms();
        let Some(last) = self.store.claim_deliveries(&self.endpoint, &self.worker, now_ms + LEASE_MS).await? else { return Ok(0) };
        let records = self.store.undelivered(&last, now_ms - SETTLED_MS, PAGE).await?;
        for record in &records {
            self.deliver(record).await?;
            self.store.note_delivered(&self.endpoint, &self.worker, &record.entry).await?;
        }
        Ok(records.len())
    }

    async fn deliver(&self, record: &RunRecord) -> anyhow::Result<()> {
        let event = run_event(&record.fact, &record.graph, &record.pins, millrace_api::PRODUCER);
        let answer = self.http.post(&self.endpoint).json(&event).send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        // What the endpoint will never take must not keep the others waiting.
        if status.is_client_error() && status != reqwest::StatusCode::TOO_MANY_REQUESTS {
            tracing::warn!(%status, job = record.fact.job, "the lineage endpoint refuses an event; it is left out");
            return Ok(());
        }
        anyhow::ensure!(status.is_success(), "the endpoint answers {status}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
    use millrace_domain::{InstanceEvent, lineage::RunState};
    use millrace_model::graph::JobGraph;
    use millrace_store::{Cause, InstanceReport, InstanceRequest, NewInstance, NewJob, NewJobVersion, SecretKey, StartFrom, StoreOptions};
    use serde_json::{Value, json};
    use std::{collections::BTreeMap, sync::Arc};
    use tokio::{net::TcpListener, sync::Mutex};

    /// The first request fails, so that delivery has to come back to it.
    async fn take(State(taken): State<Arc<Mutex<Vec<Value>>>>, Json(event): Json<Value>) -> StatusCode {
        let mut taken = taken.lock().await;
        taken.push(event);
        if taken.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::CREATED }
    }

    #[tokio::test]
    async fn runs_are_delivered_at_least_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("metadata.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[7; 32]))).await.unwrap();
        let cause = Cause::system("test");
        let tenant = store.create_tenant(&cause, &"shop".parse().unwrap(), "").await.unwrap().id;
        let scope = store.create_project(&cause, &tenant, &"web".parse().unwrap(), "").await.unwrap().scope;
        let draft: JobGraph = serde_json::from_value(json!({"nodes": [{"id": "in", "kind": "kafka_source"}]})).unwrap();
        let new = NewJob { name: "count".parse().unwrap(), folder: "".parse().unwrap(), description: String::new(), draft: draft.clone() };
        let job = store.create_job(&cause, &scope, &new).await.unwrap().id;
        let pins = json!({"in": {"table": "clicks", "physical_name": "clicks", "schema": [], "format": null}});
        let version = NewJobVersion { graph: draft, pins, content_hash: "aa".into(), description: String::new() };
        let version = store.add_job_version(&cause, &scope, &job, &version).await.unwrap().id;
        let new = NewInstance { job, version, start: StartFrom::Fresh, parameters: BTreeMap::new(), restart: None, production: None };
        let instance = store.create_instance(&cause, &scope, &new).await.unwrap().id;

        let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/api/v1/lineage", listener.local_addr().unwrap());
        let router = Router::new().route("/api/v1/lineage", post(take)).with_state(taken.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let deliverer = Deliverer::new(store.clone(), endpoint.clone(), "w1".into()).unwrap();
        assert!(store.claim_deliveries(&endpoint, "w1", i64::MAX).await.unwrap().is_some());
        assert!(store.claim_deliveries(&endpoint, "w2", i64::MAX).await.unwrap().is_none(), "one at a time");

        store.request_instance(&cause, &scope, &instance, &InstanceRequest::Start { from: None, parameters: None }).await.unwrap();
        let claimed = store.claim_instance(&instance, "w1", i64::MAX).await.unwrap().unwrap();
        for event in [InstanceEvent::Launched, InstanceEvent::Ended] {
            let report = InstanceReport { attempt: claimed.attempt, event, failure: None, restart_count: None };
            store.report_instance(&cause, &instance, &report).await.unwrap();
        }
        let last = store.claim_deliveries(&endpoint, "w1", i64::MAX).await.unwrap().unwrap();
        let all = store.undelivered(&last, i64::MAX, 10).await.unwrap();
        let states: Vec<_> = all.iter().map(|r| r.fact.state).collect();
        assert_eq!(states, [RunState::Start, RunState::Complete]);
        assert!(deliverer.deliver(&all[0]).await.is_err(), "the first request fails");
        for record in &all {
            deliverer.deliver(record).await.unwrap();
            store.note_delivered(&endpoint, "w1", &record.entry).await.unwrap();
        }
        let last = store.claim_deliveries(&endpoint, "w1", i64::MAX).await.unwrap().unwrap();
        assert!(store.undelivered(&last, i64::MAX, 10).await.unwrap().is_empty(), "nothing is left");
        let taken = taken.lock().await;
        let types: Vec<_> = taken.iter().map(|e| e["eventType"].as_str().unwrap()).collect();
        assert_eq!(types, ["START", "START", "COMPLETE"]);
        assert_eq!(taken[1]["run"]["runId"], taken[2]["run"]["runId"]);
        assert_eq!(taken[1]["inputs"][0]["name"], "web.clicks");
    }
}
