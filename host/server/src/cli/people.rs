//! Commands on people: signing in and out, users, members of projects.

use super::{paths, session::Session, signed_in::SignedIn};
use crate::client::{Column, encode};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

const USERS: &[Column] = &[("NAME", "name"), ("STATE", "state"), ("ROLES", "role_words"), ("DISPLAY NAME", "display_name"), ("ID", "id")];
const ROLES: &[Column] = &[("ROLE", "role"), ("TENANT", "tenant"), ("PROJECT", "project")];

/// Who signs in.
#[derive(Args)]
pub(crate) struct SignInArguments {
    /// Name of the user; with `--tenant` a user of that tenant, without one of the platform
    name: String,
    /// File that holds the password; without it, it is asked for, or read from MILLRACE_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File that holds the new password, where a one-time password must be changed
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

pub(crate) async fn sign_in(session: &Session, arguments: SignInArguments) -> anyhow::Result<()> {
    let SignInArguments { name, password_file, new_password_file } = arguments;
    let password = password("Password: ", password_file, Some("MILLRACE_PASSWORD"))?;
    let body = json!({ "tenant": session.tenant_name(), "name": name, "password": password });
    let (answer, cookies) = session.client.sign_in(&body).await?;
    if answer["must_change_password"] == true {
        eprintln!("This is a one-time password; choose one of your own.");
        let new = self::password("New password: ", new_password_file, Some("MILLRACE_NEW_PASSWORD"))?;
        let change = json!({ "current": password, "new": new });
        let client = session.client.clone().without_token().with_cookies(Some(cookies.clone()));
        client.put("/api/v1/me/password", &change, None).await?;
    }
    SignedIn::store(session.client.base(), Some(cookies))?;
    session.output.done(&format!("signed in as `{name}`; `millrace sign-out` ends it"), &json!({ "user": answer["user"] }));
    Ok(())
}

pub(crate) async fn sign_out(session: &Session) -> anyhow::Result<()> {
    if SignedIn::load(session.client.base()).is_none() {
        bail!("nobody is signed in at {}", session.client.base());
    }
    // A session that has ended already is as good.
    let ended = session.client.post("/api/v1/sign-out", &json!({})).await;
    SignedIn::store(session.client.base(), None)?;
    match ended {
        Err(error) if error.status() != Some(401) => Err(error.into()),
        Ok(_) | Err(_) => {
            session.output.done("signed out", &json!({}));
            Ok(())
        }
    }
}

/// A password from a file, a variable, or the terminal, which does not show it.
fn password(prompt: &str, file: Option<PathBuf>, variable: Option<&str>) -> anyhow::Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    if let Some(found) = variable.and_then(|name| std::env::var(name).ok()) {
        return Ok(found);
    }
    let mut line = String::new();
    let hidden = std::io::stdin().is_terminal();
    if hidden {
        eprint!("{prompt}");
        std::io::stderr().flush()?;
        echo(false)?;
    }
    let read = std::io::stdin().read_line(&mut line);
    if hidden {
        echo(true)?;
        eprintln!();
    }
    read.context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn echo(on: bool) -> anyhow::Result<()> {
    let mode = if on { "echo" } else { "-echo" };
    let done = Command::new("stty").arg(mode).stdin(Stdio::inherit()).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => bail!("the terminal cannot hide what is typed; give a file with --password-file"),
    }
}

/// On users.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user with a one-time password; of the platform without `--tenant`
    Add {
        /// Name to sign in with
        name: String,
        /// Name for people
        #[arg(long, default_value = "", value_name = "TEXT")]
        display_name: String,
        /// Where to write to
        #[arg(long, default_value = "", value_name = "ADDRESS")]
        email: String,
        /// Role in the tenant, or `ROLE@PROJECT`; for users of the platform `platform_admin`, `ROLE@TENANT` or
        /// `ROLE@TENANT/PROJECT`; repeat for more
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Without a password: they sign in at an identity provider
        #[arg(long)]
        no_password: bool,
    },
    /// List users
    List {
        /// Only with this in a name or address
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Sign a user out everywhere and let them in no more
    Disable {
        /// Name or id
        name: String,
    },
    /// Let a user in again
    Enable {
        /// Name or id
        name: String,
    },
    /// Remove a user
    Delete {
        /// Name or id
        name: String,
    },
    /// Give a user a one-time password
    ResetPassword {
        /// Name or id
        name: String,
    },
    /// Show the roles of a user, or replace them with `--set`
    Roles {
        /// Name or id
        name: String,
        /// The roles to have, written as in `user add --role`; repeat for more; `none` for none
        #[arg(long = "set", value_name = "ROLE")]
        set: Vec<String>,
    },
}

