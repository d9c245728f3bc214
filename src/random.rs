//! Keyed randomness: every draw is a function of (seed, replicate, purpose, agent, month, option).
//!
//! Nothing here is a stream that one draw would move on for the next. So the same person meets the
//! same luck under two policies, a change in reporting can't change a result, and any number of
//! threads gives the same bytes. The function is Philox 4x32 with ten rounds (Salmon, Moraes, Dror
//! and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), checked against its authors'
//! known answers.

use multiversion::multiversion;
use std::convert::Infallible;

/// What a draw is for. Two purposes never share a draw; the numbers are part of every key, so they
/// must not change once results have been published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// A replicate's key from the seed.
    Replicate = 0,
    /// Fixed traits of a user.
    Traits = 1,
    /// Membership of a user in a platform.
    Membership = 2,
    /// A person's consent threshold.
    Consent = 3,
    /// Whether a person's record of a platform is among those delivered to an agency.
    Delivery = 4,
    /// Who comes up for an application, by block of users and candidate.
    Application = 5,
    /// Whether an applicant who borrows less when reported goes on, and whether a loan is reported.
    Demand = 6,
    /// The next lender after a refusal.
    NextLender = 7,
    /// The noise of a bank's own judgement of a person.
    OwnNoise = 8,
    /// The noise of a seller's data on a person.
    SellerNoise = 9,
    /// Who comes up for a default, by block of users and candidate.
    Default = 10,
    /// Whether a platform reviews its choices this month.
    PlatformReview = 11,
    /// Whether a bank reviews its choices this month.
    BankReview = 12,
    /// A platform's taste for an option.
    PlatformTaste = 13,
    /// A bank's taste for an option.
    BankTaste = 14,
    /// Whether a platform is audited, and whether the audit finds something.
    PlatformAudit = 15,
    /// Whether a bank is audited, and whether the audit finds something.
    BankAudit = 16,
    /// A platform's increase of cost.
    CostIncrease = 17,
    /// Whether a store of records is breached.
    Breach = 18,
    /// Where the points of a sampled design lie, by part of the drawing, row and factor.
    Design = 19,
    /// Which units a bootstrap resample holds, by position and resample.
    Bootstrap = 20,
    /// To which lender an applicant goes first, and whether through a platform, by block of users and candidate.
    Referral = 21,
}

/// How many draws are made side by side at a time.
pub const SIDE_BY_SIDE: usize = 8;

/// The key of one replicate: all its draws follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u32; 2]);

impl Key {
    /// The key of the replicate `replicate` of `seed`.
    pub fn new(seed: u64, replicate: u64) -> Key {
        let seed = [seed as u32, (seed >> 32) as u32];
        let words =
            philox(seed, [replicate as u32, (replicate >> 32) as u32, (Purpose::Replicate as u32) << 24, 0]);
        Key([words[0], words[1]])
    }

    /// Four independent words of 32 bits for (purpose, agent, month, option).
    ///
    /// `month` counts from the start of the burn-in; a draw that does not change from month to
    /// month takes 0.
    #[inline]
    pub fn draw(self, purpose: Purpose, agent: u32, month: u32, option: u32) -> [u32; 4] {
        debug_assert!(month < 1 << 24, "a month beyond the key's 24 bits");
        philox(self.0, [agent, option, (purpose as u32) << 24 | month, 1])
    }

    /// [`Key::draw`] for the options from `first` on, one after another: many at once, since processors
    /// work out several side by side.
    pub fn draw_options(self, purpose: Purpose, agent: u32, month: u32, first: u32, out: &mut [[u32; 4]]) {
        let purpose_and_month = (purpose as u32) << 24 | month;
        philox_side_by_side(self.0, |i| [agent, first.wrapping_add(i), purpose_and_month, 1], out);
    }

    /// The words of [`Key::draw`] for the options 0, 1, 2, ..., two after two.
    pub fn pairs(self, purpose: Purpose, agent: u32, month: u32) -> Pairs {
        Pairs { key: self, purpose, agent, month, taken: 0, words: [[0; 4]; SIDE_BY_SIDE] }
    }

    /// [`Key::draw`] for the agents from `first` on, one after another, in a month and for one option.
    pub fn draw_agents(self, purpose: Purpose, first: u32, month: u32, option: u32, out: &mut [[u32; 4]]) {
        let purpose_and_month = (purpose as u32) << 24 | month;
        philox_side_by_side(self.0, |i| [first.wrapping_add(i), option, purpose_and_month, 1], out);
    }

    /// The first words of [`Key::draw`] for many agents, of whom each has an option: eights of them at once. Each word
    /// takes the place of its agent.
    pub fn first_words(
        self,
        purpose: Purpose,
        month: u32,
        agents: &mut [[u32; SIDE_BY_SIDE]],
        options: &[[u32; SIDE_BY_SIDE]],
    ) {
        first_words_side_by_side(self.0, (purpose as u32) << 24 | month, agents, options);
    }

