//! The compile process of the sandbox in these tests.

fn main() -> std::process::ExitCode {
    millrace_sandbox::compile_child_main()
}
