//! Components of the sample tenants.

use millrace_builder::{BuildOptions, build_samples};
use std::path::Path;

/// Where components go unless told otherwise.
pub(crate) const FOLDER: &str = "target/plugins";

/// Builds all of them to `<folder>/<plugin>.wasm`.
pub(crate) fn build(folder: &Path) -> anyhow::Result<()> {
    let mut show = |line: &str| eprintln!("{line}");
    let options = BuildOptions { on_line: Some(&mut show), ..BuildOptions::default() };
    for built in build_samples(Path::new("."), folder, options)? {
        eprintln!("{} ({} KiB)", built.path.display(), built.size.div_ceil(1024));
    }
    Ok(())
}
