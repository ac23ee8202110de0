//! From text to steps.

use super::{Function, PathError, Step, Steps, filter, invalid};

/// Most steps of a path.
const STEPS_MAX: usize = 1_000;

/// The steps of a path without its mode. `depth` counts the filters that it stands in.
pub(super) fn parse(text: &str, depth: usize) -> Result<Steps, PathError> {
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    // A path that begins with a blank is taken for a name, as in Jayway.
    let root = if text.starts_with(['$', '@']) { "" } else { "$." };
    let rooted: Vec<char> = root.chars().chain(text.trim_end_matches(' ').chars()).collect();
    if rooted.last() == Some(&'.') {
        return Err(invalid("it ends with a dot"));
    }
    let mut parser = PathParser { text: &rooted, at: 1, depth, steps: Vec::new(), function: None };
    if rooted.len() > 1 {
        if !matches!(parser.peek(), Some('.' | '[')) {
            return Err(parser.unexpected("`.` or `[`"));
        }
        parser.steps()?;
    }
    let PathParser { steps, function, .. } = parser;
    if matches!(steps.last(), Some(Step::Scan)) {
        if function.is_some() {
            return Err(PathError::Unsupported("a function behind `..`".to_owned()));
        }
        return Err(invalid("it ends with `..`"));
    }
    if function.is_some() && steps.iter().any(|step| matches!(step, Step::Scan)) {
        return Err(PathError::Unsupported("a function behind `..`".to_owned()));
    }
    let last = steps.len().saturating_sub(1);
    let is_definite = steps.iter().enumerate().all(|(position, step)| match step {
        // Several members at the end become one object.
        Step::Members(names) => names.len() == 1 || (position == last && function.is_none()),
        Step::Elements(indexes) => indexes.len() == 1,
        Step::Slice { .. } | Step::All | Step::Scan | Step::Filter(_) => false,
    });
    let is_plain = function.is_none()
        && steps.iter().all(|step| match step {
            Step::Members(names) => names.len() == 1,
            Step::Elements(indexes) => indexes.len() == 1,
            _ => false,
        });
    Ok(Steps { steps, function, is_definite, is_plain })
}

struct PathParser<'p> {
    text: &'p [char],
    at: usize,
    depth: usize,
    steps: Vec<Step>,
    function: Option<Function>,
}

