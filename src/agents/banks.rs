//! Banks: classes of them, their data source, what they owe and are owed.

use crate::random::{Key, Purpose};
use crate::scenario::parameters::{BankClassRow, Entry};
use crate::units::Money;
use rayon::prelude::*;
use std::collections::VecDeque;

/// The most banks that a roster may have: a loan keeps its lender in 16 bits.
pub const MOST_BANKS: usize = 60_000;

/// Where a bank buys data on applicants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nowhere.
    None,
    /// From platforms, directly.
    Direct,
    /// From the agency with this index.
    Agency(usize),
    /// From all agencies.
    AllAgencies,
}

impl Source {
    /// Its number among all sources.
    pub fn number(self) -> usize {
        match self {
            Source::None => 0,
            Source::Direct => 1,
            Source::AllAgencies => 2,
            Source::Agency(a) => 3 + a,
        }
    }

    /// The source with this number.
    pub fn of_number(number: usize) -> Source {
        match number {
            0 => Source::None,
            1 => Source::Direct,
            2 => Source::AllAgencies,
            _ => Source::Agency(number - 3),
        }
    }

    /// How many sources there are beside so many agencies.
    pub fn count(agencies: usize) -> usize {
        3 + agencies
    }

    /// Whether a bank with this source queries the agency `agency`.
    pub fn queries(self, agency: usize) -> bool {
        self == Source::Agency(agency) || self == Source::AllAgencies
    }
}

/// Picks a bank from a uniform number: a class by its share, then any bank of it.
#[derive(Clone, Debug)]
pub struct BankPicker {
    /// Where the parts of (0, 1) end in which classes are picked, some at a time; where there are no more, nowhere.
    ends: Vec<[f64; ENDS_AT_ONCE]>,
    classes: Vec<ClassPart>,
}

/// How many ends a number is held against at once.
const ENDS_AT_ONCE: usize = 8;

/// The part of (0, 1) in which a class of banks is picked.
#[derive(Clone, Copy, Debug)]
struct ClassPart {
    /// The end less the share.
    start: f64,
    share: f64,
    first: usize,
    count: usize,
}

impl BankPicker {
    /// A picker of classes with these shares (which sum to 1) and numbers of banks.
    pub fn new(shares: &[f64], counts: &[usize]) -> BankPicker {
        let (mut end, mut first) = (0.0, 0);
        let (mut ends, mut classes) = (Vec::new(), Vec::new());
        for (share, count) in shares.iter().zip(counts) {
            end += share;
            if *share > 0.0 {
                ends.push(end);
                classes.push(ClassPart { start: end - share, share: *share, first, count: *count });
            }
            first += count;
        }
        let at_once = |ends: &[f64]| std::array::from_fn(|i| ends.get(i).copied().unwrap_or(f64::INFINITY));
        BankPicker { ends: ends.chunks(ENDS_AT_ONCE).map(at_once).collect(), classes }
    }

    /// Whether it can only be the first bank of all.
    pub fn are_all_first(&self) -> bool {
        matches!(self.classes.as_slice(), [ClassPart { first: 0, count: 1, .. }])
    }

    /// The bank at `u` in (0, 1).
    #[inline]
    pub fn pick(&self, u: f64) -> usize {
        // Counting the parts below is quicker than looking for the first that is not: nobody can foresee it.
        let below = |ends: &[f64; ENDS_AT_ONCE]| ends.iter().map(|end| u64::from(u >= *end)).sum::<u64>();
        let below = self.ends.iter().map(below).sum::<u64>() as usize;
        let class = &self.classes[below.min(self.classes.len() - 1)];
        let within = ((u - class.start) / class.share * class.count as f64).max(0.0) as usize;
        class.first + within.min(class.count - 1)
    }
}

/// Loans of every bank by the slot through which they came (home, or a platform), in money. All
/// loans amortise linearly, so a month's repayment is known without looking at any loan: the sum
/// of instalments.
#[derive(Clone, Debug)]
pub struct LoanBooks {
    slots: usize,
    /// Balance outstanding, by bank and slot.
    balance: Vec<Money>,
    /// Sum of the monthly instalments of active loans, by bank and slot.
    instalment: Vec<Money>,
    /// Balance of all of a bank's loans.
    outstanding: Vec<Money>,
    /// Active loans of the sample, by bank.
    pub loans: Vec<u64>,
}

