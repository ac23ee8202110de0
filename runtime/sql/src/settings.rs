//! Options of a script (`SET`) that change results or plans, under Flink's names.

use crate::{
    ast::{SetOption, Span},
    error::{SqlError, nearest},
    plan::MiniBatch,
};
use millrace_model::{duration_ms, graph::StateBackendKind};
use std::collections::BTreeMap;

/// What `SET` has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `table.local-time-zone`
    pub zone: chrono_tz::Tz,
    /// `table.exec.state.ttl`; `None` keeps state for ever.
    pub state_ttl_ms: Option<u64>,
    /// `table.exec.mini-batch.enabled`
    pub mini_batch_enabled: bool,
    /// `table.exec.mini-batch.size`
    pub mini_batch_size: Option<u64>,
    /// `table.exec.mini-batch.allow-latency`
    pub mini_batch_latency_ms: Option<u64>,
    /// `table.exec.emit.*`
    pub emit: EmitSettings,
    /// `table.exec.source.idle-timeout`; `None` never counts a partition as idle.
    pub idle_timeout_ms: Option<u64>,
    /// `table.exec.legacy-cast-behaviour`: casts that fail are NULL.
    pub legacy_casts: bool,
    /// `table.exec.source.cdc-events-duplicate`: changelogs of tables with a primary key may repeat or miss changes.
    pub normalizes_duplicates: bool,
    /// `table.exec.sink.upsert-materialize`
    pub upsert_materialize: UpsertMaterialize,
    /// `table.exec.sink.require-on-conflict`: where the keys of query and sink differ, the INSERT must say what is meant.
    pub requires_on_conflict: bool,
    /// `table.exec.sink.not-null-enforcer`: what happens to a NULL in a NOT NULL column of a sink.
    pub not_null_enforcer: NotNullEnforcer,
    /// `parallelism.default`
    pub parallelism: Option<u16>,
    /// `execution.checkpointing.interval`
    pub checkpoint_interval_ms: Option<u64>,
    /// `state.backend.type`
    pub state_backend: Option<StateBackendKind>,
    /// `state.memory.limit`
    pub state_memory_bytes_max: Option<u64>,
    /// `pipeline.name`
    pub job_name: Option<String>,
    /// What was set, as written, for `SET` without arguments and for other engines.
    pub written: BTreeMap<String, String>,
}

/// Whether changes are made upserts by the key of the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpsertMaterialize {
    /// Never: they go to the sink as they come.
    None,
    /// Where the keys of query and sink differ.
    #[default]
    Auto,
    /// Always.
    Force,
}

/// What happens to a row with a NULL in a NOT NULL column of its sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotNullEnforcer {
    /// The query is refused if it may have such rows.
    #[default]
    Error,
    /// It is left out.
    Drop,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: chrono_tz::UTC,
            state_ttl_ms: None,
            mini_batch_enabled: false,
            mini_batch_size: None,
            mini_batch_latency_ms: None,
            emit: EmitSettings::default(),
            idle_timeout_ms: None,
            legacy_casts: false,
            normalizes_duplicates: false,
            upsert_materialize: UpsertMaterialize::Auto,
            requires_on_conflict: true,
            not_null_enforcer: NotNullEnforcer::Error,
            parallelism: None,
            checkpoint_interval_ms: None,
            state_backend: None,
            state_memory_bytes_max: None,
            job_name: None,
            written: BTreeMap::new(),
        }
    }
}

/// Early and late results of windows of `GROUP BY`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmitSettings {
    /// `table.exec.emit.early-fire.enabled`
    pub early_enabled: bool,
    /// `table.exec.emit.early-fire.delay`; 0 is with every row.
    pub early_delay_ms: Option<u64>,
    /// `table.exec.emit.late-fire.enabled`
    pub late_enabled: bool,
    /// `table.exec.emit.late-fire.delay`; 0 is with every row.
    pub late_delay_ms: Option<u64>,
    /// `table.exec.emit.allow-lateness`
    pub lateness_ms: Option<u64>,
}

