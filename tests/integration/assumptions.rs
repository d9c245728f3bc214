//! The sweep over all assumptions: that it varies every one, and that what is told of it is what it says.

use crate::documentation::repository;
use crate::program::Table;
use mandate::random::Key;
use mandate::replicate::simulate;
use mandate::scenario::parameters::all_parameters;
use mandate::scenario::value::Kind;
use mandate::summary::SummaryRow;
use mandate::sweep::file::Options;
use mandate::sweep::journal::Header;
use mandate::sweep::rankings::RANKED;
use mandate::tables::{Reporting, Row};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

const SWEEP: &str = "scenarios/assumptions.toml";

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What is assumed and still not varied in `assumptions.toml`, as that file says.
const NOT_VARIED: [&str; 10] = [
    // How the model is looked at.
    "calendar.months",
    "calendar.burn_in_months",
    "users.sample",
    // What defines a regime.
    "rules.consent",
    "rules.lender_reporting",
    "rules.loan_records",
    "platforms.direct_sale",
    // Normalised, or sums of one.
    "platforms.credit_weight",
    "banks.deposit_share",
    "banks.partnership_weight",
];

/// Columns of rosters whose numbers are published or are a regime's own.
const NOT_ASSUMED: [&str; 5] = [
    "platforms.commission",
    "platforms.cost_base",
    "banks.count",
    "agencies.fee_query",
    "agencies.revenue_share",
];

#[test]
fn every_assumption_is_varied_and_nothing_else() {
    let text: toml::Table = read(&repository(SWEEP)).parse().unwrap();
    let factors = text["factor"].as_array().unwrap();
    let varied: BTreeSet<&str> = factors.iter().map(|factor| factor["path"].as_str().unwrap()).collect();
    assert_eq!(varied.len(), factors.len());
    // A source may have several marks: "A", "A: why", "D: how (R: of what)".
    let has = |source: &str, mark: &str| {
        let words = source.split([' ', ':', ';', '(', ')', ',', '/']);
        words.into_iter().any(|word| word == mark)
    };
    let assumed: BTreeSet<String> = all_parameters()
        .filter(|parameter| {
            let in_roster = parameter.source == "roster"
                && matches!(parameter.kind, Kind::Number { .. } | Kind::Whole { .. });
            in_roster || has(parameter.source, "A") || has(parameter.source, "R")
        })
        .map(|parameter| format!("{}.{}", parameter.section, parameter.name))
        .filter(|path| !NOT_VARIED.contains(&path.as_str()) && !NOT_ASSUMED.contains(&path.as_str()))
        .collect();
    let varied: BTreeSet<String> = varied.into_iter().map(String::from).collect();
    let missing: Vec<_> = assumed.difference(&varied).collect();
    let published: Vec<_> = varied.difference(&assumed).collect();
    assert!(missing.is_empty() && published.is_empty(), "missing {missing:?}, not assumed {published:?}");
}

/// What `mandate sweep scenarios/assumptions.toml` came to, as it is kept beside the tests: the
/// rankings of the outcomes that are told, and the identity of the sweep.
const RANKINGS: &str = "tests/golden/assumptions_rankings.csv";
const IDENTITY: &str = "tests/golden/assumptions_identity.txt";

