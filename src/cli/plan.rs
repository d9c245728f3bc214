//! `mandate sweep SWEEP --plan N`: what a sweep in N shards takes, and the script that submits it.

use super::run::quoted;
use super::sweep::SweepArgs;
use super::{Failure, Screen};
use crate::output::space::size;
use crate::random::Key;
use crate::replicate::simulate;
use crate::summary::SummaryRow;
use crate::sweep::Sweep;
use crate::sweep::journal::{Header, run_line};
use crate::sweep::space::{of_journals, of_tables};
use crate::tables::{Reporting, Row};
use clap::ValueEnum;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Runs that are made to measure how long one takes.
const TRIAL_RUNS: u64 = 5;
/// How much longer than measured a shard may take before its scheduler ends it: machines differ.
const TIME_MARGIN: u32 = 4;
/// The least time that is asked of a scheduler.
const LEAST_TIME: Duration = Duration::from_secs(600);
/// The largest array that Slurm takes unless its `MaxArraySize` says otherwise.
const SLURM_ARRAY: u64 = 1000;

/// Schedulers that run arrays of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// Slurm: pipe the script to sbatch
    Slurm,
    /// HyperQueue: pipe it to hq submit --stdin --directives=stdin bash
    Hyperqueue,
    /// PBS: pipe it to qsub
    Pbs,
    /// GNU parallel: pipe the commands to parallel
    Parallel,
}

/// What the runs of a sweep take, as measured on some of them.
struct Trial {
    /// Time of a run, on one thread.
    run: Duration,
    /// Bytes of a run in a shard's file.
    bytes: u64,
}

/// Prints what the sweep in `parts` shards takes; with a scheduler its script, and the rest on
/// standard error.
pub fn plan(
    args: &SweepArgs,
    screen: &Screen,
    sweep: &Sweep,
    out: &Path,
    parts: u64,
    scheduler: Option<Scheduler>,
) -> Result<(), Failure> {
    let runs = sweep.points.runs();
    if parts > runs {
        let what = format!("--plan {parts}: there are only {runs} runs, which make as many shards at most");
        return Err(Failure::Input(what));
    }
    let trial = trial(sweep)?;
    let threads = args.threads.unwrap_or(1);
    let shard = trial.run * u32::try_from(runs.div_ceil(parts)).unwrap_or(u32::MAX) / threads as u32;
    let told = told(sweep, &trial, parts, threads, shard, scheduler);
    let Some(scheduler) = scheduler else { return screen.output(&told) };
    let command = command(args, out, threads)?;
    if !screen.quiet {
        screen.error(&told);
    }
    let name = format!("mandate-{}", sweep.points.plan.name.replace(' ', "-"));
    screen.output(&script(scheduler, &name, &command, parts, threads, shard))
}

/// Runs a few runs, spread over the design.
fn trial(sweep: &Sweep) -> Result<Trial, Failure> {
    let runs = sweep.points.runs();
    let reporting = Reporting { months_only: true, ..Reporting::default() };
    let header = Header::new(&sweep.points, 0..runs);
    let trials = TRIAL_RUNS.min(runs);
    let (mut time, mut bytes) = (Duration::ZERO, 0);
    for trial in 0..trials {
        // From the first run to the last.
        let run = trial * (runs - 1) / (trials - 1).max(1);
        let of_point = sweep.points.of_run(run);
        let start = Instant::now();
        let scenario = sweep.scenario(of_point.scenario, of_point.point);
        let key = Key::new(sweep.seed(), scenario.replicate_seed(of_point.replicate));
        let rows = simulate(&scenario, key, 1, reporting, &AtomicBool::new(false))
            .map_err(|ended| Failure::Run(ended.to_string()))?;
        let cells = SummaryRow::of(&scenario, &rows).cells();
        time += start.elapsed();
        bytes += run_line(&header.identity, run, &cells).len() as u64;
    }
    Ok(Trial { run: time / trials as u32, bytes: bytes / trials })
}

