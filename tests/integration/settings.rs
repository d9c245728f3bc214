//! Properties that hold under any setting of parameters.

use crate::common::{run_one, shipped};
use crate::little;
use mandate::accounts;
use mandate::month::step_month;
use mandate::random::Key;
use mandate::tables::{Cell, Reporting, Row};
use mandate::world::World;
use proptest::prelude::*;
use std::sync::OnceLock;

/// Parameters with the ranges from which settings are drawn.
const NUMBERS: [(&str, f64, f64); 39] = [
    ("users.thin_file_discount", 0.0, 1.0),
    ("credit.pd_intercept", 1.5, 3.0),
    ("credit.pd_slope", 0.0, 2.0),
    ("credit.pd_per_loan", -0.3, 0.8),
    ("credit.lending_rate", 0.05, 0.4),
    ("credit.funding_cost", 0.0, 0.3),
    ("credit.loss_given_default", 0.0, 1.0),
    ("credit.loan_cny", 1.0, 100_000.0),
    ("credit.application_rate_monthly", 0.0, 1.0),
    ("credit.partnership_share", 0.0, 1.0),
    ("credit.commission", 0.0, 0.1),
    ("credit.diversion", 0.0, 1.0),
    ("credit.reporting_demand_effect", -1.0, 1.0),
    ("credit.reporting_discipline", -0.5, 0.5),
    ("fees.agency_query", 0.0, 60.0),
    ("fees.direct_query", 0.0, 60.0),
    ("fees.revenue_share", 0.0, 1.0),
    ("costs.compliance_increase_max", 0.0, 0.5),
    ("costs.cost_base", 0.0, 1.0),
    ("rules.required_share", 0.0, 1.0),
    ("rules.consent_share", 0.0, 1.0),
    ("rules.lender_reporting", 0.0, 1.0),
    ("supervision.audits_per_month", 0.0, 20.0),
    ("supervision.bank_audits_per_month", 0.0, 5000.0),
    ("supervision.detection", 0.0, 1.0),
    ("supervision.targeting", 0.0, 1.0),
    ("supervision.fine_rate", 0.0, 2.0),
    ("supervision.overstatement", 0.0, 1.0),
    ("supervision.tolerance", 0.0, 1.0),
    ("behaviour.mu_platforms", 0.0, 0.5),
    ("behaviour.mu_banks", 0.0, 0.5),
    ("behaviour.reluctance_platforms", 0.0, 0.3),
    ("behaviour.review_rate", 0.0, 1.0),
    ("behaviour.integration_rate", 0.0, 1.0),
    ("behaviour.own_stake", 0.0, 3.0),
    ("behaviour.first_belief", 0.0, 1.0),
    ("behaviour.deadline_discount", 0.0, 1.0),
    ("platforms.waits_for", 0.0, 1.0),
    ("platforms.goodwill", 0.0, 1.0),
];
const WHOLE: [(&str, u32, u32); 4] = [
    ("credit.term_months", 1, 24),
    ("credit.max_loans", 1, 6),
    ("credit.tries", 1, 5),
    ("credit.lockout_months", 0, 24),
];
const CHOICES: [(&str, [&str; 3]); 6] = [
    ("rules.consent", ["none", "opt-in", "opt-out"]),
    ("rules.loan_records", ["none", "subscribers", "all"]),
    ("rules.deliver_to", ["all", "any", "[\"pudao\"]"]),
    ("rules.order", ["2021-02", "2021-05", "never"]),
    ("rules.deadline", ["2021-06", "2021-09", "never"]),
    ("agencies.fee_rule", ["fixed", "at_cost", "at_cost"]),
];

fn settings() -> impl Strategy<Value = Vec<String>> {
    let numbers = NUMBERS.map(|(key, low, high)| {
        // The ends of a range are where formulas break.
        let value = prop_oneof![1 => Just(low), 1 => Just(high), 6 => low..high];
        value.prop_map(move |value| format!("{key}={value}")).boxed()
    });
    let whole = WHOLE.map(|(key, low, high)| (low..=high).prop_map(move |v| format!("{key}={v}")).boxed());
    let choices = CHOICES.map(|(key, words)| {
        prop::sample::select(words.to_vec()).prop_map(move |v| format!("{key}={v}")).boxed()
    });
    numbers.into_iter().chain(whole).chain(choices).collect::<Vec<_>>()
}

