//! A librdkafka client: its life, its callbacks, and questions about the cluster.

use super::{
    Code, Failure,
    brokers::{self, BrokerGate},
    c_text, codecs, describe, permission, release, rust_text,
};
use millrace_connector::ConnectorError;
use parking_lot::Mutex;
use rdkafka_sys as rd;
use std::{
    collections::BTreeMap,
    os::raw::{c_char, c_int, c_void},
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Consumer,
    Producer,
}

/// What callbacks leave behind.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Last error of a connection or of the client as a whole.
    last_error: Mutex<Option<Failure>>,
    /// First message that could not be delivered since it was last asked for.
    delivery_error: Mutex<Option<Failure>>,
    brokers: BrokerGate,
}

/// A client. Released elsewhere (see [`release`]), because that waits for librdkafka's threads.
pub(crate) struct Client {
    rk: NonNull<rd::rd_kafka_t>,
    signals: Arc<Signals>,
}

// SAFETY: librdkafka's handles may be used from all threads at once (its documented threading model).
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// The answer to a metadata request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    pub(crate) brokers: usize,
    /// Partition numbers of the topic that was asked for.
    pub(crate) partitions: Vec<i32>,
    /// What is wrong with the topic.
    pub(crate) topic_error: Option<Code>,
}

impl Client {
    /// Makes a client; connects in the background.
    ///
    /// # Errors
    /// A property that librdkafka does not know or accept, by name.
    pub(crate) fn new(kind: ClientKind, properties: &BTreeMap<String, String>) -> Result<Arc<Self>, ConnectorError> {
        codecs::keep();
        let conf = Conf::new(properties)?;
        release::ready().map_err(|error| {
            let message = format!("no thread can be made for its clients: {error}");
            ConnectorError::External { system: "kafka".into(), message, retryable: true }
        })?;
        let signals = Arc::new(Signals::default());
        let mut text = [0 as c_char; 512];
        // SAFETY: `signals` outlives the client, because it is released after it (see `Drop`). On success the client
        // owns the configuration; on failure it is still ours and released by `Conf`.
        unsafe {
            rd::rd_kafka_conf_set_opaque(conf.0, Arc::as_ptr(&signals).cast_mut().cast());
            rd::rd_kafka_conf_set_error_cb(conf.0, Some(on_error));
            rd::rd_kafka_conf_set_log_cb(conf.0, Some(on_log));
            rd::rd_kafka_conf_set_connect_cb(conf.0, Some(permission::connect));
            let gate = (&raw const signals.brokers).cast_mut().cast();
            rd::rd_kafka_conf_interceptor_add_on_new(conf.0, c"millrace".as_ptr(), Some(brokers::on_new), gate);
            let kind = match kind {
                ClientKind::Consumer => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
                ClientKind::Producer => {
                    rd::rd_kafka_conf_set_dr_msg_cb(conf.0, Some(on_delivery));
                    rd::rd_kafka_type_t::RD_KAFKA_PRODUCER
                }
            };
            let rk = rd::rd_kafka_new(kind, conf.0, text.as_mut_ptr(), text.len());
            match NonNull::new(rk) {
                Some(rk) => {
                    std::mem::forget(conf);
                    Ok(Arc::new(Self { rk, signals }))
                }
                None => Err(ConnectorError::Config(format!("kafka client: {}", rust_text(text.as_ptr())))),
            }
        }
    }

