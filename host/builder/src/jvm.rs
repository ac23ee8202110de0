//! Java and Scala, from source text and JARs, to components.
//!
//! The way: javac or scalac, then TeaVM's C backend in a JVM that stays warm (`guest-sdk/java/compiler`), then clang for
//! WebAssembly, then a component of the world. Invariants: every process is started by the [`ProcessStarter`] that the
//! factory was made with, and none of them runs a tenant's code; a builder, and with it its JVM, serves one tenant.
//!
//! [`ProcessStarter`]: crate::cage::ProcessStarter

mod builder;
mod compiler;
mod download;
mod native;
mod prepare;
mod project;
mod sources;
mod toolchain;
mod world;

pub use builder::{JvmBuilder, JvmBuilderFactory, JvmLimits};
pub use project::{MANIFEST, build_project, new_project};
pub(crate) use sources::api_sources;
pub use toolchain::JvmToolchain;
