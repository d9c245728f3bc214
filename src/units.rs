//! Months and money: the units in which the whole program counts.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

/// A calendar month, such as `2022-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

/// Text that is not a month `YYYY-MM` of the years 1000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a month: write YYYY-MM, such as 2022-12")]
pub struct NotAMonth;

impl Month {
    /// The month `month` (1 to 12) of `year`.
    pub const fn new(year: i32, month: u32) -> Month {
        assert!(month >= 1 && month <= 12, "months of a year run from 1 to 12");
        Month(year * 12 + month as i32 - 1)
    }

    /// Months from `earlier` to this one; negative when this one is the earlier.
    pub const fn since(self, earlier: Month) -> i32 {
        self.0 - earlier.0
    }

    /// The month `count` months later (earlier when negative).
    pub const fn plus(self, count: i32) -> Month {
        Month(self.0 + count)
    }

    /// Months since January of the year 0: a number that no two months share.
    pub const fn ordinal(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Month, NotAMonth> {
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or(NotAMonth)?;
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(NotAMonth);
        }
        let (year, month): (i32, u32) =
            (year.parse().map_err(|_| NotAMonth)?, month.parse().map_err(|_| NotAMonth)?);
        if year < 1000 || !(1..=12).contains(&month) {
            return Err(NotAMonth);
        }
        Ok(Month::new(year, month))
    }
}

/// The month from which a rule acts, or `never`, which is later than every month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleMonth {
    /// The first month in which the rule acts.
    From(Month),
    /// The rule does not exist.
    Never,
}

impl RuleMonth {
    /// Whether the rule acts in `month`.
    pub fn acts_in(self, month: Month) -> bool {
        matches!(self, RuleMonth::From(from) if from <= month)
    }

    /// Months until the rule acts: 0 once it does, `None` if it never will.
    pub fn months_ahead(self, month: Month) -> Option<u32> {
        match self {
            RuleMonth::From(from) => Some(from.since(month).max(0) as u32),
            RuleMonth::Never => None,
        }
    }

    /// The month itself, if there is one.
    pub fn month(self) -> Option<Month> {
        match self {
            RuleMonth::From(month) => Some(month),
            RuleMonth::Never => None,
        }
    }
}

impl fmt::Display for RuleMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleMonth::From(month) => month.fmt(f),
            RuleMonth::Never => f.write_str("never"),
        }
    }
}

/// An amount of money in fen (1/100 CNY), the integer minor unit in which accounts are kept.
///
/// 128 bits, since fees are allowed up to 10^9 CNY a query and populations up to 10^10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i128);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// The amount nearest to `cny`.
    pub fn from_cny(cny: f64) -> Money {
        assert!(cny.is_finite(), "an amount of money must be finite, not {cny}");
        Money(nearest(cny * 100.0))
    }

    /// The amount in CNY, rounded to the nearest floating-point number.
    pub fn cny(self) -> f64 {
        self.number() / 100.0
    }

    /// This share of the amount, rounded to the nearest fen.
    pub fn share(self, share: f64) -> Money {
        Money(nearest(self.number() * share))
    }

    /// The floating-point number nearest to the amount in fen.
    fn number(self) -> f64 {
        // From 64 bits it is quicker, and the same.
        i64::try_from(self.0).map_or_else(|_| self.0 as f64, |fen| fen as f64)
    }
}

/// The whole number nearest to `x`, away from zero where two are.
fn nearest(x: f64) -> i128 {
    // Rounding and 128 bits take their time, and hardly any amount needs them.
    if x.abs() < (1u64 << 52) as f64 {
        let whole = x as i64;
        let rest = x - whole as f64;
        i128::from(whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5))
    } else {
        x.round() as i128
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fen) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        if fen == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fen:02}") }
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl Mul<i128> for Money {
    type Output = Money;
    fn mul(self, count: i128) -> Money {
        Money(self.0 * count)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_read_and_print_alike() {
        for text in ["1000-01", "2021-01", "2022-12", "9999-12"] {
            assert_eq!(text.parse::<Month>().unwrap().to_string(), text);
        }
        for text in ["2022-13", "2022-00", "2022-1", "22-01", "2022", "never", "2022-+1", "０022-01", ""] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth), "{text}");
        }
    }

    #[test]
    fn months_are_counted_across_years() {
        let deadline = Month::new(2022, 12);
        assert_eq!(deadline.since(Month::new(2021, 1)), 23);
        assert_eq!(deadline.plus(1), Month::new(2023, 1));
        assert_eq!(Month::new(2021, 1).plus(-36), Month::new(2018, 1));
    }

    #[test]
    fn a_deadline_is_one_month_ahead_in_the_month_before_it() {
        let deadline = RuleMonth::From(Month::new(2022, 12));
        assert_eq!(deadline.months_ahead(Month::new(2022, 11)), Some(1));
        assert_eq!(deadline.months_ahead(Month::new(2022, 12)), Some(0));
        assert_eq!(deadline.months_ahead(Month::new(2023, 6)), Some(0));
        assert!(!deadline.acts_in(Month::new(2022, 11)));
        assert!(deadline.acts_in(Month::new(2022, 12)));
        assert!(!RuleMonth::Never.acts_in(Month::new(9999, 12)));
        assert_eq!(RuleMonth::Never.months_ahead(Month::new(2022, 11)), None);
        assert_eq!((deadline.to_string(), RuleMonth::Never.to_string()), ("2022-12".into(), "never".into()));
    }

    #[test]
    fn amounts_are_rounded_as_numbers_are() {
        for x in [0.0, 0.3, 0.5f64.next_down(), 0.5, 1.5, 2.5, 7e9 + 0.5, 4_503_599_627_370_495.5, 4e15 + 0.5]
        {
            for x in [x, -x, x.next_up(), x.next_down(), x * 1e12] {
                assert_eq!(nearest(x), x.round() as i128, "{x}");
            }
        }
    }

    #[test]
    fn money_is_kept_to_the_fen() {
        assert_eq!(Money::from_cny(2.74), Money(274));
        assert_eq!(Money(-1234).to_string(), "-12.34");
        assert_eq!(Money(-34).to_string(), "-0.34");
        assert_eq!((Money(100).to_string(), Money::ZERO.to_string()), ("1".into(), "0".into()));
        assert_eq!(-Money(5), Money(-5));
        assert_eq!(Money(101).share(0.5), Money(51));
        assert_eq!([Money(1), Money(2)].into_iter().sum::<Money>() * 2 - Money(1), Money(5));
    }
}
