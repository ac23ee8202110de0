//! `PATTERN (…)`: from its tree to variables in a row, and what Flink's patterns cannot be.

use super::Binder;
use crate::{
    ast::{Identifier, Pattern, PatternKind, Quantifier, Span},
    error::SqlError,
};

/// Rows that the variables of a pattern ask for at least, or at most where that is bounded, together.
const PATTERN_ROWS_MAX: u64 = 10_000;

/// A variable of a pattern and how often it comes.
pub(super) struct Part<'p> {
    pub name: &'p Identifier,
    pub least: u32,
    pub most: Option<u32>,
    pub is_greedy: bool,
    span: Span,
}

impl Binder<'_> {
    /// The variables in their order.
    pub(super) fn pattern_parts<'p>(&self, pattern: &'p Pattern) -> Result<Vec<Part<'p>>, SqlError> {
        let mut parts = Vec::new();
        self.add_parts(pattern, &mut parts)?;
        for (position, part) in parts.iter().enumerate() {
            if parts[..position].iter().any(|earlier: &Part<'_>| earlier.name.value == part.name.value) {
                let message = format!("`{}` stands twice in the pattern", part.name.value);
                let error = self.error("sql.unsupported", message, part.span);
                return Err(error.with_hint("give each place a variable of its own, with the same condition behind DEFINE"));
            }
        }
        if parts.iter().all(|part| part.least == 0) {
            let error = self.error("sql.unsupported", "this pattern could match no row at all", pattern.span);
            return Err(error.with_hint("at least one variable must take a row: write it without `*` and `?`, or with `+`"));
        }
        if let Some(last) = parts.last().filter(|last| last.is_greedy) {
            let message = format!("`{}` takes as many rows as possible, but nothing behind it says where they end", last.name.value);
            let error = self.error("sql.unsupported", message, last.span);
            return Err(error.with_hint("put a `?` behind the quantifier, or end the pattern with a variable that takes one row"));
        }
        let behind_greedy = parts.windows(2).find_map(|pair| match pair {
            [greedy, optional] if greedy.is_greedy && optional.least == 0 => Some((greedy, optional)),
            _ => None,
        });
        if let Some((greedy, optional)) = behind_greedy {
            let (greedy, optional_name) = (&greedy.name.value, &optional.name.value);
            let message = format!("`{optional_name}` may be left out, and `{greedy}` before it takes as many rows as possible");
            let error = self.error("sql.unsupported", message, optional.span);
            return Err(error.with_hint(format!("make `{greedy}` reluctant by a `?` behind its quantifier")));
        }
        let rows: u64 = parts.iter().map(|part| u64::from(part.most.unwrap_or(part.least))).sum();
        if rows > PATTERN_ROWS_MAX {
            let message = format!("the quantifiers count up to {rows} rows, at most {PATTERN_ROWS_MAX} are possible");
            return Err(self.error("sql.too_long", message, pattern.span));
        }
        Ok(parts)
    }

    fn add_parts<'p>(&self, pattern: &'p Pattern, parts: &mut Vec<Part<'p>>) -> Result<(), SqlError> {
        let refuse = |what: &str, hint: &str| Err(self.error("sql.unsupported", what, pattern.span).with_hint(hint));
        match &pattern.kind {
            PatternKind::Concatenation(inner) => inner.iter().try_for_each(|part| self.add_parts(part, parts)),
            PatternKind::Group(inner) => self.add_parts(inner, parts),
            // Flink reads anchors and takes no notice of them.
            PatternKind::Start | PatternKind::End => Ok(()),
            PatternKind::Variable(name) => {
                parts.push(Part { name, least: 1, most: Some(1), is_greedy: false, span: pattern.span });
                Ok(())
            }
            PatternKind::Quantified { pattern: inner, quantifier } => self.add_quantified(inner, *quantifier, pattern.span, parts),
            PatternKind::Alternation(_) => refuse(
                "alternatives (`|`) in a pattern are not supported",
                "write one variable whose condition joins theirs by OR, or a query for each and UNION ALL",
            ),
            PatternKind::Permutation(_) => {
                refuse("PERMUTE is not supported", "write a query for each order of the variables, and UNION ALL")
            }
            PatternKind::Exclusion(_) => {
                refuse("`{- -}` is not supported: a match is one row", "leave the braces away; MEASURES says what comes out")
            }
        }
    }

    fn add_quantified<'p>(
        &self,
        inner: &'p Pattern,
        quantifier: Quantifier,
        span: Span,
        parts: &mut Vec<Part<'p>>,
    ) -> Result<(), SqlError> {
        let mut variable = inner;
        while let PatternKind::Group(inner) = &variable.kind {
            variable = inner;
        }
        let PatternKind::Variable(name) = &variable.kind else {
            self.add_parts(variable, &mut Vec::new())?;
            let error = self.error("sql.unsupported", "several variables cannot be repeated together", span);
            return Err(error.with_hint("quantifiers stand behind single variables"));
        };
        let (least, most) = (quantifier.least.unwrap_or(0), quantifier.most);
        let error = |message: String| self.error("sql.invalid_pattern", message, quantifier.span);
        if most == Some(0) {
            return Err(error(format!("`{}` would take no row; leave it out", name.value)));
        }
        if let Some(most) = most.filter(|most| *most < least) {
            return Err(error(format!("`{}` would take at least {least} and at most {most} rows", name.value)));
        }
        let is_optional = (least, most) == (0, Some(1));
        if is_optional && quantifier.is_reluctant {
            let error = self.error("sql.unsupported", format!("`{}??` is not supported", name.value), quantifier.span);
            return Err(error.with_hint(format!("write `{}?`, which takes the row if it can", name.value)));
        }
        let is_greedy = !quantifier.is_reluctant && !is_optional && most != Some(least);
        parts.push(Part { name, least, most, is_greedy, span });
        Ok(())
    }
}
