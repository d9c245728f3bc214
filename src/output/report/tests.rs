use super::*;
use crate::scenario::{Difference, Scenario};
use crate::summary::{SummaryRow, outcome_index};
use crate::tables::{MonthMeanRow, metrics};
use crate::testing;
use crate::units::{Money, RuleMonth};
use std::collections::BTreeSet;

const START: Month = Month::new(2021, 1);
const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</style></svg>&'",
];

fn scenarios(count: usize) -> Vec<Scenario> {
    let one = |index: usize| {
        let mut scenario = testing::scenario(&format!("s{index}"));
        scenario.parameters.rules.deadline = RuleMonth::From(START.plus(20 + index as i32 % 2));
        scenario
    };
    (0..count).map(one).collect()
}

fn month_means(index: usize, interval: bool) -> Vec<MonthMeanRow> {
    let row = |at: i32, metric: &'static str, money: bool| {
        let unit = if money { 1e9 } else { 0.01 };
        let mean = unit * (f64::from(at) + 3.0 * index as f64);
        let end = |sign: f64| interval.then_some(mean + sign * 2.0 * unit);
        MonthMeanRow { month: START.plus(at), metric, mean, low: end(-1.0), high: end(1.0), replicates: 5 }
    };
    (0..48).flat_map(|at| metrics().map(move |c| row(at, c.name, c.unit == "CNY"))).collect()
}

fn summaries(scenario: &Scenario, replicates: u32) -> Vec<SummaryRow> {
    let one = |replicate: u32| {
        let rows = testing::run_rows(START, 48, |number, row| {
            row.delivered_share = Some(f64::from(number + 1) / 60.0);
            row.fines_cny = Money::from_cny(1e6 * f64::from(replicate));
        });
        SummaryRow::of(scenario, &rows)
    };
    (1..=replicates).map(one).collect()
}

fn comparison(metric: &'static str, difference: f64, sure: Option<bool>) -> ComparisonRow {
    ComparisonRow {
        metric,
        unit: "share",
        baseline_mean: 0.2,
        scenario_mean: 0.2 + difference,
        difference,
        difference_low: sure.map(|_| difference - 0.02),
        difference_high: sure.map(|_| difference + 0.02),
        percent: Some(500.0 * difference),
        replicates: 5,
        surely_different: sure,
        replicates_needed: (sure == Some(false)).then_some(1234),
        variance_saved: Some(0.75),
    }
}

fn winner(party_kind: &'static str, party: &str, gain: f64) -> WinnerRow {
    WinnerRow {
        party_kind,
        party: party.into(),
        measure: "profit_cny",
        baseline_cny: Some(1e9),
        scenario_cny: Some(1e9 + gain),
        gain_cny: gain,
        gain_low_cny: Some(gain - 1e8),
        gain_high_cny: Some(gain + 1e8),
        gains: Some(if gain > 0.0 { "wins" } else { "loses" }),
        replicates: 5,
    }
}

fn results<'a>(scenarios: &'a [Scenario], differences: &'a [Difference], replicates: u32) -> Results<'a> {
    let sure = |sure: bool| (replicates > 1).then_some(sure);
    let against = |index: usize, rows: Vec<ComparisonRow>| if index == 0 { Vec::new() } else { rows };
    let compared = |index| {
        let rows = vec![
            comparison("delivered_share_end", 0.05, sure(true)),
            comparison("direct_query_share_end", -0.15, sure(true)),
            comparison("multiple_borrowers_share_end", 0.01, sure(false)),
        ];
        against(index, rows)
    };
    let won = |index| {
        let rows = [winner("platform", "ant", 3e9), winner("treasury", "treasury", -2e9)];
        if index == 0 { Vec::new() } else { rows.to_vec() }
    };
    Results {
        command: "compare",
        reproduce: "mandate compare a.toml b.toml".into(),
        run_id: "0f1e2d".into(),
        seed: 1,
        replicates,
        scenarios,
        differences,
        summaries: scenarios.iter().map(|scenario| summaries(scenario, replicates)).collect(),
        months_mean: (0..scenarios.len()).map(|index| month_means(index, replicates > 1)).collect(),
        comparison: (0..scenarios.len()).map(compared).collect(),
        winners: (0..scenarios.len()).map(won).collect(),
    }
}