impl LoanBooks {
    /// Empty books.
    pub fn new(banks: usize, slots: usize) -> LoanBooks {
        LoanBooks {
            slots,
            balance: vec![Money::ZERO; banks * slots],
            instalment: vec![Money::ZERO; banks * slots],
            outstanding: vec![Money::ZERO; banks],
            loans: vec![0; banks],
        }
    }

    /// Slots a bank: home and one a platform.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// A bank's books.
    pub fn of(&mut self, bank: usize) -> BankBooks<'_> {
        let slots = bank * self.slots..(bank + 1) * self.slots;
        BankBooks {
            balance: &mut self.balance[slots.clone()],
            instalment: &mut self.instalment[slots],
            outstanding: &mut self.outstanding[bank],
            loans: &mut self.loans[bank],
        }
    }

    /// All banks' books, one after another.
    pub fn of_all(&mut self) -> impl IndexedParallelIterator<Item = BankBooks<'_>> {
        let LoanBooks { slots, balance, instalment, outstanding, loans } = self;
        let by_slot = balance.par_chunks_mut(*slots).zip(instalment.par_chunks_mut(*slots));
        by_slot.zip(outstanding).zip(loans).map(|(((balance, instalment), outstanding), loans)| BankBooks {
            balance,
            instalment,
            outstanding,
            loans,
        })
    }

    /// Balance of a bank's loans that came through `slot`.
    pub fn balance(&self, bank: usize, slot: usize) -> Money {
        self.balance[bank * self.slots + slot]
    }

    /// Balance of all of a bank's loans.
    pub fn outstanding(&self, bank: usize) -> Money {
        self.outstanding[bank]
    }

    /// Balance of all banks' loans: all, and those that came through platforms.
    pub fn totals(&self) -> (Money, Money) {
        let all: Money = self.balance.iter().copied().sum();
        let home: Money = self.balance.iter().step_by(self.slots).copied().sum();
        (all, all - home)
    }
}

/// Loans of one bank.
pub struct BankBooks<'a> {
    /// By slot.
    balance: &'a mut [Money],
    instalment: &'a mut [Money],
    /// In all.
    outstanding: &'a mut Money,
    loans: &'a mut u64,
}

impl BankBooks<'_> {
    /// Books `count` new loans of `instalment` a month for `term` months.
    pub fn grant(&mut self, slot: usize, count: u32, instalment: Money, term: u32) -> Money {
        let lent = instalment * i128::from(count) * i128::from(term);
        self.balance[slot] += lent;
        *self.outstanding += lent;
        self.instalment[slot] += instalment * i128::from(count);
        *self.loans += u64::from(count);
        lent
    }

    /// Takes a defaulted loan with `remaining` unpaid instalments off the books; returns its balance.
    pub fn default(&mut self, slot: usize, instalment: Money, remaining: u32) -> Money {
        let balance = instalment * i128::from(remaining);
        self.balance[slot] -= balance;
        *self.outstanding -= balance;
        self.instalment[slot] -= instalment;
        *self.loans -= 1;
        balance
    }

    /// Takes the instalments of the month, and closes the loans that have just been repaid in full: so many through
    /// each slot, of `closing` a month. Tells `each` slot through which anything is owed, its opening balance and the
    /// instalments.
    #[inline]
    pub fn amortise(&mut self, repaid: &[u32], closing: Money, mut each: impl FnMut(usize, Money, Money)) {
        let slots = self.balance.iter_mut().zip(&mut *self.instalment).zip(repaid);
        for (slot, ((balance, instalment), repaid)) in slots.enumerate() {
            if *balance == Money::ZERO && *instalment == Money::ZERO {
                continue;
            }
            each(slot, *balance, *instalment);
            *balance -= *instalment;
            *self.outstanding -= *instalment;
            *instalment -= closing * i128::from(*repaid);
            *self.loans -= u64::from(*repaid);
        }
    }
}

