//! Naive models: results recomputed from the rows that are there, over text.

use std::collections::BTreeMap;

/// A row of text.
pub(super) type Cells = Vec<Option<String>>;

/// The rows of a slot: those there in order of arrival, and those taken back before they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    pub(super) rows: Vec<Cells>,
    pub(super) awaited: Vec<Cells>,
}

impl Live {
    /// Adds a row, unless it was taken back before.
    pub(super) fn add(&mut self, row: Cells) {
        match self.awaited.iter().position(|other| *other == row) {
            Some(position) => drop(self.awaited.swap_remove(position)),
            None => self.rows.push(row),
        }
    }

    /// Takes the first equal row back.
    pub(super) fn remove(&mut self, row: Cells) {
        match self.rows.iter().position(|other| *other == row) {
            Some(position) => drop(self.rows.remove(position)),
            None => self.awaited.push(row),
        }
    }

    /// Lets what made `later` come after.
    pub(super) fn merge(&mut self, later: Self) {
        later.awaited.into_iter().for_each(|row| self.remove(row));
        later.rows.into_iter().for_each(|row| self.add(row));
    }

    fn first_column(rows: &[Cells]) -> impl DoubleEndedIterator<Item = &str> {
        rows.iter().filter_map(|row| row.first()?.as_deref())
    }

    /// Values of the only column that are not NULL.
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &str> {
        Self::first_column(&self.rows)
    }

    /// The same as numbers.
    pub(super) fn numbers(&self) -> Vec<f64> {
        self.values().map(|v| v.parse().expect("a number")).collect()
    }

    /// Sum and count of the numbers; what is awaited counts against.
    pub(super) fn sum(&self) -> (f64, i64) {
        let add = |rows: &[Cells]| {
            Self::first_column(rows).fold((0.0, 0), |(sum, count), v| (sum + v.parse::<f64>().expect("a number"), count + 1))
        };
        let ((plus, rows), (minus, awaited)) = (add(&self.rows), add(&self.awaited));
        (plus - minus, rows - awaited)
    }

    /// Each value once, in order of text.
    pub(super) fn distinct(&self) -> Vec<&str> {
        let all: std::collections::BTreeSet<&str> = self.values().collect();
        all.into_iter().collect()
    }

    /// How often each value is there.
    pub(super) fn counts(&self) -> BTreeMap<i64, usize> {
        let mut counts = BTreeMap::new();
        for value in self.values() {
            *counts.entry(value.parse().expect("a number")).or_insert(0) += 1;
        }
        counts
    }
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or("NULL".to_owned(), |v| v.to_string())
}

fn null_unless(there: bool, value: impl ToString) -> String {
    or_null(there.then_some(value))
}

/// A call, values that its columns take (`NULL` among them), and its model.
pub(super) struct Case {
    pub(super) call: &'static str,
    pub(super) values: &'static [&'static str],
    pub(super) model: fn(&Live) -> String,
    /// Whether rows may be taken back before they came: Flink's variance does not make up for it.
    pub(super) ahead: bool,
}

const INTEGERS: &[&str] = &["NULL", "1", "2", "3", "-7", "100"];
const QUARTERS: &[&str] = &["NULL", "0.25", "1.5", "-3.75", "8"];
const TEXTS: &[&str] = &["NULL", "", "a", "b", "é"];

