//! Banks: classes of them, their data source, what they owe and are owed.

use crate::random::{Key, Purpose, WORDS, uniform, words_below};
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

/// Picks a bank by a word, which stands for a uniform number: a class by its share, then any bank of it.
#[derive(Clone, Debug)]
pub struct BankPicker {
    /// By the first bits of a word, the class of the first word that begins with them, among the classes that are picked.
    first_classes: Vec<u16>,
    near: Vec<NearPart>,
    classes: Vec<ClassPart>,
}

/// So many first bits of a word: mostly they tell of its class already.
const FIRST_BITS: u32 = 8;

/// The part of (0, 1) in which a class of banks is picked.
#[derive(Clone, Copy, Debug)]
struct ClassPart {
    /// The end less the share.
    start: f64,
    share: f64,
    first: usize,
    count: usize,
}

/// The same in whole numbers, which is quicker and off by `error` at most.
#[derive(Clone, Copy, Debug)]
struct NearPart {
    first_word: u32,
    last_word: u32,
    /// Banks a word, and those at the first one, in parts of a bank.
    per_word: u64,
    at_first: u64,
    error: u64,
    first: u32,
    last: u32,
}

/// A bank, in the parts that near values tell apart.
const WHOLE_BANK: u64 = 1 << 46;

impl BankPicker {
    /// A picker of classes with these shares, which sum to 1, and numbers of banks. Where the sum is a little less, the rest is
    /// the last one's.
    pub fn new(shares: &[f64], counts: &[usize]) -> BankPicker {
        let (mut end, mut first, mut first_word) = (0.0, 0, 0);
        let (mut near, mut classes) = (Vec::new(), Vec::new());
        let last = shares.iter().rposition(|share| *share > 0.0);
        for (place, (share, count)) in shares.iter().zip(counts).enumerate() {
            end += share;
            let words_to_end = if Some(place) == last { WORDS as u64 } else { words_below(end) };
            if *share > 0.0 && words_to_end > first_word {
                let class = ClassPart { start: end - share, share: *share, first, count: *count };
                near.push(NearPart::of(&class, first_word as u32, (words_to_end - 1) as u32));
                classes.push(class);
                first_word = words_to_end;
            }
            first += count;
        }
        let first_class =
            |bits: u32| near.partition_point(|class| class.last_word < bits << (32 - FIRST_BITS)) as u16;
        BankPicker { first_classes: (0..1 << FIRST_BITS).map(first_class).collect(), near, classes }
    }

    /// Whether it can only be the first bank of all.
    pub fn are_all_first(&self) -> bool {
        matches!(self.classes.as_slice(), [ClassPart { first: 0, count: 1, .. }])
    }

    /// The class of a word, among those that are picked.
    #[inline]
    fn class(&self, word: u32) -> usize {
        let mut class = usize::from(self.first_classes[(word >> (32 - FIRST_BITS)) as usize]);
        while word > self.near[class].last_word {
            class += 1;
        }
        class
    }

    /// The bank that a word stands for.
    #[inline]
    pub fn pick(&self, word: u32) -> usize {
        let class = self.class(word);
        self.near[class].bank(word).unwrap_or_else(|| self.classes[class].exactly(word))
    }
}

impl ClassPart {
    /// The bank of the class that a word stands for.
    #[cold]
    fn exactly(&self, word: u32) -> usize {
        let within = ((uniform(word) - self.start) / self.share * self.count as f64).max(0.0) as usize;
        self.first + within.min(self.count - 1)
    }
}

