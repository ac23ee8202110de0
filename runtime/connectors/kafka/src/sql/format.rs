//! Format options of a script's table: they must agree with the topic's format, which rules.

use super::Reading;
use crate::config::format_spec;
use millrace_formats::{CsvOptions, FormatSpec, JsonOptions, TimestampFormat};
use serde_json::json;

impl Reading<'_> {
    pub(super) fn format(&mut self) {
        let Ok(spec) = format_spec(self.table.binding) else {
            // The node's own check says what is wrong with the topic's format.
            return;
        };
        let own = match &spec {
            FormatSpec::Json(_) => "json",
            FormatSpec::Csv(_) => "csv",
        };
        for option in ["format", "value.format", "key.format"] {
            if let Some(found) = self.option(option).filter(|f| *f != own) {
                let topic = &self.table.binding.name;
                let whose = if option == "key.format" { "keys are written in the format of the topic" } else { "the topic rules" };
                self.wrong(option, "sql.format_mismatch", format!("is '{found}', but topic `{topic}` holds {own}: {whose}"));
            }
        }
        if self.option("value.fields-include").is_some_and(|f| f != "ALL") {
            self.wrong("value.fields-include", "sql.unsupported", "must be 'ALL': values hold every column, those of the key too".into());
        }
        if self.option("key.fields-prefix").is_some_and(|p| !p.is_empty()) {
            self.wrong("key.fields-prefix", "sql.unsupported", "is not supported: columns have one name in key and value".into());
        }
        let given: Vec<(String, String)> = (self.table.options.iter())
            .filter_map(|(option, value)| {
                let name = option.strip_prefix("value.").unwrap_or(option);
                (name.starts_with("json.") || name.starts_with("csv.")).then(|| (option.clone(), value.trim().to_owned()))
            })
            .collect();
        for (option, value) in given {
            let name = option.strip_prefix("value.").unwrap_or(&option);
            if name.split('.').next() != Some(own) {
                self.wrong(&option, "sql.format_mismatch", format!("has no meaning: topic `{}` holds {own}", self.table.binding.name));
            } else if name.ends_with(".ignore-parse-errors") {
                if value == "true" {
                    self.set("bad_records", &option, json!("skip"));
                }
            } else {
                self.format_option(&option, name, &value, &spec);
            }
        }
    }

    fn format_option(&mut self, option: &str, name: &str, value: &str, spec: &FormatSpec) {
        let topic = &self.table.binding.name;
        match expected(name, spec) {
            Some(own) if own == value => {}
            Some(own) => {
                let message =
                    format!("is '{value}', but topic `{topic}` is designed with '{own}'; change the topic, or leave the option out");
                self.wrong(option, "sql.format_mismatch", message);
            }
            None => self.wrong(option, "sql.unsupported", format!("cannot be '{value}': it is not supported")),
        }
    }
}

/// What the option has to be for a topic of this format; `None` for options that have one fixed meaning elsewhere.
fn expected(name: &str, spec: &FormatSpec) -> Option<String> {
    match spec {
        FormatSpec::Json(JsonOptions { timestamp_format, fail_on_missing_field, ignore_null_fields }) => match name {
            "json.timestamp-format.standard" => Some(match timestamp_format {
                TimestampFormat::Sql => "SQL".into(),
                TimestampFormat::Iso8601 => "ISO-8601".into(),
            }),
            "json.fail-on-missing-field" => Some(fail_on_missing_field.to_string()),
            "json.encode.ignore-null-fields" => Some(ignore_null_fields.to_string()),
            "json.encode.decimal-as-plain-number" => Some("true".into()),
            "json.map-null-key.mode" => Some("FAIL".into()),
            _ => None,
        },
        FormatSpec::Csv(CsvOptions { delimiter, quote, null_literal }) => match name {
            "csv.field-delimiter" => Some(delimiter.to_string()),
            "csv.quote-character" => Some(quote.to_string()),
            "csv.null-literal" => null_literal.clone().or(Some(String::new())),
            "csv.disable-quote-character" | "csv.allow-comments" => Some("false".into()),
            _ => None,
        },
    }
}
