//! Follows a path through a document, step by step: each step takes all nodes so far to those that it leads to.

use super::{
    Mode, Step, Steps,
    condition::{Condition, Scope},
};
use crate::{
    EvaluationError,
    json::{Document, Node},
};

/// Most nodes that a path may pass in one document.
const PASSED_MAX: usize = 10_000_000;

/// A value that a path leads to.
#[derive(Debug)]
pub(crate) enum Item<'d> {
    /// A value of the document.
    Node(u32),
    /// An object made of some members.
    Picked(Vec<(&'d str, u32)>),
    /// The keys of an object.
    Keys(u32),
    /// A number of values.
    Count(usize),
    /// A number that a function made.
    Double(f64),
    /// A text that a function made.
    Text(String),
    /// What a function makes of values that it has no answer for.
    Null,
}

/// What a path selects.
#[derive(Debug)]
pub(crate) enum Selection<'d> {
    /// Nothing, or `null`.
    Nothing,
    /// The value at the end of a path that leads to one.
    One(Item<'d>),
    /// The values at the ends of any other path.
    Many(Vec<Item<'d>>),
}

/// Why nothing is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SelectError {
    /// The path does not fit the document: what it does there.
    Path(&'static str),
    /// It would pass too many nodes.
    Limit(EvaluationError),
}

/// How many nodes may still be passed.
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(PASSED_MAX)
    }

    fn spend(&mut self, nodes: usize) -> Result<(), SelectError> {
        self.0 = self.0.checked_sub(nodes).ok_or_else(|| {
            SelectError::Limit(EvaluationError(format!("a JSON path passes more than {PASSED_MAX} values of a document")))
        })?;
        Ok(())
    }
}

impl Steps {
    /// What the path selects in a document.
    ///
    /// # Errors
    /// The document is `null`, or the path does not fit it.
    pub(crate) fn select<'d>(&self, document: &Document<'d>, mode: Mode) -> Result<Selection<'d>, SelectError> {
        if document.node(Document::ROOT) == Node::Null {
            return Err(SelectError::Path("is followed in a document that is null"));
        }
        match self.select_from(document, Document::ROOT, mode, &mut Budget::new())? {
            Selection::Nothing if mode == Mode::Strict => Err(SelectError::Path("leads to null")),
            selection => Ok(selection),
        }
    }

    /// The same from a node on.
    pub(super) fn select_from<'d>(
        &self,
        document: &Document<'d>,
        from: u32,
        mode: Mode,
        budget: &mut Budget,
    ) -> Result<Selection<'d>, SelectError> {
        if self.is_plain {
            return self.follow(document, from, mode, budget);
        }
        let mut walk = Walk { document, mode, budget, is_definite: true };
        let mut nodes = vec![from];
        let (last, before) = match (self.function, self.steps.split_last()) {
            (None, Some((Step::Members(names), before))) if names.len() > 1 => (Some(names), before),
            _ => (None, self.steps.as_slice()),
        };
        for (position, step) in before.iter().enumerate() {
            let is_leaf = |position: usize| self.function.is_none() && position + 1 == self.steps.len();
            let next = self.steps.get(position + 1).map(|next| (next, is_leaf(position + 1)));
            nodes = walk.step(step, next, is_leaf(position), &nodes)?;
        }
        let items = match (last, self.function) {
            (Some(names), _) => walk.pick(names, &nodes)?,
            (None, Some(function)) => {
                let apply = |at: &u32| function.apply(document, *at).map_err(SelectError::Path);
                nodes.iter().map(apply).collect::<Result<_, _>>()?
            }
            (None, None) => nodes.into_iter().map(Item::Node).collect(),
        };
        if !self.is_definite {
            return Ok(Selection::Many(items));
        }
        match items.into_iter().last() {
            None if mode == Mode::Strict => Err(SelectError::Path("leads nowhere")),
            None | Some(Item::Null) => Ok(Selection::Nothing),
            Some(Item::Node(at)) if document.node(at) == Node::Null => Ok(Selection::Nothing),
            Some(item) => Ok(Selection::One(item)),
        }
    }
}