    /// Checks names and values of properties without making a client.
    pub(crate) fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), ConnectorError> {
        Conf::new(properties).map(|_| ())
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_t {
        self.rk.as_ptr()
    }

    /// Runs callbacks that are due; does not wait.
    pub(crate) fn poll(&self) {
        // SAFETY: the client is alive.
        unsafe { rd::rd_kafka_poll(self.as_ptr(), 0) };
    }

    /// The last error of a connection, for messages that must say why nothing answers.
    pub(crate) fn last_error(&self) -> Option<Failure> {
        self.poll();
        self.refusal().or_else(|| self.signals.last_error.lock().clone())
    }

    /// Why this client can be used no more: its cluster is too large. Whoever uses it lets it go then.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        self.signals.brokers.refusal()
    }

    /// As [`Self::refusal`], for calls that would wait.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.refusal().map_or(Ok(()), Err)
    }

    /// The first failed delivery since the last call.
    pub(crate) fn take_delivery_error(&self) -> Option<Failure> {
        self.signals.delivery_error.lock().take()
    }

    /// Names of all topics that the user may see. Waits up to `timeout`.
    pub(crate) fn topics(&self, timeout: Duration) -> Result<Vec<String>, Failure> {
        self.check()?;
        let mut raw: *const rd::rd_kafka_metadata = ptr::null();
        // SAFETY: on success `raw` is a valid answer that we release after copying.
        unsafe {
            Failure::check_code(rd::rd_kafka_metadata(self.as_ptr(), 1, ptr::null_mut(), &mut raw, millis(timeout)))?;
            let answer = &*raw;
            let count = usize::try_from(answer.topic_cnt).unwrap_or(0);
            let names = (0..count).map(|i| rust_text((*answer.topics.add(i)).topic)).collect();
            rd::rd_kafka_metadata_destroy(raw);
            Ok(names)
        }
    }

    /// Id of the cluster, if a broker has told it. Waits up to `timeout`.
    pub(crate) fn cluster_id(&self, timeout: Duration) -> Option<String> {
        self.check().ok()?;
        // SAFETY: the answer is null or a text that we must release with librdkafka's allocator.
        unsafe {
            let text = rd::rd_kafka_clusterid(self.as_ptr(), millis(timeout));
            if text.is_null() {
                return None;
            }
            let id = rust_text(text);
            rd::rd_kafka_mem_free(self.as_ptr(), text.cast());
            Some(id)
        }
    }

    /// Asks for brokers, and for a topic's partitions. Waits up to `timeout`.
    pub(crate) fn metadata(&self, topic: Option<&Topic>, timeout: Duration) -> Result<Metadata, Failure> {
        self.check()?;
        let rkt = topic.map_or(ptr::null_mut(), |t| t.rkt.as_ptr());
        let mut raw: *const rd::rd_kafka_metadata = ptr::null();
        // SAFETY: on success `raw` is a valid answer that we release after copying.
        unsafe {
            Failure::check_code(rd::rd_kafka_metadata(self.as_ptr(), 0, rkt, &mut raw, millis(timeout)))?;
            let answer = &*raw;
            let mut metadata = Metadata { brokers: usize::try_from(answer.broker_cnt).unwrap_or(0), ..Metadata::default() };
            if topic.is_some() && answer.topic_cnt > 0 {
                let topic = &*answer.topics;
                metadata.topic_error = Failure::check_code(topic.err).err().map(|f| f.code);
                let count = usize::try_from(topic.partition_cnt).unwrap_or(0);
                metadata.partitions = (0..count).map(|i| (*topic.partitions.add(i)).id).collect();
                metadata.partitions.sort_unstable();
            }
            rd::rd_kafka_metadata_destroy(raw);
            Ok(metadata)
        }
    }

    /// The topic's end as last heard from the broker, without a round trip; `None` before the first answer.
    pub(crate) fn cached_end(&self, topic: &Topic, partition: i32) -> Option<i64> {
        let (mut low, mut high) = (-1, -1);
        // SAFETY: both numbers outlive the call.
        let code = unsafe { rd::rd_kafka_get_watermark_offsets(self.as_ptr(), topic.name.as_ptr(), partition, &mut low, &mut high) };
        (code == Code::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        struct Release(NonNull<rd::rd_kafka_t>, Arc<Signals>);
        // SAFETY: handles may be used from all threads.
        unsafe impl Send for Release {}
        impl Release {
            fn run(self) {
                // A refused client's first thread is busy adding brokers until the client ends: nothing may wait for it.
                let flags = if self.1.brokers.is_refused() { rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE } else { 0 };
                // SAFETY: children hold an `Arc` of the client, so this is the last user; callbacks end with this call,
                // and only then the signals they point to are released.
                unsafe { rd::rd_kafka_destroy_flags(self.0.as_ptr(), flags) };
                drop(self.1);
            }
        }
        self.signals.brokers.release();
        let released = Release(self.rk, self.signals.clone());
        release::hand_over(Box::new(move || released.run()));
    }
}

