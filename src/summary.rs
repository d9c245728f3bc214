//! A run in one row: the outcome before the deadline, at the end, on the mean and in total.

use crate::scenario::parameters::Place;
use crate::scenario::value::{FromValue, Value};
use crate::scenario::{Scenario, Trigger};
use crate::tables::{Cell, Column, MonthRow, Row, RunRows, table};
use crate::units::{Money, Month, RuleMonth};

table! {
    /// A run's outcome.
    SummaryRow = "summary" {
        delivered_share_before_deadline: Option<f64>, "share", "delivered_share in the month before the deadline that the scenario first states; empty if it states none";
        delivered_share_reported_before_deadline: Option<f64>, "share", "delivered_share_reported in that month";
        compliant_platforms_before_deadline: Option<u32>, "platforms", "compliant_platforms in that month";
        delivered_share_end: Option<f64>, "share", "delivered_share in the last month";
        delivered_share_reported_end: Option<f64>, "share", "delivered_share_reported in the last month";
        delivered_share_by_records_end: Option<f64>, "share", "delivered_share_by_records in the last month";
        compliant_platforms_end: Option<u32>, "platforms", "compliant_platforms in the last month";
        platforms_bound_end: u32, "platforms", "platforms_bound in the last month";
        platforms_selling_directly_end: u32, "platforms", "platforms_selling_directly in the last month";
        month_half_compliant: Option<Month>, "month", "First month in which half of the bound platforms comply; empty if never";
        month_compliant: Option<Month>, "month", "First month in which all bound platforms comply; empty if never";
        direct_query_share_end: Option<f64>, "share of decisions", "direct_query_share in the last month";
        direct_query_share_mean: Option<f64>, "share of decisions", "Mean of direct_query_share over the months";
        agency_query_share_end: Option<f64>, "share of decisions", "agency_query_share in the last month";
        agency_query_share_mean: Option<f64>, "share of decisions", "Mean of agency_query_share over the months";
        unenriched_query_share_end: Option<f64>, "share of decisions", "unenriched_query_share in the last month";
        unlawful_query_share_end: Option<f64>, "share of decisions", "unlawful_query_share in the last month";
        unlawful_query_share_mean: Option<f64>, "share of decisions", "Mean of unlawful_query_share over the months from the direct-sale ban on; empty without a ban";
        unlawful_share_of_enriched_mean: Option<f64>, "share of enriched decisions", "Mean over the same months of unlawful_query_share / (1 - unenriched_query_share)";
        unlawful_fees_cny_total: Money, "CNY", "direct_fees_cny of all months with unlawful queries";
        approval_rate_end: Option<f64>, "share", "approval_rate in the last month";
        approval_rate_mean: Option<f64>, "share", "Mean of approval_rate over the months";
        approval_rate_creditworthy_mean: Option<f64>, "share", "Mean of approval_rate_creditworthy over the months";
        approval_rate_uncreditworthy_mean: Option<f64>, "share", "Mean of approval_rate_uncreditworthy over the months";
        approval_rate_thin_file_mean: Option<f64>, "share", "Mean of approval_rate_thin_file over the months";
        approval_rate_creditworthy_thin_file_mean: Option<f64>, "share", "Mean of approval_rate_creditworthy_thin_file over the months";
        approval_rate_creditworthy_thick_file_mean: Option<f64>, "share", "Mean of approval_rate_creditworthy_thick_file over the months";
        approval_rate_bottom_quintile_mean: Option<f64>, "share", "Mean of approval_rate_bottom_quintile over the months";
        approval_rate_top_quintile_mean: Option<f64>, "share", "Mean of approval_rate_top_quintile over the months";
        default_rate_annual_mean: Option<f64>, "per year", "Mean of default_rate_annual over the months";
        default_rate_annual_end: Option<f64>, "per year", "default_rate_annual in the last month";
        loans_outstanding_cny_end: Money, "CNY", "loans_outstanding_cny in the last month";
        loans_outstanding_growth_annual: Option<f64>, "per year", "Growth of loans_outstanding_cny a year, from the month before the start to the last month";
        partnership_outstanding_cny_end: Money, "CNY", "partnership_outstanding_cny in the last month";
        partnership_outstanding_growth_annual: Option<f64>, "per year", "Growth of partnership_outstanding_cny a year, from the month before the start to the last month";
        borrowers_end: f64, "persons", "borrowers in the last month";
        multiple_borrowers_share_end: Option<f64>, "share", "multiple_borrowers_share in the last month";
        multiple_borrowers_share_mean: Option<f64>, "share", "Mean of multiple_borrowers_share over the months";
        applications_total: f64, "persons", "Sum of applications";
        approvals_total: f64, "persons", "Sum of approvals";
        defaults_total: f64, "persons", "Sum of defaults";
        originations_cny_total: Money, "CNY", "Sum of originations_cny";
        partnership_originations_cny_total: Money, "CNY", "Sum of partnership_originations_cny";
        losses_cny_total: Money, "CNY", "Sum of losses_cny";
        agency_fees_cny_total: Money, "CNY", "Sum of agency_fees_cny";
        direct_fees_cny_total: Money, "CNY", "Sum of direct_fees_cny";
        revenue_share_cny_total: Money, "CNY", "Sum of revenue_share_cny";
        commissions_cny_total: Money, "CNY", "Sum of commissions_cny";
        compliance_cost_cny_total: Money, "CNY", "Sum of compliance_cost_cny";
        cost_increase_mean_end: Option<f64>, "share of cost", "cost_increase_mean in the last month";
        fines_cny_total: Money, "CNY", "Sum of fines_cny";
        supervision_cost_cny_total: Money, "CNY", "Sum of supervision_cost_cny";
        audits_total: u32, "audits", "Sum of audits";
        violations_found_total: u32, "findings", "Sum of violations_found";
        suspended_platform_months_total: u32, "platform-months", "Sum of suspended_platforms";
        bank_profit_cny_total: Money, "CNY", "Sum of bank_profit_cny";
        platform_profit_cny_total: Money, "CNY", "Sum of platform_profit_cny";
        agency_profit_cny_total: Money, "CNY", "Sum of agency_profit_cny";
        users_surplus_cny_total: Money, "CNY", "Sum of users_surplus_cny";
        records_exposed_expected_total: f64, "records", "Sum of records_exposed_expected";
        records_breached_total: f64, "records", "Sum of records_breached";
        unconsented_records_total: f64, "records", "Sum of unconsented_records";
        investment_index_end: Option<f64>, "index", "investment_index in the last month";
        sanction_belief_mean_end: Option<f64>, "probability per month", "sanction_belief_mean in the last month";
    }
}

