//! Enums with one stable word per value: the word is what the database, the API and the logs show.
//!
//! Invariant: a word never changes its meaning once released; a new value gets a new word.

/// A word that names no value of the enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {what}; expected one of {expected}")]
pub struct UnknownWord {
    /// What was to be read: `role`, `instance state`.
    pub what: &'static str,
    /// The word that was found.
    pub found: String,
    /// The words that would do, separated by commas.
    pub expected: String,
}

/// Declares an enum of plain values with their words, `ALL`, `as_str`, `FromStr`, `Display` and serde by word.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$value_doc])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// Every value in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// The stable word of this value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$value),)+
                    found => Err($crate::text_enum::UnknownWord {
                        what: $what,
                        found: found.to_owned(),
                        expected: [$($word,)+].join(", "),
                    }),
                }
            }
        }
    };
}
pub(crate) use text_enum;
