//! Counts of a month. What threads add up is integers, so that any order gives the same sums.

use crate::agents::users::{has_thin_file, kind_of, quintile_of};
use crate::counting_sort::counting_sort;
use crate::counts::Counts;
use crate::units::Money;
use crate::workers::{APART, at_a_time};
use rayon::prelude::*;
use std::ops::Range;

/// A group of applicants for whom applications and approvals are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Everybody.
    All,
    /// True probability of default below break-even.
    Creditworthy,
    /// All others.
    Uncreditworthy,
    /// Thin credit file.
    ThinFile,
    /// Creditworthy with a thin file.
    CreditworthyThinFile,
    /// Creditworthy with a thick file.
    CreditworthyThickFile,
    /// Lowest income quintile.
    BottomQuintile,
    /// Highest income quintile.
    TopQuintile,
}

/// The groups to which an applicant belongs, all of them in one number: the kind by income and file
/// ([`kind_of`]), and above it whether creditworthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups(u8);

impl Groups {
    /// The groups of an applicant.
    pub fn of(creditworthy: bool, thin_file: bool, quintile: u8) -> Groups {
        Groups::of_kind(creditworthy, kind_of(quintile, thin_file))
    }

    /// The same of one of this kind.
    #[inline]
    pub fn of_kind(creditworthy: bool, kind: u8) -> Groups {
        Groups(kind | u8::from(creditworthy) << 4)
    }

    /// Whether the applicant is creditworthy.
    #[inline]
    pub fn creditworthy(self) -> bool {
        self.0 >> 4 & 1 == 1
    }

    /// Whether the applicant's file is thin.
    #[inline]
    pub fn thin_file(self) -> bool {
        has_thin_file(self.0)
    }

    /// The income quintile, 1 (lowest) to 5.
    fn quintile(self) -> u8 {
        quintile_of(self.0)
    }

    /// Whether a group is among them.
    pub fn contain(self, group: Group) -> bool {
        match group {
            Group::All => true,
            Group::Creditworthy => self.creditworthy(),
            Group::Uncreditworthy => !self.creditworthy(),
            Group::ThinFile => self.thin_file(),
            Group::CreditworthyThinFile => self.creditworthy() && self.thin_file(),
            Group::CreditworthyThickFile => self.creditworthy() && !self.thin_file(),
            Group::BottomQuintile => self.quintile() == 1,
            Group::TopQuintile => self.quintile() == 5,
        }
    }
}

/// Persons by the number of their groups.
type ByGroups = [u64; GROUPS];

/// How many such numbers there are.
const GROUPS: usize = 1 << 5;

/// The counts of persons in `group` out of those by their groups.
fn of_group(by_groups: &ByGroups, group: Group) -> u64 {
    let has = |(groups, _): &(usize, &u64)| Groups(*groups as u8).contain(group);
    by_groups.iter().enumerate().filter(has).map(|(_, count)| count).sum()
}

/// Decisions of a bank in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// All.
    pub made: u32,
    /// Approvals.
    pub approvals: u32,
    /// Decisions on creditworthy applicants.
    pub creditworthy: u32,
    /// Approvals of creditworthy applicants.
    pub creditworthy_approvals: u32,
}

/// A loan in default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultedLoan {
    /// Lender.
    pub lender: u16,
    /// Slot through which it came.
    pub slot: u8,
    /// Month of the grant modulo 128.
    pub cohort: u8,
    /// Income quintile of the borrower, 1 (lowest) to 5.
    pub quintile: u8,
}

/// Loans in default, one lender's after another's once they are settled: books of banks then lie ahead in memory instead of all
/// over it, and nobody looks through all loans for those of a bank.
#[derive(Clone, Debug)]
struct Defaulted {
    loans: Vec<DefaultedLoan>,
    /// Where each lender's begin and, behind them, how many there are in all.
    first: Vec<u32>,
    is_settled: bool,
}

impl Defaulted {
    /// None, of so many banks: which can be read.
    fn new(banks: usize) -> Defaulted {
        Defaulted { loans: Vec::new(), first: vec![0; banks + 1], is_settled: true }
    }

