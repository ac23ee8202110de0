//! What every build passes before a compiler sees it: on the server, and where the author works.
//!
//! Invariant: both ask the same, so that what is built in one place is built in the other.

use crate::{
    Diagnostic, Severity, SourceBuild,
    jar::{JarLimits, check_jars},
    sources::{SourceLimits, check_sources},
};

/// The build with JARs that were written anew, and what is to be said of it.
///
/// # Errors
/// Everything that is wrong with its sources or JARs.
pub(crate) fn checked(
    mut build: SourceBuild,
    sources: &SourceLimits,
    jars: &JarLimits,
) -> Result<(SourceBuild, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut said = check_sources(&build, sources);
    if said.iter().any(|found| found.severity == Severity::Error) {
        return Err(said);
    }
    for checked in check_jars(std::mem::take(&mut build.jars), jars)? {
        said.extend(checked.warnings);
        build.jars.push(checked.jar);
    }
    Ok((build, said))
}
