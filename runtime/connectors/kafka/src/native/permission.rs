//! Which addresses clients connect to.
//!
//! Brokers tell clients where other brokers are, so checking `bootstrap.servers` is not enough: every connection that
//! librdkafka makes for a [`Client`](super::Client) is decided here. The policy is the process's, as there is one network that it stands in.

use millrace_dial::NetworkPolicy;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::raw::{c_char, c_int, c_void},
    sync::OnceLock,
};

static POLICY: OnceLock<NetworkPolicy> = OnceLock::new();

/// How librdkafka names the error of a refused connection.
pub(crate) const REFUSED: &str = "Permission denied";

/// Limits the addresses of all clients of this process; the first call counts.
pub(crate) fn limit(policy: NetworkPolicy) {
    // A second policy would change what running jobs may do.
    let _ = POLICY.set(policy);
}

/// The address in a socket address, if it is one of IP.
///
/// # Safety
/// `address` points to a socket address of `length` bytes.
unsafe fn ip(address: *const libc::sockaddr, length: usize) -> Option<IpAddr> {
    if address.is_null() || length < size_of::<libc::sa_family_t>() {
        return None;
    }
    // SAFETY: long enough for its family by the check above, and for the whole by those in front of each cast; librdkafka
    // aligns its addresses for any family, and unaligned reads need not rely on that.
    unsafe {
        match c_int::from((*address).sa_family) {
            libc::AF_INET if length >= size_of::<libc::sockaddr_in>() => {
                let v4 = address.cast::<libc::sockaddr_in>().read_unaligned();
                Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr))))
            }
            libc::AF_INET6 if length >= size_of::<libc::sockaddr_in6>() => {
                let v6 = address.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)))
            }
            _ => None,
        }
    }
}

/// Connects as librdkafka itself would, if the address is permitted; answers the error's number.
pub(super) unsafe extern "C" fn connect(
    socket: c_int,
    address: *const libc::sockaddr,
    length: c_int,
    _: *const c_char,
    _: *mut c_void,
) -> c_int {
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: librdkafka passes the address that it resolved, and its length.
    let found = unsafe { ip(address, length) };
    if let Some(policy) = POLICY.get()
        && !found.is_some_and(|ip| policy.permits(ip))
    {
        return libc::EACCES;
    }
    // SAFETY: as above, on a socket that librdkafka has just made.
    let result = unsafe { libc::connect(socket, address, libc::socklen_t::try_from(length).unwrap_or(0)) };
    if result == 0 {
        return 0;
    }
    match std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO) {
        // Sockets of librdkafka do not block: it waits for the outcome itself.
        libc::EINPROGRESS => 0,
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_what_librdkafka_passes() {
        // SAFETY: zeroed socket addresses are valid.
        let (mut v4, mut v6) = unsafe { (std::mem::zeroed::<libc::sockaddr_in>(), std::mem::zeroed::<libc::sockaddr_in6>()) };
        v4.sin_family = libc::AF_INET as libc::sa_family_t;
        v4.sin_addr.s_addr = u32::from_ne_bytes([169, 254, 169, 254]);
        v6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
        v6.sin6_addr.s6_addr = Ipv6Addr::LOCALHOST.octets();
        // SAFETY: each pointer is to an address of the stated length.
        unsafe {
            assert_eq!(ip((&raw const v4).cast(), size_of_val(&v4)), Some(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254))));
            assert_eq!(ip((&raw const v6).cast(), size_of_val(&v6)), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
            assert_eq!(ip((&raw const v6).cast(), 4), None);
            assert_eq!(ip(std::ptr::null(), 16), None);
        }
    }
}
