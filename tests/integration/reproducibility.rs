//! Same inputs, same results: whatever the threads, the reporting, or what has no effect.

use crate::common::{month, run_one, shipped, written};
use mandate::scenario::Scenario;
use mandate::tables::{Reporting, RunRows};
use sha2::{Digest, Sha256};

fn small(sets: &[&str]) -> Scenario {
    shipped("december-deadline", &[&["users.sample=5500", "calendar.burn_in_months=12"], sets].concat())
}

fn amended(amendments: &str) -> Scenario {
    let text =
        format!("title = \"Amended\"\nextends = \"{{scenarios}}/december-deadline.toml\"\n{amendments}");
    written(&text, &["users.sample=5500", "calendar.burn_in_months=12"])
}

fn simulate(scenario: &Scenario) -> RunRows {
    run_one(scenario, 1, 1, Reporting::default())
}

#[test]
fn results_do_not_depend_on_how_many_work_on_users() {
    let scenario = small(&["rules.lender_reporting=0.5"]);
    let whole = simulate(&scenario);
    for workers in [2, 3, 7, 100] {
        assert_eq!(run_one(&scenario, 1, workers, Reporting::default()), whole, "{workers} workers");
    }
}

#[test]
fn results_do_not_depend_on_what_is_reported() {
    let plain = simulate(&small(&[]));
    for (decisions, per_bank, months_only) in
        [(true, false, false), (true, true, false), (false, true, false), (false, false, true)]
    {
        let reporting = Reporting { decisions, per_bank, months_only };
        let rows = run_one(&small(&[]), 1, 1, reporting);
        assert_eq!(rows.months, plain.months, "{reporting:?}");
        assert_eq!(rows.decisions.is_empty(), !decisions);
        if !months_only {
            assert_eq!(rows.platforms, plain.platforms);
            assert_eq!(rows.flows, plain.flows);
        }
    }
}

#[test]
fn an_amendment_that_changes_nothing_changes_nothing() {
    let plain = simulate(&small(&[]));
    let null = amended(
        "[[amendment]]\nfrom = \"2022-03\"\nset = { \"fees.agency_query\" = 24, \"rules.required_share\" = 1 }\n",
    );
    assert_eq!(simulate(&null), plain);
    let never = amended(
        "[[amendment]]\nwhen = { indicator = \"delivered_share_reported\", above = 2 }\n\
         set = { \"fees.agency_query\" = 1 }\n",
    );
    assert_eq!(simulate(&never), plain);
}

#[test]
fn nobody_foresees_an_amendment() {
    let plain = simulate(&small(&[]));
    let from = amended(
        "[[amendment]]\nfrom = \"2022-06\"\n\
         set = { \"supervision.audits_per_month\" = 14, \"fees.agency_query\" = 0, \"credit.loan_cny\" = 1000 }\n",
    );
    let changed = simulate(&from);
    let before = |rows: &RunRows| rows.months.iter().take_while(|row| row.month < month("2022-06")).count();
    let months = before(&plain);
    assert_eq!(months, 17);
    assert_eq!(changed.months[..months], plain.months[..months]);
    assert_ne!(changed.months[months], plain.months[months]);
    let platforms = months * 14;
    assert_eq!(changed.platforms[..platforms], plain.platforms[..platforms]);
}

#[test]
fn a_condition_acts_in_the_month_after_it_is_met_and_once() {
    let plain = simulate(&small(&[]));
    let conditional = amended(
        "[[amendment]]\nwhen = { indicator = \"delivered_share_reported\", below = 1.1, for_months = 3, not_before = \"2022-05\" }\n\
         set = { \"fees.direct_query\" = 60 }\n\
         [[amendment]]\nfrom = \"2022-10\"\nset = { \"fees.direct_query\" = 6 }\n",
    );
    let rows = simulate(&conditional);
    let fee = |rows: &RunRows, text: &str| {
        let trade = rows.trades.iter().find(|trade| trade.month == month(text) && trade.channel == "direct");
        trade.unwrap().fee_cny
    };
    // Read at the ends of May, June and July; in force in August; not again after October.
    let fees = ["2022-07", "2022-08", "2022-09", "2022-10", "2022-12"].map(|text| fee(&rows, text));
    assert_eq!(fees, [6.0, 60.0, 60.0, 6.0, 6.0]);
    let months = plain.months.iter().take_while(|row| row.month < month("2022-08")).count();
    assert_eq!(rows.months[..months], plain.months[..months]);
}

/// Pins results to the bit: the same in debug and release builds and on every machine. Whoever
/// changes the model on purpose puts the new value here and says so in the changelog.
#[test]
fn results_are_stable() {
    let scenario = small(&["rules.lender_reporting=0.5", "supervision.audits_per_month=8"]);
    let rows = run_one(&scenario, 1, 1, Reporting { decisions: true, ..Reporting::default() });
    let digest = Sha256::digest(format!("{rows:?}").as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "c43e45d507812318");
}
