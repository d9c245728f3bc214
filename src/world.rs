//! The world: all state of one run, built from a scenario and its rosters.

use crate::agents::agencies::Agency;
use crate::agents::banks::{BankPicker, Banks, Copies, TwelveMonths};
use crate::agents::central_bank::{CentralBank, RulesInForce};
use crate::agents::platforms::{self, Platform};
use crate::agents::users::{self, Block};
use crate::choice::Decision;
use crate::credit::Desk;
use crate::hazard::HazardBounds;
use crate::information::raw_alone;
use crate::ledger::Ledger;
use crate::panel::{Panel, PartnerScreens};
use crate::pooling::Delivered;
use crate::random::Key;
use crate::scenario::Scenario;
use crate::scenario::parameters::Parameters;
use crate::screening::{LendingTerms, balance_years};
use crate::sourcing::Approvals;
use crate::tally::{ByQuintile, MonthRecord, Tally};
use crate::units::{Money, Month};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A platform that expects less commission a month than this has no revenue at stake: its utilities, measured in
/// it, would be beyond all numbers. It is so little that only tails of the normal distribution come to less.
const LEAST_REFERENCE_CNY: f64 = 1e-30;

/// All state of one run.
pub struct World<'a> {
    /// The scenario that is run.
    pub scenario: &'a Scenario,
    /// The replicate's key of random numbers.
    pub key: Key,
    /// Months since the burn-in began.
    pub month: u32,
    /// Parameters as amended so far.
    pub parameters: Parameters,
    /// The rules in force this month.
    pub rules: RulesInForce,
    /// Set once somebody asks the run to stop.
    pub stop: &'a AtomicBool,
    /// Users, in blocks.
    pub blocks: Vec<Block>,
    /// Persons for whom a simulated user stands.
    pub weight: f64,
    /// Monthly instalment of a loan granted in a month, by month modulo 128.
    pub instalments: [Money; 128],
    /// Active loans, by month of the grant modulo 128 and the borrower's quintile.
    pub loans_by_quintile: [ByQuintile<u64>; 128],
    /// Users with a loan.
    pub borrowers: i64,
    /// Users who owe two lenders at least.
    pub multiple_borrowers: i64,
    /// The bounds under which defaults are looked for.
    pub hazard_bounds: Arc<HazardBounds>,
    /// Persons on whom closed forms are evaluated.
    pub panel: Panel,
    /// Probabilities of approval on the panel, as far as they are known.
    pub approvals: Approvals,
    /// Platforms.
    pub platforms: Vec<Platform>,
    /// Banks.
    pub banks: Banks,
    /// Agencies.
    pub agencies: Vec<Agency>,
    /// The central bank.
    pub central_bank: CentralBank,
    /// All banks' decisions of the last twelve months, persons of the population.
    pub decisions_made: TwelveMonths,
    /// Copies of records at banks.
    pub copies: Copies,
    /// Records breached in the last twelve months, in persons of the population.
    pub breached: TwelveMonths,
    /// Money.
    pub ledger: Ledger,
    /// Where applications are dealt with, one for each worker on blocks.
    pub desks: Vec<Desk>,
    /// Counts of the month, one for each worker on blocks; the first holds the sum once they are added.
    pub tallies: Vec<Tally>,
    /// What else happened this month.
    pub record: MonthRecord,
    /// Choices made this month, if they are to be reported.
    pub decisions: Option<Vec<Decision>>,
}

impl<'a> World<'a> {
    /// The world at the start of the burn-in, with so many workers on its users.
    pub fn new(scenario: &'a Scenario, key: Key, workers: usize, record_decisions: bool) -> World<'a> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        World::new_unless(&NEVER, scenario, key, workers, record_decisions)
    }

