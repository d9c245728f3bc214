//! The files of a run: the same bytes for the same run, complete, described, and readable.

use crate::program::{Table, files, run};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn results(here: &Path, names: &[&str], out: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    run(here, names).args(["--quiet", "--out", out]).args(more).assert().code(0);
    files(&here.join(out))
}

#[test]
fn equal_runs_are_equal_bytes_whatever_the_threads() {
    let here = folder();
    let names = ["open-market", "december-deadline"];
    let run =
        |out: &str, threads: &str| results(here.path(), &names, out, &["--threads", threads, "--decisions"]);
    let one = run("one", "1");
    assert!(one.len() > 10);
    for (out, threads) in [("again", "1"), ("two", "2"), ("seven", "7")] {
        let other = run(out, threads);
        for (name, bytes) in &one {
            assert!(other.get(name) == Some(bytes), "{name} differs with {threads} threads");
        }
        assert_eq!(other.len(), one.len());
    }
}

#[test]
fn another_seed_is_another_run() {
    let here = folder();
    let run = |out: &str, seed: &str| {
        results(here.path(), &["open-market"], out, &["--seed", seed, "--tables", "months"])["months.csv"]
            .clone()
    };
    assert_ne!(run("one", "1"), run("two", "2"));
}

#[test]
fn only_the_tables_asked_for_are_written_and_say_the_same() {
    let here = folder();
    let all = results(here.path(), &["december-deadline"], "all", &[]);
    let few = results(here.path(), &["december-deadline"], "few", &["--tables", "months,summary"]);
    assert_eq!(few.keys().collect::<Vec<_>>(), ["columns.csv", "manifest.toml", "months.csv", "summary.csv"]);
    assert!(few["months.csv"] == all["months.csv"] && few["summary.csv"] == all["summary.csv"]);
    assert!(!all.contains_key("decisions.csv"));
    let decisions = results(here.path(), &["december-deadline"], "decisions", &["--decisions"]);
    assert!(decisions.contains_key("decisions.csv"));
    assert!(decisions["months.csv"] == all["months.csv"], "observing more changes nothing");
}

#[test]
fn every_column_of_every_table_is_described() {
    let here = folder();
    let out = here.path().join("out");
    let written =
        results(here.path(), &["open-market", "december-deadline"], "out", &["--decisions", "--per-bank"]);
    let described: BTreeSet<(String, String)> = Table::read(&out.join("columns.csv"), b',')
        .rows
        .into_iter()
        .map(|row| {
            assert!(!row["unit"].is_empty() && !row["meaning"].is_empty(), "{row:?}");
            (row["table"].clone(), row["column"].clone())
        })
        .collect();
    let mut found = BTreeSet::new();
    for table in written.keys().filter_map(|name| name.strip_suffix(".csv")) {
        for column in Table::read(&out.join(format!("{table}.csv")), b',').names {
            found.insert((table.to_string(), column));
        }
    }
    assert_eq!(found, described);
    assert!(
        found.contains(&("summary".into(), "rules.deadline".into())),
        "what differs between the scenarios"
    );
}

#[test]
fn the_manifest_vouches_for_every_table() {
    let here = folder();
    let written = results(here.path(), &["open-market"], "out", &["--seed", "1_000"]);
    let manifest: toml::Table = String::from_utf8(written["manifest.toml"].clone()).unwrap().parse().unwrap();
    assert_eq!(manifest["seed"].as_integer(), Some(1000));
    assert_eq!(manifest["scenario"][0]["name"].as_str(), Some("open-market"));
    assert_eq!(manifest["scenario"][0]["replicate_seeds"].as_array().map(Vec::len), Some(2));
    let tables = manifest["table"].as_array().unwrap();
    assert_eq!(tables.len() + 1, written.len());
    for table in tables {
        let bytes = &written[table["file"].as_str().unwrap()];
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(table["sha256"].as_str(), Some(hash.as_str()));
        let rows = csv::Reader::from_reader(&bytes[..]).records().count();
        assert_eq!(table["rows"].as_integer(), Some(rows as i64));
    }
    let text = String::from_utf8_lossy(&written["manifest.toml"]);
    let here = here.path().to_str().unwrap();
    assert!(
        !text.contains(here) && !text.contains(env!("CARGO_MANIFEST_DIR")),
        "no path of this machine\n{text}"
    );
}

