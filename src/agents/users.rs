//! Users: the borrowers. They are many, so they are columns, in blocks that fit a processor's cache.

use super::ahead::Ahead;
use super::banks::BankPicker;
use crate::counting_sort::counting_sort;
use crate::credit::application_hazard;
use crate::information::PlatformSet;
use crate::large_pages::Memory;
use crate::normal::{normal_cdf, normal_quantile};
use crate::prefetch::Lines;
use crate::random::{Key, Purpose, WORDS, words_below};
use crate::scenario::parameters::Parameters;
use rayon::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Users in a block. Small, so that a block and its loans stay in a first-level cache, and so that
/// a loan's place in its block fits 16 bits.
pub const BLOCK: usize = 1000;

/// The starts of a block's segments, and of what is behind the last. Users are in order of quality, and a segment is
/// looked through for defaults under one bound, that of its worst; segments are narrow where hazards differ most.
pub const SEGMENT_STARTS: [usize; 16] =
    [0, 2, 5, 10, 18, 30, 46, 68, 98, 138, 190, 260, 350, 480, 680, BLOCK];

/// In the place of a loan's number: there is none, and the person may not apply before the month in the other
/// bits, 0 for one who is free to. Nobody who is barred has loans, so that one number holds either.
const NO_LOAN: u16 = 1 << 15;

/// Beside a loan's number: the person owes at least two lenders.
const SEVERAL_LENDERS: u16 = 1 << 14;

/// Loans are numbered modulo this.
const NUMBERS: u16 = 1 << 14;

/// The most loans in default that a block keeps among the others: beside all the active ones that there can be,
/// each has a number of its own.
const MOST_DEFAULTED: usize = NUMBERS as usize - MOST_LOANS * BLOCK - 1;

/// The borrower of a loan in default, which is nobody's any more.
const NOBODY: u16 = u16::MAX;

/// Loans that end together: what is the same for all of them comes before what hangs on whether there are others, which
/// is hard to foresee.
const ENDED_AT_A_TIME: usize = 32;

/// Share of applications that are granted, if room for loans is to be made before there are any.
const GRANTED: f64 = 0.75;

/// Loans for which a block makes room when it has none left after all: its loans grow in all blocks alike, and twice as
/// much room as is needed would be half of all memory.
const LOANS_AT_A_TIME: usize = 32;

/// The slot of a loan that came through no platform; platform p has slot p + 1.
pub const HOME_SLOT: u8 = 0;

/// A loan. Its principal follows from the month of its grant; its rate is that of all loans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    /// Borrower, by place in the block; [`NOBODY`] for a loan in default.
    user: u16,
    /// Lender.
    pub lender: u16,
    /// Number of the borrower's next newer loan; the newest one's is the oldest loan's.
    next: u16,
    /// Through whom it came: `HOME_SLOT` or a platform's index + 1.
    pub slot: u8,
    /// Month of the grant modulo 128, and in the highest bit whether the loan was reported.
    granted: u8,
}

impl Loan {
    /// Month of the grant modulo 128; terms are shorter, so an age is never ambiguous.
    pub fn cohort(&self) -> u8 {
        self.granted & 0x7f
    }

    /// Whether the lender reported it.
    pub fn reported(&self) -> bool {
        self.granted & 0x80 != 0
    }

    /// Months since the grant, in `month`.
    pub fn age(&self, month: u32) -> u32 {
        month.wrapping_sub(u32::from(self.cohort())) & 0x7f
    }

    /// The borrower's place in the block.
    pub fn user(&self) -> usize {
        usize::from(self.user)
    }
}

/// Things on the users of a block, one after another.
type Column<T> = allocator_api2::vec::Vec<T, Memory>;

/// Up to [`BLOCK`] users, column by column, and their loans.
#[derive(Clone, Debug)]
pub struct Block {
    /// Number of the block.
    pub number: u32,
    /// Numbers of 16 bits on each user, column by column, all in one piece, which is read quickest. First:
    /// [`RANK`], [`NEWEST_LOAN`], then memberships, `words` columns of 16 platforms each, and the home bank.
    /// Columns of memberships after the last platform with members are left out, and so is the home bank where
    /// everybody's is bank 0.
    columns: Column<u16>,
    words: usize,
    /// Income quintile (0..4) in bits 0 to 2, thin file in bit 3, number of loans in bits 4 to 7.
    traits: Column<u8>,
    /// Loans in order of their grant, so that those whose term is over are the first. Loans in default stay among
    /// them until then, or until they are many.
    loans: Column<Loan>,
    /// Number of the first of `loans`; the others follow.
    first_number: u16,
    /// How many of them are in default.
    defaulted: u16,
    /// How many active loans were reported.
    reported: u16,
}

/// The column of the rank of credit quality among 65,536 equally likely values, in rising order within the block;
/// [`quality`] gives z.
const RANK: usize = 0;

/// The column of the number of the newest loan and [`SEVERAL_LENDERS`], or [`NO_LOAN`] and the first month in which
/// the person may apply again.
const NEWEST_LOAN: usize = 1;

/// The first column of memberships.
const MEMBERSHIPS: usize = 2;

/// One loan in the number of loans within traits.
const ONE_LOAN: u8 = 1 << 4;

/// The most loans that a person may have at a time: their number has the bits of traits above that.
pub const MOST_LOANS: usize = (u8::MAX / ONE_LOAN) as usize;

/// The income quintile, 1 to 5, within traits or a kind.
#[inline]
pub fn quintile_of(traits: u8) -> u8 {
    (traits & 0b111) + 1
}

/// Whether traits or a kind are those of a person with a thin file.
#[inline]
pub fn has_thin_file(traits: u8) -> bool {
    traits & 0b1000 != 0
}

/// The number of active loans within traits.
#[inline]
fn loan_count_of(traits: u8) -> u32 {
    u32::from(traits / ONE_LOAN)
}

/// The kind of persons of this income quintile, 1 to 5, with a thin file or not: traits without loans.
#[inline]
pub fn kind_of(quintile: u8, thin_file: bool) -> u8 {
    (quintile - 1) | u8::from(thin_file) << 3
}

/// What a block has on one of its users that decides on an application.
#[derive(Clone, Copy)]
pub struct Person {
    /// Rank of credit quality.
    pub quality_rank: u16,
    newest_loan: u16,
    traits: u8,
}

