//! Sweeps: designs, what they write, and that neither interruptions nor shards show in the results.

use crate::program::{Table, files, mandate, scenario};
use mandate::sweep::file::is_sweep;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

/// A folder with a sweep file `s.toml` over a shipped scenario, made short.
fn folder(body: &str) -> TempDir {
    let here = tempfile::tempdir().expect("a temporary folder");
    write(here.path(), body);
    here
}

fn write(here: &Path, body: &str) {
    let base = scenario("december-deadline");
    fs::write(here.join("s.toml"), format!("base = {:?}\n{body}", base.to_str().unwrap())).unwrap();
}

const SMALL: [&str; 6] =
    ["--sample", "200", "--set", "calendar.burn_in_months=2", "--set", "calendar.months=4"];
const GRID: &str = "design = \"grid\"\nreplicates = 2\n\
    [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 24]\n\
    [[factor]]\npath = \"supervision.audits_per_month\"\nvalues = [0, 4]\n";

fn sweep(here: &Path, more: &[&str]) -> assert_cmd::Command {
    let mut command = mandate(here);
    command.args(["sweep", "s.toml"]).args(SMALL).args(more);
    command
}

#[test]
fn a_grid_has_every_combination_and_its_tables_say_so() {
    let here = folder(GRID);
    sweep(here.path(), &[])
        .assert()
        .code(0)
        .stderr(is_empty())
        .stdout(contains("s: 4 points of the design grid, 8 runs").and(contains("Files: results/s")));
    let out = here.path().join("results/s");
    let names: Vec<String> = files(&out).into_keys().collect();
    assert_eq!(names, ["columns.csv", "effects.csv", "manifest.toml", "sweep.csv", "sweep_summary.csv"]);

    let sweep = Table::read(&out.join("sweep.csv"), b',');
    assert_eq!(sweep.names[..4], ["point", "replicate", "fees.agency_query", "supervision.audits_per_month"]);
    let key: Vec<String> = sweep
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {}",
                row["point"], row["replicate"], row["fees.agency_query"], row["supervision.audits_per_month"]
            )
        })
        .collect();
    assert_eq!(key[..3], ["1 1 3 0", "1 2 3 0", "2 1 3 4"]);
    assert_eq!(key[7], "4 2 24 4");

    let summary = Table::read(&out.join("sweep_summary.csv"), b',');
    assert_eq!(
        summary.names,
        [
            "point",
            "fees.agency_query",
            "supervision.audits_per_month",
            "outcome",
            "mean",
            "sd",
            "low",
            "high",
            "replicates"
        ]
    );
    let mean = |point: &str, outcome: &str| {
        let row = summary.rows.iter().find(|row| row["point"] == point && row["outcome"] == outcome).unwrap();
        row["mean"].parse::<f64>().unwrap()
    };
    let of_runs: Vec<f64> =
        sweep.rows[..2].iter().map(|row| row["applications_total"].parse().unwrap()).collect();
    assert!((mean("1", "applications_total") / ((of_runs[0] + of_runs[1]) / 2.0) - 1.0).abs() < 1e-12);

    let effects = Table::read(&out.join("effects.csv"), b',');
    assert_eq!(effects.names[..3], ["outcome", "parameter", "rank_correlation"]);
    let columns = fs::read_to_string(out.join("columns.csv")).unwrap();
    for table in ["sweep", "sweep_summary", "effects", "columns"] {
        for name in Table::read(&out.join(format!("{table}.csv")), b',').names {
            assert!(columns.contains(&format!("\n{table},{name},")), "{table}.{name} is not described");
        }
    }
    let manifest: toml::Table = fs::read_to_string(out.join("manifest.toml")).unwrap().parse().unwrap();
    assert_eq!(manifest["command"].as_str(), Some("sweep"));
    assert_eq!(manifest["base"]["users"]["sample"].as_integer(), Some(200));
    assert!(!manifest.to_string().contains(here.path().to_str().unwrap()));
}

