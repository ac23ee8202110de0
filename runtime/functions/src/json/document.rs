//! A document as a flat list of nodes: a container is followed by what is in it, an object by its keys and values in turn.

use std::collections::HashMap;

/// A part of a text: start and length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// A value or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number without fraction and exponent, as in the source.
    Integer(Span),
    /// Any other number, as in the source.
    Float(Span),
    /// A text without escapes, in the source.
    Plain(Span),
    /// A text with escapes, in `decoded`.
    Decoded(Span),
    /// An array of `count` values; `size` nodes with itself.
    Array { count: u32, size: u32 },
    /// An object of `count` keys and values as written; `repeats`: a key came more than once.
    Object { count: u32, size: u32, repeats: bool },
}

impl Node {
    /// Whether it is an array or an object.
    pub(crate) fn is_container(self) -> bool {
        matches!(self, Self::Array { .. } | Self::Object { .. })
    }
}

/// A document. Nodes are named by their position; the first is the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'d> {
    pub(super) source: &'d str,
    pub(super) decoded: &'d str,
    pub(super) nodes: &'d [Node],
    /// Keys that came more than once, by their position: where the value of the first stands (it is the last one's), or
    /// nothing for the others.
    pub(super) repeated: &'d HashMap<u32, Option<u32>>,
}

impl<'d> Document<'d> {
    /// Position of the whole.
    pub(crate) const ROOT: u32 = 0;

    /// The node at a position.
    #[inline]
    pub(crate) fn node(&self, at: u32) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or(Node::Null)
    }

    /// Whether some object has a key more than once.
    pub(crate) fn has_repeated_keys(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// The position behind a value.
    #[inline]
    fn behind(&self, at: u32) -> u32 {
        match self.node(at) {
            Node::Array { size, .. } | Node::Object { size, .. } => at + size,
            _ => at + 1,
        }
    }

    fn part(text: &'d str, span: Span) -> &'d str {
        text.get(span.start as usize..(span.start + span.length) as usize).unwrap_or_default()
    }

    /// The text of a string or key.
    #[inline]
    pub(crate) fn text(&self, at: u32) -> Option<&'d str> {
        match self.node(at) {
            Node::Plain(span) => Some(Self::part(self.source, span)),
            Node::Decoded(span) => Some(Self::part(self.decoded, span)),
            _ => None,
        }
    }

    /// The digits of a number, as in the source.
    #[inline]
    pub(crate) fn number(&self, at: u32) -> Option<&'d str> {
        match self.node(at) {
            Node::Integer(span) | Node::Float(span) => Some(Self::part(self.source, span)),
            _ => None,
        }
    }

    /// How many values an array or object has.
    pub(crate) fn count(&self, at: u32) -> usize {
        match self.node(at) {
            Node::Array { count, .. } | Node::Object { count, repeats: false, .. } => count as usize,
            Node::Object { .. } => self.members(at).count(),
            _ => 0,
        }
    }

    /// Positions of the values of an array, in order; nothing for what is none.
    pub(crate) fn elements(&self, at: u32) -> Elements<'d> {
        let left = match self.node(at) {
            Node::Array { count, .. } => count,
            _ => 0,
        };
        Elements { document: *self, next: at + 1, left }
    }

    /// Keys and positions of the values of an object. A key that came more than once has its first place and last value.
    pub(crate) fn members(&self, at: u32) -> Members<'d> {
        let (left, repeats) = match self.node(at) {
            Node::Object { count, repeats, .. } => (count, repeats),
            _ => (0, false),
        };
        Members { document: *self, next: at + 1, left, repeats }
    }

    /// The value of a key of an object.
    pub(crate) fn member(&self, at: u32, key: &str) -> Option<u32> {
        self.members(at).find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

/// Values of an array.
pub(crate) struct Elements<'d> {
    document: Document<'d>,
    next: u32,
    left: u32,
}

impl Iterator for Elements<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let at = self.next;
        self.next = self.document.behind(at);
        Some(at)
    }
}

/// Keys and values of an object.
pub(crate) struct Members<'d> {
    document: Document<'d>,
    next: u32,
    left: u32,
    repeats: bool,
}

impl<'d> Iterator for Members<'d> {
    type Item = (&'d str, u32);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let (key, value) = (self.next, self.next + 1);
            self.next = self.document.behind(value);
            let name = self.document.text(key).unwrap_or_default();
            if !self.repeats {
                return Some((name, value));
            }
            match self.document.repeated.get(&key) {
                None => return Some((name, value)),
                Some(Some(last)) => return Some((name, *last)),
                Some(None) => {}
            }
        }
    }
}
