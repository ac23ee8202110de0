# The commands that people and machines use. Everything else is `cargo xtask` or the `millrace` command line.
# Incremental files would double the target folder and help nobody who builds from scratch.
export CARGO_INCREMENTAL := 0

.PHONY: run test

# Everything on this machine: builds, starts broker, server and the click-stream tenant, shows records flowing. Ctrl-C ends
# it. Options go into ARGS: `make run ARGS="--rate 5000"`; `make run ARGS=--help` lists them.
ARGS ?=
run:
	@scripts/setup.sh
	@scripts/run.sh $(ARGS)

# Everything that must hold before a change goes in, from a fresh machine on: needs a JDK and package registries only.
test:
	scripts/setup.sh --tests
	cargo fmt --all --check
	cargo fmt --manifest-path guest-sdk/rust/Cargo.toml --all --check
	cargo build -p millrace-server -p xtask
	cargo xtask plugins
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --no-fail-fast
	cargo test --manifest-path guest-sdk/rust/Cargo.toml --workspace