/// Options that are accepted without meaning for the native engine: they tune how Flink runs, not what it answers.
const WITHOUT_MEANING: &[&str] = &[
    "execution.runtime-mode",
    "execution.checkpointing.mode",
    "execution.checkpointing.timeout",
    "execution.checkpointing.min-pause",
    "pipeline.auto-watermark-interval",
    "pipeline.object-reuse",
    "pipeline.operator-chaining",
    "pipeline.max-parallelism",
    "restart-strategy.type",
    "sql-client.execution.result-mode",
    "sql-client.display.color-schema",
    "state.backend.incremental",
    "execution.checkpointing.incremental",
    "table.dml-sync",
    "table.dynamic-table-options.enabled",
    "table.exec.resource.default-parallelism",
    "table.optimizer.agg-phase-strategy",
    "table.optimizer.distinct-agg.split.enabled",
    "table.optimizer.reuse-sub-plan-enabled",
    "table.optimizer.multiple-input-enabled",
    "table.planner",
    "table.sql-dialect",
];

/// Options with meaning here.
const WITH_MEANING: &[&str] = &[
    "table.local-time-zone",
    "table.exec.state.ttl",
    "table.exec.mini-batch.enabled",
    "table.exec.mini-batch.size",
    "table.exec.mini-batch.allow-latency",
    "table.exec.emit.early-fire.enabled",
    "table.exec.emit.early-fire.delay",
    "table.exec.emit.late-fire.enabled",
    "table.exec.emit.late-fire.delay",
    "table.exec.emit.allow-lateness",
    "table.exec.source.idle-timeout",
    "table.exec.legacy-cast-behaviour",
    "table.exec.source.cdc-events-duplicate",
    "table.exec.sink.upsert-materialize",
    "table.exec.sink.require-on-conflict",
    "table.exec.sink.not-null-enforcer",
    "parallelism.default",
    "execution.checkpointing.interval",
    "state.backend.type",
    "state.memory.limit",
    "pipeline.name",
];

/// Whether the option is accepted and changes nothing.
pub fn is_without_meaning(key: &str) -> bool {
    WITHOUT_MEANING.contains(&key)
}

impl Settings {
    /// Mini-batch settings, when it is on.
    pub fn mini_batch(&self) -> Option<MiniBatch> {
        let latency_ms = self.mini_batch_latency_ms.unwrap_or(0);
        (self.mini_batch_enabled && latency_ms > 0)
            .then(|| MiniBatch { size: self.mini_batch_size.unwrap_or(u64::MAX), allow_latency_ms: latency_ms })
    }

