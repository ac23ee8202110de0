//! Commands on identity providers: who else than this server says who somebody is; of a tenant, or of the platform.

use super::session::Session;
use crate::client::{Column, encode};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

const PROVIDERS: &[Column] = &[
    ("NAME", "name"),
    ("ISSUER", "settings.issuer"),
    ("ENABLED", "settings.enabled"),
    ("SECRET", "has_client_secret"),
    ("REGISTER AS REDIRECT URI", "redirect_uri"),
];

const IDENTITIES: &[Column] = &[("USER", "user_name"), ("SUBJECTS", "subject_words"), ("ID", "user")];

/// On identity providers.
#[derive(Subcommand)]
pub(crate) enum IdentityProviderCommand {
    /// List those of the tenant, or without `--tenant` those of the platform
    List,
    /// Show one with its settings
    Show {
        /// Name
        name: String,
    },
    /// Make one, or replace its settings
    Set(SetArguments),
    /// Let people sign in with it
    Enable {
        /// Name
        name: String,
    },
    /// Let nobody sign in with it; sessions that have begun go on
    Disable {
        /// Name
        name: String,
    },
    /// Remove one; its users stay and need another way to sign in
    Delete {
        /// Name
        name: String,
    },
    /// List the users whom a provider signs in, and what it calls them
    Identities {
        /// Name of the provider
        name: String,
    },
    /// Say that a subject of the provider is nobody any more
    Unlink {
        /// Name of the provider
        name: String,
        /// What the provider calls them (the claim `sub`)
        subject: String,
    },
    /// Say which subject of the provider a user is
    Link {
        /// Name of the provider
        name: String,
        /// Name or id of the user
        user: String,
        /// What the provider calls them (the claim `sub`)
        subject: String,
    },
}

/// What a provider is to be.
#[derive(Args)]
pub(crate) struct SetArguments {
    /// Name
    name: String,
    /// JSON file with the settings: `{"issuer": "https://id.example.com", "client_id": "millrace", "auto_provision": true, …}`
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// File that holds the client's secret; else it is read from MILLRACE_CLIENT_SECRET, and without it what is there stays
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// A public client: it has no secret
    #[arg(long, conflicts_with = "client_secret_file")]
    public: bool,
}

pub(crate) async fn run(session: &Session, command: IdentityProviderCommand) -> anyhow::Result<()> {
    let providers = match session.tenant_name() {
        Some(_) => format!("{}/identity-providers", session.tenant()?),
        None => "/api/v1/platform/identity-providers".to_owned(),
    };
    let one = |name: &str| format!("{providers}/{}", encode(name));
    match command {
        IdentityProviderCommand::List => {
            let found = session.client.get(&providers).await?;
            session.output.list(found["items"].as_array().map_or(&[], Vec::as_slice), PROVIDERS);
        }
        IdentityProviderCommand::Show { name } => session.output.item(&known(session, &providers, &name).await?),
        IdentityProviderCommand::Set(wanted) => {
            let text = std::fs::read_to_string(&wanted.file).with_context(|| format!("cannot read {}", wanted.file.display()))?;
            let settings: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", wanted.file.display()))?;
            let mut body = json!({ "settings": settings });
            if let Some(secret) = secret(&wanted)? {
                body["client_secret"] = secret.into();
            }
            let etag = find(session, &providers, &wanted.name).await?.as_ref().map(etag_of);
            let set = session.client.put(&one(&wanted.name), &body, etag.as_deref()).await?;
            let uri = set["redirect_uri"].as_str().unwrap_or_default();
            session.output.done(&format!("identity provider `{}` is set; register {uri} there as redirect URI", wanted.name), &set);
        }
        IdentityProviderCommand::Enable { name } => switch(session, &providers, &name, true).await?,
        IdentityProviderCommand::Disable { name } => switch(session, &providers, &name, false).await?,
        IdentityProviderCommand::Delete { name } => {
            let gone = session.client.delete(&one(&name)).await?;
            session.output.done(&format!("removed identity provider `{name}`"), &gone);
        }
        IdentityProviderCommand::Identities { name } => {
            let mut found = session.client.list(&format!("{}/identities", one(&name))).await?;
            for identity in &mut found {
                let subjects = identity["subjects"].as_array().cloned().unwrap_or_default();
                identity["subject_words"] = subjects.iter().filter_map(|s| s["subject"].as_str().map(Value::from)).collect();
            }
            session.output.list(&found, IDENTITIES);
        }
        IdentityProviderCommand::Unlink { name, subject } => {
            let gone = session.client.delete(&format!("{}/identities/{}", one(&name), encode(&subject))).await?;
            session.output.done(&format!("`{subject}` of `{name}` is nobody any more"), &gone);
        }
        IdentityProviderCommand::Link { name, user, subject } => {
            let body = json!({ "user": user, "subject": subject });
            let linked = session.client.post(&format!("{}/identities", one(&name)), &body).await?;
            session.output.done(&format!("`{user}` is `{subject}` of `{name}`"), &linked);
        }
    }
    Ok(())
}

async fn switch(session: &Session, providers: &str, name: &str, enabled: bool) -> anyhow::Result<()> {
    let found = known(session, providers, name).await?;
    let mut settings = found["settings"].clone();
    settings["enabled"] = enabled.into();
    let path = format!("{providers}/{}", encode(name));
    let set = session.client.put(&path, &json!({ "settings": settings }), Some(&etag_of(&found))).await?;
    let done = if enabled { "can be used" } else { "cannot be used any more" };
    session.output.done(&format!("identity provider `{name}` {done}"), &set);
    Ok(())
}

async fn find(session: &Session, providers: &str, name: &str) -> anyhow::Result<Option<Value>> {
    let found = session.client.get(providers).await?;
    Ok(found["items"].as_array().into_iter().flatten().find(|p| p["name"] == name).cloned())
}

async fn known(session: &Session, providers: &str, name: &str) -> anyhow::Result<Value> {
    match find(session, providers, name).await? {
        Some(found) => Ok(found),
        None => bail!("there is no identity provider `{name}`; `millrace identity-provider list` shows those that are there"),
    }
}

fn etag_of(found: &Value) -> String {
    format!("\"{}\"", found["revision"])
}

/// `None` keeps the secret that is there.
fn secret(wanted: &SetArguments) -> anyhow::Result<Option<String>> {
    if wanted.public {
        return Ok(Some(String::new()));
    }
    match &wanted.client_secret_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None => Ok(std::env::var("MILLRACE_CLIENT_SECRET").ok()),
    }
}
