//! Secrets at rest: AES-256-GCM with a key that lies outside the database.
//!
//! Invariant: a sealed text is bound to its place (tenant, owner, property) as associated data, so that a row copied to
//! another tenant cannot be opened there. Form: `v1:` + base64(12-byte nonce, ciphertext, tag).

use crate::StoreError;
use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngCore;
use std::fmt;

const NONCE_BYTES: usize = 12;
const FORM: &str = "v1:";

/// The key that secrets are sealed with; comes from a file that the server owns.
#[derive(Clone)]
pub struct SecretKey(Aes256Gcm);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

impl SecretKey {
    /// A key of 256 random bits.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts `clear`, bound to `place`.
    pub(crate) fn seal(&self, place: &str, clear: &str) -> Result<String, StoreError> {
        let mut nonce = [0u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: clear.as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .0
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| StoreError::Corrupt(format!("`{place}` cannot be encrypted")))?;
        Ok(format!("{FORM}{}", STANDARD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Decrypts what [`Self::seal`] made for the same `place`.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<String, StoreError> {
        let wrong = || StoreError::Undecryptable(place.to_owned());
        let bytes = STANDARD.decode(sealed.strip_prefix(FORM).ok_or_else(wrong)?).map_err(|_| wrong())?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(wrong)?;
        let clear = self.0.decrypt(Nonce::from_slice(nonce), Payload { msg: text, aad: place.as_bytes() }).map_err(|_| wrong())?;
        String::from_utf8(clear).map_err(|_| wrong())
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
        for broken in ["", "v1:", "v1:AAAA", "hunter2", "v1:%%%"] {
            assert!(key.open("ten_1/dsr_1/password", broken).is_err(), "{broken}");
        }
    }
}
