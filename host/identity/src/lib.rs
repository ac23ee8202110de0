//! Proves who somebody is: passwords as argon2id hashes, and identity providers by OpenID Connect.
//!
//! Invariant: the only crate that hashes passwords and the only one that reads tokens of identity providers. It knows no
//! HTTP routes and no database; passwords, codes and tokens never stand in an error.

mod jws;
mod oidc;
mod password;
mod providers;

pub use millrace_dial::NetworkPolicy;
pub use oidc::{Claims, OidcError, OidcSettings, OpenIdClient, Redirect};
pub use password::{HashRules, Hasher, PasswordFailure, one_time_password};
