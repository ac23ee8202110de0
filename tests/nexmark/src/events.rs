//! The events, as JSON records of one table: persons, auctions and bids in the benchmark's mix 2 : 6 : 92.
//!
//! What an event holds follows the benchmark's definition (Tucker, Tufte, Papadimos, Maier: "NEXMark", 2002, as Apache
//! Beam and the Nexmark suite for Flink generate it): hot sellers, auctions and bidders change with time, prices are
//! spread over six powers of ten, a bid has 100 bytes, a person 200 and an auction 500. It is a program of its own, so
//! the events themselves are not those of these suites.

use crate::random::Random;
use chrono::DateTime;
use std::fmt::Write;

/// Rows of the side input: one for each remainder of an auction's number.
pub const SIDE_ROWS: u32 = 10_000;

/// First event time, epoch milliseconds: fifteen seconds before a month's end, so that even a short corpus has two days.
const BASE_MS: u64 = 1_706_745_585_000;

/// Of each fifty events the first is a person, the next three are auctions.
const EPOCH: u64 = 50;
const AUCTIONS: u64 = 3;
/// Numbers of persons and auctions begin here, those of categories at ten.
const FIRST_ID: u64 = 1_000;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;
/// Of so many persons or auctions one is hot.
const HOT_EVERY: u64 = 100;
/// All but one of so many bids or auctions are of a hot bidder or seller; half of the bids are for a hot auction.
const HOT_PEOPLE: u64 = 4;
const HOT_AUCTIONS: u64 = 2;
/// Who may bid or sell: the newest persons, and some that are yet to come.
const ACTIVE_PEOPLE: u64 = 1_000;
const IN_FLIGHT_AUCTIONS: u64 = 100;
const LEAD: u64 = 10;
const CHANNELS: u64 = 10_000;
/// Seeds of addresses, apart from those of events.
const ADDRESSES: u64 = 1 << 40;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
const FIRST_NAMES: [&str; 11] = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corpus {
    /// How many.
    pub events: u64,
    /// How many make up a second of event time.
    pub events_per_second: u64,
    /// The events of each group of so many come in another order than that of their times; 1: all are in order.
    pub disorder_events: u64,
}

impl Corpus {
    /// What answers are recorded over: 40 seconds of event time, rows up to a second late, fewer than the four seconds
    /// that the watermark waits.
    pub const SMALL: Self = Self { events: 20_000, events_per_second: 500, disorder_events: 500 };

    /// What is measured over: the benchmark's own 10,000 events a second, in order.
    #[must_use]
    pub fn of(events: u64) -> Self {
        Self { events, events_per_second: 10_000, disorder_events: 1 }
    }

    /// Calls `each` with every event as a JSON text, in order.
    ///
    /// # Errors
    /// The first one of `each`.
    pub fn each<E>(self, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let mut writer = Writer { corpus: self, clock: Clock::default(), addresses: addresses() };
        let mut text = String::new();
        for position in 0..self.events {
            text.clear();
            let group = self.disorder_events.max(1);
            writer.write(position / group * group + position * 953 % group, &mut text);
            each(&text)?;
        }
        Ok(())
    }

    /// All events, one a line.
    #[must_use]
    pub fn lines(self) -> String {
        let mut lines = String::new();
        // Appending cannot fail.
        let _ = self.each(|event| {
            lines.push_str(event);
            lines.push('\n');
            Ok::<_, std::convert::Infallible>(())
        });
        lines
    }

    fn time_ms(self, event: u64) -> u64 {
        BASE_MS + event * 1_000 / self.events_per_second.max(1)
    }
}

