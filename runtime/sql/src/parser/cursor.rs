//! Moving over the tokens, and saying what was expected.

use super::{
    HEIGHT_MAX, LEVELS_MAX, Parser, keywords,
    token::{Kind, Token},
};
use crate::{
    ast::{Identifier, ObjectName, Span},
    error::{SqlError, nearest},
};

/// Most characters of the text that a message repeats.
const FOUND_MAX: usize = 40;

impl<'a> Parser<'a> {
    pub(super) fn token_at(&self, ahead: usize) -> Token {
        self.tokens[(self.at + ahead).min(self.tokens.len() - 1)]
    }

    pub(super) fn kind(&self) -> Kind {
        self.token_at(0).kind
    }

    pub(super) fn kind_at(&self, ahead: usize) -> Kind {
        self.token_at(ahead).kind
    }

    pub(super) fn span(&self) -> Span {
        self.token_at(0).span()
    }

    /// The place of the token before.
    pub(super) fn last_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span()
    }

    /// From a place to the end of the token before.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(self.last_span())
    }

    /// Goes on by one token and answers its text.
    pub(super) fn advance(&mut self) -> &'a str {
        let text = self.raw(self.span());
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        text
    }

    pub(super) fn raw(&self, span: Span) -> &'a str {
        &self.text[span.start..span.end]
    }

    /// The word that stands there, unless it is quoted or no word.
    pub(super) fn word_at(&self, ahead: usize) -> Option<&'a str> {
        let token = self.token_at(ahead);
        (token.kind == Kind::Word).then(|| self.raw(token.span()))
    }

    pub(super) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        self.word_at(ahead).is_some_and(|w| w.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    /// Whether these words come next.
    pub(super) fn are_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, w)| self.is_word_at(i, w))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// All of these words in a row, or none.
    pub(super) fn eat_words(&mut self, words: &[&str]) -> bool {
        let found = self.are_words(words);
        if found {
            words.iter().for_each(|_| {
                self.advance();
            });
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), SqlError> {
        if self.eat_word(word) {
            return Ok(());
        }
        Err(self.expected_words(&format!("`{word}`"), &[word]))
    }

    pub(super) fn expect_words(&mut self, words: &[&str]) -> Result<(), SqlError> {
        words.iter().try_for_each(|word| self.expect_word(word))
    }

    /// One of these words; answers which.
    pub(super) fn expect_one_of(&mut self, words: &[&'static str]) -> Result<&'static str, SqlError> {
        if let Some(word) = words.iter().find(|w| self.is_word(w)) {
            self.advance();
            return Ok(word);
        }
        let list: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
        Err(self.expected_words(&list.join(" or "), words))
    }

    /// Only the words that may stand here are worth suggesting.
    fn expected_words(&self, expected: &str, words: &[&str]) -> SqlError {
        let mut error = self.expected(expected);
        if error.span == self.span() && self.kind() == Kind::Word {
            error.hint = None;
        }
        if error.hint.is_some() { error } else { self.with_near(error, words.iter().copied()) }
    }

    /// The error with the name near to the next word, if there is one.
    pub(super) fn with_near<'n>(&self, error: SqlError, known: impl Iterator<Item = &'n str>) -> SqlError {
        match self.word_at(0).and_then(|found| nearest(found, known)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }

    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind && kind != Kind::End;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, kind: Kind) -> Result<(), SqlError> {
        if self.eat(kind) { Ok(()) } else { Err(self.expected(&format!("`{}`", kind.sign()))) }
    }

    pub(super) fn expect_end(&self, expected: &str) -> Result<(), SqlError> {
        if self.kind() == Kind::End { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Whether the next token is a `(` with a query inside.
    pub(super) fn at_query_parenthesis(&self) -> bool {
        let token = self.token_at(0);
        token.kind == Kind::LeftParen && token.opens_query
    }

    /// How many tokens ahead the `)` of the `(` that stands `ahead` is.
    pub(super) fn closing_at(&self, ahead: usize) -> usize {
        (self.token_at(ahead).partner as usize).saturating_sub(self.at)
    }

    /// `item, item, …`
    pub(super) fn comma_separated<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, SqlError>) -> Result<Vec<T>, SqlError> {
        let mut items = vec![item(self)?];
        while self.eat(Kind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item, …)`
    pub(super) fn in_parentheses<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T, SqlError>) -> Result<Vec<T>, SqlError> {
        self.expect(Kind::LeftParen)?;
        let items = self.comma_separated(item)?;
        self.expect(Kind::RightParen)?;
        Ok(items)
    }

    /// Whether a name may begin here.
    pub(super) fn at_identifier(&self) -> bool {
        self.kind() == Kind::QuotedName || self.word_at(0).is_some_and(|w| !keywords::is_reserved(w))
    }

    pub(super) fn identifier(&mut self, expected: &str) -> Result<Identifier, SqlError> {
        let span = self.span();
        match self.kind() {
            Kind::QuotedName => {
                let value = unquoted(self.advance());
                if value.is_empty() {
                    return Err(SqlError::new("sql.syntax", "expected a name between the back quotes", span));
                }
                Ok(Identifier { value, span })
            }
            Kind::Word if self.at_identifier() => Ok(Identifier { value: self.advance().to_owned(), span }),
            Kind::Word => Err(self.reserved()),
            _ => Err(self.expected(expected)),
        }
    }

    /// `a.b.c`
    pub(super) fn object_name(&mut self, expected: &str) -> Result<ObjectName, SqlError> {
        let mut parts = vec![self.identifier(expected)?];
        while self.kind() == Kind::Dot && self.kind_at(1) != Kind::Star {
            self.advance();
            parts.push(self.identifier("a name behind the dot")?);
        }
        Ok(ObjectName { parts })
    }

    /// The name of a table or view that is used here.
    pub(super) fn table_name(&mut self) -> Result<ObjectName, SqlError> {
        let name = self.object_name("the name of a table")?;
        self.uses.tables.push(name.clone());
        Ok(name)
    }

    /// `(a, b)`
    pub(super) fn identifier_list(&mut self, expected: &str) -> Result<Vec<Identifier>, SqlError> {
        self.in_parentheses(|p| p.identifier(expected))
    }

    /// One level deeper; the caller leaves it by `leave` unless it fails.
    pub(super) fn enter(&mut self) -> Result<(), SqlError> {
        self.level += 1;
        if self.level > LEVELS_MAX { Err(self.too_deep()) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.level -= 1;
    }

    pub(super) fn too_deep(&self) -> SqlError {
        let message = format!("nested deeper than {LEVELS_MAX} levels, or more than {HEIGHT_MAX} operators in a row");
        SqlError::new("sql.too_deep", message, self.span())
    }

    pub(super) fn unsupported(&self, message: impl Into<String>, span: Span) -> SqlError {
        SqlError::new("sql.unsupported", message, span)
    }

    /// The next word is reserved and stands where a name is needed.
    pub(super) fn reserved(&self) -> SqlError {
        let word = self.raw(self.span());
        let message = format!("`{word}` is a reserved word and no name");
        SqlError::new("sql.reserved_word", message, self.span()).with_hint(format!("write it as `` `{word}` ``"))
    }

    fn found(&self) -> String {
        if self.kind() == Kind::End {
            return "the end of the text".into();
        }
        let raw = self.raw(self.span());
        match raw.char_indices().nth(FOUND_MAX) {
            Some((cut, _)) => format!("`{}…`", &raw[..cut]),
            None => format!("`{raw}`"),
        }
    }

    /// The next token is not what must stand here.
    pub(super) fn expected(&self, expected: &str) -> SqlError {
        // `SELECT a FORM t`: the misspelt word was taken for an alias, and what follows makes no sense.
        if let Some(alias) = self.implicit_alias.filter(|alias| alias + 1 == self.at) {
            let span = self.tokens[alias].span();
            if let Some(near) = nearest(self.raw(span), keywords::after_alias()) {
                let message = format!("expected `{near}`, found `{}`", self.raw(span));
                return SqlError::new("sql.syntax", message, span).with_hint(format!("did you mean `{near}`?"));
            }
        }
        let error = SqlError::new("sql.syntax", format!("expected {expected}, found {}", self.found()), self.span());
        match self.kind() {
            Kind::DoubleQuoted => error.with_hint("texts stand in single quotes, names in back quotes"),
            Kind::Colon if self.kind_at(1) == Kind::Colon => error.with_hint("write a cast as `CAST(value AS type)`"),
            Kind::HintStart => error.with_hint("a hint stands behind SELECT or behind the name of a table"),
            Kind::Word if !keywords::is_clause(self.raw(self.span())) => match nearest(self.raw(self.span()), keywords::clauses()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            },
            _ => error,
        }
    }
}

fn unquoted(raw: &str) -> String {
    let inner = raw.strip_prefix('`').unwrap_or(raw);
    inner.strip_suffix('`').unwrap_or(inner).replace("``", "`")
}