impl Steps {
    /// Follows a plain path, which never has more than one node in hand.
    fn follow<'d>(&self, document: &Document<'d>, from: u32, mode: Mode, budget: &mut Budget) -> Result<Selection<'d>, SelectError> {
        let miss = |what: &'static str| if mode == Mode::Strict { Err(SelectError::Path(what)) } else { Ok(Selection::Nothing) };
        let mut at = from;
        for step in &self.steps {
            let found = match (step, document.node(at)) {
                (Step::Members(names), Node::Object { count, .. }) => {
                    budget.spend(count as usize)?;
                    names.first().and_then(|name| document.member(at, name))
                }
                (Step::Elements(indexes), Node::Array { count, .. }) => {
                    budget.spend(count as usize)?;
                    let place = indexes.first().and_then(|index| place(i64::from(*index), count as usize));
                    place.and_then(|place| document.elements(at).nth(place))
                }
                (Step::Members(_), _) => return miss("asks for a member of what is no object"),
                _ => return miss("asks for an element of what is no array"),
            };
            at = match found {
                Some(found) => found,
                None => return miss("leads nowhere"),
            };
        }
        Ok(if document.node(at) == Node::Null { Selection::Nothing } else { Selection::One(Item::Node(at)) })
    }
}

struct Walk<'w, 'd> {
    document: &'w Document<'d>,
    mode: Mode,
    budget: &'w mut Budget,
    /// Whether the steps so far lead to one value at most: then what does not fit is an error in strict mode.
    is_definite: bool,
}

