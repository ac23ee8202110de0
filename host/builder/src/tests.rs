//! Builds real plugins with the toolchain of this machine.

use crate::{BuildError, BuildOptions, SdkSource, World, build_rust_with, build_samples, new_project, new_project_of};
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A folder below the guests' target folder, so that dependencies already compiled there are used again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = repository().join(format!("guest-sdk/rust/target/builder-tests/{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options() -> BuildOptions<'static> {
    BuildOptions { target_dir: Some(repository().join("guest-sdk/rust/target")), ..BuildOptions::default() }
}

#[test]
fn a_new_project_builds_to_a_component() {
    let scratch = Scratch::new("order-fees");
    let project = new_project(&scratch.0, "order-fees", &SdkSource::Vendored).unwrap();
    assert!(project.files.contains(&"millrace-sdk/millrace-plugin/wit/types.wit".into()));
    let mut lines = 0;
    let mut count = |_: &str| lines += 1;
    let built = build_rust_with(&scratch.0, BuildOptions { on_line: Some(&mut count), ..options() }).unwrap();
    assert_eq!(built.name, "order-fees");
    assert_eq!(std::fs::read(&built.path).unwrap(), built.component);
    assert!(lines > 0, "cargo always says that it has finished");
    // Nothing of this machine's folders may leave with the component; trap locations need the line tables.
    let repository = repository();
    let own = repository.to_str().unwrap().as_bytes();
    assert!(!built.component.windows(own.len()).any(|window| window == own));
    assert!(built.component.windows(11).any(|window| window == b".debug_line"));
}

#[test]
fn every_world_has_a_template_that_builds_to_its_component() {
    let scratch = Scratch::new("worlds");
    let sdk = SdkSource::Path(repository().join("guest-sdk/rust/millrace-plugin"));
    for world in World::ALL {
        let (folder, name) = (scratch.0.join(world.name()), format!("a-{}", world.name()));
        new_project_of(world, &folder, &name, &sdk).unwrap();
        let built = build_rust_with(&folder, options()).unwrap();
        assert_eq!(built.name, name);
        let exported = world.interface().as_bytes();
        let found = built.component.windows(exported.len()).any(|window| window == exported);
        assert!(found, "the template of {} does not export {}", world.name(), world.interface());
    }
}

#[test]
fn every_sample_plugin_builds() {
    let scratch = Scratch::new("samples");
    let built = build_samples(&repository(), &scratch.0, BuildOptions::default()).unwrap();
    let names: Vec<&str> = built.iter().map(|b| b.name.as_str()).collect();
    assert!(names.contains(&"bench-filter") && names.contains(&"clean-clicks"), "{names:?}");
    assert!(built.iter().all(|b| b.path == scratch.0.join(format!("{}.wasm", b.name)) && b.path.is_file()));
}

#[test]
fn a_compile_error_is_passed_on() {
    let scratch = Scratch::new("broken");
    let sdk = repository().join("guest-sdk/rust/millrace-plugin");
    new_project(&scratch.0, "broken", &SdkSource::Path(sdk)).unwrap();
    std::fs::write(scratch.0.join("src/lib.rs"), "fn broken() -> u32 { \"text\" }").unwrap();
    let error = build_rust_with(&scratch.0, options()).unwrap_err();
    assert!(
        matches!(&error, BuildError::Compile { output } if output.contains("mismatched types") && output.contains("src/lib.rs:1")),
        "{error}"
    );
    std::fs::write(scratch.0.join("src/lib.rs"), "pub fn nothing() {}").unwrap();
    let error = build_rust_with(&scratch.0, options()).unwrap_err().to_string();
    assert!(error.contains("it exports nothing"), "{error}");
}

#[test]
fn wrong_places_and_names_are_refused() {
    let scratch = Scratch::new("wrong");
    let check = |name: &str, expected: &str| {
        assert!(new_project(&scratch.0, name, &SdkSource::Vendored).unwrap_err().to_string().contains(expected));
    };
    check("Orders", "`Orders` is not a plugin name");
    check("", "`` is not a plugin name");
    std::fs::write(scratch.0.join("mine"), "").unwrap();
    check("orders", "is not empty");
    let error = build_rust_with(&scratch.0, options()).unwrap_err().to_string();
    assert!(error.contains("has no Cargo.toml"), "{error}");
}

#[test]
fn the_copy_of_the_sdk_is_whole() {
    let scratch = Scratch::new("whole");
    let project = new_project(&scratch.0, "whole", &SdkSource::Vendored).unwrap();
    let sdk = repository().join("guest-sdk/rust");
    for member in ["kernels/src", "millrace-plugin/src", "millrace-plugin/wit"] {
        for file in files(&sdk.join(member)) {
            let copied = Path::new("millrace-sdk").join(file.strip_prefix(&sdk).unwrap());
            assert!(project.files.contains(&copied), "{} is missing in `sdk_files!`", copied.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
