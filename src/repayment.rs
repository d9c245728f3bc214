//! Step 5 of a month, repayment: active loans earn interest, amortise, default.

use crate::agents::ahead::Ahead;
use crate::agents::users::Block;
use crate::hazard::HazardBounds;
use crate::ledger::{Flow, Party};
use crate::near::NearLog;
use crate::random::{Key, Purpose, uniform};
use crate::screening::{LendingTerms, monthly_hazard};
use crate::tally::{ByQuintile, DefaultedLoan, Tally};
use crate::units::Money;
use crate::world::World;
use rayon::prelude::*;
use std::sync::Arc;

/// All that a month's repayment reads, which stays as it is while borrowers default or repay.
pub struct Repayment {
    key: Key,
    month: u32,
    terms: LendingTerms,
    discipline: f64,
    term_months: u32,
    locked_until: u32,
    bounds: Arc<HazardBounds>,
    near_log: &'static NearLog,
}

impl Repayment {
    /// The month's repayment. Notes how many borrowers there are at its opening.
    pub fn new(world: &mut World) -> Repayment {
        world.record.opening_borrowers = world.borrowers;
        let terms = world.lending_terms();
        let credit = &world.parameters.credit;
        let discipline = credit.reporting_discipline;
        if !world.hazard_bounds.are_for(terms, discipline, credit.max_loans) {
            world.hazard_bounds = Arc::new(HazardBounds::new(terms, discipline, credit.max_loans));
        }
        Repayment {
            key: world.key,
            month: world.month,
            terms,
            discipline,
            term_months: credit.term_months,
            locked_until: world.month + credit.lockout_months,
            bounds: world.hazard_bounds.clone(),
            near_log: NearLog::table(),
        }
    }

    /// Lets the borrowers of a block default or repay.
    pub fn serve(&self, block: &mut Block, ahead: &mut Ahead, tally: &mut Tally) {
        self.default(block, ahead, tally);
        self.end(block, ahead, tally);
    }

    /// Borrowers default. A default hits all loans of the person and bars new applications.
    fn default(&self, block: &mut Block, ahead: &mut Ahead, tally: &mut Tally) {
        if !block.has_loans() {
            return;
        }
        let mut draws = self.key.pairs(Purpose::Default, block.number, self.month);
        let line = self.bounds.line_up(block.quality_ranks());
        // Nobody comes up twice.
        let (mut end, mut not_yet) = (0.0, 0);
        let mut came_up = [CameUp::default(); CameUp::AT_A_TIME];
        loop {
            let mut count = 0;
            let is_last = loop {
                if count == CameUp::AT_A_TIME {
                    break false;
                }
                let [wait, luck] = draws.take();
                end -= self.near_log.of(wait);
                let up = line.at(end);
                if up.place >= block.len() {
                    break true;
                }
                came_up[count] = CameUp { place: up.place, luck: uniform(luck) * up.hazard() };
                count += usize::from(up.place >= not_yet);
                not_yet = up.place + 1;
                end = up.next(end);
                ahead.bring();
            };
            for CameUp { place, luck } in self.without_lucky(block, &mut came_up[..count]) {
                self.consider(block, *place, *luck, tally);
            }
            if is_last {
                return;
            }
        }
    }

    /// Those who have come up without most of the lucky ones: a bound that is tighter than the one under which they
    /// came up is quicker to look up than anybody's own hazard. Nothing is left out by a branch, since who is lucky,
    /// or has no loan, is hard to foresee.
    fn without_lucky<'a>(&self, block: &Block, came_up: &'a mut [CameUp]) -> &'a [CameUp] {
        let mut count = 0;
        for i in 0..came_up.len() {
            let CameUp { place, luck } = came_up[i];
            let loans = block.loan_count(place);
            let bound = self.bounds.with_loans(block.quality_rank(place), loans.max(1));
            came_up[count] = came_up[i];
            count += usize::from((loans > 0) & (luck < bound));
        }
        &came_up[..count]
    }

    /// A person who has come up, and has a loan, defaults if `luck` is below the person's own hazard.
    fn consider(&self, block: &mut Block, place: usize, luck: f64, tally: &mut Tally) {
        let loans = block.loan_count(place);
        if !self.is_unlucky(block, place, loans, luck) && luck >= self.hazard(block, place, loans) {
            return;
        }
        let before = (loans, block.owes_several_lenders(place));
        let quintile = block.quintile(place);
        block.default(place, |loan| {
            let (lender, slot, cohort) = (loan.lender, loan.slot, loan.cohort());
            tally.default(DefaultedLoan { lender, slot, cohort, quintile });
        });
        block.lock_out(place, self.locked_until);
        tally.defaulters += 1;
        tally.change_of_debt(before, (0, false));
    }

    /// Whether `luck` is below the lower bound too, which settles most of the rest: a lower bound for those who are not
    /// made better by a report.
    fn is_unlucky(&self, block: &Block, place: usize, loans: u32, luck: f64) -> bool {
        self.discipline >= 0.0
            && block.reported_count(place) == 0
            && luck < self.bounds.at_least_with_loans(block.quality_rank(place), loans)
    }

    /// The person's own monthly hazard: 1 - (1 - PD(z, n - 1))^(1/12), reported borrowers repaying
    /// better.
    fn hazard(&self, block: &Block, place: usize, loans: u32) -> f64 {
        let discipline = if block.reported_count(place) > 0 { self.discipline } else { 0.0 };
        let probit = self.terms.pd_probit(block.quality(place), f64::from(loans - 1)) - discipline;
        monthly_hazard(crate::normal::normal_cdf(probit))
    }

    /// Loans whose last instalment is paid this month end.
    fn end(&self, block: &mut Block, ahead: &mut Ahead, tally: &mut Tally) {
        let no_longer_several = block.end(self.month.wrapping_sub(self.term_months), |_, loans| {
            ahead.bring();
            tally.change_of_debt((loans, false), (loans - 1, false));
        });
        tally.multiple_change -= i64::from(no_longer_several);
    }
}

