//! From a host name to a connection.

use crate::{NetworkPolicy, Wire};
use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout_at,
};

/// Characters of a host name, by the rules of DNS.
const HOST_CHARACTERS_MAX: usize = 253;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Connects to data sources, as far as the platform permits; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dialer {
    policy: Arc<NetworkPolicy>,
}

impl Dialer {
    /// Connects within `policy`.
    pub fn new(policy: NetworkPolicy) -> Self {
        Self { policy: Arc::new(policy) }
    }

    /// Whether a data source may be at this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.policy.permits(address)
    }

    /// Connects to `host`, a name or an address, before `until`.
    ///
    /// # Errors
    /// The step that failed: the name, the permission, the connection, the time.
    pub async fn connect(&self, host: &str, port: u16, until: Instant) -> Result<Wire, Unreachable> {
        let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let addresses = self.resolve(host, port, &place, until).await?;
        let mut failure = Unreachable::new(Failure::Dns, format!("{place}: the name has no addresses; check the host"));
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            failure = match timeout_at(until.into(), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Handshakes are many small messages; if the option cannot be set they only take longer.
                    let _ = stream.set_nodelay(true);
                    return Ok(Wire::new(stream, place, until));
                }
                Err(_) => Unreachable::new(
                    Failure::Timeout,
                    format!("{place}: no answer in time; check host and port, and whether a firewall is in between"),
                ),
                Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                    Unreachable::new(Failure::Refused, format!("{place}: connection refused; nobody listens there: check the port"))
                }
                Ok(Err(error)) => Unreachable::new(Failure::Timeout, format!("{place}: cannot be reached: {error}")),
            };
        }
        Err(failure)
    }

    /// The addresses of `host` that are permitted.
    async fn resolve(&self, host: &str, port: u16, place: &str, until: Instant) -> Result<Vec<SocketAddr>, Unreachable> {
        if host.is_empty() || host.len() > HOST_CHARACTERS_MAX || host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
            return Err(Unreachable::new(Failure::Configuration, "the host is empty or no host name; give a name or an address"));
        }
        let all: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => match timeout_at(until.into(), lookup_host((host, port))).await {
                Ok(Ok(found)) => found.collect(),
                Ok(Err(_)) => return Err(Unreachable::new(Failure::Dns, format!("{place}: the name does not resolve; check the host"))),
                Err(_) => {
                    let message = format!("{place}: the name was not resolved in time; is the name server reachable?");
                    return Err(Unreachable::new(Failure::Timeout, message));
                }
            },
        };
        let found = all.len();
        let permitted: Vec<SocketAddr> = all.into_iter().filter(|address| self.permits(address.ip())).collect();
        if permitted.is_empty() && found > 0 {
            // Which address a name of the inner network has is not told.
            let message = format!(
                "{place}: data sources may not be in that network; ask the platform administrator to allow it (`source-networks-allowed`)"
            );
            return Err(Unreachable::new(Failure::Configuration, message));
        }
        Ok(permitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::net::TcpListener;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[track_caller]
    fn failed(result: Result<Wire, Unreachable>) -> (Failure, String) {
        let error = result.err().unwrap();
        (error.failure, error.message)
    }

    #[tokio::test]
    async fn each_step_fails_by_its_own_name() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = Dialer::new(NetworkPolicy::with_loopback());
        assert!(dialer.connect("localhost", port, soon()).await.is_ok());
        drop(listener);
        let (failure, message) = failed(dialer.connect("127.0.0.1", port, soon()).await);
        assert_eq!(failure, Failure::Refused, "{message}");
        let (failure, message) = failed(dialer.connect("no-such-host.invalid", 1, soon()).await);
        assert_eq!(failure, Failure::Dns, "{message}");
        let (failure, _) = failed(dialer.connect("a host", 1, soon()).await);
        assert_eq!(failure, Failure::Configuration);
    }

    #[tokio::test]
    async fn a_closed_network_is_not_touched() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = Dialer::new(NetworkPolicy::default());
        for host in ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0"] {
            let (failure, message) = failed(dialer.connect(host, port, soon()).await);
            assert_eq!(failure, Failure::Configuration, "{host}: {message}");
            assert!(message.contains("may not be in that network"), "{message}");
        }
        // An open port answers exactly as a closed one.
        let open = failed(dialer.connect("127.0.0.1", port, soon()).await).1.replace(&port.to_string(), "P");
        assert_eq!(open, failed(dialer.connect("127.0.0.1", 1, soon()).await).1.replace(":1:", ":P:"));
        let untouched = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(untouched.is_err(), "somebody connected");
    }
}
