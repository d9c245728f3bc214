//! Published and closed-form results that the model must reproduce, on the same code as scenarios.

use mandate::validate::{Case, cases, csv, table};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The cases, simulated once for all tests.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| cases().expect("all accounts balance"));

#[test]
fn every_case_passes() {
    let failing: Vec<&Case> = CASES.iter().filter(|case| !case.passes()).collect();
    assert!(failing.is_empty(), "{}", table(&CASES, false));
}

#[test]
fn every_source_has_its_cases_and_no_case_stands_twice() {
    let of = |source: &str| CASES.iter().filter(|case| case.source == source).count();
    assert!(of("closed form") >= 10, "approval and default rates over a grid of precision");
    assert!(of("Broecker 1990") >= 8, "approval and default rates for 1, 2, 3 and 6 lenders");
    assert!(of("Granovetter 1978") >= 10);
    assert_eq!(of("Allingham & Sandmo 1972"), 3);
    assert!(of("Brock & Durlauf 2001") >= 4, "both stable shares, and where there is only one");
    assert!(of("identity") >= 7);
    let names: BTreeSet<&str> = CASES.iter().map(|case| case.case.as_str()).collect();
    assert_eq!(names.len(), CASES.len());
}

/// A verification that nothing could fail would verify nothing: a tolerance is small beside what it is
/// a tolerance of, and no expectation passes for another one of its family.
#[test]
fn tolerances_tell_results_apart() {
    for case in CASES.iter() {
        assert!(case.tolerance <= 0.25 * case.expected.abs(), "{}: {}", case.case, case.tolerance);
    }
    let passing_as = |case: &Case, expected: f64| Case { expected, ..case.clone() }.passes();
    let of = |start: &'static str| CASES.iter().filter(move |case| case.case.starts_with(start));
    for family in ["approval rate, tau", "compliant platforms", "banks without direct data, strong, from"] {
        for (one, other) in of(family).flat_map(|one| of(family).map(move |other| (one, other))) {
            let alike = (one.expected - other.expected).abs() < 1e-9;
            assert!(alike || !passing_as(one, other.expected), "{} as {}", one.case, other.case);
        }
    }
}

#[test]
fn a_wrong_expectation_is_reported_as_a_failure() {
    let mut wrong = CASES.clone();
    wrong[0].expected += 0.05;
    wrong.truncate(2);
    let text = table(&wrong, false);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with("FAIL") && lines[2].ends_with("pass"), "{text}");
    assert!(text.ends_with("1 of 2 cases fail.\n"), "{text}");
    assert!(table(&wrong, true).contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
    let csv = csv(&wrong);
    assert!(csv.lines().nth(1).is_some_and(|line| line.ends_with(",FAIL")), "{csv}");

    wrong[0].simulated = None;
    assert!(!wrong[0].passes() && table(&wrong, false).contains("FAIL"));
}
