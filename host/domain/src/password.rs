//! Which passwords may be: long enough, not the name, not one character over and over (after NIST SP 800-63B).
//!
//! Invariant: no rule about kinds of characters; an error never repeats the password.

/// Fewest characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 10;
/// Most bytes: what is hashed is bounded.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Fewest different characters.
const DIFFERENT_MIN: usize = 5;
/// What everybody tries first, as beginnings without regard to case.
const COMMON: &[&str] =
    &["password", "passw0rd", "12345678", "qwertyui", "qwerty12", "letmein", "iloveyou", "administrator", "millrace", "changeme"];

/// Why a password may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("has fewer than 10 characters; a sentence of a few words is easy to remember")]
    Short,
    /// Too many bytes.
    #[error("has more than 256 bytes")]
    Long,
    /// Contains the name of the user.
    #[error("contains the name of the user")]
    HoldsName,
    /// The same few characters again and again.
    #[error("has fewer than 5 different characters")]
    Monotonous,
    /// Among the first that are tried.
    #[error("begins like one of the commonest passwords")]
    Common,
}

/// Whether `password` may be the password of the user `name`.
///
/// # Errors
/// It may not.
pub fn check(password: &str, name: &str) -> Result<(), PasswordError> {
    let lower = password.to_lowercase();
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordError::Short);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    if name.len() > 2 && lower.contains(name) {
        return Err(PasswordError::HoldsName);
    }
    if password.chars().collect::<std::collections::BTreeSet<_>>().len() < DIFFERENT_MIN {
        return Err(PasswordError::Monotonous);
    }
    // A common word may stand in a long sentence.
    if COMMON.iter().any(|common| lower.starts_with(common) && lower.len() < 2 * common.len()) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_good_and_names_are_not() {
        for good in ["river runs uphill", "Xk29fj!lq0z", "密码密码很长很长的一句话啊", "password is a poor word"] {
            assert_eq!(check(good, "ann"), Ok(()), "{good}");
        }
        for (bad, error) in [
            ("short", PasswordError::Short),
            (&*"x1y2z3".repeat(50), PasswordError::Long),
            ("Ann-likes-tea", PasswordError::HoldsName),
            ("aaaaaaaaaaaa", PasswordError::Monotonous),
            ("Password12345", PasswordError::Common),
        ] {
            assert_eq!(check(bad, "ann"), Err(error), "{bad}");
        }
    }
}
