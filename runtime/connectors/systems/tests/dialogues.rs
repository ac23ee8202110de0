//! Answers of servers that no package registry has, byte by byte. They are written after the descriptions of the protocols
//! that the modules name, not recorded: they show that we read what is described, not what a server really sends.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod answers;

use answers::{Probe, listener_that_says, listener_with_dialogue};
use serde_json::json;

/// A TNS packet of this type.
fn tns(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&length, [0, 0].as_slice(), &[kind, 0, 0, 0], body].concat()
}

fn refuse(text: &str) -> Vec<u8> {
    tns(4, &[&[34, 0], u16::try_from(text.len()).unwrap().to_be_bytes().as_slice(), text.as_bytes()].concat())
}

#[tokio::test]
async fn oracle() {
    let right = |port: u16| json!({"host": "127.0.0.1", "port": port, "service_name": "ORCLPDB1", "user": "ann", "password": "hunter2"});
    let accept = tns(2, &[1, 0x3a, 0x0c, 0x41, 0x20, 0, 0x20, 0, 1, 0, 0, 0, 0, 32, 0x41, 1]);
    let port = listener_with_dialogue(vec![tns(11, &[]), accept]).await;
    let probe = Probe::new("oracle", right(port));
    let reached = probe.reaches(json!({}), "knows `ORCLPDB1`").await;
    assert_eq!((reached.details["protocol"].as_str(), reached.details["answer"].as_str()), ("TNS 314", "accepted"));
    let port = listener_with_dialogue(vec![tns(5, b"\0\x2f(ADDRESS=(PROTOCOL=TCP)(HOST=10.0.0.1)(PORT=1))")]).await;
    probe.reaches(json!({"port": port}), "knows").await;
    for (text, failure, message) in [
        (
            "(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))",
            "missing",
            "(version 19.0) does not know",
        ),
        ("(DESCRIPTION=(ERR=12505))", "missing", "does not know"),
        ("(DESCRIPTION=(ERR=12528))", "protocol", "takes no connections now"),
        ("(DESCRIPTION=(ERR=12519))", "protocol", "no connection left"),
        ("(DESCRIPTION=(ERR=12537))", "protocol", "TNS-12537"),
    ] {
        let port = listener_with_dialogue(vec![refuse(text)]).await;
        probe.fails(json!({"port": port}), failure, message).await;
    }
    let port = listener_with_dialogue(vec![tns(11, &[]); 9]).await;
    probe.fails(json!({"port": port}), "protocol", "again and again").await;
    let port = listener_with_dialogue(vec![tns(6, b"data")]).await;
    probe.fails(json!({"port": port}), "protocol", "not an Oracle listener's").await;
    probe.unreachable_places().await;
    let wrong = |changed| probe.kind.check(&probe.properties(&changed)).into_iter().map(|e| e.field).collect::<Vec<_>>();
    assert_eq!(wrong(json!({"service_name": ""})), ["properties.service_name"]);
    assert_eq!(wrong(json!({"sid": "ORCL"})), ["properties.service_name"]);
    assert_eq!(wrong(json!({"service_name": "X)(HOST=y"})), ["properties.service_name"]);
}

#[tokio::test]
async fn clickhouse() {
    let answer = |status: &str, head: &str, body: &str| format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    let (port, asked) = listener_that_says(&answer("200 OK", "", "24.8.4.13\tshop\n")).await;
    let right = json!({"url": format!("http://127.0.0.1:{port}"), "database": "shop", "user": "ann", "password": "hunter2"});
    let probe = Probe::new("clickhouse", right);
    let reached = probe.reaches(json!({}), "ClickHouse 24.8.4.13, database `shop`").await;
    assert_eq!(reached.details["version"], "24.8.4.13");
    let request = asked.lock().unwrap().concat();
    assert!(request.contains("database=shop") && request.contains("x-clickhouse-key: hunter2"), "{request}");
    assert!(!request.lines().next().unwrap().contains("hunter2"), "a password in a query would be logged: {request}");
    for (status, code, failure, message) in [
        ("403 Forbidden", "516", "credentials", "user or password were refused"),
        ("404 Not Found", "81", "missing", "no database `shop`"),
        ("403 Forbidden", "497", "credentials", "may not use database `shop`"),
        ("500 Error", "60", "protocol", "error 60"),
    ] {
        let (port, _) = listener_that_says(&answer(status, &format!("X-ClickHouse-Exception-Code: {code}\r\n"), "Code")).await;
        probe.fails(json!({"url": format!("http://127.0.0.1:{port}")}), failure, message).await;
    }
    let (port, _) = listener_that_says(&answer("200 OK", "", "<html>")).await;
    probe.fails(json!({"url": format!("http://127.0.0.1:{port}")}), "protocol", "not ClickHouse's").await;
    probe.unreachable_urls("url").await;
}

/// What the real servers of the other tests cannot be made to say: refused sign-ins of Elasticsearch and Hive.
#[tokio::test]
async fn refused_sign_ins() {
    let (port, _) = listener_that_says("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await;
    let probe = Probe::new("elasticsearch", json!({"url": format!("http://127.0.0.1:{port}"), "user": "ann", "password": "hunter2"}));
    probe.fails(json!({}), "credentials", "refuses the sign-in").await;
    let text = b"Error validating the login";
    let port = listener_with_dialogue(vec![[&[4, 0, 0, 0, text.len() as u8], text.as_slice()].concat()]).await;
    let probe = Probe::new("hive", json!({"host": "127.0.0.1", "port": port, "user": "ann", "password": "hunter2"}));
    probe.fails(json!({}), "credentials", "user or password were refused: Error validating the login").await;
    let text = b"Unsupported mechanism type PLAIN";
    let port = listener_with_dialogue(vec![[&[4, 0, 0, 0, text.len() as u8], text.as_slice()].concat()]).await;
    probe.fails(json!({"port": port}), "credentials", "Kerberos is not supported").await;
}
