//! The tables of every shipped scenario and sweep, run small, have the rows and checksums in
//! `tests/golden/tables.toml`; and when what is kept there changes, CHANGELOG.md says so.

use crate::common::repository;
use crate::program::{files, mandate};
use mandate::sweep::file::is_sweep;
use mandate::sweep::plan::sha256;
use rayon::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

const GOLDEN: &str = "tests/golden/tables.toml";

const HEAD: &str = "\
# Rows and SHA-256 of the tables of each shipped scenario, of `mandate run SCENARIO --sample 2_000
# --replicates 2 --decisions`, and of each shipped sweep, of `mandate sweep SWEEP --sample 300 --replicates 1
# --set calendar.burn_in_months=3 --set calendar.months=15` with 2 points where the design is sampled.
# `ACCEPT_GOLDEN=1 cargo test --release golden` writes this file anew.
";

/// What a change of results asks for.
const ASKED: &str = "\
Results of shipped scenarios have changed. If that is not meant, it is a fault. If it is, run
    ACCEPT_GOLDEN=1 cargo test --release golden
and say in CHANGELOG.md which results change, and why: analysts have published the old ones.";

fn names() -> Vec<String> {
    let names = files(&repository("scenarios")).into_keys();
    names.filter_map(|name| name.strip_suffix(".toml").map(String::from)).collect()
}

/// The shipped files in a folder of their own, where designs that are sampled have two points.
fn shipped(here: &Path) {
    for folder in ["scenarios", "seeds"] {
        fs::create_dir(here.join(folder)).unwrap();
        for (name, bytes) in files(&repository(folder)) {
            let text = String::from_utf8(bytes).unwrap();
            let points =
                |line: &str| line.strip_prefix("points = ").map_or(line, |_| "points = 2").to_string();
            let text: String = text.lines().map(|line| points(line) + "\n").collect();
            fs::write(here.join(folder).join(name), text).unwrap();
        }
    }
}

/// Rows and checksum of each table of a scenario or sweep in `shipped`.
fn tables(shipped: &Path, name: &str) -> Table {
    let here = tempfile::tempdir().unwrap();
    let file = shipped.join("scenarios").join(format!("{name}.toml"));
    let mut program = mandate(here.path());
    if is_sweep(&file) {
        program.arg("sweep").arg(file).args(["--sample", "300", "--replicates", "1"]);
        program.args(["--set", "calendar.burn_in_months=3", "--set", "calendar.months=15"]);
    } else {
        program.arg("run").arg(file).args(["--sample", "2_000", "--replicates", "2", "--decisions"]);
    }
    program.args(["--out", "o", "--quiet", "--threads", "1"]).assert().code(0);
    let manifest: Table = fs::read_to_string(here.path().join("o/manifest.toml")).unwrap().parse().unwrap();
    let entries = manifest["table"].as_array().unwrap();
    let told = |entry: &Value| format!("{} {}", entry["rows"], entry["sha256"].as_str().unwrap());
    entries.iter().map(|entry| (entry["file"].as_str().unwrap().into(), Value::String(told(entry)))).collect()
}

/// The beginning of the checksum of all that is kept beside the tests.
fn digest() -> String {
    let kept = files(&repository("tests/golden"));
    let all: Vec<u8> =
        kept.into_iter().flat_map(|(name, bytes)| [name.into_bytes(), bytes].concat()).collect();
    sha256(&all)[..8].into()
}

/// The newest section of CHANGELOG.md tells of the results that are kept.
fn told_in_the_changelog() {
    let line = format!("- Results {}: ", digest());
    let changelog = fs::read_to_string(repository("CHANGELOG.md")).unwrap();
    let newest = changelog.split("\n## ").nth(1).unwrap();
    let told = newest.lines().any(|told| told.strip_prefix(&line).is_some_and(|what| !what.is_empty()));
    assert!(
        told,
        "\nWhat tests/golden/ keeps has changed. The newest section of CHANGELOG.md must have this line, with what\n\
         is true behind it:\n{line}WHICH RESULTS CHANGE, AND WHY\n"
    );
}

#[test]
fn golden_tables_of_shipped_scenarios() {
    let here = tempfile::tempdir().unwrap();
    shipped(here.path());
    let found: Vec<(String, Table)> =
        names().into_par_iter().map(|name| (name.clone(), tables(here.path(), &name))).collect();
    if std::env::var_os("ACCEPT_GOLDEN").is_some() {
        let mut text = HEAD.to_string();
        for (name, tables) in &found {
            let _ = write!(text, "\n[{name}]\n{tables}");
        }
        fs::write(repository(GOLDEN), text).unwrap();
    }
    let golden: Table = fs::read_to_string(repository(GOLDEN)).unwrap().parse().unwrap();
    let mut changed = String::new();
    for (name, tables) in &found {
        let none = Table::new();
        let known = golden.get(name).and_then(Value::as_table).unwrap_or(&none);
        for table in tables.keys().chain(known.keys().filter(|table| !tables.contains_key(*table))) {
            if tables.get(table) != known.get(table) {
                let told = |of: &Table| of.get(table).map_or("none".into(), Value::to_string);
                let _ = writeln!(changed, "  {name}, {table}: {} -> {}", told(known), told(tables));
            }
        }
    }
    for gone in golden.keys().filter(|name| found.iter().all(|(other, _)| other != *name)) {
        let _ = writeln!(changed, "  {gone} is no longer shipped");
    }
    assert!(changed.is_empty(), "\n{ASKED}\n{changed}");
    told_in_the_changelog();
}
