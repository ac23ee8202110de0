# The commands that people and machines use. Everything else is `cargo xtask` or the `millrace` command line.
# Incremental files would double the target folder and help nobody who builds from scratch.
export CARGO_INCREMENTAL := 0

.PHONY: test
# Everything that must hold before a change goes in, from a fresh machine on: needs a JDK and package registries only.
test:
	scripts/setup.sh
	cargo fmt --all --check
	cargo build -p millrace-server -p xtask
	cargo xtask plugins
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace
