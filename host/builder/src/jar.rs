//! JARs of strangers: checked, and written anew, before any JVM sees them.
//!
//! Invariant: what a compiler opens is an archive that [`check_jars`] wrote: plain files, no links, one entry a name, sizes
//! that are true, class files whose structure holds and whose names are their paths. What a build has no use for
//! (manifests, signatures, annotation processors, other archives, versions for other JDKs) is left out, and said so.

mod archive;
mod class_file;
mod content;
mod write;

pub(crate) use write::stored;

use crate::{Diagnostic, Jar, Severity};
use archive::Archive;
use content::Verdict;

/// What a JAR may be.
#[derive(Debug, Clone)]
pub struct JarLimits {
    /// The archive.
    pub archive_bytes_max: usize,
    /// Its entries.
    pub entries_max: usize,
    /// One entry, unpacked.
    pub entry_bytes_max: usize,
    /// All entries, unpacked.
    pub total_bytes_max: usize,
    /// All entries of all JARs of one build, unpacked.
    pub build_bytes_max: usize,
    /// Unpacked bytes for one packed byte, in entries of more than a mebibyte.
    pub ratio_max: usize,
    /// The newest class files: 61 is Java 17.
    pub class_version_max: u16,
}

impl Default for JarLimits {
    fn default() -> Self {
        Self {
            archive_bytes_max: 32 << 20,
            entries_max: 20_000,
            entry_bytes_max: 8 << 20,
            total_bytes_max: 128 << 20,
            build_bytes_max: 256 << 20,
            ratio_max: 100,
            class_version_max: 61,
        }
    }
}

/// A JAR that compilers may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedJar {
    /// The archive, written anew.
    pub jar: Jar,
    /// Classes in it.
    pub classes: usize,
    /// What was left out, and why.
    pub warnings: Vec<Diagnostic>,
}

/// Checks a JAR and writes it anew.
///
/// # Errors
/// What is wrong with it, most twenty.
pub fn check_jar(jar: &Jar, limits: &JarLimits) -> Result<CheckedJar, Vec<Diagnostic>> {
    let mut left = limits.build_bytes_max;
    check_within(jar, limits, &mut left)
}

/// Checks the JARs of a build and writes them anew, each as it is let go.
///
/// # Errors
/// What is wrong with the first that is refused, most twenty; or that they have too much in them together.
pub fn check_jars(jars: Vec<Jar>, limits: &JarLimits) -> Result<Vec<CheckedJar>, Vec<Diagnostic>> {
    let mut left = limits.build_bytes_max;
    jars.into_iter().map(|jar| check_within(&jar, limits, &mut left)).collect()
}

/// `left`: bytes that what is still unpacked may have.
fn check_within(jar: &Jar, limits: &JarLimits, left: &mut usize) -> Result<CheckedJar, Vec<Diagnostic>> {
    let refuse = |found: Finding| vec![found.diagnostic(&jar.name, Severity::Error)];
    let archive = Archive::open(&jar.bytes, limits).map_err(|message| refuse(Finding::of_archive(message)))?;
    let (mut kept, mut errors, mut left_out) = (Vec::new(), Vec::new(), content::LeftOut::default());
    let (mut classes, mut total) = (0, 0usize);
    for entry in archive.entries() {
        match content::judge_name(&entry.name) {
            Verdict::Keep => {}
            Verdict::LeaveOut(reason) => {
                left_out.note(reason);
                continue;
            }
            Verdict::Refuse(finding) => {
                errors.push(finding.diagnostic(&jar.name, Severity::Error));
                continue;
            }
        }
        let bytes = archive.unpack(entry).map_err(|message| refuse(Finding::of_archive(message)))?;
        total += bytes.len();
        if total > limits.total_bytes_max {
            let message = format!("it unpacks to more than {} MiB", limits.total_bytes_max >> 20);
            return Err(refuse(Finding::of_archive(message)));
        }
        *left = left.checked_sub(bytes.len()).ok_or_else(|| {
            let message = format!("the JARs of the build unpack to more than {} MiB together", limits.build_bytes_max >> 20);
            refuse(Finding { help: Some("leave out what the class does not need"), ..Finding::of_archive(message) })
        })?;
        if let Some(class) = entry.name.strip_suffix(".class") {
            classes += 1;
            match class_file::check(class, &bytes, limits.class_version_max) {
                Ok(()) => kept.push((entry.name.clone(), bytes)),
                Err(finding) => errors.push(finding.diagnostic(&jar.name, Severity::Error)),
            }
        } else if let Some(bytes) = content::clean(&entry.name, bytes, &mut left_out) {
            kept.push((entry.name.clone(), bytes));
        }
        if errors.len() >= ERRORS_MAX {
            return Err(errors);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let warnings = left_out.findings().map(|finding| finding.diagnostic(&jar.name, Severity::Warning)).collect();
    let bytes = write::stored(kept).map_err(|message| refuse(Finding::of_archive(message)))?;
    Ok(CheckedJar { jar: Jar { name: jar.name.clone(), bytes }, classes, warnings })
}

/// Errors after which no more are looked for.
const ERRORS_MAX: usize = 20;

/// Something about a JAR.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// The class, as `acme.Clean`, or none for the archive.
    class: Option<String>,
    /// The method, as `acme.Clean.run`.
    method: Option<String>,
    /// What was found, what was expected.
    message: String,
    /// What to do.
    help: Option<&'static str>,
}

impl Finding {
    fn of_archive(message: impl Into<String>) -> Self {
        Self { class: None, method: None, message: message.into(), help: None }
    }

    fn of_class(class: &str, message: impl Into<String>, help: Option<&'static str>) -> Self {
        Self { class: Some(shown(&class.replace('/', "."))), method: None, message: message.into(), help }
    }

    fn diagnostic(self, jar: &str, severity: Severity) -> Diagnostic {
        let file = Some(self.class.unwrap_or_else(|| jar.to_owned()));
        let message = format!("JAR `{jar}`: {}", self.message);
        Diagnostic { severity, file, line: None, column: None, method: self.method, message, help: self.help.map(str::to_owned) }
    }
}

/// A name from a JAR, fit to be shown: no control characters, not without end.
fn shown(name: &str) -> String {
    name.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
