//! What plugins may do beyond computing: the tenant's bounds and a plugin's grants within them (EXT-3).
//!
//! Invariant: a plugin never has more than its tenant: [`TenantCapabilities::narrow`] is applied whenever a plugin is about to
//! run, so that what is taken from a tenant is taken from all of its plugins.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Stands for any host that is not private, or any secret.
pub const ANY: &str = "*";
/// Hosts, secrets or folders of one grant at most.
const ENTRIES_MAX: usize = 100;
/// Bytes of a secret's value.
const SECRET_BYTES_MAX: usize = 16 * 1024;

/// What the platform administrator lets a tenant's plugins have at most. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantCapabilities {
    /// They may read the clock.
    pub clock: bool,
    /// Hosts (`host` or `host:port`), or `*`.
    pub http: BTreeSet<String>,
    /// Names of secrets, or `*`.
    pub secrets: BTreeSet<String>,
    /// Folders of the server by name.
    pub folders: BTreeMap<String, Folder>,
}

/// A folder of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Absolute path.
    pub path: String,
    /// Whether files may be written.
    #[serde(default)]
    pub writable: bool,
}

/// What a tenant administrator lets one plugin of a project have.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PluginCapabilities {
    /// It may read the clock.
    pub clock: bool,
    /// Hosts (`host` or `host:port`).
    pub http: BTreeSet<String>,
    /// Values of secrets by name; shown as `***`.
    pub secrets: BTreeMap<String, String>,
    /// The tenant's folders that it may use, by name.
    pub folders: BTreeMap<String, FolderUse>,
}

/// How a plugin may use a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderUse {
    /// Whether it may write.
    pub writable: bool,
}

impl std::fmt::Debug for PluginCapabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("PluginCapabilities");
        shown.field("clock", &self.clock).field("http", &self.http).field("secrets", &self.secrets.keys());
        shown.field("folders", &self.folders).finish()
    }
}

