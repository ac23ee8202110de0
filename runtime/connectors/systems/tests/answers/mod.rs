//! Asks a kind of data source and looks at its answers.
#![allow(dead_code, reason = "each test binary uses its part")]

use millrace_connector::{ConnectivityReport, DataSourceKind, Properties, SampleLimits};
use millrace_connector_systems::kinds;
use millrace_dial::{Dialer, NetworkPolicy};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// A kind with properties that are right.
pub struct Probe {
    pub kind: Arc<dyn DataSourceKind>,
    right: Value,
}

pub fn limits() -> SampleLimits {
    SampleLimits { rows_max: 100, bytes_max: 1 << 20, tables_max: 100, until: Instant::now() + DEADLINE }
}

impl Probe {
    pub fn new(kind: &str, right: Value) -> Self {
        let all = kinds(&Dialer::new(NetworkPolicy::with_loopback()));
        Self { kind: all.into_iter().find(|k| k.spec().kind == kind).unwrap(), right }
    }

    /// The right properties with some changed; an empty text takes one away.
    pub fn properties(&self, changed: &Value) -> Properties {
        let mut all = Properties::new();
        for (name, value) in self.right.as_object().unwrap().iter().chain(changed.as_object().unwrap()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if text.is_empty() {
                all.remove(name)
            } else {
                all.insert(name.clone(), text)
            };
        }
        all
    }

    async fn ask(&self, changed: &Value) -> ConnectivityReport {
        let properties = self.properties(changed);
        let began = Instant::now();
        let report = self.kind.test(&properties, DEADLINE).await;
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(2), "{report:?}");
        for secret in ["hunter2", "hunter3", "wrong"] {
            let shown = format!("{} {:?}", report.message, report.details);
            assert!(!shown.contains(secret), "a secret is in the answer: {shown}");
        }
        report
    }

    pub async fn reaches(&self, changed: Value, message: &str) -> ConnectivityReport {
        let errors = self.kind.check(&self.properties(&changed));
        assert_eq!(errors, [], "the fields are right");
        let report = self.ask(&changed).await;
        assert!(report.reachable && report.failure.is_none(), "{changed}: {report:?}");
        assert!(report.message.contains(message), "{report:?}");
        report
    }

    pub async fn fails(&self, changed: Value, failure: &str, message: &str) -> ConnectivityReport {
        let report = self.ask(&changed).await;
        let found = serde_json::to_value(report.failure).unwrap();
        assert_eq!(found, failure, "{changed}: {report:?}");
        assert!(report.message.contains(message), "{changed}: {report:?}");
        report
    }

    /// Fails in one of these steps, before the deadline.
    pub async fn fails_soon(&self, changed: Value, failures: &[&str]) {
        let report = self.ask(&changed).await;
        let found = serde_json::to_value(report.failure).unwrap();
        assert!(failures.contains(&found.as_str().unwrap()), "{changed}: {report:?}");
    }

    /// Names and ports at which nothing is, for kinds with host and port.
    pub async fn unreachable_places(&self) {
        self.fails(serde_json::json!({"host": "no-such-host.invalid"}), "dns", "does not resolve").await;
        self.fails(serde_json::json!({"port": closed_port().await}), "refused", "connection refused").await;
        self.fails(serde_json::json!({"host": "169.254.169.254"}), "configuration", "may not be in that network").await;
        let (port, _) = listener_that_says("220 this is something else altogether\r\n").await;
        self.fails_soon(serde_json::json!({"port": port, "tls": "disable"}), &["protocol", "timeout", "tls"]).await;
    }

    /// The same for kinds with a URL.
    pub async fn unreachable_urls(&self, field: &str) {
        let at = |url: String| serde_json::json!({ field: url });
        self.fails(at("http://no-such-host.invalid/".into()), "dns", "does not resolve").await;
        self.fails(at(format!("http://127.0.0.1:{}/", closed_port().await)), "refused", "connection refused").await;
        self.fails(at("http://169.254.169.254/latest/meta-data".into()), "configuration", "may not be in that network").await;
        self.fails(at("http://[::ffff:169.254.169.254]/".into()), "configuration", "may not be in that network").await;
        let (port, _) = listener_that_says("220 this is something else altogether\r\n").await;
        self.fails(at(format!("http://127.0.0.1:{port}/")), "protocol", "is not HTTP").await;
    }
}

pub async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A server that reads a little, answers the same to everybody, and closes; what it was asked is kept.
pub async fn listener_that_says(answer: &str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let (answer, asked) = (answer.as_bytes().to_vec(), Arc::new(Mutex::new(Vec::new())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let kept = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, kept) = (answer.clone(), kept.clone());
            tokio::spawn(async move {
                let mut piece = [0; 4096];
                let waited = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut piece)).await;
                if let Ok(Ok(count)) = waited {
                    kept.lock().unwrap().push(String::from_utf8_lossy(&piece[..count]).into_owned());
                }
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, asked)
}

/// A server that answers bytes by turns: after each piece of its dialogue it waits for the client to say something.
pub async fn listener_with_dialogue(pieces: Vec<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let pieces = pieces.clone();
            tokio::spawn(async move {
                for piece in pieces {
                    let mut said = [0; 4096];
                    match stream.read(&mut said).await {
                        Ok(count) if count > 0 => {}
                        _ => return,
                    }
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                }
                // Open until the client has had enough.
                let _ = stream.read(&mut [0; 1]).await;
            });
        }
    });
    port
}
