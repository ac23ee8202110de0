//! Lists of partitions with offsets and metadata.

use super::{Code, Failure, c_text, rust_text};
use rdkafka_sys as rd;

pub(super) struct PartitionList(*mut rd::rd_kafka_topic_partition_list_t);

/// One entry, copied out.
pub(super) struct Entry {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) metadata: String,
    pub(super) code: Code,
}

impl PartitionList {
    pub(super) fn new(topic: &str, offsets: &[(i32, i64)]) -> Self {
        let topic = c_text(topic);
        // SAFETY: the list is fresh and owned by the answer; the topic's text is copied.
        unsafe {
            let list = rd::rd_kafka_topic_partition_list_new(i32::try_from(offsets.len()).unwrap_or(0));
            for &(partition, offset) in offsets {
                let entry = rd::rd_kafka_topic_partition_list_add(list, topic.as_ptr(), partition);
                (*entry).offset = offset;
            }
            Self(list)
        }
    }

    /// Attaches a text to the first entry.
    pub(super) fn set_first_metadata(&mut self, text: &str) -> Result<(), Failure> {
        // SAFETY: the memory comes from librdkafka's allocator, which releases it with the list; the entry exists.
        unsafe {
            if (*self.0).cnt < 1 {
                return Err(Failure::of(Code::RD_KAFKA_RESP_ERR__INVALID_ARG));
            }
            let memory = rd::rd_kafka_mem_malloc(std::ptr::null_mut(), text.len().max(1)).cast::<u8>();
            if memory.is_null() {
                return Err(Failure::of(Code::RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE));
            }
            std::ptr::copy_nonoverlapping(text.as_ptr(), memory, text.len());
            let first = &mut *(*self.0).elems;
            first.metadata = memory.cast();
            first.metadata_size = text.len();
        }
        Ok(())
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned, released once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

/// Copies one entry out of a list.
///
/// # Safety
/// `entry` points to a valid entry.
pub(super) unsafe fn copy_entry(entry: *const rd::rd_kafka_topic_partition_t) -> Entry {
    // SAFETY: valid by this function's contract; the metadata is `metadata_size` bytes long.
    unsafe {
        let entry = &*entry;
        let metadata = if entry.metadata.is_null() {
            String::new()
        } else {
            String::from_utf8_lossy(std::slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size)).into_owned()
        };
        Entry { partition: entry.partition, offset: entry.offset, metadata, code: entry.err }
    }
}

/// Copies all entries out of a list.
///
/// # Safety
/// `list` is null or points to a valid list.
pub(super) unsafe fn copy_entries(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: the list holds `cnt` entries.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        (0..count).map(|i| copy_entry((*list).elems.add(i))).collect()
    }
}

/// Text of an event's error.
///
/// # Safety
/// `event` points to a valid event.
pub(super) unsafe fn event_failure(event: *mut rd::rd_kafka_event_t) -> Result<(), Failure> {
    // SAFETY: valid by this function's contract.
    unsafe {
        let code = rd::rd_kafka_event_error(event);
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        Err(Failure { message: rust_text(rd::rd_kafka_event_error_string(event)), ..Failure::of(code) })
    }
}
