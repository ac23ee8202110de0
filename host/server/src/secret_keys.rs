//! The keys that secrets of the metadata are sealed with: from `secrets.key` in the data folder, or from the variable
//! `MILLRACE_SECRETS_KEYS`.
//!
//! Form: keys of 64 hex digits, a line each (in the variable with commas between): the first seals, the others still open.
//! Invariant: a key from the variable is the operator's: it is never written to a file, and no server makes another one.

use crate::keys::{DataDir, Key, write_private};
use anyhow::bail;
use millrace_store::{KeyKeeper, SecretKey, Store, StoreOptions};
use std::{path::PathBuf, sync::Arc, time::Duration};

const FILE: &str = "secrets.key";
const VARIABLE: &str = "MILLRACE_SECRETS_KEYS";
/// How often a server looks for a new key.
pub(crate) const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// Keys and who keeps them.
pub(crate) struct SecretKeys {
    active: SecretKey,
    former: Vec<SecretKey>,
    keeper: Arc<dyn KeyKeeper>,
}

impl SecretKeys {
    /// How to open the metadata at `url` with these keys.
    pub(crate) fn options(self, url: &str) -> StoreOptions {
        StoreOptions { former_keys: self.former, keeper: self.keeper, ..StoreOptions::new(url, self.active) }
    }
}

/// Reads the keys; makes one at the first start.
///
/// # Errors
/// The variable or the file does not hold keys, or the file cannot be read or made.
pub(crate) fn read(data: &DataDir) -> anyhow::Result<SecretKeys> {
    let (text, place, keeper): (String, String, Arc<dyn KeyKeeper>) = match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => (text, format!("the variable {VARIABLE}"), Arc::new(OperatorsKeys)),
        _ => {
            let text = data.secret(FILE, || hex::encode(rand::random::<Key>()))?;
            let path = data.join(FILE);
            (text, path.display().to_string(), Arc::new(KeyFile(path)))
        }
    };
    let mut keys = parse(&text, &place)?;
    let active = keys.remove(0);
    Ok(SecretKeys { active, former: keys, keeper })
}

fn parse(text: &str, place: &str) -> anyhow::Result<Vec<SecretKey>> {
    let mut keys = Vec::new();
    for line in text.split([',', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
        let mut key = Key::default();
        if hex::decode_to_slice(line, &mut key).is_err() {
            bail!("{place} does not hold a key of 64 hex digits");
        }
        keys.push(SecretKey::new(&key));
    }
    if keys.is_empty() { bail!("{place} does not hold a key of 64 hex digits") } else { Ok(keys) }
}

/// Looks for a new key and says which one this server has, as long as it is not stopped.
pub(crate) async fn refresh(store: Store, worker: String) {
    let mut tick = tokio::time::interval(REFRESH_EVERY);
    loop {
        tick.tick().await;
        if let Err(error) = store.refresh_keys(&worker).await {
            tracing::warn!(%error, "the key of secrets is not known here");
        }
    }
}

/// Keys in a file of the data folder.
#[derive(Debug)]
struct KeyFile(PathBuf);

impl KeyKeeper for KeyFile {
    fn is_writable(&self) -> Result<(), String> {
        Ok(())
    }

    fn keep(&self, keys: &[SecretKey]) -> Result<(), String> {
        let lines: Vec<String> = keys.iter().map(|key| hex::encode(key.reveal())).collect();
        write_private(&self.0, &lines.join("\n")).map_err(|e| format!("{e:#}"))
    }
}

/// Keys in a variable.
#[derive(Debug)]
struct OperatorsKeys;

impl KeyKeeper for OperatorsKeys {
    fn is_writable(&self) -> Result<(), String> {
        Err(format!(
            "the keys come from {VARIABLE}, which this server does not write; put a new key in front of the old one there, restart \
             the servers and rotate again: everything is then sealed with the new key, and the old one can go"
        ))
    }

    fn keep(&self, _: &[SecretKey]) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_sealing_key_first() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path(), Duration::ZERO).unwrap();
        let first = read(&data).unwrap();
        assert_eq!(read(&data).unwrap().active.id(), first.active.id());
        let new = SecretKey::generate();
        first.keeper.keep(&[new.clone(), first.active.clone()]).unwrap();
        let both = read(&data).unwrap();
        assert_eq!((both.active.id(), both.former[0].id()), (new.id(), first.active.id()));
    }

    #[test]
    fn what_is_no_key_is_named_and_not_repeated() {
        let error = parse("abc123", "the file").err().unwrap().to_string();
        assert!(error.contains("the file does not hold a key") && !error.contains("abc123"), "{error}");
        assert!(parse(" , \n", "x").is_err());
        let two = format!("{},{}", "ab".repeat(32), "cd".repeat(32));
        assert_eq!(parse(&two, "x").unwrap().len(), 2);
    }
}