impl Person {
    /// The person's kind, as of [`kind_of`].
    #[inline]
    pub fn kind(self) -> u8 {
        self.traits % ONE_LOAN
    }

    /// Active loans.
    #[inline]
    pub fn loan_count(self) -> u32 {
        loan_count_of(self.traits)
    }

    /// Whether a past default bars the person from applying in `month`.
    #[inline]
    pub fn locked_out(self, month: u32) -> bool {
        // Numbers of loans are below.
        u32::from(self.newest_loan) > u32::from(NO_LOAN) + month
    }

    /// Whether the person may apply in `month`, where nobody may have more than `max_loans`.
    #[inline]
    pub fn may_apply(self, max_loans: u32, month: u32) -> bool {
        // Both at once: whether the first holds is hard to foresee.
        (self.loan_count() < max_loans) & !self.locked_out(month)
    }
}

/// The users of a block, by place.
#[derive(Clone, Copy)]
pub struct People<'a> {
    quality_ranks: &'a [u16],
    newest_loans: &'a [u16],
    traits: &'a [u8],
}

impl People<'_> {
    /// The user at a place, if there is one.
    #[inline]
    pub fn get(&self, place: usize) -> Option<Person> {
        let traits = *self.traits.get(place)?;
        Some(Person {
            quality_rank: self.quality_ranks[place],
            newest_loan: self.newest_loans[place],
            traits,
        })
    }
}

/// Whether a person's newest loan, as in its column, is one of several lenders' loans.
#[inline]
fn is_from_several(newest_loan: u16) -> bool {
    newest_loan & (NO_LOAN | SEVERAL_LENDERS) == SEVERAL_LENDERS
}

impl Block {
    /// Users in the block.
    pub fn len(&self) -> usize {
        self.traits.len()
    }

    /// Whether the block has no users.
    pub fn is_empty(&self) -> bool {
        self.traits.is_empty()
    }

    /// What a column has on the user at `place`.
    #[inline]
    fn of(&self, column: usize, place: usize) -> u16 {
        self.columns[column * self.len() + place]
    }

    fn set_newest_loan(&mut self, place: usize, value: u16) {
        let users = self.len();
        self.columns[NEWEST_LOAN * users + place] = value;
    }

    /// Number of the user at `place`, over all blocks.
    #[inline]
    pub fn user(&self, place: usize) -> u32 {
        self.number * BLOCK as u32 + place as u32
    }

    /// Credit quality z.
    #[inline]
    pub fn quality(&self, place: usize) -> f64 {
        quality(self.quality_rank(place))
    }

