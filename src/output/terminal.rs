//! The closing summary on the terminal: the handful of figures that answer the question.

use crate::scenario::Scenario;
use crate::stats::Moments;
use crate::summary::{SummaryRow, before_deadline, outcome_index};
use crate::tables::{PlatformMonthRow, Row, RunRows};
use crate::units::Month;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the closing summary needs of the runs of some scenarios, gathered run by run.
pub struct Digest<'a> {
    scenarios: Vec<ScenarioDigest<'a>>,
}

/// What is said of the runs as a whole.
pub struct Frame {
    /// Seed.
    pub seed: u64,
    /// Where the files are and what else the user must know, a line each.
    pub closing: Vec<String>,
    /// Whether headings may be bold.
    pub color: bool,
}

struct ScenarioDigest<'a> {
    scenario: &'a Scenario,
    replicates: u32,
    outcomes: Vec<Moments>,
    /// The lowest and the highest value of each outcome in any replicate.
    ranges: Vec<Option<(f64, f64)>>,
    half_compliant: Vec<Month>,
    compliant: Vec<Month>,
    platforms_before_deadline: Delivered,
    platforms_end: Delivered,
}

/// Delivered shares by platform.
type Delivered = BTreeMap<String, Moments>;

impl<'a> Digest<'a> {
    /// Of no runs yet.
    pub fn new(scenarios: &'a [Scenario]) -> Digest<'a> {
        Digest { scenarios: scenarios.iter().map(ScenarioDigest::new).collect() }
    }

    /// Takes in one run of the scenario of this index.
    pub fn run(&mut self, scenario: usize, rows: &RunRows, summary: &SummaryRow) {
        self.scenarios[scenario].run(rows, summary);
    }

    /// The closing summary: a page on one scenario, or several side by side.
    pub fn render(&self, frame: &Frame) -> String {
        let mut page = Page { text: String::new(), color: frame.color };
        match &self.scenarios[..] {
            [one] => one.render(&mut page, frame.seed),
            several => side_by_side(&mut page, several, frame.seed),
        }
        page.text.push('\n');
        for line in &frame.closing {
            page.text.push_str(line);
            page.text.push('\n');
        }
        page.text
    }
}

impl<'a> ScenarioDigest<'a> {
    fn new(scenario: &'a Scenario) -> ScenarioDigest<'a> {
        ScenarioDigest {
            scenario,
            replicates: 0,
            outcomes: vec![Moments::default(); SummaryRow::COLUMNS.len()],
            ranges: vec![None; SummaryRow::COLUMNS.len()],
            half_compliant: Vec::new(),
            compliant: Vec::new(),
            platforms_before_deadline: BTreeMap::new(),
            platforms_end: BTreeMap::new(),
        }
    }

    fn run(&mut self, rows: &RunRows, summary: &SummaryRow) {
        self.replicates += 1;
        for ((moments, range), cell) in self.outcomes.iter_mut().zip(&mut self.ranges).zip(summary.cells()) {
            moments.extend(cell.number());
            if let Some(number) = cell.number() {
                let (low, high) = range.unwrap_or((number, number));
                *range = Some((low.min(number), high.max(number)));
            }
        }
        self.half_compliant.extend(summary.month_half_compliant);
        self.compliant.extend(summary.month_compliant);
        let before = before_deadline(self.scenario);
        let end = rows.months.last().map(|row| row.month);
        for row in &rows.platforms {
            if Some(row.month) == before {
                take_in(&mut self.platforms_before_deadline, row);
            }
            if Some(row.month) == end {
                take_in(&mut self.platforms_end, row);
            }
        }
    }

    fn render(&self, page: &mut Page, seed: u64) {
        page.heading(&self.scenario.title);
        page.plain(&format!("{}, seed {seed}", self.runs()));
        page.plain(&format!("{}{}", self.users(), self.interval_note()));
        self.delivery(page);
        self.sales(page);
        self.costs(page);
        self.credit(page);
    }

    fn runs(&self) -> String {
        let calendar = &self.scenario.parameters.calendar;
        let end = calendar.start.plus(calendar.months as i32 - 1);
        let replicates = counted(self.replicates, "replicate");
        format!("{}: {replicates} of {} to {end}", self.scenario.name, calendar.start)
    }

    fn users(&self) -> String {
        let users = &self.scenario.parameters.users;
        format!("{} users stand for {} persons", grouped(users.sample as f64), count(users.population as f64))
    }

    fn interval_note(&self) -> &'static str {
        if self.replicates > 1 { "; ± is the 95 % interval of the mean" } else { "" }
    }

