//! Makes the project of a new plugin: the SDK's template, filled in, with the SDK beside it.
//!
//! The SDK is on no registry yet, so its source is written into the project (`millrace-sdk/`): such a project builds
//! wherever Rust is, and stays with the SDK version that it was made with. Who works in a checkout of Millrace names
//! that instead.

use crate::{BuildError, World, presented};
use std::path::{Path, PathBuf};

/// Where the project finds the SDK.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SdkSource {
    /// A copy in the project, in `millrace-sdk/`.
    #[default]
    Vendored,
    /// The crate `millrace-plugin` in this folder.
    Path(PathBuf),
}

/// A project that has been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Its folder.
    pub dir: PathBuf,
    /// The files written, relative to the folder.
    pub files: Vec<PathBuf>,
}

/// Folder of the SDK's copy in a project.
const VENDORED: &str = "millrace-sdk";

/// Text that the templates carry for the SDK.
const TEMPLATE_SDK: [&str; 2] = ["path = \"../millrace-plugin\"", "path = \"../../millrace-plugin\""];

/// What a world starts with.
struct Template {
    manifest: &'static str,
    code: &'static str,
    /// Rows to try it on, and their columns where they cannot be guessed: path, content.
    samples: &'static [(&'static str, &'static str)],
}

macro_rules! template {
    ($folder:literal $(, $sample:literal)*) => {
        Template {
            manifest: include_str!(concat!("../../../guest-sdk/rust/", $folder, "/Cargo.toml")),
            code: include_str!(concat!("../../../guest-sdk/rust/", $folder, "/src/lib.rs")),
            samples: &[$(($sample, include_str!(concat!("../../../guest-sdk/rust/", $folder, "/", $sample)))),*],
        }
    };
}

const TEMPLATES: [(World, Template); 8] = [
    (World::EtlOperator, template!("template", "rows.jsonl", "schema.sql")),
    (World::ScalarFunction, template!("templates/scalar-function", "rows.jsonl")),
    (World::TableFunction, template!("templates/table-function", "rows.jsonl")),
    (World::AggregateFunction, template!("templates/aggregate-function", "rows.jsonl")),
    (World::TransformOperator, template!("templates/transform-operator", "rows.jsonl", "schema.sql")),
    (World::SourceOperator, template!("templates/source-operator")),
    (World::SinkOperator, template!("templates/sink-operator", "rows.jsonl", "schema.sql")),
    (World::DimensionUpdater, template!("templates/dimension-updater")),
];
const LOCK: &str = include_str!("../../../guest-sdk/rust/Cargo.lock");
const IGNORED: &str = "/target/\n";

/// What the template gets from its workspace in the repository and a project needs of its own.
const STANDALONE: &str = r#"
# The project is a workspace of its own, wherever it lies.
[workspace]

# Line tables so that a trap names its source line, one optimised unit.
[profile.release]
opt-level = 3
lto = true
codegen-units = 1
panic = "abort"
debug = "line-tables-only"
"#;

macro_rules! sdk_files {
    ($($target:literal => $source:literal),* $(,)?) => {
        /// The SDK's files: path below `millrace-sdk/`, content.
        pub(crate) const SDK: &[(&str, &str)] = &[$(($target, include_str!(concat!("../../../", $source)))),*];
    };
}