impl SummaryRow {
    /// The outcome of one run of `scenario`.
    ///
    /// # Panics
    /// Without a month: every calendar has one.
    pub fn of(scenario: &Scenario, rows: &RunRows) -> SummaryRow {
        let months = &rows.months[..];
        let end = months.last().expect("a calendar has a month at least");
        let before_deadline = before_deadline(scenario)
            .and_then(|before| rows.opening.iter().chain(months).find(|row| row.month == before));
        let ban = first_month(scenario, "rules.direct_sale_ban");
        let banned = &months[months.partition_point(|row| ban.is_none_or(|ban| row.month < ban))..];
        let growth = |stock: fn(&MonthRow) -> Money| growth_annual(rows, stock);

        SummaryRow {
            delivered_share_before_deadline: before_deadline.and_then(|row| row.delivered_share),
            delivered_share_reported_before_deadline: before_deadline
                .and_then(|row| row.delivered_share_reported),
            compliant_platforms_before_deadline: before_deadline.and_then(|row| row.compliant_platforms),
            delivered_share_end: end.delivered_share,
            delivered_share_reported_end: end.delivered_share_reported,
            delivered_share_by_records_end: end.delivered_share_by_records,
            compliant_platforms_end: end.compliant_platforms,
            platforms_bound_end: end.platforms_bound,
            platforms_selling_directly_end: end.platforms_selling_directly,
            month_half_compliant: first_compliant(months, 0.5),
            month_compliant: first_compliant(months, 1.0),
            direct_query_share_end: end.direct_query_share,
            direct_query_share_mean: mean(months, |row| row.direct_query_share),
            agency_query_share_end: end.agency_query_share,
            agency_query_share_mean: mean(months, |row| row.agency_query_share),
            unenriched_query_share_end: end.unenriched_query_share,
            unlawful_query_share_end: end.unlawful_query_share,
            unlawful_query_share_mean: mean(banned, |row| row.unlawful_query_share),
            unlawful_share_of_enriched_mean: mean(banned, unlawful_share_of_enriched),
            unlawful_fees_cny_total: unlawful_fees(months),
            approval_rate_end: end.approval_rate,
            approval_rate_mean: mean(months, |row| row.approval_rate),
            approval_rate_creditworthy_mean: mean(months, |row| row.approval_rate_creditworthy),
            approval_rate_uncreditworthy_mean: mean(months, |row| row.approval_rate_uncreditworthy),
            approval_rate_thin_file_mean: mean(months, |row| row.approval_rate_thin_file),
            approval_rate_creditworthy_thin_file_mean: mean(months, |row| {
                row.approval_rate_creditworthy_thin_file
            }),
            approval_rate_creditworthy_thick_file_mean: mean(months, |row| {
                row.approval_rate_creditworthy_thick_file
            }),
            approval_rate_bottom_quintile_mean: mean(months, |row| row.approval_rate_bottom_quintile),
            approval_rate_top_quintile_mean: mean(months, |row| row.approval_rate_top_quintile),
            default_rate_annual_mean: mean(months, |row| row.default_rate_annual),
            default_rate_annual_end: end.default_rate_annual,
            loans_outstanding_cny_end: end.loans_outstanding_cny,
            loans_outstanding_growth_annual: growth(|row| row.loans_outstanding_cny),
            partnership_outstanding_cny_end: end.partnership_outstanding_cny,
            partnership_outstanding_growth_annual: growth(|row| row.partnership_outstanding_cny),
            borrowers_end: end.borrowers,
            multiple_borrowers_share_end: end.multiple_borrowers_share,
            multiple_borrowers_share_mean: mean(months, |row| row.multiple_borrowers_share),
            applications_total: months.iter().map(|row| row.applications).sum(),
            approvals_total: months.iter().map(|row| row.approvals).sum(),
            defaults_total: months.iter().map(|row| row.defaults).sum(),
            originations_cny_total: months.iter().map(|row| row.originations_cny).sum(),
            partnership_originations_cny_total: months
                .iter()
                .map(|row| row.partnership_originations_cny)
                .sum(),
            losses_cny_total: months.iter().map(|row| row.losses_cny).sum(),
            agency_fees_cny_total: months.iter().map(|row| row.agency_fees_cny).sum(),
            direct_fees_cny_total: months.iter().map(|row| row.direct_fees_cny).sum(),
            revenue_share_cny_total: months.iter().map(|row| row.revenue_share_cny).sum(),
            commissions_cny_total: months.iter().map(|row| row.commissions_cny).sum(),
            compliance_cost_cny_total: months.iter().map(|row| row.compliance_cost_cny).sum(),
            cost_increase_mean_end: end.cost_increase_mean,
            fines_cny_total: months.iter().map(|row| row.fines_cny).sum(),
            supervision_cost_cny_total: months.iter().map(|row| row.supervision_cost_cny).sum(),
            audits_total: months.iter().map(|row| row.audits).sum(),
            violations_found_total: months.iter().map(|row| row.violations_found).sum(),
            suspended_platform_months_total: months.iter().map(|row| row.suspended_platforms).sum(),
            bank_profit_cny_total: months.iter().map(|row| row.bank_profit_cny).sum(),
            platform_profit_cny_total: months.iter().map(|row| row.platform_profit_cny).sum(),
            agency_profit_cny_total: months.iter().map(|row| row.agency_profit_cny).sum(),
            users_surplus_cny_total: months.iter().map(|row| row.users_surplus_cny).sum(),
            records_exposed_expected_total: total(months, |row| row.records_exposed_expected),
            records_breached_total: total(months, |row| row.records_breached),
            unconsented_records_total: total(months, |row| row.unconsented_records),
            investment_index_end: end.investment_index,
            sanction_belief_mean_end: end.sanction_belief_mean,
        }
    }

