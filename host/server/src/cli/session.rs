//! What every client command needs: a client with a token, the chosen tenant and project, and a way to print.

use super::{Global, paths, signed_in::SignedIn};
use crate::{
    client::{Client, Output},
    config::DATA_DIR_DEFAULT,
    serve::ADMIN_TOKEN,
};
use anyhow::Context;
use std::path::PathBuf;

/// One run of a client command.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) output: Output,
    tenant: Option<String>,
    project: Option<String>,
}

impl Session {
    /// A session as the global options say.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn open(global: &Global) -> anyhow::Result<Self> {
        // Whoever has signed in means to be that person, also beside a server's data folder.
        let signed_in = SignedIn::load(&global.server).filter(|_| global.token.is_none());
        let token = if signed_in.is_some() { None } else { global.token.clone().or_else(local_token) };
        Ok(Self {
            client: Client::new(&global.server, token)?.with_cookies(signed_in),
            output: Output { json: global.json },
            tenant: global.tenant.clone(),
            project: global.project.clone(),
        })
    }

    /// A session with this client, for commands that run a server themselves.
    pub(crate) fn with(client: Client, output: Output) -> Self {
        Self { client, output, tenant: None, project: None }
    }

    /// Name of the chosen tenant, if one is chosen.
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Path of the chosen tenant.
    ///
    /// # Errors
    /// None is chosen.
    pub(crate) fn tenant(&self) -> anyhow::Result<String> {
        let name = self.tenant.as_deref().context("which tenant? give --tenant NAME or set MILLRACE_TENANT")?;
        Ok(paths::tenant(name))
    }

    /// Name of the chosen project.
    ///
    /// # Errors
    /// None is chosen.
    pub(crate) fn project_name(&self) -> anyhow::Result<&str> {
        self.project.as_deref().context("which project? give --project NAME or set MILLRACE_PROJECT")
    }

    /// Path of the chosen project.
    ///
    /// # Errors
    /// None is chosen.
    pub(crate) fn project(&self) -> anyhow::Result<String> {
        let tenant = self.tenant.as_deref().context("which tenant? give --tenant NAME or set MILLRACE_TENANT")?;
        let project = self.project.as_deref().context("which project? give --project NAME or set MILLRACE_PROJECT")?;
        Ok(paths::project(tenant, project))
    }
}

/// The local administrator's token, when a server's data folder is here and readable.
fn local_token() -> Option<String> {
    let folder = std::env::var_os("MILLRACE_DATA_DIR").map_or_else(|| PathBuf::from(DATA_DIR_DEFAULT), PathBuf::from);
    let text = std::fs::read_to_string(folder.join(ADMIN_TOKEN)).ok()?;
    Some(text.trim().to_owned())
}
