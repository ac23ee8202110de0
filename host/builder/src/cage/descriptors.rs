//! Closes what an ancestor may have left open without `O_CLOEXEC`: a database, a socket, a key file.

/// Closes every descriptor beyond the three standard ones.
pub fn close_inherited() {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The list held the descriptor of its own folder, which is closed by now.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            by_number::close(descriptor);
        }
    }
}

/// Closing by number.
mod by_number {
    #![allow(unsafe_code)]

    /// Closes a descriptor that nothing in this process owns.
    pub fn close(descriptor: i32) {
        // SAFETY: called before anything in this process has opened a descriptor that it still uses; 0, 1 and 2 are
        // excluded by the caller, who has just seen that it is open.
        unsafe { rustix::io::close(descriptor) };
    }
}