    /// The value of the outcome `name`, which must exist; `None` where it is empty or a month.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.cells()[outcome_index(name)].number()
    }
}

/// The place of the outcome `name` among the columns of [`SummaryRow`].
///
/// # Panics
/// If there is no such outcome.
pub fn outcome_index(name: &str) -> usize {
    let index = SummaryRow::COLUMNS.iter().position(|column| column.name == name);
    index.unwrap_or_else(|| panic!("summary.csv has no outcome {name}"))
}

/// The last month before the deadline that the scenario first states.
pub fn before_deadline(scenario: &Scenario) -> Option<Month> {
    first_month(scenario, "rules.deadline").map(|deadline| deadline.plus(-1))
}

/// The month at `path`, a month or `never`, that the scenario first states: before amendments, or in
/// the first amendment that names one.
fn first_month(scenario: &Scenario, path: &str) -> Option<Month> {
    let place = Place::of(path).expect("a path has a dot");
    let month = |value: &Value| RuleMonth::from_value(value).month();
    let dated = |trigger: &Trigger| matches!(trigger, Trigger::From(_));
    scenario.parameters.get(&place).as_ref().and_then(month).or_else(|| {
        scenario
            .amendments
            .iter()
            .filter(|amendment| dated(&amendment.trigger))
            .flat_map(|amendment| &amendment.changes)
            .filter(|change| change.place == place)
            .find_map(|change| month(&change.value))
    })
}