/// Fails unless numbers are finite, and shares (by their column's unit) from 0 to 1.
fn assert_sound(row: &impl Row, columns: &[mandate::tables::Column]) {
    for (column, cell) in columns.iter().zip(row.cells()) {
        if let Cell::Number(value) = cell {
            assert!(value.is_finite(), "{} is {value}", column.name);
            if column.unit.starts_with("share") {
                assert!((-1e-9..=1.0 + 1e-9).contains(&value), "{} is {value}", column.name);
            }
        }
    }
}

fn runs_soundly(settings: &[String]) {
    let fixed = ["users.sample=2000", "calendar.months=12", "calendar.burn_in_months=6"];
    let sets: Vec<&str> = fixed.into_iter().chain(settings.iter().map(String::as_str)).collect();
    let scenario = shipped("december-deadline", &sets);
    let mut world = World::new(&scenario, Key::new(3, 1), 2, true);
    for month in 0..18 {
        world.month = month;
        step_month(&mut world);
        accounts::check(&world).unwrap();
    }
    let slots = world.banks.books.slots();
    for (place, balance) in accounts::recount(&world).into_iter().enumerate() {
        assert_eq!(world.banks.books.balance(place / slots, place % slots), balance, "place {place}");
    }
    assert!(world.platforms.iter().all(|p| p.delivered.iter().all(|share| (0.0..=1.0).contains(share))));
    let reporting = Reporting { decisions: true, ..Reporting::default() };
    let rows = run_one(&scenario, 1, 1, reporting);
    assert!(rows == run_one(&scenario, 1, 3, reporting), "chunks matter");
    fn all<R: Row>(rows: &[R]) {
        rows.iter().for_each(|row| assert_sound(row, R::COLUMNS));
    }
    all(&rows.months);
    all(&rows.platforms);
    all(&rows.banks);
    all(&rows.agencies);
    all(&rows.trades);
    assert!(rows.decisions.iter().all(|row| row.value.is_finite()));
}

/// The little scenario, for properties of what agencies hold.
fn little() -> &'static mandate::scenario::Scenario {
    static SCENARIO: OnceLock<mandate::scenario::Scenario> = OnceLock::new();
    SCENARIO.get_or_init(|| little::scenario(|_| ()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// A failure prints the settings.
    #[test]
    fn any_setting_runs_soundly(settings in settings()) {
        runs_soundly(&settings);
    }

    /// More delivery only adds records; nothing is nothing and everything is everything.
    #[test]
    fn more_delivery_only_adds_records(
        shares in prop::collection::vec(0.0..=1.0f64, 3), more in prop::collection::vec(0.0..=1.0f64, 3)
    ) {
        let mut world = little::world(little(), 3);
        let mut held = |shares: &[f64]| -> Vec<u128> {
            for (platform, share) in world.platforms.iter_mut().zip(shares) {
                platform.delivered = vec![*share, 1.0];
            }
            let delivered = world.delivered();
            (0..2000).map(|user| delivered.held(user, 0b111, 0)).collect()
        };
        let few = held(&shares);
        let up: Vec<f64> = shares.iter().zip(&more).map(|(share, more)| share.max(*more)).collect();
        for (before, after) in few.iter().zip(held(&up)) {
            prop_assert_eq!(before & !after, 0);
        }
        for (p, share) in shares.iter().enumerate() {
            let count = few.iter().filter(|set| *set >> p & 1 == 1).count() as f64;
            prop_assert!((count - 2000.0 * share).abs() <= 5.0 * (500.0f64).sqrt() , "{} of {}", count, share);
        }
        prop_assert!(held(&[0.0; 3]).iter().all(|set| *set == 0));
        prop_assert!(held(&[1.0; 3]).iter().all(|set| *set == 0b111));
        prop_assert!(held(&[1.0, 0.0, 1.0]).iter().all(|set| *set == 0b101));
    }
}