    /// The users.
    #[inline]
    pub fn people(&self) -> People<'_> {
        let newest_loans = self.column(NEWEST_LOAN);
        People { quality_ranks: self.quality_ranks(), newest_loans, traits: &self.traits }
    }

    #[inline]
    fn column(&self, column: usize) -> &[u16] {
        &self.columns[column * self.len()..][..self.len()]
    }

    /// Ranks of credit quality, in rising order.
    #[inline]
    pub fn quality_ranks(&self) -> &[u16] {
        self.column(RANK)
    }

    /// Rank of credit quality.
    #[inline]
    pub fn quality_rank(&self, place: usize) -> u16 {
        self.of(RANK, place)
    }

    /// Home bank.
    #[inline]
    pub fn home_bank(&self, place: usize) -> usize {
        let home = self.columns.get((MEMBERSHIPS + self.words) * self.len() + place);
        home.map_or(0, |bank| usize::from(*bank))
    }

    /// Income quintile, 1 (lowest) to 5.
    #[inline]
    pub fn quintile(&self, place: usize) -> u8 {
        quintile_of(self.traits[place])
    }

    /// Whether the person has a thin credit file.
    #[inline]
    pub fn thin_file(&self, place: usize) -> bool {
        has_thin_file(self.traits[place])
    }

    /// Platforms of which the person is a member.
    #[inline]
    pub fn memberships(&self, place: usize) -> PlatformSet {
        let word = |column: usize| PlatformSet::from(self.of(MEMBERSHIPS + column, place));
        // The usual number of platforms takes one.
        if self.words == 1 {
            return word(0);
        }
        (0..self.words).rev().fold(0, |set, column| set << 16 | word(column))
    }

    /// Active loans of the person.
    #[inline]
    pub fn loan_count(&self, place: usize) -> u32 {
        loan_count_of(self.traits[place])
    }

    /// Active loans of the person that were reported.
    #[inline]
    pub fn reported_count(&self, place: usize) -> u32 {
        if self.reported == 0 {
            return 0;
        }
        self.loans_of(place).filter(|loan| loan.reported()).count() as u32
    }

    /// Whether any of the block's active loans was reported.
    pub fn has_reported_loans(&self) -> bool {
        self.reported > 0
    }

    /// Bars the person, who has no loans, from applying before `month`.
    pub fn lock_out(&mut self, place: usize, until: u32) {
        assert!(self.loan_count(place) == 0 && until < u32::from(NO_LOAN), "locked out until {until}");
        self.set_newest_loan(place, NO_LOAN + until as u16);
    }

    /// Where a number's loan is in `loans`.
    #[inline]
    fn position(&self, number: u16) -> usize {
        usize::from(number.wrapping_sub(self.first_number) % NUMBERS)
    }

    /// Active loans of the person, the oldest first.
    #[inline]
    pub fn loans_of(&self, place: usize) -> impl Iterator<Item = &Loan> {
        let mut last = self.of(NEWEST_LOAN, place);
        (0..self.loan_count(place)).map(move |_| {
            last = self.loans[self.position(last)].next;
            &self.loans[self.position(last)]
        })
    }

    /// Active loans of the person from one lender.
    #[inline]
    pub fn loans_from(&self, place: usize, lender: usize) -> u32 {
        if self.owes_several_lenders(place) {
            return self.loans_from_one_of_several(place, lender);
        }
        let Some(last) = self.loans.len().checked_sub(1) else { return 0 };
        // All of them or none. Whether there are any is hard to foresee, and not asked: of one who has none, any loan
        // will do.
        let loans = self.loan_count(place);
        let newest = &self.loans[self.position(self.of(NEWEST_LOAN, place)).min(last)];
        if usize::from(newest.lender) == lender { loans } else { 0 }
    }

    /// The same of a person with loans from several lenders.
    #[inline(never)]
    fn loans_from_one_of_several(&self, place: usize, lender: usize) -> u32 {
        self.loans_of(place).filter(|loan| usize::from(loan.lender) == lender).count() as u32
    }

    /// Active loans of the person that are from one lender or were reported.
    #[inline(never)]
    pub fn loans_from_or_reported(&self, place: usize, lender: usize) -> u32 {
        let seen = |loan: &&Loan| usize::from(loan.lender) == lender || loan.reported();
        self.loans_of(place).filter(seen).count() as u32
    }

    /// Whether there are active loans.
    pub fn has_loans(&self) -> bool {
        self.loans.len() > usize::from(self.defaulted)
    }

    /// All active loans of the block.
    pub fn loans(&self) -> impl Iterator<Item = &Loan> {
        self.loans.iter().filter(|loan| loan.user != NOBODY)
    }

    /// Whether the person owes at least two lenders.
    #[inline]
    pub fn owes_several_lenders(&self, place: usize) -> bool {
        is_from_several(self.of(NEWEST_LOAN, place))
    }

    /// Adds a loan granted in `month`, which is none before that of any other loan. Returns what the person owed
    /// before and owes now: the number of loans, and whether they are from several lenders.
    #[inline]
    pub fn grant(
        &mut self,
        place: usize,
        lender: usize,
        slot: u8,
        reported: bool,
        month: u32,
    ) -> [(u32, bool); 2] {
        if self.loans.len() == self.loans.capacity() {
            self.loans.reserve_exact(LOANS_AT_A_TIME);
        }
        let granted = (month & 0x7f) as u8 | u8::from(reported) << 7;
        let position = self.loans.len();
        assert!(position < usize::from(NUMBERS), "each of a block's loans has a number of its own");
        let lender = lender as u16;
        let (next, several) = self.join(place, lender, self.number(position));
        self.loans.push(Loan { user: place as u16, lender, next, slot, granted });
        let loans = self.loan_count(place);
        self.traits[place] += ONE_LOAN;
        self.reported += u16::from(reported);
        [(loans, several[0]), (loans + 1, several[1])]
    }

    /// The number of the loan at a position in `loans`.
    #[inline]
    fn number(&self, position: usize) -> u16 {
        self.first_number.wrapping_add(position as u16) % NUMBERS
    }

    /// Makes a loan of this lender and number the newest of a person's. Returns the number that is next to it, and
    /// whether the person had several lenders before and has now.
    #[inline]
    fn join(&mut self, place: usize, lender: u16, number: u16) -> (u16, [bool; 2]) {
        let newest = self.of(NEWEST_LOAN, place);
        let (mut next, mut had, mut has) = (number, 0, 0);
        if newest < NO_LOAN {
            let position = self.position(newest);
            let newest_one = &mut self.loans[position];
            had = newest & SEVERAL_LENDERS;
            has = if newest_one.lender == lender { had } else { SEVERAL_LENDERS };
            next = std::mem::replace(&mut newest_one.next, number);
        }
        self.set_newest_loan(place, number | has);
        (next, [had != 0, has != 0])
    }

    /// Removes the loans granted in `month`, which is that of the oldest ones, and tells `each` of them, with the
    /// number of the borrower's loans before. Returns how many of the borrowers had several lenders before and have no
    /// more.
    #[inline]
    pub fn end(&mut self, month: u32, mut each: impl FnMut(&Loan, u32)) -> u32 {
        let cohort = (month & 0x7f) as u8;
        let (mut ended, mut fewer) = (0, 0);
        let mut of_several = [0; ENDED_AT_A_TIME];
        loop {
            let start = ended;
            let mut count = 0;
            while let Some(loan) = self.loans.get(ended).copied().filter(|loan| loan.cohort() == cohort) {
                if ended == start + ENDED_AT_A_TIME {
                    break;
                }
                ended += 1;
                if loan.user == NOBODY {
                    self.defaulted -= 1;
                } else {
                    let (loans, had_several) = self.remove_oldest(&loan);
                    each(&loan, loans);
                    of_several[count] = loan.user;
                    count += usize::from(had_several & (loans > 1));
                    // Somebody all of whose loans are of this month.
                    fewer += u32::from(had_several & (loans == 1));
                }
            }
            for user in &of_several[..count] {
                let place = usize::from(*user);
                if self.owes_several_lenders(place) && !self.have_several_lenders(place) {
                    self.set_newest_loan(place, self.of(NEWEST_LOAN, place) % NUMBERS);
                    fewer += 1;
                }
            }
            if ended < start + ENDED_AT_A_TIME {
                break;
            }
        }
        self.loans.drain(..ended);
        self.first_number = self.first_number.wrapping_add(ended as u16) % NUMBERS;
        fewer
    }

    /// Takes its borrower's oldest loan off the list; whether the others are from several lenders is yet to be asked.
    /// Returns how many loans there were, and whether they were from several.
    #[inline]
    fn remove_oldest(&mut self, loan: &Loan) -> (u32, bool) {
        let place = loan.user();
        let (loans, newest) = (self.loan_count(place), self.of(NEWEST_LOAN, place));
        let position = self.position(newest);
        self.traits[place] -= ONE_LOAN;
        self.reported -= u16::from(loan.reported());
        // It may be the newest one too, which nobody looks at any more.
        self.loans[position].next = loan.next;
        self.set_newest_loan(place, if loans == 1 { NO_LOAN } else { newest });
        (loans, is_from_several(newest))
    }

    /// Whether the person's loans are from at least two lenders.
    fn have_several_lenders(&self, place: usize) -> bool {
        let mut lenders = self.loans_of(place).map(|loan| loan.lender);
        let first = lenders.next();
        lenders.any(|lender| Some(lender) != first)
    }

    /// Takes all loans of the person off the list, and tells `each` of them. They count as active no more.
    pub fn default(&mut self, place: usize, mut each: impl FnMut(&Loan)) {
        let mut last = self.of(NEWEST_LOAN, place);
        for _ in 0..self.loan_count(place) {
            last = self.loans[self.position(last)].next;
            let position = self.position(last);
            let loan = &mut self.loans[position];
            loan.user = NOBODY;
            each(loan);
            self.reported -= u16::from(loan.reported());
            self.traits[place] -= ONE_LOAN;
            self.defaulted += 1;
        }
        self.set_newest_loan(place, NO_LOAN);
        let defaulted = usize::from(self.defaulted);
        if defaulted > MOST_DEFAULTED.min(self.loans.len() / 4) {
            self.forget_defaulted();
        }
    }

    /// Removes loans in default.
    fn forget_defaulted(&mut self) {
        self.loans.retain(|loan| loan.user != NOBODY);
        self.defaulted = 0;
        for position in 0..self.loans.len() {
            self.set_newest_loan(self.loans[position].user(), NO_LOAN);
        }
        for position in 0..self.loans.len() {
            let Loan { user, lender, .. } = self.loans[position];
            (self.loans[position].next, _) = self.join(usize::from(user), lender, self.number(position));
        }
    }

    /// Users who are members of each of the first `counts.len()` platforms, added to `counts`.
    pub fn count_members(&self, counts: &mut [u64]) {
        for (platform, count) in counts.iter_mut().enumerate().take(16 * self.words) {
            let column = &self.columns[(MEMBERSHIPS + platform / 16) * self.len()..][..self.len()];
            *count += u64::from(column.iter().map(|word| word >> (platform % 16) & 1).sum::<u16>());
        }
    }

    /// All of the block, to be brought into a processor's cache ahead of its use: one user here and there at a time would
    /// be waited for one at a time. What is used last comes last, since it may still be on its way when the block's turn
    /// comes.
    pub fn ahead(&self) -> Ahead {
        let (first, last) = self.columns.split_at(MEMBERSHIPS * self.len());
        Ahead::new([Lines::of(&self.traits), Lines::of(first), Lines::of(&self.loans), Lines::of(last)])
    }

    /// Bytes that the block takes.
    pub fn bytes(&self) -> usize {
        size_of::<Block>()
            + 2 * self.columns.capacity()
            + self.traits.capacity()
            + size_of::<Loan>() * self.loans.capacity()
    }
}