    /// One number in (0, 1) for (purpose, agent, month, option).
    #[inline]
    pub fn uniform(self, purpose: Purpose, agent: u32, month: u32, option: u32) -> f64 {
        uniform(self.draw(purpose, agent, month, option)[0])
    }

    /// One standard Gumbel number for (purpose, agent, option): a taste.
    pub fn gumbel(self, purpose: Purpose, agent: u32, option: u32) -> f64 {
        -libm::log(-libm::log(self.uniform(purpose, agent, 0, option)))
    }

    /// A generator for the samplers of `rand_distr`, which may need any number of words. Its words
    /// are keyed by (purpose, agent) as all others are.
    pub fn generator(self, purpose: Purpose, agent: u32) -> KeyedGenerator {
        KeyedGenerator { key: self, purpose, agent, words: 0 }
    }
}

/// The words of one (purpose, agent, month), two after two; see [`Key::pairs`].
pub struct Pairs {
    key: Key,
    purpose: Purpose,
    agent: u32,
    month: u32,
    taken: u32,
    words: [[u32; 4]; SIDE_BY_SIDE],
}

impl Pairs {
    /// The next two words.
    #[inline]
    pub fn take(&mut self) -> [u32; 2] {
        let place = self.taken as usize % (2 * SIDE_BY_SIDE);
        if place == 0 {
            self.key.draw_options(self.purpose, self.agent, self.month, self.taken / 2, &mut self.words);
        }
        self.taken += 1;
        let [first, second, third, fourth] = self.words[place / 2];
        if place.is_multiple_of(2) { [first, second] } else { [third, fourth] }
    }
}

/// A generator of the words of one (purpose, agent); see [`Key::generator`].
pub struct KeyedGenerator {
    key: Key,
    purpose: Purpose,
    agent: u32,
    words: u32,
}