pub(crate) async fn user(session: &Session, command: UserCommand) -> anyhow::Result<()> {
    let of_tenant = session.tenant_name().is_some();
    let users = if of_tenant { format!("{}/users", session.tenant()?) } else { "/api/v1/platform/users".to_owned() };
    let one = |name: &str| format!("{users}/{}", encode(name));
    match command {
        UserCommand::Add { name, display_name, email, roles, no_password } => {
            let roles = roles.iter().map(|role| role_body(role, of_tenant)).collect::<Vec<_>>();
            let body = json!({ "name": name, "display_name": display_name, "email": email, "roles": roles, "password": !no_password });
            let made = session.client.post(&users, &body).await?;
            let sentence = match made["one_time_password"].as_str() {
                Some(once) => format!("made user `{name}`; one-time password (shown only now, good for seven days): {once}"),
                None => format!("made user `{name}`"),
            };
            session.output.done(&sentence, &made);
        }
        UserCommand::List { search } => {
            let search = search.map(|text| format!("&search={}", encode(&text))).unwrap_or_default();
            let mut found = session.client.list(&format!("{users}?with_roles=true{search}")).await?;
            for user in &mut found {
                let roles = user["roles"].as_array().cloned().unwrap_or_default();
                user["role_words"] = roles.iter().filter_map(|r| r["role"].as_str().map(Value::from)).collect();
            }
            session.output.list(&found, USERS);
        }
        UserCommand::Disable { name } => enable(session, &one(&name), &name, false).await?,
        UserCommand::Enable { name } => enable(session, &one(&name), &name, true).await?,
        UserCommand::Delete { name } => {
            let gone = session.client.delete(&one(&name)).await?;
            session.output.done(&format!("removed user `{name}`"), &gone);
        }
        UserCommand::ResetPassword { name } => {
            let reset = session.client.post(&format!("{}/reset-password", one(&name)), &json!({})).await?;
            let once = reset["one_time_password"].as_str().unwrap_or_default();
            session.output.done(&format!("one-time password of `{name}` (shown only now, good for seven days): {once}"), &reset);
        }
        UserCommand::Roles { name, set } => {
            let path = format!("{}/roles", one(&name));
            let found = session.client.tagged(&path).await?;
            let roles = if set.is_empty() {
                found.body
            } else {
                let wanted = set.iter().filter(|role| *role != "none");
                let roles = wanted.map(|role| role_body(role, of_tenant)).collect::<Vec<_>>();
                session.client.put(&path, &json!({ "roles": roles }), found.etag.as_deref()).await?
            };
            session.output.list(roles["roles"].as_array().map_or(&[], Vec::as_slice), ROLES);
        }
    }
    Ok(())
}

async fn enable(session: &Session, path: &str, name: &str, enabled: bool) -> anyhow::Result<()> {
    let found = session.client.tagged(path).await?;
    let changed = session.client.patch(path, &json!({ "enabled": enabled }), found.etag.as_deref()).await?;
    let done = if enabled { "enabled" } else { "disabled; their sessions and tokens have ended" };
    session.output.done(&format!("user `{name}` is {done}"), &changed);
    Ok(())
}

/// `developer`, `developer@web`; of the platform's users `platform_admin`, `developer@acme`, `developer@acme/web`.
fn role_body(text: &str, of_tenant: bool) -> Value {
    let (role, place) = text.split_once('@').map_or((text, None), |(role, place)| (role, Some(place)));
    match (place, of_tenant) {
        (None, _) => json!({ "role": role }),
        (Some(project), true) => json!({ "role": role, "project": project }),
        (Some(place), false) => match place.split_once('/') {
            Some((tenant, project)) => json!({ "role": role, "tenant": tenant, "project": project }),
            None => json!({ "role": role, "tenant": place }),
        },
    }
}

const MEMBERS: &[Column] = &[("NAME", "name"), ("ROLES", "roles"), ("STATE", "state"), ("DISPLAY NAME", "display_name"), ("ID", "user")];
const SERVICES: &[Column] = &[("NAME", "name"), ("ENABLED", "enabled"), ("CONFIGURATION", "configuration")];

/// Members of a project.
#[derive(Args)]
pub(crate) struct MembersArguments {
    /// Name or id of the project
    project: String,
    /// Give this user the roles of `--role`
    #[arg(long, value_name = "USER", requires = "roles")]
    set: Option<String>,
    /// Role in the project; repeat for more
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Take all roles in the project from this user
    #[arg(long, value_name = "USER", conflicts_with = "set")]
    remove: Option<String>,
}

pub(crate) async fn members(session: &Session, arguments: MembersArguments) -> anyhow::Result<()> {
    let members = format!("{}/members", paths::below(&session.tenant()?, "projects", &arguments.project));
    if let Some(user) = &arguments.set {
        session.client.put(&format!("{members}/{}", encode(user)), &json!({ "roles": arguments.roles }), None).await?;
    }
    if let Some(user) = &arguments.remove {
        session.client.delete(&format!("{members}/{}", encode(user))).await?;
    }
    session.output.list(&session.client.list(&members).await?, MEMBERS);
    Ok(())
}

/// Services of a project.
#[derive(Args)]
pub(crate) struct ServicesArguments {
    /// Name or id of the project
    project: String,
    /// Add this service, or configure it anew with `--configuration`
    #[arg(long, value_name = "SERVICE")]
    set: Option<String>,
    /// Settings as JSON: `{"parallelism_max": 8}`
    #[arg(long, value_name = "JSON", default_value = "{}")]
    configuration: String,
    /// Remove this service; its data stays
    #[arg(long, value_name = "SERVICE", conflicts_with = "set")]
    remove: Option<String>,
}

pub(crate) async fn services(session: &Session, arguments: ServicesArguments) -> anyhow::Result<()> {
    let services = format!("{}/services", paths::below(&session.tenant()?, "projects", &arguments.project));
    if let Some(service) = &arguments.set {
        let configuration: Value = serde_json::from_str(&arguments.configuration).context("--configuration is not JSON")?;
        session.client.put(&format!("{services}/{}", encode(service)), &json!({ "configuration": configuration }), None).await?;
    }
    if let Some(service) = &arguments.remove {
        session.client.delete(&format!("{services}/{}", encode(service))).await?;
    }
    let found = session.client.get(&services).await?;
    session.output.list(found["items"].as_array().map_or(&[], Vec::as_slice), SERVICES);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_written_with_their_place() {
        assert_eq!(role_body("developer@web", true), json!({"role": "developer", "project": "web"}));
        assert_eq!(role_body("developer@acme/web", false), json!({"role": "developer", "tenant": "acme", "project": "web"}));
        assert_eq!(role_body("platform_admin", false), json!({"role": "platform_admin"}));
    }
}