/// Copies of records that banks have bought from platforms. What agencies sell is an assessment; the
/// records stay with them.
#[derive(Clone, Debug, Default)]
pub struct Copies {
    /// Records bought, by month and bank, the latest month last.
    bought: VecDeque<Vec<u64>>,
    /// Records held, by bank: the sum of `bought`.
    held: Vec<u64>,
}

impl Copies {
    /// No copies, at `banks` banks.
    pub fn new(banks: usize) -> Copies {
        Copies { bought: VecDeque::new(), held: vec![0; banks] }
    }

    /// Adds a month's purchases; what was bought `retention_months` ago or earlier lapses.
    pub fn add_month(&mut self, bought: Vec<u64>, retention_months: u32) {
        self.held.iter_mut().zip(&bought).for_each(|(held, more)| *held += more);
        self.bought.push_back(bought);
        while self.bought.len() > retention_months as usize {
            let lapsed = self.bought.pop_front().expect("there is a month");
            self.held.iter_mut().zip(&lapsed).for_each(|(held, less)| *held -= less);
        }
    }

    /// Records that a bank holds, in users of the sample.
    pub fn held(&self, bank: usize) -> u64 {
        self.held[bank]
    }
}

/// Queries, decisions or fees of the last twelve months, or as many as there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TwelveMonths {
    values: [f64; 12],
    months: usize,
}

impl TwelveMonths {
    /// Adds a month; the one before the last twelve is forgotten.
    pub fn push(&mut self, value: f64) {
        self.values[self.months % 12] = value;
        self.months += 1;
    }

    /// The sum; 0 before the first month.
    pub fn sum(&self) -> f64 {
        self.values[..self.months.min(12)].iter().sum()
    }

    /// The mean; `None` before the first month.
    pub fn mean(&self) -> Option<f64> {
        let kept = self.months.min(12);
        (kept > 0).then(|| self.sum() / kept as f64)
    }
}

/// All banks.
#[derive(Clone, Debug)]
pub struct Banks {
    /// Class, by bank.
    pub class: Vec<u16>,
    /// First bank, by class, and behind them the number of banks.
    pub first: Vec<usize>,
    /// Data source, by bank.
    pub source: Vec<Source>,
    /// Belief about being sanctioned, probability per month, by bank.
    pub belief: Vec<f64>,
    /// Findings so far, by bank.
    pub findings: Vec<u32>,
    /// Decisions of the last twelve months, by bank, persons of the sample.
    pub decisions: Vec<TwelveMonths>,
    /// Loan books.
    pub books: LoanBooks,
    /// Tastes, by bank and source. They never change.
    tastes: Vec<f64>,
}

impl Banks {
    /// The banks of a roster, with empty books.
    pub fn new(classes: &[Entry<BankClassRow>], platforms: usize, first_belief: f64) -> Banks {
        let mut first = vec![0];
        let mut class = Vec::new();
        for (c, entry) in classes.iter().enumerate() {
            class.resize(class.len() + entry.row.count as usize, c as u16);
            first.push(class.len());
        }
        let count = class.len();
        assert!(count <= MOST_BANKS, "rosters are checked to have {MOST_BANKS} banks at most");
        Banks {
            class,
            first,
            source: vec![Source::None; count],
            belief: vec![first_belief; count],
            findings: vec![0; count],
            decisions: vec![TwelveMonths::default(); count],
            books: LoanBooks::new(count, platforms + 1),
            tastes: Vec::new(),
        }
    }

    /// Number of banks.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether there are no banks.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// The banks of a class.
    pub fn of_class(&self, class: usize) -> std::ops::Range<usize> {
        self.first[class]..self.first[class + 1]
    }

    /// Number of banks in each class.
    pub fn counts(&self) -> Vec<usize> {
        self.first.windows(2).map(|ends| ends[1] - ends[0]).collect()
    }

    /// Banks whose source is direct sale.
    pub fn buying_directly(&self) -> usize {
        self.source.iter().filter(|source| **source == Source::Direct).count()
    }

