//! The tables of every shipped scenario, run small, have the rows and checksums in `tests/golden/tables.toml`.

use crate::program::{mandate, scenario};
use mandate::sweep::file::is_sweep;
use rayon::prelude::*;
use std::fmt::Write as _;
use std::path::Path;
use toml::{Table, Value};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tables.toml");

const HEAD: &str = "\
# Rows and SHA-256 of the tables of each shipped scenario, of `mandate run SCENARIO --sample 2_000
# --replicates 2 --decisions`. `ACCEPT_GOLDEN=1 cargo test --release golden` writes this file anew.
";

/// What a change of results asks for.
const ASKED: &str = "\
Results of shipped scenarios have changed. If that is not meant, it is a fault. If it is, run
    ACCEPT_GOLDEN=1 cargo test --release golden
and say in CHANGELOG.md which results change, and why: analysts have published the old ones.";

fn names() -> Vec<String> {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "toml") && !is_sweep(file))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// Rows and checksum of each table of a scenario.
fn tables(name: &str) -> Table {
    let here = tempfile::tempdir().unwrap();
    let mut run = mandate(here.path());
    run.arg("run").arg(scenario(name)).args(["--sample", "2_000", "--replicates", "2", "--decisions"]);
    run.args(["--out", "o", "--quiet", "--threads", "1"]).assert().code(0);
    let manifest: Table =
        std::fs::read_to_string(here.path().join("o/manifest.toml")).unwrap().parse().unwrap();
    let entries = manifest["table"].as_array().unwrap();
    let told = |entry: &Value| format!("{} {}", entry["rows"], entry["sha256"].as_str().unwrap());
    entries.iter().map(|entry| (entry["file"].as_str().unwrap().into(), Value::String(told(entry)))).collect()
}

#[test]
fn golden_tables_of_shipped_scenarios() {
    let found: Vec<(String, Table)> =
        names().into_par_iter().map(|name| (name.clone(), tables(&name))).collect();
    if std::env::var_os("ACCEPT_GOLDEN").is_some() {
        let mut text = HEAD.to_string();
        for (name, tables) in &found {
            let _ = write!(text, "\n[{name}]\n{tables}");
        }
        std::fs::write(GOLDEN, text).unwrap();
        return;
    }
    let golden: Table = std::fs::read_to_string(GOLDEN).unwrap().parse().unwrap();
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
}
