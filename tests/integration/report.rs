//! The report in a real browser: it renders, complains of nothing and asks for nothing.

use crate::common::shipped;
use mandate::comparison::{ComparisonRow, WinnerRow};
use mandate::output::report::report;
use mandate::results::Results;
use mandate::run::{Plan, run};
use mandate::scenario::Scenario;
use mandate::stats::Moments;
use mandate::summary::SummaryRow;
use mandate::tables::{Cell, MonthMeanRow, MonthRow, Reporting, Row, RunRows, metrics};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::AtomicBool;

const REPLICATES: u32 = 3;

/// The page of two shipped scenarios, run small.
fn page() -> String {
    let small = ["users.sample=2000", "calendar.burn_in_months=12"];
    let scenarios = ["december-deadline", "strict-oversight"].map(|name| shipped(name, &small));
    let (mut summaries, mut months) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
    let reporting = Reporting::default();
    let plan = Plan { scenarios: &scenarios, replicates: REPLICATES, seed: 1, threads: 2, reporting };
    let sink = |id: mandate::run::RunId, rows: RunRows| {
        summaries[id.scenario].push(SummaryRow::of(&scenarios[id.scenario], &rows));
        months[id.scenario].push(rows);
        Ok::<(), Infallible>(())
    };
    run(plan, &AtomicBool::new(false), |_| {}, sink).unwrap_or_else(|error| panic!("{error}"));
    let differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
    report(&Results {
        command: "compare",
        reproduce: "mandate compare scenarios/december-deadline.toml scenarios/strict-oversight.toml".into(),
        run_id: "a1b2c3d4".into(),
        seed: 1,
        replicates: REPLICATES,
        scenarios: &scenarios,
        differences: &differences,
        comparison: vec![Vec::new(), comparison(&summaries)],
        winners: vec![Vec::new(), winners(&months)],
        months_mean: months.iter().map(|runs| month_means(runs)).collect(),
        summaries,
    })
}

fn comparison(summaries: &[Vec<SummaryRow>]) -> Vec<ComparisonRow> {
    let numeric = SummaryRow::COLUMNS.iter().filter(|column| column.unit != "month");
    let row = |column: &mandate::tables::Column| {
        let pairs = summaries[0].iter().zip(&summaries[1]);
        let pairs: Vec<(f64, f64)> =
            pairs.filter_map(|(a, b)| Some((a.number(column.name)?, b.number(column.name)?))).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).collect::<Moments>();
        let paired = mean(|(a, b)| b - a);
        let (low, high) = paired.interval().unzip();
        let sure = low.zip(high).map(|(low, high)| low > 0.0 || high < 0.0);
        Some(ComparisonRow {
            metric: column.name,
            unit: column.unit,
            baseline_mean: mean(|(a, _)| *a).mean()?,
            scenario_mean: mean(|(_, b)| *b).mean()?,
            difference: paired.mean()?,
            difference_low: low,
            difference_high: high,
            percent: None,
            replicates: paired.count(),
            surely_different: sure,
            replicates_needed: (sure == Some(false)).then_some(100),
            variance_saved: Some(0.5),
        })
    };
    numeric.filter_map(row).collect()
}

/// Gains of platforms and classes of banks.
fn winners(months: &[Vec<RunRows>]) -> Vec<WinnerRow> {
    type Profits = fn(&RunRows) -> Vec<(String, f64)>;
    let platforms: Profits =
        |rows| rows.platforms.iter().map(|r| (r.platform.clone(), r.profit_cny.cny())).collect();
    let banks: Profits =
        |rows| rows.banks.iter().map(|r| (r.bank_class.clone(), r.profit_cny.cny())).collect();
    let mut winners = Vec::new();
    for (party_kind, profits) in [("platform", platforms), ("bank_class", banks)] {
        let total = |rows: &RunRows, party: &str| -> f64 {
            profits(rows).iter().filter(|(id, _)| id == party).map(|(_, profit)| profit).sum()
        };
        let mut parties: Vec<String> = Vec::new();
        for (id, _) in profits(&months[0][0]) {
            if !parties.contains(&id) {
                parties.push(id);
            }
        }
        for party in parties {
            let gain: Moments =
                months[0].iter().zip(&months[1]).map(|(a, b)| total(b, &party) - total(a, &party)).collect();
            let mean =
                |runs: &[RunRows]| runs.iter().map(|rows| total(rows, &party)).collect::<Moments>().mean();
            let (low, high) = gain.interval().unwrap();
            let gains = if low > 0.0 {
                "surely"
            } else if high < 0.0 {
                "surely_not"
            } else {
                "unclear"
            };
            winners.push(WinnerRow {
                party_kind,
                measure: "profit_cny",
                baseline_cny: mean(&months[0]),
                scenario_cny: mean(&months[1]),
                gain_cny: gain.mean().unwrap(),
                gain_low_cny: Some(low),
                gain_high_cny: Some(high),
                gains: Some(gains),
                replicates: REPLICATES,
                party,
            });
        }
    }
    winners
}