/// Fails unless every element is closed by its own end, in order, and every attribute is quoted.
fn assert_well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a page begins with its type");
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert!(tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}> ends what is not open"),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().expect("a tag has a name")),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_sound(html: &str) {
    assert_well_formed(html);
    for forbidden in
        ["<script", "<img", "<link", "<iframe", "http:", "https:", "url(", "@import", "NaN", "inf,"]
    {
        assert!(!html.contains(forbidden), "{forbidden} is on the page");
    }
    for number in ["\"inf", "-inf", " inf ", "\"NaN"] {
        assert!(!html.contains(number), "{number} is on the page");
    }
    let mut ids = BTreeSet::new();
    for part in html.split(" id=\"").skip(1) {
        let id = part.split('"').next().unwrap();
        assert!(ids.insert(id), "id {id} stands twice");
    }
    for part in html.split("<svg ").skip(1) {
        let svg = part.split("</svg>").next().unwrap();
        assert!(svg.contains("<title") && svg.contains("<desc"), "{svg}");
        if let Some(labels) = svg.split("aria-labelledby=\"").nth(1) {
            let named: Vec<&str> = labels.split('"').next().unwrap().split(' ').collect();
            assert!(named.len() == 2 && named.iter().all(|id| ids.contains(id)), "{named:?}");
        } else {
            assert!(svg.contains("aria-hidden=\"true\""), "{svg}");
        }
    }
    assert_eq!(html.matches("<h1>").count(), 1);
    let levels = html.split("<h").skip(1).filter_map(|part| part.chars().next()?.to_digit(10));
    levels.fold(0, |before, level| {
        assert!(level <= before + 1, "a heading of level {level} follows one of level {before}");
        level
    });
    let tables = html.matches("<table").count();
    assert_eq!(html.matches("<caption>").count(), tables);
    assert!(html.matches("<th>").count() == 0, "a heading of a table says what it heads");
}

#[test]
fn a_comparison_is_told_the_largest_sure_difference_first() {
    let scenarios = scenarios(2);
    let differences =
        [("fees.agency_query".into(), "CNY per query".into(), vec![Some("24".into()), Some("6".into())])];
    let html = report(&results(&scenarios, &differences, 5));
    assert_sound(&html);
    let text = html.replace('\u{a0}', " ");
    assert!(text.contains("2 of 3 key outcomes differ surely"));
    let direct =
        "decisions with directly sold data in the last month falls from 20.0 % to 5.0 %, by 15.0 ± 2.0";
    let first = text.find(direct).expect("the larger difference is told");
    assert!(first < text.find("The share of required data delivered in the last month rises").unwrap());
    assert!(text.contains("<td>1,234</td>"), "replicates that would settle what is open");
    assert!(text.contains("it takes 75 % off the variance"));
    assert!(text.contains("<strong>6</strong>"), "a parameter that differs is set off");
    assert!(text.contains("deadline 2022-09 (A)") && text.contains("deadline 2022-10 (B)"));
    assert_eq!(text.matches("<figure>").count(), 6 + 1);
}

#[test]
fn any_number_of_scenarios_and_replicates_gives_a_sound_page() {
    for (count, replicates) in [(1, 1), (1, 5), (2, 1), (6, 5), (9, 5), (30, 2)] {
        let scenarios = scenarios(count);
        let html = report(&results(&scenarios, &[], replicates));
        assert_sound(&html);
        assert!(replicates > 1 || !html.contains("differ surely:"));
    }
}

#[test]
fn what_does_not_exist_is_said() {
    let scenarios = [testing::scenario("bare")];
    let mut results = results(&scenarios, &[], 5);
    results.months_mean = vec![Vec::new()];
    results.summaries = vec![Vec::new()];
    let html = report(&results);
    assert_sound(&html);
    assert!(html.contains("nothing of the kind happens") && html.contains("there is no such figure"));
}

#[test]
fn figures_that_are_no_numbers_leave_no_trace() {
    let scenarios = scenarios(2);
    let mut results = results(&scenarios, &[], 5);
    for row in &mut results.months_mean[1] {
        if row.month > START.plus(30) {
            (row.mean, row.low) = (f64::NAN, Some(f64::NEG_INFINITY));
        }
    }
    results.comparison[1][0].difference_high = Some(f64::INFINITY);
    results.winners[1][0].gain_high_cny = Some(f64::NAN);
    results.winners[1][1].gain_cny = f64::INFINITY;
    assert_sound(&report(&results));
}

#[test]
fn nothing_from_files_becomes_markup() {
    let mut scenarios = scenarios(2);
    for (index, scenario) in scenarios.iter_mut().enumerate() {
        scenario.name = format!("{}{index}", HOSTILE[index]);
        scenario.title = HOSTILE.join(" ");
        scenario.about = HOSTILE.concat();
    }
    let values = HOSTILE[..2].iter().map(|text| Some(text.to_string())).collect();
    let differences = [(HOSTILE[0].to_string(), HOSTILE[1].to_string(), values)];
    let mut results = results(&scenarios, &differences, 5);
    (results.reproduce, results.run_id) = (HOSTILE.concat(), HOSTILE.concat());
    results.winners[1].extend(HOSTILE.map(|text| winner("platform", text, 1.0)));
    let html = report(&results);
    assert_sound(&html);
    assert!(!html.contains("<a ") && !html.contains("href"), "nothing on the page leads anywhere");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let scenarios = scenarios(3);
    assert_eq!(report(&results(&scenarios, &[], 5)), report(&results(&scenarios, &[], 5)));
}

#[test]
fn outcomes_and_metrics_exist() {
    OUTCOMES.iter().for_each(|outcome| {
        assert!(outcome_index(outcome.name) > 0 || outcome.name.starts_with("delivered"))
    });
    for (metric, ..) in FIGURES.iter().flat_map(|figure| figure.panels) {
        assert!(metrics().any(|column| column.name == *metric), "{metric}");
    }
}
