//! `JSON_QUERY`.

use super::{
    Failure, Selected, Selector, check_path, keywords,
    value::{put_plain, returning},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    json::{
        Document, Node,
        path::{Item, Mode, Selection},
        write::{self, Sink, WriteError, put_display, put_java_double, put_text},
    },
    meter::Steps,
    scalar::{
        Builtin, Call,
        columns::{check_batch, columnar, extent, text_result, texts},
        signature::refused,
    },
};
use arrow_array::builder::{ListBuilder, StringBuilder};
use millrace_model::{DataType, data_type::Element};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "JSON_QUERY", resolve, evaluate: query, deterministic: true }];

const TAKES: &str = "STRING, path, [RETURNING type], [wrapper], [NULL or ERROR or EMPTY ARRAY or EMPTY OBJECT ON EMPTY], [… ON ERROR]";

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused("JSON_QUERY", arguments, TAKES);
    let result = returning(arguments, "JSON_QUERY")?.unwrap_or(DataType::String);
    let returns_list = match &result {
        DataType::String => false,
        DataType::Array(element) if element.data_type == DataType::String => true,
        other => return Err(ResolveError(format!("JSON_QUERY returns STRING or ARRAY<STRING>, not {other}"))),
    };
    let (values, clauses) = arguments.split_at_checked(2).ok_or_else(refuse)?;
    if values.iter().any(|v| v.symbol.is_some() || !matches!(v.typed.data_type, DataType::String | DataType::Null)) {
        return Err(refuse());
    }
    for clause in clauses {
        let symbol = clause.symbol.ok_or_else(refuse)?;
        match symbol.split_once(" ON ") {
            _ if symbol.starts_with("RETURNING ") || symbol.ends_with(" WRAPPER") => {}
            Some(("EMPTY OBJECT", event)) if returns_list => {
                return Err(ResolveError(format!("JSON_QUERY that returns {result} cannot answer EMPTY OBJECT ON {event}")));
            }
            Some(("NULL" | "ERROR" | "EMPTY ARRAY" | "EMPTY OBJECT", "EMPTY" | "ERROR")) => {}
            _ => return Err(refuse()),
        }
    }
    check_path("JSON_QUERY", arguments.get(1))?;
    let list = || DataType::Array(Box::new(Element { data_type: DataType::String, nullable: true }));
    let result = if returns_list { list() } else { result };
    Ok(Resolution { arguments: vec![DataType::String; arguments.len()], result: Typed::nullable(result) })
}

/// What is answered in place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instead {
    Null,
    Error,
    EmptyArray,
    EmptyObject,
}

/// When a value is put into an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    Never,
    /// When it is no array.
    Conditional,
    Always,
}

struct Clauses {
    wrapper: Wrapper,
    on_empty: Instead,
    on_error: Instead,
}

impl Clauses {
    fn of(call: &Call<'_>) -> Self {
        let mut clauses = Self { wrapper: Wrapper::Never, on_empty: Instead::Null, on_error: Instead::Null };
        for (_, keyword) in keywords(call, 2) {
            match keyword.as_str() {
                "WITH CONDITIONAL WRAPPER" => clauses.wrapper = Wrapper::Conditional,
                "WITH UNCONDITIONAL WRAPPER" => clauses.wrapper = Wrapper::Always,
                _ => {}
            }
            let Some((behaviour, event)) = keyword.split_once(" ON ") else { continue };
            let instead = match behaviour {
                "ERROR" => Instead::Error,
                "EMPTY ARRAY" => Instead::EmptyArray,
                "EMPTY OBJECT" => Instead::EmptyObject,
                _ => Instead::Null,
            };
            if event == "EMPTY" {
                clauses.on_empty = instead;
            } else {
                clauses.on_error = instead;
            }
        }
        clauses
    }
}

/// A value that is no scalar.
struct Found<'d> {
    document: Document<'d>,
    selection: Selection<'d>,
    is_wrapped: bool,
}

/// What a row comes to.
enum Answer<'d> {
    Found(Found<'d>),
    Instead(Instead),
}

