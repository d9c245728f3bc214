//! Scenarios for verification, built in memory: few agents, nothing at work but what a case is about.

use crate::random::Key;
use crate::replicate::{Ended, simulate};
use crate::scenario::parameters::{AgencyRow, BankClassRow, Entry, Parameters, Place, PlatformRow, Stake};
use crate::scenario::value::Value;
use crate::scenario::{Amendment, Change, Scenario, Trigger};
use crate::tables::{Reporting, RunRows};
use crate::units::Month;
use std::sync::atomic::AtomicBool;

/// The first month of every verification run.
pub const START: Month = Month::new(2021, 1);
const SEED: u64 = 1;

/// Parameters of a world in which nobody but banks of one class lends, data cost and change nothing,
/// nobody is audited, and whoever may review does so each month and at once.
pub fn plain(months: u32, sample: u64, platforms: Vec<PlatformRow>) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.calendar.start = START;
    parameters.calendar.months = months;
    parameters.calendar.burn_in_months = 0;
    parameters.users.sample = sample;
    parameters.users.population = sample;
    parameters.users.thin_file_share = 0.0;
    parameters.credit.demand_growth_annual = 0.0;
    parameters.credit.partnership_growth_annual = 0.0;
    parameters.fees.agency_query = 0.0;
    parameters.fees.direct_query = 0.0;
    parameters.fees.revenue_share = 0.0;
    parameters.costs.compliance_increase_max = 0.0;
    parameters.supervision.audits_per_month = 0.0;
    parameters.supervision.bank_audits_per_month = 0.0;
    let behaviour = &mut parameters.behaviour;
    (behaviour.mu_platforms, behaviour.mu_banks) = (0.0, 0.0);
    (behaviour.review_rate, behaviour.integration_rate) = (1.0, 1.0);
    (behaviour.exclusivity, behaviour.neutrality) = (0.0, 0.0);
    (behaviour.learn, behaviour.first_belief) = (0.0, 0.0);
    let row = |p: usize, row: PlatformRow| {
        let row = PlatformRow { name: format!("Platform {p}"), credit_weight: 1.0, ..row };
        Entry { id: format!("p{p}"), row }
    };
    parameters.platforms = platforms.into_iter().enumerate().map(|(p, platform)| row(p, platform)).collect();
    parameters.banks = vec![bank_class("bank", 100, 1.0, 0.4)];
    parameters
}

/// A class of banks with this share of deposits and partnerships.
pub fn bank_class(id: &str, count: u32, share: f64, information_precision: f64) -> Entry<BankClassRow> {
    let (deposit_share, partnership_weight) = (share, share);
    let row =
        BankClassRow { count, deposit_share, partnership_weight, information_precision, waits_for: 0.0 };
    Entry { id: id.into(), row }
}

/// Adds an agency of this capability, which never learns, with a stake for each platform, in their order.
pub fn add_agency(parameters: &mut Parameters, id: &str, capability: f64, stakes: &[f64]) {
    let row =
        AgencyRow { name: id.into(), capability, capability_ceiling: capability, ..AgencyRow::default() };
    parameters.agencies.push(Entry { id: id.into(), row });
    let holders = parameters.platforms.iter().zip(stakes);
    let stakes = holders.map(|(platform, stake)| Stake { holder: platform.id.clone(), stake: *stake });
    parameters.stakes.push(stakes.collect());
}

/// The scenario with these parameters and amendments.
pub fn scenario(parameters: Parameters, amendments: Vec<Amendment>) -> Scenario {
    Scenario {
        name: "verification".into(),
        title: "Verification".into(),
        about: String::new(),
        file: "verification.toml".into(),
        parameters,
        amendments,
        targets: Vec::new(),
        replicate_seeds: Vec::new(),
        roster_files: Vec::new(),
        warnings: Vec::new(),
    }
}

/// An amendment of numbers, by path.
pub fn amendment(trigger: Trigger, changes: &[(&str, f64)]) -> Amendment {
    let change = |(path, value): &(&str, f64)| Change {
        path: (*path).into(),
        place: Place::of(path).expect("paths of verification are well-formed"),
        value: Value::Number(*value),
    };
    Amendment { note: String::new(), trigger, changes: changes.iter().map(change).collect() }
}

/// Runs one replicate and observes its months only.
pub fn months(scenario: &Scenario, replicate: u32) -> Result<RunRows, Ended> {
    run(scenario, replicate, Reporting { months_only: true, ..Reporting::default() })
}

/// Runs one replicate.
pub fn run(scenario: &Scenario, replicate: u32, reporting: Reporting) -> Result<RunRows, Ended> {
    let key = Key::new(SEED, scenario.replicate_seed(replicate));
    simulate(scenario, key, 1, reporting, &AtomicBool::new(false))
}
