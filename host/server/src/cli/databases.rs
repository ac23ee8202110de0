//! Commands on databases of a project: tables of one system, designed and then published.

use super::{
    paths,
    resources::{ByName, NewNamed},
    session::Session,
};
use crate::client::Column;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const DATABASES: &[Column] = &[
    ("NAME", "name"),
    ("PHYSICAL NAME", "physical_name"),
    ("DATA SOURCE", "data_source"),
    ("DESCRIPTION", "description"),
    ("MAY", "allowed_actions"),
];

/// On databases.
#[derive(Subcommand)]
pub(crate) enum DatabaseCommand {
    /// List the project's databases
    List,
    /// Show a database with what is published of it
    Show(ByName),
    /// Make a database
    Create {
        #[command(flatten)]
        new: NewNamed,
        #[command(flatten)]
        place: Place,
    },
    /// Change a database; what is not said stays
    Edit {
        #[command(flatten)]
        by: ByName,
        #[command(flatten)]
        place: Place,
        /// What it holds
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Ask for its publication to test or production
    Publish {
        #[command(flatten)]
        by: ByName,
        /// `test` or `production`
        #[arg(long = "for", value_name = "ENVIRONMENT")]
        environment: String,
        #[command(flatten)]
        place: Place,
        /// Why; the decider reads it
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Remove a database that has no tables
    Delete(ByName),
}

/// Where a database is.
#[derive(Args)]
pub(crate) struct Place {
    /// Data source that holds it
    #[arg(long, short = 's', value_name = "NAME")]
    source: Option<String>,
    /// Name in that system; the same unless given
    #[arg(long, value_name = "NAME")]
    physical_name: Option<String>,
}

impl Place {
    /// Says it in a request.
    fn say(&self, mut body: Value) -> Value {
        for (field, value) in [("data_source", &self.source), ("physical_name", &self.physical_name)] {
            if let Some(value) = value {
                body[field] = value.as_str().into();
            }
        }
        body
    }
}

pub(crate) async fn run(session: &Session, command: DatabaseCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let databases = format!("{project}/databases");
    let one = |name: &str| paths::below(&project, "databases", name);
    match command {
        DatabaseCommand::List => session.output.list(&session.client.list(&databases).await?, DATABASES),
        DatabaseCommand::Show(by) => session.output.item(&session.client.get(&one(&by.name)).await?),
        DatabaseCommand::Create { new, place } => {
            let made = session.client.post(&databases, &place.say(new.body())).await?;
            let next = format!("made database `{0}`; next: millrace database publish {0} --for test", new.name);
            session.output.done(&next, &made);
        }
        DatabaseCommand::Edit { by, place, description } => {
            let found = session.client.tagged(&one(&by.name)).await?;
            let body = edited(&found.body, &place, description.as_deref());
            let changed = session.client.put(&one(&by.name), &body, found.etag.as_deref()).await?;
            session.output.done(&format!("changed database `{}`", by.name), &changed);
        }
        DatabaseCommand::Publish { by, environment, place, reason } => {
            let body = place.say(json!({"environment": environment, "reason": reason}));
            let asked = session.client.post(&format!("{}/publish", one(&by.name)), &body).await?;
            session.output.done(&format!("asked for `{}` in {environment}: request {}", by.name, asked["number"]), &asked);
        }
        DatabaseCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.name)).await?;
            session.output.done(&format!("removed database `{}`", by.name), &gone);
        }
    }
    Ok(())
}

/// The settings of a database, with what is to be another.
fn edited(found: &Value, place: &Place, description: Option<&str>) -> Value {
    let description = description.map_or_else(|| found["description"].clone(), Value::from);
    place.say(json!({"physical_name": found["physical_name"], "data_source": found["data_source"], "description": description}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: Option<&str>, physical_name: Option<&str>) -> Place {
        Place { source: source.map(str::to_owned), physical_name: physical_name.map(str::to_owned) }
    }

    #[test]
    fn what_is_not_said_is_left_out_or_stays() {
        let new = json!({"name": "shop", "description": ""});
        assert_eq!(place(None, None).say(new.clone()), new);
        let expected = json!({"name": "shop", "description": "", "data_source": "mysql", "physical_name": "shop_1"});
        assert_eq!(place(Some("mysql"), Some("shop_1")).say(new), expected);
        let found = json!({"id": "dba_1", "physical_name": "shop", "data_source": "dsr_1", "description": "orders", "revision": 3});
        let same = json!({"physical_name": "shop", "data_source": "dsr_1", "description": "orders"});
        assert_eq!(edited(&found, &place(None, None), None), same);
        let moved = json!({"physical_name": "shop", "data_source": "other", "description": ""});
        assert_eq!(edited(&found, &place(Some("other"), None), Some("")), moved);
    }
}