/// Serves every block, by as many workers side by side as there are `desks` and `counts`: one of each is a worker's
/// own, to spread out what it works with, and to count in. Workers take some blocks at a time, so that one whose
/// processor is slow or busy holds up nobody. Once `stop` is set the rest is left undone: nobody is to use the blocks
/// then.
pub fn serve_blocks<D: Send, C: Send>(
    blocks: &mut [Block],
    desks: &mut [D],
    counts: &mut [C],
    stop: &AtomicBool,
    serve: impl Fn(&mut Block, &mut Ahead, &mut D, &mut C) + Sync,
) {
    // Many: the first of them is not brought ahead, but waited for.
    const MOST_AT_A_TIME: usize = 2048;
    let workers = desks.len();
    let untaken = Mutex::new(blocks);
    // Fewer and fewer, so that nobody waits long for the last.
    let take_some = || {
        let mut untaken = untaken.lock().expect("nobody panics who takes a part");
        let some = (untaken.len() / (4 * workers)).clamp(1, MOST_AT_A_TIME);
        untaken.split_off_mut(..some).unwrap_or_default()
    };
    let work = |desk: &mut D, counts: &mut C| {
        loop {
            let mut left = take_some();
            let Some(first) = left.first() else { return };
            first.ahead().bring_all();
            while let Some((block, later)) = left.split_first_mut() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let mut ahead = later.first().map_or_else(Ahead::default, Block::ahead);
                serve(block, &mut ahead, desk, counts);
                ahead.bring_all();
                left = later;
            }
        }
    };
    if let ([desk], [counts]) = (&mut *desks, &mut *counts) {
        work(desk, counts);
    } else {
        desks.par_iter_mut().zip(counts).with_max_len(1).for_each(|(desk, counts)| work(desk, counts));
    }
}

/// Credit quality z of a rank: the middle of the rank's part of N(0, 1).
pub fn quality(rank: u16) -> f64 {
    normal_quantile((f64::from(rank) + 0.5) / 65_536.0)
}

/// Probability of a thin file, by income quintile: `thin_file_share` times these, 1 at most.
const THIN_FILE_BY_QUINTILE: [f64; 5] = [1.8, 1.4, 1.0, 0.6, 0.2];

/// Values that the digital-activity factor takes, equally likely.
const ACTIVITY_LEVELS: usize = 256;

/// Users from whom on large pages are worth it: what so many take is more than a processor knows small pages of.
const LEAST_IN_LARGE_PAGES: u64 = 1_000_000;

/// Draws the fixed traits of all users. The draws are keyed by user, so a larger sample has the
/// smaller one's persons as its first, but for the order of quality within the last block. Once `stop` is set
/// blocks are left empty.
pub fn populate(parameters: &Parameters, key: Key, homes: &BankPicker, stop: &AtomicBool) -> Vec<Block> {
    let is_large = parameters.users.sample >= LEAST_IN_LARGE_PAGES;
    let memory = if is_large { Memory::large_pages() } else { Memory::default() };
    populate_in(&memory, parameters, key, homes, stop)
}

/// The same, in some memory.
fn populate_in(
    memory: &Memory,
    parameters: &Parameters,
    key: Key,
    homes: &BankPicker,
    stop: &AtomicBool,
) -> Vec<Block> {
    let sample = usize::try_from(parameters.users.sample).expect("a sample fits memory");
    let memberships = MembershipDraw::new(parameters);
    let thin: [u64; 5] =
        THIN_FILE_BY_QUINTILE.map(|factor| words_below((factor * parameters.users.thin_file_share).min(1.0)));
    let loans = expected_loans(parameters);
    let number_of_blocks = sample.div_ceil(BLOCK);
    (0..number_of_blocks)
        .into_par_iter()
        .with_min_len(64)
        .map(|number| {
            let stopped = number > 0 && stop.load(Ordering::Relaxed);
            let users = if stopped { 0 } else { BLOCK.min(sample - number * BLOCK) };
            let mut block = draw_block(number as u32, users, key, &memberships, &thin, homes, memory);
            block.loans.reserve_exact((users as f64 * loans) as usize);
            block
        })
        .collect()
}

