//! What arguments a function takes, for functions whose types do not depend on each other.

use crate::{Argument, Resolution, ResolveError, Typed};
use millrace_model::DataType;

/// What may stand at a place of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts {
    /// A text.
    Text,
    /// A text or a byte string, as it is.
    TextOrBytes,
    /// A byte string.
    Bytes,
    /// An integer that fits into `INT`.
    Int,
    /// Any integer, as `BIGINT`.
    BigInt,
    /// A truth value.
    #[allow(dead_code)]
    Boolean,
    /// Anything, as it is.
    Any,
    /// A keyword.
    Symbol,
}

impl Accepts {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "STRING",
            Self::TextOrBytes => "STRING or BYTES",
            Self::Bytes => "BYTES",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Boolean => "BOOLEAN",
            Self::Any => "any type",
            Self::Symbol => "keyword",
        }
    }

    /// The type that an argument is cast to, when it may stand here.
    fn cast(self, argument: &Argument<'_>) -> Option<DataType> {
        use DataType as D;
        let given = &argument.typed.data_type;
        let is_null = *given == D::Null;
        match self {
            Self::Symbol => argument.symbol.map(|_| D::String),
            _ if argument.symbol.is_some() => None,
            Self::Text | Self::TextOrBytes if is_null => Some(D::String),
            Self::Text => (*given == D::String).then_some(D::String),
            Self::TextOrBytes => matches!(given, D::String | D::Bytes).then(|| given.clone()),
            Self::Bytes => (is_null || *given == D::Bytes).then_some(D::Bytes),
            Self::Int => (is_null || matches!(given, D::TinyInt | D::SmallInt | D::Int)).then_some(D::Int),
            Self::BigInt => (is_null || matches!(given, D::TinyInt | D::SmallInt | D::Int | D::BigInt)).then_some(D::BigInt),
            Self::Boolean => (is_null || *given == D::Boolean).then_some(D::Boolean),
            Self::Any => Some(given.clone()),
        }
    }
}

/// Whether a result may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// Where an argument is.
    FromArguments,
    /// Also where no argument is.
    Always,
    /// Never.
    #[allow(dead_code)]
    Never,
}

/// The call of a function that takes `required` and then some of `optional`; `repeats` says that the last of them may
/// come any number of times.
pub(super) struct Signature<'a> {
    pub(super) name: &'a str,
    pub(super) required: &'a [Accepts],
    pub(super) optional: &'a [Accepts],
    pub(super) repeats: bool,
    pub(super) nulls: Nulls,
}

impl Signature<'_> {
    /// The casts of the arguments and the result type.
    pub(super) fn resolve(&self, arguments: &[Argument<'_>], result: DataType) -> Result<Resolution, ResolveError> {
        let count = arguments.len();
        let most = self.required.len() + self.optional.len();
        if count < self.required.len() || (count > most && !self.repeats) {
            return Err(self.refuse(arguments));
        }
        let places = self.required.iter().chain(self.optional);
        let last = *places.clone().last().unwrap_or(&Accepts::Any);
        let casts = arguments
            .iter()
            .zip(places.copied().chain(std::iter::repeat(last)))
            .map(|(argument, accepts)| accepts.cast(argument))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| self.refuse(arguments))?;
        let nullable = match self.nulls {
            Nulls::FromArguments => arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null),
            Nulls::Always => true,
            Nulls::Never => false,
        };
        Ok(Resolution { arguments: casts, result: Typed::new(result, nullable) })
    }

    fn refuse(&self, arguments: &[Argument<'_>]) -> ResolveError {
        let mut takes: Vec<String> = self.required.iter().map(|a| a.word().to_owned()).collect();
        takes.extend(self.optional.iter().map(|a| format!("[{}]", a.word())));
        if self.repeats {
            takes.push("…".to_owned());
        }
        refused(self.name, arguments, &takes.join(", "))
    }
}

/// Says which arguments were given and which are taken.
pub(super) fn refused(name: &str, arguments: &[Argument<'_>], takes: &str) -> ResolveError {
    let given: Vec<String> = arguments.iter().map(|a| a.symbol.map_or_else(|| a.typed.data_type.to_string(), str::to_owned)).collect();
    ResolveError(format!("{name} does not take ({}); it takes ({takes})", given.join(", ")))
}
