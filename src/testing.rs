//! Hand-made rows and scenarios for unit tests.

use crate::scenario::Scenario;
use crate::scenario::parameters::Parameters;
use crate::tables::{AgencyMonthRow, MonthRow, PlatformMonthRow, RunRows};
use crate::units::{Money, Month};

/// A scenario with default parameters and nothing else.
pub fn scenario(name: &str) -> Scenario {
    Scenario {
        name: name.into(),
        title: format!("The {name} scenario"),
        about: String::new(),
        file: format!("{name}.toml").into(),
        parameters: Parameters::default(),
        amendments: Vec::new(),
        targets: Vec::new(),
        replicate_seeds: Vec::new(),
        roster_files: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A month in which nothing happens.
pub fn month_row(month: Month) -> MonthRow {
    MonthRow {
        month,
        delivered_share: None,
        delivered_share_reported: None,
        delivered_share_by_records: None,
        compliant_platforms: None,
        platforms_bound: 0,
        direct_query_share: None,
        unlawful_query_share: None,
        agency_query_share: None,
        unenriched_query_share: None,
        applications: 0.0,
        approvals: 0.0,
        approval_rate: None,
        approval_rate_creditworthy: None,
        approval_rate_uncreditworthy: None,
        approval_rate_thin_file: None,
        approval_rate_creditworthy_thin_file: None,
        approval_rate_creditworthy_thick_file: None,
        approval_rate_bottom_quintile: None,
        approval_rate_top_quintile: None,
        originations_cny: Money::ZERO,
        partnership_originations_cny: Money::ZERO,
        loans_outstanding_cny: Money::ZERO,
        partnership_outstanding_cny: Money::ZERO,
        borrowers: 0.0,
        multiple_borrowers_share: None,
        defaults: 0.0,
        default_rate_annual: None,
        losses_cny: Money::ZERO,
        agency_fees_cny: Money::ZERO,
        direct_fees_cny: Money::ZERO,
        revenue_share_cny: Money::ZERO,
        commissions_cny: Money::ZERO,
        compliance_cost_cny: Money::ZERO,
        cost_increase_mean: None,
        fines_cny: Money::ZERO,
        audits: 0,
        bank_audits: 0,
        violations_found: 0,
        suspended_platforms: 0,
        platforms_selling_directly: 0,
        banks_buying_directly: 0,
        bank_profit_cny: Money::ZERO,
        platform_profit_cny: Money::ZERO,
        agency_profit_cny: Money::ZERO,
        users_surplus_cny: Money::ZERO,
        users_surplus_quintile_1_cny: Money::ZERO,
        users_surplus_quintile_2_cny: Money::ZERO,
        users_surplus_quintile_3_cny: Money::ZERO,
        users_surplus_quintile_4_cny: Money::ZERO,
        users_surplus_quintile_5_cny: Money::ZERO,
        supervision_cost_cny: Money::ZERO,
        records_exposed_expected: 0.0,
        records_breached: 0.0,
        unconsented_records: 0.0,
        investment_index: None,
        sanction_belief_mean: None,
    }
}

/// A platform's month in which nothing happens.
pub fn platform_row(month: Month, platform: &str) -> PlatformMonthRow {
    PlatformMonthRow {
        month,
        platform: platform.into(),
        delivered_share: None,
        sells_directly: false,
        in_partnership: false,
        suspended: false,
        direct_fees_cny: Money::ZERO,
        commissions_cny: Money::ZERO,
        revenue_share_cny: Money::ZERO,
        dividends_cny: Money::ZERO,
        operating_cost_cny: Money::ZERO,
        compliance_cost_cny: Money::ZERO,
        cost_increase: 0.0,
        fines_cny: Money::ZERO,
        profit_cny: Money::ZERO,
        sanction_belief: 0.0,
        investment_index: 1.0,
    }
}

/// A run of `months` months from `start` in which `change` is made to each, given its number from 0;
/// the month before is number -1.
pub fn run_rows(start: Month, months: i32, change: impl Fn(i32, &mut MonthRow)) -> RunRows {
    let row = |number: i32| {
        let mut row = month_row(start.plus(number));
        change(number, &mut row);
        row
    };
    RunRows { opening: vec![row(-1)], months: (0..months).map(row).collect(), ..RunRows::default() }
}

/// An agency's month in which it makes this profit.
pub fn agency_row(month: Month, agency: &str, profit_cny: Money) -> AgencyMonthRow {
    AgencyMonthRow {
        month,
        agency: agency.into(),
        platforms_delivering: 0,
        records_held: 0.0,
        coverage: 0.0,
        capability: 0.0,
        queries: 0.0,
        fee_cny: None,
        fees_cny: Money::ZERO,
        revenue_share_cny: Money::ZERO,
        user_payments_cny: Money::ZERO,
        operating_cost_cny: Money::ZERO,
        dividends_cny: Money::ZERO,
        profit_cny,
    }
}
