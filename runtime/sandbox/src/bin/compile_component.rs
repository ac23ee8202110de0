//! The compile process as a program of its own, for tests and measurements of this crate; the server uses its hidden
//! subcommand `compile-component` instead.

fn main() -> std::process::ExitCode {
    millrace_sandbox::compile_child_main()
}
