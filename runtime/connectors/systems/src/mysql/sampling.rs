//! Tables and columns from `information_schema`.

use super::sign_in::Session;
use crate::{
    catalog::{self, CatalogColumn},
    fields::failed,
};
use millrace_connector::{ConnectivityFailure as Failure, SampleLimits, SampledTable, Unreachable};
use millrace_model::DataType;

/// A text as a literal, whatever the server's SQL mode says of backslashes.
fn literal(text: &str) -> String {
    if text.is_empty() { "''".into() } else { format!("CONVERT(0x{} USING utf8mb4)", hex::encode(text)) }
}

pub(super) async fn tables(session: &mut Session, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = {} ORDER BY table_name LIMIT {}",
        literal(session.database()),
        limits.tables_max + 1
    );
    let mut names: Vec<String> = session.query(&sql).await?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let more = names.len() > limits.tables_max;
    names.truncate(limits.tables_max);
    Ok((names, more))
}

pub(super) async fn sample(session: &mut Session, table: &str, limits: &SampleLimits) -> Result<SampledTable, Unreachable> {
    let sql = format!(
        "SELECT column_name, data_type, column_type, is_nullable, numeric_precision, numeric_scale, datetime_precision, column_comment, column_key \
         FROM information_schema.columns WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position LIMIT {}",
        literal(session.database()),
        literal(table),
        catalog::COLUMNS_MAX + 1
    );
    let rows = session.query(&sql).await?;
    if rows.is_empty() {
        let message = format!("{}: database `{}` has no table `{}`; check the name", session.place(), session.database(), table);
        return Err(failed(Failure::Missing, message));
    }
    let columns = rows.into_iter().map(|row| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten().unwrap_or_default();
        let (name, kind, full, nullable) = (next(), next().to_ascii_lowercase(), next().to_ascii_lowercase(), next());
        let (precision, scale, fraction) = (next().parse().ok(), next().parse().ok(), next().parse().ok());
        let (comment, key) = (next(), next());
        CatalogColumn {
            data_type: data_type(&kind, &full, precision, scale, fraction),
            name,
            native_type: full,
            nullable: nullable != "NO",
            comment,
            in_key: key == "PRI",
        }
    });
    let columns: Vec<CatalogColumn> = columns.collect();
    let wanted: Vec<String> = columns.iter().map(|c| format!("`{}`", c.name.replace('`', "``"))).collect();
    let preview = format!(
        "SELECT {} FROM `{}`.`{}` LIMIT {}",
        wanted.iter().map(|c| format!("LEFT({c}, 200)")).collect::<Vec<_>>().join(", "),
        session.database().replace('`', "``"),
        table.replace('`', "``"),
        limits.rows_max.min(catalog::PREVIEW_ROWS)
    );
    // Rows are a courtesy: who may see the columns may perhaps not read them.
    let rows = session.query(&preview).await.unwrap_or_default();
    catalog::sampled(columns, rows, limits)
}

/// The type that holds a column (<https://dev.mysql.com/doc/refman/8.4/en/data-types.html>); `None` if there is none.
fn data_type(kind: &str, full: &str, precision: Option<u32>, scale: Option<u32>, fraction: Option<u8>) -> Option<DataType> {
    let unsigned = full.contains("unsigned");
    let wide = |signed, larger| if unsigned { larger } else { signed };
    let fraction = fraction.unwrap_or(0).min(6);
    Some(match kind {
        "tinyint" if full.starts_with("tinyint(1)") && !unsigned => DataType::Boolean,
        "tinyint" => wide(DataType::TinyInt, DataType::SmallInt),
        "boolean" | "bool" => DataType::Boolean,
        "smallint" => wide(DataType::SmallInt, DataType::Int),
        "mediumint" => DataType::Int,
        "int" | "integer" => wide(DataType::Int, DataType::BigInt),
        "bigint" => wide(DataType::BigInt, DataType::Decimal { precision: 20, scale: 0 }),
        "float" => DataType::Float,
        "double" | "real" => DataType::Double,
        "decimal" | "numeric" | "decimalv3" => catalog::decimal(precision, scale)?,
        "date" | "datev2" => DataType::Date,
        "time" => DataType::Time { precision: fraction },
        "datetime" | "datetimev2" => DataType::Timestamp { precision: fraction },
        "timestamp" => DataType::TimestampLtz { precision: fraction },
        "year" => DataType::Int,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" | "json" | "string" | "uuid" | "inet4"
        | "inet6" => DataType::String,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "bit" => DataType::Bytes,
        _ => return None,
    })
}
