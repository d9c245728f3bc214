//! `mandate explain`: the account agrees with the table, what is said to tip a choice does, and wrong
//! input is told.

use crate::program::{Table, mandate, run};
use mandate::explain::{TERMS, meaning};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Options in order, each with its terms and whether it was chosen.
type Options = Vec<(String, Vec<(String, f64)>, bool)>;

/// A folder with the results of two replicates and their decisions in `results`.
fn decided(names: &[&str], more: &[&str]) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    run(here.path(), names).args(["--decisions", "--quiet", "--out", "results"]).args(more).assert().code(0);
    here
}

fn explain(here: &Path, args: &[&str]) -> assert_cmd::Command {
    let mut command = mandate(here);
    command.args(["explain", "results"]).args(args);
    command
}

fn explained(here: &Path, args: &[&str]) -> String {
    let output = explain(here, args).assert().code(0).stderr(is_empty()).get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// The choices of the agent's last review by `month` in replicate 1, from the table.
fn weighed(here: &Path, agent: &str, month: &str) -> BTreeMap<String, Options> {
    let table = Table::read(&here.join("results/decisions.csv"), b',');
    let mine = || {
        let rows = table.rows.iter();
        rows.filter(|row| row["agent"] == agent && row["replicate"] == "1" && row["month"].as_str() <= month)
    };
    let last = mine().map(|row| &row["month"]).max().expect("the agent has reviewed");
    let mut choices: BTreeMap<String, Options> = BTreeMap::new();
    for row in mine().filter(|row| row["month"] == *last) {
        let options = choices.entry(row["choice"].clone()).or_default();
        if options.last().is_none_or(|(option, ..)| *option != row["option"]) {
            options.push((row["option"].clone(), Vec::new(), row["chosen"] == "true"));
        }
        options.last_mut().unwrap().1.push((row["term"].clone(), row["value"].parse().unwrap()));
    }
    choices
}

/// The option that is the best where a term is multiplied by a factor in all of them.
fn best<'a>(options: &'a Options, term: &str, factor: f64) -> &'a str {
    let total = |terms: &[(String, f64)]| -> f64 {
        terms.iter().map(|(name, value)| if name == term { value * factor } else { *value }).sum()
    };
    let mut best = 0;
    for i in 1..options.len() {
        if total(&options[i].1) > total(&options[best].1) {
            best = i;
        }
    }
    &options[best].0
}

/// The part of an account on each choice.
fn parts(account: &str) -> BTreeMap<String, String> {
    let parts = account.split("\n\n").filter_map(|part| {
        let (choice, _) = part.split_once(" - ")?;
        Some((choice.to_string(), part.to_string()))
    });
    parts.collect()
}

/// Terms said to tip the choice, and their factors.
fn tips(part: &str) -> Vec<(String, f64)> {
    let (_, tips) = part.split_once("times a factor in all options:\n").unwrap_or_default();
    let words: Vec<&str> = tips.split_whitespace().collect();
    let factors = words.windows(3).filter(|three| three[1] == "x");
    factors.map(|three| (three[0].to_string(), three[2].trim_end_matches(',').parse().unwrap())).collect()
}

/// Checks an account against the table; gives how many tips there were.
fn check(account: &str, choices: &BTreeMap<String, Options>) -> usize {
    let parts = parts(account);
    assert_eq!(parts.keys().collect::<Vec<_>>(), choices.keys().collect::<Vec<_>>());
    for line in account.lines() {
        assert!(line.chars().count() <= 100 && !line.ends_with(' '), "{line}");
    }
    let mut count = 0;
    for (name, options) in choices {
        let part = &parts[name];
        let (chosen, terms, _) = options.iter().find(|(.., chosen)| *chosen).unwrap();
        assert!(part.contains(&format!("  Chose {chosen} over ")), "{part}");
        let tips = tips(part);
        count += tips.len();
        for (term, factor) in &tips {
            let less = 1.0 + 0.98 * (factor - 1.0);
            assert_ne!(best(options, term, *factor), chosen, "{term} x {factor} tips\n{part}");
            assert_eq!(best(options, term, less), chosen, "{term} x {less} does not tip\n{part}");
        }
        for (term, _) in terms.iter().filter(|(term, _)| tips.iter().all(|(other, _)| other != term)) {
            for factor in [0.0, 0.5, 2.0, 1e3, 9e5] {
                assert_eq!(best(options, term, factor), chosen, "{term} x {factor}\n{part}");
            }
        }
        check_totals(part);
    }
    count
}

/// The amounts of each column add up to its total, to within their rounding.
fn check_totals(part: &str) {
    let rows: Vec<Vec<f64>> = part
        .lines()
        .skip_while(|line| !line.contains(" chosen  "))
        .skip(1)
        .take_while(|line| line.starts_with("    "))
        .map(|line| {
            let numbers = line.split_whitespace().skip(1).take(3);
            numbers.map(|number| number.replace(',', "").parse().unwrap()).collect()
        })
        .collect();
    let (total, terms) = rows.split_last().expect("there is a total");
    for column in 0..3 {
        let sum: f64 = terms.iter().map(|row| row[column]).sum();
        assert!((sum - total[column]).abs() < 0.06 * rows.len() as f64, "{part}");
    }
}

