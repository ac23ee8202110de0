//! The pieces a text is cut into.

use crate::ast::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// `` `name` ``
    QuotedName,
    /// `'text'`, `N'text'`, `_UTF16'text'`
    Text,
    /// `U&'text'`
    UnicodeText,
    /// `X'0A'`
    Bytes,
    /// `12`, `1.5`, `1e3`
    Number,
    /// `/*+`
    HintStart,
    /// `*/` behind a `/*+`
    HintEnd,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    Dot,
    Colon,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    /// `||`
    Concat,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `=>`
    Arrow,
    /// `"text"`, which Flink SQL does not have.
    DoubleQuoted,
    /// A character without a meaning outside of patterns.
    Other,
    /// Behind the last token.
    End,
}

impl Kind {
    /// How the sign is written in messages.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::HintStart => "/*+",
            Self::HintEnd => "*/",
            Self::LeftParen => "(",
            Self::RightParen => ")",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Dot => ".",
            Self::Colon => ":",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Star => "*",
            Self::Slash => "/",
            Self::Percent => "%",
            Self::Concat => "||",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Arrow => "=>",
            Self::Word
            | Self::QuotedName
            | Self::Text
            | Self::UnicodeText
            | Self::Bytes
            | Self::Number
            | Self::DoubleQuoted
            | Self::Other
            | Self::End => "",
        }
    }
}

/// A token and its place; 32 bits are enough for the longest text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Of a `(`: the index of its `)`, or of the end when there is none.
    pub(super) partner: u32,
    /// Of a `(`: whether a query stands inside rather than expressions or a join.
    pub(super) opens_query: bool,
}

impl Token {
    pub(super) fn span(self) -> Span {
        Span { start: self.start as usize, end: self.end as usize }
    }
}
