//! Random numbers of tests, which follow from a seed that a failure prints.

/// SplitMix64.
pub struct Draws(u64);

impl Draws {
    /// Those of one test.
    pub fn of(seed: u64, test: u64) -> Draws {
        Draws(seed ^ test.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// From 0 up to 1.
    pub fn share(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }
}