impl<'d> Walk<'_, 'd> {
    fn misfit(&self, what: &'static str) -> Result<(), SelectError> {
        if self.is_definite && self.mode == Mode::Strict { Err(SelectError::Path(what)) } else { Ok(()) }
    }

    fn step(&mut self, step: &Step, next: Option<(&Step, bool)>, is_leaf: bool, nodes: &[u32]) -> Result<Vec<u32>, SelectError> {
        let mut found = Vec::new();
        for &at in nodes {
            let before = found.len();
            match step {
                Step::Members(names) => self.members(names, is_leaf, at, &mut found)?,
                Step::Elements(indexes) => {
                    self.elements(at, &mut found, |count| indexes.iter().filter_map(|index| place(i64::from(*index), count)).collect())?
                }
                Step::Slice { from, to } => self.elements(at, &mut found, |count| slice(*from, *to, count))?,
                Step::All => {
                    found.extend(self.document.elements(at));
                    found.extend(self.document.members(at).map(|(_, value)| value));
                }
                Step::Scan => self.scan(at, next, &mut found)?,
                Step::Filter(condition) => self.filter(condition, at, &mut found)?,
            }
            self.budget.spend(found.len() - before + 1)?;
        }
        self.is_definite &= match step {
            Step::Members(names) => names.len() == 1,
            Step::Elements(indexes) => indexes.len() == 1,
            Step::Slice { .. } | Step::All | Step::Scan | Step::Filter(_) => false,
        };
        Ok(found)
    }

    fn members(&mut self, names: &[String], is_leaf: bool, at: u32, found: &mut Vec<u32>) -> Result<(), SelectError> {
        let Node::Object { count, .. } = self.document.node(at) else { return self.misfit("asks for a member of what is no object") };
        self.budget.spend(count as usize)?;
        for name in names {
            match self.document.member(at, name) {
                Some(value) => found.push(value),
                None if is_leaf || names.len() > 1 => {}
                None => self.misfit("leads nowhere")?,
            }
        }
        Ok(())
    }

    /// Several members at the end of a path: one object of those that are there.
    fn pick(&mut self, names: &[String], nodes: &[u32]) -> Result<Vec<Item<'d>>, SelectError> {
        let mut items = Vec::new();
        for &at in nodes {
            let Node::Object { count, .. } = self.document.node(at) else {
                self.misfit("asks for members of what is no object")?;
                continue;
            };
            self.budget.spend(count as usize)?;
            let mut picked: Vec<(&str, u32)> = Vec::new();
            for member in self.document.members(at).filter(|(key, _)| names.iter().any(|name| name == key)) {
                picked.push(member);
            }
            items.push(Item::Picked(picked));
        }
        Ok(items)
    }

    fn elements(&mut self, at: u32, found: &mut Vec<u32>, places: impl Fn(usize) -> Vec<usize>) -> Result<(), SelectError> {
        let Node::Array { count, .. } = self.document.node(at) else { return self.misfit("asks for an element of what is no array") };
        self.budget.spend(count as usize)?;
        let places = places(count as usize);
        match places.as_slice() {
            [] => {}
            [place] => found.extend(self.document.elements(at).nth(*place)),
            several => {
                let elements: Vec<u32> = self.document.elements(at).collect();
                found.extend(several.iter().filter_map(|place| elements.get(*place)));
            }
        }
        Ok(())
    }

    /// The containers in a node, itself included, that the next step can be applied to.
    fn scan(&mut self, at: u32, next: Option<(&Step, bool)>, found: &mut Vec<u32>) -> Result<(), SelectError> {
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            let node = self.document.node(at);
            self.budget.spend(1)?;
            if !node.is_container() {
                continue;
            }
            let is_object = matches!(node, Node::Object { .. });
            let fits = match next {
                Some((Step::Members(names), is_leaf)) => {
                    // Where all of them are followed further, it is enough that one is there.
                    let needs_all = is_leaf || names.len() == 1;
                    is_object && (!needs_all || names.iter().all(|name| self.document.member(at, name).is_some()))
                }
                Some((Step::Elements(_) | Step::Slice { .. }, _)) => !is_object,
                Some((Step::All, _)) => true,
                Some((Step::Filter(condition), _)) => self.accepts(condition, at)?,
                Some((Step::Scan, _)) | None => false,
            };
            if fits {
                found.push(at);
            }
            let from = open.len();
            open.extend(self.document.elements(at));
            open.extend(self.document.members(at).map(|(_, value)| value));
            open[from..].reverse();
        }
        Ok(())
    }

    fn accepts(&mut self, condition: &Condition, node: u32) -> Result<bool, SelectError> {
        self.budget.spend(1)?;
        condition.holds(&Scope { document: self.document, mode: self.mode, node }, self.budget)
    }

    fn filter(&mut self, condition: &Condition, at: u32, found: &mut Vec<u32>) -> Result<(), SelectError> {
        match self.document.node(at) {
            Node::Object { .. } => found.extend(self.accepts(condition, at)?.then_some(at)),
            Node::Array { .. } => {
                for element in self.document.elements(at) {
                    if self.accepts(condition, element)? {
                        found.push(element);
                    }
                }
            }
            // Not even lax paths filter scalars.
            _ if self.is_definite => return Err(SelectError::Path("filters what is no array and no object")),
            _ => {}
        }
        Ok(())
    }
}

/// The place of an index that may count from the end.
fn place(index: i64, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok()?;
    let place = if index < 0 { count + index } else { index };
    usize::try_from(place).ok().filter(|_| place < count)
}

/// The places of a slice, as Jayway counts them: a start from the end is only worked out where no end is given.
fn slice(from: Option<i32>, to: Option<i32>, count: usize) -> Vec<usize> {
    let length = i64::try_from(count).unwrap_or(i64::MAX);
    let (from, to) = match (from.map(i64::from), to.map(i64::from)) {
        (Some(from), Some(to)) => (from.max(-length), to.min(length)),
        (Some(from), None) => (if from < 0 { (length + from).max(0) } else { from }, length),
        (None, to) => (0, to.map_or(length, |to| if to < 0 { length + to } else { to.min(length) })),
    };
    (from..to).filter_map(|index| place(index, count)).collect()
}
