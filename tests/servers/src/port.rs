//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

/// `N` different ports of 127.0.0.1 that nobody listens on. All are held until the last is found, so they differ;
/// between here and the server's own `bind` somebody else could take one, which the server then reports.
///
/// # Errors
/// The system has no port left.
pub fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
