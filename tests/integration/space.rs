//! Results that would fill the disk are refused before anything starts, and nothing is written.
#![cfg(unix)]

use crate::common::shipped;
use crate::program::{files, mandate, run, scenario};
use mandate::output::Selection;
use mandate::output::space::{MARGIN, of_runs};
use mandate::sweep::file::Options;
use mandate::sweep::space::{RUN_LINE, of_journals, of_tables};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// No disk has room for the tables of these.
const ENDLESS: [&str; 4] = ["--replicates", "1_000_000", "--set", "calendar.months=1200"];

/// Sizes of the files in a folder but for those that do not grow with months or replicates.
fn bytes(folder: &Path) -> f64 {
    let fixed = ["columns.csv", "calibration.csv", "manifest.toml", "effects.csv"];
    let grown = files(folder).into_iter().filter(|(name, _)| !fixed.contains(&name.as_str()));
    grown.map(|(_, bytes)| bytes.len() as f64).sum()
}

fn near(estimate: u64, folder: &Path, what: &str) {
    let ratio = estimate as f64 / bytes(folder);
    assert!((1.0 / MARGIN..MARGIN).contains(&ratio), "{what}: estimated {ratio:.2} times what it takes");
}

#[test]
fn estimates_are_near_what_runs_take() {
    let here = tempfile::tempdir().unwrap();
    for name in ["december-deadline", "divestiture", "open-market", "national-registry"] {
        for (options, per_bank, decisions) in [
            (&[][..], false, false),
            (&["--tables", "months,summary"], false, false),
            (&["--per-bank"], true, false),
            (&["--decisions"], false, true),
        ] {
            let mut command = run(here.path(), &[name]);
            command.args(options).args(["--out", "o", "--quiet", "--force"]).assert().code(0);
            let all = Selection::of_runs();
            let selection = match options.get(1) {
                Some(list) => all.only(list).unwrap(),
                None if decisions => all.with_decisions(),
                None => all,
            };
            let scenarios = [shipped(name, &["calendar.burn_in_months=6"])];
            let estimate = of_runs(&scenarios, 2, &selection, per_bank);
            near(estimate, &here.path().join("o"), &format!("{name} {options:?}"));
        }
    }
}

#[test]
fn estimates_are_near_what_sweeps_take() {
    let here = tempfile::tempdir().unwrap();
    let fixed = ["calendar.burn_in_months=3", "calendar.months=15"].map(String::from);
    for name in ["fee-by-oversight", "what-matters"] {
        let mut command = mandate(here.path());
        command.arg("sweep").arg(scenario(name)).args(["--sample", "100", "--replicates", "1", "--quiet"]);
        command.args(fixed.iter().flat_map(|set| ["--set", set])).args(["--shard", "1/1", "--out", "shards"]);
        command.assert().code(0);
        for (format, parquet) in [("csv", false), ("parquet", true)] {
            let merge = ["merge", "shards", "--quiet", "--force", "--out", "o", "--table-format", format];
            mandate(here.path()).args(merge).assert().code(0);
            let options = Options {
                replicates: Some(1),
                sample: Some(100),
                sets: fixed.to_vec(),
                ..Options::default()
            };
            let sweep =
                mandate::sweep::load(&scenario(name), &options).unwrap_or_else(|told| panic!("{told}"));
            let points = &sweep.points;
            let (estimate, out) = (of_tables(points, RUN_LINE, parquet), here.path().join("o"));
            if parquet {
                // No more than a bound from below is known.
                let ratio = estimate as f64 / bytes(&out);
                assert!(ratio < MARGIN, "{name}: estimated {ratio:.2} times what it takes");
            } else {
                near(estimate, &out, name);
            }
            near(of_journals(points, points.runs(), 1, RUN_LINE), &here.path().join("shards"), name);
        }
        fs::remove_dir_all(here.path().join("shards")).unwrap();
    }
}

/// One line, this status, and nothing written.
fn refused(output: &Output, status: i32, out: &Path) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.starts_with("error: can't write ") && said.lines().count() == 1, "{said}");
    assert!(said.contains(": results take about ") && said.ends_with(" are free there\n"), "{said}");
    assert!(output.stdout.is_empty() && !out.exists());
}