    /// Takes in what was found elsewhere, and puts all in the order of lenders; after that, they can be read.
    fn settle<'a>(&mut self, others: impl Iterator<Item = &'a Defaulted>) {
        others.for_each(|other| self.loans.extend_from_slice(&other.loans));
        let mut sorted = vec![DefaultedLoan::default(); self.loans.len()];
        counting_sort(&self.loans, &mut sorted, &mut self.first, |loan| usize::from(loan.lender));
        self.loans = sorted;
        self.is_settled = true;
    }

    fn push(&mut self, loan: DefaultedLoan) {
        self.loans.push(loan);
        self.is_settled = false;
    }

    fn all(&self) -> &[DefaultedLoan] {
        assert!(self.is_settled, "loans in default are settled before they are read");
        &self.loans
    }

    /// Those of some neighbouring banks.
    fn of(&self, banks: Range<usize>) -> &[DefaultedLoan] {
        &self.all()[self.first[banks.start] as usize..self.first[banks.end] as usize]
    }

    /// Forgets all.
    fn clear(&mut self) {
        self.loans.clear();
        self.is_settled = false;
    }
}

/// Counts by income quintile, the lowest first.
pub type ByQuintile<T> = [T; 5];

/// Counts of one month over some of the users, in users of the sample. What is counted most begins and ends on lines of memory of
/// its own: two processors that write to the same line, or to neighbours, wait for each other.
#[derive(Clone, Debug)]
#[repr(align(128))]
pub struct Tally {
    sellers: usize,
    platforms: usize,
    slots: usize,
    classes: usize,
    /// Applicants by their groups, and those who got the loan.
    asked: ByGroups,
    got: ByGroups,
    /// Decisions for which an agency was queried.
    pub agency_decisions: u64,
    /// Decisions, by bank: refusals and approvals of others, then of the creditworthy. A bank decides on a person once a
    /// month at most.
    decided: Counts,
    /// Loans granted, by bank and slot.
    granted: Counts,
    defaulted: Defaulted,
    /// Persons who defaulted.
    pub defaulters: u64,
    /// Queries, by bank and seller: platforms, then agencies. One a decision at most.
    queries: Counts,
    /// Records that agencies used, by class of banks and agency.
    records: Vec<u64>,
    /// Records used by agencies, by agency and platform.
    records_of: Vec<u64>,
    /// Change of the number of users with a loan.
    pub borrowers_change: i64,
    /// Change of the number of users who owe two lenders at least.
    pub multiple_change: i64,
}

const _: () = assert!(align_of::<Tally>() >= APART);

