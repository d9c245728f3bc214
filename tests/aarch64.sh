#!/usr/bin/env bash
# Every shipped scenario and sweep, in the sizes of tests/integration/golden.rs, run by a build for 64-bit
# ARM under an emulator: the tables must have the checksums in tests/golden/tables.toml.
#
# tests/aarch64.sh: builds for aarch64-unknown-linux-gnu, with the release profile, into target/, and takes
# two minutes beside the build. Needs Debian's qemu-user and gcc-aarch64-linux-gnu, which it installs where
# they are missing, and Rust's standard library for the target: from rustup or, where that can't get it, from
# Debian, whose Rust it then installs and builds with.
#
# MANDATE=FILE takes a program that was built for 64-bit ARM elsewhere, and builds none.
# RUST=debian does not ask rustup.
# THREADS=N is how many threads each run has; without it, as many as there are cores.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "[$(date +%T)] $*"; }

root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
if ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
    "${root[@]}" apt-get update
    "${root[@]}" apt-get install -y --no-install-recommends \
        qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
fi

# Debian's Rust, and its library for the target, unpacked: a package for another machine can't be installed
# beside the same one for this machine. Lists of packages for that machine are kept out of the system, too.
debian_rust() {
    local of_target=(apt-get -o APT::Architectures::=arm64 -o "Dir::State::Lists=$work/lists")
    "${root[@]}" apt-get update
    "${root[@]}" apt-get install -y --no-install-recommends rustc-web cargo-web
    mkdir -p "$work/lists/partial" "$work/library"
    "${of_target[@]}" update
    (cd "$work" && "${of_target[@]}" download libstd-rust-web-dev:arm64)
    dpkg -x "$work"/libstd-rust-web-dev_*.deb "$work/library"
    export PATH=/usr/bin:$PATH
    export RUSTFLAGS="-L $work/library/usr/lib/rustlib/$target/lib"
    # That library can't be optimised together with the program.
    export CARGO_PROFILE_RELEASE_LTO=off
}

mandate=${MANDATE:-}
if [ -z "$mandate" ]; then
    [ "${RUST:-}" != debian ] && rustup target add $target || debian_rust
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    rustc --version
    cargo build --release --target $target
    mandate=${CARGO_TARGET_DIR:-target}/$target/release/mandate
fi
# Systems with binfmt would run it without being told to: that it is for another machine must be seen.
aarch64-linux-gnu-readelf -h "$mandate" | grep 'Machine: *AArch64'
# Where the emulator finds the C library of the other machine.
emulated() { qemu-aarch64 -L /usr/aarch64-linux-gnu "$mandate" "$@" --quiet --threads "${THREADS:-$(nproc)}"; }

# As golden.rs does it: designs that are sampled have two points.
cp -r scenarios seeds "$work"
sed -i 's/^points = .*/points = 2/' "$work"/scenarios/*.toml
for file in "$work"/scenarios/*.toml; do
    name=$(basename "$file" .toml)
    say "$name"
    if grep -q '^design = ' "$file"; then
        emulated sweep "$file" --sample 300 --replicates 1 --set calendar.burn_in_months=3 \
            --set calendar.months=15 --out "$work/out/$name"
    else
        emulated run "$file" --sample 2_000 --replicates 2 --decisions --out "$work/out/$name"
    fi
done

# Lines `CHECKSUM  NAME/TABLE` of both. What one has and the other lacks is a difference, too.
awk -F'"' '/^\[/ { name = substr($0, 2, length - 2) }
    /^"/ { split($4, told, " "); print told[2] "  " name "/" $2 }' tests/golden/tables.toml | sort >"$work/golden"
(cd "$work/out" && sha256sum */*.csv) | sort >"$work/found"
say "< is what tests/golden/tables.toml says, > what was found:"
diff "$work/golden" "$work/found"
say "no difference: $(wc -l <"$work/found") tables of $(ls "$work/out" | wc -l) scenarios and sweeps, on $target"