sdk_files! {
    "kernels/Cargo.toml" => "guest-sdk/rust/kernels/Cargo.toml",
    "kernels/src/bits.rs" => "guest-sdk/rust/kernels/src/bits.rs",
    "kernels/src/lib.rs" => "guest-sdk/rust/kernels/src/lib.rs",
    "kernels/src/map.rs" => "guest-sdk/rust/kernels/src/map.rs",
    "kernels/src/selection.rs" => "guest-sdk/rust/kernels/src/selection.rs",
    "kernels/src/take.rs" => "guest-sdk/rust/kernels/src/take.rs",
    "kernels/src/text.rs" => "guest-sdk/rust/kernels/src/text.rs",
    "millrace-plugin/Cargo.toml" => "guest-sdk/rust/millrace-plugin/Cargo.toml",
    "millrace-plugin/src/batch.rs" => "guest-sdk/rust/millrace-plugin/src/batch.rs",
    "millrace-plugin/src/bindings.rs" => "guest-sdk/rust/millrace-plugin/src/bindings.rs",
    "millrace-plugin/src/capabilities.rs" => "guest-sdk/rust/millrace-plugin/src/capabilities.rs",
    "millrace-plugin/src/column.rs" => "guest-sdk/rust/millrace-plugin/src/column.rs",
    "millrace-plugin/src/custom/bindings.rs" => "guest-sdk/rust/millrace-plugin/src/custom/bindings.rs",
    "millrace-plugin/src/custom/dimension.rs" => "guest-sdk/rust/millrace-plugin/src/custom/dimension.rs",
    "millrace-plugin/src/custom/lookup.rs" => "guest-sdk/rust/millrace-plugin/src/custom/lookup.rs",
    "millrace-plugin/src/custom/mod.rs" => "guest-sdk/rust/millrace-plugin/src/custom/mod.rs",
    "millrace-plugin/src/custom/sink.rs" => "guest-sdk/rust/millrace-plugin/src/custom/sink.rs",
    "millrace-plugin/src/custom/source.rs" => "guest-sdk/rust/millrace-plugin/src/custom/source.rs",
    "millrace-plugin/src/custom/transform.rs" => "guest-sdk/rust/millrace-plugin/src/custom/transform.rs",
    "millrace-plugin/src/decimal.rs" => "guest-sdk/rust/millrace-plugin/src/decimal.rs",
    "millrace-plugin/src/failure.rs" => "guest-sdk/rust/millrace-plugin/src/failure.rs",
    "millrace-plugin/src/functions/aggregate.rs" => "guest-sdk/rust/millrace-plugin/src/functions/aggregate.rs",
    "millrace-plugin/src/functions/arguments.rs" => "guest-sdk/rust/millrace-plugin/src/functions/arguments.rs",
    "millrace-plugin/src/functions/macros.rs" => "guest-sdk/rust/millrace-plugin/src/functions/macros.rs",
    "millrace-plugin/src/functions/mod.rs" => "guest-sdk/rust/millrace-plugin/src/functions/mod.rs",
    "millrace-plugin/src/functions/scalar.rs" => "guest-sdk/rust/millrace-plugin/src/functions/scalar.rs",
    "millrace-plugin/src/functions/signature.rs" => "guest-sdk/rust/millrace-plugin/src/functions/signature.rs",
    "millrace-plugin/src/functions/state.rs" => "guest-sdk/rust/millrace-plugin/src/functions/state.rs",
    "millrace-plugin/src/functions/table.rs" => "guest-sdk/rust/millrace-plugin/src/functions/table.rs",
    "millrace-plugin/src/host.rs" => "guest-sdk/rust/millrace-plugin/src/host.rs",
    "millrace-plugin/src/lib.rs" => "guest-sdk/rust/millrace-plugin/src/lib.rs",
    "millrace-plugin/src/nested.rs" => "guest-sdk/rust/millrace-plugin/src/nested.rs",
    "millrace-plugin/src/operator.rs" => "guest-sdk/rust/millrace-plugin/src/operator.rs",
    "millrace-plugin/src/rows.rs" => "guest-sdk/rust/millrace-plugin/src/rows.rs",
    "millrace-plugin/src/rows/field.rs" => "guest-sdk/rust/millrace-plugin/src/rows/field.rs",
    "millrace-plugin/src/rows/macros.rs" => "guest-sdk/rust/millrace-plugin/src/rows/macros.rs",
    "millrace-plugin/src/rows/settings.rs" => "guest-sdk/rust/millrace-plugin/src/rows/settings.rs",
    "millrace-plugin/src/scalar.rs" => "guest-sdk/rust/millrace-plugin/src/scalar.rs",
    "millrace-plugin/src/schema.rs" => "guest-sdk/rust/millrace-plugin/src/schema.rs",
    "millrace-plugin/src/temporal.rs" => "guest-sdk/rust/millrace-plugin/src/temporal.rs",
    "millrace-plugin/src/testing.rs" => "guest-sdk/rust/millrace-plugin/src/testing.rs",
    "millrace-plugin/src/tests.rs" => "guest-sdk/rust/millrace-plugin/src/tests.rs",
    "millrace-plugin/src/text.rs" => "guest-sdk/rust/millrace-plugin/src/text.rs",
    "millrace-plugin/wit/capabilities.wit" => "wit/millrace-plugin-0.1.0/capabilities.wit",
    "millrace-plugin/wit/etl-operator.wit" => "wit/millrace-plugin-0.1.0/etl-operator.wit",
    "millrace-plugin/wit/functions.wit" => "wit/millrace-plugin-0.1.0/functions.wit",
    "millrace-plugin/wit/operators.wit" => "wit/millrace-plugin-0.1.0/operators.wit",
    "millrace-plugin/wit/types.wit" => "wit/millrace-plugin-0.1.0/types.wit",
}