impl Tally {
    /// A tally of nothing.
    pub fn new(banks: usize, classes: usize, platforms: usize, agencies: usize) -> Tally {
        let (sellers, slots) = (platforms + agencies, platforms + 1);
        Tally {
            sellers,
            platforms,
            slots,
            classes,
            asked: ByGroups::default(),
            got: ByGroups::default(),
            agency_decisions: 0,
            decided: Counts::new(4 * banks),
            granted: Counts::new(banks * slots),
            defaulted: Defaulted::new(banks),
            defaulters: 0,
            queries: Counts::new(banks * sellers),
            records: vec![0; classes * agencies],
            records_of: vec![0; agencies * platforms],
            borrowers_change: 0,
            multiple_change: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.asked = ByGroups::default();
        self.got = ByGroups::default();
        self.counts_mut().into_iter().for_each(Counts::clear);
        self.records.fill(0);
        self.records_of.fill(0);
        self.defaulted.clear();
        (self.agency_decisions, self.defaulters) = (0, 0);
        (self.borrowers_change, self.multiple_change) = (0, 0);
    }

    /// Counts by bank.
    fn counts(&self) -> [&Counts; 3] {
        [&self.decided, &self.granted, &self.queries]
    }

    /// The same.
    fn counts_mut(&mut self) -> [&mut Counts; 3] {
        [&mut self.decided, &mut self.granted, &mut self.queries]
    }

    /// Adds what other parts of the users did, side by side with those who counted it; after that, all can be read.
    pub fn settle(&mut self, others: &[Tally]) {
        let counts = self.counts_mut();
        let at_a_time = at_a_time(counts.len(), 1 + others.len());
        (counts.into_par_iter().enumerate().with_min_len(at_a_time))
            .for_each(|(which, counts)| counts.settle(others.iter().map(|other| other.counts()[which])));
        self.defaulted.settle(others.iter().map(|other| &other.defaulted));
        let add = |sums: &mut [u64], more: &[u64]| sums.iter_mut().zip(more).for_each(|(s, m)| *s += m);
        for other in others {
            add(&mut self.asked, &other.asked);
            add(&mut self.got, &other.got);
            add(&mut self.records, &other.records);
            add(&mut self.records_of, &other.records_of);
            self.agency_decisions += other.agency_decisions;
            self.defaulters += other.defaulters;
            self.borrowers_change += other.borrowers_change;
            self.multiple_change += other.multiple_change;
        }
    }

    /// Counts a person who asks for a loan.
    #[inline]
    pub fn ask(&mut self, groups: Groups) {
        self.asked[usize::from(groups.0) % GROUPS] += 1;
    }

    /// Persons of a group who asked.
    pub fn asked(&self, group: Group) -> u64 {
        of_group(&self.asked, group)
    }

    /// Persons of a group who got the loan.
    pub fn got(&self, group: Group) -> u64 {
        of_group(&self.got, group)
    }

    /// Counts a lender's decision on a person of these groups.
    #[inline]
    pub fn decide(&mut self, bank: usize, groups: Groups, approved: bool) {
        self.decided.count(4 * bank + 2 * usize::from(groups.creditworthy()) + usize::from(approved));
    }

    /// Decisions of a bank.
    pub fn decisions(&self, bank: usize) -> Decisions {
        let [other_refusals, other_approvals, refusals, creditworthy_approvals] =
            self.decided.all().as_chunks().0[bank];
        Decisions {
            made: other_refusals + other_approvals + refusals + creditworthy_approvals,
            approvals: other_approvals + creditworthy_approvals,
            creditworthy: refusals + creditworthy_approvals,
            creditworthy_approvals,
        }
    }

    /// Decisions of all banks.
    pub fn all_decisions(&self) -> u64 {
        self.decided.all().iter().map(|count| u64::from(*count)).sum()
    }

    /// Counts a query by a bank at a platform, which sells one record.
    #[inline]
    pub fn query_platform(&mut self, bank: usize, platform: usize) {
        self.queries.count(bank * self.sellers + platform);
    }

    /// Decisions for which a platform sold data.
    pub fn direct_decisions(&self) -> u64 {
        let of_bank =
            |queries: &[u32]| queries[..self.platforms].iter().map(|count| u64::from(*count)).sum::<u64>();
        self.queries.all().chunks(self.sellers.max(1)).map(of_bank).sum()
    }

    /// Counts a query by a bank at an agency.
    #[inline]
    pub fn query_agency(&mut self, bank: usize, agency: usize) {
        self.queries.count(bank * self.sellers + self.platforms + agency);
    }

    /// Counts a platform's record that an agency used for a bank of `class`.
    #[inline]
    pub fn use_record(&mut self, class: usize, agency: usize, platform: usize) {
        self.records[class * (self.sellers - self.platforms) + agency] += 1;
        self.records_of[agency * self.platforms + platform] += 1;
    }

    /// Counts a loan that comes through `slot`, to a person of these groups.
    #[inline]
    pub fn grant(&mut self, bank: usize, slot: u8, groups: Groups) {
        self.granted.count(bank * self.slots + usize::from(slot));
        self.got[usize::from(groups.0) % GROUPS] += 1;
    }

    /// Loans granted, by the borrower's quintile.
    pub fn granted_to(&self) -> ByQuintile<u64> {
        let mut granted = [0; 5];
        for (groups, count) in self.got.iter().enumerate().filter(|(_, count)| **count > 0) {
            granted[usize::from(Groups(groups as u8).quintile()) - 1] += count;
        }
        granted
    }

    /// Counts a loan in default.
    #[inline]
    pub fn default(&mut self, loan: DefaultedLoan) {
        self.defaulted.push(loan);
    }

    /// Loans in default.
    pub fn defaulted(&self) -> &[DefaultedLoan] {
        self.defaulted.all()
    }

    /// Loans of some neighbouring banks in default.
    pub fn defaulted_of(&self, banks: Range<usize>) -> &[DefaultedLoan] {
        self.defaulted.of(banks)
    }

    /// Counts a change of what a person owes: loans and whether to several lenders.
    #[inline]
    pub fn change_of_debt(&mut self, before: (u32, bool), after: (u32, bool)) {
        self.borrowers_change += i64::from(after.0 > 0) - i64::from(before.0 > 0);
        self.multiple_change += i64::from(after.1) - i64::from(before.1);
    }

    /// Queries of a bank, by seller: platforms, then agencies.
    pub fn queries(&self, bank: usize) -> &[u32] {
        &self.queries.all()[bank * self.sellers..(bank + 1) * self.sellers]
    }

    /// Loans that a bank granted, by slot.
    pub fn granted(&self, bank: usize) -> &[u32] {
        &self.granted.all()[bank * self.slots..(bank + 1) * self.slots]
    }

    /// Records that a seller sold to a class of banks which queried it so many times: a platform one a query, an agency
    /// those that it used.
    pub fn records(&self, class: usize, seller: usize, queries: u64) -> u64 {
        assert!(class < self.classes, "there is no class {class}");
        match seller.checked_sub(self.platforms) {
            None => queries,
            Some(agency) => self.records[class * (self.sellers - self.platforms) + agency],
        }
    }

    /// Records that an agency used, by platform.
    pub fn records_of(&self, agency: usize) -> &[u64] {
        &self.records_of[agency * self.platforms..(agency + 1) * self.platforms]
    }
}

/// Data that one seller sold to one class of banks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trade {
    /// Seller: a platform's index, or the number of platforms + an agency's index.
    pub seller: usize,
    /// Class of banks.
    pub class: usize,
    /// Queries, in persons of the population.
    pub queries: f64,
    /// Records used, in persons of the population.
    pub records: f64,
    /// Fee, CNY per query.
    pub fee_cny: f64,
    /// Amount paid.
    pub amount: Money,
}

