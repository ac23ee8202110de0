//! Writing to one topic, with and without transactions.

use super::{
    Code, Failure, c_text,
    client::{Client, Topic, millis},
    list::PartitionList,
};
use rdkafka_sys as rd;
use std::{sync::Arc, time::Duration};

/// The partitioner chooses: `RD_KAFKA_PARTITION_UA`, which the bindings leave out.
const ANY_PARTITION: i32 = -1;

pub(crate) struct Producer {
    topic: Topic,
}

/// What became of a message that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// librdkafka has copied it and will deliver it.
    Accepted,
    /// The queue is full: try again after deliveries.
    Full,
}

impl Producer {
    pub(crate) fn new(topic: Topic) -> Self {
        Self { topic }
    }

    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.topic.client
    }

    fn rk(&self) -> *mut rd::rd_kafka_t {
        self.topic.client.as_ptr()
    }

    /// Hands a message over; never waits. Without a payload it is a tombstone. The partitioner chooses the partition.
    #[inline]
    pub(crate) fn send(&self, key: Option<&[u8]>, payload: Option<&[u8]>) -> Result<Sent, Failure> {
        let (payload, payload_len) = payload.map_or((std::ptr::null(), 0), |payload| (payload.as_ptr(), payload.len()));
        let (key, key_len) = key.map_or((std::ptr::null(), 0), |key| (key.as_ptr(), key.len()));
        // SAFETY: `F_COPY`: both texts are copied before the call returns.
        let result = unsafe {
            rd::rd_kafka_produce(
                self.topic.rkt.as_ptr(),
                ANY_PARTITION,
                rd::RD_KAFKA_MSG_F_COPY,
                payload.cast_mut().cast(),
                payload_len,
                key.cast(),
                key_len,
                std::ptr::null_mut(),
            )
        };
        if result == 0 {
            return Ok(Sent::Accepted);
        }
        let failure = Failure::last();
        if failure.code == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL { Ok(Sent::Full) } else { Err(failure) }
    }

    /// Sends what is queued at once and waits until all is delivered or given up; false if `timeout` passed before.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<bool, Failure> {
        // SAFETY: the client is alive.
        match unsafe { rd::rd_kafka_flush(self.rk(), millis(timeout)) } {
            Code::RD_KAFKA_RESP_ERR__TIMED_OUT => Ok(false),
            code => Failure::check_code(code).map(|()| true),
        }
    }

    /// Messages that are neither delivered nor given up.
    pub(crate) fn in_flight(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.rk()) }).unwrap_or(0)
    }

    /// Takes the transactional id over from any earlier producer. Waits.
    pub(crate) fn init_transactions(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: the client is alive; `check` owns the error. So in the calls below.
        unsafe { Failure::check(rd::rd_kafka_init_transactions(self.rk(), millis(timeout))) }
    }

    pub(crate) fn begin_transaction(&self) -> Result<(), Failure> {
        // SAFETY: see `init_transactions`.
        unsafe { Failure::check(rd::rd_kafka_begin_transaction(self.rk())) }
    }

    /// Delivers everything and commits. Waits.
    pub(crate) fn commit_transaction(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: see `init_transactions`.
        unsafe { Failure::check(rd::rd_kafka_commit_transaction(self.rk(), millis(timeout))) }
    }

    /// Gives the transaction and its messages up. Waits.
    pub(crate) fn abort_transaction(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: see `init_transactions`.
        unsafe { Failure::check(rd::rd_kafka_abort_transaction(self.rk(), millis(timeout))) }
    }

    /// Makes a group's offset with metadata part of the transaction. Waits.
    pub(crate) fn send_offset(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
        metadata: &str,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let mut offsets = PartitionList::new(topic, &[(partition, offset)]);
        offsets.set_first_metadata(metadata)?;
        let group = c_text(group);
        // SAFETY: the group's metadata is made and released here; lists and texts outlive the call.
        unsafe {
            let group = rd::rd_kafka_consumer_group_metadata_new(group.as_ptr());
            let sent = rd::rd_kafka_send_offsets_to_transaction(self.rk(), offsets.as_ptr(), group, millis(timeout));
            rd::rd_kafka_consumer_group_metadata_destroy(group);
            Failure::check(sent)
        }
    }
}