/// The rows that q13 looks up, as JSON, one a line.
#[must_use]
pub fn side_input() -> String {
    (0..SIDE_ROWS).fold(String::new(), |mut lines, key| {
        let _ = writeln!(lines, r#"{{"key":{key},"value":"{}"}}"#, key.wrapping_mul(2_654_435_761) % 1_000_000);
        lines
    })
}

/// Address of each channel, those of the hot ones first.
fn addresses() -> Vec<String> {
    let address = |seed: u64| {
        let mut random = Random::of(ADDRESSES + seed);
        let mut text = String::from("https://www.nexmark.com/");
        for _ in 0..3 {
            random.word(5, &mut text);
            text.push('/');
        }
        text.push_str("item.htm?query=1");
        if seed >= HOT_CHANNELS.len() as u64 && random.below(10) > 0 {
            let _ = write!(text, "&channel_id={}", random.below(u64::from(u32::MAX >> 1)));
        }
        text
    };
    (0..HOT_CHANNELS.len() as u64 + CHANNELS).map(address).collect()
}

/// Writes times; events of the same second share most of their text.
#[derive(Default)]
struct Clock {
    second: u64,
    text: String,
}

impl Clock {
    fn write(&mut self, time_ms: u64, out: &mut String) {
        let second = time_ms / 1_000;
        if second != self.second || self.text.is_empty() {
            self.second = second;
            let time = DateTime::from_timestamp(second.cast_signed(), 0).unwrap_or_default();
            self.text = time.format("%Y-%m-%d %H:%M:%S").to_string();
        }
        let _ = write!(out, r#""{}.{:03}""#, self.text, time_ms % 1_000);
    }
}

/// The newest person, counted from 0, when this event comes.
fn newest_person(event: u64) -> u64 {
    event / EPOCH
}

/// The newest auction, counted from 0, when this event comes.
fn newest_auction(event: u64) -> u64 {
    let (epoch, offset) = (event / EPOCH, event % EPOCH);
    // The person that begins an epoch comes before its auctions.
    (epoch * AUCTIONS + offset.min(AUCTIONS)).saturating_sub(1)
}

fn any_person(event: u64, random: &mut Random) -> u64 {
    let people = newest_person(event) + 1;
    let active = people.min(ACTIVE_PEOPLE);
    people - active + random.below(active + LEAD)
}

fn any_auction(event: u64, random: &mut Random) -> u64 {
    let newest = newest_auction(event);
    let oldest = newest.saturating_sub(IN_FLIGHT_AUCTIONS);
    oldest + random.below(newest - oldest + 1 + LEAD)
}

struct Writer {
    corpus: Corpus,
    clock: Clock,
    addresses: Vec<String>,
}

// Texts have only letters, digits and marks that JSON takes as they are. Appending to a text cannot fail.
impl Writer {
    fn write(&mut self, event: u64, out: &mut String) {
        let mut random = Random::of(event);
        match event % EPOCH {
            0 => self.person(event, &mut random, out),
            1..=AUCTIONS => self.auction(event, &mut random, out),
            _ => self.bid(event, &mut random, out),
        }
    }

    fn person(&mut self, event: u64, random: &mut Random, out: &mut String) {
        let id = FIRST_ID + newest_person(event);
        let (first, last) = (random.one_of(&FIRST_NAMES).unwrap_or_default(), random.one_of(&LAST_NAMES).unwrap_or_default());
        let _ = write!(out, r#"{{"event_type":0,"person":{{"id":{id},"name":"{first} {last}","emailAddress":""#);
        random.letters(7, out);
        out.push('@');
        random.letters(5, out);
        let mut card = || random.below(10_000);
        let _ = write!(out, r#".com","creditCard":"{:04} {:04} {:04} {:04}""#, card(), card(), card(), card());
        let (city, state) = (random.one_of(&CITIES).unwrap_or_default(), random.one_of(&STATES).unwrap_or_default());
        let _ = write!(out, r#","city":"{city}","state":"{state}","dateTime":"#);
        self.clock.write(self.corpus.time_ms(event), out);
        out.push_str(r#","extra":""#);
        random.filling(75, 200, out);
        out.push_str(r#""},"auction":null,"bid":null}"#);
    }

    fn auction(&mut self, event: u64, random: &mut Random, out: &mut String) {
        let time_ms = self.corpus.time_ms(event);
        let _ = write!(out, r#"{{"event_type":1,"person":null,"auction":{{"id":{},"itemName":""#, FIRST_ID + newest_auction(event));
        random.letters(20, out);
        out.push_str(r#"","description":""#);
        random.letters(100, out);
        let initial = random.price();
        let _ = write!(out, r#"","initialBid":{initial},"reserve":{},"dateTime":"#, initial + random.price());
        self.clock.write(time_ms, out);
        // On average an auction is open while so many others begin as are in flight.
        let horizon_ms = self.corpus.time_ms(event + IN_FLIGHT_AUCTIONS * EPOCH / AUCTIONS) - time_ms;
        out.push_str(r#","expires":"#);
        self.clock.write(time_ms + 1 + random.below((horizon_ms * 2).max(1)), out);
        let seller = if random.is_hot(HOT_PEOPLE) { newest_person(event) / HOT_EVERY * HOT_EVERY } else { any_person(event, random) };
        let category = FIRST_CATEGORY + random.below(CATEGORIES);
        let _ = write!(out, r#","seller":{},"category":{category},"extra":""#, FIRST_ID + seller);
        random.filling(170, 500, out);
        out.push_str(r#""},"bid":null}"#);
    }

    fn bid(&mut self, event: u64, random: &mut Random, out: &mut String) {
        let auction = if random.is_hot(HOT_AUCTIONS) { newest_auction(event) / HOT_EVERY * HOT_EVERY } else { any_auction(event, random) };
        // The second of a hundred, so that hot bidders are no hot sellers.
        let bidder = if random.is_hot(HOT_PEOPLE) { newest_person(event) / HOT_EVERY * HOT_EVERY + 1 } else { any_person(event, random) };
        let (auction, bidder, price) = (FIRST_ID + auction, FIRST_ID + bidder, random.price());
        let _ = write!(
            out,
            r#"{{"event_type":2,"person":null,"auction":null,"bid":{{"auction":{auction},"bidder":{bidder},"price":{price},"channel":""#
        );
        let hot = HOT_CHANNELS.len() as u64;
        let channel = if random.is_hot(2) { random.below(hot) } else { hot + random.below(CHANNELS) };
        match HOT_CHANNELS.get(channel as usize) {
            Some(name) => out.push_str(name),
            None => {
                let _ = write!(out, "channel-{}", channel - hot);
            }
        }
        let address = self.addresses.get(channel as usize).map_or("", String::as_str);
        let _ = write!(out, r#"","url":"{address}","dateTime":"#);
        self.clock.write(self.corpus.time_ms(event), out);
        out.push_str(r#","extra":""#);
        random.filling(32, 100, out);
        out.push_str(r#""}}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_event_is_json_in_the_mix_of_the_benchmark() {
        let lines = Corpus { events: 1_000, ..Corpus::SMALL }.lines();
        let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind: u64| events.iter().filter(|event| event["event_type"] == kind).count();
        assert_eq!((of(0), of(1), of(2)), (20, 60, 920));
        assert!(events.iter().all(|e| [&e["person"], &e["auction"], &e["bid"]].iter().filter(|part| part.is_object()).count() == 1));
    }

    #[test]
    fn auctions_are_numbered_without_gaps() {
        let lines = Corpus::of(500).lines();
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let numbers: Vec<u64> = events.filter_map(|event| event["auction"]["id"].as_u64()).collect();
        assert_eq!(numbers, (FIRST_ID..FIRST_ID + 30).collect::<Vec<_>>());
    }

    /// Recorded answers hold for these bytes only.
    #[test]
    fn the_events_are_the_same_everywhere() {
        let hash = |corpus: Corpus| hex::encode(&Sha256::digest(corpus.lines())[..8]);
        assert_eq!((hash(Corpus::SMALL), hash(Corpus::of(20_000))), ("bfba6662dd0bf10b".into(), "3d067217175f9768".into()));
    }
}
