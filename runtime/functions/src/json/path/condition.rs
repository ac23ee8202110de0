//! Conditions of filters, and whether they hold.

use super::{
    Mode, Steps,
    select::{Budget, Item, SelectError, Selection},
};
use crate::{
    json::{
        Document, Node,
        number::Decimal,
        write::{put_number, put_value},
    },
    scalar::compiled_pattern,
};
use std::{borrow::Cow, cmp::Ordering};

/// A condition.
#[derive(Debug)]
pub(super) enum Condition {
    /// `a || b`
    Any(Vec<Condition>),
    /// `a && b`
    All(Vec<Condition>),
    /// `!a`
    Not(Box<Condition>),
    /// `a == b`
    Compare(Operand, Operator, Operand),
    /// `@.a`: there is one.
    Exists(Operand),
}

/// A side of a comparison.
#[derive(Debug)]
pub(super) enum Operand {
    /// `@.a`, or `$.a` from the whole document.
    Path {
        is_root: bool,
        steps: Steps,
    },
    Number(String),
    Text(String),
    Boolean(bool),
    Null,
    /// A regular expression that matches whole texts.
    Pattern(String),
}

/// Operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    /// `===`: equal and of one type.
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `=~`
    Matches,
    Contains,
    Size,
    Empty,
}

/// What an operand stands for.
#[derive(Debug)]
enum Value<'v> {
    /// A strict path that leads nowhere.
    Undefined,
    Null,
    Boolean(bool),
    Number(Cow<'v, str>),
    Text(Cow<'v, str>),
    /// An array or object.
    Container(u32),
    /// What a path with several ends leads to.
    List(Vec<u32>),
    Pattern(&'v str),
}

/// What conditions are evaluated in.
pub(super) struct Scope<'s, 'd> {
    pub(super) document: &'s Document<'d>,
    pub(super) mode: Mode,
    /// The node that the filter looks at.
    pub(super) node: u32,
}

impl Condition {
    /// Whether it holds.
    pub(super) fn holds(&self, scope: &Scope<'_, '_>, budget: &mut Budget) -> Result<bool, SelectError> {
        match self {
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(scope, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(scope, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(part) => part.holds(scope, budget).map(|holds| !holds),
            Self::Compare(left, operator, right) => {
                let (left, right) = (left.value(scope, budget)?, right.value(scope, budget)?);
                operator.holds(scope.document, &left, &right)
            }
            Self::Exists(operand) => {
                let strict = Scope { mode: Mode::Strict, ..*scope };
                operand.value(&strict, budget).map(|value| !matches!(value, Value::Undefined))
            }
        }
    }
}

impl Operand {
    fn value<'v>(&'v self, scope: &Scope<'v, 'v>, budget: &mut Budget) -> Result<Value<'v>, SelectError> {
        Ok(match self {
            Self::Number(digits) => Value::Number(Cow::Borrowed(digits)),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Boolean(truth) => Value::Boolean(*truth),
            Self::Null => Value::Null,
            Self::Pattern(pattern) => Value::Pattern(pattern),
            Self::Path { is_root, steps } => {
                let from = if *is_root { Document::ROOT } else { scope.node };
                match steps.select_from(scope.document, from, scope.mode, budget) {
                    Ok(selection) => Value::of(scope.document, selection),
                    Err(SelectError::Path(_)) => Value::Undefined,
                    Err(limit) => return Err(limit),
                }
            }
        })
    }
}

impl<'v> Value<'v> {
    fn of(document: &Document<'v>, selection: Selection<'v>) -> Self {
        match selection {
            Selection::Nothing => Self::Null,
            Selection::One(Item::Node(at)) => Self::of_node(document, at),
            Selection::One(Item::Count(count)) => Self::Number(Cow::Owned(count.to_string())),
            Selection::One(Item::Double(number)) => Self::Number(Cow::Owned(format!("{number:?}"))),
            Selection::One(Item::Text(text)) => Self::Text(Cow::Owned(text)),
            Selection::One(Item::Null) => Self::Null,
            Selection::One(Item::Keys(_) | Item::Picked(_)) => Self::List(Vec::new()),
            Selection::Many(items) => {
                Self::List(items.into_iter().filter_map(|item| if let Item::Node(at) = item { Some(at) } else { None }).collect())
            }
        }
    }

    fn of_node(document: &Document<'v>, at: u32) -> Self {
        match document.node(at) {
            Node::Null => Self::Null,
            Node::Boolean(truth) => Self::Boolean(truth),
            Node::Integer(_) | Node::Float(_) => Self::Number(Cow::Borrowed(document.number(at).unwrap_or_default())),
            Node::Plain(_) | Node::Decoded(_) => Self::Text(Cow::Borrowed(document.text(at).unwrap_or_default())),
            Node::Array { .. } | Node::Object { .. } => Self::Container(at),
        }
    }

    /// A number as the text that Java makes of it.
    fn number_text(digits: &str) -> Result<String, SelectError> {
        let mut text = String::new();
        // As a number with a fraction: `-0` and `1e2` are written by the same rule.
        put_number(Node::Null, digits, &mut text).map_err(SelectError::Limit)?;
        Ok(text)
    }

    /// Whether both are of one kind, as `===` asks.
    fn is_alike(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            || matches!((self, other), (Self::Container(_) | Self::List(_), Self::Container(_) | Self::List(_)))
    }

    fn text_of(document: &Document<'_>, at: u32) -> Result<String, SelectError> {
        let mut text = String::new();
        match put_value(document, at, 0, &mut text) {
            Ok(()) => Ok(text),
            Err(error) => Err(SelectError::Limit(error.into())),
        }
    }

    fn equals(&self, other: &Self, document: &Document<'_>) -> Result<bool, SelectError> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Text(text), Self::Number(digits)) => **text == *Self::number_text(digits)?,
            (Self::Number(a), Self::Number(b) | Self::Text(b)) => compare(a, b) == Some(Ordering::Equal),
            (Self::Container(a), Self::Container(b)) => a == b || Self::text_of(document, *a)? == Self::text_of(document, *b)?,
            _ => false,
        })
    }

    /// What a pattern is matched with.
    fn matched_text(&self) -> Result<Cow<'_, str>, SelectError> {
        Ok(match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(digits) => Cow::Owned(Self::number_text(digits)?),
            Self::Boolean(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            _ => Cow::Borrowed(""),
        })
    }

    /// The values of an array.
    fn elements(&self, document: &Document<'_>) -> Option<Vec<u32>> {
        match self {
            Self::Container(at) if matches!(document.node(*at), Node::Array { .. }) => Some(document.elements(*at).collect()),
            Self::List(nodes) => Some(nodes.clone()),
            _ => None,
        }
    }
}

fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(Decimal::parse(left)?.compare(&Decimal::parse(right)?))
}

impl Operator {
    fn holds(self, document: &Document<'_>, left: &Value<'_>, right: &Value<'_>) -> Result<bool, SelectError> {
        Ok(match self {
            Self::Equal => left.equals(right, document)?,
            Self::NotEqual => !left.equals(right, document)?,
            Self::Same => left.is_alike(right) && left.equals(right, document)?,
            Self::NotSame => !(left.is_alike(right) && left.equals(right, document)?),
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => self.orders(left, right),
            Self::Matches => matches_pattern(document, left, right)?,
            Self::Contains => match (left, right) {
                (Value::Text(text), Value::Text(part)) => text.contains(&**part),
                _ => match left.elements(document) {
                    Some(elements) => {
                        let mut found = false;
                        for element in elements {
                            found = found || right.equals(&Value::of_node(document, element), document)?;
                        }
                        found
                    }
                    None => false,
                },
            },
            Self::Size => match right {
                Value::Number(digits) => {
                    let wanted = digits.parse::<usize>().ok();
                    let size = match left {
                        Value::Text(text) => Some(text.encode_utf16().count()),
                        _ => left.elements(document).map(|elements| elements.len()),
                    };
                    size.is_some() && size == wanted
                }
                _ => false,
            },
            Self::Empty => match (left, right) {
                (Value::Text(text), Value::Boolean(wanted)) => text.is_empty() == *wanted,
                (Value::Container(at), Value::Boolean(wanted)) => (document.count(*at) == 0) == *wanted,
                (Value::List(nodes), Value::Boolean(wanted)) => nodes.is_empty() == *wanted,
                _ => false,
            },
        })
    }

    fn orders(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        let ordering = match (left, right) {
            (Value::Number(a), Value::Number(b)) => compare(a, b),
            (Value::Text(a), Value::Text(b)) => Some(crate::json::write::key_order(a, b)),
            _ => None,
        };
        ordering.is_some_and(|ordering| match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            _ => ordering.is_ge(),
        })
    }
}

/// Exactly one side is a pattern.
fn matches_pattern(document: &Document<'_>, left: &Value<'_>, right: &Value<'_>) -> Result<bool, SelectError> {
    let (pattern, value) = match (left, right) {
        (Value::Pattern(_), Value::Pattern(_)) => return Ok(false),
        (Value::Pattern(pattern), value) | (value, Value::Pattern(pattern)) => (*pattern, value),
        _ => return Ok(false),
    };
    let regex = compiled_pattern(pattern);
    let Ok(regex) = regex.as_ref() else { return Ok(false) };
    let Some(elements) = value.elements(document) else { return Ok(regex.is_match(&value.matched_text()?)) };
    for element in elements {
        if regex.is_match(&Value::of_node(document, element).matched_text()?) {
            return Ok(true);
        }
    }
    Ok(false)
}
