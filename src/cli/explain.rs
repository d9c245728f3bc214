//! The command `explain`: why an agent chose what it chose, as text.

use super::wrap::{JOINED, wrapped};
use super::{Failure, Screen, replicates};
use crate::explain::{Choice, ExplainError, Query, Review, Tip, meaning, read};
use crate::units::Month;
use clap::Args;
use std::path::PathBuf;

/// The rule behind what tips a choice, for `--help`.
const RULE: &str = "\
What tips a choice: each term alone is multiplied by one factor, 0 at least, in all options of the \
choice at once, as if the parameter in front of it were that much larger or smaller. The smallest \
change, as a share of the term, that makes another option the best is stated with three digits, \
rounded away from no change, so that the factor stated does tip the choice. Choices are looked at one \
by one: a change is not carried over to the other choices, agents or months.";

#[derive(Args)]
#[command(after_long_help = RULE)]
pub struct ExplainArgs {
    /// Folder of results of a run with --decisions
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Platform, class of banks (its typical bank), or, after --per-bank, a bank such as rural:17
    #[arg(long, value_name = "ID")]
    agent: String,
    /// The last review at or before this month [default: the last of all]
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
    /// Replicate [default: the first]
    #[arg(long, value_name = "R", value_parser = replicates)]
    replicate: Option<u32>,
    /// Scenario, where the folder holds several
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

/// Prints the account of a review, even if told to be quiet.
pub fn explain(args: ExplainArgs, screen: &Screen) -> Result<(), Failure> {
    let ExplainArgs { folder, agent, month, replicate, scenario } = args;
    let query = Query { agent, month, replicate, scenario };
    let review = read(&folder, &query).map_err(|error| match error {
        ExplainError::Io { .. } => Failure::Run(error.to_string()),
        _ => Failure::Input(error.to_string()),
    })?;
    screen.output(&account(&query, &review, screen.color_output))
}

/// Changes that are shown on a line of their own.
const NEAREST: usize = 4;

/// Text under way.
struct Page {
    text: String,
    color: bool,
}

impl Page {
    fn heading(&mut self, text: &str) {
        if self.color {
            self.text.push_str(&format!("\u{1b}[1m{text}\u{1b}[0m\n"));
        } else {
            self.line(text);
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// Text broken between words, `first` before its first line and as much space before the others.
    fn wrapped(&mut self, first: &str, text: &str) {
        self.text.push_str(&wrapped(first, text));
    }
}

/// The whole account.
fn account(query: &Query, review: &Review, color: bool) -> String {
    let mut page = Page { text: String::new(), color };
    let bank = review.choices.iter().any(|choice| choice.name == "data_source");
    page.heading(&query.agent);
    let last = match query.month {
        Some(month) if month == review.month => String::new(),
        Some(month) => format!(", the last at or before {month}"),
        None => ", the last of the run".into(),
    };
    let typical = if bank && !query.agent.contains(':') {
        ", of its typical bank: the first of the class that reviews"
    } else {
        ""
    };
    let Review { scenario, replicate, month, .. } = review;
    page.wrapped("", &format!("Review of {month} in {scenario}, replicate {replicate}{last}{typical}."));
    if let Some(choice) = review.choices.first() {
        let reference = Money { scale: Scale::of(choice.reference_cny), per: per(bank) };
        let of =
            if bank { "profit without data" } else { "expected commissions at the start of the calendar" };
        page.wrapped(
            "",
            &format!("A utility of 1 is worth its {of}: {}.", reference.full(choice.reference_cny)),
        );
    }
    for choice in &review.choices {
        page.text.push('\n');
        explain_choice(&mut page, choice, bank);
    }
    if review.choices.iter().any(left) {
        page.text.push('\n');
        page.wrapped(
            "",
            "It leaves loan partnerships: the order binds it no more, and it delivers nothing, whatever it \
             chose above.",
        );
    }
    page.text
}

fn per(bank: bool) -> &'static str {
    if bank { "per application" } else { "a month" }
}

/// Whether the choice is to leave partnerships.
fn left(choice: &Choice) -> bool {
    choice.name == "stay_in_partnership" && choice.options[choice.chosen].name == "leave"
}

/// What is chosen, in words.
fn subject(choice: &str) -> String {
    match choice.split_once(':') {
        Some(("deliver", agency)) => format!("share of its data to deliver to {agency}, step by step"),
        _ => match choice {
            "sell_directly" => "sell data to banks directly, or stop".into(),
            "stay_in_partnership" => "stay in loan partnerships, or leave them and the order".into(),
            "data_source" => "where to get data on applicants from".into(),
            _ => String::new(),
        },
    }
}

fn explain_choice(page: &mut Page, choice: &Choice, bank: bool) {
    let subject = subject(&choice.name);
    let colon = if subject.is_empty() { "" } else { " - " };
    page.heading(&format!("{}{colon}{subject}", choice.name));
    let money = Money { scale: Scale::of(largest(choice)), per: per(bank) };
    let chosen = &choice.options[choice.chosen];
    let Some(runner_up) = choice.runner_up() else {
        page.wrapped("  ", &format!("Chose {}, the only option.", chosen.name));
        terms(page, choice, choice.chosen, &money);
        return;
    };
    let rival = &choice.options[runner_up];
    let margin = chosen.total() - rival.total();
    let amount = money.full(margin.abs() * choice.reference_cny);
    let shown = format!("{amount} ({:.1} % of the reference)", 100.0 * margin.abs());
    let best = margin >= 0.0;
    let (option, other) = (&chosen.name, &rival.name);
    if best {
        page.wrapped("  ", &format!("Chose {option} over {other}, by {shown}."));
    } else {
        let why = "one agency is enough for it, and another one is worth more still";
        page.wrapped("  ", &format!("Chose {option} although {other} is better here, by {shown}: {why}."));
    }
    let totals = choice.options.iter().map(|option| {
        format!("{}{JOINED}({})", option.name, money.number(option.total() * choice.reference_cny))
    });
    page.wrapped(
        "  ",
        &format!("Options and totals, {}: {}", money.unit(), totals.collect::<Vec<_>>().join(", ")),
    );
    terms(page, choice, runner_up, &money);
    if best {
        tips(page, choice, &money);
    }
}

/// The largest amount of a term or total, CNY.
fn largest(choice: &Choice) -> f64 {
    let amounts = choice
        .options
        .iter()
        .flat_map(|option| option.terms.iter().map(|(_, value)| *value).chain([option.total()]));
    amounts.fold(0.0, |largest: f64, amount| largest.max((amount * choice.reference_cny).abs()))
}

/// The terms of the option chosen and of another one, side by side; alone if it is the same.
fn terms(page: &mut Page, choice: &Choice, other: usize, money: &Money) {
    let (chosen, rival) = (&choice.options[choice.chosen], &choice.options[other]);
    let alone = other == choice.chosen;
    let second = if chosen.total() >= rival.total() { "runner-up" } else { "best here" };
    let mut rows = vec![[money.unit(), "chosen".into(), second.into(), "difference".into(), String::new()]];
    let row = |name: &str, a: f64, b: f64, meaning: &str| {
        let number = |value: f64| money.number(value * choice.reference_cny);
        [name.to_string(), number(a), number(b), number(a - b), meaning.to_string()]
    };
    for name in choice.terms() {
        let (a, b) = (chosen.term(name), rival.term(name));
        if a != 0.0 || b != 0.0 {
            rows.push(row(name, a, b, meaning(name).unwrap_or_default()));
        }
    }
    rows.push(row("total", chosen.total(), rival.total(), ""));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    for [name, a, b, difference, meaning] in &rows {
        let mut line = format!("    {name:<0$}  {a:>1$}", widths[0], widths[1]);
        if !alone {
            line.push_str(&format!("  {b:>0$}  {difference:>1$}", widths[2], widths[3]));
        }
        page.wrapped(&format!("{line}  "), meaning);
    }
}

/// What would have tipped the choice, the smallest changes first.
fn tips(page: &mut Page, choice: &Choice, money: &Money) {
    let names = choice.terms();
    let mut found: Vec<(&str, Tip)> =
        names.iter().filter_map(|name| Some((*name, choice.tip(name)?))).collect();
    found.sort_by(|a, b| (a.1.factor.value() - 1.0).abs().total_cmp(&(b.1.factor.value() - 1.0).abs()));
    if let Some((name, tip)) = found.first() {
        let words = name.replace('_', " ");
        let option = &choice.options[tip.best].name;
        let had = match tip.factor.to_string().as_str() {
            "0" => format!("without the {words}"),
            factor => format!("had the {words} been {factor} times as large"),
        };
        page.wrapped("  ", &format!("Nearest: {option} would have been the best {had}."));
        page.line("  What tips it, one term at a time, times a factor in all options:");
    }
    let near = &found[..found.len().min(NEAREST)];
    let width = near.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let factors: Vec<String> =
        near.iter().map(|(_, tip)| format!("x {} ({})", tip.factor, tip.factor.percent())).collect();
    let factor_width = factors.iter().map(|factor| factor.chars().count()).max().unwrap_or(0);
    for ((name, tip), factor) in near.iter().zip(&factors) {
        page.wrapped(
            &format!("    {name:width$}  {factor:factor_width$}  "),
            &moved(choice, name, *tip, money),
        );
    }
    let far: Vec<String> =
        found[near.len()..].iter().map(|(name, tip)| format!("{name} x {}", tip.factor)).collect();
    if !far.is_empty() {
        page.wrapped("    ", &format!("further off: {}", far.join(", ")));
    }
    let never = |zero: bool| -> Vec<&str> {
        let absent = |name: &str| choice.options.iter().all(|option| option.term(name) == 0.0);
        let rest = names.iter().filter(|name| found.iter().all(|(other, _)| other != *name));
        rest.filter(|name| absent(name) == zero).copied().collect()
    };
    let (zero, idle) = (never(true), never(false));
    if !idle.is_empty() {
        page.wrapped("  ", &format!("Would not tip it at any size: {}", idle.join(", ")));
    }
    if !zero.is_empty() {
        page.wrapped("  ", &format!("0 in every option: {}", zero.join(", ")));
    }
}

/// What the change of a term is in money, where it weighs most of the option chosen and the new best.
fn moved(choice: &Choice, term: &str, tip: Tip, money: &Money) -> String {
    let value = |option: usize| choice.options[option].term(term) * choice.reference_cny;
    let (chosen, best) = (value(choice.chosen), value(tip.best));
    let (place, from) = if best.abs() >= chosen.abs() { (tip.best, best) } else { (choice.chosen, chosen) };
    let new = &choice.options[tip.best].name;
    let amounts = format!("from {} to {}", money.number(from), money.number(from * tip.factor.value()));
    if place == tip.best {
        format!("{amounts} for {new}, then the best")
    } else {
        format!("{amounts} for {}; then {new} is best", choice.options[place].name)
    }
}

/// How amounts of one choice are written.
struct Money {
    scale: Scale,
    per: &'static str,
}

/// A divisor of amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    divisor: f64,
    name: &'static str,
    decimals: usize,
}

impl Scale {
    /// For amounts up to `largest`, CNY: three digits of it at least.
    fn of(largest: f64) -> Scale {
        let (divisor, name) = match largest.abs() {
            size if size >= 0.9995e9 => (1e9, " bn"),
            size if size >= 0.9995e6 => (1e6, " m"),
            _ => (1.0, ""),
        };
        let decimals = match largest.abs() / divisor {
            size if size >= 9999.5 => 0,
            size if name.is_empty() || (9.9995..99.995).contains(&size) => 2,
            size if size >= 99.995 => 1,
            _ => 3,
        };
        Scale { divisor, name, decimals }
    }
}

impl Money {
    fn unit(&self) -> String {
        format!("CNY{} {}", self.scale.name, self.per)
    }

