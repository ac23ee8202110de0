//! Commands on capabilities: what a tenant's plugins may do at most, and what one plugin may do (EXT-3).

use super::{paths, session::Session};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use std::io::BufRead;

/// Capabilities to grant or to take away.
#[derive(Args)]
pub(crate) struct Capabilities {
    /// Name or id
    name: String,
    /// Read the clock
    #[arg(long)]
    clock: bool,
    /// Send requests to a host, `HOST` (ports 80 and 443) or `HOST:PORT`; repeat for more. For tenants also `*`
    #[arg(long = "http", value_name = "HOST")]
    hosts: Vec<String>,
    /// Read a secret; repeat for more. A plugin's value is read from standard input, a line per secret, unless given as
    /// `NAME=VALUE`. For tenants also `*`
    #[arg(long = "secret", value_name = "NAME")]
    secrets: Vec<String>,
    /// Use a folder; repeat for more. For tenants `NAME=/absolute/path`, for plugins the `NAME` alone
    #[arg(long = "folder", value_name = "NAME")]
    folders: Vec<String>,
    /// Also write to these folders
    #[arg(long)]
    writable: bool,
}

/// Whose capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Tenant,
    Plugin,
}

impl Whose {
    fn path(self, session: &Session, name: &str) -> anyhow::Result<String> {
        Ok(match self {
            Self::Tenant => format!("{}/grants", paths::tenant(name)),
            Self::Plugin => format!("{}/grants", paths::below(&session.project()?, "plugins", name)),
        })
    }
}

pub(crate) async fn show(session: &Session, whose: Whose, name: &str) -> anyhow::Result<()> {
    session.output.item(&session.client.get(&whose.path(session, name)?).await?);
    Ok(())
}

/// Adds to what is granted.
pub(crate) async fn grant(session: &Session, whose: Whose, wanted: Capabilities) -> anyhow::Result<()> {
    change(session, whose, wanted, |grants, wanted| wanted.add_to(grants, whose)).await
}

/// Takes away from what is granted.
pub(crate) async fn revoke(session: &Session, whose: Whose, wanted: Capabilities) -> anyhow::Result<()> {
    change(session, whose, wanted, |grants, wanted| {
        wanted.take_from(grants);
        Ok(())
    })
    .await
}

async fn change(
    session: &Session,
    whose: Whose,
    wanted: Capabilities,
    change: impl FnOnce(&mut Grants, &Capabilities) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let path = whose.path(session, &wanted.name)?;
    let mut grants = Grants(session.client.get(&path).await?);
    change(&mut grants, &wanted)?;
    let now = session.client.put(&path, &grants.0, None).await?;
    session.output.done(&format!("changed what `{}` may do; instances have it from their next start on", wanted.name), &now);
    Ok(())
}

impl Capabilities {
    fn add_to(&self, grants: &mut Grants, whose: Whose) -> anyhow::Result<()> {
        if !self.clock && self.hosts.is_empty() && self.secrets.is_empty() && self.folders.is_empty() {
            bail!("name what to grant: --clock, --http HOST, --secret NAME or --folder NAME");
        }
        if self.clock {
            grants.0["clock"] = true.into();
        }
        for host in &self.hosts {
            grants.insert("http", host);
        }
        for secret in &self.secrets {
            match whose {
                Whose::Tenant => grants.insert("secrets", secret),
                Whose::Plugin => {
                    let (name, value) = match secret.split_once('=') {
                        Some((name, value)) => (name, value.to_owned()),
                        None => (secret.as_str(), read_secret(secret)?),
                    };
                    grants.set("secrets", name, value.into());
                }
            }
        }
        for folder in &self.folders {
            let (name, grant) = match (whose, folder.split_once('=')) {
                (Whose::Tenant, Some((name, path))) => (name, json!({"path": path, "writable": self.writable})),
                (Whose::Tenant, None) => bail!("--folder `{folder}`: expected NAME=/absolute/path"),
                (Whose::Plugin, None) => (folder.as_str(), json!({"writable": self.writable})),
                (Whose::Plugin, Some(_)) => bail!("--folder `{folder}`: expected the NAME of a folder of the tenant, without a path"),
            };
            grants.set("folders", name, grant);
        }
        Ok(())
    }

    fn take_from(&self, grants: &mut Grants) {
        if self.clock {
            grants.0["clock"] = false.into();
        }
        for host in &self.hosts {
            grants.remove("http", host);
        }
        for (field, names) in [("secrets", &self.secrets), ("folders", &self.folders)] {
            for name in names {
                grants.remove(field, name.split_once('=').map_or(name.as_str(), |(name, _)| name));
            }
        }
    }
}

/// The document of the API.
struct Grants(Value);

impl Grants {
    fn set(&mut self, field: &str, name: &str, value: Value) {
        // Indexing makes what is not there.
        self.0[field][name] = value;
    }

    fn insert(&mut self, field: &str, item: &str) {
        let items = self.0[field].as_array().cloned().unwrap_or_default();
        if !items.iter().any(|i| i == item) {
            self.0[field] = items.into_iter().chain([Value::from(item)]).collect();
        }
    }

    fn remove(&mut self, field: &str, item: &str) {
        match &mut self.0[field] {
            Value::Array(items) => items.retain(|i| i != item),
            Value::Object(map) => drop(map.remove(item)),
            _ => {}
        }
    }
}

/// A line of standard input: a value on the command line would show in the machine's list of processes.
fn read_secret(name: &str) -> anyhow::Result<String> {
    eprintln!("Value of the secret `{name}`:");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).context("cannot read the secret from standard input")?;
    let value = line.trim_end_matches(['\r', '\n']);
    if read == 0 || value.is_empty() {
        bail!("no value for the secret `{name}` on standard input");
    }
    Ok(value.to_owned())
}