    /// The tastes of all banks for each of `sources` sources, by number, standard Gumbel.
    pub fn draw_tastes(&mut self, key: Key, sources: usize) {
        if self.tastes.is_empty() {
            let tastes = |bank: usize| (0..sources).map(move |source| (bank as u32, source as u32));
            let of = (0..self.len()).flat_map(tastes);
            self.tastes = of.map(|(bank, source)| key.gumbel(Purpose::BankTaste, bank, source)).collect();
        }
    }

    /// The taste of a bank for a source, once they are drawn.
    pub fn taste(&self, bank: usize, source: Source) -> f64 {
        self.tastes[bank * (self.tastes.len() / self.len()) + source.number()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_is_picked_by_class_and_then_evenly() {
        let picker = BankPicker::new(&[0.5, 0.0, 0.5], &[2, 3, 4]);
        assert_eq!([0.0, 0.24, 0.26, 0.49].map(|u| picker.pick(u)), [0, 0, 1, 1]);
        assert_eq!([0.51, 0.63, 0.9999999].map(|u| picker.pick(u)), [5, 6, 8]);
        let rounded = BankPicker::new(&[0.3, 0.3, 0.4 - 1e-7], &[1, 1, 2]);
        assert_eq!(rounded.pick(1.0 - 1e-9), 3);
    }

    #[test]
    fn banks_know_their_class_whatever_the_number_of_classes() {
        let classes: Vec<Entry<BankClassRow>> =
            (0..300).map(|c| Entry { id: format!("c{c}"), row: BankClassRow::default() }).collect();
        let banks = Banks::new(&classes, 0, 0.0);
        assert!((0..300).all(|c| usize::from(banks.class[banks.of_class(c).start]) == c));
    }

    /// A month of a bank's loans of CNY 1 a month each: slots, their opening balances and the instalments.
    fn amortise(books: &mut LoanBooks, bank: usize, repaid: &[u32]) -> Vec<(usize, Money, Money)> {
        let mut told = Vec::new();
        books.of(bank).amortise(repaid, Money(100), |slot, opening, due| told.push((slot, opening, due)));
        told
    }

    #[test]
    fn books_amortise_linearly() {
        let mut books = LoanBooks::new(2, 2);
        assert_eq!(books.of(1).grant(1, 3, Money(100), 12), Money(3600));
        for month in 1..=12 {
            let opening = Money(3600 - 300 * (month - 1));
            let repaid = [0, if month < 12 { 0 } else { 3 }];
            assert_eq!(amortise(&mut books, 1, &repaid), [(1, opening, Money(300))]);
        }
        assert_eq!(books.totals(), (Money::ZERO, Money::ZERO));
        assert_eq!(amortise(&mut books, 1, &[0, 0]), []);
        assert_eq!(books.loans, [0, 0]);
    }

    #[test]
    fn a_default_leaves_the_books_with_its_balance() {
        let mut books = LoanBooks::new(1, 2);
        books.of(0).grant(0, 2, Money(100), 12);
        amortise(&mut books, 0, &[0, 0]);
        assert_eq!(books.of(0).default(0, Money(100), 11), Money(1100));
        assert_eq!(amortise(&mut books, 0, &[0, 0]), [(0, Money(1100), Money(100))]);
        assert_eq!(books.outstanding(0), Money(1000));
        assert_eq!(books.totals(), (Money(1000), Money::ZERO));
    }

    #[test]
    fn copies_lapse() {
        let mut copies = Copies::new(2);
        for month in 1..=5 {
            copies.add_month(vec![month, 0], 3);
        }
        assert_eq!((copies.held(0), copies.held(1)), (3 + 4 + 5, 0));
        copies.add_month(vec![0, 7], 1);
        assert_eq!((copies.held(0), copies.held(1)), (0, 7), "retention was cut to this month");
        copies.add_month(vec![9, 9], 0);
        assert_eq!((copies.held(0), copies.held(1)), (0, 0), "nothing is kept");
    }

    #[test]
    fn twelve_months_are_remembered() {
        let mut queries = TwelveMonths::default();
        assert_eq!(queries.mean(), None);
        queries.push(6.0);
        queries.push(2.0);
        assert_eq!((queries.mean(), queries.sum()), (Some(4.0), 8.0));
        (0..12).for_each(|_| queries.push(1.0));
        assert_eq!(queries.mean(), Some(1.0));
    }
}
