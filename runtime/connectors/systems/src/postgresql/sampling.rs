//! Tables and columns from `information_schema`.

use super::session::Session;
use crate::{
    catalog::{self, CatalogColumn},
    fields::failed,
};
use millrace_connector::{ConnectivityFailure as Failure, SampleLimits, SampledTable, Unreachable};
use millrace_model::{DataType, data_type::Element};

/// A text as a literal in which nothing is special, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) async fn tables(session: &mut Session, schema: &str, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
    let sql = format!(
        "SELECT CASE table_schema WHEN {} THEN table_name ELSE table_schema || '.' || table_name END FROM information_schema.tables \
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY table_schema <> {}, 1 LIMIT {}",
        literal(schema),
        literal(schema),
        limits.tables_max + 1
    );
    let mut names: Vec<String> = session.query(&sql).await?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let more = names.len() > limits.tables_max;
    names.truncate(limits.tables_max);
    Ok((names, more))
}

pub(super) async fn sample(session: &mut Session, schema: &str, table: &str, limits: &SampleLimits) -> Result<SampledTable, Unreachable> {
    let (schema, name) = table.split_once('.').unwrap_or((schema, table));
    let relation = format!("{}.{}", quoted(schema), quoted(name));
    let sql = format!(
        "SELECT c.column_name, c.data_type, c.udt_name, c.is_nullable, c.numeric_precision, c.numeric_scale, c.datetime_precision, \
         col_description(to_regclass({})::oid, c.ordinal_position::int), \
         EXISTS (SELECT 1 FROM information_schema.table_constraints t JOIN information_schema.key_column_usage k \
           ON k.constraint_name = t.constraint_name AND k.table_schema = t.table_schema AND k.table_name = t.table_name \
           WHERE t.constraint_type = 'PRIMARY KEY' AND t.table_schema = c.table_schema AND t.table_name = c.table_name \
           AND k.column_name = c.column_name) \
         FROM information_schema.columns c WHERE c.table_schema = {} AND c.table_name = {} ORDER BY c.ordinal_position LIMIT {}",
        literal(&relation),
        literal(schema),
        literal(name),
        catalog::COLUMNS_MAX + 1
    );
    let rows = session.query(&sql).await?;
    if rows.is_empty() {
        let message = format!(
            "{}: database `{}` has no table `{schema}.{name}`, or the user may not see it; check the name",
            session.place(),
            session.database()
        );
        return Err(failed(Failure::Missing, message));
    }
    let columns = rows.into_iter().map(|row| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten().unwrap_or_default();
        let (name, kind, udt, nullable) = (next(), next(), next(), next());
        let (precision, scale, fraction) = (next().parse().ok(), next().parse().ok(), next().parse().ok());
        let (comment, key) = (next(), next());
        CatalogColumn {
            data_type: data_type(&kind, &udt, precision, scale, fraction),
            name,
            native_type: if kind == "ARRAY" { format!("{}[]", udt.trim_start_matches('_')) } else { kind },
            nullable: nullable != "NO",
            comment,
            in_key: key == "t",
        }
    });
    let columns: Vec<CatalogColumn> = columns.collect();
    let shown: Vec<String> = columns.iter().map(|c| format!("left({}::text, 200)", quoted(&c.name))).collect();
    let preview = format!("SELECT {} FROM {relation} LIMIT {}", shown.join(", "), limits.rows_max.min(catalog::PREVIEW_ROWS));
    // Rows are a courtesy: who may see the columns may perhaps not read them.
    let rows = session.query(&preview).await.unwrap_or_default();
    catalog::sampled(columns, rows, limits)
}

/// The type that holds a column (chapter 8 of PostgreSQL's manual); `None` if there is none.
fn data_type(kind: &str, udt: &str, precision: Option<u32>, scale: Option<u32>, fraction: Option<u8>) -> Option<DataType> {
    let fraction = fraction.unwrap_or(6).min(6);
    Some(match kind {
        "boolean" => DataType::Boolean,
        "smallint" => DataType::SmallInt,
        "integer" => DataType::Int,
        "bigint" => DataType::BigInt,
        "real" => DataType::Float,
        "double precision" => DataType::Double,
        "numeric" => catalog::decimal(precision, scale)?,
        "date" => DataType::Date,
        "time without time zone" => DataType::Time { precision: fraction },
        "timestamp without time zone" => DataType::Timestamp { precision: fraction },
        "timestamp with time zone" => DataType::TimestampLtz { precision: fraction },
        "bytea" => DataType::Bytes,
        "text" | "character varying" | "character" | "uuid" | "json" | "jsonb" | "xml" | "inet" | "cidr" | "macaddr" | "name"
        | "citext" => DataType::String,
        "ARRAY" => {
            let element = match udt {
                "_bool" => "boolean",
                "_int2" => "smallint",
                "_int4" => "integer",
                "_int8" => "bigint",
                "_float4" => "real",
                "_float8" => "double precision",
                "_text" | "_varchar" | "_bpchar" | "_uuid" => "text",
                "_date" => "date",
                "_timestamp" => "timestamp without time zone",
                "_timestamptz" => "timestamp with time zone",
                _ => return None,
            };
            DataType::Array(Box::new(Element { data_type: data_type(element, "", None, None, None)?, nullable: true }))
        }
        _ => return None,
    })
}
