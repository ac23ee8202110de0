#!/bin/sh
# Builds the release binary and starts everything on this machine; what `make run` calls after scripts/setup.sh.
# usage: scripts/run.sh [options of `millrace up`]
set -eu

cd "$(dirname "$0")/.."
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
target=${CARGO_TARGET_DIR:-target}

if [ ! -x "$target/release/millrace" ]; then
    echo "run: building Millrace for the first time; this takes 15 to 25 minutes on two cores (seconds from then on)"
else
    echo "run: building what has changed"
fi
# The whole workspace, so that the measures and this program share what is built.
cargo build --release --workspace --bin millrace

# The program takes this shell's place, so that Ctrl-C and the exit status are its own.
exec "$target/release/millrace" up "$@"
