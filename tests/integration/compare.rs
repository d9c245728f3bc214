//! Scenarios against a baseline: what is paired, what is refused, what is written.

use crate::program::{Table, files, mandate, scenario};
use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use std::fs;
use std::path::Path;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// `mandate compare` with the December deadline as the baseline, small enough for a test.
fn compare(here: &Path, more: &[&str]) -> Command {
    let mut command = mandate(here);
    command.arg("compare").arg(scenario("december-deadline"));
    command.args(["--sample", "300", "--replicates", "3", "--set", "calendar.burn_in_months=6"]);
    command.args(["--out", "out"]).args(more);
    command
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("\"{text}\" is not a number"))
}

#[test]
fn a_scenario_compared_with_itself_is_exactly_zero_everywhere() {
    let here = folder();
    compare(here.path(), &["--vary", "fees.agency_query=24"])
        .assert()
        .code(0)
        .stdout(contains("no outcome differs at all"))
        .stderr(is_empty());
    let out = here.path().join("out");
    let comparison = Table::read(&out.join("comparison.csv"), b',');
    assert!(comparison.rows.len() > 50);
    for row in &comparison.rows {
        assert_eq!(row["scenario"], "december-deadline fees.agency_query=24");
        for column in ["difference", "difference_low", "difference_high"] {
            assert_eq!(row[column], "0", "{}", row["metric"]);
        }
        assert_eq!((row["surely_different"].as_str(), row["replicates_needed"].as_str()), ("false", ""));
    }
    for row in Table::read(&out.join("winners.csv"), b',').rows {
        assert_eq!((row["gain_cny"].as_str(), row["gains"].as_str()), ("0", "unclear"), "{}", row["party"]);
    }
    assert!(Table::read(&out.join("parameters.csv"), b',').rows.is_empty(), "no parameter differs");
}

#[test]
fn differences_are_those_of_the_replicates_in_summary() {
    let here = folder();
    compare(here.path(), &[scenario("strict-oversight").to_str().unwrap()]).assert().code(0);
    let out = here.path().join("out");
    let summary = Table::read(&out.join("summary.csv"), b',');
    let of = |name: &str, column: &str| -> Vec<f64> {
        let rows = summary.rows.iter().filter(|row| row["scenario"] == name);
        rows.map(|row| number(&row[column])).collect()
    };
    let comparison = Table::read(&out.join("comparison.csv"), b',');
    for metric in ["fines_cny_total", "approval_rate_mean", "audits_total"] {
        let row = comparison.rows.iter().find(|row| row["metric"] == metric).unwrap();
        let (before, after) = (of("december-deadline", metric), of("strict-oversight", metric));
        let differences: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b - a).collect();
        let mean = differences.iter().sum::<f64>() / 3.0;
        let variance = differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 2.0;
        let half = 4.302_652_730 * (variance / 3.0).sqrt();
        let near = |text: &str, expected: f64| {
            assert!(
                (number(text) - expected).abs() <= 1e-9 * (1.0 + expected.abs()),
                "{metric}: {text} {expected}"
            );
        };
        near(&row["difference"], mean);
        near(&row["difference_low"], mean - half);
        near(&row["difference_high"], mean + half);
    }
    let parameters = Table::read(&out.join("parameters.csv"), b',');
    assert_eq!(parameters.names, ["path", "unit", "december-deadline", "strict-oversight"]);
    let audits = parameters.rows.iter().find(|row| row["path"] == "supervision.audits_per_month").unwrap();
    assert_eq!((audits["december-deadline"].as_str(), audits["strict-oversight"].as_str()), ("2", "8"));

    let winners = Table::read(&out.join("winners.csv"), b',');
    let gain = |kind: &str| -> f64 {
        let rows = winners.rows.iter().filter(|row| row["party_kind"] == kind);
        rows.map(|row| number(&row["gain_cny"])).sum()
    };
    for (kind, metric) in [
        ("platform", "platform_profit_cny_total"),
        ("bank_class", "bank_profit_cny_total"),
        ("agency", "agency_profit_cny_total"),
        ("income_quintile", "users_surplus_cny_total"),
        ("treasury", "fines_cny_total"),
    ] {
        let row = comparison.rows.iter().find(|row| row["metric"] == metric).unwrap();
        let all = number(&row["difference"]);
        assert!((gain(kind) - all).abs() <= 1e-6 * all.abs().max(1.0), "{kind}: {} {all}", gain(kind));
    }

    let dictionary = Table::read(&out.join("columns.csv"), b',');
    for table in ["comparison", "comparison_wide", "parameters", "winners", "summary", "months"] {
        for column in Table::read(&out.join(format!("{table}.csv")), b',').names {
            let described = |row: &std::collections::BTreeMap<String, String>| {
                row["table"] == table && row["column"] == column
            };
            assert!(dictionary.rows.iter().any(described), "{table}.{column} is not described");
        }
    }
}

#[test]
fn what_cant_be_compared_is_refused_and_nothing_is_written() {
    let here = folder();
    let baseline = scenario("december-deadline");
    let other = |text: &str| {
        let file = here.path().join("other.toml");
        let base = baseline.display();
        fs::write(&file, format!("title = \"Other\"\nextends = '{base}'\n{text}")).unwrap();
        file.to_str().unwrap().to_string()
    };
    let refused = |arguments: &[&str], parts: &[&str]| {
        let assert = compare(here.path(), arguments).assert().code(2).stdout(is_empty());
        let message = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        for part in parts {
            assert!(message.contains(part), "no {part:?} in\n{message}");
        }
        assert!(!here.path().join("out").exists());
    };
    refused(&[baseline.to_str().unwrap()], &["both named december-deadline"]);
    refused(
        &[&other("[calendar]\nmonths = 24\n")],
        &["calendar.months = 24", "allowed: 48", "not that of the baseline"],
    );
    refused(&["--vary", "fees.agency_query=6,-1"], &["--vary: fees.agency_query = -1", "out of range"]);
    refused(
        &["--vary", "fees.agency_qery=6"],
        &["--vary: fees.agency_qery", "did you mean fees.agency_query?"],
    );
    refused(&["--vary", "fees.agency_query"], &["there is no '='"]);
    refused(&["--vary", "fees.agency_query=6,6"], &["6 is listed twice"]);
    refused(&["--vary", "calendar.months=24"], &["calendar.months", "not that of the baseline"]);
    refused(&["--vary", "fees.agency_query=6", "--tables", "winers"], &["did you mean winners?"]);
    refused(&[], &["required"]);
}

#[test]
fn workbook_and_report_are_results_like_tables() {
    let here = folder();
    let once = |threads: &str| {
        let more = ["--vary", "supervision.audits_per_month=8", "--xlsx", "--report", "--force"];
        compare(here.path(), &[&more[..], &["--threads", threads]].concat())
            .assert()
            .code(0)
            .stdout(contains("workbook.xlsx, report.html, 14 tables"));
        files(&here.path().join("out"))
    };
    let first = once("1");
    assert!(first.contains_key("workbook.xlsx") && first.contains_key("report.html"));
    assert_eq!(first, once("2"), "the same bytes whatever the threads");
    let manifest: toml::Table = String::from_utf8(first["manifest.toml"].clone()).unwrap().parse().unwrap();
    let run_id = manifest["run_id"].as_str().unwrap();
    assert!(
        String::from_utf8(first["report.html"].clone()).unwrap().contains(run_id),
        "linked by the run id"
    );

    compare(here.path(), &["--vary", "supervision.audits_per_month=8", "--force"]).assert().code(0);
    let later = files(&here.path().join("out"));
    assert!(!later.contains_key("workbook.xlsx"), "no stale workbook beside new tables");
}

#[test]
fn all_dialects_read_back_to_the_same_numbers() {
    let here = folder();
    let mut tables = Vec::new();
    for (dialect, delimiter) in [("standard", b','), ("excel", b','), ("excel-eu", b';')] {
        compare(here.path(), &["--vary", "fees.agency_query=6", "--csv-dialect", dialect, "--force"])
            .assert()
            .code(0);
        let mut table = Table::read(&here.path().join("out/comparison.csv"), delimiter);
        for row in &mut table.rows {
            row.values_mut().for_each(|text| *text = text.replace(',', "."));
        }
        tables.push(table.rows);
    }
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
}

#[test]
fn one_replicate_is_told_to_settle_nothing() {
    let here = folder();
    compare(here.path(), &["--vary", "supervision.audits_per_month=8", "--replicates", "1"])
        .assert()
        .code(2)
        .stderr(contains("--replicates"));
    mandate(here.path())
        .arg("compare")
        .arg(scenario("december-deadline"))
        .args(["--vary", "supervision.audits_per_month=8", "--replicates", "1", "--sample", "300"])
        .args(["--set", "calendar.burn_in_months=6", "--out", "out"])
        .assert()
        .code(0)
        .stdout(contains("one replicate can't tell a difference from luck").and(contains("NaN").not()));
}