#[test]
fn a_point_is_the_run_of_the_same_values() {
    let here = folder(
        "design = \"grid\"\nreplicates = 1\n[[factor]]\npath = \"platforms.waits_for\"\nvalues = [0.1]\n\
         [[factor]]\npath = \"platforms.ant.waits_for\"\nvalues = [0.9]\n\
         [[factor]]\npath = \"rules.deadline\"\nvalues = [\"2022-06\"]\n",
    );
    sweep(here.path(), &["--out", "a"]).assert().code(0);
    let mut run = mandate(here.path());
    run.arg("run").arg(scenario("december-deadline")).args(SMALL);
    let sets = ["platforms.waits_for=0.1", "platforms.ant.waits_for=0.9", "rules.deadline=2022-06"];
    run.args(sets.iter().flat_map(|set| ["--set", set])).args(["--replicates", "1", "--out", "b"]);
    run.assert().code(0);
    let swept = Table::read(&here.path().join("a/sweep.csv"), b',');
    let ran = Table::read(&here.path().join("b/summary.csv"), b',');
    for name in &ran.names[2..] {
        assert_eq!(swept.rows[0][name], ran.rows[0][name], "{name}");
    }
}

#[test]
fn sampled_designs_fill_their_ranges() {
    let factors = "[[factor]]\npath = \"fees.agency_query\"\nlow = 1\nhigh = 100\nscale = \"log\"\n\
        [[factor]]\npath = \"credit.tries\"\nlow = 1\nhigh = 4\n\
        [[factor]]\npath = \"rules.deadline\"\nlow = \"2022-03\"\nhigh = \"2022-06\"\n\
        [[factor]]\npath = \"rules.consent\"\nvalues = [\"none\", \"opt-in\"]\n";
    for (design, points, rows, measure) in [
        ("latin-hypercube", 8, 8, "rank_correlation"),
        ("sobol", 8, 8, "rank_correlation"),
        ("morris", 2, 10, "mu"),
        ("saltelli", 2, 12, "s1"),
    ] {
        let here = folder(&format!("design = \"{design}\"\npoints = {points}\nreplicates = 1\n{factors}"));
        mandate(here.path())
            .args(["check", "s.toml"])
            .assert()
            .code(0)
            .stdout(format!("s.toml: ok (sweep, {rows} points, {rows} runs)\n"));
        sweep(here.path(), &["--out", "o"]).assert().code(0);
        let table = Table::read(&here.path().join("o/sweep.csv"), b',');
        assert_eq!(table.rows.len(), rows, "{design}");
        for row in &table.rows {
            let fee: f64 = row["fees.agency_query"].parse().unwrap();
            assert!((1.0..=100.0).contains(&fee));
            assert!(["1", "2", "3", "4"].contains(&row["credit.tries"].as_str()));
            assert!(row["rules.deadline"].starts_with("2022-0"));
            assert!(["none", "opt-in"].contains(&row["rules.consent"].as_str()));
        }
        let effects = Table::read(&here.path().join("o/effects.csv"), b',');
        assert_eq!(effects.names[2], measure, "{design}");
        assert!(effects.rows.iter().any(|row| row["parameter"] == "fees.agency_query"));
    }
}

#[test]
fn points_of_a_spreadsheet_are_read_as_it_writes_them() {
    let plain = "fees.agency_query,rules.deadline\n3.5,2022-12\n24,never\n";
    let continental = "\u{feff}fees.agency_query;rules.deadline\r\n3,5;2022-12\r\n24;never\r\n;\r\n";
    let mut results = Vec::new();
    for text in [plain, continental] {
        let here = folder("design = \"points\"\nfile = \"p.csv\"\nreplicates = 1\n");
        fs::write(here.path().join("p.csv"), text).unwrap();
        sweep(here.path(), &["--out", "o"]).assert().code(0);
        results.push(fs::read(here.path().join("o/sweep.csv")).unwrap());
    }
    assert_eq!(results[0], results[1]);
    assert!(String::from_utf8_lossy(&results[0]).contains("\n2,1,24,never,"));
}

