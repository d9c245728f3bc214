//! Near values: logarithms and normal numbers that are quick and off by a known error at most. They decide
//! all but few of the comparisons of a month; the few too near to call are left to exact values, so
//! that results are those of exact values alone. (But for waits for a default, see [`crate::hazard`], whose
//! unit is a logarithm itself: there the error changes a probability by a billionth of it.)

use crate::normal::normal_quantile;
use crate::random::{WORDS, uniform};
use std::sync::OnceLock;

/// Geometric skips: how many candidates are passed over when each is taken with one probability, that is
/// the number of failures before the next success.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeometricSkip {
    /// log(1 - probability).
    log_none: f64,
    /// 1 / log(1 - probability).
    per_log: f64,
    /// By how much a skip worked out with [`NearLog`] can be off, before it is cut to a whole number.
    slack: f64,
}

impl GeometricSkip {
    /// Skips over candidates that are taken with this probability.
    pub fn new(probability: f64) -> GeometricSkip {
        let log_none = libm::log1p(-probability);
        let per_log = 1.0 / log_none;
        GeometricSkip { log_none, per_log, slack: NearLog::ERROR * per_log.abs() + 1e-6 }
    }

    /// The skip that a word stands for: log(u) / log(1 - probability), cut to a whole number.
    ///
    /// Saturates at `u32::MAX`, which is past the end of every block.
    #[inline]
    pub fn of(&self, word: u32, near_log: &NearLog) -> u32 {
        let near = near_log.of(word) * self.per_log;
        let whole = near as u32;
        let part = near - f64::from(whole);
        if part > self.slack && part < 1.0 - self.slack { whole } else { self.exact(word) }
    }

    /// The first word whose skip is less than `most`, where that of the word before is `most`; `None` if that is not
    /// where exact logarithms have it.
    fn end_of(&self, most: u32, near_log: &NearLog) -> Option<u32> {
        let near = (libm::exp(f64::from(most) * self.log_none) * WORDS) as u32;
        let ends = |word: &u32| self.of(word - 1, near_log) == most && self.of(*word, near_log) < most;
        (near.saturating_sub(1).max(1)..=near.saturating_add(1)).find(ends)
    }

    /// The same where a near value is too near to a whole number to say.
    #[cold]
    fn exact(&self, word: u32) -> u32 {
        (libm::log(uniform(word)) / self.log_none) as u32
    }
}

/// Skips of one probability, looked up: many times as fast as working each out, once the table is made.
pub struct SkipTable {
    skip: GeometricSkip,
    parts: [PartOfSkips; SkipTable::PARTS],
}

/// The skips of equally many words, one after another.
#[derive(Clone, Copy)]
struct PartOfSkips {
    /// The skip of the last of them.
    least: u32,
    /// The words below this one have a skip of one more.
    end_of_more: u32,
}

impl SkipTable {
    const PARTS: usize = 1 << (32 - SkipTable::BITS_WITHIN);
    const BITS_WITHIN: u32 = 23;
    /// In the place of the least skip of a part of which the table does not tell: mostly, there are more than two.
    const SEVERAL: u32 = u32::MAX - 1;

    /// The table of `skip`.
    pub fn new(skip: GeometricSkip, near_log: &NearLog) -> SkipTable {
        let part = |part: usize| {
            let first = (part as u32) << Self::BITS_WITHIN;
            let last = first | ((1 << Self::BITS_WITHIN) - 1);
            // The greater the word, the smaller the skip.
            let (most, least) = (skip.of(first, near_log), skip.of(last, near_log));
            let end_of_more = match most - least {
                0 => Some(0),
                1 => skip.end_of(most, near_log),
                _ => None,
            };
            match end_of_more {
                Some(end_of_more) if least < Self::SEVERAL => PartOfSkips { least, end_of_more },
                _ => PartOfSkips { least: Self::SEVERAL, end_of_more: 0 },
            }
        };
        SkipTable { skip, parts: std::array::from_fn(part) }
    }

    /// [`GeometricSkip::of`].
    #[inline]
    pub fn of(&self, word: u32, near_log: &NearLog) -> u32 {
        let part = self.parts[(word >> Self::BITS_WITHIN) as usize];
        if part.least == Self::SEVERAL {
            return self.skip.of(word, near_log);
        }
        part.least + u32::from(word < part.end_of_more)
    }
}

/// Logarithms of uniform numbers to within [`NearLog::ERROR`], several times as fast as exact ones: enough
/// to decide all but few comparisons, which are left to exact ones.
pub struct NearLog {
    /// For each part of [1, 2): 1 / its middle, and the logarithm of that middle less 32 log 2.
    parts: [(f64, f64); NearLog::PARTS],
}

impl NearLog {
    const PARTS: usize = 128;

    /// The largest error.
    pub const ERROR: f64 = 1e-9;

