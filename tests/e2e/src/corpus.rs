//! The records that tests and measures send: JSON events of about 119 bytes, each determined by its number alone, and
//! what the sample operator must make of each.
//!
//! 1,000 users, 50,000 items, 3 actions, 5 regions; `ts` advances 1 ms per record with up to 20 ms of disorder.

use serde_json::Value;
use std::fmt::Write;

const ACTIONS: [&str; 3] = ["view", "click", "buy"];
const REGIONS: [&str; 5] = ["eu-1", "eu-2", "us-1", "us-2", "ap-1"];
/// Event time of record 0, in epoch milliseconds.
pub const BASE_MS: i64 = 1_700_000_000_000;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Number of the record, from 0.
    pub id: u64,
    hash: u64,
}

impl Event {
    /// Event number `id`.
    #[must_use]
    pub fn new(id: u64) -> Self {
        // Knuth's multiplicative hash, 32 bits: spreads neighbours and needs no state.
        Self { id, hash: id.wrapping_mul(2_654_435_761) & 0xffff_ffff }
    }

    /// Whole cents.
    fn amount_cents(self) -> u64 {
        ((self.hash >> 5) % 500) * 100 + (self.hash >> 3) % 100
    }

    fn action(self) -> &'static str {
        ACTIONS[((self.hash >> 7) % 3) as usize]
    }

    fn item(self) -> u64 {
        (self.hash >> 10) % 50_000
    }

    fn ts_ms(self) -> i64 {
        let disorder = (self.id % 9_973).wrapping_mul(0x9e37_79b9) >> 7;
        BASE_MS + self.id as i64 - (disorder % 21) as i64
    }

    /// Appends the record's JSON text.
    pub fn write_json(self, text: &mut String) {
        let cents = self.amount_cents();
        let region = REGIONS[((self.hash >> 9) % 5) as usize];
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            r#"{{"id":{},"usr":"user-{:04}","item":"item-{:05}","action":"{}","amount":{}.{:02},"region":"{region}","ts":{}}}"#,
            self.id,
            self.hash % 1_000,
            self.item(),
            self.action(),
            cents / 100,
            cents % 100,
            self.ts_ms(),
        );
    }

    /// The record's JSON text.
    #[must_use]
    pub fn json(self) -> String {
        let mut text = String::with_capacity(128);
        self.write_json(&mut text);
        text
    }

    /// The record as a JSON value.
    #[must_use]
    pub fn value(self) -> Value {
        // The text above is JSON.
        serde_json::from_str(&self.json()).unwrap_or_default()
    }

    /// Whether the sample operator lets the record pass: purchases above 100.
    #[must_use]
    pub fn passes(self) -> bool {
        self.action() == "buy" && self.amount_cents() > 10_000
    }

    /// What comes out for a record that passes: the amount raised by a tenth, the item in upper case.
    ///
    /// # Errors
    /// What in `row` is otherwise.
    pub fn check_output(self, row: &Value) -> Result<(), String> {
        let amount = row.get("amt").and_then(Value::as_f64).unwrap_or(f64::NAN);
        let expected = self.amount_cents() as f64 / 100.0 * 1.1;
        if (amount - expected).abs() > 1e-6 {
            return Err(format!("record {}: `amt` is {amount}, expected {expected}: {row}", self.id));
        }
        let item = row.get("item").and_then(Value::as_str).unwrap_or_default();
        let expected = format!("ITEM-{:05}", self.item());
        if item != expected {
            return Err(format!("record {}: `item` is `{item}`, expected `{expected}`: {row}", self.id));
        }
        Ok(())
    }
}

/// Columns of the input topic.
#[must_use]
pub fn input_columns() -> Value {
    serde_json::json!([
        {"name": "id", "type": "BIGINT", "nullable": false},
        {"name": "usr", "type": "STRING"},
        {"name": "item", "type": "STRING"},
        {"name": "action", "type": "STRING"},
        {"name": "amount", "type": "DOUBLE"},
        {"name": "region", "type": "STRING"},
        {"name": "ts", "type": "BIGINT"},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_json_of_the_promised_size_and_a_known_share_passes() {
        let (mut bytes, mut passing) = (0, 0);
        for id in 0..100_000 {
            let event = Event::new(id);
            let json = event.json();
            let value: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(value["id"], id);
            let passes = value["action"] == "buy" && value["amount"].as_f64().unwrap() > 100.0;
            assert_eq!(event.passes(), passes, "{json}");
            bytes += json.len();
            passing += usize::from(passes);
        }
        assert!((115..=125).contains(&(bytes / 100_000)), "{bytes}");
        assert!((25_000..29_000).contains(&passing), "{passing}");
    }

    #[test]
    fn what_the_operator_must_make_of_a_record_is_checked() {
        let event = (0..).map(Event::new).find(|e| e.passes()).unwrap();
        let mut row: Value = serde_json::from_str(&event.json()).unwrap();
        assert!(event.check_output(&row).is_err());
        row["item"] = row["item"].as_str().unwrap().to_uppercase().into();
        row["amt"] = (row["amount"].as_f64().unwrap() * 1.1).into();
        assert_eq!(event.check_output(&row), Ok(()));
    }
}