    fn delivery(&self, page: &mut Page) {
        page.heading("Delivery");
        let before = before_deadline(self.scenario);
        if let Some(month) = before
            && self.mean("delivered_share_before_deadline").is_some()
        {
            let shares =
                self.delivered("delivered_share_before_deadline", "delivered_share_reported_before_deadline");
            page.line(&format!("before the deadline, {month}"), &shares);
            page.optional("  most", most(&self.platforms_before_deadline));
        }
        if self.mean("delivered_share_end").is_some() {
            let shares = self.delivered("delivered_share_end", "delivered_share_reported_end");
            page.line("at the end", &shares);
        } else {
            page.line("at the end", "nobody is bound to deliver");
        }
        page.optional("  most", most(&self.platforms_end));
        page.optional("  least", least(&self.platforms_end));
        if let (Some(compliant), Some(bound)) =
            (self.mean("compliant_platforms_end"), self.mean("platforms_bound_end"))
        {
            let text = format!("{} of {} bound platforms", tenth(compliant), tenth(bound));
            page.line("  who complies", &text);
            page.line("half of them comply", &first_months(&self.half_compliant, self.replicates));
            page.line("all of them comply", &first_months(&self.compliant, self.replicates));
        }
    }

    fn delivered(&self, truly: &str, reported: &str) -> String {
        format!("{} delivered, {} reported", self.percent(truly), self.percent(reported))
    }

    fn sales(&self, page: &mut Page) {
        page.heading("Sales of data");
        if self.mean("unlawful_query_share_mean").is_some() {
            let text = format!("{} of decisions", self.percent("unlawful_query_share_mean"));
            page.line("unlawful, from the ban on", &text);
            let text = format!("{} of decisions", self.percent("unlawful_share_of_enriched_mean"));
            page.line("  where data were bought", &text);
            page.line("  fees", &self.money("unlawful_fees_cny_total"));
        }
        page.line("fees of direct sales", &self.money("direct_fees_cny_total"));
        page.line("fees of agencies", &self.money("agency_fees_cny_total"));
        page.line("decisions at the end with", "");
        page.line("  agencies' data", &self.percent_and_range("agency_query_share_end"));
        page.line("  direct data", &self.percent_and_range("direct_query_share_end"));
        page.line("  no bought data", &self.percent_and_range("unenriched_query_share_end"));
    }

    fn costs(&self, page: &mut Page) {
        page.heading("Costs");
        let text = format!(
            "{}; costs up {} at the end",
            self.money("compliance_cost_cny_total"),
            self.percent("cost_increase_mean_end"),
        );
        page.line("of delivering, to platforms", &text);
        page.line("fines", &self.money("fines_cny_total"));
        let text = format!(
            "{}, {} findings, at {}",
            self.count("audits_total"),
            self.count("violations_found_total"),
            self.money("supervision_cost_cny_total"),
        );
        page.line("audits", &text);
    }

    fn credit(&self, page: &mut Page) {
        page.heading("Credit");
        page.line(
            "loans at the end",
            &self.stock("loans_outstanding_cny_end", "loans_outstanding_growth_annual"),
        );
        let stock = self.stock("partnership_outstanding_cny_end", "partnership_outstanding_growth_annual");
        page.line("  in partnership", &stock);
        let text = format!("{} of applicants", self.percent("approval_rate_creditworthy_mean"));
        page.line("approved, if creditworthy", &text);
        let text = format!("{} of applicants", self.percent("approval_rate_creditworthy_thin_file_mean"));
        page.line("  and with a thin file", &text);
        let defaults = percent(self.outcome("default_rate_annual_mean"), 2);
        page.line("default", &format!("{defaults} of borrowers a year"));
        let several = self.percent("multiple_borrowers_share_end");
        page.line("owe two lenders or more", &format!("{several} of borrowers at the end"));
    }

    fn stock(&self, stock: &str, growth: &str) -> String {
        format!("{}, {} growth a year", self.money(stock), self.percent(growth))
    }

    /// With the lowest and the highest of single replicates, since replicates may fall into groups that
    /// a mean and its interval hide.
    fn percent_and_range(&self, name: &str) -> String {
        match self.ranges[outcome_index(name)] {
            Some((low, high)) if self.replicates > 1 => {
                format!("{} (replicates: {:.0} to {:.0})", self.percent(name), low * 100.0, high * 100.0)
            }
            _ => self.percent(name),
        }
    }

    fn outcome(&self, name: &str) -> &Moments {
        &self.outcomes[outcome_index(name)]
    }

