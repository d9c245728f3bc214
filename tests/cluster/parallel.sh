#!/usr/bin/env bash
# The sweep of slurm.sh under GNU parallel, whose shards and then the whole of it are killed.
#
# tests/cluster/parallel.sh [MANDATE]: needs Debian's parallel, which it installs where it is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mandate=$(realpath "${1:-$here/../../target/release/mandate}")
if ! command -v parallel >/dev/null; then
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update
    "${root[@]}" apt-get install -y --no-install-recommends parallel
fi
work=$(mktemp -d)
trap 'pkill -9 -f -- "--out $work/shards --shard" || true; rm -rf "$work"' EXIT
say() { echo "[$(date +%T)] $*"; }
shards() { pgrep -f -- "^$mandate .*--out $work/shards --shard" || true; }

. "$here/common.sh"
cd "$work"
make_sweep
"$mandate" sweep sweep.toml --out alone --quiet
say "$ mandate sweep sweep.toml --out shards --plan 40 --scheduler parallel | parallel --jobs 2 --retries 3"
"$mandate" sweep sweep.toml --out shards --plan 40 --scheduler parallel 2>/dev/null >commands.txt
parallel --will-cite --jobs 2 --retries 3 <commands.txt &
parallel=$!
for _ in 1 2 3; do
    kill_a_shard
    sleep 1
done
say "three shards were killed; now parallel itself is"
kill -9 "$parallel"
wait "$parallel" 2>/dev/null || true
shards | xargs -r kill -9
missing=$("$mandate" sweep sweep.toml --missing --shards 40 --out shards)
say "missing: $missing"
[ -n "$missing" ]
# The same commands again: shards that are there are passed over, others go on.
parallel --will-cite --jobs 2 --retries 3 <commands.txt
[ -z "$("$mandate" sweep sweep.toml --missing --shards 40 --out shards)" ]
same_bytes
say "GNU parallel: the merged tables are those of one machine"