fn first_compliant(months: &[MonthRow], share: f64) -> Option<Month> {
    let complies = |row: &&MonthRow| match row.compliant_platforms {
        Some(compliant) if row.platforms_bound > 0 => {
            f64::from(compliant) >= share * f64::from(row.platforms_bound)
        }
        _ => false,
    };
    months.iter().find(complies).map(|row| row.month)
}

fn unlawful_share_of_enriched(row: &MonthRow) -> Option<f64> {
    let enriched = 1.0 - row.unenriched_query_share?;
    (enriched > 0.0).then_some(row.unlawful_query_share? / enriched)
}

/// A ban makes all direct sales of a month unlawful, or none.
fn unlawful_fees(months: &[MonthRow]) -> Money {
    let unlawful = |row: &&MonthRow| row.unlawful_query_share.is_some_and(|share| share > 0.0);
    months.iter().filter(unlawful).map(|row| row.direct_fees_cny).sum()
}

fn mean(months: &[MonthRow], metric: impl Fn(&MonthRow) -> Option<f64>) -> Option<f64> {
    months.iter().filter_map(metric).collect::<crate::stats::Moments>().mean()
}

fn total(months: &[MonthRow], metric: impl Fn(&MonthRow) -> f64) -> f64 {
    months.iter().map(metric).sum()
}

