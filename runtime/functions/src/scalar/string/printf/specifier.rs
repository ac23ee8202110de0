//! The formats of `java.util.Formatter`: `%[index$][flags][width][.precision]conversion`.

/// Characters of one or more flags.
const FLAGS: &str = "-#+ 0,(";

/// A part of a format.
pub(super) enum Piece<'a> {
    Text(&'a str),
    Specifier(Specifier),
}

/// Which argument a specifier takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    Next,
    /// From 1.
    Number(usize),
    /// That of the specifier before.
    Same,
}

/// What an argument is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    Truth,
    Hash,
    Text,
    Character,
    Decimal,
    Octal,
    Hexadecimal,
    Scientific,
    Fixed,
    General,
    HexadecimalFloat,
    Time,
    Percent,
    LineEnd,
}

#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // one per sign of the format
pub(super) struct Flags {
    pub(super) left: bool,
    pub(super) alternate: bool,
    pub(super) plus: bool,
    pub(super) space: bool,
    pub(super) zeros: bool,
    pub(super) group: bool,
    pub(super) parentheses: bool,
}

#[derive(Debug)]
pub(super) struct Specifier {
    pub(super) index: Index,
    pub(super) flags: Flags,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) conversion: Conversion,
    pub(super) is_upper: bool,
}

/// The pieces of a format; `None` when Java refuses it.
pub(super) fn parse(format: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        let (specifier, behind) = Specifier::parse(&rest[at + 1..])?;
        pieces.push(Piece::Specifier(specifier));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Some(pieces)
}

/// Digits at the start of a text, as a number that Java holds in an `int`, and what follows.
fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: i32 = text[..end].parse().ok()?;
    Some((number as usize, &text[end..]))
}

impl Specifier {
    /// Reads what stands behind a percent sign; answers what follows it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (mut rest, mut index, mut width) = (text, Index::Next, None);
        if rest.starts_with(|c: char| ('1'..='9').contains(&c)) {
            let (found, behind) = number(rest)?;
            match behind.strip_prefix('$') {
                Some(behind) => (index, rest) = (Index::Number(found), behind),
                None => (width, rest) = (Some(found), behind),
            }
        } else if let Some(behind) = rest.strip_prefix('<') {
            (index, rest) = (Index::Same, behind);
        }
        let mut flags = Flags::default();
        if width.is_none() {
            while let Some(flag) = rest.chars().next().filter(|c| FLAGS.contains(*c)) {
                // A flag that is written twice is refused.
                flags.set(flag)?;
                rest = &rest[1..];
            }
            if rest.starts_with(|c: char| c.is_ascii_digit()) {
                let (found, behind) = number(rest)?;
                (width, rest) = (Some(found), behind);
            }
        }
        let mut precision = None;
        if let Some(behind) = rest.strip_prefix('.') {
            let (found, behind) = number(behind)?;
            (precision, rest) = (Some(found), behind);
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        let (conversion, is_upper) = conversion(letter)?;
        if conversion == Conversion::Time {
            rest = rest.get(rest.chars().next()?.len_utf8()..)?;
        }
        let specifier = Self { index, flags, width, precision, conversion, is_upper };
        specifier.is_allowed().then_some((specifier, rest))
    }

    /// Whether flags, width and precision go with the conversion and with each other.
    fn is_allowed(&self) -> bool {
        let Flags { left, alternate, plus, space, zeros, group, parentheses } = self.flags;
        let is_bare = !(alternate || plus || space || zeros || group || parentheses);
        // What pads needs to know how far.
        let is_wide_enough = self.width.is_some() || !(left || zeros);
        let is_number = is_wide_enough && !(plus && space || left && zeros);
        let is_whole = self.precision.is_none();
        match self.conversion {
            Conversion::Truth | Conversion::Hash => is_bare && is_wide_enough,
            Conversion::Text => !(plus || space || zeros || group || parentheses) && is_wide_enough,
            Conversion::Character | Conversion::Percent => is_whole && is_bare && is_wide_enough,
            Conversion::Decimal => is_whole && is_number && !alternate,
            Conversion::Octal | Conversion::Hexadecimal => is_whole && is_number && !group,
            Conversion::Fixed => is_number,
            Conversion::Scientific => is_number && !group,
            Conversion::General => is_number && !alternate,
            Conversion::HexadecimalFloat => is_number && !group && !parentheses,
            Conversion::Time => is_whole && is_bare,
            Conversion::LineEnd => is_whole && is_bare && !left && self.width.is_none(),
        }
    }
}

impl Flags {
    fn set(&mut self, flag: char) -> Option<()> {
        let place = match flag {
            '-' => &mut self.left,
            '#' => &mut self.alternate,
            '+' => &mut self.plus,
            ' ' => &mut self.space,
            '0' => &mut self.zeros,
            ',' => &mut self.group,
            _ => &mut self.parentheses,
        };
        (!std::mem::replace(place, true)).then_some(())
    }
}

fn conversion(letter: char) -> Option<(Conversion, bool)> {
    let conversion = match letter.to_ascii_lowercase() {
        'b' => Conversion::Truth,
        'h' => Conversion::Hash,
        's' => Conversion::Text,
        'c' => Conversion::Character,
        'd' => Conversion::Decimal,
        'o' => Conversion::Octal,
        'x' => Conversion::Hexadecimal,
        'e' => Conversion::Scientific,
        'f' => Conversion::Fixed,
        'g' => Conversion::General,
        'a' => Conversion::HexadecimalFloat,
        't' => Conversion::Time,
        '%' => Conversion::Percent,
        'n' => Conversion::LineEnd,
        _ => return None,
    };
    let is_upper = letter.is_ascii_uppercase();
    (!is_upper || "BHSCXEGAT".contains(letter)).then_some((conversion, is_upper))
}