fn month_means(runs: &[RunRows]) -> Vec<MonthMeanRow> {
    let mut rows = Vec::new();
    for at in 0..runs[0].months.len() {
        let cells: Vec<Vec<Cell>> = runs.iter().map(|run| run.months[at].cells()).collect();
        for (index, column) in MonthRow::COLUMNS.iter().enumerate() {
            let moments: Moments = cells.iter().filter_map(|cells| cells[index].number()).collect();
            if let (Some(mean), true) = (moments.mean(), metrics().any(|metric| metric.name == column.name)) {
                let (low, high) = moments.interval().unzip();
                let month = runs[0].months[at].month;
                rows.push(MonthMeanRow {
                    month,
                    metric: column.name,
                    mean,
                    low,
                    high,
                    replicates: moments.count(),
                });
            }
        }
    }
    rows
}

/// The browser, if there is one; where the project is checked there must be.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "there is no chromium to render the report with");
        eprintln!("skipped: there is no chromium to render the report with");
    }
    found
}

fn browse(chromium: &Path, profile: &Path, page: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
    ]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--disable-extensions", "--disable-default-apps", "--no-default-browser-check"]);
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(["--virtual-time-budget=3000"]).args(more);
    command.arg(format!("file://{}", page.display()));
    command.output().expect("the browser starts")
}

/// The first request in a log of the network that a page made, not the browser for itself.
fn asked_for(log: &Path) -> Option<String> {
    let log = fs::read_to_string(log).expect("the browser keeps a log of the network");
    let of_page =
        |line: &&str| line.contains("\"initiator\":") && !line.contains("\"initiator\":\"not an origin\"");
    log.lines().find(of_page).map(String::from)
}

#[test]
fn a_browser_renders_the_report_and_asks_for_nothing() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let html = page();
    fs::write(&file, &html).unwrap();
    // Kept, so that one can look at what was tested.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), &html).unwrap();

    let log = folder.path().join("net.json");
    let log_option = format!("--log-net-log={}", log.display());
    let profile = folder.path().join("profile");
    let output = browse(&chromium, &profile, &file, &["--dump-dom", &log_option]);
    let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(dom.contains("<h1>Strict oversight against December deadline</h1>"), "{said}");
    assert_eq!(dom.matches("<figure>").count(), 6 + 1, "six figures of the story and one of who wins");
    assert_eq!(dom.matches("<svg").count(), html.matches("<svg").count());
    for complaint in ["CONSOLE", "Content Security Policy", "Refused to"] {
        assert!(!said.contains(complaint), "{said}");
    }
    assert_eq!(asked_for(&log), None, "the page asks for something on the network");

    // The same eyes see what another page asks for.
    let other = folder.path().join("other.html");
    fs::write(&other, "<img src=\"http://example.invalid/\">").unwrap();
    browse(&chromium, &profile, &other, &["--dump-dom", &log_option]);
    assert!(asked_for(&log).is_some_and(|request| request.contains("example.invalid")));

    let shot = folder.path().join("page.png");
    let shot_option = format!("--screenshot={}", shot.display());
    let output = browse(&chromium, &profile, &file, &[&shot_option, "--window-size=1200,2000"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::metadata(&shot).is_ok_and(|shot| shot.len() > 50_000), "the page is not blank");
}