#[test]
fn interruptions_do_not_show() {
    let here = folder(GRID);
    sweep(here.path(), &["--out", "whole", "--threads", "1"]).assert().code(0);
    let whole = files(&here.path().join("whole"));
    sweep(here.path(), &["--out", "threads", "--threads", "3"]).assert().code(0);
    assert_eq!(files(&here.path().join("threads")), whole);

    // A whole shard of one is the journal with a last line.
    sweep(here.path(), &["--out", "shard", "--shard", "1/1"]).assert().code(0);
    let shard = fs::read(here.path().join("shard/shard-1-of-1.mandate")).unwrap();
    let header = shard.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let last = shard.len();
    for (i, end) in
        [0, 1, header - 1, header, header + 1, header + 700, last - 90, last - 2].into_iter().enumerate()
    {
        let out = here.path().join(format!("cut{i}"));
        fs::create_dir(&out).unwrap();
        fs::write(out.join("sweep.partial"), &shard[..end]).unwrap();
        sweep(here.path(), &["--out", out.to_str().unwrap(), "--resume"]).assert().code(0);
        assert_eq!(files(&out), whole, "cut at byte {end} of {last}");
    }
    sweep(here.path(), &["--out", "whole", "--resume"]).assert().code(0).stdout(contains("is complete"));
    sweep(here.path(), &["--out", "new", "--resume"]).assert().code(0);
    assert_eq!(files(&here.path().join("new")), whole);
}

/// The sweep `s.toml` with `more` and some sizes, sent a signal when some of its runs are in `journal`.
#[cfg(unix)]
fn stopped(here: &Path, signal: &str, more: &[&str], journal: &str) -> std::process::Output {
    use std::time::{Duration, Instant};
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mandate"))
        .args(["sweep", "s.toml"])
        .args(SMALL)
        .args(more)
        .current_dir(here)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let journal = here.join(journal);
    let lines = || fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
    while lines() < 6 && start.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(journal.exists(), "it was stopped in time");
    output
}

#[cfg(unix)]
#[test]
fn a_killed_sweep_goes_on_where_it_was() {
    let here = folder(&GRID.replace("replicates = 2", "replicates = 25"));
    sweep(here.path(), &["--out", "whole"]).assert().code(0);
    for signal in ["-KILL", "-INT"] {
        let out = &format!("out{signal}");
        let output = stopped(here.path(), signal, &["--out", out], &format!("{out}/sweep.partial"));
        if signal == "-INT" {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(130), "{said}");
            assert!(said.starts_with("interrupted after "), "{said}");
            assert!(said.ends_with("; the same command with --resume goes on\n"), "{said}");
        }
        sweep(here.path(), &["--out", out])
            .assert()
            .code(2)
            .stderr(contains("not complete").and(contains("--resume")));
        sweep(here.path(), &["--out", out, "--resume"]).assert().code(0);
        assert_eq!(files(&here.path().join(out)), files(&here.path().join("whole")), "{signal}");
    }
}