    /// The one table there is.
    pub fn table() -> &'static NearLog {
        static TABLE: OnceLock<NearLog> = OnceLock::new();
        TABLE.get_or_init(|| NearLog {
            parts: std::array::from_fn(|part| {
                let middle = 1.0 + (part as f64 + 0.5) / Self::PARTS as f64;
                (1.0 / middle, libm::log(middle) - 32.0 * std::f64::consts::LN_2)
            }),
        })
    }

    /// The logarithm of [`uniform`] of a word.
    #[inline]
    pub fn of(&self, word: u32) -> f64 {
        // The number is 2^exponent x mantissa; within a part of [1, 2) a short series does.
        let bits = (f64::from(word) + 0.5).to_bits();
        let exponent = (bits >> 52) as i32 - 1023;
        let mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000);
        let (inverse, log) = self.parts[(bits >> 45) as usize % Self::PARTS];
        let r = mantissa * inverse - 1.0;
        f64::from(exponent) * std::f64::consts::LN_2
            + log
            + r * (1.0 - r * (0.5 - r * (1.0 / 3.0 - r * 0.25)))
    }
}

/// Normal numbers of uniform words to within [`NearNormal::ERROR`], many times as fast as exact ones:
/// enough to decide all but few comparisons, which are left to exact ones.
pub struct NearNormal {
    /// For each of equally many words, one after another.
    lines: [Line; NearNormal::PARTS],
    /// For words by how far they are from the nearer end: 32 parts for each doubling of the distance.
    finer: [Line; NearNormal::FINER_PARTS],
}

/// A straight line, in as few bytes as will do.
#[derive(Clone, Copy)]
struct Line {
    at_zero: f32,
    slope: f32,
}

impl NearNormal {
    const PARTS: usize = 1 << NearNormal::PART_BITS;
    const PART_BITS: u32 = 11;

    /// From half a word to 2^31 words, so many parts of each doubling; and one more, since in single precision the last
    /// words below 2^31 are 2^31.
    const FINER_PARTS: usize = (32 << NearNormal::FINER_BITS) + 1;
    const FINER_BITS: u32 = 5;

    /// The largest error.
    pub const ERROR: f64 = 5e-4;

    /// The largest error of [`NearNormal::of_any`].
    pub const ERROR_OF_ANY: f64 = 5e-5;

