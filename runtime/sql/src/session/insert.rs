//! `INSERT INTO`: the rows of a query in the columns of a sink.

use super::{BoundInsert, Conflicts, Session};
use crate::{
    ast::{Insert, Span},
    bind::{Binder, ColumnSource, TableDefinition, nulls::check_columns, own_name},
    error::{SqlError, nearest},
    plan::{PlanColumn, PlanNode, runnable},
    settings::NotNullEnforcer,
};
use millrace_functions::{Expr, Typed, coercion};

impl Session {
    pub(super) fn insert(&self, insert: &Insert) -> Result<BoundInsert, SqlError> {
        let foreign = insert.table.foreign().filter(|n| self.names.tables.contains_key(n));
        let name = match &foreign {
            Some(foreign) => foreign.as_str(),
            None => own_name(&insert.table)?,
        };
        let Some(table) = self.names.tables.get(name) else {
            let error = SqlError::new("sql.unknown_table", format!("there is no table `{name}` to insert into"), insert.table.span());
            return Err(match nearest(name, self.names.tables.keys().map(String::as_str)) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint("declare it with CREATE TABLE"),
            });
        };
        if insert.overwrite {
            return Err(SqlError::new("sql.unsupported", "INSERT OVERWRITE has no meaning for a stream", insert.span));
        }
        check_columns(&insert.query, true)?;
        let binder = &mut Binder::new(&self.names, &self.settings);
        let plan = binder.query(&insert.query)?;
        let plan = self.sink_rows(binder, plan, table, insert)?;
        let options = (insert.hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("OPTIONS")))
            .flat_map(|h| &h.options)
            .map(|o| (o.key.clone(), o.value.clone().unwrap_or_default()))
            .collect();
        let conflicts = self.conflicts(insert.on_conflict);
        if matches!(conflicts, Conflicts::FirstWins | Conflicts::Error) {
            self.check_watermarks(&plan, insert.span)?;
        }
        let says_conflicts = insert.on_conflict.is_some();
        Ok(BoundInsert { table: table.clone(), plan: runnable(plan)?, options, conflicts, says_conflicts, span: insert.span })
    }

    /// Conflicts that are decided when the watermark moves need one in every table that is read.
    fn check_watermarks(&self, plan: &PlanNode, span: Span) -> Result<(), SqlError> {
        let has_time = |name: &str| self.names.tables.get(name).is_some_and(|table| table.rowtime.is_some());
        let scans = plan.scans();
        let mut without = scans.iter().filter(|s| s.watermark.is_none() && !s.is_source_watermark && !has_time(&s.table));
        let Some(scan) = without.next() else { return Ok(()) };
        let message = format!("rows that share a key are found when the watermark moves, and `{}` has none", scan.table);
        Err(SqlError::new("sql.no_watermark", message, span)
            .with_hint("declare a WATERMARK for it, or say ON CONFLICT DO DEDUPLICATE, which needs none"))
    }

    /// The query's rows in the sink's columns: by position, cast where Flink casts silently, NULL where nothing is given.
    fn sink_rows(&self, binder: &mut Binder<'_>, plan: PlanNode, table: &TableDefinition, insert: &Insert) -> Result<PlanNode, SqlError> {
        let columns = sink_columns(table, insert.table.span())?;
        let mut sources: Vec<Option<usize>> = (0..columns.len()).map(Some).collect();
        if !insert.columns.is_empty() {
            sources = vec![None; columns.len()];
            for (position, wanted) in insert.columns.iter().enumerate() {
                let Some(index) = columns.iter().position(|(name, _)| *name == wanted.value) else {
                    let message = format!("table `{}` has no column `{}` to insert into", table.name, wanted.value);
                    let error = SqlError::new("sql.unknown_column", message, wanted.span);
                    return Err(match nearest(&wanted.value, columns.iter().map(|(name, _)| name.as_str())) {
                        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                        None => error,
                    });
                };
                if sources[index].replace(position).is_some() {
                    let message = format!("column `{}` stands twice in the list of columns", wanted.value);
                    return Err(SqlError::new("sql.duplicate_column", message, wanted.span));
                }
            }
        }
        let given = if insert.columns.is_empty() { columns.len() } else { insert.columns.len() };
        if plan.columns.len() != given {
            let list = |names: Vec<String>| names.join(", ");
            let message = format!(
                "the query has {} column{} ({}), but {given} are expected by `{}` ({})",
                plan.columns.len(),
                if plan.columns.len() == 1 { "" } else { "s" },
                list(plan.columns.iter().map(|c| format!("{} {}", c.name, c.typed.data_type)).collect()),
                table.name,
                list(columns.iter().map(|(n, t)| format!("{n} {}", t.data_type)).collect()),
            );
            return Err(SqlError::new("sql.column_count", message, insert.query.span));
        }
        let (mut projection, mut out, mut filled) = (Vec::new(), Vec::new(), Vec::new());
        for ((name, typed), source) in columns.iter().zip(&sources) {
            let expr = match source {
                Some(position) => {
                    let from = &plan.columns[*position];
                    if from.typed.data_type != typed.data_type && !coercion::is_implicit(&from.typed.data_type, &typed.data_type) {
                        let message = format!(
                            "column `{}` of the query is {}, but column `{name}` of `{}` is {}",
                            from.name, from.typed.data_type, table.name, typed.data_type
                        );
                        let error = SqlError::new("sql.type_mismatch", message, insert.query.span);
                        return Err(error.with_hint(format!("cast it: `CAST({} AS {})`", from.name, typed.data_type)));
                    }
                    Expr::column(*position, from.typed.clone())
                }
                None => crate::bind::null_literal(),
            };
            let mut nullable = expr.typed().nullable;
            if nullable && !typed.nullable && self.settings.not_null_enforcer == NotNullEnforcer::Drop {
                filled.push(binder.call("IS NOT NULL", vec![expr.clone()], insert.span)?);
                nullable = false;
            }
            let cast = binder.implicit(expr, &typed.data_type);
            let mut column = PlanColumn::new(name, Typed::new(typed.data_type.clone(), nullable));
            column.lineage = source.map(|p| plan.columns[p].lineage.clone()).unwrap_or_default();
            out.push(column);
            projection.push(cast);
        }
        let filled = if filled.len() > 1 { Some(Expr::And(filled)) } else { filled.pop() };
        Ok(crate::bind::calc(plan, filled, projection, out))
    }
}

/// Columns that an insert fills: the physical ones.
fn sink_columns(table: &TableDefinition, span: Span) -> Result<Vec<(String, Typed)>, SqlError> {
    let mut columns = Vec::new();
    for column in &table.columns {
        match &column.source {
            ColumnSource::Physical(typed) => columns.push((column.name.clone(), typed.clone())),
            ColumnSource::Metadata { is_virtual: true, .. } | ColumnSource::Computed(_) => {}
            ColumnSource::Metadata { key, .. } => {
                let message =
                    format!("column `{}` of `{}` is to be written as the metadata `{key}`, which no sink does", column.name, table.name);
                let error = SqlError::new("sql.unsupported", message, span);
                return Err(error.with_hint("declare it `VIRTUAL`, then it is only read"));
            }
        }
    }
    Ok(columns)
}