impl rand::TryRng for KeyedGenerator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let block = self.key.draw(self.purpose, self.agent, 0, self.words / 4);
        let word = block[(self.words % 4) as usize];
        self.words += 1;
        Ok(word)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.try_next_u32()?);
        Ok(low | u64::from(self.try_next_u32()?) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.try_next_u32()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// How many words there are.
pub const WORDS: f64 = 4_294_967_296.0;

/// The middle of the `word`-th of 2^32 equal parts of (0, 1).
#[inline]
pub fn uniform(word: u32) -> f64 {
    // (word + 1/2) / 2^32, put together from bits as a number from 1 to 2: quicker than making a number of an integer.
    let below_one = u64::from(word) << 20 | 1 << 19;
    f64::from_bits(1f64.to_bits() | below_one) - 1.0
}

/// How many words there are of which [`uniform`] is below `x`: the first so many.
pub fn words_below(x: f64) -> u64 {
    // At most all of them; none if `x` is not a number.
    (libm::ceil(x * WORDS - 0.5) as u64).min(WORDS as u64)
}

#[inline(always)]
fn philox(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let ([mut k0, mut k1], [mut c0, mut c1, mut c2, mut c3]) = (key, counter);
    for _ in 0..10 {
        let p0 = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let p1 = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) = ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// [`philox`] at the counters of 0, 1, 2, ..., with wide instructions where the processor has them.
// A function of its own, as the next one: so the loop is one over slices of which nothing else is known, which is what
// compilers work out side by side.
#[multiversion(targets("x86_64+avx2"))]
fn philox_side_by_side(key: [u32; 2], counter: impl Fn(u32) -> [u32; 4], out: &mut [[u32; 4]]) {
    for (i, words) in out.iter_mut().enumerate() {
        *words = philox(key, counter(i as u32));
    }
}

/// The same for eights of agents and their options, and of each draw the first word only, in the place of the agent.
#[multiversion(targets("x86_64+avx2"))]
fn first_words_side_by_side(
    key: [u32; 2],
    purpose_and_month: u32,
    agents: &mut [[u32; SIDE_BY_SIDE]],
    options: &[[u32; SIDE_BY_SIDE]],
) {
    for (agents, options) in agents.iter_mut().zip(options) {
        for (agent, option) in agents.iter_mut().zip(options) {
            *agent = philox(key, [*agent, *option, purpose_and_month, 1])[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the authors' Random123 distribution (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_its_authors_known_answers() {
        assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    /// Pins the numbers themselves: published results depend on them.
    #[test]
    fn draws_are_stable() {
        let key = Key::new(1, 1);
        assert_eq!(key, Key::new(1, 1));
        assert_ne!(key, Key::new(1, 2));
        assert_ne!(key, Key::new(2, 1));
        let words = key.draw(Purpose::Application, 7, 40, 3);
        assert_eq!(words, key.draw(Purpose::Application, 7, 40, 3));
        assert_eq!(words, [4242862432, 2327661667, 520965749, 3486469882]);
    }

    #[test]
    fn words_are_middles_of_equal_parts() {
        let key = Key::new(2, 9);
        let drawn = (0..100_000).map(|i| key.draw(Purpose::Traits, i, 0, 0)[0]);
        for word in drawn.chain(0..3_000).chain(u32::MAX - 3_000..=u32::MAX).chain([1 << 31, (1 << 31) - 1]) {
            let middle = (f64::from(word) + 0.5) / 4_294_967_296.0;
            assert_eq!(uniform(word).to_bits(), middle.to_bits(), "{word}");
            // A number at a word is not below itself.
            let next = f64::from_bits(middle.to_bits() + 1);
            assert_eq!(
                [words_below(middle), words_below(next)],
                [word.into(), u64::from(word) + 1],
                "{word}"
            );
        }
        let all = 1 << 32;
        let ends = [f64::NAN, -1.0, 0.0, 1e-300, 1e-10, 2e-10, 1.0, 3.0, f64::INFINITY];
        assert_eq!(ends.map(words_below), [0, 0, 0, 0, 0, 1, all, all, all]);
    }

    #[test]
    fn every_part_of_a_key_matters() {
        let key = Key::new(5, 3);
        let base = key.draw(Purpose::Default, 10, 20, 30);
        for other in [
            key.draw(Purpose::Demand, 10, 20, 30),
            key.draw(Purpose::Default, 11, 20, 30),
            key.draw(Purpose::Default, 10, 21, 30),
            key.draw(Purpose::Default, 10, 20, 31),
            Key::new(5, 4).draw(Purpose::Default, 10, 20, 30),
        ] {
            assert_ne!(base, other);
        }
    }

    /// Whichever bit of a key or counter changes, each bit of the draw changes in about half of all cases.
    #[test]
    fn every_bit_of_a_draw_depends_on_every_bit_of_its_key() {
        const CASES: u32 = 1024;
        let bits = |words: &[u32]| words.iter().map(|word| word.count_ones()).sum::<u32>();
        for bit in 0..192 {
            let (mut changes, mut all) = ([0u32; 128], 0);
            for case in 0..CASES {
                // As in use: few bits of a counter are set.
                let (mut key, mut counter) = ([case / 7, 3], [case, case % 5, (5 << 24) | (case % 3), 1]);
                let before = philox(key, counter);
                match bit / 32 {
                    word @ 0..4 => counter[word] ^= 1 << (bit % 32),
                    word => key[word - 4] ^= 1 << (bit % 32),
                }
                let after = philox(key, counter);
                let changed: [u32; 4] = std::array::from_fn(|word| before[word] ^ after[word]);
                changes.iter_mut().enumerate().for_each(|(i, n)| *n += changed[i / 32] >> (i % 32) & 1);
                all += bits(&changed);
            }
            // Five standard deviations: 16 for one bit, and the same for all of them together.
            assert!(changes.iter().all(|n| n.abs_diff(CASES / 2) < 80), "{bit}: {changes:?}");
            assert!(all.abs_diff(CASES * 64) < 905, "{bit}: {all}");
        }
    }

    #[test]
    fn many_draws_at_once_are_the_same_draws() {
        let key = Key::new(6, 2);
        let mut rows = [[0; 4]; 21];
        key.draw_options(Purpose::Application, 7, 40, 3, &mut rows);
        let mut agents = [[0; 4]; 21];
        key.draw_agents(Purpose::Traits, 1000, 7, 2, &mut agents);
        let of = |i: usize| [100 - i as u32, 3 * i as u32];
        let [agents_of, options] = [0, 1].map(|which| {
            std::array::from_fn::<_, 3, _>(|eight| {
                std::array::from_fn(|i| of(SIDE_BY_SIDE * eight + i)[which])
            })
        });
        let mut firsts = agents_of;
        key.first_words(Purpose::OwnNoise, 9, &mut firsts, &options);
        let mut pairs = key.pairs(Purpose::Default, 5, 6);
        for i in 0..21 {
            assert_eq!(
                [pairs.take(), pairs.take()].as_flattened(),
                key.draw(Purpose::Default, 5, 6, i as u32)
            );
            assert_eq!(rows[i], key.draw(Purpose::Application, 7, 40, 3 + i as u32));
            assert_eq!(agents[i], key.draw(Purpose::Traits, 1000 + i as u32, 7, 2));
            let [agent, option] = of(i);
            assert_eq!(firsts.as_flattened()[i], key.draw(Purpose::OwnNoise, agent, 9, option)[0]);
        }
    }

    #[test]
    fn tastes_are_standard_gumbel() {
        let key = Key::new(3, 1);
        let n = 20_000;
        let draws: Vec<f64> = (0..n).map(|i| key.gumbel(Purpose::BankTaste, i, 2)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / f64::from(n);
        assert!((mean - 0.577_215_66).abs() < 0.04, "{mean}");
        assert!((variance - 1.644_934).abs() < 0.1, "{variance}");
    }
}
