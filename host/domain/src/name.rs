//! Names that users give to things, and folder paths of jobs.
//!
//! Invariant: a name can stand in a URL path, in a file name and in SQL without quoting trouble, and never looks like
//! an id, so that a path segment is either a name or an id and no thing can pose as another.

use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, str::FromStr};

/// Most characters in a name.
pub const NAME_CHARACTERS_MAX: usize = 63;
/// Most folders in a path.
pub const FOLDERS_MAX: usize = 8;
/// Hexadecimal digits behind the prefix of an id.
pub const ID_DIGITS: usize = 32;

/// The name of a tenant, project, data source, topic, plugin or job; unique among its siblings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// A name or path that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wrong characters or length.
    #[error("`{0}` is not a valid name; expected 1 to 63 lower-case letters, digits, `_` or `-`, beginning with a letter")]
    Malformed(String),
    /// The name has the form of an id.
    #[error("`{0}` has the form of an id; choose another name")]
    LooksLikeId(String),
    /// A folder path that is too deep or has a malformed part.
    #[error("`{0}` is not a valid folder; expected up to 8 names separated by `/`, or nothing for the top")]
    Folder(String),
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let shown = || text.chars().take(NAME_CHARACTERS_MAX + 1).collect::<String>();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !starts_well || text.len() > NAME_CHARACTERS_MAX || !text.bytes().all(plain) {
            return Err(NameError::Malformed(shown()));
        }
        if looks_like_id(text) {
            return Err(NameError::LooksLikeId(shown()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` has the form of an id: a prefix, `_`, and 32 hexadecimal digits.
pub fn looks_like_id(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(prefix, digits)| {
        !prefix.is_empty() && digits.len() == ID_DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Where a job lies in its project's folder tree (JOB-1): names separated by `/`; empty at the top.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct FolderPath(String);

impl FolderPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FolderPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Folder(text.chars().take(80).collect());
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.split('/').count() > FOLDERS_MAX || text.split('/').any(|part| part.parse::<Name>().is_err()) {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for FolderPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_never_ids() {
        for good in ["a", "clicks", "clicks_clean", "click-stream-2", &"a".repeat(63), "job_0123"] {
            assert_eq!(good.parse::<Name>().map(|n| n.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in ["", "A", "1a", "-a", "a b", "a/b", "ä", "a.b", "..", &"a".repeat(64)] {
            assert!(matches!(bad.parse::<Name>(), Err(NameError::Malformed(_))), "{bad}");
        }
        assert!(matches!("job_0123456789abcdef0123456789abcdef".parse::<Name>(), Err(NameError::LooksLikeId(_))));
    }

    #[test]
    fn folders_are_names_in_a_row() {
        for good in ["", "a", "a/b/c"] {
            assert_eq!(good.parse::<FolderPath>().map(|f| f.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in ["/", "a/", "/a", "a//b", "../a", "a/b/c/d/e/f/g/h/i"] {
            assert!(bad.parse::<FolderPath>().is_err(), "{bad}");
        }
    }
}
