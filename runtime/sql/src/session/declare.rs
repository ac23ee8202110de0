//! `CREATE` and `DROP` of tables, views and functions.
//!
//! As in Flink a temporary table or view hides another of its name until it is dropped.

use super::Session;
use crate::{
    ast::{CreateFunction, CreateTable, CreateView, DropObject, DropStatement, ObjectName, Span},
    bind::{Binder, TableDefinition, ViewDefinition, own_name},
    error::{SqlError, nearest},
};
use millrace_functions::registry::Function;
use std::collections::{BTreeMap, BTreeSet};

/// What a script has declared, beside the names in sight.
#[derive(Default)]
pub(super) struct Declared {
    /// Tables and views that are temporary.
    temporary: BTreeSet<String>,
    /// What they hide.
    hidden: BTreeMap<String, Hidden>,
    /// Functions, with what each hides.
    functions: BTreeMap<String, Option<Function>>,
}

enum Hidden {
    Table(TableDefinition),
    View(ViewDefinition),
}

impl Session {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<(), SqlError> {
        let Some(name) = self.free_name(&create.name, create.if_not_exists, create.temporary)? else {
            return Ok(());
        };
        let base = match &create.like {
            None => None,
            Some(like) => Some(self.known_table(like)?),
        };
        let mut table = TableDefinition::declared(create, base)?;
        table.source = self.sources.get(&table.name).cloned();
        table.changes = table.source.as_ref().map(|s| s.changes).unwrap_or_default();
        if create.query.is_some() {
            let error = SqlError::new("sql.unsupported", "CREATE TABLE … AS is not supported", create.name.span());
            return Err(error.with_hint("declare the table, then INSERT INTO it"));
        }
        for option in &create.options {
            self.check_option(&table, &option.key, Some(&option.value), option.span)?;
        }
        // Bound once, so that wrong computed columns and watermarks are errors of the declaration.
        Binder::new(&self.names, &self.settings).scan(&table, BTreeMap::new(), create.name.span())?;
        self.settle(name, Hidden::Table(table), create.temporary);
        Ok(())
    }

    pub(super) fn create_view(&mut self, view: &CreateView) -> Result<(), SqlError> {
        let Some(name) = self.free_name(&view.name, view.if_not_exists, view.temporary)? else {
            return Ok(());
        };
        let columns = view.columns.iter().map(|c| c.value.clone()).collect();
        let definition = ViewDefinition { columns, query: view.query.clone() };
        crate::bind::nulls::check_columns(&definition.query, false)?;
        // Bound now, so that an error stands where the view is declared.
        let node = Binder::new(&self.names, &self.settings).inner_query(&definition.query)?;
        if !definition.columns.is_empty() && definition.columns.len() != node.columns.len() {
            let message = crate::bind::wrong_count(definition.columns.len(), "the query", node.columns.len());
            return Err(SqlError::new("sql.column_count", message, view.name.span()));
        }
        self.settle(name, Hidden::View(definition), view.temporary);
        Ok(())
    }

    /// The last part of `name`; `None` if it is taken and `IF NOT EXISTS` says to go on.
    fn free_name(&self, name: &ObjectName, if_not_exists: bool, temporary: bool) -> Result<Option<String>, SqlError> {
        let text = own_name(name)?.to_owned();
        let is_known = self.names.tables.contains_key(&text) || self.names.views.contains_key(&text);
        let is_temporary = self.declared.temporary.contains(&text);
        let is_taken = match (temporary, is_temporary) {
            (true, _) => is_temporary,
            (false, true) => self.declared.hidden.contains_key(&text),
            (false, false) => is_known,
        };
        match (is_taken, if_not_exists) {
            (false, _) => Ok(Some(text)),
            (true, true) => Ok(None),
            (true, false) => {
                let message = format!("there is already a table or view `{text}`");
                Err(SqlError::new("sql.name_taken", message, name.span()).with_hint("choose another name, or write IF NOT EXISTS"))
            }
        }
    }

    /// Makes a free name stand for something.
    fn settle(&mut self, name: String, object: Hidden, temporary: bool) {
        if temporary {
            if let Some(hidden) = self.taken_out(&name) {
                self.declared.hidden.insert(name.clone(), hidden);
            }
            self.declared.temporary.insert(name.clone());
        } else if self.declared.temporary.contains(&name) {
            self.declared.hidden.insert(name, object);
            return;
        }
        match object {
            Hidden::Table(table) => drop(self.names.tables.insert(name, table)),
            Hidden::View(view) => drop(self.names.views.insert(name, view)),
        }
    }

    fn taken_out(&mut self, name: &str) -> Option<Hidden> {
        let table = self.names.tables.remove(name).map(Hidden::Table);
        table.or_else(|| self.names.views.remove(name).map(Hidden::View))
    }

