//! Which properties of a data source are secrets (SRC-3).
//!
//! Invariant: what is a secret is decided by the property's name alone, so that it holds for client properties that
//! nobody here has heard of; in doubt a property is a secret.

/// Shown in place of a secret; sent back unchanged it means "keep the old value".
pub const REDACTED: &str = "***";

/// Parts of a name that make it a secret.
const SECRET_PARTS: &[&str] =
    &["password", "passwd", "passphrase", "secret", "token", "jaas", "credential", "key", "authorization", "cookie"];
/// Names that would be secrets by their parts and say only how, or as whom, to sign in.
const PLAIN: &[&str] = &["sasl.mechanism", "sasl.mechanisms", "sasl.kerberos.service.name", "access_key_id"];

/// Whether the value of the property `name` must be encrypted at rest and never be shown.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if PLAIN.contains(&name.as_str()) {
        return false;
    }
    name.starts_with("sasl.") || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_are_told_by_name() {
        for secret in [
            "password",
            "sasl.password",
            "sasl.username",
            "sasl.jaas.config",
            "ssl.key.pem",
            "S3.Secret.Access",
            "auth_token",
            "api-key",
            "header.Authorization",
            "header.Cookie",
        ] {
            assert!(is_secret(secret), "{secret}");
        }
        for plain in ["bootstrap.servers", "security.protocol", "sasl.mechanism", "ssl.ca.location", "host", "user", "access_key_id"] {
            assert!(!is_secret(plain), "{plain}");
        }
    }
}
