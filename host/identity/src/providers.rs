//! What is known of identity providers, and which of them have just failed.
//!
//! Invariant: there is one place for each provider, and whoever asks it holds that place: of many who begin a sign-in at once
//! one asks, the others get what it learns.

use crate::oidc::{Known, OidcError};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Instant};

/// Providers that are kept.
const PROVIDERS_KEPT_MAX: usize = 1_000;

/// What the last look at a provider has found; none before the first.
pub(crate) type Place = tokio::sync::Mutex<Option<Result<Arc<Known>, Failed>>>;

/// The places of all providers, by issuer; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Providers(Arc<Mutex<HashMap<String, Arc<Place>>>>);

impl Providers {
    /// The place of the provider that calls itself so.
    pub(crate) fn place(&self, issuer: &str) -> Arc<Place> {
        let mut places = self.0.lock();
        if places.len() >= PROVIDERS_KEPT_MAX && !places.contains_key(issuer) {
            places.clear();
        }
        places.entry(issuer.to_owned()).or_default().clone()
    }
}

/// A look that has failed.
pub(crate) struct Failed {
    pub(crate) at: Instant,
    /// Whether the settings were at fault; else the provider was.
    by_settings: bool,
    message: String,
}

impl Failed {
    pub(crate) fn of(error: &OidcError) -> Self {
        let (by_settings, message) = match error {
            OidcError::Provider { message, .. } => (false, message.clone()),
            OidcError::Settings(message) | OidcError::Token(message) => (true, message.clone()),
        };
        Self { at: Instant::now(), by_settings, message }
    }

    /// The same failure again.
    pub(crate) fn error(&self, issuer: &str) -> OidcError {
        match self.by_settings {
            true => OidcError::Settings(self.message.clone()),
            false => OidcError::Provider { issuer: issuer.to_owned(), message: self.message.clone(), detail: "as a moment ago".into() },
        }
    }
}
