//! What an administrator has granted to one operator, ready to be used by its guests (EXT-3, EXT-6).
//!
//! Invariant: nothing is reachable that the grants do not name; every refusal names the capability and who can grant it.

mod address;
mod files;
mod grants;
mod http;
#[cfg(test)]
mod tests;

pub(crate) use files::{FileEntry, Folder};
pub use grants::{CapabilityGrants, FolderGrant, HttpTarget, SecretValue};
pub(crate) use http::{HttpClient, HttpRequest, HttpResponse};

use files::Folders;
use millrace_model::ids::TenantId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests that one operator may have under way, over all its subtasks.
const HTTP_PARALLEL_MAX: usize = 16;

/// What a function is called where a plugin's grants are looked up. No plugin has such a name, so a function never gets what a
/// plugin was granted: functions compute, and no more.
const FUNCTION: &str = "function ";

/// The name under which a function of SQL asks for capabilities.
pub fn function_owner(name: &str) -> String {
    format!("{FUNCTION}{name}")
}

/// The capabilities of one operator (one plugin in one node), shared by its subtasks.
pub struct Capabilities {
    /// The plugin as its administrator names it, for refusals.
    plugin: String,
    /// Whose share of the requests under way it takes.
    tenant: TenantId,
    clock: bool,
    targets: Vec<HttpTarget>,
    secrets: BTreeMap<String, SecretValue>,
    folders: Arc<Folders>,
    http: Option<Arc<HttpClient>>,
    http_places: Semaphore,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::denied("PLUGIN")
    }
}

impl Capabilities {
    /// Nothing is granted.
    pub fn denied(plugin: &str) -> Self {
        Self::new(plugin, &CapabilityGrants::default(), None)
    }

    pub(crate) fn new(plugin: &str, grants: &CapabilityGrants, http: Option<Arc<HttpClient>>) -> Self {
        Self {
            plugin: plugin.to_owned(),
            tenant: TenantId::new(""),
            clock: grants.clock,
            targets: grants.http.iter().cloned().collect(),
            secrets: grants.secrets.clone(),
            folders: Arc::new(Folders::new(&grants.folders)),
            http,
            http_places: Semaphore::new(HTTP_PARALLEL_MAX),
        }
    }

    pub(crate) fn of_tenant(self, tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), ..self }
    }

    /// Whether the clock may be read.
    pub(crate) fn clock(&self) -> Result<(), String> {
        if self.clock { Ok(()) } else { Err(self.refusal("the capability \"clock\"", "--clock")) }
    }

    /// The secret of this name.
    pub(crate) fn secret(&self, name: &str) -> Result<&SecretValue, String> {
        self.secrets.get(name).ok_or_else(|| {
            let what = format!("the secret \"{name}\" (capability \"secrets\")");
            self.refusal(&what, &format!("--secret {name}"))
        })
    }

    /// Sends a request if its host is granted. `time` is what the call has left.
    pub(crate) async fn send(&self, request: HttpRequest, time: Duration) -> Result<HttpResponse, String> {
        let url = http::parse(&request.url)?;
        let granted = self.targets.iter().find(|target| target.allows(&url));
        let Some(granted) = granted else {
            let place = http::place(&url);
            return Err(self.refusal(&format!("the capability \"http\" to {place}"), &format!("--http {place}")));
        };
        let Some(client) = &self.http else {
            return Err("this server cannot send HTTP requests: its client could not be set up".into());
        };
        let work = async {
            // The semaphore is never closed.
            let _place = self.http_places.acquire().await.ok();
            client.send(&self.tenant, request, url, granted.is_literal_private(), time).await
        };
        tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(http::late(time)))
    }

    /// The folder of this name, for reading or also for writing.
    pub(crate) async fn files<T: Send + 'static>(
        &self,
        folder: &str,
        write: bool,
        work: impl FnOnce(&Folder) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        if !self.folders.has(folder) {
            if let Some(refused) = self.refusal_of_function(&format!("the folder \"{folder}\" (capability \"files\")")) {
                return Err(refused);
            }
            let plugin = &self.plugin;
            return Err(format!(
                "the folder \"{folder}\" (capability \"files\") is not granted to this operator; the platform administrator grants it to the \
                 tenant with `millrace tenant grant TENANT --folder {folder}=/path`, then a tenant administrator to the plugin with \
                 `millrace plugin grant {plugin} --folder {folder}`"
            ));
        }
        let (folders, name) = (self.folders.clone(), folder.to_owned());
        let work = move || work(folders.open(&name, write)?);
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(format!("folder \"{folder}\": the host failed")))
    }

    /// What is said to a function, which nobody can grant anything.
    fn refusal_of_function(&self, what: &str) -> Option<String> {
        let name = self.plugin.strip_prefix(FUNCTION)?;
        Some(format!(
            "{what} is not for the function `{name}`: functions made with `millrace function create` compute only; call the plugin by its own \
             name in SQL, which has what the plugin is granted, or use an operator"
        ))
    }

    fn refusal(&self, what: &str, option: &str) -> String {
        if let Some(refused) = self.refusal_of_function(what) {
            return refused;
        }
        format!(
            "{what} is not granted to this operator; a tenant administrator grants it with `millrace plugin grant {} {option}`",
            self.plugin
        )
    }
}
