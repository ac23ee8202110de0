//! Records that cannot be read: each goes to the dead-letter topic with its reason, the good ones around it are
//! delivered, nothing crashes and nothing is lost.

use crate::kafka;
use millrace_e2e::{Pipeline, PipelineOptions, Server, ServerOptions, corpus::Event, until};
use serde_json::{Value, json};

/// What is sent, and what the dead letter's message must contain.
const BAD: &[(&str, &str)] = &[
    ("not json at all", ""),
    ("{\"id\": 1, \"usr\": \"u\"", ""),
    ("", ""),
    ("[1, 2, 3]", ""),
    ("{\"id\": \"one\", \"usr\": \"u\", \"item\": \"i\", \"action\": \"buy\", \"amount\": 200.0, \"region\": \"r\", \"ts\": 1}", "id"),
    ("{\"id\": 1, \"usr\": \"u\", \"item\": \"i\", \"action\": \"buy\", \"amount\": \"many\", \"region\": \"r\", \"ts\": 1}", "amount"),
    (
        "{\"id\": 9223372036854775808, \"usr\": \"u\", \"item\": \"i\", \"action\": \"buy\", \"amount\": 1, \"region\": \"r\", \"ts\": 1}",
        "id",
    ),
    ("{\"usr\": \"u\", \"item\": \"i\", \"action\": \"buy\", \"amount\": 200.0, \"region\": \"r\", \"ts\": 1}", "id"),
    ("{\"id\": null, \"usr\": \"u\", \"item\": \"i\", \"action\": \"buy\", \"amount\": 200.0, \"region\": \"r\", \"ts\": 1}", "id"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_records_become_dead_letters_and_good_ones_pass() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka(), PipelineOptions::default()).await.unwrap();
    // Good and bad ones in turns, in one partition: a bad record must not take its batch with it.
    let good: Vec<String> = (0..1_000).map(|id| Event::new(id).json()).collect();
    let mut records: Vec<&str> = Vec::new();
    for (number, json) in good.iter().enumerate() {
        records.push(json);
        if number % 100 == 50 {
            records.extend(BAD.get(number / 100).map(|(bad, _)| bad));
        }
    }
    pipeline.kafka.send(&pipeline.input, &records).unwrap();
    pipeline.launch(json!({"from": "fresh"}), json!({})).await.unwrap();
    pipeline.await_output(1_000, 60).await.unwrap();
    pipeline.check_output(1_000).unwrap();

    let letters = until("a dead letter for each bad record", 30, async || {
        let letters = pipeline.kafka.read_all(&pipeline.dead_letters).map_err(|e| e.to_string())?;
        if letters.len() >= BAD.len() { Ok(letters) } else { Err(format!("{} of {}", letters.len(), BAD.len())) }
    });
    let letters: Vec<Value> = letters.await.unwrap().iter().map(letter).collect();
    for (bad, reason) in BAD {
        let found = letters.iter().find(|l| l["payload"] == *bad);
        let letter = found.unwrap_or_else(|| panic!("no dead letter for `{bad}` among {letters:?}"));
        assert_eq!(letter["reason"], "bad_record", "{letter}");
        assert_eq!(letter["operator"], "events", "{letter}");
        let message = letter["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty() && message.contains(reason), "the message names `{reason}`: {letter}");
        let origin = letter["origin"].as_str().unwrap_or_default();
        assert!(origin.starts_with(&format!("{}/0/", pipeline.input)), "the origin names topic and partition: {letter}");
    }
    let counted = pipeline.metric("events", "numRecordsInErrors").await;
    assert_eq!(counted, Some(BAD.len() as f64));
}

/// A dead letter as one JSON object, wherever the broker's record holds its parts.
fn letter(record: &millrace_e2e::Received) -> Value {
    let mut letter = match record.json() {
        Ok(Value::Object(body)) if body.contains_key("reason") => Value::Object(body),
        _ => json!({"payload": String::from_utf8_lossy(&record.value)}),
    };
    for (name, value) in &record.headers {
        let name = name.trim_start_matches("millrace-").trim_start_matches("millrace.");
        letter[name] = json!(value);
    }
    letter
}
