//! Hints: `/*+ NAME('key' = 'value', …), NAME(a, b) */`.

use super::{Parser, token::Kind};
use crate::{
    ast::{Hint, HintOption},
    error::SqlError,
};

impl Parser<'_> {
    pub(super) fn hints(&mut self) -> Result<Vec<Hint>, SqlError> {
        if !self.eat(Kind::HintStart) {
            return Ok(Vec::new());
        }
        let hints = self.comma_separated(|p| {
            let name = p.identifier("the name of a hint")?;
            let options = if p.kind() == Kind::LeftParen { p.hint_options()? } else { Vec::new() };
            Ok(Hint { name, options })
        })?;
        self.expect(Kind::HintEnd)?;
        self.uses.hints.extend(hints.iter().cloned());
        Ok(hints)
    }

    fn hint_options(&mut self) -> Result<Vec<HintOption>, SqlError> {
        self.expect(Kind::LeftParen)?;
        let options = if self.kind() == Kind::RightParen { Vec::new() } else { self.comma_separated(Self::hint_option)? };
        self.expect(Kind::RightParen)?;
        Ok(options)
    }

    /// `'key' = 'value'`, a name, a text or a number
    fn hint_option(&mut self) -> Result<HintOption, SqlError> {
        let start = self.span();
        let key = match self.kind() {
            Kind::Text | Kind::UnicodeText => self.text_value("a key")?.0,
            Kind::Number => self.advance().to_owned(),
            _ => {
                let name = self.object_name("a key in quotes or a name")?;
                name.parts.into_iter().map(|part| part.value).collect::<Vec<_>>().join(".")
            }
        };
        let value = if self.eat(Kind::Equal) { Some(self.text_value("a value in quotes")?.0) } else { None };
        Ok(HintOption { key, value, span: self.since(start) })
    }
}
