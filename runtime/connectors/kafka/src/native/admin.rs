//! Questions to and changes of the cluster that need no consumer group: offsets by time, committed offsets of groups.
//! All of these wait.

use super::{
    Failure,
    client::{Client, millis},
    list::{PartitionList, copy_entries, copy_entry, event_failure},
};
use rdkafka_sys as rd;
use std::{ptr, sync::Arc, time::Duration};

/// Which offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffsetSpec {
    /// The first record that is still there.
    Earliest,
    /// Behind the last record that is committed.
    Latest,
    /// The first record at or after these epoch milliseconds; none if there is no such record.
    Timestamp(i64),
}

impl OffsetSpec {
    fn number(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::Timestamp(ms) => ms.max(0),
        }
    }
}

/// A request that is under way: options and the queue for its answer.
pub(super) struct Request<'c> {
    client: &'c Client,
    options: *mut rd::rd_kafka_AdminOptions_t,
    queue: *mut rd::rd_kafka_queue_t,
    timeout: Duration,
}

impl<'c> Request<'c> {
    pub(super) fn new(client: &'c Client, operation: rd::rd_kafka_admin_op_t, timeout: Duration) -> Self {
        // SAFETY: both are fresh and released by `Drop`; the error text may be left out (size 0).
        unsafe {
            let options = rd::rd_kafka_AdminOptions_new(client.as_ptr(), operation);
            rd::rd_kafka_AdminOptions_set_request_timeout(options, millis(timeout), ptr::null_mut(), 0);
            Self { client, options, queue: rd::rd_kafka_queue_new(client.as_ptr()), timeout }
        }
    }

    pub(super) fn options(&self) -> *mut rd::rd_kafka_AdminOptions_t {
        self.options
    }

    pub(super) fn queue(&self) -> *mut rd::rd_kafka_queue_t {
        self.queue
    }

    /// Waits for the answer and reads it.
    pub(super) fn answer<T>(&self, read: impl FnOnce(*mut rd::rd_kafka_event_t) -> Result<T, Failure>) -> Result<T, Failure> {
        // The request gives up by itself after its timeout; a little more, so that its own reason is heard.
        let patience = self.timeout.saturating_add(Duration::from_secs(1));
        // SAFETY: the event is ours until it is destroyed; `read` copies out of it.
        unsafe {
            let event = rd::rd_kafka_queue_poll(self.queue, millis(patience));
            if event.is_null() {
                return Err(Failure::of(super::Code::RD_KAFKA_RESP_ERR__TIMED_OUT));
            }
            let result = event_failure(event).and_then(|()| read(event));
            rd::rd_kafka_event_destroy(event);
            result
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, released once.
        unsafe {
            rd::rd_kafka_queue_destroy(self.queue);
            rd::rd_kafka_AdminOptions_destroy(self.options);
        }
    }
}

/// Offsets of partitions as `(partition, offset)`; the offset is negative where there is none.
pub(crate) fn list_offsets(
    client: &Arc<Client>,
    topic: &str,
    wanted: &[(i32, OffsetSpec)],
    timeout: Duration,
) -> Result<Vec<(i32, i64)>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let specs: Vec<(i32, i64)> = wanted.iter().map(|&(partition, spec)| (partition, spec.number())).collect();
    let list = PartitionList::new(topic, &specs);
    let request = Request::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout);
    // SAFETY: list and request outlive the calls; the answer's arrays belong to the event.
    unsafe {
        let committed = rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
        Failure::check(rd::rd_kafka_AdminOptions_set_isolation_level(request.options, committed))?;
        rd::rd_kafka_ListOffsets(request.client.as_ptr(), list.as_ptr(), request.options, request.queue);
        request.answer(|event| {
            let mut count = 0;
            let infos = rd::rd_kafka_ListOffsets_result_infos(rd::rd_kafka_event_ListOffsets_result(event), &mut count);
            let entries = (0..count).map(|i| copy_entry(rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(i))));
            entries.map(|e| Failure::check_code(e.code).map(|()| (e.partition, e.offset))).collect()
        })
    }
}

/// The committed offset and its metadata of the group that `member` (a consumer with `group.id`) names; `None` if there
/// is none. With `isolation.level=read_committed`, transactions that are being completed are waited out.
///
/// Not by the admin request of the same purpose: in librdkafka 2.12 its answer handler uses the client's group without
/// looking whether there is one, and a client without `group.id` crashes on the first moved coordinator.
pub(crate) fn group_offset(member: &Arc<Client>, topic: &str, partition: i32, timeout: Duration) -> Result<Option<(i64, String)>, Failure> {
    let list = PartitionList::new(topic, &[(partition, -1001)]);
    // SAFETY: the list outlives the call, which fills it in.
    unsafe {
        Failure::check_code(rd::rd_kafka_committed(member.as_ptr(), list.as_ptr(), millis(timeout)))?;
        for entry in copy_entries(list.as_ptr()) {
            Failure::check_code(entry.code)?;
            if entry.offset >= 0 {
                return Ok(Some((entry.offset, entry.metadata)));
            }
        }
        Ok(None)
    }
}

/// Commits offsets for the group that `member` (a consumer with `group.id`) names; makes the group.
///
/// Not by the admin request of the same purpose: in librdkafka 2.12 one that times out while its coordinator is away
/// ends the process with a failed assertion.
pub(crate) fn commit_offsets(member: &Arc<Client>, topic: &str, offsets: &[(i32, i64)], timeout: Duration) -> Result<(), Failure> {
    if offsets.is_empty() {
        return Ok(());
    }
    let list = PartitionList::new(topic, offsets);
    // SAFETY: the list is copied by the call; the queue and the event are ours until they are destroyed. A commit that
    // outlives its queue keeps a reference of its own and is answered to nobody.
    unsafe {
        let queue = rd::rd_kafka_queue_new(member.as_ptr());
        let code = rd::rd_kafka_commit_queue(member.as_ptr(), list.as_ptr(), queue, None, ptr::null_mut());
        let result = Failure::check_code(code).and_then(|()| {
            let event = rd::rd_kafka_queue_poll(queue, millis(timeout));
            if event.is_null() {
                return Err(Failure::of(super::Code::RD_KAFKA_RESP_ERR__TIMED_OUT));
            }
            let failure = event_failure(event);
            rd::rd_kafka_event_destroy(event);
            failure
        });
        rd::rd_kafka_queue_destroy(queue);
        result
    }
}
