//! The structure of a class file, so far as nothing in it can surprise a compiler: JVMS 17, chapter 4.
//!
//! Invariant: every length and index is checked before it is followed. Code is not verified here: the compilers read it,
//! in a cage, and what they make of it runs in the sandbox.

use super::{Finding, shown};

const MAGIC: u32 = 0xcafe_babe;
const NATIVE: u16 = 0x0100;
const PREVIEW: u16 = u16::MAX;
/// Java 1.1: nothing older is around.
const VERSION_MIN: u16 = 45;
const VERSION_OF_JAVA_1: u16 = 44;
const RECOMPILE: &str = "compile it with `--release 17`";

/// What a constant is, as far as references to it are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constant<'a> {
    /// The second half of a `long` or `double`, or index 0.
    Nothing,
    Text(&'a [u8]),
    Class(u16),
    NameAndType(u16, u16),
    Text1(u16),
    Member(u16, u16),
    Dynamic(u16),
    Handle(u8, u16),
    Number,
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// What is wrong inside, without the class's name.
struct Wrong(String);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let (found, rest) = self.rest.split_at_checked(count).ok_or_else(|| Wrong("it is cut off".into()))?;
        self.rest = rest;
        Ok(found)
    }

    fn u8(&mut self) -> Result<u8, Wrong> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn u16(&mut self) -> Result<u16, Wrong> {
        Ok(self.take(2)?.iter().fold(0, |value, byte| value << 8 | u16::from(*byte)))
    }

    fn u32(&mut self) -> Result<u32, Wrong> {
        Ok(self.take(4)?.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }
}

/// Checks the class file at `path` (without `.class`).
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &str, bytes: &[u8], version_max: u16) -> Result<(), Finding> {
    let mut reader = Reader { rest: bytes };
    let malformed = |Wrong(why): Wrong| Finding::of_class(path, format!("class file `{}.class` is malformed: {why}", shown(path)), None);
    check_version(path, &mut reader, version_max)?;
    let constants = read_constants(&mut reader).map_err(malformed)?;
    check_references(&constants).map_err(malformed)?;
    reader.u16().map_err(malformed)?;
    let index = reader.u16().map_err(malformed)?;
    let name = class_name(&constants, index).map_err(malformed)?;
    if name != path.as_bytes() {
        let found = shown(&String::from_utf8_lossy(name));
        let message = format!("the file `{}.class` holds the class `{found}`; expected the class of its path", shown(path));
        return Err(Finding::of_class(path, message, None));
    }
    check_constants(path, &constants)?;
    let super_index = reader.u16().map_err(malformed)?;
    if super_index != 0 {
        class_name(&constants, super_index).map_err(malformed)?;
    }
    for _ in 0..reader.u16().map_err(malformed)? {
        let interface = reader.u16().map_err(malformed)?;
        class_name(&constants, interface).map_err(malformed)?;
    }
    for is_method in [false, true] {
        for _ in 0..reader.u16().map_err(malformed)? {
            let (flags, member) = read_member(&mut reader, &constants).map_err(malformed)?;
            if is_method && flags & NATIVE != 0 {
                return Err(native(path, member));
            }
        }
    }
    read_attributes(&mut reader, &constants).map_err(malformed)?;
    if reader.rest.is_empty() { Ok(()) } else { Err(malformed(Wrong("something follows its end".into()))) }
}

fn check_version(path: &str, reader: &mut Reader<'_>, version_max: u16) -> Result<(), Finding> {
    let cut_off = |_: Wrong| Finding::of_class(path, format!("class file `{}.class` is malformed: it is cut off", shown(path)), None);
    if reader.u32().map_err(cut_off)? != MAGIC {
        let message = format!("`{}.class` is not a class file: it does not begin with CAFEBABE", shown(path));
        return Err(Finding::of_class(path, message, None));
    }
    let (minor, major) = (reader.u16().map_err(cut_off)?, reader.u16().map_err(cut_off)?);
    if minor == PREVIEW {
        let message = format!("class `{}` uses preview features of Java", shown(path));
        return Err(Finding::of_class(path, message, Some(RECOMPILE)));
    }
    if !(VERSION_MIN..=version_max).contains(&major) {
        let java = |version: u16| version.saturating_sub(VERSION_OF_JAVA_1);
        let message = format!(
            "class `{}` has version {major} (Java {}), expected at most {version_max} (Java {})",
            shown(path),
            java(major),
            java(version_max)
        );
        return Err(Finding::of_class(path, message, Some(RECOMPILE)));
    }
    Ok(())
}

