//! Writing epochs in one short transaction, and finding out afterwards whether they are there.
//!
//! Exactly once without hanging transactions: output waits in checkpoints, not in an open transaction. Once the
//! checkpoint is durable it is written and committed together with the checkpoint's token, the group's offset with
//! metadata. After a crash the token says whether that happened.

use super::state::{Epoch, Identity, Token};
use crate::{
    failure::topic_error,
    native::{Client, ClientKind, Failure, Producer, Sent, Topic, group_offset},
    properties::{EXACTLY_ONCE_DEFAULTS, SINK_REQUIRED, SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{Connection, ConnectorError};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The partition whose committed offset carries the token; every topic has it.
const TOKEN_PARTITION: i32 = 0;
/// One call's patience; calls that can be repeated are, until `WRITE_MAX`.
const CALL_MAX: Duration = Duration::from_secs(15);
/// After this the job restarts from its checkpoint. Less than `TRANSACTION_TIMEOUT_MS`, so that the coordinator never
/// ends a transaction that we still mean to commit.
const WRITE_MAX: Duration = Duration::from_secs(120);
const TRANSACTION_TIMEOUT_MS: &str = "300000";
const BACK_OFF: Duration = Duration::from_millis(100);

/// A producer that owns a transactional id. All methods wait.
pub(crate) struct TransactionalProducer {
    producer: Producer,
    identity: Identity,
    connection: Connection,
    /// Nobody waits for its calls any more.
    given_up: AtomicBool,
}

impl TransactionalProducer {
    /// Makes the producer; nobody is fenced yet.
    pub(crate) fn new(identity: &Identity, connection: &Connection, properties: &BTreeMap<String, String>) -> Result<Self, ConnectorError> {
        let mut required = SINK_REQUIRED.to_vec();
        required.push(("transactional.id", &identity.transactional_id));
        required.push(("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS));
        let properties = assemble(connection, EXACTLY_ONCE_DEFAULTS, properties, &required)?;
        let client = Client::new(ClientKind::Producer, &properties)?;
        let topic = Topic::new(&client, &identity.topic).map_err(|f| topic_error(&identity.topic, connection, Some(&client), &f))?;
        Ok(Self {
            producer: Producer::new(topic),
            identity: identity.clone(),
            connection: connection.clone(),
            given_up: AtomicBool::new(false),
        })
    }

    fn failed(&self, failure: &Failure) -> ConnectorError {
        if failure.is_fenced() {
            return ConnectorError::Fenced(format!("kafka producer `{}`", self.identity.transactional_id));
        }
        topic_error(&self.identity.topic, &self.connection, Some(self.producer.client()), failure)
    }

    /// No call is repeated from now on: whoever wanted them is gone.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Relaxed);
    }

    fn may_repeat(&self, deadline: Instant) -> bool {
        Instant::now() < deadline && !self.given_up.load(Relaxed)
    }

    /// Runs callbacks that are due, so that they do not pile up while nothing is written.
    pub(crate) fn poll(&self) {
        self.producer.client().poll();
    }

    /// Takes the transactional id over: every earlier owner is fenced, its open transaction ended.
    pub(crate) fn take_over(&self) -> Result<(), ConnectorError> {
        let deadline = Instant::now() + WRITE_MAX;
        self.repeat(deadline, || self.producer.init_transactions(CALL_MAX)).map_err(|f| self.failed(&f))
    }

    /// The token that is in Kafka.
    pub(crate) fn token(&self) -> Result<Option<Token>, ConnectorError> {
        let (group, topic) = (&self.identity.transactional_id, &self.identity.topic);
        let member = [("group.id", group.as_str()), ("isolation.level", "read_committed"), ("enable.auto.commit", "false")];
        let member = Client::new(ClientKind::Consumer, &assemble(&self.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &member)?)?;
        let deadline = Instant::now() + WRITE_MAX;
        let found = self.repeat(deadline, || {
            // A question changes nothing: it can always be asked again.
            group_offset(&member, topic, TOKEN_PARTITION, CALL_MAX).map_err(|failure| Failure { retriable: true, ..failure })
        });
        match found.map_err(|f| self.failed(&f))? {
            None => Ok(None),
            Some((_, metadata)) => match Token::parse(&metadata) {
                Some(token) => Ok(Some(token)),
                None => Err(ConnectorError::State {
                    what: format!("kafka group `{group}`"),
                    message: format!("holds `{metadata}` instead of a token; somebody else commits under this name"),
                }),
            },
        }
    }

    /// Writes epochs, in order, with the last one's token in one transaction. Aborts and writes again where librdkafka
    /// says so.
    pub(crate) fn write(&self, epochs: &[Epoch]) -> Result<(), ConnectorError> {
        let Some(token) = epochs.last().map(|e| e.token) else { return Ok(()) };
        let deadline = Instant::now() + WRITE_MAX;
        loop {
            match self.try_write(epochs, token, deadline) {
                Ok(()) => return Ok(()),
                Err(failure) if failure.abortable && self.may_repeat(deadline) => {
                    tracing::warn!(topic = self.identity.topic, error = failure.message, "kafka transaction is aborted and written again");
                    self.repeat(deadline, || self.producer.abort_transaction(CALL_MAX)).map_err(|f| self.failed(&f))?;
                    std::thread::sleep(BACK_OFF);
                }
                Err(failure) => return Err(self.failed(&failure)),
            }
        }
    }

    fn try_write(&self, epochs: &[Epoch], token: Token, deadline: Instant) -> Result<(), Failure> {
        self.producer.begin_transaction()?;
        for (key, value) in epochs.iter().flat_map(Epoch::records) {
            while self.producer.send(key, value)? == Sent::Full {
                // All of it must be delivered before the commit anyway; a full queue is a good moment.
                self.producer.flush(BACK_OFF)?;
                if !self.may_repeat(deadline) {
                    return Err(Failure::of(crate::native::Code::RD_KAFKA_RESP_ERR__TIMED_OUT));
                }
            }
        }
        let (group, topic) = (&self.identity.transactional_id, &self.identity.topic);
        let offset = i64::try_from(token.checkpoint).unwrap_or(i64::MAX);
        let metadata = token.to_string();
        self.repeat(deadline, || self.producer.send_offset(group, topic, TOKEN_PARTITION, offset, &metadata, CALL_MAX))?;
        self.repeat(deadline, || self.producer.commit_transaction(CALL_MAX))
    }

    /// Repeats a call while librdkafka says that this can help.
    fn repeat<T>(&self, deadline: Instant, call: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            match call() {
                Err(failure) if failure.retriable && self.may_repeat(deadline) && self.producer.client().refusal().is_none() => {
                    tracing::debug!(topic = self.identity.topic, error = failure.message, "kafka call is repeated");
                    std::thread::sleep(BACK_OFF);
                }
                result => return result,
            }
        }
    }
}