    /// Applies one `SET`.
    ///
    /// # Errors
    /// An option that is unknown, or a value that is none of its own.
    pub fn set(&mut self, option: &SetOption) -> Result<(), SqlError> {
        let value = option.value.trim();
        let wrong = |expected: &str| {
            let message = format!("`{}` is `{value}`, expected {expected}", option.key);
            SqlError::new("sql.invalid_option", message, option.span)
        };
        let duration = || duration_ms(value).ok_or_else(|| wrong("a duration such as `10 s` or `1 min`"));
        match option.key.as_str() {
            "table.local-time-zone" => {
                self.zone = zone(value).ok_or_else(|| wrong("a time zone such as `UTC`, `Asia/Shanghai` or `GMT+08:00`"))?;
            }
            "table.exec.state.ttl" => self.state_ttl_ms = Some(duration()?).filter(|&ms| ms > 0),
            "table.exec.mini-batch.enabled" => {
                self.mini_batch_enabled = value.parse().map_err(|_| wrong("`true` or `false`"))?;
            }
            "table.exec.source.cdc-events-duplicate" => {
                self.normalizes_duplicates = value.parse().map_err(|_| wrong("`true` or `false`"))?;
            }
            "table.exec.emit.early-fire.enabled" => self.emit.early_enabled = value.parse().map_err(|_| wrong("`true` or `false`"))?,
            "table.exec.emit.late-fire.enabled" => self.emit.late_enabled = value.parse().map_err(|_| wrong("`true` or `false`"))?,
            "table.exec.emit.early-fire.delay" => self.emit.early_delay_ms = Some(duration()?),
            "table.exec.emit.late-fire.delay" => self.emit.late_delay_ms = Some(duration()?),
            "table.exec.emit.allow-lateness" => self.emit.lateness_ms = Some(duration()?),
            "table.exec.sink.upsert-materialize" => {
                self.upsert_materialize = match value.to_ascii_lowercase().as_str() {
                    "none" => UpsertMaterialize::None,
                    "auto" => UpsertMaterialize::Auto,
                    "force" => UpsertMaterialize::Force,
                    _ => return Err(wrong("`none`, `auto` or `force`")),
                };
            }
            "table.exec.sink.require-on-conflict" => {
                self.requires_on_conflict = value.parse().map_err(|_| wrong("`true` or `false`"))?;
            }
            "table.exec.sink.not-null-enforcer" => {
                self.not_null_enforcer = match value.to_ascii_lowercase().as_str() {
                    "error" => NotNullEnforcer::Error,
                    "drop" => NotNullEnforcer::Drop,
                    _ => return Err(wrong("`error` or `drop`")),
                };
            }
            "table.exec.mini-batch.size" => self.mini_batch_size = value.parse().ok().filter(|&n| n > 0),
            "table.exec.mini-batch.allow-latency" => self.mini_batch_latency_ms = Some(duration()?),
            "table.exec.source.idle-timeout" => self.idle_timeout_ms = Some(duration()?).filter(|&ms| ms > 0),
            "table.exec.legacy-cast-behaviour" => {
                self.legacy_casts = match value.to_ascii_lowercase().as_str() {
                    "enabled" => true,
                    "disabled" => false,
                    _ => return Err(wrong("`enabled` or `disabled`")),
                };
            }
            "execution.checkpointing.interval" => self.checkpoint_interval_ms = Some(duration()?).filter(|&ms| ms > 0),
            "parallelism.default" => {
                self.parallelism = Some(value.parse().ok().filter(|&n| n > 0).ok_or_else(|| wrong("a number from 1"))?);
            }
            "state.backend.type" => {
                self.state_backend = Some(match value.to_ascii_lowercase().as_str() {
                    "tiered" | "rocksdb" | "forst" => StateBackendKind::Tiered,
                    "hashmap" | "memory" => StateBackendKind::Memory,
                    _ => return Err(wrong("`tiered` (memory, then local disk; also `rocksdb`, `forst`) or `hashmap` (memory only)")),
                });
            }
            "state.memory.limit" => {
                let bytes = memory_bytes(value).filter(|&bytes| bytes >= 1 << 20);
                self.state_memory_bytes_max = Some(bytes.ok_or_else(|| wrong("a size from `1 mb`, such as `512 mb` or `2 gb`"))?);
            }
            "pipeline.name" => self.job_name = Some(value.to_owned()),
            key if WITHOUT_MEANING.contains(&key) => {}
            key => {
                let known = WITH_MEANING.iter().chain(WITHOUT_MEANING).copied();
                let error = SqlError::new("sql.unknown_option", format!("there is no option `{key}`"), option.span);
                return Err(match nearest(key, known) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint(format!("options of the native engine are {}", WITH_MEANING.join(", "))),
                });
            }
        }
        self.written.insert(option.key.clone(), value.to_owned());
        Ok(())
    }

    /// `RESET 'key'`, or of everything.
    ///
    /// # Errors
    /// An option that is unknown.
    pub fn reset(&mut self, key: Option<&SetOption>) -> Result<(), SqlError> {
        let mut kept = std::mem::take(self).written;
        match key {
            None => kept.clear(),
            Some(option) => drop(kept.remove(&option.key)),
        }
        for (key, value) in kept {
            self.set(&SetOption { key, value, span: Span::default() })?;
        }
        Ok(())
    }
}

/// A size as Flink writes it: a number, then `b`, `kb`, `mb`, `gb` or `tb` (by 1,024), or nothing for bytes.
fn memory_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kib" | "kibibytes" => 10,
        "m" | "mb" | "mib" | "mebibytes" => 20,
        "g" | "gb" | "gib" | "gibibytes" => 30,
        "t" | "tb" | "tib" | "tebibytes" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A time zone by its name, or by whole hours from Greenwich (`GMT+08:00`, `UTC-5`).
pub fn zone(text: &str) -> Option<chrono_tz::Tz> {
    if let Ok(zone) = text.parse() {
        return Some(zone);
    }
    let rest = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC"))?;
    let sign = rest.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let hours: u8 = match rest[1..].split_once(':') {
        Some((hours, "00")) => hours.parse().ok()?,
        Some(_) => return None,
        None => rest[1..].parse().ok()?,
    };
    // The zone database counts the other way round: `Etc/GMT-8` lies east.
    let turned = if sign == '+' { '-' } else { '+' };
    if hours == 0 { Some(chrono_tz::UTC) } else { format!("Etc/GMT{turned}{hours}").parse().ok() }
}