    /// The same, but once `stop` is set the world is left unfinished, and nobody is to use it.
    pub fn new_unless(
        stop: &'a AtomicBool,
        scenario: &'a Scenario,
        key: Key,
        workers: usize,
        record_decisions: bool,
    ) -> World<'a> {
        let parameters = scenario.parameters.clone();
        let (platforms, agencies) = (parameters.platforms.len(), parameters.agencies.len());
        let belief = parameters.behaviour.first_belief;
        let banks = Banks::new(&parameters.banks, platforms, parameters.credit.term_months, belief);
        let shares: Vec<f64> = parameters.banks.iter().map(|entry| entry.row.deposit_share).collect();
        let blocks = users::populate(&parameters, key, &BankPicker::new(&shares, &banks.counts()), stop);
        let workers = workers.clamp(1, blocks.len());
        let mut world = World {
            scenario,
            key,
            stop,
            month: 0,
            rules: RulesInForce::none(platforms),
            weight: parameters.users.population as f64 / parameters.users.sample as f64,
            instalments: [Money::ZERO; 128],
            loans_by_quintile: [[0; 5]; 128],
            borrowers: 0,
            multiple_borrowers: 0,
            hazard_bounds: Arc::new(HazardBounds::new(
                LendingTerms::new(&parameters.credit),
                parameters.credit.reporting_discipline,
                parameters.credit.max_loans,
            )),
            panel: Panel::new(&blocks[0], &parameters, key),
            approvals: Approvals::default(),
            platforms: (0..platforms)
                .map(|p| {
                    let shape = parameters.costs.compliance_increase_shape;
                    Platform::new(agencies, belief, platforms::cost_increase_draw(key, p, shape))
                })
                .collect(),
            agencies: parameters.agencies.iter().map(|entry| Agency::new(&entry.row)).collect(),
            central_bank: CentralBank { amendments: vec![Default::default(); scenario.amendments.len()] },
            decisions_made: TwelveMonths::default(),
            copies: Copies::new(banks.len()),
            breached: TwelveMonths::default(),
            ledger: Ledger::new(platforms, banks.len(), agencies),
            desks: (0..workers).map(|_| Desk::default()).collect(),
            tallies: (0..workers)
                .map(|_| Tally::new(banks.len(), parameters.banks.len(), platforms, agencies))
                .collect(),
            record: MonthRecord::new(banks.len(), agencies),
            decisions: record_decisions.then(Vec::new),
            blocks,
            banks,
            parameters,
        };
        world.count_members();
        world.set_references();
        world
    }

    /// The calendar month.
    pub fn now(&self) -> Month {
        self.parameters.calendar.start.plus(self.months_since_start())
    }

    /// Months since the start of the calendar; negative in the burn-in.
    pub fn months_since_start(&self) -> i32 {
        self.month as i32 - self.parameters.calendar.burn_in_months as i32
    }

    /// Whether the calendar has not started.
    pub fn in_burn_in(&self) -> bool {
        self.months_since_start() < 0
    }

    /// Persons of the population for whom `users` of the sample stand.
    pub fn persons(&self, users: u64) -> f64 {
        users as f64 * self.weight
    }

    /// Risk, price and loss under the parameters of this month.
    pub fn lending_terms(&self) -> LendingTerms {
        LendingTerms::new(&self.parameters.credit)
    }

    /// The monthly instalment of a loan granted this month, for all persons a user stands for.
    pub fn instalment(&self) -> Money {
        let credit = &self.parameters.credit;
        Money::from_cny(credit.loan_cny * self.weight / f64::from(credit.term_months))
    }

    /// A platform's operating cost as a share of its commissions.
    pub fn cost_base(&self, platform: usize) -> f64 {
        self.parameters.platforms[platform].row.cost_base.unwrap_or(self.parameters.costs.cost_base)
    }

    /// A platform's commission, per year of balance.
    pub fn commission(&self, platform: usize) -> f64 {
        self.parameters.platforms[platform].row.commission.unwrap_or(self.parameters.credit.commission)
    }

    /// The rise of a platform's cost when everything is delivered, as a share of its cost.
    pub fn cost_increase(&self, platform: usize) -> f64 {
        self.platforms[platform].cost_increase_draw * self.parameters.costs.compliance_increase_max
    }

    /// Precision of a platform's own score of a member: skill x raw precision.
    pub fn direct_precision(&self, platform: usize) -> f64 {
        let row = &self.parameters.platforms[platform].row;
        row.skill * self.platforms[platform].data_level * raw_alone(row)
    }

    /// Whether an agency is open.
    pub fn open(&self, agency: usize) -> bool {
        !self.in_burn_in() && self.parameters.agencies[agency].row.opens <= self.now()
    }

    /// Whether an agency was open and held anything at the end of the month before: what banks see.
    pub fn on_menu(&self, agency: usize) -> bool {
        self.open(agency) && self.platforms.iter().any(|platform| platform.before.delivered[agency] > 0.0)
    }

    /// Deliveries as they stand.
    pub fn delivered(&self) -> Delivered {
        self.delivered_shares(|p, a| self.platforms[p].delivered[a])
    }

    /// Deliveries as they stood at the end of the month before.
    pub fn delivered_before(&self) -> Delivered {
        self.delivered_shares(|p, a| self.platforms[p].before.delivered[a])
    }

    fn delivered_shares(&self, share: impl Fn(usize, usize) -> f64) -> Delivered {
        let levels: Vec<f64> = self.platforms.iter().map(|platform| platform.data_level).collect();
        Delivered::new(self.key, &self.parameters, &self.rules, &levels, share)
    }

    /// Approval at the banks that partner with platforms.
    pub fn partner_screens(&self) -> PartnerScreens {
        let precision: Vec<f64> = (0..self.platforms.len()).map(|p| self.direct_precision(p)).collect();
        self.panel.partner_screens(&self.parameters, &precision)
    }

    /// Records that an agency holds, in persons of the population.
    pub fn records_held(&self, agency: usize) -> f64 {
        let members = self.platforms.iter().map(|p| p.members as f64 * p.delivered[agency]);
        members.sum::<f64>() * self.weight * self.rules.consent.unwrap_or(1.0)
    }

    /// Own precision of a class of banks on an applicant.
    pub fn own_precision(&self, class: usize, thin_file: bool) -> f64 {
        let precision = self.parameters.banks[class].row.information_precision;
        if thin_file { precision * self.parameters.users.thin_file_discount } else { precision }
    }

    fn count_members(&mut self) {
        let platforms = self.platforms.len();
        let counts = (self.blocks.par_iter().with_min_len(64)).fold(
            || vec![0; platforms],
            |mut counts, block| {
                if !self.stop.load(Ordering::Relaxed) {
                    block.count_members(&mut counts);
                }
                counts
            },
        );
        let add = |mut sums: Vec<u64>, more: Vec<u64>| {
            sums.iter_mut().zip(more).for_each(|(sum, count)| *sum += count);
            sums
        };
        let members = counts.reduce(|| vec![0; platforms], add);
        self.platforms.iter_mut().zip(members).for_each(|(platform, members)| platform.members = members);
    }

    /// Sets every platform's reference revenue (its expected monthly commission at the start of the
    /// calendar, R_p = population x application rate x partnership share x q_p x A_p x loan x commission
    /// x (term + 1)/24) and how exclusive its data are.
    fn set_references(&mut self) {
        let credit = self.parameters.credit.clone();
        let loan_years = credit.loan_cny * balance_years(credit.term_months);
        let applications = self.parameters.users.population as f64
            * credit.application_rate_monthly
            * credit.partnership_share;
        let exclusivity = self.exclusivities();
        let screens = self.partner_screens();
        for (p, exclusivity) in exclusivity.into_iter().enumerate() {
            let share = self.panel.credit_share(p);
            let approval = self.panel.approval_with_own_score(p, &screens);
            self.platforms[p].exclusivity = exclusivity;
            let expected = applications * share * approval * loan_years * self.commission(p);
            self.platforms[p].reference_cny = if expected < LEAST_REFERENCE_CNY { 0.0 } else { expected };
        }
    }

    /// x_p / mean of x by credit weight, in 0.2..4, with x_p = reach x raw precision / credit weight:
    /// the data-rich and credit-poor lose most when their data stop being exclusive.
    fn exclusivities(&self) -> Vec<f64> {
        let rows = || self.parameters.platforms.iter().map(|entry| &entry.row);
        let weights: f64 = rows().map(|row| row.credit_weight).sum();
        let data: Vec<f64> = rows().map(|row| row.reach * raw_alone(row)).collect();
        // The weighted mean of x is the sum of reach x precision, as the weights cancel.
        let mean: f64 = data.iter().sum();
        let relative = |data: f64, weight: f64| if mean > 0.0 { data * weights / weight / mean } else { 1.0 };
        rows().zip(&data).map(|(row, data)| relative(*data, row.credit_weight).clamp(0.2, 4.0)).collect()
    }
}

impl World<'_> {
    /// Adds the workers' tallies into the first.
    pub fn add_tallies(&mut self) {
        if let Some((sum, others)) = self.tallies.split_first_mut() {
            sum.settle(others);
            self.borrowers += std::mem::take(&mut sum.borrowers_change);
            self.multiple_borrowers += std::mem::take(&mut sum.multiple_change);
        }
    }
}
