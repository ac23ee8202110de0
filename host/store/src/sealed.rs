//! Secrets at rest: AES-256-GCM with keys that lie outside the database.
//!
//! Invariant: a sealed text is bound to its place (tenant, owner, property) as associated data, so that a row copied to
//! another tenant cannot be opened there, and names the key that it was sealed with. Form: `v2:` + id of the key + `:` +
//! base64(12-byte nonce, ciphertext, tag); `v1:` is the same without an id, written before keys had ids.

use crate::StoreError;
use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngCore;
use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

const NONCE_BYTES: usize = 12;
const FORM: &str = "v2:";
const FORM_WITHOUT_ID: &str = "v1:";

/// A key that secrets are sealed with; comes from a file or a variable that the server owns.
#[derive(Clone)]
pub struct SecretKey {
    bytes: [u8; 32],
    cipher: Aes256Gcm,
    id: String,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

impl SecretKey {
    /// A key of 256 random bits.
    pub fn new(key: &[u8; 32]) -> Self {
        // The id says which key it is and nothing of what it is.
        let digest = Sha256::new().chain_update("millrace secret key id").chain_update(key).finalize();
        let id = hex::encode(digest.get(..8).unwrap_or_default());
        Self { bytes: *key, cipher: Aes256Gcm::new(key.into()), id }
    }

    /// A fresh key.
    pub fn generate() -> Self {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self::new(&bytes)
    }

    /// Which key it is: 16 hex digits that tell nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, for whoever keeps it.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Encrypts `clear`, bound to `place`.
    pub(crate) fn seal(&self, place: &str, clear: &str) -> Result<String, StoreError> {
        let mut nonce = [0u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: clear.as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| StoreError::Corrupt(format!("`{place}` cannot be encrypted")))?;
        Ok(format!("{FORM}{}:{}", self.id, STANDARD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Decrypts what [`Self::seal`] made for the same `place`.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<String, StoreError> {
        let wrong = || StoreError::Undecryptable(place.to_owned());
        let text = match sealed.strip_prefix(FORM) {
            Some(rest) => rest.strip_prefix(self.id.as_str()).and_then(|rest| rest.strip_prefix(':')),
            None => sealed.strip_prefix(FORM_WITHOUT_ID),
        };
        let bytes = STANDARD.decode(text.ok_or_else(wrong)?).map_err(|_| wrong())?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(wrong)?;
        let clear = self.cipher.decrypt(Nonce::from_slice(nonce), Payload { msg: text, aad: place.as_bytes() }).map_err(|_| wrong())?;
        String::from_utf8(clear).map_err(|_| wrong())
    }
}

/// The key that seals, and former keys that still open. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct KeyRing(Arc<RwLock<Vec<SecretKey>>>);

impl KeyRing {
    pub(crate) fn new(active: SecretKey, former: Vec<SecretKey>) -> Self {
        Self(Arc::new(RwLock::new(std::iter::once(active).chain(former).collect())))
    }

    /// All keys, the one that seals first.
    pub(crate) fn keys(&self) -> Vec<SecretKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Id of the key that seals.
    pub(crate) fn active_id(&self) -> String {
        self.keys().first().map(|key| key.id.clone()).unwrap_or_default()
    }

    pub(crate) fn holds(&self, id: &str) -> bool {
        self.keys().iter().any(|key| key.id == id)
    }

    /// Seals with this key from now on.
    pub(crate) fn promote(&self, key: SecretKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|k| k.id != key.id);
        keys.insert(0, key);
    }

    /// Forgets all keys but the one that seals; whether there were others.
    pub(crate) fn forget_former(&self) -> bool {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let had = keys.len() > 1;
        keys.truncate(1);
        had
    }

    pub(crate) fn seal(&self, place: &str, clear: &str) -> Result<String, StoreError> {
        match self.keys().first() {
            Some(key) => key.seal(place, clear),
            None => Err(StoreError::Corrupt("there is no key to seal with".into())),
        }
    }

    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<String, StoreError> {
        let opened = self.keys().iter().find_map(|key| key.open(place, sealed).ok());
        opened.ok_or_else(|| StoreError::Undecryptable(place.to_owned()))
    }
}

/// Keeps the keys of a server beyond its process.
pub trait KeyKeeper: fmt::Debug + Send + Sync {
    /// Whether [`Self::keep`] can be done; if not, why.
    ///
    /// # Errors
    /// Keys are not the server's own to write.
    fn is_writable(&self) -> Result<(), String>;

    /// Keeps these keys, the one that seals first, instead of those that were kept before.
    ///
    /// # Errors
    /// They cannot be written.
    fn keep(&self, keys: &[SecretKey]) -> Result<(), String>;
}

/// Keeps nothing: for tests, and for keys that come from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeeper;

impl KeyKeeper for NoKeeper {
    fn is_writable(&self) -> Result<(), String> {
        Ok(())
    }

    fn keep(&self, _: &[SecretKey]) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_place_and_with_its_key() {
        let key = SecretKey::new(&[7; 32]);
        let sealed = key.seal("ten_1/dsr_1/password", "hunter2").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_ne!(sealed, key.seal("ten_1/dsr_1/password", "hunter2").unwrap(), "every sealing has a nonce of its own");
        assert_eq!(key.open("ten_1/dsr_1/password", &sealed).unwrap(), "hunter2");
        assert!(matches!(key.open("ten_2/dsr_1/password", &sealed), Err(StoreError::Undecryptable(_))));
        assert!(matches!(SecretKey::new(&[8; 32]).open("ten_1/dsr_1/password", &sealed), Err(StoreError::Undecryptable(_))));
        for broken in ["", "v1:", "v2:", "v1:AAAA", "v2:AAAA", "v2::AAAA", "hunter2", "v1:%%%"] {
            assert!(key.open("ten_1/dsr_1/password", broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_ring_seals_with_one_key_and_opens_with_all() {
        let (old, new) = (SecretKey::new(&[1; 32]), SecretKey::new(&[2; 32]));
        assert_ne!(old.id(), new.id());
        assert!(!hex::encode([1; 32]).contains(old.id()));
        let before = old.seal("p", "one").unwrap();
        let plain = format!("v1:{}", before.rsplit(':').next().unwrap());
        let ring = KeyRing::new(old.clone(), Vec::new());
        ring.promote(new.clone());
        assert_eq!((ring.open("p", &before).unwrap(), ring.open("p", &plain).unwrap()), ("one".into(), "one".into()));
        let after = ring.seal("p", "two").unwrap();
        assert!(after.starts_with(&format!("v2:{}:", new.id())));
        assert!(old.open("p", &after).is_err());
        assert!(ring.forget_former());
        assert!(ring.open("p", &before).is_err());
        assert!(!ring.forget_former());
    }
}