    pub(super) fn drop_object(&mut self, statement: &DropStatement) -> Result<(), SqlError> {
        let name = own_name(&statement.name)?.to_owned();
        let span = statement.name.span();
        let (word, is_known) = match statement.object {
            DropObject::Function => return self.drop_function(&name, statement),
            DropObject::Table => ("table", self.names.tables.contains_key(&name)),
            DropObject::View => ("view", self.names.views.contains_key(&name)),
        };
        let is_temporary = self.declared.temporary.contains(&name);
        if is_known && is_temporary == statement.temporary {
            self.taken_out(&name);
            self.declared.temporary.remove(&name);
            match self.declared.hidden.remove(&name) {
                Some(Hidden::Table(table)) => drop(self.names.tables.insert(name, table)),
                Some(Hidden::View(view)) => drop(self.names.views.insert(name, view)),
                None => {}
            }
            return Ok(());
        }
        if is_known && is_temporary {
            let message = format!("`{name}` is a temporary {word}");
            let hint = format!("drop it with `DROP TEMPORARY {} {name}` first", word.to_uppercase());
            return Err(SqlError::new("sql.is_temporary", message, span).with_hint(hint));
        }
        if statement.if_exists {
            return Ok(());
        }
        let kind = if statement.temporary { format!("temporary {word}") } else { word.to_owned() };
        let error = SqlError::new(
            if word == "view" { "sql.unknown_view" } else { "sql.unknown_table" },
            format!("there is no {kind} `{name}`"),
            span,
        );
        let other = match statement.object {
            DropObject::Table if self.names.views.contains_key(&name) => Some("view"),
            DropObject::View if self.names.tables.contains_key(&name) => Some("table"),
            _ => None,
        };
        let known: Vec<&str> = match statement.object {
            DropObject::View => self.names.views.keys().map(String::as_str).collect(),
            _ => self.names.tables.keys().map(String::as_str).collect(),
        };
        Err(match (other, nearest(&name, known.into_iter())) {
            (Some(other), _) => error.with_hint(format!("it is a {other}: write `DROP {} {name}`", other.to_uppercase())),
            (None, Some(near)) if near != name => error.with_hint(format!("did you mean `{near}`?")),
            _ => error.with_hint("write IF EXISTS if it may be missing"),
        })
    }

    pub(super) fn create_function(&mut self, create: &CreateFunction) -> Result<(), SqlError> {
        let name = own_name(&create.name)?.to_uppercase();
        if self.declared.functions.contains_key(&name) {
            if create.if_not_exists {
                return Ok(());
            }
            let error = SqlError::new("sql.name_taken", format!("there is already a function `{name}`"), create.name.span());
            return Err(error.with_hint("choose another name, or write IF NOT EXISTS"));
        }
        let hidden = self.names.functions.get(&name).cloned();
        if hidden.is_some() && !create.system {
            let error = SqlError::new(
                "sql.name_taken",
                format!("`{name}` is a built-in function, which would be called instead"),
                create.name.span(),
            );
            return Err(error.with_hint("choose another name, or hide the built-in one with CREATE TEMPORARY SYSTEM FUNCTION"));
        }
        let own = self.implementations.get(&create.identifier);
        let Some(function) = own.or_else(|| self.names.functions.get(&create.identifier)).cloned() else {
            return Err(self.unknown_implementation(create));
        };
        self.declared.functions.insert(name.clone(), hidden);
        self.names.functions = self.names.functions.clone().with(&name, function);
        Ok(())
    }

    fn unknown_implementation(&self, create: &CreateFunction) -> SqlError {
        let message = format!("there is no function `{}` in the project", create.identifier);
        let error = SqlError::new("sql.unknown_function", message, create.identifier_span);
        let wanted = create.identifier.to_uppercase();
        match nearest(&wanted, self.names.functions.names()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None if create.identifier.contains('.') || create.language.as_deref().is_some_and(|l| l != "SQL") => {
                error.with_hint("classes of Java, Scala and Python do not run here: publish the function as a plugin and name it behind AS")
            }
            None => error.with_hint("publish it first; `AS` takes the name of a published function"),
        }
    }

    fn drop_function(&mut self, name: &str, statement: &DropStatement) -> Result<(), SqlError> {
        let name = name.to_uppercase();
        match self.declared.functions.remove(&name) {
            Some(hidden) => {
                self.names.functions = self.names.functions.clone().without(&name);
                if let Some(hidden) = hidden {
                    self.names.functions = self.names.functions.clone().with(&name, hidden);
                }
                Ok(())
            }
            None if statement.if_exists => Ok(()),
            None => {
                let message = format!("this script has made no function `{name}`");
                let error = SqlError::new("sql.unknown_function", message, statement.name.span());
                Err(match nearest(&name, self.declared.functions.keys().map(String::as_str)) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint("write IF EXISTS if it may be missing"),
                })
            }
        }
    }

    fn known_table(&self, name: &ObjectName) -> Result<&TableDefinition, SqlError> {
        let wanted = own_name(name)?;
        self.names.tables.get(wanted).ok_or_else(|| {
            let error = SqlError::new("sql.unknown_table", format!("there is no table `{wanted}`"), name.span());
            match nearest(wanted, self.names.tables.keys().map(String::as_str)) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None if self.names.views.contains_key(wanted) => error.with_hint("it is a view: LIKE takes a table"),
                None => error,
            }
        })
    }

    /// Refuses an option that the table's connector does not have.
    fn check_option(&self, table: &TableDefinition, key: &str, value: Option<&str>, span: Span) -> Result<(), SqlError> {
        match &table.source {
            Some(source) => source.check_option(&table.name, key, value).map_err(|e| SqlError { span, ..e }),
            None => Ok(()),
        }
    }
}
