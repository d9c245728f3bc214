# What the tests of clusters share; `$mandate` is the program.

# A sweep of 80 runs, two a shard, which lasts long enough to be killed.
make_sweep() {
    local base
    base=$(realpath "$here/../../scenarios/december-deadline.toml")
    cat >sweep.toml <<EOF
base = "$base"
design = "grid"
replicates = 10
sample = 300_000

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

# Kills a running shard, of those that `shards` lists, as soon as there is one.
kill_a_shard() {
    local pid
    for _ in $(seq 400); do
        pid=$(shards | head -n 1)
        if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
            say "a running shard is killed with SIGKILL"
            return
        fi
        sleep 0.05
    done
    say "no shard is running"
    return 1
}
