#!/bin/sh
# Installs what a build needs and is not there yet: system packages, the Rust toolchain's WebAssembly target, a JDK.
# Idempotent: a second run only looks. Uses package registries only (Debian's, rustup's).
# usage: scripts/setup.sh [--tests]     with --tests also the real servers that the tests start
set -eu

cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, so that `make run` works for root and for users with sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "missing packages must be installed as root: $*"
    fi
}

refreshed=
install_packages() {
    has apt-get || fail "these packages are missing and this system has no apt-get: $*; install their equivalents and run again"
    say "setup: installing $* (about a minute)"
    if [ -z "$refreshed" ]; then
        as_root apt-get update -qq || fail "apt-get update failed; is a package mirror reachable?"
        refreshed=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "apt-get install failed for: $*"
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# 1. Compilers and headers of the C parts (librdkafka, zstd, zlib, TLS).
missing=
if has dpkg-query; then
    for package in gcc g++ make cmake pkg-config perl libssl-dev zlib1g-dev libcurl4-openssl-dev curl ca-certificates; do
        # pkgconf is another name of pkg-config on newer Debian.
        [ "$package" = pkg-config ] && has pkg-config && continue
        is_installed "$package" || missing="$missing $package"
    done
else
    for tool in gcc g++ make cmake pkg-config perl curl; do
        has "$tool" || fail "\`$tool\` is missing; install it together with the headers of OpenSSL, zlib and libcurl"
    done
fi

# 2. The JDK runs the embedded broker and the compilers of Java and Scala, Maven fetches them.
has java || missing="$missing default-jdk-headless"
has mvn || missing="$missing maven"
# pip fetches clang for WebAssembly when Java or Scala is built for the first time.
python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip"

# 3. Real servers for tests: PostgreSQL, MariaDB, Redis, and what makes the environments of the S3 and FTP servers. Those
#    that are JVMs (HBase, OpenSearch, Hive) are fetched by the tests.
if [ "${1:-}" = --tests ]; then
    [ -x "$(find /usr/lib/postgresql -name initdb 2>/dev/null | head -n 1)" ] || has initdb || missing="$missing postgresql"
    has mariadbd || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
    has redis-server || missing="$missing redis-server"
    has openssl || missing="$missing openssl"
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    # The OpenID provider that sign-in is tested with.
    has node || missing="$missing nodejs"
    has npm || missing="$missing npm"
fi
# shellcheck disable=SC2086 # one word per package
[ -z "$missing" ] || install_packages $missing

java_version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
[ "${java_version:-0}" -ge 17 ] || fail "java is version ${java_version:-unknown}, Kafka needs 17 or newer; install a newer JDK first on the PATH"

# 4. Rust. rustup reads the version from rust-toolchain.toml.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
if ! has cargo; then
    fail "cargo is missing; install Rust as https://rustup.rs says (curl https://sh.rustup.rs -sSf | sh), then run again"
fi

# 5. The target of Rust plugins.
if has rustup; then
    if ! rustup target list --installed | grep -qx wasm32-unknown-unknown; then
        say "setup: adding the Rust target wasm32-unknown-unknown (a few seconds)"
        if ! rustup target add wasm32-unknown-unknown; then
            say "setup: rustup cannot fetch the target; using Debian's compiler for plugins instead"
            debian_rust=yes
        fi
    fi
elif [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    debian_rust=yes
fi
if [ "${debian_rust:-}" = yes ]; then
    # Debian's browser toolchain carries the sources of the standard library and builds it for the target.
    missing=
    for package in rustc-web cargo-web rust-web-src lld; do
        is_installed "$package" || missing="$missing $package"
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install_packages $missing
fi

say "setup: everything that a build needs is there"
