//! `table MATCH_RECOGNIZE (…)`.

use super::{Parser, token::Kind};
use crate::{
    ast::{
        Definition, Expression, MatchRecognize, Measure, Pattern, PatternKind, Quantifier, Skip, SkipTo, Span, Subset, TableReference,
        TableReferenceKind,
    },
    error::SqlError,
};

impl Parser<'_> {
    /// The clause behind `input`, if there is one.
    pub(super) fn match_recognize(&mut self, input: TableReference) -> Result<TableReference, SqlError> {
        if !self.is_word("MATCH_RECOGNIZE") {
            return Ok(input);
        }
        self.enter()?;
        self.peak = self.peak.max(self.level);
        let start = self.span();
        self.advance();
        if self.kind() == Kind::LeftParen && self.kind_at(self.closing_at(0)) != Kind::RightParen {
            return Err(SqlError::new("sql.unterminated", "`MATCH_RECOGNIZE (` is not closed; expected `)`", self.span()));
        }
        self.expect(Kind::LeftParen)?;
        let mut clause = self.match_clauses(input)?;
        self.expect(Kind::RightParen)?;
        self.leave();
        clause.span = self.since(start);
        let span = clause.input.span.to(clause.span);
        Ok(TableReference { kind: TableReferenceKind::MatchRecognize(Box::new(clause)), alias: None, span })
    }

    fn match_clauses(&mut self, input: TableReference) -> Result<MatchRecognize, SqlError> {
        let partition_by = if self.eat_word("PARTITION") {
            self.expect_word("BY")?;
            self.comma_separated(Self::expression)?
        } else {
            Vec::new()
        };
        let order_by = self.order_by()?;
        let measures = if self.eat_word("MEASURES") { self.comma_separated(Self::measure)? } else { Vec::new() };
        let all_rows = self.rows_per_match()?;
        let skip = self.skip()?;
        if !self.is_word("PATTERN") {
            let error = self.expected("`PATTERN`");
            let clauses = ["PARTITION", "ORDER", "MEASURES", "ONE", "ALL", "AFTER", "PATTERN"];
            let error = self.with_near(error, clauses.into_iter());
            return Err(match error.hint {
                Some(_) => error,
                None => error.with_hint(
                    "the clauses are PARTITION BY, ORDER BY, MEASURES, ONE ROW PER MATCH, AFTER MATCH SKIP, PATTERN, WITHIN, DEFINE, in this order",
                ),
            });
        }
        self.advance();
        self.expect(Kind::LeftParen)?;
        let pattern = self.whole_pattern()?;
        self.expect(Kind::RightParen)?;
        let within = if self.eat_word("WITHIN") { Some(self.within()?) } else { None };
        let subsets = if self.eat_word("SUBSET") { self.comma_separated(Self::subset)? } else { Vec::new() };
        self.expect_word("DEFINE")?;
        let definitions = self.comma_separated(Self::definition)?;
        Ok(MatchRecognize {
            input,
            partition_by,
            order_by,
            measures,
            all_rows,
            skip,
            pattern,
            within,
            subsets,
            definitions,
            span: Span::default(),
        })
    }

    fn measure(&mut self) -> Result<Measure, SqlError> {
        let expression = self.expression()?;
        if !self.is_word("AS") {
            return Err(self.expected("`AS`").with_hint("each measure needs a name: `expression AS name`"));
        }
        self.advance();
        Ok(Measure { expression, name: self.identifier("the name of a measure")? })
    }

    /// `ONE ROW PER MATCH`, `ALL ROWS PER MATCH […]`; the place of the latter.
    fn rows_per_match(&mut self) -> Result<Option<Span>, SqlError> {
        let start = self.span();
        if self.eat_word("ONE") {
            self.expect_words(&["ROW", "PER", "MATCH"])?;
            return Ok(None);
        }
        if !self.eat_word("ALL") {
            return Ok(None);
        }
        self.expect_words(&["ROWS", "PER", "MATCH"])?;
        let endings: [&[&str]; 3] = [&["SHOW", "EMPTY", "MATCHES"], &["OMIT", "EMPTY", "MATCHES"], &["WITH", "UNMATCHED", "ROWS"]];
        let _ = endings.iter().any(|words| self.eat_words(words));
        Ok(Some(self.since(start)))
    }

    fn skip(&mut self) -> Result<Option<Skip>, SqlError> {
        let start = self.span();
        if !self.eat_word("AFTER") {
            return Ok(None);
        }
        self.expect_words(&["MATCH", "SKIP"])?;
        let to = if self.eat_word("PAST") {
            self.expect_words(&["LAST", "ROW"])?;
            SkipTo::PastLastRow
        } else {
            self.expect_word("TO")?;
            self.skip_target()?
        };
        Ok(Some(Skip { to, span: self.since(start) }))
    }

    fn skip_target(&mut self) -> Result<SkipTo, SqlError> {
        const VARIABLE: &str = "`NEXT ROW`, `FIRST variable`, `LAST variable` or a variable of the pattern";
        if self.is_word("NEXT") {
            self.advance();
            self.expect_word("ROW")?;
            return Ok(SkipTo::NextRow);
        }
        // FIRST and LAST are names too.
        let is_named = matches!(self.kind_at(1), Kind::Word | Kind::QuotedName) && !self.is_word_at(1, "PATTERN");
        if is_named && self.eat_word("FIRST") {
            return Ok(SkipTo::First(self.identifier(VARIABLE)?));
        }
        if is_named {
            self.eat_word("LAST");
        }
        Ok(SkipTo::Last(self.identifier(VARIABLE)?))
    }

    fn within(&mut self) -> Result<Expression, SqlError> {
        if !self.is_word("INTERVAL") {
            return Err(self.expected("an interval").with_hint("write it as in `WITHIN INTERVAL '10' MINUTE`"));
        }
        self.interval()
    }

    fn subset(&mut self) -> Result<Subset, SqlError> {
        let name = self.identifier("the name of a subset")?;
        self.expect(Kind::Equal)?;
        Ok(Subset { name, variables: self.identifier_list("a variable of the pattern")? })
    }

    fn definition(&mut self) -> Result<Definition, SqlError> {
        let variable = self.identifier("a variable of the pattern")?;
        self.expect_word("AS")?;
        Ok(Definition { variable, condition: self.expression()? })
    }

    /// A pattern between its anchors.
    fn whole_pattern(&mut self) -> Result<Pattern, SqlError> {
        let start = self.span();
        let mut parts = Vec::new();
        if self.at_sign("^") {
            self.advance();
            parts.push(Pattern { kind: PatternKind::Start, span: start });
        }
        parts.push(self.pattern()?);
        if self.is_word("$") {
            let span = self.span();
            self.advance();
            parts.push(Pattern { kind: PatternKind::End, span });
        }
        Ok(self.joined(parts, start, PatternKind::Concatenation))
    }

    /// `a b | c`
    fn pattern(&mut self) -> Result<Pattern, SqlError> {
        self.enter()?;
        self.peak = self.peak.max(self.level);
        let start = self.span();
        let mut choices = vec![self.pattern_sequence()?];
        while self.at_sign("|") {
            self.advance();
            choices.push(self.pattern_sequence()?);
        }
        self.leave();
        Ok(self.joined(choices, start, PatternKind::Alternation))
    }

    fn pattern_sequence(&mut self) -> Result<Pattern, SqlError> {
        let start = self.span();
        let mut parts = vec![self.pattern_factor()?];
        while self.kind() == Kind::LeftParen || self.at_sign("{") || (self.at_identifier() || self.is_word("PERMUTE")) && !self.is_word("$")
        {
            parts.push(self.pattern_factor()?);
        }
        Ok(self.joined(parts, start, PatternKind::Concatenation))
    }

    /// The only part itself, or all of them as one.
    fn joined(&self, mut parts: Vec<Pattern>, start: Span, kind: fn(Vec<Pattern>) -> PatternKind) -> Pattern {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                Pattern { kind: kind(parts), span: self.since(start) }
            }
        }
    }

    fn pattern_factor(&mut self) -> Result<Pattern, SqlError> {
        let start = self.span();
        let pattern = self.pattern_primary()?;
        let Some(quantifier) = self.quantifier()? else { return Ok(pattern) };
        Ok(Pattern { kind: PatternKind::Quantified { pattern: Box::new(pattern), quantifier }, span: self.since(start) })
    }

    fn pattern_primary(&mut self) -> Result<Pattern, SqlError> {
        let start = self.span();
        let kind = if self.is_word("PERMUTE") && self.kind_at(1) == Kind::LeftParen {
            self.advance();
            PatternKind::Permutation(self.in_parentheses(Self::pattern)?)
        } else if self.eat(Kind::LeftParen) {
            let inner = self.pattern()?;
            self.expect(Kind::RightParen)?;
            PatternKind::Group(Box::new(inner))
        } else if self.at_sign("{") && self.kind_at(1) == Kind::Minus {
            self.advance();
            self.advance();
            let inner = self.pattern()?;
            self.expect(Kind::Minus)?;
            self.expect_sign("}")?;
            PatternKind::Exclusion(Box::new(inner))
        } else {
            PatternKind::Variable(self.identifier("a variable of the pattern")?)
        };
        Ok(Pattern { kind, span: self.since(start) })
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`, `{,m}`, each perhaps with a `?`.
    fn quantifier(&mut self) -> Result<Option<Quantifier>, SqlError> {
        let start = self.span();
        let (least, most) = match self.kind() {
            Kind::Star => (Some(0), None),
            Kind::Plus => (Some(1), None),
            Kind::Other if self.at_sign("?") => (Some(0), Some(1)),
            Kind::Other if self.at_sign("{") && self.kind_at(1) != Kind::Minus => {
                self.advance();
                let bounds = self.quantifier_bounds()?;
                if !self.at_sign("}") {
                    return Err(self.expected("`}`"));
                }
                bounds
            }
            _ => return Ok(None),
        };
        self.advance();
        let is_reluctant = self.at_sign("?");
        if is_reluctant {
            self.advance();
        }
        Ok(Some(Quantifier { least, most, is_reluctant, span: self.since(start) }))
    }

    fn quantifier_bounds(&mut self) -> Result<(Option<u32>, Option<u32>), SqlError> {
        const NUMBER: &str = "a number of rows";
        if self.eat(Kind::Comma) {
            return Ok((None, Some(self.whole_number(NUMBER)?.0)));
        }
        let (least, _) = self.whole_number(NUMBER)?;
        if !self.eat(Kind::Comma) {
            return Ok((Some(least), Some(least)));
        }
        let most = if self.kind() == Kind::Number { Some(self.whole_number(NUMBER)?.0) } else { None };
        Ok((Some(least), most))
    }

    /// Whether a sign comes next that has a meaning in patterns only.
    fn at_sign(&self, sign: &str) -> bool {
        self.kind() == Kind::Other && self.raw(self.span()) == sign
    }

    fn expect_sign(&mut self, sign: &str) -> Result<(), SqlError> {
        if !self.at_sign(sign) {
            return Err(self.expected(&format!("`{sign}`")));
        }
        self.advance();
        Ok(())
    }
}