impl TenantCapabilities {
    /// Checks what can be checked without the server.
    ///
    /// # Errors
    /// Field and reason.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        check_hosts(self.http.iter().filter(|host| *host != ANY))?;
        check_names("secrets", self.secrets.iter().filter(|name| *name != ANY))?;
        check_names("folders", self.folders.keys())?;
        for (name, folder) in &self.folders {
            if !folder.path.starts_with('/') || folder.path.split('/').any(|part| part == "..") {
                return Err(("folders", format!("`{name}` has the path `{}`, expected an absolute one without `..`", folder.path)));
            }
        }
        Ok(())
    }

    /// Whether a plugin of the tenant may have `plugin`.
    ///
    /// # Errors
    /// Field, and what the tenant does not have.
    pub fn permits(&self, plugin: &PluginCapabilities) -> Result<(), (&'static str, String)> {
        let more =
            |what: String| format!("the tenant may not have {what}; the platform administrator grants it with `millrace tenant grant`");
        if plugin.clock && !self.clock {
            return Err(("clock", more("the clock".into())));
        }
        if let Some(host) = plugin.http.iter().find(|host| !self.has_host(host)) {
            return Err(("http", more(format!("requests to `{host}`"))));
        }
        if let Some(name) = plugin.secrets.keys().find(|name| !self.has_secret(name)) {
            return Err(("secrets", more(format!("the secret `{name}`"))));
        }
        for (name, used) in &plugin.folders {
            match self.folders.get(name) {
                None => return Err(("folders", more(format!("the folder `{name}`")))),
                Some(folder) if used.writable && !folder.writable => {
                    return Err(("folders", more(format!("the folder `{name}` for writing"))));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// What of `plugin` the tenant may have.
    #[must_use]
    pub fn narrow(&self, mut plugin: PluginCapabilities) -> PluginCapabilities {
        plugin.clock &= self.clock;
        plugin.http.retain(|host| self.has_host(host));
        plugin.secrets.retain(|name, _| self.has_secret(name));
        plugin.folders.retain(|name, used| {
            let folder = self.folders.get(name);
            used.writable &= folder.is_some_and(|folder| folder.writable);
            folder.is_some()
        });
        plugin
    }

    /// `*` stands for public hosts only: a private one must be named by the platform administrator.
    fn has_host(&self, host: &str) -> bool {
        self.http.contains(host) || (self.http.contains(ANY) && !may_be_private(host))
    }

    fn has_secret(&self, name: &str) -> bool {
        self.secrets.contains(name) || self.secrets.contains(ANY)
    }
}

impl PluginCapabilities {
    /// Checks what can be checked without the tenant.
    ///
    /// # Errors
    /// Field and reason.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.http.contains(ANY) {
            return Err(("http", "a plugin's hosts must be named one by one, `*` is for tenants".into()));
        }
        check_hosts(self.http.iter())?;
        check_names("secrets", self.secrets.keys())?;
        check_names("folders", self.folders.keys())?;
        match self.secrets.iter().find(|(_, value)| value.len() > SECRET_BYTES_MAX) {
            Some((name, value)) => Err(("secrets", format!("`{name}` has {} bytes, at most {SECRET_BYTES_MAX} are allowed", value.len()))),
            None => Ok(()),
        }
    }
}

/// Whether a host is an address or a name without a dot: such a one may lie in the server's own network.
fn may_be_private(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    name.starts_with('[') || !name.contains('.') || last.starts_with(|c: char| c.is_ascii_digit())
}

fn check_hosts<'a>(hosts: impl Iterator<Item = &'a String>) -> Result<(), (&'static str, String)> {
    for (count, host) in hosts.enumerate() {
        if count >= ENTRIES_MAX {
            return Err(("http", format!("more than {ENTRIES_MAX} hosts")));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if host.is_empty() || host.len() > 255 || !host.chars().all(plain) || host.ends_with(':') {
            return Err(("http", format!("`{host}` is not a host; expected `host` or `host:port`, without scheme and path")));
        }
    }
    Ok(())
}

fn check_names<'a>(field: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), (&'static str, String)> {
    for (count, name) in names.enumerate() {
        if count >= ENTRIES_MAX {
            return Err((field, format!("more than {ENTRIES_MAX} entries")));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err((field, format!("`{name}` is not a name; expected 1 to 64 letters, digits, `.`, `_`, `-`")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(json: serde_json::Value) -> PluginCapabilities {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_plugin_never_has_more_than_its_tenant() {
        let tenant: TenantCapabilities = serde_json::from_value(serde_json::json!({
            "http": ["api.example.com", "10.0.0.5:8080"], "secrets": ["key"],
            "folders": {"in": {"path": "/data/in"}, "out": {"path": "/data/out", "writable": true}},
        }))
        .unwrap();
        tenant.check().unwrap();
        let within = plugin(
            serde_json::json!({"http": ["10.0.0.5:8080"], "secrets": {"key": "x"}, "folders": {"in": {}, "out": {"writable": true}}}),
        );
        assert_eq!(tenant.permits(&within), Ok(()));
        assert_eq!(tenant.narrow(within.clone()), within);
        for (beyond, field) in [
            (serde_json::json!({"clock": true}), "clock"),
            (serde_json::json!({"http": ["api.example.com:8443"]}), "http"),
            (serde_json::json!({"secrets": {"other": "x"}}), "secrets"),
            (serde_json::json!({"folders": {"etc": {}}}), "folders"),
            (serde_json::json!({"folders": {"in": {"writable": true}}}), "folders"),
        ] {
            let beyond = plugin(beyond);
            assert_eq!(tenant.permits(&beyond).unwrap_err().0, field);
            assert_eq!(tenant.permits(&tenant.narrow(beyond)), Ok(()), "{field}");
        }
    }

    #[test]
    fn any_host_is_any_public_one() {
        let tenant = TenantCapabilities { http: [ANY.to_owned()].into(), ..TenantCapabilities::default() };
        for (host, expected) in [
            ("api.example.com", true),
            ("api.example.com:8443", true),
            ("localhost:8080", false),
            ("intranet", false),
            ("127.0.0.1", false),
            ("10.0.0.1:80", false),
            ("0x7f.1", false),
            ("[::1]:80", false),
        ] {
            assert_eq!(tenant.permits(&plugin(serde_json::json!({"http": [host]}))).is_ok(), expected, "{host}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, field) in [
            (serde_json::json!({"http": ["https://api.example.com"]}), "http"),
            (serde_json::json!({"http": ["*"]}), "http"),
            (serde_json::json!({"http": [""]}), "http"),
            (serde_json::json!({"secrets": {"a b": "x"}}), "secrets"),
            (serde_json::json!({"folders": {"../x": {}}}), "folders"),
        ] {
            assert_eq!(plugin(body.clone()).check().unwrap_err().0, field, "{body}");
        }
        let folder = |path: &str| TenantCapabilities {
            folders: [("a".to_owned(), Folder { path: path.into(), writable: false })].into(),
            ..TenantCapabilities::default()
        };
        assert!(folder("/data/a").check().is_ok());
        assert!(folder("data").check().is_err());
        assert!(folder("/data/../etc").check().is_err());
        assert!(!format!("{:?}", plugin(serde_json::json!({"secrets": {"key": "hunter2"}}))).contains("hunter2"));
    }
}
