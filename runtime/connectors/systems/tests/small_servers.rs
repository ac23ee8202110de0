//! Connectivity tests against real servers (SRC-2): what was reached, and each step that can fail.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod answers;

use answers::{Probe, listener_that_says};
use millrace_test_servers::{FtpServer, MariaDbServer, PostgresServer, RedisServer, S3Server, http};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let server = MariaDbServer::start().unwrap();
    server.execute("CREATE DATABASE shop; CREATE USER ann IDENTIFIED BY 'hunter2'; GRANT ALL ON shop.* TO ann").unwrap();
    server.execute("CREATE USER nobody IDENTIFIED BY ''").unwrap();
    let right = json!({"host": "127.0.0.1", "port": server.port(), "database": "shop", "user": "ann", "password": "hunter2"});
    let probe = Probe::new("mysql", right);
    let reached = probe.reaches(json!({}), "MariaDB ").await;
    assert_eq!((reached.details["database"].as_str(), reached.details["connection"].as_str()), ("shop", "plain"));
    probe.fails(json!({"password": "wrong"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"user": "bob"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"user": "nobody", "password": ""}), "credentials", "may not use database `shop`").await;
    probe.fails(json!({"user": "root", "password": "", "database": "nowhere"}), "missing", "no database `nowhere`").await;
    probe.unreachable_places().await;
    // TLS: without proof, with the server's certificate, and without it.
    let reached = probe.reaches(json!({"tls": "require"}), "encrypted connection").await;
    assert_eq!(reached.details["connection"], "encrypted");
    probe.reaches(json!({"tls": "verify", "tls.ca.pem": server.certificate()}), "MariaDB").await;
    probe.fails(json!({"tls": "verify"}), "tls", "certificate is not accepted").await;
    probe.fails(json!({"tls": "verify", "tls.ca.pem": "-----BEGIN NONSENSE"}), "configuration", "tls.ca.pem").await;
    // Another protocol at the port.
    let redis = RedisServer::start("x").unwrap();
    probe.fails_soon(json!({"port": redis.port()}), &["timeout", "protocol"]).await;
    // Doris speaks the same protocol.
    Probe::new("doris", json!({"host": "127.0.0.1", "port": server.port(), "database": "shop", "user": "ann", "password": "hunter2"}))
        .reaches(json!({}), "database `shop`")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    let server = PostgresServer::start().unwrap();
    server.demand_passwords().unwrap();
    server.create_database("shop").unwrap();
    server.execute("postgres", "CREATE USER ann PASSWORD 'hunter2' IN ROLE scram_users").unwrap();
    server.execute("postgres", "SET password_encryption = 'md5'; CREATE USER old PASSWORD 'hunter3' IN ROLE md5_users").unwrap();
    let right = json!({"host": "127.0.0.1", "port": server.port(), "database": "shop", "user": "ann", "password": "hunter2"});
    let probe = Probe::new("postgresql", right.clone());
    let reached = probe.reaches(json!({}), "PostgreSQL ").await;
    assert_eq!(reached.details["database"], "shop");
    assert!(reached.details["edition"].starts_with("PostgreSQL"), "{reached:?}");
    probe.reaches(json!({"user": "old", "password": "hunter3"}), "PostgreSQL").await;
    probe.fails(json!({"user": "old"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"password": "wrong"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"user": "bob"}), "credentials", "").await;
    probe.fails(json!({"database": "nowhere"}), "missing", "no database `nowhere`").await;
    probe.fails(json!({"tls": "require"}), "tls", "does not offer TLS").await;
    probe.unreachable_places().await;
    Probe::new("greenplum", right).reaches(json!({}), "PostgreSQL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() {
    let server = RedisServer::start("hunter2").unwrap();
    let probe = Probe::new("redis", json!({"host": "127.0.0.1", "port": server.port(), "password": "hunter2"}));
    let reached = probe.reaches(json!({}), "Redis ").await;
    assert_eq!((reached.details["database"].as_str(), reached.details["mode"].as_str()), ("0", "standalone"));
    probe.reaches(json!({"database": "3", "user": "default"}), "database 3").await;
    probe.fails(json!({"password": "wrong"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"password": ""}), "credentials", "give `user` and `password`").await;
    probe.fails(json!({"database": "99"}), "missing", "database 99 cannot be selected").await;
    probe.fails(json!({"tls": "require"}), "tls", "TLS failed").await;
    probe.unreachable_places().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ftp() {
    let server = FtpServer::start("hunter2").unwrap();
    std::fs::create_dir(server.root().join("in")).unwrap();
    let probe =
        Probe::new("ftp", json!({"host": "127.0.0.1", "port": server.port(), "user": "probe", "password": "hunter2", "path": "/in"}));
    let reached = probe.reaches(json!({}), "folder `/in`").await;
    assert!(reached.details["server"].contains("pyftpdlib"), "{reached:?}");
    probe.fails(json!({"password": "wrong"}), "credentials", "user or password were refused").await;
    probe.fails(json!({"path": "/out"}), "missing", "folder `/out` cannot be entered").await;
    probe.fails(json!({"tls": "require"}), "tls", "does not offer TLS").await;
    probe.unreachable_places().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3() {
    // The first four requests are taken whoever sends them: a bucket, and a user with a key who may do everything in S3.
    let server = S3Server::start(4).unwrap();
    let authority = "Version=2010-05-08";
    assert_eq!(http::request(server.port(), "PUT", "/shop", "").unwrap().0, 200);
    let (_, made) = iam_request(server.port(), &format!("Action=CreateUser&UserName=ann&{authority}"));
    assert!(made.contains("<UserName>ann"), "{made}");
    let (_, key) = iam_request(server.port(), &format!("Action=CreateAccessKey&UserName=ann&{authority}"));
    let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D";
    let (status, said) =
        iam_request(server.port(), &format!("Action=PutUserPolicy&UserName=ann&PolicyName=all&PolicyDocument={policy}&{authority}"));
    assert_eq!(status, 200, "{said}");
    let part = |name: &str| key.split_once(&format!("<{name}>")).unwrap().1.split_once("</").unwrap().0.to_owned();
    let right = json!({
        "endpoint": format!("http://127.0.0.1:{}", server.port()), "bucket": "shop",
        "access_key_id": part("AccessKeyId"), "secret_access_key": part("SecretAccessKey"),
    });
    let probe = Probe::new("s3", right);
    let reached = probe.reaches(json!({}), "bucket `shop`").await;
    assert_eq!(reached.details["bucket"], "shop");
    probe.reaches(json!({"prefix": "in"}), "bucket `shop`").await;
    probe.fails(json!({"secret_access_key": "wrong"}), "credentials", "the key was refused (SignatureDoesNotMatch)").await;
    probe.fails(json!({"access_key_id": "AKIAWRONG"}), "credentials", "the key was refused (InvalidAccessKeyId)").await;
    probe.fails(json!({"bucket": "nowhere"}), "missing", "no bucket `nowhere`").await;
    probe.fails(json!({"bucket": "../x"}), "configuration", "no name of a bucket").await;
    probe.fails(json!({"endpoint": format!("https://127.0.0.1:{}", server.port())}), "tls", "TLS failed").await;
    probe.unreachable_urls("endpoint").await;
}

/// IAM's requests are forms, with the service in the name of the key.
fn iam_request(port: u16, form: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = form.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{form}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap();
    (status, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn http_addresses() {
    let (port, asked) = listener_that_says("HTTP/1.1 200 OK\r\nserver: x\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok").await;
    let probe = Probe::new(
        "http",
        json!({"url": format!("http://127.0.0.1:{port}/a?b=c"), "user": "ann", "password": "hunter2", "header.x-team": "blue"}),
    );
    let reached = probe.reaches(json!({}), "answered with status 200").await;
    assert_eq!((reached.details["server"].as_str(), reached.details["media_type"].as_str()), ("x", "text/plain"));
    let request = asked.lock().unwrap().concat();
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Basic YW5uOmh1bnRlcjI="), "{request}");
    assert!(request.contains("x-team: blue"), "{request}");
    probe.reaches(json!({"bearer_token": "t0k3n", "user": "", "method": "HEAD"}), "status 200").await;
    for (answer, failure, message) in [
        ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", "credentials", "refuses the sign-in"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "missing", "nothing at this path"),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "protocol", "a failure of its own"),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n",
            "protocol",
            "redirects to `169.254.169.254`",
        ),
        ("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n", "protocol", "redirects without end"),
        ("220 FTP ready\r\n", "protocol", "is not HTTP"),
        ("", "protocol", ""),
    ] {
        let (port, _) = listener_that_says(answer).await;
        probe.fails(json!({"url": format!("http://127.0.0.1:{port}/")}), failure, message).await;
    }
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(3 << 20));
    let (port, _) = listener_that_says(&endless).await;
    probe.fails(json!({"url": format!("http://127.0.0.1:{port}/")}), "protocol", "longer than 1 MiB").await;
    probe.fails(json!({"url": format!("https://127.0.0.1:{port}/")}), "tls", "TLS failed").await;
    probe.unreachable_urls("url").await;
}