impl Selection<'_> {
    fn kind(&self, document: &Document<'_>) -> Kind {
        match self {
            Self::Many(_) | Self::One(Item::Keys(_)) => Kind::Array,
            Self::One(Item::Picked(_)) => Kind::Object,
            Self::One(Item::Node(at)) => match document.node(*at) {
                Node::Array { .. } => Kind::Array,
                Node::Object { .. } => Kind::Object,
                _ => Kind::Scalar,
            },
            Self::One(_) | Self::Nothing => Kind::Scalar,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    Array,
    Object,
}

fn answer<'d>(selected: Result<Selected<'d>, Failure>, path: &str, clauses: &Clauses) -> Result<Answer<'d>, EvaluationError> {
    let failure = match selected {
        Ok(Selected { document: None, .. } | Selected { selection: Selection::Nothing, .. }) => return empty(path, clauses),
        Ok(Selected { document: Some(document), selection, mode }) => {
            let kind = selection.kind(&document);
            let is_wrapped = match clauses.wrapper {
                Wrapper::Never => false,
                Wrapper::Conditional => kind != Kind::Array,
                Wrapper::Always => true,
            };
            if is_wrapped || kind != Kind::Scalar {
                return Ok(Answer::Found(Found { document, selection, is_wrapped }));
            }
            if mode == Mode::Lax {
                return empty(path, clauses);
            }
            Failure::Kind(path.to_owned(), "an array or object")
        }
        Err(failure) => failure,
    };
    failed(&failure, clauses)
}

fn empty<'d>(path: &str, clauses: &Clauses) -> Result<Answer<'d>, EvaluationError> {
    match clauses.on_empty {
        Instead::Error => Err(EvaluationError(format!("JSON_QUERY: the JSON path '{path}' finds no array and no object"))),
        other => Ok(Answer::Instead(other)),
    }
}

fn failed<'d>(failure: &Failure, clauses: &Clauses) -> Result<Answer<'d>, EvaluationError> {
    match clauses.on_error {
        Instead::Error => Err(EvaluationError(format!("JSON_QUERY: {failure}"))),
        other => Ok(Answer::Instead(other)),
    }
}

fn put_item(document: &Document<'_>, item: &Item<'_>, depth: usize, out: &mut impl Sink) -> Result<(), WriteError> {
    match item {
        Item::Node(at) => return write::put_value(document, *at, depth, out),
        Item::Picked(members) => {
            let mut sorted: Vec<&(&str, u32)> = members.iter().collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| write::key_order(a, b));
            out.put("{")?;
            for (position, (key, at)) in sorted.into_iter().enumerate() {
                out.put(if position == 0 { "" } else { "," })?;
                put_text(key, out)?;
                out.put(":")?;
                write::put_value(document, *at, depth + 1, out)?;
            }
            out.put("}")?;
        }
        Item::Keys(at) => {
            out.put("[")?;
            for (position, (key, _)) in document.members(*at).enumerate() {
                out.put(if position == 0 { "" } else { "," })?;
                put_text(key, out)?;
            }
            out.put("]")?;
        }
        Item::Count(count) => put_display(count, out)?,
        Item::Double(number) => put_java_double(*number, out)?,
        Item::Text(text) => put_text(text, out)?,
        Item::Null => out.put("null")?,
    }
    Ok(())
}

impl Found<'_> {
    /// Appends the value, without the array that it may be put into.
    fn put_inner(&self, depth: usize, out: &mut impl Sink) -> Result<(), WriteError> {
        match &self.selection {
            Selection::Nothing => out.put("null")?,
            Selection::One(item) => put_item(&self.document, item, depth, out)?,
            Selection::Many(items) => {
                out.put("[")?;
                for (position, item) in items.iter().enumerate() {
                    out.put(if position == 0 { "" } else { "," })?;
                    put_item(&self.document, item, depth + 1, out)?;
                }
                out.put("]")?;
            }
        }
        Ok(())
    }

    fn put(&self, out: &mut impl Sink) -> Result<(), WriteError> {
        if !self.is_wrapped {
            return self.put_inner(0, out);
        }
        out.put("[")?;
        self.put_inner(1, out)?;
        Ok(out.put("]")?)
    }

    /// An element of an array as text: strings without quotes.
    fn element(&self, item: &Item<'_>) -> Result<Option<String>, WriteError> {
        let mut text = String::new();
        match item {
            Item::Null => return Ok(None),
            Item::Node(at) if self.document.node(*at) == Node::Null => return Ok(None),
            Item::Node(at) if !self.document.node(*at).is_container() => put_plain(&self.document, item, &mut text)?,
            Item::Count(_) | Item::Double(_) | Item::Text(_) => put_plain(&self.document, item, &mut text)?,
            Item::Node(_) | Item::Picked(_) | Item::Keys(_) => put_item(&self.document, item, 0, &mut text)?,
        }
        Ok(Some(text))
    }

    /// The texts of the elements; `None` when the value is no array.
    fn elements(&self) -> Result<Option<Vec<Option<String>>>, WriteError> {
        match &self.selection {
            Selection::One(item) if self.is_wrapped => Ok(Some(vec![self.element(item)?])),
            _ if self.is_wrapped => {
                let mut text = String::new();
                self.put_inner(0, &mut text)?;
                Ok(Some(vec![Some(text)]))
            }
            Selection::Many(items) => items.iter().map(|item| self.element(item)).collect::<Result<_, _>>().map(Some),
            Selection::One(Item::Node(at)) if matches!(self.document.node(*at), Node::Array { .. }) => {
                self.document.elements(*at).map(|at| self.element(&Item::Node(at))).collect::<Result<_, _>>().map(Some)
            }
            Selection::One(_) | Selection::Nothing => Ok(None),
        }
    }
}