fn read_constants<'a>(reader: &mut Reader<'a>) -> Result<Vec<Constant<'a>>, Wrong> {
    let count = usize::from(reader.u16()?);
    let mut constants = Vec::with_capacity(count);
    constants.push(Constant::Nothing);
    while constants.len() < count {
        let tag = reader.u8()?;
        let constant = match tag {
            1 => {
                let bytes = usize::from(reader.u16()?);
                Constant::Text(text(reader.take(bytes)?)?)
            }
            3 | 4 => reader.take(4).map(|_| Constant::Number)?,
            5 | 6 => reader.take(8).map(|_| Constant::Number)?,
            7 => Constant::Class(reader.u16()?),
            8 | 16 | 19 | 20 => Constant::Text1(reader.u16()?),
            9..=11 => Constant::Member(reader.u16()?, reader.u16()?),
            12 => Constant::NameAndType(reader.u16()?, reader.u16()?),
            15 => Constant::Handle(reader.u8()?, reader.u16()?),
            17 | 18 => {
                reader.u16()?;
                Constant::Dynamic(reader.u16()?)
            }
            other => return Err(Wrong(format!("constant {} has the unknown tag {other}", constants.len()))),
        };
        constants.push(constant);
        if matches!(tag, 5 | 6) {
            constants.push(Constant::Nothing);
        }
    }
    if constants.len() > count.max(1) { Err(Wrong("its last constant needs two places".into())) } else { Ok(constants) }
}

/// Java's own UTF-8: no zero byte, none above 0xef; sequences must be whole.
fn text(bytes: &[u8]) -> Result<&[u8], Wrong> {
    let wrong = || Wrong("a text is not in Java's UTF-8".into());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let more = match first {
            0x01..=0x7f => 0,
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            _ => return Err(wrong()),
        };
        let (following, after) = after.split_at_checked(more).ok_or_else(wrong)?;
        if following.iter().any(|byte| byte & 0xc0 != 0x80) {
            return Err(wrong());
        }
        rest = after;
    }
    Ok(bytes)
}

/// Every index in the constant pool leads to a constant of its kind.
fn check_references(constants: &[Constant<'_>]) -> Result<(), Wrong> {
    let at = |index: u16| constants.get(usize::from(index)).copied().unwrap_or(Constant::Nothing);
    let is_text = |index: u16| matches!(at(index), Constant::Text(_));
    let is_name = |index: u16| matches!(at(index), Constant::NameAndType(..));
    for (index, constant) in constants.iter().enumerate() {
        let holds = match *constant {
            Constant::Nothing | Constant::Text(_) | Constant::Number => true,
            Constant::Class(name) | Constant::Text1(name) => is_text(name),
            Constant::NameAndType(name, descriptor) => is_text(name) && is_text(descriptor),
            Constant::Member(class, name) => matches!(at(class), Constant::Class(_)) && is_name(name),
            Constant::Dynamic(name) => is_name(name),
            Constant::Handle(kind, member) => (1..=9).contains(&kind) && matches!(at(member), Constant::Member(..)),
        };
        if !holds {
            return Err(Wrong(format!("constant {index} refers to one that is not there or of another kind")));
        }
    }
    Ok(())
}

fn class_name<'a>(constants: &[Constant<'a>], index: u16) -> Result<&'a [u8], Wrong> {
    match constants.get(usize::from(index)) {
        Some(Constant::Class(name)) => name_at(constants, *name),
        _ => Err(Wrong(format!("constant {index} is not a class"))),
    }
}

fn name_at<'a>(constants: &[Constant<'a>], index: u16) -> Result<&'a [u8], Wrong> {
    match constants.get(usize::from(index)) {
        Some(Constant::Text(text)) => Ok(text),
        _ => Err(Wrong(format!("constant {index} is not a text"))),
    }
}

/// Flags and name of a field or method.
fn read_member<'a>(reader: &mut Reader<'a>, constants: &[Constant<'a>]) -> Result<(u16, &'a [u8]), Wrong> {
    let flags = reader.u16()?;
    let name = reader.u16()?;
    let name = name_at(constants, name)?;
    let descriptor = reader.u16()?;
    name_at(constants, descriptor)?;
    read_attributes(reader, constants)?;
    Ok((flags, name))
}

fn read_attributes(reader: &mut Reader<'_>, constants: &[Constant<'_>]) -> Result<(), Wrong> {
    for _ in 0..reader.u16()? {
        let name = reader.u16()?;
        name_at(constants, name)?;
        let bytes = reader.u32()? as usize;
        reader.take(bytes)?;
    }
    Ok(())
}

/// A Scala macro is code that the compiler runs: whoever implements one names these classes.
fn check_constants(path: &str, constants: &[Constant<'_>]) -> Result<(), Finding> {
    const MACROS: &[u8] = b"scala/reflect/macros/";
    let names_macros = |constant: &Constant<'_>| match constant {
        Constant::Text(text) => text.windows(MACROS.len()).any(|window| window == MACROS),
        _ => false,
    };
    if constants.iter().any(names_macros) {
        let message = format!("class `{}` implements Scala macros, which would run within the compiler", shown(path));
        return Err(Finding::of_class(
            path,
            message,
            Some("use a library without macros, or compile the code that needs them before it is uploaded"),
        ));
    }
    Ok(())
}

fn native(path: &str, method: &[u8]) -> Finding {
    let method = format!("{}.{}", path.replace('/', "."), String::from_utf8_lossy(method));
    let message = format!("method `{}` is native: it calls code of the machine, which a component cannot", shown(&method));
    Finding { method: Some(shown(&method)), ..Finding::of_class(path, message, Some("use a library in plain Java")) }
}