    fn mean(&self, name: &str) -> Option<f64> {
        self.outcome(name).mean()
    }

    fn percent(&self, name: &str) -> String {
        percent(self.outcome(name), 1)
    }

    fn money(&self, name: &str) -> String {
        money(self.outcome(name))
    }

    fn count(&self, name: &str) -> String {
        self.mean(name).map_or_else(|| ABSENT.into(), count)
    }
}

fn take_in(delivered: &mut Delivered, row: &PlatformMonthRow) {
    delivered.entry(row.platform.clone()).or_default().extend(row.delivered_share);
}

/// Platforms that are named at either end.
const NAMED: usize = 3;

/// Platforms with the mean of what they deliver, the most first.
fn ranked(delivered: &Delivered) -> Vec<(&str, f64)> {
    let mut means: Vec<(&str, f64)> =
        delivered.iter().filter_map(|(id, moments)| Some((id.as_str(), moments.mean()?))).collect();
    means.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    means
}

/// The platforms that deliver most.
fn most(delivered: &Delivered) -> Option<String> {
    let ranked = ranked(delivered);
    list(&ranked[..ranked.len().min(NAMED)])
}

/// The platforms that deliver least, of those that [`most`] leaves out.
fn least(delivered: &Delivered) -> Option<String> {
    let ranked = ranked(delivered);
    let rest = &ranked[ranked.len().min(NAMED)..];
    list(&rest[rest.len() - rest.len().min(NAMED)..])
}

fn list(platforms: &[(&str, f64)]) -> Option<String> {
    let named: Vec<String> =
        platforms.iter().map(|(id, mean)| format!("{id} {:.0} %", mean * 100.0)).collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// The median of the first months, and in how many replicates there is one.
fn first_months(months: &[Month], replicates: u32) -> String {
    let mut sorted = months.to_vec();
    sorted.sort();
    match sorted.get(sorted.len().saturating_sub(1) / 2) {
        None => "never".into(),
        Some(median) if replicates == 1 => format!("from {median}"),
        Some(median) => format!("in {} of {replicates} replicates, from {median} (median)", months.len()),
    }
}

/// How a figure is written.
#[derive(Clone, Copy)]
enum Figure {
    Percent,
    /// Percent in two decimals.
    FinePercent,
    Money,
    Platforms,
}

/// The figures that stand side by side: what it is, its outcome, how it is written.
const FIGURES: [(&str, &str, Figure); 15] = [
    ("delivered before the deadline", "delivered_share_before_deadline", Figure::Percent),
    ("  as reported", "delivered_share_reported_before_deadline", Figure::Percent),
    ("delivered at the end", "delivered_share_end", Figure::Percent),
    ("  platforms that comply", "compliant_platforms_end", Figure::Platforms),
    ("unlawful decisions after ban", "unlawful_query_share_mean", Figure::Percent),
    ("agencies' share at the end", "agency_query_share_end", Figure::Percent),
    ("fees of agencies, CNY", "agency_fees_cny_total", Figure::Money),
    ("fees of direct sales, CNY", "direct_fees_cny_total", Figure::Money),
    ("cost of delivering, CNY", "compliance_cost_cny_total", Figure::Money),
    ("fines, CNY", "fines_cny_total", Figure::Money),
    ("approved, if creditworthy", "approval_rate_creditworthy_mean", Figure::Percent),
    ("  and with a thin file", "approval_rate_creditworthy_thin_file_mean", Figure::Percent),
    ("borrowers' default, a year", "default_rate_annual_mean", Figure::FinePercent),
    ("owe two lenders at the end", "multiple_borrowers_share_end", Figure::Percent),
    ("loans at the end, CNY", "loans_outstanding_cny_end", Figure::Money),
];

/// Width that scenarios side by side keep to, where more than one is left.
const WIDTH: usize = 100;

fn side_by_side(page: &mut Page, scenarios: &[ScenarioDigest<'_>], seed: u64) {
    let replicates = scenarios[0].replicates;
    page.plain(&format!(
        "{} scenarios, {} each, seed {seed}{}",
        scenarios.len(),
        counted(replicates, "replicate"),
        scenarios[0].interval_note()
    ));
    let label = FIGURES.iter().map(|(label, ..)| label.len()).max().unwrap_or(0);
    let columns: Vec<Vec<String>> = scenarios.iter().map(column).collect();
    let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let mut left = &columns[..];
    while !left.is_empty() {
        let mut taken = label;
        let fitting = left.iter().take_while(|column| {
            taken += 2 + width(column);
            taken <= WIDTH
        });
        let (abreast, others) = left.split_at(fitting.count().max(1));
        left = others;
        page.text.push('\n');
        for row in 0..=FIGURES.len() {
            let mut line = format!("{:<label$}", if row == 0 { "" } else { FIGURES[row - 1].0 });
            for column in abreast {
                let _ = write!(line, "  {:<1$}", column[row], width(column));
            }
            if row == 0 { page.heading(line.trim_end()) } else { page.plain(line.trim_end()) }
        }
    }
}

fn column(digest: &ScenarioDigest<'_>) -> Vec<String> {
    let figures = FIGURES.iter().map(|(_, outcome, figure)| {
        let moments = digest.outcome(outcome);
        match figure {
            Figure::Percent => percent(moments, 1),
            Figure::FinePercent => percent(moments, 2),
            Figure::Money => amount(moments),
            Figure::Platforms => moments.mean().map_or_else(|| ABSENT.into(), tenth),
        }
    });
    std::iter::once(digest.scenario.name.clone()).chain(figures).collect()
}

const ABSENT: &str = "-";

fn percent(moments: &Moments, decimals: usize) -> String {
    let Some(mean) = moments.mean() else { return ABSENT.into() };
    let number = |share: f64| unsigned_zero(format!("{:.decimals$}", share * 100.0));
    let interval = moments.half_width().map_or_else(String::new, |half| format!(" ± {}", number(half)));
    format!("{} %{interval}", number(mean))
}

fn money(moments: &Moments) -> String {
    if moments.mean().is_none() { ABSENT.into() } else { format!("CNY {}", amount(moments)) }
}

/// An amount of money without its currency.
fn amount(moments: &Moments) -> String {
    let Some(mean) = moments.mean() else { return ABSENT.into() };
    let (divisor, unit) = scale(mean);
    let digits = digits(mean / divisor);
    let number = |value: f64| {
        if unit.is_empty() { grouped(value) } else { unsigned_zero(format!("{:.digits$}", value / divisor)) }
    };
    let interval = moments.half_width().map_or_else(String::new, |half| format!(" ± {}", number(half)));
    format!("{}{unit}{interval}", number(mean))
}

/// An amount or count in three digits, negative ones too.
pub(super) fn amount_of(number: f64) -> String {
    unsigned_zero(count(number))
}

/// A count of persons or things in three digits: `1.02 bn`, `460 m`, `1,427`.
fn count(number: f64) -> String {
    match scale(number) {
        (_, "") if number.abs() < 1000.0 => tenth(number),
        (_, "") => grouped(number),
        (divisor, unit) => format!("{:.*}{unit}", digits(number / divisor), number / divisor),
    }
}

pub(super) fn scale(number: f64) -> (f64, &'static str) {
    // What rounds to 1000 of a unit is 1.00 of the next one.
    match number.abs() {
        size if size >= 0.9995e12 => (1e12, " tn"),
        size if size >= 0.9995e9 => (1e9, " bn"),
        size if size >= 0.9995e6 => (1e6, " m"),
        _ => (1.0, ""),
    }
}

/// Decimals that make three digits.
pub(super) fn digits(scaled: f64) -> usize {
    match scaled.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    }
}

/// With one decimal where it is not whole.
pub(super) fn tenth(number: f64) -> String {
    let text = unsigned_zero(format!("{number:.1}"));
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

/// Whole, with commas between thousands.
pub(super) fn grouped(number: f64) -> String {
    let text = format!("{:.0}", number.abs());
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0.0 && text != "0" { format!("-{grouped}") } else { grouped }
}

pub(super) fn unsigned_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.into(),
        _ => text,
    }
}

pub(super) fn counted(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Text under way.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) color: bool,
}

