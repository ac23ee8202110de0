//! Functions at the end of a path.

use super::select::Item;
use crate::json::{Document, Node};

/// A function without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// `length()`, `size()`: how many values a container has.
    Length,
    /// `keys()`: the keys of an object.
    Keys,
    /// `min()`, `max()`, `sum()`, `avg()`, `stddev()` of the numbers in an array.
    Numbers(Aggregate),
    /// `concat()`: the texts in an array, joined.
    Concat,
    /// `index(n)`, `first()`, `last()`: a value of an array; negative numbers count from its end.
    Index(i32),
    /// A name that no function has.
    Unknown,
}

/// What numbers become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is its own word
pub(crate) enum Aggregate {
    Min,
    Max,
    Sum,
    Average,
    Deviation,
}

impl Function {
    /// The function of this name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "length" | "size" => Self::Length,
            "keys" => Self::Keys,
            "min" => Self::Numbers(Aggregate::Min),
            "max" => Self::Numbers(Aggregate::Max),
            "sum" => Self::Numbers(Aggregate::Sum),
            "avg" => Self::Numbers(Aggregate::Average),
            "stddev" => Self::Numbers(Aggregate::Deviation),
            "concat" => Self::Concat,
            "first" => Self::Index(0),
            "last" => Self::Index(-1),
            _ => Self::Unknown,
        }
    }

    /// Its value for a node; `Err` says why there is none.
    pub(super) fn apply<'d>(self, document: &Document<'d>, at: u32) -> Result<Item<'d>, &'static str> {
        let node = document.node(at);
        match self {
            Self::Length if node.is_container() => Ok(Item::Count(document.count(at))),
            Self::Keys if matches!(node, Node::Object { .. }) => Ok(Item::Keys(at)),
            Self::Length | Self::Keys => Ok(Item::Null),
            Self::Numbers(aggregate) => aggregate.of(document, at).map(Item::Double).ok_or("finds no numbers to aggregate"),
            Self::Concat => {
                let texts = document.elements(at).filter_map(|element| document.text(element));
                Ok(Item::Text(texts.collect()))
            }
            Self::Index(index) => {
                let count = i64::try_from(document.count(at)).unwrap_or(i64::MAX);
                // Jayway does not count back to the first of all.
                let place = if index < 0 { Some(count + i64::from(index)).filter(|place| *place > 0) } else { Some(i64::from(index)) };
                let place = place.and_then(|place| usize::try_from(place).ok());
                place.and_then(|place| document.elements(at).nth(place)).map(Item::Node).ok_or("finds no value of that index")
            }
            Self::Unknown => Err("calls a function that is not known"),
        }
    }
}

impl Aggregate {
    fn of(self, document: &Document<'_>, at: u32) -> Option<f64> {
        let numbers = document.elements(at).filter_map(|element| document.number(element)).filter_map(|digits| digits.parse::<f64>().ok());
        // The greatest starts from Java's smallest positive number, so that of negative numbers is that one, as in Jayway.
        let (mut count, mut sum, mut squares, mut min, mut max) = (0.0, 0.0, 0.0, f64::MAX, f64::from_bits(1));
        for number in numbers {
            count += 1.0;
            sum += number;
            squares += number * number;
            min = f64::min(min, number);
            max = f64::max(max, number);
        }
        (count > 0.0).then(|| match self {
            Self::Min => min,
            Self::Max => max,
            Self::Sum => sum,
            Self::Average => sum / count,
            Self::Deviation => (squares / count - sum * sum / count / count).sqrt(),
        })
    }
}