/// How often each regime's direction against the baseline holds over all assumptions, as a table.
pub fn against(baseline: &str) -> String {
    let table = Table::read(&repository(RANKINGS), b',');
    let outcomes = [
        ("delivery at the end", "delivered_share_end"),
        ("unlawful sale", "unlawful_query_share_mean"),
        ("credit to the creditworthy", "approval_rate_creditworthy_mean"),
        ("defaults", "default_rate_annual_mean"),
        ("platforms' profit", "platform_profit_cny_total"),
        ("banks' profit", "bank_profit_cny_total"),
        ("borrowers' surplus", "users_surplus_cny_total"),
    ];
    let headings = outcomes.map(|(heading, _)| heading);
    let mut text = format!("\n| | {} |\n|---|{}\n", headings.join(" | "), "---|".repeat(outcomes.len()));
    let mut regimes: Vec<&str> = Vec::new();
    for row in table.rows.iter().filter(|row| row["other"] == baseline) {
        if !regimes.contains(&row["scenario"].as_str()) {
            regimes.push(&row["scenario"]);
        }
    }
    for regime in regimes {
        let cells = outcomes.map(|(_, outcome)| {
            let row = table.rows.iter().find(|row| {
                row["scenario"] == regime && row["other"] == baseline && row["outcome"] == outcome
            });
            let number = |name: &str| row.and_then(|row| row[name].parse::<f64>().ok());
            let Some((difference, holds)) = number("difference_as_shipped").zip(number("holds_share")) else {
                return String::new();
            };
            let arrow = match difference {
                difference if difference > 0.0 => "↑",
                difference if difference < 0.0 => "↓",
                _ => "=",
            };
            let told = format!("{arrow} {:.0} %", 100.0 * holds);
            let sure = number("difference_as_shipped_low").zip(number("difference_as_shipped_high"));
            match sure {
                Some((low, high)) if difference != 0.0 && low <= 0.0 && high >= 0.0 => format!("({told})"),
                _ => told,
            }
        });
        text.push_str(&format!("| `{regime}` | {} |\n", cells.join(" | ")));
    }
    text + "\n"
}

/// The rankings that are kept are those of the sweep and the model as they stand. After a change of
/// either, `mandate sweep scenarios/assumptions.toml --out results/assumptions`, and then
/// `ACCEPT_ASSUMPTIONS=results/assumptions cargo test --release rankings_that_are_kept`.
#[test]
fn rankings_that_are_kept_are_those_of_the_sweep() {
    let file = repository(SWEEP);
    let sweep =
        mandate::sweep::load(&file, &Options::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let identity = Header::new(&sweep.points, 0..0).identity;
    if let Some(results) = std::env::var_os("ACCEPT_ASSUMPTIONS") {
        let results = repository("").join(results);
        let manifest: toml::Table = read(&results.join("manifest.toml")).parse().unwrap();
        assert_eq!(manifest["identity"].as_str(), Some(identity.as_str()), "results of another sweep");
        let told = |line: &&str| {
            let outcome = line.split(',').next().unwrap();
            outcome == "outcome" || RANKED.iter().any(|(ranked, _)| *ranked == outcome)
        };
        let lines = read(&results.join("rankings.csv"));
        let lines: String = lines.lines().filter(told).map(|line| format!("{line}\n")).collect();
        fs::write(repository(RANKINGS), lines).unwrap();
        fs::write(repository(IDENTITY), format!("{identity}\n")).unwrap();
    }
    assert_eq!(
        read(&repository(IDENTITY)).trim(),
        identity,
        "the sweep is another one: see this test's documentation"
    );

    // Point 0 again for two regimes: the model is the same too.
    let table = Table::read(&repository(RANKINGS), b',');
    let names = ["user-ownership", "december-deadline"];
    let replicates = sweep.points.plan.replicates;
    let outcomes = names.map(|name| {
        let index = (0..sweep.points.scenarios()).find(|index| sweep.points.scenario_name(*index) == name);
        let scenario = sweep.scenario(index.unwrap(), 0);
        let outcomes = |replicate: u32| {
            let key = Key::new(sweep.seed(), scenario.replicate_seed(replicate));
            let stop = AtomicBool::new(false);
            let rows =
                simulate(&scenario, key, 1, Reporting { months_only: true, ..Reporting::default() }, &stop);
            SummaryRow::of(&scenario, &rows.unwrap()).cells()
        };
        (1..=replicates).map(outcomes).collect::<Vec<_>>()
    });
    for (outcome, _) in RANKED {
        let column = SummaryRow::COLUMNS.iter().position(|column| column.name == outcome).unwrap();
        let [one, other] = &outcomes;
        let differences =
            one.iter().zip(other).map(|(a, b)| a[column].number().unwrap() - b[column].number().unwrap());
        let mean = differences.sum::<f64>() / f64::from(replicates);
        let kept = table
            .rows
            .iter()
            .find(|row| row["outcome"] == outcome && row["scenario"] == names[0] && row["other"] == names[1]);
        let kept: f64 = kept.unwrap()["difference_as_shipped"].parse().unwrap();
        assert!((mean - kept).abs() <= 1e-9 * kept.abs(), "{outcome}: {mean}, kept {kept}");
    }
}
