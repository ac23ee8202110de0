//! Parameters of the node as a struct.

use crate::{failure::Result, host::Params};
use std::{convert::Infallible, str::FromStr};

/// A struct that is read from the node's parameters; made by [`crate::settings!`].
pub trait Settings: Sized {
    /// Reads all parameters.
    ///
    /// # Errors
    /// A parameter is missing or cannot be read as its field's type.
    fn read(params: &Params) -> Result<Self>;
}

impl Settings for () {
    fn read(_: &Params) -> Result<Self> {
        Ok(())
    }
}

/// A parameter that lists words, separated by commas; blanks around them do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl FromStr for Words {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()))
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        let Ok(words) = text.parse();
        words
    }
}