impl NearPart {
    /// Near values of a class whose first and last word these are.
    fn of(class: &ClassPart, first_word: u32, last_word: u32) -> NearPart {
        /// In banks: what is cut off `per_word`, less than one part of a bank, times as many words as there are.
        const CUT_OFF: f64 = WORDS / WHOLE_BANK as f64;
        let per_share = class.count as f64 / class.share;
        let whole = WHOLE_BANK as f64;
        let per_word = per_share * (whole / WORDS);
        let at_first = ((uniform(first_word) - class.start) * per_share * whole).max(0.0);
        // And twice what exact values are off, in their starts and in all steps.
        let error = CUT_OFF + 4.0 * f64::EPSILON * (per_share + class.count as f64);
        let most = f64::from(last_word - first_word) * per_word + at_first;
        // Classes of next to no share have exact values only.
        let is_near = error < 0.25 && most < (u64::MAX / 2) as f64;
        NearPart {
            first_word,
            last_word,
            per_word: if is_near { per_word as u64 } else { 0 },
            at_first: if is_near { at_first as u64 } else { 0 },
            error: if is_near { (error * whole) as u64 + 1 } else { WHOLE_BANK },
            first: class.first as u32,
            last: (class.first + class.count - 1) as u32,
        }
    }

    /// The bank of the class that a word stands for, unless it is too near to another to say.
    #[inline]
    fn bank(&self, word: u32) -> Option<usize> {
        let within = u64::from(word - self.first_word) * self.per_word + self.at_first;
        let part = within % WHOLE_BANK;
        let is_clear = part > self.error && part + self.error < WHOLE_BANK;
        is_clear.then(|| (self.first + (within / WHOLE_BANK) as u32).min(self.last) as usize)
    }
}

/// Loans of every bank by the slot through which they came (home, or a platform), in money. All
/// loans amortise linearly, so a month's repayment is known without looking at any loan: the sum
/// of instalments. So are the loans that have been repaid in full: all that were granted a term ago and have not defaulted.
#[derive(Clone, Debug)]
pub struct LoanBooks {
    slots: usize,
    /// Active loans of the sample that were granted in a month, by bank and slot: months of a term, one after another.
    granted: Vec<Vec<u32>>,
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
    /// Empty books of loans that are repaid in `term` months.
    pub fn new(banks: usize, slots: usize, term: u32) -> LoanBooks {
        LoanBooks {
            slots,
            // Not copies of one, which would take memory at once: a month takes some when something is granted in it.
            granted: (0..term).map(|_| vec![0; banks * slots]).collect(),
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

    /// Months for which a loan runs.
    fn term(&self) -> u32 {
        self.granted.len() as u32
    }

    /// A bank's books in a month. Its loans amortise before any are granted.
    pub fn of(&mut self, bank: usize, month: u32) -> BankBooks<'_> {
        let (slots, term) = (bank * self.slots..(bank + 1) * self.slots, self.term());
        BankBooks {
            term,
            granted: &mut self.granted[(month % term) as usize][slots.clone()],
            balance: &mut self.balance[slots.clone()],
            instalment: &mut self.instalment[slots],
            outstanding: &mut self.outstanding[bank],
            loans: &mut self.loans[bank],
        }
    }

    /// All banks' books in a month, one after another.
    pub fn of_all(&mut self, month: u32) -> impl IndexedParallelIterator<Item = BankBooks<'_>> {
        let term = self.term();
        let LoanBooks { slots, granted, balance, instalment, outstanding, loans } = self;
        let granted = &mut granted[(month % term) as usize];
        let by_slot = (granted.par_chunks_mut(*slots).zip(balance.par_chunks_mut(*slots)))
            .zip(instalment.par_chunks_mut(*slots));
        by_slot.zip(outstanding).zip(loans).map(
            move |((((granted, balance), instalment), outstanding), loans)| BankBooks {
                term,
                granted,
                balance,
                instalment,
                outstanding,
                loans,
            },
        )
    }

    /// Takes a defaulted loan, granted in the month `granted`, off a bank's books in `month`; returns its balance. A loan of age
    /// k has paid k - 1 instalments.
    pub fn default(
        &mut self,
        bank: usize,
        slot: usize,
        instalment: Money,
        granted: u32,
        month: u32,
    ) -> Money {
        let place = bank * self.slots + slot;
        let balance = instalment * i128::from(self.term() + 1 - (month - granted));
        self.balance[place] -= balance;
        self.outstanding[bank] -= balance;
        self.instalment[place] -= instalment;
        self.loans[bank] -= 1;
        let cohort = (granted % self.term()) as usize;
        self.granted[cohort][place] -= 1;
        balance
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

/// Loans of one bank in a month.
pub struct BankBooks<'a> {
    term: u32,
    /// Active ones that were granted in this month or, until they are repaid, a term ago, by slot.
    granted: &'a mut [u32],
    /// By slot.
    balance: &'a mut [Money],
    instalment: &'a mut [Money],
    /// In all.
    outstanding: &'a mut Money,
    loans: &'a mut u64,
}

impl BankBooks<'_> {
    /// Books `count` new loans of `instalment` a month.
    pub fn grant(&mut self, slot: usize, count: u32, instalment: Money) -> Money {
        let lent = instalment * i128::from(count) * i128::from(self.term);
        self.balance[slot] += lent;
        *self.outstanding += lent;
        self.instalment[slot] += instalment * i128::from(count);
        self.granted[slot] += count;
        *self.loans += u64::from(count);
        lent
    }

