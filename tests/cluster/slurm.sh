#!/usr/bin/env bash
# A sweep as an array of 40 shards on a real Slurm with two virtual nodes: running shards are killed,
# a node goes down, what is missing is submitted again, and the merged tables must be the bytes of
# the sweep on one machine.
#
# tests/cluster/slurm.sh [MANDATE]: needs root, and Debian's slurmctld, slurmd, slurm-client and munge,
# which it installs where they are missing. Stops only what it started.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mandate=$(realpath "${1:-$here/../../target/release/mandate}")
[ "$(id -u)" -eq 0 ] || { echo "slurm.sh: only root can start a Slurm" >&2; exit 2; }
if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
    apt-get update
    apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge
fi

work=$(mktemp -d)
host=$(hostname -s)
say() { echo "[$(date +%T)] $*"; }

stop() {
    status=$?
    [ -z "${SLURM_CONF:-}" ] || scancel --user=root >/dev/null 2>&1 || true
    sleep 1
    for file in "$work"/slurmd-*.pid "$work"/slurmctld.pid "$work"/munge/pid; do
        [ ! -f "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
    done
    sleep 1
    pkill -9 -f -- "$work/slurm.conf" || true
    for node in n1 n2; do of_node "$node" | xargs -r kill -9 2>/dev/null || true; done
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$work"/log/*.log >&2 || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap stop EXIT

# Processes that a node of ours runs: they carry its name in their environment.
of_node() {
    grep -l -z -x "SLURMD_NODENAME=$1" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
        if tr '\0' '\n' <"$file" 2>/dev/null | grep -qx "SLURM_CONF=$SLURM_CONF"; then
            file=${file%/environ}
            echo "${file##*/}"
        fi
    done
}

# Running shards of our folder, by process.
shards() { pgrep -f -- "--out $work/shards --shard" || true; }

mkdir -p "$work/state" "$work/log"
# An authentication service of our own, so that one that is there is left alone.
chmod 755 "$work"
install -d -o munge -g munge -m 755 "$work/munge"
head -c 64 /dev/urandom >"$work/munge/key"
chown munge:munge "$work/munge/key"
chmod 400 "$work/munge/key"
runuser -u munge -- munged --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
cat >"$work/slurm.conf" <<EOF
ClusterName=mandate
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
SlurmctldPort=16817
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool-%n
SlurmctldLogFile=$work/log/ctld.log
SlurmdLogFile=$work/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
JobRequeue=1
RequeueExit=75
ReturnToService=2
SlurmdTimeout=20
MinJobAge=600
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=1 State=UNKNOWN
PartitionName=all Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF=$work/slurm.conf
slurmctld -f "$SLURM_CONF"
for node in n1 n2; do slurmd -f "$SLURM_CONF" -N "$node"; done
for _ in $(seq 60); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && break
    sleep 0.5
done
[ "$(sinfo -h -t idle -o %D)" = 2 ] || { say "the nodes do not come up"; exit 1; }
say "Slurm $(sinfo --version | cut -d' ' -f2) is up: 2 nodes"

. "$here/common.sh"
cd "$work"
make_sweep
"$mandate" sweep sweep.toml --out alone --quiet
say "$ mandate sweep sweep.toml --out shards --plan 40 --scheduler slurm | sbatch"
"$mandate" sweep sweep.toml --out shards --plan 40 --scheduler slurm 2>plan.txt >array.sh
cat plan.txt
job=$(sbatch --parsable --output=/dev/null <array.sh)
say "Submitted batch job $job"

for _ in 1 2 3; do
    kill_a_shard
    sleep 1.5
done
# A node is lost while it works.
for _ in $(seq 400); do
    [ -n "$(of_node n2)" ] && break
    sleep 0.05
done
say "node n2 goes down: slurmd and all that runs there are killed"
kill -9 "$(cat "$work/slurmd-n2.pid")"
of_node n2 | xargs -r kill -9 2>/dev/null || true

finished() { [ -z "$(squeue -h -j "$1" -t pending,running,configuring,completing -o %i 2>/dev/null)" ]; }
down=""
for _ in $(seq 240); do
    [ -n "$down" ] && finished "$job" && break
    if [ -z "$down" ] && [ -n "$(sinfo -h -n n2 -t down -o %D)" ]; then
        down=yes
        say "Slurm has noticed: n2 is down; its slurmd starts again"
        slurmd -f "$SLURM_CONF" -N n2
    fi
    # What the node lost waits for two minutes before Slurm starts it again; --missing is quicker.
    waiting=$(squeue -h -j "$job" -o %r 2>/dev/null | sort -u)
    [ -n "$down" ] && [ "$waiting" = BeginTime ] && scancel "$job"
    sleep 0.5
done
[ -n "$down" ] || { say "Slurm has not noticed that n2 is down"; exit 1; }

missing=$("$mandate" sweep sweep.toml --missing --shards 40 --out shards)
say "$ mandate sweep sweep.toml --missing --shards 40 --out shards"
echo "$missing"
[ -n "$missing" ] || { say "nothing is missing after kills"; exit 1; }
if "$mandate" merge shards --out merged --quiet 2>refused.txt; then
    say "merge took shards with gaps"
    exit 1
fi
cat refused.txt
say "$ mandate sweep ... --plan 40 --scheduler slurm | sbatch --array=$missing"
job=$(sbatch --parsable --output=/dev/null --array="$missing" <array.sh)
for _ in $(seq 240); do
    finished "$job" && break
    sleep 0.5
done
[ -z "$("$mandate" sweep sweep.toml --missing --shards 40 --out shards)" ]
same_bytes
say "Slurm: the merged tables are those of one machine"
