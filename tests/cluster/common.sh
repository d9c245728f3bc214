# What the tests of clusters share; `$mandate` is the program.

# A sweep of 80 runs, two a shard, each of a second or so.
make_sweep() {
    local base
    base=$(realpath "$here/../../scenarios/december-deadline.toml")
    cat >sweep.toml <<EOF
base = "$base"
design = "grid"
replicates = 10
sample = 60_000

[[factor]]
path = "fees.agency_query"
values = [3, 6, 12, 24]

[[factor]]
path = "supervision.audits_per_month"
values = [2, 8]
EOF
}

# Merges the shards, and compares every file with those of the sweep on one machine.
same_bytes() {
    "$mandate" merge shards --out merged
    diff -r alone merged
    rm -r merged
}