/// A person who has come up for a default.
#[derive(Clone, Copy, Default)]
struct CameUp {
    /// Place in the block.
    place: usize,
    /// Uniform between 0 and the bound under which the person came up.
    luck: f64,
}

impl CameUp {
    /// So many are considered together: who comes up is worked out for all before anybody is looked at, so that no
    /// wrong guess on one holds up the next.
    const AT_A_TIME: usize = 32;
}

/// Books defaults, interest, funding, commissions and instalments. A defaulter's loans pay nothing:
/// a share 1 - lgd of the balance is recovered, the rest written off.
pub fn book(world: &mut World) {
    world.record.opening_loans.clone_from(&world.banks.books.loans);
    let lost = book_defaults(world);
    world.record.performing_by_quintile = performing_by_quintile(world);
    let closing_cohort = (world.month.wrapping_sub(world.parameters.credit.term_months) & 0x7f) as usize;
    world.loans_by_quintile[closing_cohort] = [0; 5];
    let closing = world.instalments[closing_cohort];
    let credit = world.parameters.credit.clone();
    let commissions: Vec<f64> = (0..world.platforms.len()).map(|p| world.commission(p)).collect();
    let World { banks, ledger, record, desks, .. } = world;
    let of_banks = banks.books.of_all(world.month).zip(lost).zip(&mut record.written_off);
    record.performing = ledger.post_by_bank(
        desks.len(),
        of_banks,
        || Money::ZERO,
        |bank, ((mut books, lost), written_off), ledger, all_performing| {
            let (mut performing, mut repaid) = (Money::ZERO, Money::ZERO);
            let mut commission_paid = Money::ZERO;
            books.amortise(closing, |slot, opening, instalments| {
                performing += opening;
                repaid += instalments;
                if slot > 0 && opening > Money::ZERO {
                    let commission = opening.share(commissions[slot - 1] / 12.0);
                    let platform = Party::Platform(slot - 1);
                    ledger.post(Party::Bank(bank), platform, Flow::Commission, commission);
                    commission_paid += commission;
                }
            });
            let interest = performing.share(credit.lending_rate / 12.0);
            // The funding cost is all-in: the commission is a part of it.
            let funding = performing.share(credit.funding_cost / 12.0) - commission_paid;
            ledger.post(Party::Users, Party::Bank(bank), Flow::Interest, interest);
            ledger.post(Party::Bank(bank), Party::Suppliers, Flow::Funding, funding.max(Money::ZERO));
            let recovered = lost - lost.share(credit.loss_given_default);
            *written_off = lost - recovered;
            ledger.post(Party::Users, Party::Bank(bank), Flow::PrincipalRepaid, repaid + recovered);
            *all_performing += performing;
        },
        |sum, more| *sum += more,
    );
}

/// Takes defaulted loans off the counts by quintile; returns the opening balance of all others.
fn performing_by_quintile(world: &mut World) -> ByQuintile<Money> {
    for loan in world.tallies[0].defaulted() {
        world.loans_by_quintile[usize::from(loan.cohort)][usize::from(loan.quintile) - 1] -= 1;
    }
    let term = world.parameters.credit.term_months;
    let mut balances = [Money::ZERO; 5];
    for age in 1..=term.min(world.month) {
        let cohort = ((world.month - age) & 0x7f) as usize;
        let unpaid = world.instalments[cohort] * i128::from(term + 1 - age);
        for (balance, loans) in balances.iter_mut().zip(world.loans_by_quintile[cohort]) {
            *balance += unpaid * i128::from(loans);
        }
    }
    balances
}

/// Takes defaulted loans off the books; returns their balances, by bank.
fn book_defaults(world: &mut World) -> Vec<Money> {
    let mut lost = vec![Money::ZERO; world.banks.len()];
    for loan in world.tallies[0].defaulted() {
        let age = world.month.wrapping_sub(u32::from(loan.cohort)) & 0x7f;
        let instalment = world.instalments[usize::from(loan.cohort)];
        let (bank, slot) = (usize::from(loan.lender), usize::from(loan.slot));
        lost[bank] += world.banks.books.default(bank, slot, instalment, world.month - age, world.month);
    }
    lost
}