/// Writes the project of a new Rust plugin of the ETL world to `dir`, which must not be there or be empty.
///
/// # Errors
/// Not a plugin name, a folder with something in it, or a file that cannot be written.
pub fn new_project(dir: &Path, name: &str, sdk: &SdkSource) -> Result<NewProject, BuildError> {
    new_project_of(World::EtlOperator, dir, name, sdk)
}

/// [`new_project`] of any world that has a template.
///
/// # Errors
/// As for [`new_project`], and a world without template.
pub fn new_project_of(world: World, dir: &Path, name: &str, sdk: &SdkSource) -> Result<NewProject, BuildError> {
    // What the template in the repository is called.
    let own = match world {
        World::EtlOperator => "my-plugin".to_owned(),
        World::TransformOperator => "my-transform".to_owned(),
        World::SourceOperator => "my-source".to_owned(),
        World::SinkOperator => "my-sink".to_owned(),
        World::DimensionUpdater => "my-dimension".to_owned(),
        World::ScalarFunction | World::TableFunction | World::AggregateFunction => format!("my-{}", world.name()),
    };
    let template = TEMPLATES.iter().find(|(known, _)| *known == world);
    let (_, Template { manifest, code, samples }) = template.ok_or_else(|| BuildError::NoWorld {
        language: "Rust",
        world: world.name(),
        worlds: TEMPLATES.iter().map(|(world, _)| world.name()).collect::<Vec<_>>().join(", "),
    })?;
    let mut project = NewProject::begin(dir, name)?;
    let sdk_path = match sdk {
        SdkSource::Vendored => format!("{VENDORED}/millrace-plugin"),
        SdkSource::Path(path) => {
            path.canonicalize().map_err(|source| BuildError::Io { path: path.clone(), source })?.to_string_lossy().into_owned()
        }
    };
    // Debug form quotes and escapes as TOML's basic strings do.
    let mut manifest = manifest.replace(&format!("name = \"{own}\""), &format!("name = {name:?}"));
    for path in TEMPLATE_SDK {
        manifest = manifest.replace(path, &format!("path = {sdk_path:?}"));
    }
    project.write("Cargo.toml", &(manifest + STANDALONE))?;
    project.write("src/lib.rs", code)?;
    for (path, content) in *samples {
        project.write(path, content)?;
    }
    let parameters = match world {
        World::SinkOperator => presented::parameters_of(World::DimensionUpdater, 100, "limit"),
        other => presented::parameters_of(other, 100, "limit"),
    };
    presented::write_examples(&mut project, name, parameters)?;
    project.write("Cargo.lock", LOCK)?;
    project.write(".gitignore", IGNORED)?;
    if *sdk == SdkSource::Vendored {
        for (path, content) in SDK {
            project.write(&format!("{VENDORED}/{path}"), content)?;
        }
    }
    Ok(project)
}

/// Writes a template's files, which carry `my-plugin` for the name, to `dir`, which must not be there or be empty.
pub(crate) fn from_template(dir: &Path, name: &str, files: &[(&str, &str)]) -> Result<NewProject, BuildError> {
    let mut project = NewProject::begin(dir, name)?;
    for (file, text) in files {
        project.write(file, &text.replace("my-plugin", name))?;
    }
    project.write(".gitignore", IGNORED)?;
    Ok(project)
}

impl NewProject {
    fn begin(dir: &Path, name: &str) -> Result<Self, BuildError> {
        check_name(name)?;
        if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BuildError::NotEmpty { dir: dir.to_owned() });
        }
        Ok(Self { dir: dir.to_owned(), files: Vec::new() })
    }

    pub(crate) fn write(&mut self, relative: &str, content: &str) -> Result<(), BuildError> {
        let path = self.dir.join(relative);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, content));
        written.map_err(|source| BuildError::Io { path, source })?;
        self.files.push(relative.into());
        Ok(())
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), BuildError> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if starts_well && plain && name.len() <= 64 { Ok(()) } else { Err(BuildError::BadName { name: name.to_owned() }) }
}
