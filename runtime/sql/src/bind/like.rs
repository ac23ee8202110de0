//! `CREATE TABLE … LIKE`: what a table takes over from another one, as Flink merges the two (its `MergeTableLikeUtil`).
//!
//! Unless the statement says otherwise everything is taken over, options being those of the base with the declared ones
//! over them. Physical columns are always taken over.

use super::table::{ColumnSource, TableColumn, TableDefinition};
use crate::{
    ast::{CreateTable, Span},
    error::SqlError,
};

/// What happens to one feature of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Taken over; declaring it too is an error.
    Including,
    /// Left behind.
    Excluding,
    /// Taken over; what is declared goes before it.
    Overwriting,
}

/// The strategy for a feature: its own, else that of `ALL`, else Flink's default.
fn strategy(options: &[String], feature: &str) -> Strategy {
    let named = |wanted: &str| {
        let found = options.iter().rev().find_map(|o| o.split_once(' ').filter(|(_, feature)| *feature == wanted))?;
        Some(match found.0 {
            "EXCLUDING" => Strategy::Excluding,
            "OVERWRITING" => Strategy::Overwriting,
            _ => Strategy::Including,
        })
    };
    let default = if feature == "OPTIONS" { Strategy::Overwriting } else { Strategy::Including };
    named(feature).or_else(|| named("ALL")).unwrap_or(default)
}

/// The base's part of the table that `create` declares, under its new name.
pub(super) fn taken_over(base: &TableDefinition, name: String, create: &CreateTable) -> Result<TableDefinition, SqlError> {
    let of = |feature| strategy(&create.like_options, feature);
    let mut table = TableDefinition { name, source: None, changes: Default::default(), rowtime: None, ..base.clone() };
    let (generated, metadata) = (of("GENERATED"), of("METADATA"));
    table.columns.retain(|column| match column.source {
        ColumnSource::Physical(_) => true,
        ColumnSource::Computed(_) => generated != Strategy::Excluding,
        ColumnSource::Metadata { .. } => metadata != Strategy::Excluding,
    });
    let conflict = |what: String, feature: &str, span: Span, can_overwrite: bool| {
        let overwriting = if can_overwrite { format!(" or `LIKE … (OVERWRITING {feature})`") } else { String::new() };
        let message = format!("{what} in the table `{}` already, which this one is LIKE", base.name);
        SqlError::new("sql.like_conflict", message, span).with_hint(format!("write `LIKE … (EXCLUDING {feature})`{overwriting}"))
    };
    match (of("OPTIONS"), create.options.iter().find(|o| base.options.contains_key(&o.key))) {
        (Strategy::Excluding, _) => table.options.clear(),
        (Strategy::Including, Some(option)) => {
            return Err(conflict(format!("option `{}` is", option.key), "OPTIONS", option.span, true));
        }
        _ => {}
    }
    match (of("WATERMARKS"), &create.watermark, &base.watermark) {
        (Strategy::Excluding, ..) => table.watermark = None,
        (Strategy::Including, Some(watermark), Some(_)) => {
            return Err(conflict("a watermark is".into(), "WATERMARKS", watermark.span, true));
        }
        _ => {}
    }
    match (of("CONSTRAINTS"), &create.primary_key) {
        (Strategy::Excluding, _) => table.primary_key.clear(),
        (_, Some(key)) if !base.primary_key.is_empty() => {
            return Err(conflict("a primary key is".into(), "CONSTRAINTS", key.span, false));
        }
        _ => {}
    }
    match (of("PARTITIONS"), create.partitioned_by.first()) {
        (Strategy::Excluding, _) => table.partitioned_by.clear(),
        (_, Some(column)) if !base.partitioned_by.is_empty() => {
            return Err(conflict("PARTITIONED BY is".into(), "PARTITIONS", column.span, false));
        }
        _ => {}
    }
    Ok(table)
}

/// Whether a declared column may take the place of one of the base: both computed or both metadata, and said to be so.
pub(super) fn may_overwrite(base: &TableColumn, declared: &TableColumn, options: &[String]) -> bool {
    let overwrites = |feature| strategy(options, feature) == Strategy::Overwriting;
    match (&base.source, &declared.source) {
        (ColumnSource::Computed(_), ColumnSource::Computed(_)) => overwrites("GENERATED"),
        (ColumnSource::Metadata { .. }, ColumnSource::Metadata { .. }) => overwrites("METADATA"),
        _ => false,
    }
}
