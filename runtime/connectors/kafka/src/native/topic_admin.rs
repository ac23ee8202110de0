//! Topics made, changed and removed. All of these wait.
//!
//! They go through a [`Client`], so that the addresses which brokers name are limited like those of sources and sinks.

use super::{
    Failure,
    admin::Request,
    c_text,
    client::{Client, millis},
    rust_text,
};
use rdkafka_sys as rd;
use std::{collections::BTreeMap, ptr, sync::Arc, time::Duration};

/// A topic to make.
#[derive(Debug)]
pub(crate) struct TopicToMake<'a> {
    pub(crate) name: &'a str,
    pub(crate) partitions: i32,
    pub(crate) replication_factor: i32,
    /// Settings by Kafka's names.
    pub(crate) configs: &'a BTreeMap<String, String>,
}

/// Makes a topic.
pub(crate) fn create_topic(client: &Arc<Client>, wanted: &TopicToMake<'_>, timeout: Duration) -> Result<(), Failure> {
    let name = c_text(wanted.name);
    let request = Request::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
    // SAFETY: the topic is ours until it is destroyed behind the call, which copies it; texts are copied too; the answer's
    // array belongs to the event.
    unsafe {
        let mut topic = rd::rd_kafka_NewTopic_new(name.as_ptr(), wanted.partitions, wanted.replication_factor, ptr::null_mut(), 0);
        if topic.is_null() {
            return Err(Failure::of(super::Code::RD_KAFKA_RESP_ERR__INVALID_ARG));
        }
        let mut set = Ok(());
        for (name, value) in wanted.configs {
            let (name, value) = (c_text(name), c_text(value));
            set = set.and_then(|()| Failure::check_code(rd::rd_kafka_NewTopic_set_config(topic, name.as_ptr(), value.as_ptr())));
        }
        if set.is_ok() {
            rd::rd_kafka_AdminOptions_set_operation_timeout(request.options(), millis(timeout), ptr::null_mut(), 0);
            rd::rd_kafka_CreateTopics(client.as_ptr(), &mut topic, 1, request.options(), request.queue());
        }
        rd::rd_kafka_NewTopic_destroy(topic);
        set?;
        request.answer(|event| {
            let mut count = 0;
            let topics = rd::rd_kafka_CreateTopics_result_topics(rd::rd_kafka_event_CreateTopics_result(event), &mut count);
            (0..count).try_for_each(|i| topic_result(*topics.add(i)))
        })
    }
}

/// Removes a topic.
pub(crate) fn delete_topic(client: &Arc<Client>, name: &str, timeout: Duration) -> Result<(), Failure> {
    let name = c_text(name);
    let request = Request::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout);
    // SAFETY: as in `create_topic`.
    unsafe {
        let mut topic = rd::rd_kafka_DeleteTopic_new(name.as_ptr());
        rd::rd_kafka_AdminOptions_set_operation_timeout(request.options(), millis(timeout), ptr::null_mut(), 0);
        rd::rd_kafka_DeleteTopics(client.as_ptr(), &mut topic, 1, request.options(), request.queue());
        rd::rd_kafka_DeleteTopic_destroy(topic);
        request.answer(|event| {
            let mut count = 0;
            let topics = rd::rd_kafka_DeleteTopics_result_topics(rd::rd_kafka_event_DeleteTopics_result(event), &mut count);
            (0..count).try_for_each(|i| topic_result(*topics.add(i)))
        })
    }
}

/// Gives a topic a setting; its other settings become the broker's.
pub(crate) fn set_topic_config(client: &Arc<Client>, topic: &str, (name, value): (&str, &str), timeout: Duration) -> Result<(), Failure> {
    let (topic, name, value) = (c_text(topic), c_text(name), c_text(value));
    let request = Request::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONFIGS, timeout);
    // SAFETY: as in `create_topic`.
    unsafe {
        let mut resource = rd::rd_kafka_ConfigResource_new(rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, topic.as_ptr());
        let set = Failure::check_code(rd::rd_kafka_ConfigResource_set_config(resource, name.as_ptr(), value.as_ptr()));
        if set.is_ok() {
            rd::rd_kafka_AlterConfigs(client.as_ptr(), &mut resource, 1, request.options(), request.queue());
        }
        rd::rd_kafka_ConfigResource_destroy(resource);
        set?;
        request.answer(|event| {
            let mut count = 0;
            let resources = rd::rd_kafka_AlterConfigs_result_resources(rd::rd_kafka_event_AlterConfigs_result(event), &mut count);
            (0..count).try_for_each(|i| {
                let found = *resources.add(i);
                said(rd::rd_kafka_ConfigResource_error(found), rd::rd_kafka_ConfigResource_error_string(found))
            })
        })
    }
}

/// # Safety
/// `result` points to a valid result.
unsafe fn topic_result(result: *const rd::rd_kafka_topic_result_t) -> Result<(), Failure> {
    // SAFETY: valid by this function's contract; the text belongs to it.
    unsafe { said(rd::rd_kafka_topic_result_error(result), rd::rd_kafka_topic_result_error_string(result)) }
}

/// What the broker has said, in its own words where it has some.
///
/// # Safety
/// `text` is null or points to a text that ends with NUL.
unsafe fn said(code: super::Code, text: *const std::os::raw::c_char) -> Result<(), Failure> {
    // SAFETY: by this function's contract.
    let text = unsafe { rust_text(text) };
    Failure::check_code(code).map_err(|failure| if text.is_empty() { failure } else { Failure { message: text, ..failure } })
}
