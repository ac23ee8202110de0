//! Values as Flink's SQL client writes them.

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use millrace_model::DataType;

fn since_epoch_ns(values: &ArrayRef, row: usize, precision: u8) -> i128 {
    match precision {
        0..=3 => i128::from(values.as_primitive::<types::TimestampMillisecondType>().value(row)) * 1_000_000,
        4..=6 => i128::from(values.as_primitive::<types::TimestampMicrosecondType>().value(row)) * 1_000,
        _ => i128::from(values.as_primitive::<types::TimestampNanosecondType>().value(row)),
    }
}

fn timestamp(ns: i128, precision: u8, zone: Tz) -> String {
    let second = i64::try_from(ns.div_euclid(1_000_000_000)).expect("in range");
    let utc = DateTime::from_timestamp(second, ns.rem_euclid(1_000_000_000) as u32).expect("in range").naive_utc();
    let text = zone.from_utc_datetime(&utc).format("%Y-%m-%d %H:%M:%S.%f").to_string();
    let end = text.len() - 9 + usize::from(precision) - usize::from(precision == 0);
    text[..end].to_owned()
}

pub fn value_text(values: &ArrayRef, row: usize, data_type: &DataType, zone: Tz) -> String {
    if values.is_null(row) || *data_type == DataType::Null {
        return "NULL".to_owned();
    }
    let list =
        |list: ArrayRef, data_type: &DataType| -> Vec<String> { (0..list.len()).map(|i| value_text(&list, i, data_type, zone)).collect() };
    match data_type {
        DataType::Boolean => values.as_boolean().value(row).to_string().to_uppercase(),
        DataType::String => values.as_string::<i32>().value(row).replace('\n', "\\n").replace('\t', "\\t"),
        DataType::Bytes => {
            let hex: String = values.as_binary::<i32>().value(row).iter().map(|b| format!("{b:02x}")).collect();
            format!("x'{hex}'")
        }
        DataType::Date => {
            let days = values.as_primitive::<types::Date32Type>().value(row);
            (NaiveDate::default() + Duration::days(i64::from(days))).to_string()
        }
        DataType::Time { precision: precision @ 0..=3 } => {
            let ms = values.as_primitive::<types::Time32MillisecondType>().value(row) as u32;
            // The end of a day is a time too.
            let Some(time) = NaiveTime::from_num_seconds_from_midnight_opt(ms / 1_000, ms % 1_000 * 1_000_000) else {
                assert_eq!(ms, 86_400_000, "a time of day");
                return "24:00:00".into();
            };
            time.format(if *precision == 0 { "%H:%M:%S" } else { "%H:%M:%S%.3f" }).to_string()
        }
        DataType::Timestamp { precision } => timestamp(since_epoch_ns(values, row, *precision), *precision, Tz::UTC),
        DataType::TimestampLtz { precision } => timestamp(since_epoch_ns(values, row, *precision), *precision, zone),
        DataType::Array(element) => format!("[{}]", list(values.as_list::<i32>().value(row), &element.data_type).join(", ")),
        DataType::Map(key, value) => {
            let entries = values.as_map().value(row);
            let keys = list(entries.column(0).clone(), &key.data_type);
            let values = list(entries.column(1).clone(), &value.data_type);
            format!("{{{}}}", keys.iter().zip(values).map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(", "))
        }
        DataType::Row(fields) => {
            let row_values = values.as_struct();
            let cells: Vec<String> =
                fields.iter().enumerate().map(|(i, f)| value_text(row_values.column(i), row, &f.data_type, zone)).collect();
            format!("({})", cells.join(", "))
        }
        _ => arrow_cast::display::array_value_to_string(values, row).expect("a number"),
    }
}
