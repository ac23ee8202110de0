//! The cage's helper as a program of its own, for tests; `millrace build-cage` is the same.

fn main() -> std::process::ExitCode {
    millrace_builder::cage::build_cage_main(std::env::args_os().skip(1))
}
