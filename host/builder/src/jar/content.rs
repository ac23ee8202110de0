//! What of a JAR a build has a use for, by name.

use super::{Finding, shown};
use std::collections::BTreeMap;

/// What happens to an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    LeaveOut(Reason),
    Refuse(Finding),
}

/// Why an entry is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Manifest, build tools' files: of no use, and nobody misses them.
    Bookkeeping,
    Signature,
    AnnotationProcessor,
    CompilerPlugin,
    OtherVersion,
    Module,
    Archive,
    Machine,
    Platform,
    InternalPackage,
}

impl Reason {
    fn message(self) -> Option<&'static str> {
        match self {
            Self::Bookkeeping => None,
            Self::Signature => Some("signatures are left out: they mean nothing for what is built of it"),
            Self::AnnotationProcessor => Some("annotation processors are left out: they would run within the compiler"),
            Self::CompilerPlugin => Some("a Scala compiler plugin is left out: it would run within the compiler"),
            Self::OtherVersion => Some("versions of classes for newer JDKs (META-INF/versions) are left out: the base version is used"),
            Self::Module => Some("module descriptors are left out: all code is in one module"),
            Self::Archive => Some("archives within the archive are left out: name each JAR by itself"),
            Self::Machine => Some("libraries of a machine (.so, .dll, …) are left out: a component cannot load them"),
            Self::Platform => Some(
                "classes that the platform brings (`millrace`, `org.apache.flink`, `org.slf4j`, `scala`) are left out: the platform's are used",
            ),
            Self::InternalPackage => Some("classes in the JDK's own packages (`com.sun`) are left out: code that needs one does not build"),
        }
    }
}

/// Packages that only a JDK may define, in slashes.
const OF_THE_JDK: [&str; 5] = ["java/", "jdk/", "sun/", "javax/annotation/processing/", "org/teavm/"];
/// Packages that the JDK has too, but libraries that many JARs bring along use: mail, JNA, JAXB.
const SHARED_WITH_THE_JDK: [&str; 1] = ["com/sun/"];
/// Packages of the SDK and of the Scala library that the platform puts into every component.
const OF_THE_PLATFORM: [&str; 4] = ["millrace/", "org/apache/flink/", "org/slf4j/", "scala/"];
const ARCHIVES: [&str; 7] = [".jar", ".zip", ".war", ".ear", ".aar", ".gz", ".tar"];
const OF_A_MACHINE: [&str; 5] = [".so", ".dll", ".dylib", ".jnilib", ".exe"];
const SIGNATURES: [&str; 4] = [".SF", ".RSA", ".DSA", ".EC"];

/// The verdict on an entry by its name.
pub fn judge_name(name: &str) -> Verdict {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending));
    let below = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if name.starts_with("META-INF/versions/") {
        return Verdict::LeaveOut(Reason::OtherVersion);
    }
    if name.starts_with("META-INF/") && name.ends_with(".class") {
        return Verdict::LeaveOut(Reason::Bookkeeping);
    }
    if name.starts_with("META-INF/") && ends(&SIGNATURES) {
        return Verdict::LeaveOut(Reason::Signature);
    }
    if name == "META-INF/services/javax.annotation.processing.Processor" || name.starts_with("META-INF/gradle/") {
        return Verdict::LeaveOut(Reason::AnnotationProcessor);
    }
    if name.starts_with("META-INF/") && !name.starts_with("META-INF/services/") {
        return Verdict::LeaveOut(Reason::Bookkeeping);
    }
    if name == "scalac-plugin.xml" {
        return Verdict::LeaveOut(Reason::CompilerPlugin);
    }
    if name == "module-info.class" {
        return Verdict::LeaveOut(Reason::Module);
    }
    if ends(&ARCHIVES) {
        return Verdict::LeaveOut(Reason::Archive);
    }
    if ends(&OF_A_MACHINE) {
        return Verdict::LeaveOut(Reason::Machine);
    }
    if below(&OF_THE_JDK) {
        return Verdict::Refuse(Finding::of_class(
            name.trim_end_matches(".class"),
            format!("`{}` is in a package of the JDK, which no JAR may define", shown(name)),
            Some("move the class into a package of your own"),
        ));
    }
    if below(&SHARED_WITH_THE_JDK) {
        return Verdict::LeaveOut(Reason::InternalPackage);
    }
    if below(&OF_THE_PLATFORM) {
        return Verdict::LeaveOut(Reason::Platform);
    }
    Verdict::Keep
}

/// A file that is no class, without what would run within a compiler.
pub fn clean(name: &str, bytes: Vec<u8>, left_out: &mut LeftOut) -> Option<Vec<u8>> {
    if name.starts_with("META-INF/services/") && bytes.windows(9).any(|window| window == b"Processor") && name.contains("annotation") {
        left_out.note(Reason::AnnotationProcessor);
        return None;
    }
    Some(bytes)
}

/// What was left out, counted.
#[derive(Debug, Default)]
pub struct LeftOut(BTreeMap<Reason, usize>);

impl LeftOut {
    pub fn note(&mut self, reason: Reason) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.0.iter().filter_map(|(reason, count)| Some(Finding::of_archive(format!("{} ({count})", reason.message()?))))
    }
}