fn told(
    sweep: &Sweep,
    trial: &Trial,
    parts: u64,
    threads: usize,
    shard: Duration,
    scheduler: Option<Scheduler>,
) -> String {
    let points = &sweep.points;
    let runs = points.runs();
    let (least, most) = (runs / parts, runs.div_ceil(parts));
    let each = if least == most { format!("{most}") } else { format!("{least} or {most}") };
    let mut text = format!("{}: {runs} runs in {parts} shards of {each}\n", points.plan.name);
    let of_run = points.plan.replicates;
    let _ = writeln!(
        text,
        "  {} points, {} scenario{}, {of_run} replicates, {} users",
        points.count(),
        points.scenarios(),
        if points.scenarios() == 1 { "" } else { "s" },
        sweep.base().parameters.users.sample
    );
    let measured = TRIAL_RUNS.min(runs);
    let _ = writeln!(
        text,
        "  time: {} a shard on {threads} thread{}, {} of processors in all ({} a run, measured here on {measured})",
        lasting(shard),
        if threads == 1 { "" } else { "s" },
        lasting(Duration::from_secs_f64(trial.run.as_secs_f64() * runs as f64)),
        lasting(trial.run)
    );
    let _ = writeln!(
        text,
        "  disk: {} for the shards, about {} for the tables",
        size(of_journals(points, runs, parts, trial.bytes)),
        size(of_tables(points, trial.bytes, false))
    );
    if scheduler == Some(Scheduler::Slurm) && parts > SLURM_ARRAY {
        let _ =
            writeln!(text, "  note: Slurm takes arrays of {SLURM_ARRAY} unless its MaxArraySize is higher");
    }
    text
}

/// The command of a shard but for the shard itself, as a shell takes it from any folder.
fn command(args: &SweepArgs, out: &Path, threads: usize) -> Result<String, Failure> {
    let shown = |path: PathBuf| quoted(&path.display().to_string());
    let failed = |error: std::io::Error| Failure::Run(error.to_string());
    let program = std::env::current_exe().map_err(failed)?;
    let file = std::path::absolute(args.file()).map_err(failed)?;
    let out = std::path::absolute(out).map_err(failed)?;
    let mut words = vec![shown(program), "sweep".into(), shown(file)];
    words.extend(args.typed());
    words.extend(["--quiet".into(), format!("--threads {threads}"), format!("--out {}", shown(out))]);
    Ok(words.join(" "))
}

/// What the scheduler's submit command reads from its standard input.
fn script(
    scheduler: Scheduler,
    name: &str,
    command: &str,
    parts: u64,
    threads: usize,
    shard: Duration,
) -> String {
    let limit = (shard * TIME_MARGIN).max(LEAST_TIME).as_secs();
    let clock = format!("{:02}:{:02}:{:02}", limit / 3600, limit / 60 % 60, limit % 60);
    let body = |task: &str| format!("exec {command} --shard \"${task}/{parts}\"\n");
    match scheduler {
        Scheduler::Slurm => format!(
            "#!/bin/bash\n\
             # Some shards again: sbatch --array=3,7-9, and this script.\n\
             #SBATCH --job-name={name}\n\
             #SBATCH --array=1-{parts}\n\
             #SBATCH --ntasks=1\n\
             #SBATCH --cpus-per-task={threads}\n\
             #SBATCH --time={clock}\n\
             #SBATCH --requeue\n\
             {}",
            body("SLURM_ARRAY_TASK_ID")
        ),
        Scheduler::Hyperqueue => format!(
            "#!/bin/bash\n\
             #HQ --name={name}\n\
             #HQ --array=1-{parts}\n\
             #HQ --cpus={threads}\n\
             #HQ --time-limit={limit}s\n\
             {}",
            body("HQ_TASK_ID")
        ),
        Scheduler::Pbs => format!(
            "#!/bin/bash\n\
             #PBS -N {name}\n\
             #PBS -J 1-{parts}\n\
             #PBS -l select=1:ncpus={threads}\n\
             #PBS -l walltime={clock}\n\
             #PBS -r y\n\
             {}",
            body("PBS_ARRAY_INDEX")
        ),
        Scheduler::Parallel => (1..=parts)
            .fold(String::new(), |text, part| text + &format!("{command} --shard {part}/{parts}\n")),
    }
}

/// A duration to two digits or so.
fn lasting(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        let times = [0.0123, 3.25, 150.0, 9000.0].map(|s| lasting(Duration::from_secs_f64(s)));
        assert_eq!(times, ["12 ms", "3.2 s", "2 min", "2.5 h"]);
    }

    #[test]
    fn scripts_ask_for_more_time_than_was_measured() {
        let of = |seconds| {
            let shard = Duration::from_secs(seconds);
            script(Scheduler::Slurm, "mandate-a", "mandate sweep a.toml", 40, 2, shard)
        };
        assert!(of(1).contains("#SBATCH --time=00:10:00\n"), "{}", of(1));
        assert!(of(3600).contains("#SBATCH --time=04:00:00\n"));
        assert!(of(1).ends_with("exec mandate sweep a.toml --shard \"$SLURM_ARRAY_TASK_ID/40\"\n"));
    }
}
