//! Credit agencies: every intermediary between platforms and banks.

use super::banks::TwelveMonths;
use crate::scenario::parameters::{AgencyRow, Fees};
use crate::scenario::value::{FeeRule, HIGHEST_FEE};

/// An agency's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Agency {
    /// Share of raw precision that its analysis keeps.
    pub capability: f64,
    /// Fee of this month, CNY per query.
    pub fee_cny: f64,
    /// Queries it answered, in persons of the population.
    pub queries: TwelveMonths,
}

impl Agency {
    /// An agency that has not been queried.
    pub fn new(row: &AgencyRow) -> Agency {
        Agency { capability: row.capability, fee_cny: 0.0, queries: TwelveMonths::default() }
    }

    /// Learns from a month with queries: closes a part of the gap to its ceiling.
    pub fn learn(&mut self, row: &AgencyRow) {
        self.capability += row.capability_learning * (row.capability_ceiling - self.capability);
    }
}

/// The fee of a query, CNY: fixed, or unit cost + fixed cost / mean monthly queries. Before there are
/// queries, all lenders' `decisions` a month stand in for them.
pub fn fee_cny(row: &AgencyRow, fees: &Fees, queries: &TwelveMonths, decisions: f64) -> f64 {
    match row.fee_rule {
        FeeRule::Fixed => row.fee_query.unwrap_or(fees.agency_query),
        FeeRule::AtCost => {
            let queries = queries.mean().filter(|mean| *mean > 0.0).unwrap_or(decisions);
            (row.unit_cost + row.fixed_cost / queries.max(1.0)).min(HIGHEST_FEE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_its_own_or_the_general_one_or_at_cost() {
        let fees = Fees::default();
        let mut queries = TwelveMonths::default();
        let own = AgencyRow { fee_query: Some(3.0), ..AgencyRow::default() };
        assert_eq!(fee_cny(&own, &fees, &queries, 1e6), 3.0);
        assert_eq!(fee_cny(&AgencyRow::default(), &fees, &queries, 1e6), 24.0);
        let at_cost =
            AgencyRow { fee_rule: FeeRule::AtCost, unit_cost: 1.0, fixed_cost: 5e6, ..AgencyRow::default() };
        assert_eq!(fee_cny(&at_cost, &fees, &queries, 1e6), 6.0, "all decisions stand in for queries");
        queries.push(0.0);
        assert_eq!(fee_cny(&at_cost, &fees, &queries, 1e6), 6.0);
        queries.push(4e6);
        assert_eq!(fee_cny(&at_cost, &fees, &queries, 1e6), 3.5, "5e6 / 2e6 + 1");
    }

    #[test]
    fn capability_grows_towards_its_ceiling() {
        let row = AgencyRow {
            capability: 0.5,
            capability_ceiling: 0.9,
            capability_learning: 0.25,
            ..Default::default()
        };
        let mut agency = Agency::new(&row);
        agency.learn(&row);
        assert!((agency.capability - 0.6).abs() < 1e-12);
    }
}
