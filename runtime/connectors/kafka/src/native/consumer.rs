//! Reading partitions into one queue, batch by batch, without a group and without a thread of ours.
//!
//! librdkafka's threads fetch ahead; when the queue becomes non-empty they wake the reader. Messages stay in
//! librdkafka's buffers until [`Messages::clear`].

use super::{
    Code, Failure,
    client::{Client, Topic},
};
use rdkafka_sys as rd;
use std::{ffi::CStr, os::raw::c_void, ptr::NonNull, sync::Arc};
use tokio::sync::Notify;

/// The queue and the partitions that flow into it.
pub(crate) struct Fetcher {
    topic: Topic,
    queue: NonNull<rd::rd_kafka_queue_t>,
    started: Vec<i32>,
    wake: Arc<Notify>,
}

// SAFETY: librdkafka's handles may be used from all threads.
unsafe impl Send for Fetcher {}
// SAFETY: as above.
unsafe impl Sync for Fetcher {}

impl Fetcher {
    pub(crate) fn new(topic: Topic) -> Self {
        let wake = Arc::new(Notify::new());
        // SAFETY: the queue is never null; `wake` outlives the callback, which `Drop` takes off first.
        let queue = unsafe {
            let queue = rd::rd_kafka_queue_new(topic.client.as_ptr());
            rd::rd_kafka_queue_cb_event_enable(queue, Some(on_nonempty), Arc::as_ptr(&wake).cast_mut().cast());
            NonNull::new_unchecked(queue)
        };
        Self { topic, queue, started: Vec::new(), wake }
    }

    /// Fetches `partition` from `offset` on.
    pub(crate) fn start(&mut self, partition: i32, offset: i64) -> Result<(), Failure> {
        // SAFETY: topic and queue are alive; a partition is started once.
        let result = unsafe { rd::rd_kafka_consume_start_queue(self.topic.rkt.as_ptr(), partition, offset, self.queue.as_ptr()) };
        if result != 0 {
            return Err(Failure::last());
        }
        self.started.push(partition);
        Ok(())
    }

    /// Takes what is there, up to `max` messages, behind those already in `messages`; never waits.
    pub(crate) fn take(&self, messages: &mut Messages, max: usize) {
        messages.reserve(max);
        let room = max.saturating_sub(messages.pointers.len());
        let start = messages.pointers.len();
        // SAFETY: there is room for `room` pointers behind `start`; librdkafka fills the first `count` of them.
        unsafe {
            let free = messages.pointers.as_mut_ptr().add(start);
            let count = rd::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, free, room);
            messages.pointers.set_len(start + usize::try_from(count).unwrap_or(0).min(room));
        }
    }

    /// Completes once messages may have arrived since the last [`Self::take`]. Cancel safe.
    pub(crate) async fn nonempty(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Room for messages of this fetcher.
    pub(crate) fn messages(&self) -> Messages {
        Messages { pointers: Vec::new(), _client: self.topic.client.clone() }
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // SAFETY: the callback goes first, so that `wake` is not used any more; then the partitions, then the queue.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, std::ptr::null_mut());
            // A refused client would not answer: its end stops the partitions too.
            let started = if self.topic.client.refusal().is_some() { &[] } else { self.started.as_slice() };
            for &partition in started {
                rd::rd_kafka_consume_stop(self.topic.rkt.as_ptr(), partition);
            }
            rd::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

unsafe extern "C" fn on_nonempty(_: *mut rd::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: `opaque` is the fetcher's `Notify`, alive until the callback is taken off.
    unsafe { &*opaque.cast::<Notify>().cast_const() }.notify_one();
}

/// Messages in librdkafka's buffers.
pub(crate) struct Messages {
    pointers: Vec<*mut rd::rd_kafka_message_t>,
    /// Messages must be gone before their client.
    _client: Arc<Client>,
}

// SAFETY: messages are owned, and released by whichever thread owns this.
unsafe impl Send for Messages {}

/// Who says when a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampKind {
    /// Nobody.
    NotThere,
    /// Its producer.
    CreateTime,
    /// The broker.
    LogAppendTime,
}

/// One message, in place.
pub(crate) struct Message<'m> {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// The key, if it has one.
    pub(crate) key: Option<&'m [u8]>,
    /// The value; `None` for a tombstone.
    pub(crate) payload: Option<&'m [u8]>,
    /// Set when this is not a record but a report about the partition.
    pub(crate) failure: Option<Failure>,
}

impl Messages {
    fn reserve(&mut self, total: usize) {
        self.pointers.reserve(total.saturating_sub(self.pointers.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<Message<'_>> {
        self.pointers.get(index).map(|&pointer| view(pointer))
    }

    /// When a message was written, in epoch milliseconds, and who says so; -1 where nobody does.
    pub(crate) fn timestamp(&self, index: usize) -> (i64, TimestampKind) {
        let Some(&pointer) = self.pointers.get(index) else { return (-1, TimestampKind::NotThere) };
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a valid message and a place for the kind.
        let at_ms = unsafe { rd::rd_kafka_message_timestamp(pointer, &mut kind) };
        let kind = match kind {
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => TimestampKind::NotThere,
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => TimestampKind::CreateTime,
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => TimestampKind::LogAppendTime,
        };
        (at_ms, kind)
    }

    /// The epoch of the leader that a message came from, if the broker says so.
    pub(crate) fn leader_epoch(&self, index: usize) -> Option<i32> {
        let &pointer = self.pointers.get(index)?;
        // SAFETY: a valid message.
        Some(unsafe { rd::rd_kafka_message_leader_epoch(pointer) }).filter(|&epoch| epoch >= 0)
    }

    /// Calls `visit` with the name and value of each header of a message, in order.
    pub(crate) fn headers(&self, index: usize, mut visit: impl FnMut(&[u8], Option<&[u8]>)) {
        let Some(&pointer) = self.pointers.get(index) else { return };
        let mut headers = std::ptr::null_mut();
        // SAFETY: a valid message; the headers belong to it and live as long.
        if unsafe { rd::rd_kafka_message_headers(pointer, &mut headers) } != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        for position in 0.. {
            let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
            // SAFETY: valid headers and places for what is found; name and value live as long as the message.
            unsafe {
                let found = rd::rd_kafka_header_get_all(headers, position, &mut name, &mut value, &mut size);
                if found != Code::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                    return;
                }
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
                visit(CStr::from_ptr(name).to_bytes(), value);
            }
        }
    }

    /// Gives all messages back to librdkafka.
    pub(crate) fn clear(&mut self) {
        for pointer in self.pointers.drain(..) {
            // SAFETY: owned, released once.
            unsafe { rd::rd_kafka_message_destroy(pointer) };
        }
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.clear();
    }
}

fn view<'m>(pointer: *mut rd::rd_kafka_message_t) -> Message<'m> {
    // SAFETY: `Messages` holds valid messages only, and the callers tie `'m` to a borrow of it; payload and key are as long
    // as the message says.
    unsafe {
        let message = &*pointer;
        let payload =
            (!message.payload.is_null()).then(|| std::slice::from_raw_parts(message.payload.cast::<u8>().cast_const(), message.len));
        let key = (!message.key.is_null()).then(|| std::slice::from_raw_parts(message.key.cast::<u8>().cast_const(), message.key_len));
        let failure = Failure::check_code(message.err).err().map(|failure| match payload {
            // For reports the payload is the reason's text.
            Some(reason) => Failure { message: String::from_utf8_lossy(reason).into_owned(), ..failure },
            None => failure,
        });
        Message { partition: message.partition, offset: message.offset, key, payload, failure }
    }
}
