//! What a sweep in shards takes, and the scripts that submit it: they are run here as a scheduler would.

use crate::program::{files, mandate, scenario};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, is_match};
use std::fs;
use std::path::Path;
use std::process::Command;

const SMALL: [&str; 6] =
    ["--sample", "200", "--set", "calendar.burn_in_months=2", "--set", "calendar.months=4"];

/// A sweep of eight runs, in a folder whose name a shell would split.
fn folder() -> tempfile::TempDir {
    let here = tempfile::Builder::new().prefix("two words").tempdir().unwrap();
    let base = scenario("december-deadline");
    let body = "design = \"grid\"\nreplicates = 2\n\
        [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 24]\n\
        [[factor]]\npath = \"rules.consent\"\nvalues = [\"none\", \"opt-in\"]\n";
    fs::write(here.path().join("s.toml"), format!("base = {:?}\n{body}", base.to_str().unwrap())).unwrap();
    here
}

fn sweep(here: &Path, more: &[&str]) -> assert_cmd::Command {
    let mut command = mandate(here);
    command.args(["sweep", "s.toml"]).args(SMALL).args(more);
    command
}

fn shell(script: &str, variable: Option<(&str, String)>) {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).current_dir(elsewhere.path()).envs(variable);
    let output = command.output().expect("there is a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_plan_says_what_it_takes_and_leaves_nothing() {
    let here = folder();
    sweep(here.path(), &["--plan", "3"]).assert().code(0).stderr(is_empty()).stdout(
        contains("s: 8 runs in 3 shards of 2 or 3")
            .and(contains("4 points, 1 scenario, 2 replicates, 200 users"))
            .and(is_match("time: [0-9.]+ (ms|s) a shard on 1 thread, ").unwrap())
            .and(is_match("disk: [0-9]+ kB for the shards, about [0-9]+ kB for the tables").unwrap()),
    );
    sweep(here.path(), &["--plan", "9"])
        .assert()
        .code(2)
        .stderr(contains("there are only 8 runs, which make as many shards at most"));
    for more in [&["--plan", "0"][..], &["--plan", "2", "--shard", "1/2"], &["--scheduler", "slurm"]] {
        sweep(here.path(), more).assert().code(2);
    }
    assert_eq!(files(here.path()).len(), 1, "nothing was written");
}

#[test]
fn scripts_of_all_schedulers_make_the_whole() {
    let here = folder();
    sweep(here.path(), &["--out", "alone"]).assert().code(0);
    let alone = files(&here.path().join("alone"));
    for (scheduler, directive, task) in [
        ("slurm", "#SBATCH --array=1-3\n", Some("SLURM_ARRAY_TASK_ID")),
        ("hyperqueue", "#HQ --array=1-3\n", Some("HQ_TASK_ID")),
        ("pbs", "#PBS -J 1-3\n", Some("PBS_ARRAY_INDEX")),
        ("parallel", "--shard 2/3\n", None),
    ] {
        let out = format!("{scheduler} shards");
        let planned = sweep(here.path(), &["--plan", "3", "--scheduler", scheduler, "--out", &out]).assert();
        let planned = planned.code(0).stderr(contains("s: 8 runs in 3 shards"));
        let script = String::from_utf8(planned.get_output().stdout.clone()).unwrap();
        assert!(script.contains(directive), "{script}");
        match task {
            // The tasks of an array in some order; one of them twice.
            Some(task) => [2, 1, 3, 2].iter().for_each(|part| shell(&script, Some((task, part.to_string())))),
            None => script.lines().for_each(|line| shell(line, None)),
        }
        sweep(here.path(), &["--missing", "--shards", "3", "--out", &out])
            .assert()
            .code(0)
            .stdout(is_empty());
        mandate(here.path()).args(["merge", &out, "--out", "merged", "--force"]).assert().code(0);
        assert_eq!(files(&here.path().join("merged")), alone, "{scheduler}");
    }
}
