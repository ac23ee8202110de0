//! Rows that look like the clicks of a web shop.
//!
//! Invariant: `event_id` never repeats, also across runs: it begins with the start time of the run.

use anyhow::bail;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, new_null_array,
};
use millrace_model::{DataType, Field, Schema};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const USERS: u32 = 10_000;
const PAGES: [&str; 8] = ["/", "/search?q=lamp", "/product/", "/product/", "/product/", "/cart", "/checkout", "/account"];
const REFERRERS: [&str; 5] = ["", "https://www.google.com/", "https://news.example/shop", "https://mail.example/", "https://shop.example/"];
const COUNTRIES: [&str; 8] = ["DE", "FR", "US", "GB", "CN", "IN", "BR", "JP"];
const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "ExampleCrawler/1.4",
];
const ACTIONS: [&str; 5] = ["view", "view", "view", "add_to_cart", "purchase"];

/// What one click is about; columns pick from it, so that they agree with each other.
struct Click {
    number: u64,
    user: u32,
    product: u32,
    page: usize,
    price_cents: i64,
    at_ms: i64,
}

/// Makes rows for one schema.
pub(super) struct ClickMaker {
    schema: Schema,
    random: SmallRng,
    run: i64,
    made: u64,
}

impl ClickMaker {
    /// Makes rows with these columns.
    ///
    /// # Errors
    /// A column that may not be NULL has a type that the generator does not make.
    pub(super) fn new(schema: &Schema) -> anyhow::Result<Self> {
        for field in schema.fields() {
            if !field.nullable && !is_made(&field.data_type) {
                bail!("the generator cannot make column `{}` of type {}; make it nullable", field.name, field.data_type);
            }
        }
        if schema.fields().is_empty() {
            bail!("the topic has no columns");
        }
        Ok(Self { schema: schema.clone(), random: SmallRng::from_os_rng(), run: now_ms(), made: 0 })
    }

    /// The next `count` clicks.
    ///
    /// # Errors
    /// Never for a schema that `new` has accepted.
    pub(super) fn rows(&mut self, count: usize) -> anyhow::Result<RecordBatch> {
        let clicks: Vec<Click> = (0..count).map(|_| self.click()).collect();
        let columns: Vec<ArrayRef> = self.schema.fields().iter().map(|field| column(field, &clicks, self.run)).collect();
        Ok(RecordBatch::try_new(self.schema.to_arrow(), columns)?)
    }

    fn click(&mut self) -> Click {
        self.made += 1;
        // Some users click much more than others: the minimum of two draws leans to small numbers.
        let user = self.random.random_range(0..USERS).min(self.random.random_range(0..USERS));
        Click {
            number: self.made,
            user,
            product: self.random.random_range(1..=500),
            page: self.random.random_range(0..PAGES.len()),
            price_cents: self.random.random_range(199..50_000),
            // Clicks come a little out of order, as from many browsers.
            at_ms: now_ms() - self.random.random_range(0..800),
        }
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

fn is_made(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(data_type, T::String | T::BigInt | T::Int | T::Double | T::Boolean | T::Timestamp { precision: 0..=3 })
}

fn column(field: &Field, clicks: &[Click], run: i64) -> ArrayRef {
    let name = field.name.as_str();
    match &field.data_type {
        DataType::String => Arc::new(StringArray::from_iter_values(clicks.iter().map(|c| text(name, c, run)))),
        DataType::BigInt => Arc::new(Int64Array::from_iter_values(clicks.iter().map(|c| number(name, c)))),
        DataType::Int => Arc::new(Int32Array::from_iter_values(clicks.iter().map(|c| i32::try_from(number(name, c)).unwrap_or(i32::MAX)))),
        DataType::Double => Arc::new(Float64Array::from_iter_values(clicks.iter().map(|c| c.price_cents as f64 / 100.0))),
        DataType::Boolean => Arc::new(BooleanArray::from_iter(clicks.iter().map(|c| Some(c.user.is_multiple_of(3))))),
        DataType::Timestamp { precision: 0..=3 } => Arc::new(TimestampMillisecondArray::from_iter_values(clicks.iter().map(|c| c.at_ms))),
        other => new_null_array(&other.to_arrow(), clicks.len()),
    }
}

fn text(name: &str, click: &Click, run: i64) -> String {
    let pick = |values: &[&'static str], by: u32| values.get(by as usize % values.len()).copied().unwrap_or_default().to_owned();
    match name {
        "event_id" | "id" | "click_id" => format!("{run:x}-{:x}", click.number),
        "user_id" | "user" => format!("u{}", click.user),
        "session_id" | "session" => format!("u{}-{}", click.user, click.at_ms / 1_800_000),
        "url" | "page_url" => format!("https://shop.example{}", page(click)),
        "page" | "path" => page(click),
        "referrer" | "referer" => pick(&REFERRERS, click.product),
        "user_agent" | "agent" => pick(&AGENTS, click.user / 7),
        "ip" | "client_ip" => format!("203.0.113.{}", click.user % 250 + 1),
        "country" => pick(&COUNTRIES, click.user),
        "action" | "event" | "event_type" | "type" => pick(&ACTIONS, click.product),
        "product_id" | "product" | "item_id" => format!("p{}", click.product),
        "price" | "amount" => format!("{}.{:02}", click.price_cents / 100, click.price_cents % 100),
        _ => format!("{name}-{}", click.product),
    }
}

fn page(click: &Click) -> String {
    let page = PAGES.get(click.page).copied().unwrap_or("/");
    if page.ends_with("product/") { format!("{page}{}?utm_source=mail", click.product) } else { page.to_owned() }
}

fn number(name: &str, click: &Click) -> i64 {
    match name {
        "ts" | "timestamp" | "event_time" | "time" | "at" => click.at_ms,
        "user_id" | "user" => i64::from(click.user),
        "product_id" | "product" | "item_id" => i64::from(click.product),
        "price_cents" | "amount_cents" | "price" => click.price_cents,
        "status" | "status_code" => {
            if click.product.is_multiple_of(50) {
                404
            } else {
                200
            }
        }
        "duration_ms" | "load_time_ms" | "dwell_ms" => click.price_cents % 3_000,
        _ => i64::from(click.product),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    fn schema(fields: &str) -> Schema {
        serde_json::from_str(fields).unwrap()
    }

    #[test]
    fn every_column_is_filled_and_ids_are_unique() {
        let schema = schema(
            r#"[{"name":"event_id","type":"STRING","nullable":false},{"name":"ts","type":"BIGINT"},{"name":"price","type":"DOUBLE"},
                {"name":"at","type":"TIMESTAMP(3)"},{"name":"new","type":"BOOLEAN"},{"name":"status","type":"INT"},{"name":"tags","type":"ARRAY<STRING>"}]"#,
        );
        let mut maker = ClickMaker::new(&schema).unwrap();
        let (first, second) = (maker.rows(100).unwrap(), maker.rows(100).unwrap());
        let ids: std::collections::HashSet<String> = [&first, &second]
            .iter()
            .flat_map(|b| {
                b.column(0).as_any().downcast_ref::<StringArray>().unwrap().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(ids.len(), 200);
        assert_eq!(first.column(6).null_count(), 100);
        assert_eq!(first.columns()[..6].iter().map(|c| c.null_count()).sum::<usize>(), 0);
    }

    #[test]
    fn a_column_that_cannot_be_made_is_named() {
        let error = ClickMaker::new(&schema(r#"[{"name":"blob","type":"BYTES","nullable":false}]"#)).err().unwrap().to_string();
        assert!(error.contains("column `blob` of type BYTES"), "{error}");
    }
}
