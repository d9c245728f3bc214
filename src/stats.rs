//! Means with intervals, in a form that gives the same bits in every run of the same data.

use statrs::distribution::{ContinuousCDF, StudentsT};
use std::sync::OnceLock;

/// Count, mean and spread of numbers as they come (Welford 1962): one pass, and no cancellation
/// where numbers are large beside their differences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u32,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes in one number.
    pub fn add(&mut self, number: f64) {
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / f64::from(self.count);
        self.squares += before * (number - self.mean);
    }

    /// How many numbers there were.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Their mean; `None` if there were none.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Their standard deviation as a sample (n - 1); `None` of fewer than two.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / f64::from(self.count - 1)).sqrt())
    }

    /// Half the width of the 95 % interval of the mean by Student's t; `None` of fewer than two.
    pub fn half_width(&self) -> Option<f64> {
        let deviation = self.deviation()?;
        Some(t_quantile(self.count - 1) * deviation / f64::from(self.count).sqrt())
    }

    /// The 95 % interval of the mean; `None` of fewer than two.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width().map(|half| (self.mean - half, self.mean + half))
    }
}

impl Extend<f64> for Moments {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|number| self.add(number));
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Moments {
        let mut moments = Moments::default();
        moments.extend(numbers);
        moments
    }
}

const KEPT: usize = 256;

/// The 0.975 quantile of Student's t, rounded to nine decimals so that all machines agree on it.
///
/// # Panics
/// Without a degree of freedom.
pub fn t_quantile(degrees_of_freedom: u32) -> f64 {
    static KNOWN: [OnceLock<f64>; KEPT] = [const { OnceLock::new() }; KEPT];
    assert!(degrees_of_freedom > 0, "Student's t needs a degree of freedom");
    match KNOWN.get(degrees_of_freedom as usize) {
        Some(known) => *known.get_or_init(|| compute_t_quantile(degrees_of_freedom)),
        None => compute_t_quantile(degrees_of_freedom),
    }
}

fn compute_t_quantile(degrees_of_freedom: u32) -> f64 {
    let student =
        StudentsT::new(0.0, 1.0, f64::from(degrees_of_freedom)).expect("positive degrees of freedom");
    (student.inverse_cdf(0.975) * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published tables of Student's t, two-sided 95 %.
    #[test]
    fn quantiles_agree_with_published_tables() {
        for (degrees, published) in [
            (1, 12.706_204_736),
            (2, 4.302_652_730),
            (4, 2.776_445_105),
            (9, 2.262_157_163),
            (19, 2.093_024_054),
            (100, 1.983_971_519),
            (255, 1.969_310_570),
            (1000, 1.962_339_081),
        ] {
            assert!((t_quantile(degrees) - published).abs() < 2e-9, "{degrees}: {}", t_quantile(degrees));
        }
    }

    #[test]
    fn four_numbers_by_hand() {
        let moments: Moments = [2.0, 4.0, 4.0, 6.0].into_iter().collect();
        assert_eq!(moments.count(), 4);
        assert_eq!(moments.mean(), Some(4.0));
        assert!((moments.deviation().unwrap() - (8.0f64 / 3.0).sqrt()).abs() < 1e-15);
        let half = 3.182_446_305 * (8.0f64 / 3.0).sqrt() / 2.0;
        assert!((moments.half_width().unwrap() - half).abs() < 1e-9);
        let (low, high) = moments.interval().unwrap();
        assert!((low - (4.0 - half)).abs() < 1e-9 && (high - (4.0 + half)).abs() < 1e-9);
    }

    #[test]
    fn too_few_numbers_have_no_interval() {
        assert_eq!(Moments::default().mean(), None);
        let one: Moments = [7.0].into_iter().collect();
        assert_eq!((one.mean(), one.interval()), (Some(7.0), None));
    }

    #[test]
    fn small_differences_of_large_numbers_survive() {
        let moments: Moments = [1e15, 1e15 + 1.0, 1e15 + 2.0].into_iter().collect();
        assert_eq!(moments.mean(), Some(1e15 + 1.0));
        assert_eq!(moments.deviation(), Some(1.0));
        let same: Moments = std::iter::repeat_n(0.1, 1000).collect();
        assert_eq!((same.mean(), same.half_width()), (Some(0.1), Some(0.0)));
    }
}
