//! Requests to a real server on this machine.

use super::*;
use millrace_model::ids::TenantId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives `answer` to each connection; `None` never answers.
async fn server(answer: Option<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = connection.read(&mut asked).await;
                match answer {
                    Some(answer) => drop(connection.write_all(&answer).await),
                    None => std::future::pending().await,
                }
            });
        }
    });
    port
}

fn granted(targets: &[String]) -> Capabilities {
    let grants = CapabilityGrants { http: targets.iter().map(|t| t.parse().unwrap()).collect(), ..CapabilityGrants::default() };
    Capabilities::new("enrich", &grants, Some(Arc::new(HttpClient::new().unwrap())))
}

fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest { method: "GET".into(), url: url.into(), headers: Vec::new(), body: None }
}

const TIME: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_granted_host_is_reached_and_redirects_are_answered() {
    let port = server(Some(b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 2\r\n\r\nhi".to_vec())).await;
    let answer = granted(&[format!("127.0.0.1:{port}")]).send(get(format!("http://127.0.0.1:{port}/a")), TIME).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (302, b"hi".as_slice()));
    assert!(answer.headers.contains(&("location".into(), "http://10.0.0.1/".into())));
}

#[tokio::test]
async fn what_is_not_granted_is_refused_by_name() {
    let port = server(Some(Vec::new())).await;
    let some = granted(&["api.example.com".into(), format!("localhost:{port}")]);
    for (url, reason) in [
        (format!("http://127.0.0.1:{port}/"), format!("the capability \"http\" to 127.0.0.1:{port} is not granted")),
        ("http://api.example.com:8080/".into(), "--http api.example.com:8080`".into()),
        ("http://api.example.com@10.0.0.1/".into(), "with a user or a password".into()),
        ("http://0x7f000001/".into(), "to 127.0.0.1:80 is not granted".into()),
        ("http://2130706433/".into(), "to 127.0.0.1:80 is not granted".into()),
        ("http://[::ffff:127.0.0.1]/".into(), "is not granted".into()),
        ("http://api.example.com./".into(), "is not granted".into()),
        ("file:///etc/passwd".into(), "only `https` and `http` are".into()),
        ("gopher://api.example.com/".into(), "only `https` and `http` are".into()),
        ("no url".into(), "is not a URL".into()),
    ] {
        let error = some.send(get(url.clone()), TIME).await.unwrap_err();
        assert!(error.contains(&reason), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_refused() {
    // Every system has this name in its hosts file or resolves it by rule (RFC 6761).
    let port = server(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec())).await;
    let client = HttpClient::new().unwrap();
    let url = http::parse(&format!("http://localhost:{port}/")).unwrap();
    let error = client.send(&TenantId::new("a"), get(url.clone()), url.clone(), false, TIME).await.unwrap_err();
    assert!(error.contains("resolves to an address that is not public"), "{error}");
    assert_eq!(
        client.send(&TenantId::new("a"), get(url.clone()), url, true, TIME).await.unwrap().status,
        200,
        "unless the grant says `localhost`"
    );
}

#[tokio::test]
async fn slow_and_large_answers_and_the_hosts_own_headers_are_refused() {
    let silent = server(None).await;
    let large = server(Some(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2000000\r\n".iter().copied().chain(vec![b'x'; 17 << 20]).collect(),
    ))
    .await;
    let some = granted(&[format!("127.0.0.1:{silent}"), format!("127.0.0.1:{large}")]);
    let error = some.send(get(format!("http://127.0.0.1:{silent}/")), Duration::from_millis(50)).await.unwrap_err();
    assert!(error.contains("in time") || error.contains("within 50 ms"), "{error}");
    let error = some.send(get(format!("http://127.0.0.1:{large}/")), TIME).await.unwrap_err();
    assert!(error.contains("more than 16777216 bytes"), "{error}");
    for (name, value, reason) in [
        ("host", "elsewhere", "is set by the host"),
        ("Content-Length", "5", "is set by the host"),
        ("a b", "c", "is not a name of a header"),
        ("x", "a\r\nhost: elsewhere", "characters that no header may have"),
    ] {
        let request = HttpRequest { headers: vec![(name.into(), value.into())], ..get(format!("http://127.0.0.1:{silent}/")) };
        let error = some.send(request, TIME).await.unwrap_err();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let request = HttpRequest { method: "CONNECT".into(), ..get(format!("http://127.0.0.1:{silent}/")) };
    assert!(some.send(request, TIME).await.unwrap_err().contains("CONNECT"));
}

#[tokio::test]
async fn a_function_is_told_that_nobody_can_grant_it_anything() {
    let nothing = Capabilities::denied(&function_owner("rate"));
    let refused = [
        nothing.clock().unwrap_err(),
        nothing.secret("key").map(drop).unwrap_err(),
        nothing.send(get("http://example.com/"), TIME).await.map(drop).unwrap_err(),
        nothing.files("out", false, |_| Ok(())).await.unwrap_err(),
    ];
    for refusal in refused {
        assert!(refusal.contains("is not for the function `rate`") && !refusal.contains("millrace plugin grant"), "{refusal}");
    }
}
