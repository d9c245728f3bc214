//! Figures and names as people read them, and text made safe for a page.

use super::super::terminal::{digits, grouped, scale, unsigned_zero};
use crate::scenario::Scenario;
use crate::stats::Moments;
use std::fmt::Write;

/// What stands where there is no figure.
pub const ABSENT: &str = "–";

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A share, in percent with this many decimals.
    Percent(usize),
    /// An amount of money in CNY.
    Money,
    /// A count or any other number.
    Number,
}

/// A mean with half the width of its 95 % interval, if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Half the width of the interval.
    pub half: Option<f64>,
}

impl Estimate {
    /// Of numbers; `None` if there are none.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Option<Estimate> {
        let moments: Moments = numbers.collect();
        Some(Estimate { mean: moments.mean()?, half: moments.half_width() })
    }

    /// Of a mean and the upper end of its interval.
    pub fn with_high(mean: f64, high: Option<f64>) -> Estimate {
        Estimate { mean, half: high.map(|high| high - mean) }
    }
}

impl Kind {
    /// A number alone.
    pub fn plain(self, number: f64) -> String {
        self.estimate(Estimate { mean: number, half: None })
    }

    /// A mean, with ± where there is an interval.
    pub fn estimate(self, estimate: Estimate) -> String {
        self.written(estimate, "%", self.currency())
    }

    /// A difference without its sign; those of shares are in percentage points.
    pub fn difference(self, estimate: Estimate) -> String {
        let size = Estimate { mean: estimate.mean.abs(), half: estimate.half };
        self.written(size, "percentage points", self.currency())
    }

    /// A difference with its sign.
    pub fn signed(self, estimate: Estimate) -> String {
        let text = self.written(estimate, "points", self.currency());
        if estimate.mean > 0.0 && !text.starts_with(ABSENT) { format!("+{text}") } else { text }
    }

    fn currency(self) -> &'static str {
        if self == Kind::Money { "CNY\u{a0}" } else { "" }
    }

    fn written(self, estimate: Estimate, percent: &str, currency: &str) -> String {
        let Estimate { mean, half } = estimate;
        if !mean.is_finite() {
            return ABSENT.into();
        }
        let (divisor, unit) = match self {
            Kind::Percent(_) => (0.01, String::new()),
            Kind::Money | Kind::Number => {
                let (divisor, unit) = scale(mean);
                (divisor, unit.replace(' ', "\u{a0}"))
            }
        };
        let places = match self {
            Kind::Percent(places) => places,
            _ if unit.is_empty() && mean.abs() >= 1000.0 => 0,
            Kind::Money if unit.is_empty() => 0,
            Kind::Number if unit.is_empty() => usize::from(mean.fract() != 0.0 || half.is_some()),
            _ => digits(mean / divisor),
        };
        let number = |value: f64| {
            let scaled = value / divisor;
            if places == 0 { grouped(scaled) } else { unsigned_zero(format!("{scaled:.places$}")) }
        };
        let shown = number(mean);
        let (sign, shown) = shown.strip_prefix('-').map_or(("", &shown[..]), |rest| ("\u{2212}", rest));
        let mut text = format!("{sign}{currency}{shown}{unit}");
        if let Some(half) = half.filter(|half| half.is_finite()) {
            let _ = write!(text, "\u{a0}±\u{a0}{}", number(half));
            if !unit.is_empty() {
                text.push_str(&unit);
            }
        }
        if matches!(self, Kind::Percent(_)) {
            let _ = write!(text, "\u{a0}{percent}");
        }
        text
    }

    /// Unit of an axis that reaches to `most`, and what a number is divided by there.
    pub fn axis(self, most: f64) -> (f64, String) {
        match self {
            Kind::Percent(_) => (0.01, "percent".into()),
            Kind::Money | Kind::Number => {
                let (divisor, unit) = scale(most);
                let unit = match unit.trim() {
                    "tn" => "trillion",
                    "bn" => "billion",
                    "m" => "million",
                    _ => "",
                };
                let text = format!("{} {unit}", self.currency());
                (divisor, text.replace('\u{a0}', "").trim().into())
            }
        }
    }
}

/// Text from a file, safe within an element and within a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            // No page may hold them; a browser would drop or replace them.
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// The letter or letters of a scenario: A to Z, then AA and so on.
pub fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    if index < 26 { last.into() } else { format!("{}{last}", letter(index / 26 - 1)) }
}

/// How a sentence names a scenario: its letter and name, where there are several.
pub fn named(scenarios: &[Scenario], index: usize) -> String {
    if scenarios.len() == 1 {
        scenarios[0].name.clone()
    } else {
        format!("{} ({})", letter(index), scenarios[index].name)
    }
}

/// A list as one says it: `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// With a capital at its front.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        let estimate = |mean, half| Estimate { mean, half: Some(half) };
        let plain = |text: String| text.replace('\u{a0}', " ");
        assert_eq!(plain(Kind::Percent(1).estimate(estimate(0.8801, 0.067))), "88.0 ± 6.7 %");
        assert_eq!(plain(Kind::Money.estimate(estimate(23.3e12, 0.3e12))), "CNY 23.3 tn ± 0.3 tn");
        assert_eq!(plain(Kind::Money.signed(estimate(-3.68e9, 1e9))), "\u{2212}CNY 3.68 bn ± 1.00 bn");
        assert_eq!(plain(Kind::Percent(1).difference(estimate(-0.01, 0.002))), "1.0 ± 0.2 percentage points");
        assert_eq!(plain(Kind::Number.plain(3551.0)), "3,551");
        assert_eq!(Kind::Money.plain(f64::NAN), ABSENT);
        assert_eq!(Kind::Money.axis(23e12), (1e12, "CNY trillion".into()));
    }

    #[test]
    fn nothing_from_a_file_ends_an_element_or_an_attribute() {
        assert_eq!(escape("\"><img src='x'>&\u{0}"), "&quot;&gt;&lt;img src=&#39;x&#39;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn scenarios_have_letters() {
        assert_eq!([letter(0), letter(25), letter(26), letter(52)], ["A", "Z", "AA", "BA"]);
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
