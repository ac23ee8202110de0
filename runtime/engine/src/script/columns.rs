//! Columns that a script declares, held against those that a table of the project or a node really has.

use millrace_model::Schema;
use millrace_sql::{
    SqlError, TableDefinition,
    ast::{ColumnKind, CreateTable, Statement, StatementKind},
    nearest,
};

/// The declaration of the table `name`.
pub(crate) fn declaration<'a>(statements: &'a [Statement], name: &str) -> Option<&'a CreateTable> {
    statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::CreateTable(table) if table.name.parts.last().is_some_and(|p| p.value == name) => Some(table),
        _ => None,
    })
}

/// Checks that every physical column of `table` is in `schema`, with its type; `holder` says whose columns these are.
/// Columns that are read must also hold no NULL where the declaration says so.
pub(crate) fn check_columns(
    table: &TableDefinition,
    create: &CreateTable,
    schema: &Schema,
    holder: &str,
    is_read: bool,
) -> Result<(), SqlError> {
    for (name, typed) in table.physical_schema() {
        let declared = create.columns.iter().find(|c| c.name.value == name);
        let span = declared.map_or(create.name.span(), |c| c.span);
        let Some(found) = schema.field(&name) else {
            let error = SqlError::new("sql.schema_mismatch", format!("column `{name}` of table `{}` is not in {holder}", table.name), span);
            return Err(match nearest(&name, schema.fields().iter().map(|f| f.name.as_str())) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => {
                    let known: Vec<&str> = schema.fields().iter().map(|f| f.name.as_str()).collect();
                    error.with_hint(format!("its columns are {}", known.join(", ")))
                }
            });
        };
        if found.data_type != typed.data_type {
            let message = format!(
                "column `{name}` of table `{}` is declared as {}, but is {} in {holder}",
                table.name, typed.data_type, found.data_type
            );
            let hint = format!("declare it as {}, and cast it where another type is needed", found.data_type);
            return Err(SqlError::new("sql.schema_mismatch", message, span).with_hint(hint));
        }
        // A primary key makes its columns NOT NULL by itself: only what is written counts.
        let is_not_null = declared.is_some_and(|c| matches!(c.kind, ColumnKind::Physical { nullable: false, .. }));
        if is_read && is_not_null && found.nullable {
            let message = format!("column `{name}` of table `{}` is declared as NOT NULL, but may be NULL in {holder}", table.name);
            return Err(SqlError::new("sql.schema_mismatch", message, span).with_hint("leave NOT NULL out, or change the topic's design"));
        }
    }
    Ok(())
}