/// Loans for which there is room at first, a person: those of a term at the end of the run at which demand is higher, if
/// amendments leave it as it is, but no more than there may be. It saves moving loans to more and more room; where they come to more, room
/// is made for them then.
fn expected_loans(parameters: &Parameters) -> f64 {
    /// Room that may never be needed is not held for more.
    const MOST: f64 = 2.0;
    let Parameters { credit, calendar, .. } = parameters;
    let hazard = |months: f64| application_hazard(credit, months / 12.0);
    let most = hazard(-f64::from(calendar.burn_in_months)).max(hazard(f64::from(calendar.months)));
    (most * GRANTED * f64::from(credit.term_months)).min(f64::from(credit.max_loans)).min(MOST)
}

/// Users whose traits are drawn at once.
const DRAWN_AT_ONCE: usize = 40;

fn draw_block(
    number: u32,
    users: usize,
    key: Key,
    memberships: &MembershipDraw,
    thin: &[u64; 5],
    homes: &BankPicker,
    memory: &Memory,
) -> Block {
    let words = memberships.words();
    let home = MEMBERSHIPS + words;
    let columns = home + usize::from(!homes.are_all_first());
    let mut block = Block {
        number,
        columns: Column::with_capacity_in(users * columns, memory.clone()),
        words,
        traits: Column::with_capacity_in(users, memory.clone()),
        loans: Column::new_in(memory.clone()),
        first_number: 0,
        defaulted: 0,
        reported: 0,
    };
    block.columns.resize(users * columns, 0);
    let first = number * BLOCK as u32;
    let mut draws = [[0; 4]; DRAWN_AT_ONCE];
    for start in (0..users).step_by(DRAWN_AT_ONCE) {
        let draws = &mut draws[..DRAWN_AT_ONCE.min(users - start)];
        key.draw_agents(Purpose::Traits, first + start as u32, 0, 0, draws);
        let ranks = &mut block.columns[RANK * users + start..];
        for (draw, rank) in draws.iter().zip(ranks) {
            *rank = (draw[0] >> 16) as u16;
            let quintile = ((u64::from(draw[1]) * 5) >> 32) as usize;
            let thin_file = u64::from(draw[2]) < thin[quintile];
            block.traits.push(kind_of(quintile as u8 + 1, thin_file));
        }
        if columns > home {
            let banks = &mut block.columns[home * users + start..];
            let picks = draws.iter().map(|draw| homes.pick(draw[3]) as u16);
            banks.iter_mut().zip(picks).for_each(|(bank, pick)| *bank = pick);
        }
        let mut activities = [0; DRAWN_AT_ONCE];
        activities.iter_mut().zip(draws.iter()).for_each(|(activity, draw)| *activity = draw[0] as u8);
        for column in 0..words {
            let sets = &mut block.columns[(MEMBERSHIPS + column) * users + start..][..draws.len()];
            memberships.draw(key, first + start as u32, &activities[..draws.len()], column, sets);
        }
    }
    // Quality is independent of the other traits, so sorting it alone leaves the persons as random
    // as they were, and lets defaults be looked for under a bound that is tight for each segment.
    sort_ranks(&mut block.columns[..users]);
    block.columns[NEWEST_LOAN * users..][..users].fill(NO_LOAN);
    block
}

/// Sorts ranks, by their lower byte and then by their upper one.
fn sort_ranks(ranks: &mut [u16]) {
    let mut other = [0; BLOCK];
    let other = &mut other[..ranks.len()];
    let mut first = [0; 256];
    counting_sort(ranks, other, &mut first, |rank| usize::from(rank & 0xff));
    counting_sort(other, ranks, &mut first, |rank| usize::from(rank >> 8));
}

/// Draws memberships: probability `reach` each, tied together by one digital-activity factor.
/// A person is a member where `loading * activity + sqrt(1 - loading^2) * own` is above a threshold.
struct MembershipDraw {
    /// By level of activity and group of four platforms.
    members: Vec<Members>,
    groups: usize,
}

/// By which draws persons are members of four platforms.
#[derive(Clone, Copy)]
struct Members {
    /// A member's uniform word is below this, one a platform. As signed numbers in the same order, which is what most
    /// processors compare side by side.
    below: [i32; 4],
    /// The platforms, a bit each, of which everybody is a member.
    always: u16,
}

/// A word as a signed number, in the same order.
#[inline]
fn signed(word: u32) -> i32 {
    (word ^ 1 << 31) as i32
}

impl Members {
    /// Persons are members with these probabilities.
    fn with(probabilities: [f64; 4]) -> Members {
        // Cut, not as `words_below` has it, which is one word more at times: everybody's memberships would be others.
        let below = probabilities.map(|probability| (probability * WORDS) as u64);
        let always = (0..4).map(|p| u16::from(below[p] > u64::from(u32::MAX)) << p).sum();
        Members { below: below.map(|below| signed(below as u32)), always }
    }

    /// The platforms, a bit each, of which a person with this draw is a member.
    #[inline]
    fn of(&self, draw: &[u32; 4]) -> u16 {
        let member = |p: usize| i32::from(signed(draw[p]) < self.below[p]) << p;
        (member(0) + member(1) + member(2) + member(3)) as u16 | self.always
    }
}

impl MembershipDraw {
    fn new(parameters: &Parameters) -> MembershipDraw {
        let loading = parameters.users.activity_loading;
        let probabilities: Vec<[f64; ACTIVITY_LEVELS]> = parameters
            .platforms
            .iter()
            .map(|entry| membership_probabilities(entry.row.reach, loading))
            .collect();
        let last = parameters.platforms.iter().rposition(|entry| entry.row.reach > 0.0);
        let probabilities = &probabilities[..last.map_or(0, |last| last + 1)];
        let members = (0..ACTIVITY_LEVELS).flat_map(|level| {
            probabilities.chunks(4).map(move |group| {
                let at_level = |platform: usize| group.get(platform).map_or(0.0, |by_level| by_level[level]);
                Members::with(std::array::from_fn(at_level))
            })
        });
        MembershipDraw { members: members.collect(), groups: probabilities.len().div_ceil(4) }
    }

    fn words(&self) -> usize {
        self.groups.div_ceil(4)
    }