#[test]
fn tables_are_rectangular_finite_and_complete() {
    let here = folder();
    let out = here.path().join("out");
    let written = results(here.path(), &["open-market", "december-deadline"], "out", &[]);
    for (name, bytes) in written.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let text = std::str::from_utf8(bytes).expect("tables are UTF-8");
        assert!(!text.contains('\r') && text.ends_with('\n'), "{name}");
        for cell in text.split([',', '\n']) {
            assert!(!["NaN", "inf", "-inf", "-0"].contains(&cell), "{name} has a cell {cell}");
        }
    }
    let months = Table::read(&out.join("months.csv"), b',');
    let starts: Vec<&str> = months.names.iter().take(3).map(String::as_str).collect();
    assert_eq!(starts, ["scenario", "replicate", "month"]);
    assert_eq!(months.rows.len(), 2 * 2 * 48);
    let keys = months.rows.iter().map(|row| (&row["scenario"], &row["replicate"], &row["month"]));
    assert_eq!(keys.collect::<BTreeSet<_>>().len(), months.rows.len(), "no row stands twice");
    assert_eq!(months.rows[0]["scenario"], "open-market", "in the order of the command line");
}

#[test]
fn means_and_totals_agree_with_the_months() {
    let here = folder();
    let out = here.path().join("out");
    results(here.path(), &["december-deadline"], "out", &[]);
    let months = Table::read(&out.join("months.csv"), b',');
    let number = |text: &String| text.parse::<f64>().unwrap();

    let means = Table::read(&out.join("months_mean.csv"), b',');
    for mean in &means.rows {
        let values: Vec<f64> = months
            .rows
            .iter()
            .filter(|row| row["month"] == mean["month"] && !row[&mean["metric"]].is_empty())
            .map(|row| number(&row[&mean["metric"]]))
            .collect();
        assert_eq!(mean["replicates"], values.len().to_string());
        let expected = values.iter().sum::<f64>() / values.len() as f64;
        assert!((number(&mean["mean"]) - expected).abs() <= 1e-9 * expected.abs(), "{mean:?}");
    }

    let summary = Table::read(&out.join("summary.csv"), b',');
    assert_eq!(summary.rows.len(), 2);
    for run in &summary.rows {
        let of_run = || months.rows.iter().filter(|row| row["replicate"] == run["replicate"]);
        let fines: f64 = of_run().map(|row| number(&row["fines_cny"])).sum();
        assert!((number(&run["fines_cny_total"]) - fines).abs() < 1.0);
        let before = of_run().find(|row| row["month"] == "2022-11").unwrap();
        assert_eq!(run["delivered_share_before_deadline"], before["delivered_share"]);
        assert_eq!(run["delivered_share_end"], of_run().next_back().unwrap()["delivered_share"]);
    }
}

#[test]
fn dialects_read_back_to_the_same_values() {
    let here = folder();
    let write = |out: &str, dialect: &str| {
        results(here.path(), &["december-deadline"], out, &["--csv-dialect", dialect]);
        here.path().join(out)
    };
    let (standard, excel, excel_eu) =
        (write("standard", "standard"), write("excel", "excel"), write("excel-eu", "excel-eu"));
    for table in ["months", "platforms", "trades", "summary", "columns"] {
        let file = format!("{table}.csv");
        let expected = Table::read(&standard.join(&file), b',');
        let same = Table::read(&excel.join(&file), b',');
        assert!(same.names == expected.names && same.rows == expected.rows, "{file} for Excel");
        let european = Table::read(&excel_eu.join(&file), b';');
        assert_eq!(european.names, expected.names);
        assert_eq!(european.rows.len(), expected.rows.len());
        for (row, expected) in european.rows.iter().zip(&expected.rows) {
            for (column, text) in row {
                let point = if expected[column].parse::<f64>().is_ok() {
                    text.replace(',', ".")
                } else {
                    text.clone()
                };
                assert_eq!(point, expected[column], "{file} {column}");
            }
        }
    }
    let bytes = fs::read(excel.join("months.csv")).unwrap();
    assert!(bytes.starts_with(b"\xef\xbb\xbfscenario,replicate,month,") && bytes.ends_with(b"\r\n"));
}