fn growth_annual(rows: &RunRows, stock: fn(&MonthRow) -> Money) -> Option<f64> {
    let before = stock(rows.opening.last()?).cny();
    let after = stock(rows.months.last()?).cny();
    let years = rows.months.len() as f64 / 12.0;
    (before > 0.0).then(|| libm::pow(after / before, 1.0 / years) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::value::Value;
    use crate::scenario::{Amendment, Change};
    use crate::testing;

    const START: Month = Month::new(2021, 1);

    fn ordered(deadline: Month) -> Scenario {
        let mut scenario = testing::scenario("ordered");
        scenario.parameters.rules.deadline = RuleMonth::From(deadline);
        scenario
    }

    /// Two of four platforms comply from the third month on, all from the fifth.
    fn complying() -> RunRows {
        testing::run_rows(START, 6, |number, row| {
            row.delivered_share = (number >= 0).then(|| f64::from(number) / 10.0);
            row.platforms_bound = 4;
            row.compliant_platforms = Some([0, 0, 0, 2, 2, 4, 3][(number + 1) as usize]);
            row.approval_rate = (number != 1).then_some(f64::from(number));
            row.fines_cny = Money::from_cny(1.5);
            row.audits = 2;
            row.records_breached = if number == 2 { 7.0 } else { 0.0 };
        })
    }

    #[test]
    fn outcomes_by_hand() {
        let row = SummaryRow::of(&ordered(Month::new(2021, 4)), &complying());
        assert_eq!(row.delivered_share_before_deadline, Some(0.2));
        assert_eq!(row.delivered_share_end, Some(0.5));
        assert_eq!(row.month_half_compliant, Some(Month::new(2021, 3)));
        assert_eq!(row.month_compliant, Some(Month::new(2021, 5)));
        assert_eq!(row.approval_rate_mean, Some((0.0 + 2.0 + 3.0 + 4.0 + 5.0) / 5.0));
        assert_eq!(row.fines_cny_total, Money::from_cny(9.0));
        assert_eq!(row.audits_total, 12);
        assert_eq!((row.records_breached_total, row.unconsented_records_total), (7.0, 0.0));
        assert_eq!(row.number("fines_cny_total"), Some(9.0));
        assert_eq!(row.number("month_compliant"), None);
    }

    #[test]
    fn nothing_is_before_a_deadline_outside_the_calendar() {
        for scenario in [testing::scenario("free"), ordered(Month::new(2030, 1)), ordered(START.plus(-5))] {
            assert_eq!(SummaryRow::of(&scenario, &complying()).delivered_share_before_deadline, None);
        }
    }

    #[test]
    fn a_deadline_that_an_amendment_brings_counts_and_one_that_it_moves_does_not() {
        let later = Change {
            path: "rules.deadline".into(),
            place: Place::of("rules.deadline").unwrap(),
            value: Value::Text("2021-05".into()),
        };
        let amendment =
            Amendment { note: String::new(), trigger: Trigger::From(START), changes: vec![later] };
        let mut brought = testing::scenario("brought");
        brought.amendments = vec![amendment.clone()];
        let mut moved = ordered(Month::new(2021, 4));
        moved.amendments = vec![amendment];
        assert_eq!(before_deadline(&brought), Some(Month::new(2021, 4)));
        assert_eq!(before_deadline(&moved), Some(Month::new(2021, 3)));
    }

    #[test]
    fn unlawful_sales_count_from_the_ban_on() {
        let rows = testing::run_rows(START, 4, |number, row| {
            row.direct_query_share = Some(0.4);
            row.unlawful_query_share = Some(match number {
                2 => 0.4,
                3 => 0.2,
                _ => 0.0,
            });
            row.unenriched_query_share = Some(0.2);
            row.direct_fees_cny = Money::from_cny(if number == 3 { 7.0 } else { 10.0 });
        });
        let mut scenario = testing::scenario("ban");
        scenario.parameters.rules.direct_sale_ban = RuleMonth::From(START.plus(2));
        let row = SummaryRow::of(&scenario, &rows);
        assert!((row.unlawful_query_share_mean.unwrap() - 0.3).abs() < 1e-12);
        assert!((row.unlawful_share_of_enriched_mean.unwrap() - 0.375).abs() < 1e-12, "a half and a quarter");
        assert_eq!(row.unlawful_fees_cny_total, Money::from_cny(17.0));
        assert_eq!(SummaryRow::of(&testing::scenario("free"), &rows).unlawful_query_share_mean, None);
    }

    #[test]
    fn nothing_of_nothing_is_no_share_and_nobody_bound_complies() {
        let rows = testing::run_rows(START, 4, |_, row| {
            (row.platforms_bound, row.compliant_platforms) = (0, Some(0));
            row.unenriched_query_share = Some(1.0);
            row.unlawful_query_share = Some(0.0);
        });
        let mut scenario = testing::scenario("ban");
        scenario.parameters.rules.direct_sale_ban = RuleMonth::From(START);
        let row = SummaryRow::of(&scenario, &rows);
        assert_eq!((row.month_half_compliant, row.month_compliant), (None, None));
        assert_eq!((row.unlawful_query_share_mean, row.unlawful_share_of_enriched_mean), (Some(0.0), None));
    }

    #[test]
    fn growth_is_a_year_s() {
        let rows = testing::run_rows(START, 24, |number, row| {
            row.loans_outstanding_cny = Money::from_cny(if number == 23 { 121.0 } else { 100.0 });
        });
        let row = SummaryRow::of(&testing::scenario("growth"), &rows);
        assert!((row.loans_outstanding_growth_annual.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(row.partnership_outstanding_growth_annual, None, "nothing to grow from");
    }
}
