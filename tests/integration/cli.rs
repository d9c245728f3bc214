//! Exit status, messages, and what is left on the disk.

use crate::program::{files, mandate, run, scenario};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use std::fs;
use std::process::{Command, Stdio};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn usage_is_told_with_status_2_and_help_with_0() {
    let here = folder();
    for wrong in [
        &["simulate"][..],
        &["run"],
        &["run", "a.toml", "--replicates", "0"],
        &["run", "a.toml", "--replicates", "1_"],
        &["run", "a.toml", "--threads", "0"],
        &["run", "a.toml", "--seed", "-1"],
        &["run", "a.toml", "--csv-dialect", "lotus"],
        &["parameters", "--format", "yaml"],
        &[],
    ] {
        mandate(here.path()).args(wrong).assert().code(2).stdout(is_empty());
    }
    for right in [&["--help"][..], &["run", "--help"], &["--version"]] {
        mandate(here.path()).args(right).assert().code(0).stderr(is_empty());
    }
    assert!(files(here.path()).is_empty());
}

#[test]
fn a_run_says_where_its_files_are_and_nothing_else() {
    let here = folder();
    run(here.path(), &["december-deadline"])
        .assert()
        .code(0)
        .stdout(contains("december-deadline: 2 replicates").and(contains("Files: results/december-deadline")))
        .stderr(is_empty());
    let files = files(&here.path().join("results/december-deadline"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "agencies.csv",
        "banks.csv",
        "calibration.csv",
        "columns.csv",
        "flows.csv",
        "manifest.toml",
        "months.csv",
        "months_mean.csv",
        "platforms.csv",
        "summary.csv",
        "trades.csv",
    ];
    assert_eq!(names, expected);
}

#[test]
fn quiet_is_quiet() {
    let here = folder();
    run(here.path(), &["open-market"]).arg("--quiet").assert().code(0).stdout(is_empty()).stderr(is_empty());
}

#[test]
fn headings_are_coloured_when_told() {
    let here = folder();
    let tables = ["--tables", "summary", "--force"];
    run(here.path(), &["open-market"]).args(tables).assert().stdout(contains("\u{1b}").not());
    run(here.path(), &["open-market"])
        .args(tables)
        .args(["--color", "always"])
        .assert()
        .stdout(contains("\u{1b}[1m"));
}

#[test]
fn results_are_not_overwritten_without_force_and_never_mixed() {
    let here = folder();
    let out = here.path().join("out");
    let again = |more: &[&str]| run(here.path(), &["open-market"]).args(["--out", "out"]).args(more).assert();
    again(&["--tables", "months,trades"]).code(0);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let before = files(&out);

    again(&[]).code(2).stderr(starts_with("error: out holds results").and(contains("--force")));
    assert_eq!(files(&out), before);

    again(&["--tables", "months", "--force"]).code(0);
    let names: Vec<String> = files(&out).into_keys().collect();
    assert_eq!(names, ["columns.csv", "manifest.toml", "months.csv", "notes.txt"]);
}

#[test]
fn a_file_in_the_way_is_a_failure_in_one_line() {
    let here = folder();
    fs::write(here.path().join("out"), "mine").unwrap();
    for out in ["out", "out/deeper"] {
        run(here.path(), &["open-market"])
            .args(["--out", out, "--force"])
            .assert()
            .code(1)
            .stdout(is_empty())
            .stderr(starts_with("error: ").and(predicate::function(|text: &str| text.lines().count() == 1)));
    }
    assert_eq!(files(here.path()).into_iter().collect::<Vec<_>>(), [("out".into(), b"mine".to_vec())]);
}

#[test]
fn wrong_input_runs_nothing_and_writes_nothing() {
    let here = folder();
    mandate(here.path()).args(["run", "absent.toml"]).assert().code(2).stderr(contains("absent.toml"));
    run(here.path(), &["open-market"]).args(["--set", "fees.agency_qery=1"]).assert().code(2);
    run(here.path(), &["open-market"])
        .args(["--tables", "months,plattforms"])
        .assert()
        .code(2)
        .stderr(contains("did you mean platforms?"));
    assert!(files(here.path()).is_empty());
}

#[test]
fn all_that_is_wrong_with_several_inputs_is_said_at_once() {
    let here = folder();
    fs::write(here.path().join("open-market.toml"), "title = \"X\"\n[fees]\nagency_query = -1\n").unwrap();
    run(here.path(), &["open-market"])
        .args(["open-market.toml", "absent.toml", "--tables", "moths"])
        .assert()
        .code(2)
        .stderr(
            contains("both named open-market")
                .and(contains("agency_query"))
                .and(contains("absent.toml"))
                .and(contains("did you mean months?")),
        );
}

#[test]
fn a_closed_pipe_is_no_fault() {
    let here = folder();
    let scenario = scenario("open-market");
    let scenario = scenario.to_str().unwrap();
    let run = ["run", scenario, "--sample", "300", "--replicates", "1", "--tables", "summary"];
    for arguments in [&["parameters"][..], &["parameters", "--format", "json-schema"], &run] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mandate"))
            .args(arguments)
            .current_dir(here.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mandate"))
        .args(["parameters", "--format", "csv"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: can't write to standard output"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing_and_says_so() {
    use std::time::{Duration, Instant};
    let here = folder();
    let out = here.path().join("results");
    let child = Command::new(env!("CARGO_BIN_EXE_mandate"))
        .arg("run")
        .arg(scenario("december-deadline"))
        .args(["--replicates", "100_000", "--sample", "1_000"])
        .current_dir(here.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !out.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // The signal is listened to right after the folder is made.
    std::thread::sleep(Duration::from_millis(500));
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    // A disk with little room for so many is noted before.
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("interrupted after ") && said.ends_with("nothing was written\n"), "{said}");
    assert!(output.stdout.is_empty() && files(here.path()).is_empty());
}

#[test]
fn check_goes_through_all_files() {
    let here = folder();
    let wrong = here.path().join("wrong.toml");
    fs::write(&wrong, "title = \"X\"\n[fees]\nagency_query = -1\n").unwrap();
    let right = scenario("december-deadline");
    let ok = format!("{}: ok", right.display());
    mandate(here.path()).arg("check").arg(&right).assert().code(0).stdout(starts_with(ok.as_str()));
    mandate(here.path())
        .args(["check", "wrong.toml", "absent.toml"])
        .arg(&right)
        .assert()
        .code(2)
        .stdout(starts_with(ok.as_str()))
        .stderr(contains("agency_query").and(contains("absent.toml")));
}

#[test]
fn a_new_scenario_passes_its_check_and_is_never_overwritten() {
    let here = folder();
    mandate(here.path()).args(["new", "cap"]).assert().code(2).stderr(contains("--from"));
    let from = scenario("december-deadline");
    let new = |name: &str| mandate(here.path()).args(["new", name, "--from"]).arg(&from).assert();
    new("cap").code(0).stdout(contains("Wrote cap.toml").and(contains("mandate run cap.toml")));
    mandate(here.path()).args(["check", "cap.toml"]).assert().code(0);

    let before = files(here.path());
    new("cap.toml").code(2).stderr(contains("not overwritten"));
    assert_eq!(files(here.path()), before);
}

#[test]
fn parameters_are_listed_in_every_form() {
    let here = folder();
    let list = |form: &str| {
        let output =
            mandate(here.path()).args(["parameters", "--format", form]).assert().code(0).get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    for form in ["table", "csv"] {
        assert!(list(form).contains("fees.agency_query"), "{form}");
    }
    serde_json::from_str::<serde_json::Value>(&list("json-schema")).expect("the schema is JSON");
}