#[test]
fn what_no_disk_holds_is_refused_before_it_starts() {
    let here = tempfile::tempdir().unwrap();
    let out = here.path().join("out/deeper");
    let base = scenario("december-deadline");
    let base = base.to_str().unwrap();
    for command in [["run", base], ["compare", base]] {
        let mut program = mandate(here.path());
        program.args(command).args(ENDLESS).args(["--per-bank", "--decisions", "--out", "out/deeper"]);
        if command[0] == "compare" {
            program.args(["--vary", "fees.agency_query=6"]);
        }
        refused(&program.output().unwrap(), 1, &out);
    }
    // Many replicates of a million points.
    let factor = |path: &str| {
        let values: Vec<String> = (1..=1000).map(|value| value.to_string()).collect();
        format!("[[factor]]\npath = {path:?}\nvalues = [{}]\n", values.join(", "))
    };
    let factors = factor("fees.agency_query") + &factor("fees.direct_query");
    let text = format!("base = {base:?}\ndesign = \"grid\"\nreplicates = 100_000\n{factors}");
    fs::write(here.path().join("s.toml"), text).unwrap();
    for (more, status) in [(&[][..], 1), (&["--shard", "1/2"], 75)] {
        let mut program = mandate(here.path());
        program.args(["sweep", "s.toml", "--out", "out/deeper"]).args(more);
        refused(&program.output().unwrap(), status, &out);
    }
    assert!(!here.path().join("out").exists());
}

/// A shell's commands in `here`, where `small` is a disk of 512 kB; nothing where none can be had.
fn on_a_small_disk(here: &Path, commands: &str) -> Option<Output> {
    fs::create_dir_all(here.join("small")).unwrap();
    let script = format!("mount -t tmpfs -o size=512k tmpfs small || exit 99\n{commands}");
    for unshare in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_mandate")]);
        let Ok(output) = command.current_dir(here).output() else { continue };
        if !matches!(output.status.code(), Some(99 | 1)) || output.stdout.starts_with(b"mounted") {
            return Some(output);
        }
    }
    eprintln!("skipped: no disk can be mounted");
    None
}

#[test]
fn small_disks() {
    let here = tempfile::tempdir().unwrap();
    let base = scenario("december-deadline");
    let run = format!(
        "\"$1\" run {:?} --sample 100 --set calendar.burn_in_months=1 --set calendar.months=6",
        base.to_str().unwrap()
    );
    // The tables of this sweep take about 1.5 MB.
    let mut sweep = mandate(here.path());
    sweep.arg("sweep").arg(scenario("what-matters")).args(["--sample", "100", "--replicates", "1"]);
    sweep.args(["--set", "calendar.burn_in_months=1", "--set", "calendar.months=2"]);
    sweep.args(["--quiet", "--shard", "1/1", "--out", "shards"]).assert().code(0);
    // A replicate of these months takes about 40 kB.
    let commands = format!(
        "echo mounted\n\
         {run} --quiet --replicates 2 --out small/two; echo status $? >&2\n\
         {run} --quiet --replicates 100 --out small/many; echo status $? >&2\n\
         {run} --tables months --replicates 90 --out small/tight >/dev/null; echo status $? >&2\n\
         \"$1\" merge shards --out small/merged >&2; echo status $? >&2\n\
         ls small >&2\n"
    );
    let Some(output) = on_a_small_disk(here.path(), &commands) else { return };
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "status 0", "{said}");
    assert!(lines[1].starts_with("error: can't write small/many: results take about 4 MB, and "), "{said}");
    assert_eq!(lines[2], "status 1", "{said}");
    assert!(lines[3].starts_with("note: small/tight: results take about "), "{said}");
    assert!(lines[3].ends_with(" are free there"), "{said}");
    let merged = lines.iter().position(|line| line.starts_with("error: can't write small/merged: ")).unwrap();
    assert_eq!(lines[merged + 1..], ["status 1", "tight", "two"], "{said}");
}