    /// The one table there is.
    pub fn table() -> &'static NearNormal {
        static TABLE: OnceLock<NearNormal> = OnceLock::new();
        TABLE.get_or_init(|| NearNormal {
            lines: std::array::from_fn(NearNormal::line),
            finer: std::array::from_fn(NearNormal::finer_line),
        })
    }

    /// The line of a part. Far out, where quantiles bend, none is near: it is not a number then, nor is whatever comes
    /// of it, and so is never far enough from anything to decide.
    fn line(part: usize) -> Line {
        const POINTS: usize = 16;
        let words = 1 << (32 - Self::PART_BITS);
        let at = |point: usize| uniform((part * words + point * (words - 1) / POINTS) as u32);
        let (start, end) = (at(0), at(POINTS));
        let slope = (normal_quantile(end) - normal_quantile(start)) / (end - start);
        let offs = || (0..=POINTS).map(|point| normal_quantile(at(point)) - slope * at(point));
        let (lowest, highest) =
            (offs().fold(f64::INFINITY, f64::min), offs().fold(f64::NEG_INFINITY, f64::max));
        // Not all of it: points are not everything, and single precision rounds.
        if highest - lowest > 2.0 * 0.95 * Self::ERROR {
            return Line { at_zero: f32::NAN, slope: f32::NAN };
        }
        Line { at_zero: (0.5 * (lowest + highest) - slope) as f32, slope: slope as f32 }
    }

    /// The quantile at [`uniform`] of a word; not a number where the table has none that is near. No number is made of
    /// an integer by what processors have for it, which waits for whatever number was there before.
    #[inline]
    pub fn of(&self, word: u32) -> f32 {
        let Line { at_zero, slope } = self.lines[(word >> (32 - Self::PART_BITS)) as usize];
        let one_more = f32::from_bits(word >> 9 | 1f32.to_bits());
        at_zero + slope * one_more
    }

    /// The quantile of any word, also where [`NearNormal::of`] has none: nearer, but in more steps.
    pub fn of_any(&self, word: u32) -> f32 {
        let is_low = word < 1 << 31;
        // How far it is from the nearer end, where quantiles are the same but for their sign.
        let words = (if is_low { word } else { !word }) as f32 + 0.5;
        let Line { at_zero, slope } = self.finer[Self::finer_part(words)];
        let quantile = at_zero + slope * words;
        if is_low { quantile } else { -quantile }
    }

    /// The part in which so many words from an end are.
    fn finer_part(words: f32) -> usize {
        ((words.to_bits() - 0.5f32.to_bits()) >> (f32::MANTISSA_DIGITS - 1 - Self::FINER_BITS)) as usize
    }

    /// The line of a part, from its first number of words on to that of the next one.
    fn finer_line(part: usize) -> Line {
        const POINTS: usize = 16;
        let first_of = |part: usize| {
            let bits = (part as u32) << (f32::MANTISSA_DIGITS - 1 - Self::FINER_BITS);
            f64::from(f32::from_bits(0.5f32.to_bits() + bits))
        };
        let (start, end) = (first_of(part), first_of(part + 1));
        let at = |words: f64| normal_quantile(words / WORDS);
        let slope = (at(end) - at(start)) / (end - start);
        let offs = || {
            let words = (0..=POINTS).map(|point| start + (end - start) * point as f64 / POINTS as f64);
            words.map(|words| at(words) - slope * words)
        };
        let (lowest, highest) =
            (offs().fold(f64::INFINITY, f64::min), offs().fold(f64::NEG_INFINITY, f64::max));
        Line { at_zero: (0.5 * (lowest + highest)) as f32, slope: slope as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    #[test]
    fn skips_take_each_candidate_with_its_probability() {
        let key = Key::new(9, 1);
        let probability: f64 = 0.06;
        let (skip, near_log) = (GeometricSkip::new(probability), NearLog::table());
        let (mut taken, mut position, mut candidate) = (0u32, 0u64, 0u32);
        while position < 1_000_000 {
            let words = key.draw(Purpose::Application, 0, 0, candidate);
            position += u64::from(skip.of(words[0], near_log)) + 1;
            candidate += 1;
            taken += u32::from(position <= 1_000_000);
        }
        let sd = (1e6 * probability * (1.0 - probability)).sqrt();
        assert!((f64::from(taken) - 1e6 * probability).abs() < 4.0 * sd, "{taken} taken");
        assert_eq!(GeometricSkip::new(0.0).of(5, near_log), u32::MAX, "nobody comes up at a rate of 0");
        assert_eq!(GeometricSkip::new(1.0).of(5, near_log), 0, "everybody does at 1");
    }

    #[test]
    fn near_logarithms_are_near_and_their_skips_exact() {
        let (key, near_log) = (Key::new(4, 1), NearLog::table());
        let drawn = (0..200_000).map(|i| key.draw(Purpose::Application, i, 0, 0)[0]);
        let words: Vec<u32> = drawn.chain([0, 1, 2, 3, u32::MAX - 1, u32::MAX, 1 << 31]).collect();
        for word in &words {
            assert!((near_log.of(*word) - libm::log(uniform(*word))).abs() < NearLog::ERROR / 4.0, "{word}");
        }
        for probability in [0.0, 1e-12, 1e-6, 0.003, 0.06, 0.5, 0.999_999, 1.0] {
            let skip = GeometricSkip::new(probability);
            for word in &words {
                let expected = (libm::log(uniform(*word)) / libm::log1p(-probability)) as u32;
                assert_eq!(skip.of(*word, near_log), expected, "{word} {probability}");
            }
            // And the words on either side of where skips change. The table is of use if it tells of most.
            let table = SkipTable::new(skip, near_log);
            let told = table.parts.iter().filter(|part| part.least != SkipTable::SEVERAL).count();
            assert!(told > 480 || probability < 0.05, "{told} {probability}");
            let ends = table.parts.iter().map(|part| part.end_of_more);
            let edges = ends.flat_map(|end| [end.saturating_sub(1), end]);
            let parts = (0..SkipTable::PARTS as u32).map(|part| part << SkipTable::BITS_WITHIN);
            for word in words.iter().copied().chain(edges).chain(parts) {
                assert_eq!(table.of(word, near_log), skip.of(word, near_log), "{word} {probability}");
            }
        }
    }

    #[test]
    fn near_quantiles_are_near() {
        let near = NearNormal::table();
        let (mut all, mut told) = (0, 0);
        for word in (0..u32::MAX).step_by(65_521) {
            let off = f64::from(near.of(word)) - normal_quantile(uniform(word));
            assert!(off.is_nan() || off.abs() < NearNormal::ERROR, "{word}: {off}");
            let finer_off = f64::from(near.of_any(word)) - normal_quantile(uniform(word));
            assert!(finer_off.abs() < NearNormal::ERROR_OF_ANY, "{word}: {finer_off}");
            (all, told) = (all + 1, told + u32::from(!off.is_nan()));
        }
        assert!(told > all / 100 * 99, "the table tells of {told} of {all}");
        // Every part, on either side of its ends and within.
        for part in 0..NearNormal::PARTS as u32 {
            const WORDS: u32 = 1 << (32 - NearNormal::PART_BITS);
            let first = part * WORDS;
            for word in (0..64).map(|i| first + WORDS / 64 * i).chain([first + WORDS - 1]) {
                let off = f64::from(near.of(word)) - normal_quantile(uniform(word));
                assert!(off.is_nan() || off.abs() < NearNormal::ERROR, "{word}: {off}");
            }
        }
        // Of the finer table, every part on either side of its ends and within; and the words at either end and in the
        // middle, one by one.
        let doublings = (0..=31).flat_map(|bit| (0..64).map(move |i| (1u64 << bit) + (1u64 << bit) * i / 64));
        let middle = 1u64 << 31;
        let one_by_one = (1..3_000).chain(middle - 1_000..middle + 1_000);
        for words in doublings.chain(one_by_one).map(|words| words as u32) {
            for word in [words - 1, words, !words, !(words - 1)] {
                let off = f64::from(near.of_any(word)) - normal_quantile(uniform(word));
                assert!(off.abs() < NearNormal::ERROR_OF_ANY, "{word}: {off}");
            }
        }
    }
}