const fn case(call: &'static str, values: &'static [&'static str], model: fn(&Live) -> String) -> Case {
    Case { call, values, model, ahead: true }
}

const BITMAPS: &[&str] = &["NULL", "", "1 2", "2 3", "2", "4294967295"];

/// The bytes, in hexadecimal, of the numbers that a condition on how many rows hold them (those awaited count against), and
/// on how many rows there are, keeps.
fn bitmap(live: &Live, keeps: fn(i64, i64) -> bool) -> String {
    let (mut counts, mut all) = (BTreeMap::<u32, i64>::new(), 0);
    for (rows, by) in [(&live.rows, 1), (&live.awaited, -1)] {
        for text in Live::first_column(rows) {
            all += by;
            for number in text.split_whitespace() {
                *counts.entry(number.parse::<i64>().expect("a number") as u32).or_insert(0) += by;
            }
        }
    }
    let numbers = counts.into_iter().filter(|(_, count)| *count != 0 && keeps(*count, all)).map(|(number, _)| number);
    null_unless(all > 0, hex::encode(crate::bitmap::write(numbers.collect()).expect("bytes")))
}

/// All cases.
pub(super) const CASES: &[Case] = &[
    case("COUNT()", INTEGERS, |live| (live.rows.len() as i64 - live.awaited.len() as i64).to_string()),
    case("COUNT(INT)", INTEGERS, |live| live.sum().1.to_string()),
    case("COUNT(DISTINCT STRING)", TEXTS, |live| live.distinct().len().to_string()),
    case("SUM(BIGINT)", INTEGERS, |live| null_unless(live.sum().1 != 0, live.sum().0)),
    case("SUM(TINYINT)", INTEGERS, |live| null_unless(live.sum().1 != 0, live.sum().0 as i64 as i8)),
    case("SUM(DOUBLE)", QUARTERS, |live| null_unless(live.sum().1 != 0, format!("{:?}", live.sum().0 + 0.0))),
    case("SUM(DECIMAL(9, 2))", QUARTERS, |live| null_unless(live.sum().1 != 0, format!("{:.2}", live.sum().0 + 0.0))),
    case("$SUM0(INT)", INTEGERS, |live| live.sum().0.to_string()),
    case("SUM(DISTINCT INT)", INTEGERS, |live| {
        let distinct = live.distinct();
        null_unless(!distinct.is_empty(), distinct.iter().map(|v| v.parse::<i64>().expect("a number")).sum::<i64>())
    }),
    case("AVG(INT)", INTEGERS, |live| {
        let (sum, count) = live.sum();
        or_null((sum as i64).checked_div(count))
    }),
    case("AVG(DOUBLE)", QUARTERS, |live| null_unless(live.sum().1 != 0, format!("{:?}", (live.sum().0 + 0.0) / live.sum().1 as f64))),
    case("MIN(INT)", INTEGERS, |live| or_null(live.counts().keys().next())),
    case("MAX(SMALLINT)", INTEGERS, |live| or_null(live.counts().keys().next_back())),
    case("MAX(STRING)", TEXTS, |live| or_null(live.values().max())),
    case("MIN(DOUBLE)", QUARTERS, |live| or_null(live.numbers().into_iter().min_by(f64::total_cmp).map(|v| format!("{v:?}")))),
    case("FIRST_VALUE(INT)", INTEGERS, |live| or_null(live.values().next())),
    case("LAST_VALUE(STRING)", TEXTS, |live| or_null(live.values().next_back())),
    case("LISTAGG(STRING; '+')", TEXTS, |live| {
        let texts: Vec<&str> = live.values().collect();
        null_unless(!texts.is_empty(), texts.join("+"))
    }),
    case("ARRAY_AGG(INT)", INTEGERS, |live| {
        let texts: Vec<&str> = live.rows.iter().map(|row| row[0].as_deref().unwrap_or("NULL")).collect();
        null_unless(!texts.is_empty(), format!("[{}]", texts.join(", ")))
    }),
    case("COLLECT(INT)", INTEGERS, |live| {
        let entries: Vec<String> = live.counts().iter().map(|(value, count)| format!("{value}: {count}")).collect();
        format!("{{{}}}", entries.join(", "))
    }),
    case("COLLECT(DISTINCT INT)", INTEGERS, |live| {
        let entries: Vec<String> = live.counts().keys().map(|value| format!("{value}: 1")).collect();
        format!("{{{}}}", entries.join(", "))
    }),
    Case { call: "VAR_POP(DOUBLE)", values: QUARTERS, model: |live| deviation(&live.numbers(), 0, false), ahead: false },
    Case { call: "STDDEV_SAMP(INT)", values: INTEGERS, model: |live| deviation(&live.numbers(), 1, true), ahead: false },
    case("PERCENTILE(INT; =0.5)", INTEGERS, |live| {
        let mut numbers = live.numbers();
        numbers.sort_by(f64::total_cmp);
        let middle = |i: usize| numbers[i.min(numbers.len() - 1)];
        null_unless(
            !numbers.is_empty(),
            if numbers.is_empty() {
                String::new()
            } else {
                format!("{:?}", (middle((numbers.len() - 1) / 2) + middle(numbers.len() / 2)) / 2.0)
            },
        )
    }),
    case("BITMAP_BUILD_AGG(INT)", INTEGERS, |live| bitmap(live, |count, _| count > 0)),
    case("BITMAP_BUILD_CARDINALITY_AGG(INT)", INTEGERS, |live| null_unless(live.sum().1 > 0, live.distinct().len())),
    case("BITMAP_OR_AGG(BITMAP)", BITMAPS, |live| bitmap(live, |count, _| count > 0)),
    case("BITMAP_AND_AGG(BITMAP)", BITMAPS, |live| bitmap(live, |count, all| count == all)),
    case("BITMAP_XOR_AGG(BITMAP)", BITMAPS, |live| bitmap(live, |count, _| count % 2 != 0)),
    case("JSON_ARRAYAGG(STRING; #FORMAT JSON)", TEXTS, |live| format!("[{}]", live.values().collect::<Vec<_>>().join(","))),
    case("JSON_OBJECTAGG(DISTINCT STRING NOT NULL; STRING NOT NULL; #FORMAT JSON)", &["a", "b", "c"], |live| {
        let mut members: Vec<(&str, &str)> = live.rows.iter().filter_map(|r| Some((r[0].as_deref()?, r[1].as_deref()?))).collect();
        members.sort_unstable();
        members.dedup();
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return "error".to_owned();
        }
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }),
];

/// Two passes: the mean, then the squared distances.
fn deviation(numbers: &[f64], less: usize, root: bool) -> String {
    if numbers.len() <= less {
        return "NULL".to_owned();
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (numbers.len() - less) as f64;
    format!("≈{:?}", if root { variance.sqrt() } else { variance })
}
