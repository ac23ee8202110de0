//! Passwords as argon2id hashes (RFC 9106), away from the threads that answer requests.
//!
//! Invariant: verifying takes the same time whether or not there is such an account; hashing is bounded in number, because
//! each takes memory, so that sign-ins cannot take the server's.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use rand::{Rng, RngCore};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Longest wait for a place to hash in.
const QUEUE_MAX: Duration = Duration::from_secs(10);
/// Letters and digits that nobody mistakes for each other.
const READABLE: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a one-time password: 114 random bits.
const ONE_TIME_CHARACTERS: usize = 20;

/// How hashes are made. The default is OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashRules {
    /// Memory of one hash.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Hashes at the same time.
    pub concurrent_max: usize,
}

impl Default for HashRules {
    fn default() -> Self {
        Self { memory_kib: 19 * 1_024, passes: 2, concurrent_max: 4 }
    }
}

/// Why a password was neither right nor wrong.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFailure {
    /// Too many at the same time.
    #[error("too many sign-ins at the same time; try again")]
    Busy,
    /// A defect, or a stored hash that is none.
    #[error("passwords cannot be hashed: {0}")]
    Defect(String),
}

/// Makes and verifies hashes.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    places: Arc<Semaphore>,
    /// A hash of nothing that anybody knows, with the same parameters: verified for accounts that are not there.
    nobody: Arc<OnceLock<String>>,
}

impl Hasher {
    /// A hasher with these rules; what argon2 does not allow is its own default.
    pub fn new(rules: HashRules) -> Self {
        let params = Params::new(rules.memory_kib, rules.passes, 1, None).unwrap_or_default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self { argon2, places: Arc::new(Semaphore::new(rules.concurrent_max.max(1))), nobody: Arc::default() }
    }

    /// Makes everything that the first verification needs, so that it takes as long as the others.
    ///
    /// # Errors
    /// Too many at the same time.
    pub async fn warm(&self) -> Result<(), PasswordFailure> {
        let nobody = self.nobody.clone();
        self.run(move |argon2| nobody_hash(argon2, &nobody).map(drop)).await
    }

    /// The hash of a password in PHC form.
    ///
    /// # Errors
    /// Too many at the same time.
    pub async fn hash(&self, password: String) -> Result<String, PasswordFailure> {
        self.run(move |argon2| hash(argon2, password.as_bytes())).await
    }

    /// Whether `password` is the one that `stored` was made of; for `None` it takes as long and is not.
    ///
    /// # Errors
    /// Too many at the same time, or what is stored is no hash.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, PasswordFailure> {
        let nobody = self.nobody.clone();
        self.run(move |argon2| {
            let nobody = nobody_hash(argon2, &nobody)?;
            let stored_text = stored.as_deref().unwrap_or(nobody);
            let parsed = PasswordHash::new(stored_text).map_err(defect)?;
            // The parameters are those of the stored hash.
            let right = argon2.verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(right && stored.is_some())
        })
        .await
    }

    /// Whether a stored hash was made with other parameters than new ones are.
    pub fn is_outdated(&self, stored: &str) -> bool {
        match PasswordHash::new(stored) {
            Ok(parsed) => Params::try_from(&parsed).map_or(true, |params| {
                let now = self.argon2.params();
                (params.m_cost(), params.t_cost(), params.p_cost()) != (now.m_cost(), now.t_cost(), now.p_cost())
            }),
            Err(_) => false,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordFailure> + Send + 'static,
    ) -> Result<T, PasswordFailure> {
        let place = tokio::time::timeout(QUEUE_MAX, self.places.clone().acquire_owned()).await.map_err(|_| PasswordFailure::Busy)?;
        let place = place.map_err(|_| PasswordFailure::Busy)?;
        let argon2 = self.argon2.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, even if nobody waits for it any more.
            let _place = place;
            work(&argon2)
        });
        done.await.map_err(|error| PasswordFailure::Defect(error.to_string()))?
    }
}

/// A password for once, to be read out and typed.
pub fn one_time_password() -> String {
    let mut random = rand::rng();
    (0..ONE_TIME_CHARACTERS).map(|_| char::from(READABLE[random.random_range(0..READABLE.len())])).collect()
}

fn nobody_hash<'a>(argon2: &Argon2<'static>, nobody: &'a OnceLock<String>) -> Result<&'a str, PasswordFailure> {
    if let Some(made) = nobody.get() {
        return Ok(made);
    }
    let mut unknown = [0u8; 32];
    rand::rng().fill_bytes(&mut unknown);
    let made = hash(argon2, &unknown)?;
    Ok(nobody.get_or_init(|| made))
}

fn hash(argon2: &Argon2<'static>, password: &[u8]) -> Result<String, PasswordFailure> {
    let mut bytes = [0u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    let salt = SaltString::encode_b64(&bytes).map_err(defect)?;
    Ok(argon2.hash_password(password, &salt).map_err(defect)?.to_string())
}

fn defect(error: impl std::fmt::Display) -> PasswordFailure {
    PasswordFailure::Defect(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let light = HashRules { memory_kib: 8, passes: 1, concurrent_max: 2 };
        let hasher = Hasher::new(light);
        let stored = hasher.hash("river runs uphill".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert_ne!(stored, hasher.hash("river runs uphill".into()).await.unwrap(), "each has a salt of its own");
        assert!(hasher.verify("river runs uphill".into(), Some(stored.clone())).await.unwrap());
        assert!(!hasher.verify("river runs downhill".into(), Some(stored.clone())).await.unwrap());
        assert!(!hasher.verify("river runs uphill".into(), None).await.unwrap());
        assert!(hasher.verify("x".into(), Some("not a hash".into())).await.is_err());
        assert!(!hasher.is_outdated(&stored));
        let harder = Hasher::new(HashRules { passes: 2, ..light });
        assert!(harder.is_outdated(&stored));
        assert!(harder.verify("river runs uphill".into(), Some(stored)).await.unwrap(), "old hashes stay good");
    }

    #[test]
    fn the_rules_are_those_that_are_documented() {
        let rules = HashRules::default();
        assert_eq!((rules.memory_kib, rules.passes), (19_456, 2));
        let (one, other) = (one_time_password(), one_time_password());
        assert_ne!(one, other);
        assert_eq!(one.len(), ONE_TIME_CHARACTERS);
    }
}