    /// Draws the memberships of the users from `first` on, who have these activities, in the platforms of a
    /// column, into `sets`.
    fn draw(&self, key: Key, first: u32, activities: &[u8], column: usize, sets: &mut [u16]) {
        let mut draws = [[0; 4]; DRAWN_AT_ONCE];
        let draws = &mut draws[..activities.len()];
        for group in 4 * column..self.groups.min(4 * column + 4) {
            key.draw_agents(Purpose::Membership, first, 0, group as u32, draws);
            for ((draw, activity), set) in draws.iter().zip(activities).zip(sets.iter_mut()) {
                let members = &self.members[usize::from(*activity) * self.groups + group];
                *set |= members.of(draw) << (4 * (group % 4));
            }
        }
    }
}

/// Probability of membership at each level of activity, whose mean over levels is `reach`.
fn membership_probabilities(reach: f64, loading: f64) -> [f64; ACTIVITY_LEVELS] {
    if reach <= 0.0 || reach >= 1.0 {
        return [reach; ACTIVITY_LEVELS];
    }
    let rest = libm::sqrt(1.0 - loading * loading);
    let levels: [f64; ACTIVITY_LEVELS] =
        std::array::from_fn(|level| normal_quantile((level as f64 + 0.5) / ACTIVITY_LEVELS as f64));
    let at = |threshold: f64| levels.map(|activity| normal_cdf((loading * activity - threshold) / rest));
    let mean = |threshold: f64| at(threshold).iter().sum::<f64>() / ACTIVITY_LEVELS as f64;
    // The continuous factor's threshold is almost right; a secant makes the mean exact.
    let mut threshold = -normal_quantile(reach);
    let mut slope = (mean(threshold + 1e-3) - mean(threshold)) / 1e-3;
    for _ in 0..8 {
        let excess = mean(threshold) - reach;
        if excess.abs() < 1e-13 {
            break;
        }
        let next = threshold - excess / slope;
        let moved = mean(next) - reach;
        if next != threshold && moved != excess {
            slope = (moved - excess) / (next - threshold);
        }
        threshold = next;
    }
    at(threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::uniform;
    use crate::scenario::parameters::{Entry, PlatformRow};
    use std::sync::atomic::AtomicU32;
    use std::time::{Duration, Instant};

    fn parameters(reach: &[f64]) -> Parameters {
        let mut parameters = Parameters::default();
        for (p, reach) in reach.iter().enumerate() {
            let row = PlatformRow { reach: *reach, ..PlatformRow::default() };
            parameters.platforms.push(Entry { id: format!("p{p}"), row });
        }
        parameters
    }

    fn population(reach: &[f64], sample: u64) -> Vec<Block> {
        let mut parameters = parameters(reach);
        parameters.users.sample = sample;
        let homes = BankPicker::new(&[0.6, 0.4], &[1, 3]);
        populate(&parameters, Key::new(1, 1), &homes, &AtomicBool::new(false))
    }

    fn share(blocks: &[Block], has: impl Fn(&Block, usize) -> bool) -> f64 {
        let users: usize = blocks.iter().map(Block::len).sum();
        let having: usize =
            blocks.iter().map(|block| (0..block.len()).filter(|i| has(block, *i)).count()).sum();
        having as f64 / users as f64
    }

    #[test]
    fn traits_have_their_shares() {
        let blocks = population(&[0.75, 0.05, 1.0], 200_000);
        let close = |share: f64, expected: f64| {
            let sd = (expected * (1.0 - expected) / 200_000.0).sqrt();
            assert!((share - expected).abs() < 4.0 * sd + 1e-12, "{share} {expected}");
        };
        close(share(&blocks, |b, i| b.memberships(i) & 1 != 0), 0.75);
        close(share(&blocks, |b, i| b.memberships(i) & 2 != 0), 0.05);
        close(share(&blocks, |b, i| b.memberships(i) & 4 != 0), 1.0);
        close(share(&blocks, Block::thin_file), 0.4);
        close(share(&blocks, |b, i| b.thin_file(i) && b.quintile(i) == 1), 0.2 * 0.72);
        close(share(&blocks, |b, i| b.home_bank(i) == 0), 0.6);
        close(share(&blocks, |b, i| b.home_bank(i) == 3), 0.4 / 3.0);
        close(share(&blocks, |b, i| b.quality(i) < -1.0), normal_cdf(-1.0));
        let both = share(&blocks, |b, i| b.memberships(i) & 3 == 3);
        assert!(both > 0.75 * 0.05 * 1.1, "activity ties memberships together: {both}");
    }

    /// Every person's traits are by a draw of that person's own, and memberships in however many platforms.
    #[test]
    fn nobody_shares_a_draw() {
        let reach: [f64; 40] = std::array::from_fn(|p| (p + 1) as f64 / 41.0);
        let (key, homes) = (Key::new(1, 1), BankPicker::new(&[0.6, 0.4], &[1, 3]));
        let blocks = population(&reach, 2_700);
        let mut members = [0u32; 40];
        for block in &blocks {
            let words = |place: usize| key.draw(Purpose::Traits, block.user(place), 0, 0);
            let mut ranks: Vec<u16> = (0..block.len()).map(|place| (words(place)[0] >> 16) as u16).collect();
            ranks.sort_unstable();
            assert_eq!(block.columns[..block.len()], ranks, "ranks in rising order");
            for place in 0..block.len() {
                let words = words(place);
                let quintile = (uniform(words[1]) * 5.0) as usize;
                assert_eq!(usize::from(block.quintile(place)), quintile + 1);
                let thin_file = uniform(words[2]) < THIN_FILE_BY_QUINTILE[quintile] * 0.4;
                assert_eq!(block.thin_file(place), thin_file);
                assert_eq!(block.home_bank(place), homes.pick(words[3]));
                assert_eq!(block.memberships(place) >> 40, 0);
                members.iter_mut().enumerate().for_each(|(p, members)| {
                    *members += (block.memberships(place) >> p & 1) as u32;
                });
            }
        }
        for (p, members) in members.into_iter().enumerate() {
            let (expected, members) = (2_700.0 * reach[p], f64::from(members));
            let sd = (expected * (1.0 - reach[p])).sqrt();
            assert!((members - expected).abs() < 4.0 * sd, "platform {p}: {members}, expected {expected}");
        }
    }

    #[test]
    fn membership_probabilities_average_to_the_reach() {
        for reach in [0.0, 0.001, 0.04, 0.5, 0.8, 0.999, 1.0] {
            for loading in [0.0, 0.5, 0.99] {
                let levels = membership_probabilities(reach, loading);
                let mean = levels.iter().sum::<f64>() / levels.len() as f64;
                assert!((mean - reach).abs() < 1e-9, "{reach} {loading}: {mean}");
                assert!(levels.is_sorted(), "activity makes membership likelier");
            }
        }
    }

    /// Also where loans outgrow their room.
    #[test]
    fn users_do_not_depend_on_where_they_lie() {
        let mut parameters = parameters(&[0.5; 20]);
        parameters.users.sample = 2500;
        let homes = BankPicker::new(&[0.6, 0.4], &[1, 3]);
        let lie = |memory: Memory| {
            let mut blocks =
                populate_in(&memory, &parameters, Key::new(1, 1), &homes, &AtomicBool::new(false));
            for month in 0..6 {
                for block in &mut blocks {
                    (0..block.len()).step_by(2).for_each(|place| {
                        block.grant(place, place % 3, HOME_SLOT, false, month);
                    });
                }
            }
            blocks.iter_mut().for_each(|block| _ = block.end(0, |_, _| ()));
            blocks
        };
        let (usual, large) = (lie(Memory::default()), lie(Memory::large_pages()));
        for (usual, large) in usual.iter().zip(&large) {
            assert_eq!((&usual.columns, &usual.traits), (&large.columns, &large.traits));
            assert_eq!(usual.loans, large.loans);
            assert_eq!(usual.loans().count(), 5 * usual.len().div_ceil(2));
        }
    }

    #[test]
    fn users_do_not_depend_on_the_size_of_the_sample() {
        let (small, large) = (population(&[0.5; 20], 2000), population(&[0.5; 20], 5500));
        for (few, many) in small.iter().zip(&large) {
            assert_eq!(few.columns, many.columns);
        }
        assert_eq!(large.len(), 6);
        assert_eq!(large[5].len(), 500);
        assert!(large[3].columns[..BLOCK].is_sorted());
    }

    #[test]
    fn every_block_is_served_once_until_stopped() {
        for (blocks, workers) in [(1, 1), (1, 3), (2, 3), (40, 2), (67, 3)] {
            let mut blocks = population(&[0.5], 1000 * (blocks - 1) + 1);
            let (mut desks, mut counts) = (vec![0; workers], vec![Vec::new(); workers]);
            let stop = AtomicBool::new(false);
            serve_blocks(&mut blocks, &mut desks, &mut counts, &stop, |block, _, desk, served| {
                *desk += 1;
                served.push(block.number);
            });
            let lengths: Vec<usize> = counts.iter().map(Vec::len).collect();
            assert_eq!(desks, lengths, "a worker has one desk");
            let mut served = counts.concat();
            served.sort_unstable();
            assert!(served.iter().copied().eq(0..blocks.len() as u32), "{workers} workers: {served:?}");

            stop.store(true, Ordering::Relaxed);
            serve_blocks(&mut blocks, &mut desks, &mut counts, &stop, |_, _, _, _| panic!("it is to stop"));
        }
    }

    /// Whoever is free takes the next blocks: while one is at work on the first, another takes the second.
    #[test]
    fn workers_share_few_blocks() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (at_work, mut counts) = (AtomicU32::new(0), [0, 0]);
        let mut blocks = population(&[0.5], 2000);
        pool.install(|| {
            serve_blocks(
                &mut blocks,
                &mut [(), ()],
                &mut counts,
                &AtomicBool::new(false),
                |_, _, (), served| {
                    *served += 1;
                    at_work.fetch_add(1, Ordering::SeqCst);
                    // The other one is waited for, but not for ever.
                    let start = Instant::now();
                    while at_work.load(Ordering::SeqCst) < 2 && start.elapsed() < Duration::from_secs(20) {
                        std::thread::yield_now();
                    }
                },
            );
        });
        assert_eq!(counts, [1, 1]);
    }

    #[test]
    fn loans_are_added_found_and_removed() {
        let mut block = population(&[0.5], 10).remove(0);
        block.grant(3, 7, HOME_SLOT, false, 130);
        block.grant(4, 8, 1, true, 131);
        block.grant(3, 9, 2, true, 131);
        block.grant(3, 7, HOME_SLOT, false, 140);
        let lenders = |block: &Block, user| block.loans_of(user).map(|loan| loan.lender).collect::<Vec<_>>();
        assert_eq!(lenders(&block, 3), [7, 9, 7]);
        assert_eq!((block.loan_count(3), block.reported_count(3)), (3, 1));
        assert!(block.owes_several_lenders(3) && !block.owes_several_lenders(4));
        assert_eq!(block.loans().nth(1).unwrap().age(140), 9, "130 and 131 are 2 and 3 modulo 128");

        let mut ended = Vec::new();
        assert_eq!(block.end(130, |loan, loans| ended.push((loan.lender, loans))), 0);
        assert_eq!((&ended[..], block.owes_several_lenders(3)), (&[(7, 3)][..], true));
        assert_eq!(lenders(&block, 3), [9, 7]);
        ended.clear();
        assert_eq!(block.end(131, |loan, loans| ended.push((loan.lender, loans))), 1);
        assert_eq!((&ended[..], block.owes_several_lenders(3)), (&[(8, 1), (9, 2)][..], false));
        assert_eq!((block.loan_count(4), block.reported_count(3)), (0, 0));
        assert_eq!((lenders(&block, 3), lenders(&block, 4)), (vec![7], vec![]));
    }

    #[test]
    fn loans_in_default_are_told_and_gone() {
        let mut block = population(&[0.5], 10).remove(0);
        for (place, lender) in [(3, 7), (4, 8), (3, 9)] {
            block.grant(place, lender, HOME_SLOT, lender == 9, 5);
        }
        let mut told = Vec::new();
        block.default(3, |loan| told.push((loan.lender, loan.slot)));
        assert_eq!(told, [(7, HOME_SLOT), (9, HOME_SLOT)]);
        assert_eq!((block.loan_count(3), block.owes_several_lenders(3)), (0, false));
        assert!(!block.has_reported_loans() && block.loans_of(3).next().is_none());
        assert_eq!(block.loans().map(|loan| loan.lender).collect::<Vec<_>>(), [8]);
        block.grant(3, 6, HOME_SLOT, false, 6);
        block.end(5, |loan, _| assert_eq!(loan.lender, 8));
        assert_eq!(block.loans().map(|loan| loan.lender).collect::<Vec<_>>(), [6]);
    }

    /// Everybody has as many loans as one may have, and one after another defaults on them and has as many again.
    #[test]
    fn a_block_full_of_loans_has_numbers_for_those_in_default_too() {
        let mut block = population(&[0.5], BLOCK as u64).remove(0);
        let fill = |block: &mut Block, place: usize| {
            for loan in block.loan_count(place) as usize..MOST_LOANS {
                block.grant(place, loan % 2, HOME_SLOT, false, 5);
            }
        };
        // The first has few, so that loans in default come to one more than there are numbers for.
        (0..5).for_each(|_| {
            block.grant(0, 0, HOME_SLOT, false, 5);
        });
        (1..BLOCK).for_each(|place| fill(&mut block, place));
        for place in 0..BLOCK {
            block.default(place, |_| ());
            fill(&mut block, place);
            assert!(block.loans.len() <= usize::from(NUMBERS));
        }
        assert!((0..BLOCK).all(|place| block.loans_of(place).count() == MOST_LOANS));
        assert_eq!(block.loans().count(), BLOCK * MOST_LOANS);
    }

    /// Loans against a plain list of them, over so many months that numbers come round.
    #[test]
    fn a_block_keeps_the_loans_that_a_plain_list_would() {
        const TERM: u32 = 7;
        let key = Key::new(11, 1);
        let mut block = population(&[0.5], 900).remove(0);
        let kind = |block: &Block, place| block.people().get(place).unwrap().kind();
        let kinds: Vec<u8> = (0..900).map(|place| kind(&block, place)).collect();
        let mut plain: Vec<(usize, u16, u32, bool)> = Vec::new();
        for month in TERM..TERM + 60 {
            let owing_several = |block: &Block| (0..900).filter(|i| block.owes_several_lenders(*i)).count();
            let (mut ended, before) = (0, owing_several(&block));
            let fewer = block.end(month - TERM, |_, _| ended += 1);
            assert_eq!(fewer as usize, before - owing_several(&block));
            let all = plain.len();
            plain.retain(|loan| loan.2 + TERM != month);
            assert_eq!(ended, all - plain.len());
            for i in 0..if month < TERM + 50 { 900 } else { 90 } {
                let words = key.draw(Purpose::Traits, i, month, 0);
                let place = words[0] as usize % 900;
                if words[1].is_multiple_of(8) {
                    let mut defaulted = 0;
                    block.default(place, |_| defaulted += 1);
                    assert_eq!(defaulted, plain.iter().filter(|loan| loan.0 == place).count());
                    plain.retain(|loan| loan.0 != place);
                    let most = MOST_DEFAULTED.min(block.loans.len() / 4);
                    assert!(usize::from(block.defaulted) <= most, "loans in default do not pile up");
                } else if block.loan_count(place) < 15 {
                    let (lender, reported) = (words[2] as u16 % 2, words[3].is_multiple_of(2));
                    let owed = |block: &Block| (block.loan_count(place), block.owes_several_lenders(place));
                    let before = owed(&block);
                    let told = block.grant(place, usize::from(lender), HOME_SLOT, reported, month);
                    assert_eq!(told, [before, owed(&block)]);
                    plain.push((place, lender, month, reported));
                }
            }
            let defaulted = block.loans.iter().filter(|loan| loan.user == NOBODY).count();
            assert_eq!(usize::from(block.defaulted), defaulted);
            assert_eq!(usize::from(block.reported), plain.iter().filter(|loan| loan.3).count());
            for (place, before) in kinds.iter().enumerate() {
                let expected: Vec<_> = plain.iter().filter(|loan| loan.0 == place).collect();
                let kept: Vec<_> = block.loans_of(place).collect();
                assert_eq!(kept.len(), expected.len());
                for (kept, (_, lender, granted, reported)) in kept.iter().zip(&expected) {
                    assert_eq!((kept.lender, kept.reported()), (*lender, *reported));
                    assert_eq!(kept.age(month), month - granted);
                }
                assert_eq!(kind(&block, place), *before, "whatever happens to loans");
                let several = expected.iter().any(|loan| loan.1 != expected[0].1);
                assert_eq!(block.owes_several_lenders(place), several);
                assert_eq!(block.reported_count(place), expected.iter().filter(|loan| loan.3).count() as u32);
                for lender in [0, 1, 2] {
                    let from = expected.iter().filter(|loan| loan.1 == lender).count() as u32;
                    let seen = expected.iter().filter(|loan| loan.1 == lender || loan.3).count() as u32;
                    assert_eq!(block.loans_from(place, usize::from(lender)), from);
                    assert_eq!(block.loans_from_or_reported(place, usize::from(lender)), seen);
                }
            }
        }
    }

    #[test]
    fn ranks_are_sorted_and_members_counted() {
        let key = Key::new(8, 1);
        let mut ranks: Vec<u16> = (0..997).map(|i| key.draw(Purpose::Traits, i, 0, 0)[0] as u16).collect();
        let mut expected = ranks.clone();
        expected.sort_unstable();
        sort_ranks(&mut ranks);
        assert_eq!(ranks, expected);

        let block = population(&[0.5; 20], 100).remove(0);
        let mut counts = [1; 20];
        block.count_members(&mut counts);
        for (platform, count) in counts.into_iter().enumerate() {
            let members = (0..100).filter(|i| block.memberships(*i) >> platform & 1 == 1);
            assert_eq!(count, 1 + members.count() as u64);
        }
    }

    #[test]
    fn a_lockout_ends_in_its_month() {
        let mut block = population(&[0.5], 10).remove(0);
        block.lock_out(2, 24);
        let locked_out = |block: &Block, place, month| block.people().get(place).unwrap().locked_out(month);
        assert!(locked_out(&block, 2, 23) && !locked_out(&block, 2, 24) && !locked_out(&block, 1, 0));
        block.grant(2, 5, HOME_SLOT, true, 24);
        assert_eq!((block.loan_count(2), block.reported_count(2), block.loans_of(2).count()), (1, 1, 1));
        block.end(24, |loan, _| assert_eq!(loan.lender, 5));
        assert!(!locked_out(&block, 2, 0) && block.loans_of(2).next().is_none());
    }
}
