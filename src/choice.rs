//! Choice: strategic agents take the option with the highest random utility, of which every term
//! has a name, so that a decision can be explained.

/// The most terms that a utility has.
const MOST_TERMS: usize = 12;

/// The utility of one option as a sum of named terms, in shares of the agent's reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utility {
    terms: [(&'static str, f64); MOST_TERMS],
    count: usize,
}

impl Utility {
    /// The utility with these terms.
    #[inline]
    pub fn of<const COUNT: usize>(named: [(&'static str, f64); COUNT]) -> Utility {
        let mut terms = [("", 0.0); MOST_TERMS];
        for (term, (name, value)) in terms.iter_mut().zip(named) {
            assert!(value.is_finite(), "the term {name} of a utility must be finite, not {value}");
            *term = (name, value);
        }
        const { assert!(COUNT <= MOST_TERMS) };
        Utility { terms, count: COUNT }
    }

    /// The sum of the terms, in their order.
    pub fn total(&self) -> f64 {
        self.terms().iter().map(|(_, value)| value).sum()
    }

    /// The terms, in their order.
    pub fn terms(&self) -> &[(&'static str, f64)] {
        &self.terms[..self.count]
    }
}

/// The index of the option with the highest utility; the first of equals.
pub fn best(options: &[Utility]) -> usize {
    assert!(!options.is_empty(), "a choice needs an option");
    let mut best = 0;
    for (i, option) in options.iter().enumerate().skip(1) {
        if option.total() > options[best].total() {
            best = i;
        }
    }
    best
}

/// How much of its reluctance an agent keeps while a share `share_of_peers` of the others has moved
/// and it waits for a share `waits_for`: max(0, waits_for - share) / waits_for, 0 where it waits
/// for nobody.
pub fn holding_back(waits_for: f64, share_of_peers: f64) -> f64 {
    if waits_for == 0.0 { 0.0 } else { (waits_for - share_of_peers).max(0.0) / waits_for }
}

/// One choice of one agent: what it weighed and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Platform, by index, or bank.
    pub agent: Agent,
    /// Name of the choice.
    pub choice: String,
    /// Options weighed, by name.
    pub options: Vec<(String, Utility)>,
    /// Index of the option taken.
    pub chosen: usize,
    /// What a utility of 1 is worth, CNY.
    pub reference_cny: f64,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// The platform with this index.
    Platform(usize),
    /// The bank with this index.
    Bank(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_utility_is_taken_and_the_first_of_equals() {
        let utility = |value| Utility::of([("gain", value), ("cost", -1.0)]);
        assert_eq!(best(&[utility(1.0), utility(3.0), utility(2.0)]), 1);
        assert_eq!(best(&[utility(1.0), utility(1.0)]), 0);
        assert_eq!(utility(3.0).total(), 2.0);
        assert_eq!(utility(3.0).terms(), [("gain", 3.0), ("cost", -1.0)]);
    }

    #[test]
    fn reluctance_falls_as_peers_move() {
        assert_eq!(holding_back(0.8, 0.0), 1.0);
        assert!((holding_back(0.8, 0.2) - 0.75).abs() < 1e-12);
        assert_eq!(holding_back(0.8, 0.9), 0.0);
        assert_eq!(holding_back(0.0, 0.0), 0.0);
        assert_eq!(holding_back(1.0, 0.0), 1.0);
    }
}