/// The command that an interrupted sweep names does go on, also where the sweep was to replace results.
#[cfg(unix)]
#[test]
fn what_replaced_results_goes_on_without_replacing() {
    let here = folder(&GRID.replace("replicates = 2", "replicates = 25"));
    for (kind, said, goes_on, file, journal) in [
        (
            &[][..],
            "the same command with --resume in place of --force goes on",
            &["--resume"][..],
            "sweep.csv",
            "sweep.partial",
        ),
        (
            &["--shard", "1/1"],
            "the same command without --force goes on",
            &[],
            "shard-1-of-1.mandate",
            "shard-1-of-1.partial",
        ),
    ] {
        let command = |more: &[&'static str]| [&["--out", "o"], kind, more].concat();
        let (file, journal) = (here.path().join("o").join(file), format!("o/{journal}"));
        sweep(here.path(), &command(&[])).assert().code(0);
        let before = fs::read(&file).unwrap();
        let output = stopped(here.path(), "-INT", &command(&["--force"]), &journal);
        assert!(String::from_utf8_lossy(&output.stderr).ends_with(&format!("; {said}\n")), "{output:?}");
        assert_eq!(fs::read(&file).unwrap(), before, "results stay until new ones are whole");
        sweep(here.path(), &command(goes_on)).assert().code(0);
        assert_eq!(fs::read(&file).unwrap(), before, "{kind:?}");
        assert!(!here.path().join(&journal).exists(), "it has come to its end");
        fs::remove_dir_all(here.path().join("o")).unwrap();
    }
}

#[test]
fn what_is_there_is_not_mixed_with_another_sweep() {
    let here = folder(GRID);
    sweep(here.path(), &["--out", "o"]).assert().code(0);
    let before = files(&here.path().join("o"));
    sweep(here.path(), &["--out", "o"]).assert().code(2).stderr(starts_with("error: o holds results"));
    sweep(here.path(), &["--out", "o", "--resume", "--seed", "7"])
        .assert()
        .code(2)
        .stderr(contains("holds other results"));
    assert_eq!(files(&here.path().join("o")), before);

    sweep(here.path(), &["--out", "s", "--shard", "1/1"]).assert().code(0);
    fs::create_dir(here.path().join("j")).unwrap();
    fs::copy(here.path().join("s/shard-1-of-1.mandate"), here.path().join("j/sweep.partial")).unwrap();
    for (more, said) in [
        (&["--seed", "7"][..], "seed is \"1\" there, \"7\" here"),
        (&["--replicates", "3"], "replicates"),
        (&["--set", "credit.tries=3"], "credit.tries differs"),
    ] {
        sweep(here.path(), &["--out", "j", "--resume"])
            .args(more)
            .assert()
            .code(2)
            .stderr(contains("j/sweep.partial is of another sweep").and(contains(said)));
        sweep(here.path(), &["--out", "s", "--shard", "1/1"])
            .args(more)
            .assert()
            .code(2)
            .stderr(contains("shard-1-of-1.mandate is of another sweep").and(contains(said)));
    }
    write(here.path(), &GRID.replace("[3, 24]", "[3, 25]"));
    sweep(here.path(), &["--out", "j", "--resume"]).assert().code(2).stderr(contains("factors"));
    sweep(here.path(), &["--out", "j", "--force"]).assert().code(0);
    assert!(!here.path().join("j/sweep.partial").exists());
}

#[test]
fn shards_make_the_whole() {
    let here = folder(GRID);
    sweep(here.path(), &["--out", "whole"]).assert().code(0);
    let whole = files(&here.path().join("whole"));
    for parts in [1, 3, 7] {
        let folders = [format!("a{parts}"), format!("b{parts}")];
        let out = |part: usize| folders[part % 2].as_str();
        let missing = |folder: &str| {
            let parts = parts.to_string();
            let assert =
                sweep(here.path(), &["--out", folder, "--missing", "--shards", &parts]).assert().code(0);
            String::from_utf8(assert.get_output().stdout.clone()).unwrap()
        };
        for part in (1..=parts).rev() {
            let shard = format!("{part}/{parts}");
            sweep(here.path(), &["--out", out(part), "--shard", &shard]).assert().code(0).stderr(is_empty());
            sweep(here.path(), &["--out", out(part), "--shard", &shard])
                .assert()
                .code(0)
                .stdout(contains("is complete"));
        }
        if parts == 7 {
            assert_eq!(missing("a7"), "1,3,5,7\n");
            assert_eq!(missing("nowhere"), "1-7\n");
        }
        let merged = format!("m{parts}");
        let from: Vec<&str> = if parts == 1 { vec!["b1"] } else { vec![out(0), out(1)] };
        mandate(here.path())
            .arg("merge")
            .args(from)
            .args(["--out", &merged])
            .assert()
            .code(0)
            .stderr(is_empty());
        assert_eq!(files(&here.path().join(&merged)), whole, "{parts} shards");
    }
    // Different divisions together are fine as long as they agree.
    mandate(here.path()).args(["merge", "a3", "b7", "b3", "a7", "--out", "all"]).assert().code(0);
    assert_eq!(files(&here.path().join("all")), whole);
}

#[test]
fn parts_that_make_no_whole_are_refused() {
    let here = folder(GRID);
    let merge = |folders: &[&str]| {
        let assert = mandate(here.path()).arg("merge").args(folders).args(["--out", "m"]).assert().code(2);
        assert!(!here.path().join("m").exists());
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    for part in ["1/3", "3/3"] {
        sweep(here.path(), &["--out", "a", "--shard", part]).assert().code(0);
    }
    let told = merge(&["a"]);
    assert!(told.contains("runs are missing: 3 to 5 of 8"), "{told}");
    fs::create_dir(here.path().join("none")).unwrap();
    assert!(merge(&["a", "none"]).contains("none holds no shard"));

    sweep(here.path(), &["--out", "b", "--shard", "2/3", "--seed", "2"]).assert().code(0);
    let told = merge(&["a", "b"]);
    assert!(told.contains("b/shard-2-of-3.mandate does not belong") && told.contains("seed"), "{told}");

    let part = here.path().join("a/shard-3-of-3.mandate");
    let bytes = fs::read(&part).unwrap();
    for end in [10, bytes.len() - 5, bytes.len() - 100] {
        fs::write(&part, &bytes[..end]).unwrap();
        let told = merge(&["a"]);
        assert!(told.contains("a/shard-3-of-3.mandate") && told.contains("cut short"), "{told}");
    }
    let text = String::from_utf8(bytes).unwrap();
    fs::write(&part, text.replace("\"version", "\"vesrion").replacen("version = \\\"", "version = \\\"9", 1))
        .unwrap();
    assert!(merge(&["a"]).contains("shard-3-of-3.mandate"));
}

#[test]
fn all_that_is_wrong_with_a_sweep_is_said_at_once() {
    let here = folder(
        "design = \"gird\"\nreplicate = 2\n\
         [[factor]]\npath = \"fees.agency_qurey\"\nvalues = [1]\n\
         [[factor]]\npath = \"fees.agency_query\"\nvalues = [-1, 3, 3]\n\
         [[factor]]\npath = \"fees.agency_query\"\nvalues = []\n\
         [[factor]]\npath = \"supervision.audits_per_month\"\nlow = 4\nhigh = 2\n\
         [[factor]]\npath = \"fees.direct_query\"\nlow = 0\nhigh = 2\nscale = \"log\"\n\
         [[factor]]\npath = \"calendar.months\"\nvalues = [1]\n\
         [[factor]]\npath = \"users.sample\"\nvalues = [1]\n\
         [[factor]]\npath = \"rosters.banks\"\nvalues = [\"x.csv\"]\n\
         [[factor]]\npath = \"platforms.ant.wait_for\"\nvalues = [1]\n\
         [[factor]]\nvalue = [1]\n",
    );
    for command in ["check", "sweep"] {
        mandate(here.path()).args([command, "s.toml"]).assert().code(2).stdout(is_empty()).stderr(
            contains("s.toml:2: design = \"gird\"")
                .and(contains("did you mean grid?"))
                .and(contains("s.toml:3: replicate = 2").and(contains("did you mean replicates?")))
                .and(contains("s.toml:5: fees.agency_qurey").and(contains("did you mean fees.agency_query?")))
                .and(contains("s.toml:9: fees.agency_query = -1"))
                .and(contains("the value stands twice"))
                .and(contains("s.toml:11: path = fees.agency_query").and(contains("first in line 8")))
                .and(contains("the design is empty: no values"))
                .and(contains("s.toml:16: factor.4.high = 2").and(contains("low is not below high")))
                .and(contains("a logarithmic scale can't start at zero"))
                .and(contains("the calendar can't be swept"))
                .and(contains("give it with --sample"))
                .and(contains("files of starting data can't be swept"))
                .and(contains("platforms.ant.wait_for").and(contains("waits_for")))
                .and(contains("factor.10.value").and(contains("a factor must have a path"))),
        );
    }
    assert_eq!(files(here.path()).len(), 1, "nothing was written");
}

#[test]
fn points_that_can_not_be_are_named() {
    let here = folder(
        "design = \"grid\"\n[[factor]]\npath = \"rules.deadline\"\nvalues = [\"2022-01\", \"2022-12\"]\n\
         [[factor]]\npath = \"agencies.pudao.stakes.jd\"\nvalues = [0.1, 0.9]\n",
    );
    mandate(here.path()).args(["sweep", "s.toml"]).assert().code(2).stderr(
        contains("the deadline, 2022-01, is before the order")
            .and(contains("point 1: rules.deadline = \"2022-01\", agencies.pudao.stakes.jd = 0.1"))
            .and(contains("sum to more than 1")),
    );
    // A grid of a million million points, of which few combinations can be wrong.
    let factor =
        |path: &str| format!("[[factor]]\npath = \"{path}\"\nlow = 0.1\nhigh = 0.9\nlevels = 5000\n");
    let body = "design = \"grid\"\nreplicates = 1\n[[factor]]\npath = \"rules.deadline\"\n\
        values = [\"2022-12\", \"2022-01\"]\n";
    let factors = factor("behaviour.learn") + &factor("supervision.detection");
    write(here.path(), &format!("{body}{factors}"));
    mandate(here.path())
        .args(["check", "s.toml"])
        .assert()
        .code(2)
        .stderr(contains("point 25000001: rules.deadline = \"2022-01\", behaviour.learn = 0.1"));
    write(here.path(), "design = \"points\"\nfile = \"p.csv\"\n");
    fs::write(
        here.path().join("p.csv"),
        "fees.agency_query,fees.agency_qurey,fees.agency_query\ndear,1,1\n1,2\n",
    )
    .unwrap();
    mandate(here.path()).args(["sweep", "s.toml"]).assert().code(2).stderr(
        contains("p.csv:1: fees.agency_qurey")
            .and(contains("did you mean fees.agency_query?"))
            .and(contains("the column stands twice"))
            .and(contains("p.csv:2: fees.agency_query = dear").and(contains("not a number")))
            .and(contains("p.csv:3: 1,2").and(contains("2 cells, the header 3"))),
    );
    write(here.path(), "design = \"sobol\"\nfile = \"p.csv\"\n");
    mandate(here.path())
        .args(["sweep", "s.toml"])
        .assert()
        .code(2)
        .stderr(contains("needs a number of points").and(contains("no factor")).and(contains("has no file")));
    assert_eq!(files(here.path()).len(), 2, "nothing was written");
}

/// Scenario and sweep files that ship.
fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

#[test]
fn shipped_sweeps_are_sound() {
    let here = tempfile::tempdir().unwrap();
    let sweeps: Vec<PathBuf> = shipped().into_iter().filter(|path| is_sweep(path)).collect();
    assert_eq!(sweeps.len(), 3);
    for path in sweeps {
        mandate(here.path()).arg("check").arg(path).assert().code(0).stdout(contains("ok (sweep, "));
    }
}

/// Three scenarios that differ in what a relative factor multiplies, small.
fn regimes(here: &Path, factors: &str) {
    let others = ["fee-cap", "direct-ban"].map(|name| format!("{:?}", scenario(name).to_str().unwrap()));
    write(
        here,
        &format!("scenarios = [{}]\ndesign = \"grid\"\nreplicates = 3\n{factors}", others.join(", ")),
    );
}

const TIMES: &str = "[[factor]]\npath = \"fees.agency_query\"\nrelative = true\nvalues = [0.5, 2]\n\
    [[factor]]\npath = \"behaviour.review_rate\"\nvalues = [0.2, 0.9]\n";

#[test]
fn scenarios_side_by_side_are_ranked_at_every_point() {
    let here = tempfile::tempdir().unwrap();
    regimes(here.path(), TIMES);
    // Long enough for the regimes to part.
    let long = |more: &[&str]| {
        let mut command = mandate(here.path());
        command.args(["sweep", "s.toml", "--sample", "200"]).args(more);
        command.args(["--set", "calendar.burn_in_months=2", "--set", "calendar.months=30"]);
        command
    };
    long(&["--out", "a", "--xlsx"]).assert().code(0).stdout(
        contains("s: 4 points of the design grid, and 3 scenarios as they are, 45 runs")
            .and(contains("Rankings of the scenarios"))
            .and(contains("Credit to the creditworthy")),
    );
    let out = here.path().join("a");
    let sweep_table = Table::read(&out.join("sweep.csv"), b',');
    let first = ["scenario", "point", "replicate", "fees.agency_query_times", "behaviour.review_rate"];
    assert_eq!(sweep_table.names[..5], first);
    let start = &sweep_table.rows[..3];
    let names: Vec<&str> = start.iter().map(|row| row["scenario"].as_str()).collect();
    assert_eq!(names, ["december-deadline", "fee-cap", "direct-ban"]);
    for row in start {
        assert_eq!(
            [&row["point"], &row["fees.agency_query_times"], &row["behaviour.review_rate"]],
            ["0", "1", "0.25"]
        );
    }
    for table in ["sweep", "sweep_summary", "effects", "rankings"] {
        let names = Table::read(&out.join(format!("{table}.csv")), b',').names;
        let columns = fs::read_to_string(out.join("columns.csv")).unwrap();
        for name in names {
            assert!(columns.contains(&format!("\n{table},{name},")), "{table}.{name} is not described");
        }
    }

    // The rankings again, by hand.
    let value = |scenario: &str, point: &str, replicate: usize, outcome: &str| -> Option<f64> {
        let of_point = |row: &&std::collections::BTreeMap<String, String>| {
            row["scenario"] == scenario && row["point"] == point && row["replicate"] == replicate.to_string()
        };
        sweep_table.rows.iter().find(of_point).unwrap()[outcome].parse().ok()
    };
    let difference = |one: &str, other: &str, point: &str, outcome: &str| -> Option<f64> {
        let pairs = (1..=3).map(|r| Some(value(one, point, r, outcome)? - value(other, point, r, outcome)?));
        let all: Vec<f64> = pairs.flatten().collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    };
    let rankings = Table::read(&out.join("rankings.csv"), b',');
    let mut seen = 0;
    for row in &rankings.rows {
        let of = |point: &str| difference(&row["scenario"], &row["other"], point, &row["outcome"]);
        let of_design: Vec<f64> = ["1", "2", "3", "4"].into_iter().filter_map(of).collect();
        let share = |test: &dyn Fn(f64) -> bool| {
            of_design.iter().filter(|difference| test(**difference)).count() as f64 / of_design.len() as f64
        };
        assert_eq!(row["points"], of_design.len().to_string());
        let close = |name: &str, expected: f64| {
            let shown: f64 = row[name].parse().unwrap();
            let scale = expected.abs().max(1e-9);
            assert!((shown - expected).abs() <= 1e-9 * scale, "{name} of {row:?}: {expected}");
        };
        close("higher_share", share(&|d| d > 0.0));
        close("lower_share", share(&|d| d < 0.0));
        if let Some(shipped) = of("0").filter(|shipped| shipped.abs() > 1e-12) {
            seen += 1;
            close("holds_share", share(&|d| d != 0.0 && (d > 0.0) == (shipped > 0.0)));
        }
    }
    assert!(seen > 40, "{seen}");

    // A shard is a part of all scenarios' runs too.
    for part in ["1/3", "3/3", "2/3"] {
        long(&["--out", "parts", "--shard", part]).assert().code(0);
    }
    mandate(here.path()).args(["merge", "parts", "--out", "b", "--xlsx"]).assert().code(0);
    assert_eq!(files(&here.path().join("b")), files(&out));
}

#[test]
fn a_relative_factor_multiplies_what_each_scenario_has() {
    let here = tempfile::tempdir().unwrap();
    regimes(here.path(), TIMES);
    sweep(here.path(), &["--out", "a", "--replicates", "1"]).assert().code(0);
    let table = Table::read(&here.path().join("a/sweep.csv"), b',');
    // Point 3 of the grid: the fee doubled, the first rate of review.
    for (name, fee) in [("december-deadline", "48"), ("fee-cap", "12")] {
        let mut run = mandate(here.path());
        run.arg("run").arg(scenario(name)).args(SMALL).args(["--replicates", "1", "--out", name]);
        let set = format!("fees.agency_query={fee}");
        run.args(["--set", &set, "--set", "behaviour.review_rate=0.2"]).assert().code(0);
        let run = Table::read(&here.path().join(name).join("summary.csv"), b',');
        let row = table.rows.iter().find(|row| row["scenario"] == name && row["point"] == "3").unwrap();
        for outcome in ["agency_fees_cny_total", "bank_profit_cny_total", "users_surplus_cny_total"] {
            assert_eq!(row[outcome], run.rows[0][outcome], "{outcome} of {name}");
        }
    }
}

#[test]
fn what_would_make_scenarios_alike_is_refused() {
    let here = tempfile::tempdir().unwrap();
    regimes(
        here.path(),
        "[[factor]]\npath = \"fees.agency_query\"\nvalues = [1, 2]\n\
         [[factor]]\npath = \"rules.deadline\"\nvalues = [\"2022-12\"]\n\
         [[factor]]\npath = \"platforms.skill\"\nvalues = [0.5]\n",
    );
    sweep(here.path(), &[]).assert().code(2).stderr(
        contains("fees.agency_query")
            .and(contains("as in fee-cap, which the factor would replace"))
            .and(contains("relative = true multiplies what each of them has"))
            .and(contains("rules.deadline").and(contains("as in direct-ban")))
            .and(contains("platforms.skill").and(contains("as in december-deadline"))),
    );
    regimes(
        here.path(),
        "[[factor]]\npath = \"rules.deadline\"\nrelative = true\nvalues = [\"2022-12\"]\n\
         [[factor]]\npath = \"agencies.venture.payout\"\nrelative = 1\nvalues = [1]\n",
    );
    sweep(here.path(), &[])
        .assert()
        .code(2)
        .stderr(contains("only a number can be multiplied").and(contains("no such agency")));
    write(here.path(), &format!("scenarios = [{:?}, \"none.toml\"]\n{GRID}", scenario("december-deadline")));
    sweep(here.path(), &[])
        .assert()
        .code(2)
        .stderr(contains("two scenarios have this name").and(contains("none.toml")));
    assert_eq!(files(here.path()).len(), 1, "nothing was written");
}

#[test]
fn sweeps_among_scenarios_are_left_out_and_named() {
    let here = folder(GRID);
    let mut run = mandate(here.path());
    run.arg("run").arg("s.toml").arg(scenario("fee-cap")).args(SMALL).args(["--replicates", "1"]);
    run.assert().code(0).stderr("note: s.toml is a sweep, which `mandate sweep` runs; it is left out\n");
    mandate(here.path())
        .args(["run", "s.toml"])
        .assert()
        .code(2)
        .stderr("error: s.toml is a sweep, which `mandate sweep` runs\n");
}