#[test]
fn a_platform_that_holds_out_and_a_lender_are_explained() {
    let here = decided(&["december-deadline"], &[]);
    let account = explained(here.path(), &["--agent", "meituan", "--month", "2022-11"]);
    assert!(account.starts_with("meituan\nReview of 2022-"), "{account}");
    let choices = weighed(here.path(), "meituan", "2022-11");
    assert!(choices.len() == 4 && choices.contains_key("deliver:baihang"), "{account}");
    let mut tips = check(&account, &choices);

    let account = explained(here.path(), &["--agent", "rural", "--month", "2022-11"]);
    assert!(account.starts_with("rural\nReview of 2022-11") && account.contains("typical bank"), "{account}");
    tips += check(&account, &weighed(here.path(), "rural", "2022-11"));
    // All agents, lest the two be special.
    for agent in ["ant", "tencent", "jd", "state", "city"] {
        let account = explained(here.path(), &["--agent", agent]);
        tips += check(&account, &weighed(here.path(), agent, "9999-12"));
    }
    assert!(tips > 20, "{tips}");
}

#[test]
fn every_term_has_a_meaning_and_every_meaning_a_term() {
    let here = decided(&["december-deadline"], &["--tables", "decisions"]);
    let table = Table::read(&here.path().join("results/decisions.csv"), b',');
    let terms: BTreeSet<&str> = table.rows.iter().map(|row| row["term"].as_str()).collect();
    for term in &terms {
        assert!(meaning(term).is_some(), "{term}");
    }
    for (term, _) in TERMS {
        assert!(terms.contains(term), "{term}");
    }
}

#[test]
fn the_account_is_the_same_in_every_dialect_and_even_if_quiet() {
    let here = decided(&["december-deadline"], &[]);
    let args = ["--agent", "meituan", "--month", "2022-11", "--replicate", "2"];
    let account = explained(here.path(), &args);
    assert!(account.contains("replicate 2, "), "{account}");
    assert_eq!(explained(here.path(), &[&args[..], &["--quiet"]].concat()), account);
    let colored = explained(here.path(), &[&args[..], &["--color", "always"]].concat());
    assert_eq!(colored.replace("\u{1b}[1m", "").replace("\u{1b}[0m", ""), account);
    assert_ne!(colored, account);
    for dialect in ["excel", "excel-eu"] {
        let here = decided(&["december-deadline"], &["--csv-dialect", dialect]);
        assert_eq!(explained(here.path(), &args), account, "{dialect}");
    }
}

#[test]
fn each_bank_is_explained_where_each_is_reported() {
    let here = decided(&["december-deadline"], &["--per-bank", "--set", "calendar.months=3"]);
    let table = Table::read(&here.path().join("results/decisions.csv"), b',');
    let bank = table.rows.iter().rfind(|row| row["agent"].starts_with("rural:")).unwrap()["agent"].clone();
    let account = explained(here.path(), &["--agent", &bank]);
    assert!(account.starts_with(&format!("{bank}\nReview of 2021-")), "{account}");
    check(&account, &weighed(here.path(), &bank, "9999-12"));
    let wrong = explain(here.path(), &["--agent", "rural"]).assert().code(2).stdout(is_empty());
    wrong.stderr(contains(
        "there is no agent \"rural\" in december-deadline; its banks are there one by one, such as rural:",
    ));
}

#[test]
fn wrong_input_is_told_with_status_2() {
    let here =
        decided(&["december-deadline", "direct-ban"], &["--set", "calendar.months=6", "--tables", "summary"]);
    fs::create_dir(here.path().join("empty")).unwrap();
    let one = ["--scenario", "direct-ban"];
    for (args, message) in [
        (
            &["--agent", "ant"][..],
            "several scenarios; say which with --scenario NAME: december-deadline, direct-ban",
        ),
        (
            &["--agent", "ant", "--scenario", "direct-bun"],
            "there is no scenario \"direct-bun\" in decisions.csv; did you mean direct-ban?",
        ),
        (
            &["--agent", "statte", one[0], one[1]],
            "there is no agent \"statte\" in direct-ban; did you mean state? there: ",
        ),
        (
            &["--agent", "state:17", one[0], one[1]],
            "one typical bank, here state; run with --per-bank for all",
        ),
        (
            &["--agent", "state", "--replicate", "3", one[0], one[1]],
            "there is no replicate 3 of direct-ban; there: 1 to 2",
        ),
        (&["--agent", "state", "--month", "2020-12", one[0], one[1]], "has not chosen anything by 2020-12"),
        (
            &["--agent", "state", "--month", "2022-13", one[0], one[1]],
            "not a month: write YYYY-MM, such as 2022-12",
        ),
        (&["--agent", "state", "--month", "december", one[0], one[1]], "not a month"),
        (&["--agent", "state", "--replicate", "0", one[0], one[1]], "--replicate"),
        (&[], "--agent"),
    ] {
        explain(here.path(), args)
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(starts_with("error: ").and(contains(message)));
    }
    fs::remove_file(here.path().join("results/decisions.csv")).unwrap();
    for (folder, message) in [
        ("results", "results holds no decisions.csv; run with --decisions"),
        ("empty", "empty holds no results; give the folder"),
        ("nowhere", "nowhere is not there; give the folder"),
        ("results/summary.csv", "results/summary.csv is a file; give the folder"),
    ] {
        let mut command = mandate(here.path());
        command.args(["explain", folder, "--agent", "ant", "--quiet"]);
        command.assert().code(2).stdout(is_empty()).stderr(starts_with(format!("error: {message}")));
    }
}
