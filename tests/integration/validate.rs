//! The command `validate`.

use crate::program::mandate;
use crate::verification::CASES;
use predicates::str::is_empty;

#[test]
fn validate_prints_every_case_and_passes() {
    let here = tempfile::tempdir().unwrap();
    let told = mandate(here.path()).args(["validate", "--threads", "2"]).assert().code(0).stderr(is_empty());
    let text = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    for case in CASES.iter() {
        let line = text.lines().find(|line| line.starts_with(&format!("{}  ", case.case)));
        assert!(line.is_some_and(|line| line.contains(case.source) && line.ends_with("pass")), "{text}");
    }
    assert!(text.ends_with(&format!("All {} cases pass.\n", CASES.len())), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour where there is no terminal");
}

/// Threads change nothing, so the list of one thread equals the library's on all.
#[test]
fn validate_lists_cases_for_a_spreadsheet() {
    let here = tempfile::tempdir().unwrap();
    let told = mandate(here.path()).args(["validate", "--threads", "1", "--format", "csv"]).assert().code(0);
    let text = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert_eq!(text, mandate::validate::csv(&CASES));
    assert!(text.starts_with("case,source,unit,expected,simulated,error,tolerance,verdict\n"));
}

#[test]
fn validate_can_be_quiet() {
    let here = tempfile::tempdir().unwrap();
    mandate(here.path()).args(["validate", "--quiet"]).assert().code(0).stdout(is_empty()).stderr(is_empty());
    mandate(here.path()).args(["validate", "--format", "yaml"]).assert().code(2).stdout(is_empty());
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0, "it writes no files");
}