/// A topic of a client.
pub(crate) struct Topic {
    pub(super) rkt: NonNull<rd::rd_kafka_topic_t>,
    pub(super) name: std::ffi::CString,
    pub(super) client: Arc<Client>,
}

// SAFETY: as for `Client`.
unsafe impl Send for Topic {}
// SAFETY: as for `Client`.
unsafe impl Sync for Topic {}

impl Topic {
    pub(crate) fn new(client: &Arc<Client>, name: &str) -> Result<Self, Failure> {
        let name = c_text(name);
        // SAFETY: the name is copied; a null configuration means the client's defaults.
        let rkt = unsafe { rd::rd_kafka_topic_new(client.as_ptr(), name.as_ptr(), ptr::null_mut()) };
        match NonNull::new(rkt) {
            Some(rkt) => Ok(Self { rkt, name, client: client.clone() }),
            None => Err(Failure::last()),
        }
    }

    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: owned; the client is still alive.
        unsafe { rd::rd_kafka_topic_destroy(self.rkt.as_ptr()) };
    }
}

struct Conf(*mut rd::rd_kafka_conf_t);

impl Conf {
    fn new(properties: &BTreeMap<String, String>) -> Result<Self, ConnectorError> {
        // SAFETY: a fresh configuration, released by `Drop`.
        let conf = Self(unsafe { rd::rd_kafka_conf_new() });
        for (name, value) in properties {
            let mut text = [0 as c_char; 512];
            let (c_name, c_value) = (c_text(name), c_text(value));
            // SAFETY: the texts are copied; `text` has the stated size.
            let result = unsafe { rd::rd_kafka_conf_set(conf.0, c_name.as_ptr(), c_value.as_ptr(), text.as_mut_ptr(), text.len()) };
            if result != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                // SAFETY: `text` ends with NUL.
                let reason = unsafe { rust_text(text.as_ptr()) };
                return Err(ConnectorError::Config(format!("client property `{name}`: {}", without_value(&reason, value))));
            }
        }
        Ok(conf)
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: still owned: it is forgotten when a client takes it over.
        unsafe { rd::rd_kafka_conf_destroy(self.0) };
    }
}

/// librdkafka repeats values in its messages; they may be secrets.
fn without_value(reason: &str, value: &str) -> String {
    if value.is_empty() { reason.to_owned() } else { reason.replace(value, "…") }
}

pub(super) fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn on_error(_: *mut rd::rd_kafka_t, code: c_int, reason: *const c_char, opaque: *mut c_void) {
    // SAFETY: `opaque` is the client's `Signals`, alive as long as the client; `reason` is a text or null.
    unsafe {
        let signals = &*opaque.cast::<Signals>().cast_const();
        let code = Code::try_from(code).unwrap_or(Code::RD_KAFKA_RESP_ERR_UNKNOWN);
        let message = format!("{} ({})", rust_text(reason), describe(code));
        tracing::debug!(message, "kafka client error");
        // "All brokers down" says nothing that the broker's own error before it did not say better.
        let mut last = signals.last_error.lock();
        if code != Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || last.is_none() {
            *last = Some(Failure { message, ..Failure::of(code) });
        }
    }
}

unsafe extern "C" fn on_delivery(_: *mut rd::rd_kafka_t, message: *const rd::rd_kafka_message_t, opaque: *mut c_void) {
    // SAFETY: `opaque` is the client's `Signals`; the message is valid during the call.
    unsafe {
        let signals = &*opaque.cast::<Signals>().cast_const();
        if let Err(failure) = Failure::check_code((*message).err) {
            signals.delivery_error.lock().get_or_insert(failure);
        }
    }
}

unsafe extern "C" fn on_log(_: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    // SAFETY: both are texts or null.
    let (facility, text) = unsafe { (rust_text(facility), rust_text(text)) };
    match level {
        0..=3 => tracing::warn!(target: "librdkafka", facility, "{text}"),
        4..=5 => tracing::info!(target: "librdkafka", facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}