impl Page {
    pub(super) fn heading(&mut self, text: &str) {
        if self.color { self.plain(&format!("\u{1b}[1m{text}\u{1b}[0m")) } else { self.plain(text) }
    }

    pub(super) fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn line(&mut self, label: &str, text: &str) {
        self.plain(format!("  {label:<28}  {text}").trim_end());
    }

    fn optional(&mut self, label: &str, text: Option<String>) {
        if let Some(text) = text {
            self.line(label, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::units::{Money, RuleMonth};

    const START: Month = Month::new(2022, 1);

    fn scenario(name: &str) -> Scenario {
        let mut scenario = testing::scenario(name);
        scenario.parameters.calendar.start = START;
        scenario.parameters.calendar.months = 12;
        scenario.parameters.rules.order = RuleMonth::From(START);
        scenario.parameters.rules.deadline = RuleMonth::From(START.plus(11));
        scenario.parameters.rules.direct_sale_ban = RuleMonth::From(START);
        scenario
    }

    fn rows(replicate: i32) -> RunRows {
        let mut rows = testing::run_rows(START, 12, |number, row| {
            row.delivered_share = Some(f64::from(number + replicate) / 100.0);
            row.delivered_share_reported = Some(0.5);
            row.platforms_bound = 14;
            row.compliant_platforms = Some(if number > 8 { 7 } else { 0 });
            row.unlawful_query_share = Some(0.223);
            row.unenriched_query_share = Some(0.5);
            row.loans_outstanding_cny = Money::from_cny(16.6e12);
        });
        for (index, id) in ["ant", "jd", "meituan", "sina", "suning", "tencent", "didi"].iter().enumerate() {
            let mut row = testing::platform_row(START.plus(10), id);
            row.delivered_share = Some(index as f64 / 10.0);
            rows.platforms.push(row);
        }
        rows
    }

    fn digest<'a>(scenarios: &'a [Scenario], replicates: i32) -> Digest<'a> {
        let mut digest = Digest::new(scenarios);
        for (index, scenario) in scenarios.iter().enumerate() {
            for replicate in 1..=replicates {
                let rows = rows(replicate);
                digest.run(index, &rows, &SummaryRow::of(scenario, &rows));
            }
        }
        digest
    }

    fn render(scenarios: &[Scenario], replicates: i32, color: bool) -> String {
        let closing = vec!["Files: results/a".into()];
        digest(scenarios, replicates).render(&Frame { seed: 1, closing, color })
    }

    #[test]
    fn one_scenario_fills_a_page_with_answers() {
        let text = render(&[scenario("a")], 3, false);
        for part in [
            "The a scenario\na: 3 replicates of 2022-01 to 2022-12, seed 1\n100,000 users stand for 1.00 bn persons; ±",
            "before the deadline, 2022-11  12.0 % ± 2.5 delivered, 50.0 % ± 0.0 reported",
            "    most                        didi 60 %, tencent 50 %, suning 40 %\n",
            "7 of 14 bound platforms\n",
            "in 3 of 3 replicates, from 2022-10 (median)",
            "all of them comply            never",
            "where data were bought      44.6 % ± 0.0 of decisions",
            "CNY 16.6 tn ± 0.0, 0.0 % ± 0.0 growth a year",
            "\nFiles: results/a\n",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
        assert!(text.lines().count() <= 36 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains("NaN"), "{text}");
    }

    #[test]
    fn one_replicate_has_no_interval_and_no_order_no_delivery() {
        let mut free = scenario("free");
        free.parameters.rules = Default::default();
        let scenarios = [free];
        let mut digest = Digest::new(&scenarios);
        let rows = testing::run_rows(START, 12, |_, _| ());
        digest.run(0, &rows, &SummaryRow::of(&scenarios[0], &rows));
        let text = digest.render(&Frame { seed: 1, closing: Vec::new(), color: true });
        assert!(!text.contains('±') && !text.contains("unlawful") && !text.contains("complies"), "{text}");
        assert!(text.contains("nobody is bound to deliver"), "{text}");
        assert!(text.contains("\u{1b}[1mCredit\u{1b}[0m\n"), "{text}");
    }

    #[test]
    fn several_scenarios_stand_side_by_side() {
        let scenarios: Vec<Scenario> = ["a", "b", "c", "d", "e"].map(scenario).into();
        let text = render(&scenarios, 2, false);
        let delivered: Vec<&str> = text.lines().filter(|line| line.starts_with("delivered before")).collect();
        assert_eq!(delivered.len(), 2, "as many abreast as fit, then the rest\n{text}");
        assert_eq!(delivered[0].matches("11.5 % ± 6.4").count(), 4, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("16.6 tn"), "{text}");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(
            [count(1.02e9), count(460e6), count(1427.0), count(6.25)],
            ["1.02 bn", "460 m", "1,427", "6.2"]
        );
        assert_eq!([count(999.99e6), count(0.0), count(14.0)], ["1.00 bn", "0", "14"]);
        let money = |values: &[f64]| money(&values.iter().copied().collect());
        assert_eq!(money(&[8.026e9]), "CNY 8.03 bn");
        assert_eq!(money(&[-0.2]), "CNY 0");
        assert_eq!(money(&[-123_456.0]), "CNY -123,456");
        assert_eq!(money(&[16.5e12, 16.7e12]), "CNY 16.6 tn ± 1.3");
        assert_eq!(money(&[]), "-");
        assert_eq!(percent(&[-0.0001].into_iter().collect(), 1), "0.0 %");
    }
}