/// What happened in a month beside what is counted of users.
#[derive(Clone, Debug, Default)]
pub struct MonthRecord {
    /// Users with a loan at the opening.
    pub opening_borrowers: i64,
    /// Loans at the opening, by bank.
    pub opening_loans: Vec<u64>,
    /// Balance of all loans at the opening, less what defaulted: what earned interest.
    pub performing: Money,
    /// The same, by the borrower's quintile.
    pub performing_by_quintile: ByQuintile<Money>,
    /// Balances written off, by bank.
    pub written_off: Vec<Money>,
    /// Cash and loans at the opening, by bank, agency and platform: what profits are checked against.
    pub opening_wealth: Vec<Money>,
    /// Loans granted through platforms.
    pub partnership_lent: Money,
    /// Trades of data.
    pub trades: Vec<Trade>,
    /// Audits of platforms.
    pub platform_audits: u32,
    /// Audits of banks.
    pub bank_audits: u32,
    /// Audits that found a violation.
    pub findings: u32,
    /// Records that platforms delivered in addition this month, by agency, in persons of the population.
    pub newly_delivered: Vec<f64>,
    /// Sum over stores of records of hazard x records.
    pub exposed: f64,
    /// Records in stores that were breached.
    pub breached: f64,
    /// Records sold directly or newly delivered on persons who would not consent.
    pub unconsented: f64,
}