/// What cannot be written is an error that the query has an answer for, unless it is only too long for us.
fn written<T>(result: Result<T, WriteError>, path: &str, clauses: &Clauses) -> Result<Result<T, Instead>, EvaluationError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(WriteError::TooLong(error)) => Err(error),
        Err(WriteError::TooDeep) => match failed(&Failure::Misfit(path.to_owned(), "leads to more than 1000 levels"), clauses)? {
            Answer::Instead(instead) => Ok(Err(instead)),
            Answer::Found(_) => Ok(Err(Instead::Null)),
        },
    }
}

fn query(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, paths) = (texts(call, 0)?, texts(call, 1)?);
    let mut selector = Selector::new(texts(call, 1)?);
    let clauses = Clauses::of(call);
    if matches!(call.result.data_type, DataType::Array(_)) {
        return query_list(call, &clauses);
    }
    let mut scratch = String::new();
    text_result(call, |row, out| {
        let (Some(text), Some(path)) = (values.get(row), paths.get(row)) else { return Ok(false) };
        let Some(selected) = selector.select(row, text)? else { return Ok(false) };
        scratch.clear();
        let instead = match answer(selected, path, &clauses)? {
            Answer::Found(found) => match written(found.put(&mut scratch), path, &clauses)? {
                Ok(()) => return out.push_str(&scratch).map(|()| true),
                Err(instead) => instead,
            },
            Answer::Instead(instead) => instead,
        };
        match instead {
            Instead::EmptyArray => out.push_str("[]").map(|()| true),
            Instead::EmptyObject => out.push_str("{}").map(|()| true),
            Instead::Null | Instead::Error => Ok(false),
        }
    })
}

fn query_list(call: &Call<'_>, clauses: &Clauses) -> Result<Columnar, EvaluationError> {
    let (values, paths) = (texts(call, 0)?, texts(call, 1)?);
    let mut selector = Selector::new(texts(call, 1)?);
    let (rows, is_scalar) = extent(call);
    let mut lists = ListBuilder::new(StringBuilder::new());
    let (mut bytes, mut steps) = (0, Steps::default());
    for row in 0..rows {
        steps.row()?;
        let (Some(text), Some(path)) = (values.get(row), paths.get(row)) else {
            lists.append_null();
            continue;
        };
        let Some(selected) = selector.select(row, text)? else {
            lists.append_null();
            continue;
        };
        let instead = match answer(selected, path, clauses)? {
            Answer::Found(found) => match written(found.elements(), path, clauses)? {
                Ok(Some(elements)) => {
                    for element in elements {
                        bytes += element.as_ref().map_or(0, String::len) + size_of::<i32>();
                        check_batch(bytes)?;
                        lists.values().append_option(element);
                    }
                    lists.append(true);
                    continue;
                }
                Ok(None) => match failed(&Failure::Kind(path.to_owned(), "an array"), clauses)? {
                    Answer::Instead(instead) => instead,
                    Answer::Found(_) => Instead::Null,
                },
                Err(instead) => instead,
            },
            Answer::Instead(instead) => instead,
        };
        lists.append(instead == Instead::EmptyArray);
    }
    Ok(columnar(Arc::new(lists.finish()), is_scalar))
}
