//! A real S3 server: `moto[server]` from PyPI, in an environment below the cache folder.

use super::*;
use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const MOTO: &str = "moto[server]==5.1.22";

struct S3Server {
    process: Child,
    endpoint: String,
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("command");
    assert!(output.status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Installs the server once per machine; several test processes may come at the same time.
fn installed() -> PathBuf {
    let cache = std::env::var_os("MILLRACE_CACHE")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cache/millrace"));
    let folder = cache.join(MOTO.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-"));
    if !folder.join("bin/moto_server").exists() {
        std::fs::create_dir_all(&cache).expect("cache folder");
        // Scripts of an environment hold its path, so it is made in place, under a lock.
        let lock = std::fs::File::create(cache.join("moto.lock")).expect("lock file");
        lock.lock().expect("lock");
        if !folder.join("ready").exists() {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
            run(Command::new(folder.join("bin/pip")).args(["install", "-q", "--disable-pip-version-check", MOTO]));
            std::fs::write(folder.join("ready"), b"").expect("mark");
        }
    }
    folder
}

impl S3Server {
    fn start(folder: &Path) -> Self {
        // Somebody else may take the free port before the server does: then it ends, and another port is tried.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("free port").port();
            let mut process = Command::new(folder.join("bin/moto_server"))
                .args(["-H", "127.0.0.1", "-p", &free.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("server");
            let deadline = Instant::now() + Duration::from_secs(60);
            while process.try_wait().expect("server").is_none() {
                if TcpStream::connect(("127.0.0.1", free)).is_ok() {
                    return Self { process, endpoint: format!("http://127.0.0.1:{free}") };
                }
                if Instant::now() > deadline {
                    let _ = process.kill();
                    panic!("the S3 server does not answer on port {free}");
                }
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
        panic!("the S3 server does not start");
    }

    fn store(&self, bucket: &str, prefix: &str) -> Arc<dyn CheckpointStore> {
        let config = S3Config {
            endpoint: Some(self.endpoint.clone()),
            bucket: bucket.into(),
            prefix: prefix.into(),
            access_key_id: Some("key".into()),
            secret_access_key: Some("secret".into()),
            allow_http: true,
            ..S3Config::default()
        };
        assert!(!format!("{config:?}").contains("secret"));
        Arc::new(ObjectStore::s3(&config).expect("store"))
    }

    /// `PUT /bucket`, in plain HTTP: making buckets is not the product's business.
    fn make_bucket(&self, bucket: &str) {
        use std::io::{Read, Write};
        let address = self.endpoint.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).expect("connection");
        let request = format!("PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).expect("request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_contract() {
    let server = S3Server::start(&installed());
    server.make_bucket("checkpoints");
    let store = server.store("checkpoints", "team/a");
    whole_contract(&store).await;
    let bare = server.store("checkpoints", "");
    objects_contract(&bare).await;
    let folder = tempfile::tempdir().expect("folder");
    savepoints_move(&store, &local(&folder)).await;

    let missing = server.store("no-such-bucket", "");
    let error = missing.put("a/x", Bytes::from_static(b"1")).await.expect_err("no bucket");
    assert!(error.to_string().contains("no-such-bucket"), "{error}");
    assert!(latest(&missing, &InstanceId::new("i")).await.is_err(), "a bucket that is not there is not an empty one");
}