impl PathParser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn unexpected(&self, expected: &str) -> PathError {
        invalid(format!("{expected} is expected at character {}", self.at + 1))
    }

    /// The position of the first character from `from` that is no blank.
    fn significant(&self, from: usize) -> usize {
        from + self.text.iter().skip(from).take_while(|c| **c == ' ').count()
    }

    /// As in Jayway, whose last character has no meaning behind a step that ends by itself.
    fn is_at_end(&self) -> bool {
        self.at + 1 >= self.text.len()
    }

    fn steps(&mut self) -> Result<(), PathError> {
        loop {
            if self.steps.len() > STEPS_MAX {
                return Err(PathError::Unsupported(format!("more than {STEPS_MAX} steps")));
            }
            if self.function.is_some() {
                return Err(PathError::Unsupported("something behind a function".to_owned()));
            }
            match self.peek() {
                Some('[') => self.bracket()?,
                Some('.') => {
                    self.dot()?;
                    continue;
                }
                Some('*') => {
                    self.at += 1;
                    self.steps.push(Step::All);
                }
                _ => {
                    self.name()?;
                    if self.at >= self.text.len() {
                        return Ok(());
                    }
                }
            }
            if self.is_at_end() {
                return Ok(());
            }
        }
    }

    fn dot(&mut self) -> Result<(), PathError> {
        self.at += 1;
        if self.peek() == Some('.') {
            self.at += 1;
            self.steps.push(Step::Scan);
        }
        match self.peek() {
            Some('.') | None => Err(self.unexpected("a name")),
            Some(_) => Ok(()),
        }
    }

    /// `name` or `name()`
    fn name(&mut self) -> Result<(), PathError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| matches!(c, '.' | '[' | '(' | ' ')).unwrap_or(rest.len());
        let name: String = rest.iter().take(length).collect();
        self.at += length;
        match self.peek() {
            Some(' ') => Err(invalid("a name with a blank is written ['a b']")),
            Some('(') => {
                self.at += 1;
                self.function = Some(self.function(&name)?);
                // The parenthesis itself may be the last character.
                if !self.is_at_end() {
                    return Err(PathError::Unsupported("something behind a function".to_owned()));
                }
                Ok(())
            }
            _ if name.is_empty() => Err(self.unexpected("a name")),
            _ => {
                self.steps.push(Step::Members(vec![name]));
                Ok(())
            }
        }
    }

    /// The function behind `name(`; only `index` takes an argument here.
    fn function(&mut self, name: &str) -> Result<Function, PathError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| *c == ')').ok_or_else(|| invalid(format!("`{name}(` has no end")))?;
        let argument: String = rest.iter().take(length).collect();
        self.at += length;
        match (name, argument.trim()) {
            ("index", place) => match place.parse() {
                Ok(place) => Ok(Function::Index(place)),
                Err(_) => Err(PathError::Unsupported("`index` of what is no number".to_owned())),
            },
            (_, "") => Ok(Function::named(name)),
            _ => Err(PathError::Unsupported("a function with arguments".to_owned())),
        }
    }

    fn bracket(&mut self) -> Result<(), PathError> {
        let first = self.significant(self.at + 1);
        match self.text.get(first) {
            Some(quote @ ('\'' | '"')) => self.names(*quote),
            Some('0'..='9' | '-' | ':') => self.indexes(),
            Some('*') => {
                let close = self.significant(first + 1);
                if self.text.get(close) != Some(&']') {
                    return Err(invalid("`[*` has no end"));
                }
                self.at = close + 1;
                self.steps.push(Step::All);
                Ok(())
            }
            Some('?') => {
                let (condition, behind) = filter::parse(self.text, self.at, first, self.depth)?;
                self.at = behind;
                self.steps.push(Step::Filter(condition));
                Ok(())
            }
            _ => Err(self.unexpected("a name in quotes, a number, `*` or `?` in brackets")),
        }
    }

    /// `['a', 'b']`
    fn names(&mut self, quote: char) -> Result<(), PathError> {
        let mut names = Vec::new();
        let mut at = self.at + 1;
        loop {
            at = self.significant(at);
            if self.text.get(at) != Some(&quote) {
                return Err(invalid("a name in brackets is missing"));
            }
            let (name, behind) = quoted(self.text, at).ok_or_else(|| invalid("a name in brackets has no end"))?;
            names.push(name);
            at = self.significant(behind);
            match self.text.get(at) {
                Some(',') => at += 1,
                Some(']') => break,
                _ => return Err(invalid("a comma or `]` is expected behind a name in brackets")),
            }
        }
        self.at = at + 1;
        self.steps.push(Step::Members(names));
        Ok(())
    }

    /// `[1]`, `[1,2]`, `[1:2]`
    fn indexes(&mut self) -> Result<(), PathError> {
        let inside = self.text.get(self.at + 1..).unwrap_or_default();
        let length = inside.iter().position(|c| *c == ']').ok_or_else(|| invalid("`[` has no end"))?;
        let text: String = inside.iter().take(length).collect();
        let text = text.trim();
        let number = |digits: &str| digits.parse::<i32>().map_err(|_| invalid(format!("`{digits}` is no index of an array")));
        if let Some((from, to)) = text.split_once(':') {
            let bound = |digits: &str| if digits.is_empty() { Ok(None) } else { number(digits).map(Some) };
            let (from, to) = (bound(from)?, bound(to.split(':').next().unwrap_or_default())?);
            if from.is_none() && to.is_none() {
                return Err(invalid("a slice without bounds"));
            }
            self.steps.push(Step::Slice { from, to });
        } else {
            let indexes = text.split(',').map(|digits| number(digits.trim())).collect::<Result<Vec<_>, _>>()?;
            self.steps.push(Step::Elements(indexes));
        }
        self.at += length + 2;
        Ok(())
    }
}

/// The text in quotes that stands at `start`, unescaped, and the position behind it.
pub(super) fn quoted(text: &[char], start: usize) -> Option<(String, usize)> {
    let quote = *text.get(start)?;
    let mut value = String::new();
    let mut at = start + 1;
    loop {
        let character = *text.get(at)?;
        at += 1;
        if character == quote {
            return Some((value, at));
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        let escaped = *text.get(at)?;
        at += 1;
        value.push(match escaped {
            'r' => '\r',
            'f' => '\u{c}',
            't' => '\t',
            'n' => '\n',
            'b' => '\u{8}',
            'u' => {
                let digits: String = text.get(at..at + 4)?.iter().collect();
                at += 4;
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?).unwrap_or('?')
            }
            other => other,
        });
    }
}
