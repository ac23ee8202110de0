//! Brokers that mean harm: they speak just enough of the protocol.

use crate::{KafkaDataSource, testing::connection_to};
use millrace_connector::{ConnectivityFailure, DataSourceKind};
use millrace_dial::{Dialer, NetworkPolicy};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

/// Numbers of the brokers that do not exist; librdkafka names their threads by them.
const FIRST_NODE: i32 = 50_000;
const BROKERS: i32 = 10_000;

fn api_versions() -> Vec<u8> {
    let mut body = 0i16.to_be_bytes().to_vec();
    body.push(3);
    for (key, max) in [(3i16, 4i16), (18, 3)] {
        [key, 0, max].iter().for_each(|number| body.extend(number.to_be_bytes()));
        body.push(0);
    }
    body.extend(0i32.to_be_bytes());
    body.push(0);
    body
}

fn metadata(port: u16) -> Vec<u8> {
    let host = b"127.0.0.1";
    let mut body = [0i32.to_be_bytes(), BROKERS.to_be_bytes()].concat();
    for node in 0..BROKERS {
        body.extend((FIRST_NODE + node).to_be_bytes());
        body.extend((host.len() as i16).to_be_bytes());
        body.extend(host);
        body.extend(i32::from(port).to_be_bytes());
        body.extend((-1i16).to_be_bytes());
    }
    body.extend((-1i16).to_be_bytes());
    body.extend(FIRST_NODE.to_be_bytes());
    body.extend(0i32.to_be_bytes());
    body
}

fn serve(mut peer: TcpStream, port: u16) -> std::io::Result<()> {
    loop {
        let mut size = [0; 4];
        peer.read_exact(&mut size)?;
        let mut request = vec![0; u32::from_be_bytes(size) as usize];
        peer.read_exact(&mut request)?;
        let body = match i16::from_be_bytes([request[0], request[1]]) {
            18 => api_versions(),
            3 => metadata(port),
            _ => return Ok(()),
        };
        let length = (body.len() + 4) as u32;
        peer.write_all(&[&length.to_be_bytes()[..], &request[4..8], &body].concat())?;
    }
}

/// A broker that announces ten thousand others.
fn boastful() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for peer in listener.incoming().flatten() {
            std::thread::spawn(move || serve(peer, port));
        }
    });
    port
}

/// Threads of this process for brokers that do not exist.
fn threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    names.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).filter(|name| name.starts_with("rdk:broker5")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_ten_thousand_brokers_is_refused_before_they_have_threads() {
    let properties = connection_to(&format!("127.0.0.1:{}", boastful())).properties;
    let data_source = KafkaDataSource::new(Dialer::new(NetworkPolicy::with_loopback()));
    let report = data_source.test(&properties, Duration::from_secs(20)).await;
    let most = threads();
    assert_eq!(report.failure, Some(ConnectivityFailure::Configuration), "{report:?}");
    assert!(report.message.contains("more than 200 brokers"), "{report:?}");
    assert!(most < 300, "{most} threads");
    let until = Instant::now() + Duration::from_secs(30);
    while threads() > 0 {
        assert!(Instant::now() < until, "{} threads are still there", threads());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