    /// Takes the instalments of the month, and closes the loans that have just been repaid in full, those granted a term ago,
    /// of `closing` a month. Tells `each` slot through which anything is owed, its opening balance and the instalments.
    #[inline]
    pub fn amortise(&mut self, closing: Money, mut each: impl FnMut(usize, Money, Money)) {
        let slots = self.balance.iter_mut().zip(&mut *self.instalment).zip(&mut *self.granted);
        for (slot, ((balance, instalment), granted)) in slots.enumerate() {
            if *balance == Money::ZERO && *instalment == Money::ZERO {
                continue;
            }
            each(slot, *balance, *instalment);
            *balance -= *instalment;
            *self.outstanding -= *instalment;
            let repaid = std::mem::take(granted);
            *instalment -= closing * i128::from(repaid);
            *self.loans -= u64::from(repaid);
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
    /// The banks of a roster, with empty books of loans that are repaid in `term` months.
    pub fn new(classes: &[Entry<BankClassRow>], platforms: usize, term: u32, first_belief: f64) -> Banks {
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
            books: LoanBooks::new(count, platforms + 1, term),
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

    /// The word whose part of (0, 1) a number is in.
    fn word(u: f64) -> u32 {
        (u * WORDS) as u32
    }

    #[test]
    fn a_bank_is_picked_by_class_and_then_evenly() {
        let picker = BankPicker::new(&[0.5, 0.0, 0.5], &[2, 3, 4]);
        assert_eq!([0.0, 0.24, 0.26, 0.49].map(|u| picker.pick(word(u))), [0, 0, 1, 1]);
        assert_eq!([0.51, 0.63, 0.9999999].map(|u| picker.pick(word(u))), [5, 6, 8]);
        let rounded = BankPicker::new(&[0.3, 0.3, 0.4 - 1e-7], &[1, 1, 2]);
        assert_eq!(rounded.pick(word(1.0 - 1e-9)), 3);
    }

    /// The class is the first whose end is above the number that a word stands for, and so many banks of it come before
    /// as there are whole ones in the number's part of it: whatever near values say.
    #[test]
    fn the_bank_picked_is_the_one_that_exact_values_give() {
        let shares: [(&[f64], &[usize]); 12] = [
            (&[0.377, 0.155, 0.12, 0.04, 0.15, 0.108, 0.05], &[6, 12, 125, 18, 1500, 1600, 139]),
            (&[1.0], &[1]),
            (&[1.0], &[60_000]),
            (&[1e-11, 0.5, 1e-9, 0.2, 3e-5, 0.3 - 3e-5], &[5, 1, 40_000, 3, 20_000, 7]),
            (&[0.0, 1e-12, 1.0 - 2e-12, 1e-12], &[4, 4, 50, 4]),
            (&[0.3, 0.3, 0.4 - 1e-7], &[100, 100, 59_000]),
            (&[1.0 / 17.0; 17], &[3; 17]),
            (&[0.9, 0.1], &[11, 1]),
            (&[0.7, 0.3], &[3000, 10]),
            // A sum of a little less than 1, the rest of which is the last one's.
            (&[0.999_999_5, 1e-12], &[3, 5]),
            (&[0.999_999_5, 1e-9], &[1, 59_000]),
            (&[0.0, 0.4], &[2, 3]),
        ];
        let key = Key::new(8, 1);
        for (shares, counts) in shares {
            let picker = BankPicker::new(shares, counts);
            let ends: Vec<f64> = (0..shares.len()).map(|c| shares[..=c].iter().sum()).collect();
            let first: Vec<usize> = (0..shares.len()).map(|c| counts[..c].iter().sum()).collect();
            let some = (0..40_000).map(|i| key.draw(Purpose::Traits, i, 0, 0)[0]);
            // About the ends of classes and of banks.
            let edges = (0..shares.len()).flat_map(|c| {
                let (start, share, count) = (ends[c] - shares[c], shares[c], counts[c]);
                (0..=count).step_by(1 + count / 500).flat_map(move |bank| {
                    let edge = word(start + share * bank as f64 / count as f64);
                    (0..5).map(move |i| edge.saturating_sub(2).saturating_add(i))
                })
            });
            let mut near = 0;
            for word in some.chain(edges).chain([0, 1, u32::MAX - 1, u32::MAX]) {
                let u = uniform(word);
                let class = (0..shares.len()).find(|c| shares[*c] > 0.0 && u < ends[*c]);
                let class = class.unwrap_or_else(|| shares.iter().rposition(|share| *share > 0.0).unwrap());
                let within = (u - (ends[class] - shares[class])) / shares[class] * counts[class] as f64;
                let bank = first[class] + (within.max(0.0) as usize).min(counts[class] - 1);
                assert_eq!(picker.pick(word), bank, "{word} {shares:?}");
                near += u32::from(picker.near[picker.class(word)].bank(word).is_some());
            }
            assert!(near > 39_000, "near values hardly ever tell of {shares:?}");
        }
    }

    #[test]
    fn banks_know_their_class_whatever_the_number_of_classes() {
        let classes: Vec<Entry<BankClassRow>> =
            (0..300).map(|c| Entry { id: format!("c{c}"), row: BankClassRow::default() }).collect();
        let banks = Banks::new(&classes, 0, 12, 0.0);
        assert!((0..300).all(|c| usize::from(banks.class[banks.of_class(c).start]) == c));
    }

    /// A month of a bank's loans of CNY 1 a month each: slots, their opening balances and the instalments.
    fn amortise(books: &mut LoanBooks, bank: usize, month: u32) -> Vec<(usize, Money, Money)> {
        let mut told = Vec::new();
        books.of(bank, month).amortise(Money(100), |slot, opening, due| told.push((slot, opening, due)));
        told
    }

    #[test]
    fn books_amortise_linearly() {
        let mut books = LoanBooks::new(2, 2, 12);
        assert_eq!(books.of(1, 5).grant(1, 3, Money(100)), Money(3600));
        for month in 1..=12 {
            let opening = Money(3600 - 300 * (month - 1));
            assert_eq!(books.loans, [0, 3]);
            assert_eq!(amortise(&mut books, 1, 5 + month as u32), [(1, opening, Money(300))]);
        }
        assert_eq!(books.totals(), (Money::ZERO, Money::ZERO));
        assert_eq!(amortise(&mut books, 1, 18), []);
        assert_eq!(books.loans, [0, 0]);
    }

    #[test]
    fn a_default_leaves_the_books_with_its_balance() {
        let mut books = LoanBooks::new(1, 2, 12);
        books.of(0, 30).grant(0, 2, Money(100));
        amortise(&mut books, 0, 31);
        books.of(0, 31).grant(0, 1, Money(100));
        assert_eq!(books.default(0, 0, Money(100), 30, 32), Money(1100));
        assert_eq!(amortise(&mut books, 0, 32), [(0, Money(2300), Money(200))]);
        assert_eq!(books.outstanding(0), Money(2100));
        assert_eq!(books.totals(), (Money(2100), Money::ZERO));
        (33..=42).for_each(|month| drop(amortise(&mut books, 0, month)));
        assert_eq!(
            (books.loans[0], books.outstanding(0)),
            (1, Money(100)),
            "the loan that is left of the first month is over"
        );
        assert_eq!(amortise(&mut books, 0, 43), [(0, Money(100), Money(100))]);
        assert_eq!((books.loans[0], books.outstanding(0)), (0, Money::ZERO));
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
