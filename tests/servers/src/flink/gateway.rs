//! Sessions of Flink's SQL gateway (REST, version 2).

use super::types;
use crate::http;
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a statement may run unless the session says otherwise.
const STATEMENT_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// Flink cannot write every value as JSON (a MULTISET, for one).
const NO_JSON: &str = "Could not map response to JSON";

/// What a statement came to.
pub enum Outcome {
    /// Its result.
    Rows(Rows),
    /// Flink's message with all its causes.
    Refused(String),
}

/// Rows of a result.
#[derive(Default)]
pub struct Rows {
    /// Name and type.
    pub columns: Vec<(String, String)>,
    /// Kind (`+I`) and cells as text.
    pub rows: Vec<(&'static str, Vec<Option<String>>)>,
}

/// A session of the gateway; it ends when this is dropped.
pub struct Session {
    port: u16,
    path: String,
    statement_max: Duration,
}

impl Session {
    /// A session with these properties.
    ///
    /// # Errors
    /// A gateway that does not answer, or refuses them.
    pub fn open(port: u16, properties: &[(&str, &str)]) -> anyhow::Result<Self> {
        let properties: serde_json::Map<String, Value> = properties.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        match ask(port, "POST", "/v2/sessions", &json!({ "properties": properties }))? {
            Ok(answer) => {
                Ok(Self { port, path: format!("/v2/sessions/{}", text(&answer, "sessionHandle")?), statement_max: STATEMENT_MAX })
            }
            Err(message) => bail!("the gateway opens no session: {message}"),
        }
    }

    /// The same session with more (or less) patience for a statement.
    #[must_use]
    pub fn with_statement_max(mut self, statement_max: Duration) -> Self {
        self.statement_max = statement_max;
        self
    }

    /// Runs one statement to its end.
    ///
    /// # Errors
    /// A gateway that does not answer, or a statement that does not end in time.
    pub fn run(&self, statement: &str) -> anyhow::Result<Outcome> {
        let operation = match self.ask("POST", "/statements", &json!({ "statement": statement }))? {
            Ok(answer) => format!("/operations/{}", text(&answer, "operationHandle")?),
            Err(message) => return Ok(Outcome::Refused(message)),
        };
        let outcome = self.fetch(&operation)?;
        // The session's end closes what this cannot.
        let _ = self.ask("DELETE", &format!("{operation}/close"), &Value::Null);
        Ok(outcome)
    }

    fn fetch(&self, operation: &str) -> anyhow::Result<Outcome> {
        let deadline = Instant::now() + self.statement_max;
        let (mut rows, mut token) = (Rows::default(), 0_u64);
        loop {
            ensure!(Instant::now() < deadline, "the statement did not end within {} s", self.statement_max.as_secs());
            let page = |format: &str| self.ask("GET", &format!("{operation}/result/{token}?rowFormat={format}"), &Value::Null);
            let (typed, shown) = match page("JSON")? {
                Ok(typed) if data(&typed).is_empty() => (typed, None),
                Ok(typed) => (typed, Some(page("PLAIN_TEXT")?)),
                Err(message) if message.contains(NO_JSON) => match page("PLAIN_TEXT")? {
                    Ok(shown) => (shown, None),
                    Err(message) => return Ok(Outcome::Refused(message)),
                },
                Err(message) => return Ok(Outcome::Refused(message)),
            };
            if typed["resultType"] == "NOT_READY" {
                std::thread::sleep(POLL);
                continue;
            }
            if let Some(columns) = typed["results"]["columns"].as_array() {
                let column = |c: &Value| (c["name"].as_str().unwrap_or_default().to_owned(), types::text(&c["logicalType"]));
                rows.columns = columns.iter().map(column).collect();
            }
            match shown {
                None => rows.rows.extend(data(&typed).iter().map(|row| cells(None, row))),
                Some(Err(message)) => return Ok(Outcome::Refused(message)),
                Some(Ok(shown)) => {
                    ensure!(data(&typed).len() == data(&shown).len(), "the gateway gave two forms of a page with different rows");
                    rows.rows.extend(data(&typed).iter().zip(data(&shown)).map(|(typed, shown)| cells(Some(typed), shown)));
                }
            }
            let next = typed["nextResultUri"].as_str().and_then(|uri| uri.rsplit("/result/").next()?.split('?').next()?.parse().ok());
            match next {
                Some(next) if typed["resultType"] != "EOS" => {
                    if data(&typed).is_empty() {
                        std::thread::sleep(POLL);
                    }
                    token = next;
                }
                _ => return Ok(Outcome::Rows(rows)),
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Result<Value, String>> {
        ask(self.port, method, &format!("{}{path}", self.path), body)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The gateway forgets idle sessions by itself.
        let _ = self.ask("DELETE", "", &Value::Null);
    }
}

fn data(page: &Value) -> &[Value] {
    page["results"]["data"].as_array().map_or(&[], Vec::as_slice)
}

/// Kind and cells of a row: the text of the shown form, NULL where the typed form has it. Where only the shown form
/// exists, the word is all that tells a NULL.
fn cells(typed: Option<&Value>, shown: &Value) -> (&'static str, Vec<Option<String>>) {
    let kind = match shown["kind"].as_str() {
        Some("UPDATE_BEFORE") => "-U",
        Some("UPDATE_AFTER") => "+U",
        Some("DELETE") => "-D",
        _ => "+I",
    };
    let cell = |(at, shown): (usize, &Value)| {
        let text = shown.as_str()?;
        let null = typed.map_or(text == "NULL", |typed| typed["fields"][at].is_null());
        (!null).then(|| text.to_owned())
    };
    (kind, shown["fields"].as_array().map_or_else(Vec::new, |fields| fields.iter().enumerate().map(cell).collect()))
}

fn text(answer: &Value, key: &str) -> anyhow::Result<String> {
    answer[key].as_str().map(str::to_owned).with_context(|| format!("the gateway answers without `{key}`: {answer}"))
}

/// The answer, or the message of the error that the gateway answers with.
fn ask(port: u16, method: &str, path: &str, body: &Value) -> anyhow::Result<Result<Value, String>> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, text) = http::request(port, method, path, &body).with_context(|| format!("no answer to {method} {path}"))?;
    let answer: Value = serde_json::from_str(&text).with_context(|| format!("{method} {path} is answered with {text}"))?;
    if status < 300 {
        return Ok(Ok(answer));
    }
    let errors = answer["errors"].as_array().map_or_else(Vec::new, |e| e.iter().filter_map(Value::as_str).collect());
    Ok(Err(if errors.is_empty() { text } else { errors.join("\n") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_null_is_a_text_unless_the_typed_form_says_otherwise() {
        let shown = json!({"kind": "DELETE", "fields": ["NULL", "NULL"]});
        let typed = json!({"kind": "DELETE", "fields": [null, "NULL"]});
        assert_eq!(cells(Some(&typed), &shown), ("-D", vec![None, Some("NULL".to_owned())]));
        assert_eq!(cells(None, &shown), ("-D", vec![None, None]));
    }
}
