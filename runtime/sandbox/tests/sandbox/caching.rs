//! The machine-code cache: used when it can be trusted, never otherwise.

use crate::guests::{self, ECHO};
use bytes::Bytes;
use millrace_sandbox::*;
use std::path::PathBuf;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn echo() -> Bytes {
    guests::component(&guests::module(&ECHO, ""), WIT_VERSION)
}

fn only_file(cache: &tempfile::TempDir) -> PathBuf {
    let files: Vec<_> = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

/// A second server over the same folder; `compile_ms` is 0 when it found trusted code there.
async fn again(cache: &tempfile::TempDir, change: impl FnOnce(&mut SandboxConfig)) -> ComponentInfo {
    let mut config = guests::config(cache.path());
    change(&mut config);
    Sandbox::new(config).unwrap().admit(echo()).await.unwrap()
}

#[test]
fn code_is_found_again_after_a_restart() {
    run(async {
        let fixture = guests::fixture();
        let first = fixture.sandbox.admit(echo()).await.unwrap();
        assert!(first.compile_ms > 0);
        assert_eq!((first.world.as_str(), first.wit_version.as_str(), first.size_bytes), ("etl-operator", "0.1.0", echo().len()));
        assert_eq!(fixture.sandbox.admit(echo()).await.unwrap().compile_ms, 0);
        let second = again(&fixture.cache, |_| {}).await;
        assert_eq!(second, ComponentInfo { compile_ms: 0, ..first });
    });
}

#[test]
fn forged_cut_and_foreign_files_are_compiled_again() {
    run(async {
        let fixture = guests::fixture();
        fixture.sandbox.admit(echo()).await.unwrap();
        let file = only_file(&fixture.cache);
        let good = std::fs::read(&file).unwrap();
        let mut flipped = good.clone();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        for bad in [flipped, good[..good.len() / 2].to_vec(), good[..10].to_vec(), Vec::new()] {
            std::fs::write(&file, bad).unwrap();
            assert!(again(&fixture.cache, |_| {}).await.compile_ms > 0);
            assert_eq!(std::fs::read(only_file(&fixture.cache)).unwrap().len(), good.len());
        }
        assert!(again(&fixture.cache, |config| config.mac_key = [8; 32]).await.compile_ms > 0);
    });
}

#[test]
fn bytes_must_be_those_of_the_hash() {
    run(async {
        let fixture = guests::fixture();
        let info = fixture.sandbox.admit(echo()).await.unwrap();
        let other = guests::component(&guests::module(&ECHO, "(func)"), WIT_VERSION);
        let wrong = fixture.sandbox.load(&"0".repeat(64), other).await.err().unwrap();
        assert!(matches!(wrong, SandboxError::WrongBytes { .. }), "{wrong}");
        assert_eq!(fixture.sandbox.load(&info.content_hash, echo()).await.unwrap().content_hash(), info.content_hash);
    });
}

#[test]
fn a_compiler_that_is_not_there_is_the_hosts_fault() {
    run(async {
        let fixture = guests::fixture_with(|config| config.compiler.program = "/nonexistent/compiler".into());
        let error = fixture.sandbox.admit(echo()).await.unwrap_err();
        assert!(matches!(error, AdmissionError::Host(_)), "{error}");
    });
}

#[tokio::test]
async fn components_that_differ_in_packed_files_share_machine_code() {
    let fixture = guests::fixture();
    let plain = echo();
    let first = fixture.sandbox.admit(plain.clone()).await.unwrap();
    let mut packed = plain.to_vec();
    millrace_model::packed::pack(&mut packed, "script.js", b"export {}");
    let second = fixture.sandbox.admit(packed.clone().into()).await.unwrap();
    assert_ne!(first.content_hash, second.content_hash);
    assert_eq!(second.compile_ms, 0);
    assert_eq!(std::fs::read_dir(fixture.cache.path()).unwrap().count(), 1);
    millrace_model::packed::pack(&mut packed, "script.js", b"export {}");
    let error = fixture.sandbox.admit(packed.into()).await.unwrap_err().to_string();
    assert_eq!(error, "the component is malformed: the packed file `script.js` is there twice");
}