    /// An amount, without its unit; 0 where it is exactly that.
    fn number(&self, cny: f64) -> String {
        if cny == 0.0 {
            return "0".into();
        }
        let text = format!("{:.*}", self.scale.decimals, (cny / self.scale.divisor).abs());
        let (whole, decimals) = text.split_once('.').map_or((&text[..], None), |(a, b)| (a, Some(b)));
        let mut number = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                number.push(',');
            }
            number.push(digit);
        }
        if let Some(decimals) = decimals {
            number = format!("{number}.{decimals}");
        }
        let negative = cny < 0.0 && number.chars().any(|c| c.is_ascii_digit() && c != '0');
        if negative { format!("-{number}") } else { number }
    }

    /// An amount with its unit.
    fn full(&self, cny: f64) -> String {
        format!("CNY {}{} {}", self.number(cny), self.scale.name, self.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{TERMS, Weighed};

    fn choice(name: &str, options: &[(&str, f64)], chosen: usize) -> Choice {
        let weighed = |(name, value): &(&str, f64)| Weighed {
            name: name.to_string(),
            terms: vec![("goodwill".into(), *value), ("taste".into(), 0.0)],
        };
        let options = options.iter().map(weighed).collect();
        Choice { name: name.into(), options, chosen, reference_cny: 2e6 }
    }

    fn account_of(choices: Vec<Choice>) -> String {
        let query = Query { agent: "ant".into(), ..Query::default() };
        let review = Review { scenario: "low".into(), replicate: 1, month: Month::new(2022, 12), choices };
        account(&query, &review, false)
    }

    #[test]
    fn an_account_reads_as_it_was_meant() {
        let text = account_of(vec![choice("deliver:a", &[("0", 0.0), ("1", 0.5)], 1)]);
        let expected = "\
ant
Review of 2022-12 in low, replicate 1, the last of the run.
A utility of 1 is worth its expected commissions at the start of the calendar: CNY 2.000 m a month.

deliver:a - share of its data to deliver to a, step by step
  Chose 1 over 0, by CNY 1.000 m a month (50.0 % of the reference).
  Options and totals, CNY m a month: 0 (0), 1 (1.000)
    CNY m a month  chosen  runner-up  difference
    goodwill        1.000          0       1.000  favour with the regulator
    total           1.000          0       1.000
  Nearest: 0 would have been the best without the goodwill.
  What tips it, one term at a time, times a factor in all options:
    goodwill  x 0 (-100 %)  from 1.000 to 0 for 1; then 0 is best
  0 in every option: taste
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_needs_another_word_gets_it() {
        let text = account_of(vec![
            choice("deliver:a", &[("0", 0.0), ("1", 0.5)], 0),
            choice("stay_in_partnership", &[("stay", -1.0), ("leave", 0.0)], 1),
        ]);
        assert!(text.contains("Chose 0 although 1 is better here, by CNY 1.000 m a month"), "{text}");
        assert!(text.contains("one agency") && text.contains("best here"), "{text}");
        assert!(text.contains("It leaves loan partnerships"), "{text}");
        let text = account_of(vec![choice("data_source", &[("none", 0.5)], 0)]);
        assert!(text.contains(" of its typical bank: "), "{text}");
        assert!(text.contains("Chose none, the only option.\n"), "{text}");
        assert!(!text.contains("runner-up") && !text.contains("Nearest"), "{text}");
    }

    #[test]
    fn lines_are_not_too_long() {
        let long: Vec<String> = (0..12).map(|i| format!("an_agency_with_a_long_name_{i}")).collect();
        let options: Vec<(&str, f64)> =
            long.iter().zip(1..).map(|(name, i)| (name.as_str(), f64::from(i))).collect();
        let text = account_of(vec![choice("data_source", &options, 11)]);
        for line in text.lines() {
            assert!(line.chars().count() <= crate::cli::wrap::WIDTH, "{line}");
        }
        for (name, meaning) in TERMS {
            assert!(meaning.chars().count() <= 46, "{name}: {meaning}");
        }
    }

    #[test]
    fn amounts_have_three_digits_and_no_negative_zero() {
        let money = |largest: f64| Money { scale: Scale::of(largest), per: "a month" };
        assert_eq!(money(-28.04e6).number(-28.04e6), "-28.04");
        assert_eq!(money(28.04e6).number(-1.0), "0.00");
        assert_eq!(money(1.5e12).number(1.5e12), "1,500.0");
        assert_eq!(money(5.5e9).full(5.503e9), "CNY 5.503 bn a month");
        assert_eq!(money(319.5).full(-0.184), "CNY -0.18 a month");
        assert_eq!(money(12_345.6).number(-12_345.6), "-12,346");
        assert_eq!(money(0.0).number(0.0), "0");
    }
}