impl MonthRecord {
    /// The record of a month in which nothing has happened.
    pub fn new(banks: usize, agencies: usize) -> MonthRecord {
        MonthRecord {
            written_off: vec![Money::ZERO; banks],
            newly_delivered: vec![0.0; agencies],
            ..MonthRecord::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applicants_are_counted_in_all_their_groups() {
        let mut tally = Tally::new(1, 1, 1, 1);
        let groups = Groups::of(true, true, 1);
        tally.ask(groups);
        tally.ask(Groups::of(false, false, 5));
        tally.grant(0, 0, groups);
        assert_eq!((tally.asked(Group::All), tally.got(Group::All)), (2, 1));
        tally.settle(&[]);
        assert_eq!((tally.granted(0), tally.granted_to()), (&[1, 0][..], [1, 0, 0, 0, 0]));
        assert_eq!(
            (tally.asked(Group::CreditworthyThinFile), tally.asked(Group::CreditworthyThickFile)),
            (1, 0)
        );
        assert_eq!((tally.asked(Group::Uncreditworthy), tally.got(Group::Uncreditworthy)), (1, 0));
        assert_eq!((tally.asked(Group::BottomQuintile), tally.asked(Group::TopQuintile)), (1, 1));
    }

    #[test]
    fn groups_are_by_quality_file_and_income() {
        use Group::{All, ThinFile, TopQuintile, Uncreditworthy};
        use Group::{BottomQuintile, Creditworthy, CreditworthyThickFile, CreditworthyThinFile};
        const ALL_GROUPS: [Group; 8] = [
            All,
            Creditworthy,
            Uncreditworthy,
            ThinFile,
            CreditworthyThinFile,
            CreditworthyThickFile,
            BottomQuintile,
            TopQuintile,
        ];
        for (creditworthy, thin_file, quintile, expected) in [
            (true, true, 1, vec![All, Creditworthy, ThinFile, CreditworthyThinFile, BottomQuintile]),
            (true, false, 3, vec![All, Creditworthy, CreditworthyThickFile]),
            (false, true, 5, vec![All, Uncreditworthy, ThinFile, TopQuintile]),
            (false, false, 2, vec![All, Uncreditworthy]),
        ] {
            let groups = Groups::of(creditworthy, thin_file, quintile);
            for group in ALL_GROUPS {
                assert_eq!(groups.contain(group), expected.contains(&group), "{group:?} of {groups:?}");
            }
        }
    }

    /// Whoever counts what: parts of it add up to the whole, and each thing is counted in its own place.
    #[test]
    fn parts_add_up_to_the_whole() {
        let (groups, others) = (Groups::of(true, true, 5), Groups::of(false, true, 5));
        let loan = |lender, quintile| DefaultedLoan { lender, slot: 2, cohort: 3, quintile };
        let one = |tally: &mut Tally| {
            tally.ask(groups);
            tally.decide(1, groups, true);
            tally.decide(1, groups, false);
            tally.decide(1, others, true);
            tally.query_platform(1, 2);
            tally.defaulters += 2;
            tally.change_of_debt((0, false), (2, true));
            tally.default(loan(1, 4));
            tally.default(loan(0, 5));
        };
        let other = |tally: &mut Tally| {
            tally.ask(groups);
            tally.decide(1, groups, true);
            tally.decide(0, others, false);
            tally.query_agency(1, 1);
            tally.use_record(1, 1, 2);
            tally.agency_decisions += 3;
            tally.grant(1, 2, groups);
            tally.query_platform(0, 0);
            tally.defaulters += 1;
            tally.default(loan(0, 1));
            tally.change_of_debt((3, true), (1, false));
            tally.change_of_debt((1, false), (0, false));
            tally.change_of_debt((0, false), (1, true));
            tally.change_of_debt((0, false), (2, true));
        };
        let new = || Tally::new(2, 2, 3, 2);
        let (mut part, mut more, mut whole) = (new(), new(), new());
        one(&mut part);
        other(&mut more);
        part.settle(&[more]);
        one(&mut whole);
        other(&mut whole);
        whole.settle(&[]);
        assert_eq!(format!("{part:?}"), format!("{whole:?}"));

        let expected = Decisions { made: 4, approvals: 3, creditworthy: 3, creditworthy_approvals: 2 };
        assert_eq!(
            [0, 1].map(|bank| whole.decisions(bank)),
            [Decisions { made: 1, ..Decisions::default() }, expected]
        );
        assert_eq!((whole.queries(0), whole.queries(1)), (&[1, 0, 0, 0, 0][..], &[0, 0, 1, 0, 1][..]));
        let records = |class: usize| [0, 3, 4].map(|seller| whole.records(class, seller, 7));
        assert_eq!((records(0), records(1)), ([7, 0, 0], [7, 0, 1]), "one a query, or what agencies used");
        assert_eq!((whole.records_of(0), whole.records_of(1)), (&[0; 3][..], &[0, 0, 1][..]));
        assert_eq!((whole.granted(1)[2], whole.granted_to()), (1, [0, 0, 0, 0, 1]));
        assert_eq!((whole.direct_decisions(), whole.agency_decisions, whole.defaulters), (2, 3, 3));
        assert_eq!(
            [0..1, 1..2, 0..2, 1..1].map(|banks| whole.defaulted_of(banks)),
            [&[loan(0, 5), loan(0, 1)][..], &[loan(1, 4)], &[loan(0, 5), loan(0, 1), loan(1, 4)], &[]]
        );
        assert_eq!(whole.defaulted().len(), 3);
        assert_eq!((whole.borrowers_change, whole.multiple_change), (2, 2));
        assert_eq!((whole.asked(Group::TopQuintile), whole.got(Group::TopQuintile)), (2, 1));
        whole.clear();
        whole.settle(&[]);
        assert_eq!(format!("{whole:?}"), format!("{:?}", new()));
    }

    #[test]
    fn tallies_add_and_clear() {
        let mut one = Tally::new(2, 1, 3, 1);
        one.query_agency(1, 0);
        one.use_record(0, 0, 2);
        one.query_platform(1, 2);
        one.decide(1, Groups::of(true, false, 1), false);
        one.change_of_debt((1, false), (0, false));
        let mut sum = one.clone();
        sum.settle(&[one]);
        assert_eq!(sum.queries(1), [0, 0, 2, 2]);
        assert_eq!(sum.queries(0), [0; 4]);
        assert_eq!((sum.records(0, 2, 9), sum.records(0, 3, 9)), (9, 2));
        assert_eq!(sum.records_of(0), [0, 0, 2]);
        assert_eq!(
            (sum.all_decisions(), sum.decisions(1).creditworthy_approvals, sum.borrowers_change),
            (2, 0, -2)
        );
        sum.clear();
        sum.settle(&[]);
        assert_eq!((sum.all_decisions(), sum.borrowers_change, sum.queries(1)), (0, 0, &[0; 4][..]));
    }
}
