//! Memory of a process and everything below it, as the kernel counts it.

use std::fs;

/// Levels of children that are followed.
const DEPTH_MAX: u32 = 8;

/// Resident bytes of the process and its descendants; what has ended counts nothing.
pub fn resident_bytes(process: u32) -> u64 {
    of_tree(process, 0)
}

fn of_tree(process: u32, depth: u32) -> u64 {
    let own = fs::read_to_string(format!("/proc/{process}/statm"))
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok())
        .unwrap_or_default()
        .saturating_mul(rustix::param::page_size() as u64);
    if depth == DEPTH_MAX {
        return own;
    }
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).map(|child| of_tree(child, depth + 1)).fold(own, u64::saturating_add)
}
