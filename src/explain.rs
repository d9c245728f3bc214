//! Why an agent chose what it chose: a review read back from `decisions.csv`, and what would have
//! tipped each of its choices.
//!
//! **What tips a choice.** Each term is taken alone and multiplied by one factor in all options of
//! the choice at once, as if the parameter in front of it were that much larger or smaller; all other
//! terms stay. The factor is 0 at least, so that a term can vanish but not change its sign. The
//! smallest change, as a share of the term, that makes another option the best is stated with three
//! digits, rounded away from no change, so that the factor stated does tip the choice.
//! Choices are looked at one by one: a factor on a term of one choice is not carried over to others.

use crate::output::csv::file_name;
use crate::output::result_files;
use crate::scenario::value::nearest_hint;
use crate::tables::{DecisionRow, Row};
use crate::units::Month;
use csv::StringRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Every term of every utility, and what it means in one line.
pub const TERMS: [(&str, &str); 15] = [
    ("compliance_cost", "what delivering adds to its cost"),
    ("exclusivity", "what its data no longer wins it alone"),
    ("neutrality", "a rival has more say at the agency than it"),
    ("own_stake", "gain of an agency that it owns a part of"),
    ("revenue_share", "its share of the agency's fees"),
    ("credit_gain", "more of its applicants approved by banks"),
    ("goodwill", "favour with the regulator"),
    ("sanction", "expected sanction for breaking the rule"),
    ("reluctance", "unwillingness to move before its peers do"),
    ("taste", "its own leaning, the same in every month"),
    ("direct_fees", "banks' fees for data that it sells directly"),
    ("commission_margin", "what commissions leave after its cost"),
    ("best_delivery", "utility of the best deliveries, from above"),
    ("profit", "expected profit on loans with this data"),
    ("fees", "fees for this data"),
];

/// What a term means, in one line; `None` for a term that no utility has.
pub fn meaning(term: &str) -> Option<&'static str> {
    TERMS.iter().find(|(name, _)| *name == term).map(|(_, meaning)| *meaning)
}

/// Which review is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Platform, class of banks, or bank (`rural:17`).
    pub agent: String,
    /// The last review at or before this month; the last of all without.
    pub month: Option<Month>,
    /// Replicate; the first of the table without.
    pub replicate: Option<u32>,
    /// Scenario; may be left out where there is one only.
    pub scenario: Option<String>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The folder is none, or holds no results.
    #[error("{} {what}", folder.display())]
    NoResults {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is a table, and this is wrong with it.
    #[error("{}: {what}", file.display())]
    Malformed {
        /// The table.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// What is asked for is not in the table.
    #[error("{0}")]
    NotThere(String),
    /// The disk or the system refuses.
    #[error("can't read {}: {source}", file.display())]
    Io {
        /// What was to be read.
        file: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

/// A review: all that an agent chose in one month.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Scenario.
    pub scenario: String,
    /// Replicate.
    pub replicate: u32,
    /// Month.
    pub month: Month,
    /// Choices, in the order of the table.
    pub choices: Vec<Choice>,
}

/// A choice among options.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Name.
    pub name: String,
    /// Options weighed, in the order in which the first of equals is taken.
    pub options: Vec<Weighed>,
    /// Index of the option chosen.
    pub chosen: usize,
    /// What a utility of 1 is worth, CNY per month, or per application of a bank.
    pub reference_cny: f64,
}

/// An option and the terms of its utility.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// Name.
    pub name: String,
    /// Terms by name, in shares of the reference.
    pub terms: Vec<(String, f64)>,
}

impl Weighed {
    /// A term's value; 0 where the option has no such term.
    pub fn term(&self, name: &str) -> f64 {
        self.terms.iter().find(|(term, _)| term == name).map_or(0.0, |(_, value)| *value)
    }

    /// The utility: the sum of the terms, in their order.
    pub fn total(&self) -> f64 {
        self.total_with("", 1.0)
    }

    fn total_with(&self, term: &str, factor: f64) -> f64 {
        self.terms.iter().map(|(name, value)| if name == term { value * factor } else { *value }).sum()
    }
}

/// A factor on a term in all options, kept as the change from 1 in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(i64);

/// Millionths in a whole.
const WHOLE: i64 = 1_000_000;

/// Factors beyond a million are as good as none.
const LARGEST_CHANGE: f64 = 1e6;

impl Factor {
    /// The factor as a number.
    pub fn value(self) -> f64 {
        (WHOLE + self.0) as f64 / WHOLE as f64
    }

    /// Whether the term grows.
    pub fn grows(self) -> bool {
        self.0 > 0
    }

    /// The change as text: `+131 %`.
    pub fn percent(self) -> String {
        format!("{}{} %", if self.grows() { "+" } else { "-" }, decimal(self.0.abs(), WHOLE / 100))
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(WHOLE + self.0, WHOLE))
    }
}

/// `count / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(count: i64, unit: i64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", count / unit, count % unit);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// The smallest change of one term that makes another option the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Factor on the term in all options.
    pub factor: Factor,
    /// Index of the option that is then the best.
    pub best: usize,
}

impl Choice {
    /// The index of the best option where a term is multiplied by a factor in all of them; the first
    /// of equals.
    pub fn best_with(&self, term: &str, factor: f64) -> usize {
        let totals: Vec<f64> = self.options.iter().map(|option| option.total_with(term, factor)).collect();
        (1..totals.len()).fold(0, |best, i| if totals[i] > totals[best] { i } else { best })
    }

    /// The index of the best option.
    pub fn best(&self) -> usize {
        self.best_with("", 1.0)
    }

    /// The index of the best option but the chosen one; `None` where there is no other.
    pub fn runner_up(&self) -> Option<usize> {
        let others = (0..self.options.len()).filter(|i| *i != self.chosen);
        others.reduce(|a, b| if self.options[b].total() > self.options[a].total() { b } else { a })
    }

    /// The names of all terms, in the order of the table.
    pub fn terms(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.options.iter().flat_map(|option| &option.terms) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The smallest change of the term `term` at which the chosen option, which must be the best, is
    /// the best no more; `None` where no factor from 0 to a million does it.
    pub fn tip(&self, term: &str) -> Option<Tip> {
        let chosen = &self.options[self.chosen];
        let (value, total) = (chosen.term(term), chosen.total());
        let (mut rise, mut fall) = (f64::INFINITY, f64::INFINITY);
        for rival in &self.options {
            let (margin, slope) = (total - rival.total(), rival.term(term) - value);
            if slope > 0.0 {
                rise = rise.min(margin / slope);
            } else if slope < 0.0 {
                fall = fall.min(margin / -slope);
            }
        }
        let tips = [self.stated(term, rise, 1), self.stated(term, fall, -1)];
        tips.into_iter().flatten().min_by_key(|tip| tip.factor.0.abs())
    }

    /// The first factor of three digits that tips the choice, `change` or a little more away from 1.
    fn stated(&self, term: &str, change: f64, sign: i64) -> Option<Tip> {
        if change > if sign < 0 { 1.0 } else { LARGEST_CHANGE } {
            return None;
        }
        let millionths = ((change * WHOLE as f64).ceil() as u64).max(1);
        let step = 10u64.pow(millionths.ilog10().saturating_sub(2));
        // An exact tie, or the rounding of sums, may need one step more.
        (0..3)
            .map(|more| Factor(sign * (millionths.next_multiple_of(step) + more * step) as i64))
            .filter(|factor| factor.0 >= -WHOLE)
            .map(|factor| Tip { factor, best: self.best_with(term, factor.value()) })
            .find(|tip| tip.best != self.chosen)
    }
}

/// Reads the review that is asked for from `decisions.csv` of a folder of results, which may be in any
/// dialect.
///
/// # Errors
/// [`ExplainError`].
pub fn read(folder: &Path, query: &Query) -> Result<Review, ExplainError> {
    let file = folder.join(file_name(DecisionRow::TABLE));
    let opened = match File::open(&file) {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(no_table(folder));
        }
        Err(source) => return Err(ExplainError::Io { file, source }),
    };
    let mut table = Table::open(BufReader::new(opened), &file)?;
    let mut found = Found::new(query);
    let mut record = StringRecord::new();
    while table.next(&mut record)? {
        found.take_in(&table, &record)?;
    }
    found.review(&table)
}

/// What is wrong with a folder that has no table of decisions.
fn no_table(folder: &Path) -> ExplainError {
    let what = if !folder.exists() {
        "is not there; give the folder of results that `mandate run --decisions` wrote"
    } else if !folder.is_dir() {
        "is a file; give the folder of results that `mandate run --decisions` wrote"
    } else if result_files().iter().any(|file| folder.join(file).exists()) {
        "holds no decisions.csv; run with --decisions"
    } else {
        "holds no results; give the folder that `mandate run --decisions` wrote"
    };
    ExplainError::NoResults { folder: folder.into(), what }
}

/// What explains most faults of a table.
const CHANGED: &str = "was the table changed since it was written?";

/// A table of decisions that is being read.
struct Table {
    file: PathBuf,
    reader: csv::Reader<BufReader<File>>,
    decimal_comma: bool,
    /// Places of the columns in [`COLUMNS`].
    places: [usize; COLUMNS.len()],
}

/// The columns that are read.
const COLUMNS: [&str; 10] = [
    "scenario",
    "replicate",
    "month",
    "agent",
    "choice",
    "option",
    "term",
    "value",
    "chosen",
    "reference_cny",
];

impl Table {
    fn open(mut input: BufReader<File>, file: &Path) -> Result<Table, ExplainError> {
        let start = input.fill_buf().map_err(|source| ExplainError::Io { file: file.into(), source })?;
        let decimal_comma = start.iter().take_while(|byte| **byte != b'\n').any(|byte| *byte == b';');
        let delimiter = if decimal_comma { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(input);
        let header = reader.headers().map_err(|error| unreadable(file, error))?;
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            *place = header.iter().position(|column| column == name).ok_or_else(|| {
                let what = format!("there is no column {name}; {CHANGED}");
                ExplainError::Malformed { file: file.into(), what }
            })?;
        }
        Ok(Table { file: file.into(), reader, decimal_comma, places })
    }

    /// Reads the next row, if there is one.
    fn next(&mut self, record: &mut StringRecord) -> Result<bool, ExplainError> {
        self.reader.read_record(record).map_err(|error| unreadable(&self.file, error))
    }

    fn cell<'a>(&self, record: &'a StringRecord, column: &str) -> &'a str {
        let index = COLUMNS.iter().position(|name| *name == column);
        &record[self.places[index.unwrap_or_else(|| panic!("column {column} is not read"))]]
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        record: &StringRecord,
        column: &str,
        expected: &str,
    ) -> Result<T, ExplainError> {
        let text = self.cell(record, column);
        text.parse().map_err(|_| self.malformed(record, column, text, expected))
    }

    fn number(&self, record: &StringRecord, column: &str) -> Result<f64, ExplainError> {
        let text = self.cell(record, column);
        let number = if self.decimal_comma { text.replace(',', ".").parse() } else { text.parse() };
        let finite = number.ok().filter(|number: &f64| number.is_finite());
        finite.ok_or_else(|| self.malformed(record, column, text, "a number"))
    }

    /// An option: a word, or a share, whose decimal sign is the dialect's.
    fn option(&self, record: &StringRecord) -> String {
        let text = self.cell(record, "option");
        let number = text.replace(',', ".");
        if self.decimal_comma && number.parse::<f64>().is_ok() { number } else { text.into() }
    }

    /// A flag; spreadsheets write it in capitals.
    fn flag(&self, record: &StringRecord, column: &str) -> Result<bool, ExplainError> {
        match self.cell(record, column) {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            text => Err(self.malformed(record, column, text, "true or false")),
        }
    }

    fn malformed(&self, record: &StringRecord, column: &str, text: &str, expected: &str) -> ExplainError {
        let line = record.position().map_or(0, csv::Position::line);
        let what = format!("line {line}: {column} is {text:?}, not {expected}; {CHANGED}");
        ExplainError::Malformed { file: self.file.clone(), what }
    }
}

fn unreadable(file: &Path, error: csv::Error) -> ExplainError {
    let what = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ExplainError::Io { file: file.into(), source },
        _ => ExplainError::Malformed { file: file.into(), what },
    }
}

/// A row of the agent asked for.
struct AgentRow {
    choice: String,
    option: String,
    term: String,
    value: f64,
    chosen: bool,
    reference_cny: f64,
}

/// What a pass over the table has found so far.
struct Found<'a> {
    query: &'a Query,
    scenarios: Vec<String>,
    /// Replicates of the scenario asked for.
    replicates: BTreeSet<u32>,
    /// Agents of the scenario asked for.
    agents: BTreeSet<String>,
    /// Months in which the agent reviews, by replicate.
    reviews: BTreeMap<u32, BTreeSet<Month>>,
    /// The best review so far and its rows.
    review: Option<(u32, Month)>,
    rows: Vec<AgentRow>,
}

impl<'a> Found<'a> {
    fn new(query: &'a Query) -> Found<'a> {
        Found {
            query,
            scenarios: Vec::new(),
            replicates: BTreeSet::new(),
            agents: BTreeSet::new(),
            reviews: BTreeMap::new(),
            review: None,
            rows: Vec::new(),
        }
    }

    fn scenario(&self) -> &str {
        self.query.scenario.as_deref().unwrap_or_else(|| self.scenarios.first().map_or("", String::as_str))
    }

    fn take_in(&mut self, table: &Table, record: &StringRecord) -> Result<(), ExplainError> {
        let scenario = table.cell(record, "scenario");
        if self.scenarios.iter().all(|known| known != scenario) {
            self.scenarios.push(scenario.into());
        }
        if scenario != self.scenario() {
            return Ok(());
        }
        let replicate = table.parsed(record, "replicate", "a whole number")?;
        self.replicates.insert(replicate);
        let agent = table.cell(record, "agent");
        if !self.agents.contains(agent) {
            self.agents.insert(agent.into());
        }
        if agent != self.query.agent {
            return Ok(());
        }
        let month: Month = table.parsed(record, "month", "a month YYYY-MM")?;
        self.reviews.entry(replicate).or_default().insert(month);
        let too_late = self.query.month.is_some_and(|last| month > last);
        let elsewhere = self.query.replicate.is_some_and(|asked| replicate != asked);
        if too_late || elsewhere {
            return Ok(());
        }
        // Of the first replicate the last month, in whatever order the rows come.
        let better = |(kept, last): (u32, Month)| replicate < kept || replicate == kept && month > last;
        if self.review.is_none_or(better) {
            self.review = Some((replicate, month));
            self.rows.clear();
        }
        if self.review == Some((replicate, month)) {
            self.rows.push(AgentRow {
                choice: table.cell(record, "choice").into(),
                option: table.option(record),
                term: table.cell(record, "term").into(),
                value: table.number(record, "value")?,
                chosen: table.flag(record, "chosen")?,
                reference_cny: table.number(record, "reference_cny")?,
            });
        }
        Ok(())
    }

    /// The review, or what of the query is not there.
    fn review(self, table: &Table) -> Result<Review, ExplainError> {
        self.check_scenario()?;
        let replicate = self.replicate()?;
        let agent = &self.query.agent;
        let Some(months) = self.reviews.get(&replicate) else { return Err(self.no_agent(replicate)) };
        let scenario = self.scenario().to_string();
        let Some((_, month)) = self.review.filter(|(kept, _)| *kept == replicate) else {
            let first = months.first().expect("an agent that is there has reviewed");
            let asked = self.query.month.expect("without a month every review counts");
            return Err(ExplainError::NotThere(format!(
                "{agent} has not chosen anything by {asked}: its first review in {scenario}, replicate \
                 {replicate}, is {first}"
            )));
        };
        let choices = choices(self.rows).map_err(|what| ExplainError::Malformed {
            file: table.file.clone(),
            what: format!("{agent}, {month}, {what}"),
        })?;
        Ok(Review { scenario, replicate, month, choices })
    }

    fn check_scenario(&self) -> Result<(), ExplainError> {
        let list = self.scenarios.join(", ");
        match &self.query.scenario {
            _ if self.scenarios.is_empty() => {
                Err(ExplainError::NotThere("decisions.csv holds no decisions: nobody reviewed".into()))
            }
            Some(asked) if !self.scenarios.contains(asked) => {
                let hint = spaced(nearest_hint(asked, self.scenarios.iter().map(String::as_str)));
                Err(ExplainError::NotThere(format!(
                    "there is no scenario \"{asked}\" in decisions.csv; {hint}there: {list}"
                )))
            }
            None if self.scenarios.len() > 1 => Err(ExplainError::NotThere(format!(
                "decisions.csv holds several scenarios; say which with --scenario NAME: {list}"
            ))),
            _ => Ok(()),
        }
    }

    fn replicate(&self) -> Result<u32, ExplainError> {
        match self.query.replicate {
            None => Ok(*self.replicates.first().expect("a scenario that is there has a replicate")),
            Some(asked) if self.replicates.contains(&asked) => Ok(asked),
            Some(asked) => Err(ExplainError::NotThere(format!(
                "there is no replicate {asked} of {}; there: {}",
                self.scenario(),
                ranges(&self.replicates)
            ))),
        }
    }

    fn no_agent(&self, replicate: u32) -> ExplainError {
        let (agent, scenario) = (&self.query.agent, self.scenario());
        if !self.reviews.is_empty() {
            let others = ranges(&self.reviews.keys().copied().collect());
            return ExplainError::NotThere(format!(
                "{agent} reviewed nothing in {scenario}, replicate {replicate}; it did in replicates {others}"
            ));
        }
        let of_class = format!("{agent}:");
        let hint = match agent.split_once(':') {
            Some((class, _)) if self.agents.contains(class) => {
                format!(
                    "each class of banks is there as one typical bank, here {class}; run with --per-bank for all. "
                )
            }
            _ => match self.agents.iter().find(|known| known.starts_with(&of_class)) {
                Some(bank) => format!("its banks are there one by one, such as {bank}. "),
                None => spaced(nearest_hint(agent, self.agents.iter().map(String::as_str))),
            },
        };
        let list = agents(&self.agents);
        ExplainError::NotThere(format!("there is no agent \"{agent}\" in {scenario}; {hint}there: {list}"))
    }
}

fn spaced(hint: String) -> String {
    if hint.is_empty() { hint } else { hint + " " }
}

/// Agents as a list, of the banks of a class the first and how many.
fn agents(ids: &BTreeSet<String>) -> String {
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in ids {
        classes.entry(id.split(':').next().unwrap_or(id)).or_default().push(id);
    }
    let shown = |banks: &Vec<&str>| match banks[..] {
        [one] => one.to_string(),
        _ => format!("{} ({} banks)", banks[0], banks.len()),
    };
    classes.values().map(shown).collect::<Vec<_>>().join(", ")
}

/// Numbers as a list of ranges: `1 to 20, 22`.
fn ranges(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = |(start, end): &(u32, u32)| {
        if start == end { format!("{start}") } else { format!("{start} to {end}") }
    };
    ranges.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The choices of one review, or what is wrong with its rows.
fn choices(rows: Vec<AgentRow>) -> Result<Vec<Choice>, String> {
    let mut choices: Vec<(Choice, Vec<bool>)> = Vec::new();
    for row in rows {
        let place = choices.iter().position(|(choice, _)| choice.name == row.choice).unwrap_or(choices.len());
        if place == choices.len() {
            let choice =
                Choice { name: row.choice, options: Vec::new(), chosen: 0, reference_cny: row.reference_cny };
            choices.push((choice, Vec::new()));
        }
        let (choice, chosen) = &mut choices[place];
        let option = choice.options.iter().position(|option| option.name == row.option);
        let option = option.unwrap_or(choice.options.len());
        if option == choice.options.len() {
            choice.options.push(Weighed { name: row.option, terms: Vec::new() });
            chosen.push(row.chosen);
        }
        choice.options[option].terms.push((row.term, row.value));
    }
    let complete = |(mut choice, chosen): (Choice, Vec<bool>)| {
        let mut taken = chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(i, _)| i);
        match (taken.next(), taken.next()) {
            (Some(one), None) => {
                choice.chosen = one;
                // Where any agency is enough, nothing goes to the others, whatever is best there.
                if choice.best() == one || choice.name.starts_with("deliver:") {
                    Ok(choice)
                } else {
                    Err(format!("{}: the option chosen is not the best; {CHANGED}", choice.name))
                }
            }
            _ => Err(format!("{}: one option must be chosen; {CHANGED}", choice.name)),
        }
    };
    choices.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::csv::{Dialect, TableWriter};
    use crate::tables::Cell;

    fn choice(options: &[(&str, &[(&str, f64)])], chosen: usize) -> Choice {
        let weighed = |(name, terms): &(&str, &[(&str, f64)])| Weighed {
            name: name.to_string(),
            terms: terms.iter().map(|(term, value)| (term.to_string(), *value)).collect(),
        };
        let options = options.iter().map(weighed).collect();
        Choice { name: "deliver:a".into(), options, chosen, reference_cny: 1.0 }
    }

    fn stated(choice: &Choice, term: &str) -> Option<(String, String, usize)> {
        choice.tip(term).map(|tip| (tip.factor.to_string(), tip.factor.percent(), tip.best))
    }

    #[test]
    fn the_smallest_factor_tips_and_a_tie_does_not() {
        // Totals 3, 2 and 0. Twice the cost is a tie of the first two, half the gain as well.
        let choice = choice(
            &[
                ("all", &[("cost", -2.0), ("gain", 5.0), ("same", 0.0)]),
                ("half", &[("cost", -1.0), ("gain", 3.0), ("same", 0.0)]),
                ("none", &[("cost", 0.0), ("gain", 0.0), ("same", 0.0)]),
            ],
            0,
        );
        assert_eq!((choice.best(), choice.runner_up()), (0, Some(1)));
        assert_eq!(stated(&choice, "cost"), Some(("2.01".into(), "+101 %".into(), 1)));
        assert_eq!(stated(&choice, "gain"), Some(("0.499".into(), "-50.1 %".into(), 1)));
        assert_eq!(stated(&choice, "same"), None);
        assert_eq!((choice.best_with("cost", 2.0), choice.best_with("gain", 0.5)), (0, 0));
        assert_eq!(choice.terms(), ["cost", "gain", "same"]);
    }

    #[test]
    fn another_than_the_runner_up_may_be_first_and_no_term_changes_its_sign() {
        // Totals 0, -1 and -1.3. The second bears nearly the same sanction as the first, the third none.
        let choice = choice(
            &[
                ("0", &[("sanction", -1.0), ("favour", 1.0)]),
                ("1", &[("sanction", -0.9), ("favour", 0.4), ("reluctance", -0.5)]),
                ("2", &[("favour", -1.3)]),
            ],
            0,
        );
        assert_eq!(choice.runner_up(), Some(1));
        assert_eq!(stated(&choice, "sanction"), Some(("2.31".into(), "+131 %".into(), 2)));
        assert_eq!(stated(&choice, "favour"), Some(("0.434".into(), "-56.6 %".into(), 2)));
        assert_eq!(stated(&choice, "reluctance"), None, "without it the second is still worth -0.5");
    }

    #[test]
    fn the_runner_up_is_the_best_of_the_others_and_the_first_of_equals() {
        let options: [(&str, &[(&str, f64)]); 5] = [
            ("a", &[("x", 1.0)]),
            ("b", &[("x", 2.0), ("y", 1.0)]),
            ("c", &[("x", 9.0)]),
            ("d", &[("x", 3.0)]),
            ("e", &[("x", 2.5)]),
        ];
        assert_eq!(choice(&options, 2).runner_up(), Some(1), "before its equal");
        assert_eq!(choice(&options, 1).runner_up(), Some(2));
        assert_eq!(choice(&options[..1], 0).runner_up(), None);
    }

    #[test]
    fn where_all_are_equal_the_slightest_change_tips() {
        let choice = choice(&[("stop", &[("fee", 1.0)]), ("sell", &[("fee", 2.0), ("cost", -1.0)])], 0);
        assert_eq!(stated(&choice, "fee"), Some(("1.000001".into(), "+0.0001 %".into(), 1)));
        assert_eq!(stated(&choice, "cost"), Some(("0.999999".into(), "-0.0001 %".into(), 1)));
    }

    #[test]
    fn a_change_beyond_a_million_is_none() {
        let choice = choice(&[("a", &[("tiny", 0.0), ("x", 1.0)]), ("b", &[("tiny", 1e-9), ("x", 0.0)])], 0);
        assert_eq!(stated(&choice, "tiny"), None);
        assert_eq!(stated(&choice, "x"), Some(("0".into(), "-100 %".into(), 1)));
    }

    #[test]
    fn lists_are_short() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10].into()), "1 to 3, 7, 9 to 10");
        let ids = ["ant", "rural:2", "rural:31", "state:1"].map(String::from);
        assert_eq!(agents(&ids.into()), "ant, rural:2 (2 banks), state:1");
    }

    /// Scenario, replicate, month, agent, option, value, whether chosen; one term an option.
    type Line = (&'static str, i64, &'static str, &'static str, &'static str, f64, bool);

    const LINES: [Line; 9] = [
        ("low", 2, "2022-01", "ant", "sell", 0.5, true),
        ("low", 2, "2022-01", "ant", "stop", -0.25, false),
        ("low", 1, "2022-03", "ant", "sell", 0.125, true),
        ("low", 1, "2022-03", "ant", "stop", -1e-13, false),
        ("low", 1, "2022-05", "ant", "sell", 0.25, false),
        ("low", 1, "2022-05", "ant", "stop", 1.5, true),
        ("low", 1, "2022-05", "jd", "stop", 1.5, true),
        ("low", 2, "2022-05", "sina", "stop", 1.5, true),
        ("high", 1, "2022-01", "ant", "stop", 1.5, true),
    ];

    /// A folder with a table of these lines.
    fn folder(lines: &[Line], dialect: Dialect) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let names = COLUMNS.map(String::from).to_vec();
        let mut table = TableWriter::create(folder.path(), "decisions", names, dialect).unwrap();
        for (scenario, replicate, month, agent, option, value, chosen) in lines {
            let text = |text: &str| Cell::Text(text.into());
            let before =
                [text(scenario), Cell::Whole(*replicate), Cell::Month(month.parse().unwrap()), text(agent)];
            let cells = [text("sell_directly"), text(option), text("direct_fees"), Cell::Number(*value)];
            table.write(&before, &[&cells[..], &[Cell::Flag(*chosen), Cell::Number(2.5)]].concat()).unwrap();
        }
        table.finish().unwrap();
        folder
    }

    fn query(agent: &str, month: Option<&str>, replicate: Option<u32>, scenario: Option<&str>) -> Query {
        let month = month.map(|month| month.parse().unwrap());
        Query { agent: agent.into(), month, replicate, scenario: scenario.map(Into::into) }
    }

    #[test]
    fn the_last_review_of_the_first_replicate_is_read_in_every_dialect() {
        for dialect in [Dialect::Standard, Dialect::Excel, Dialect::ExcelEu] {
            let folder = folder(&LINES, dialect);
            let at = |month, replicate| {
                let review = read(folder.path(), &query("ant", month, replicate, Some("low"))).unwrap();
                let [choice] = &review.choices[..] else { panic!("one choice, not {:?}", review.choices) };
                assert_eq!((choice.reference_cny, choice.options.len()), (2.5, 2));
                let totals = choice.options.iter().map(Weighed::total).collect::<Vec<_>>();
                (review.replicate, review.month.to_string(), choice.chosen, totals)
            };
            assert_eq!(at(None, None), (1, "2022-05".into(), 1, vec![0.25, 1.5]));
            assert_eq!(at(Some("2022-04"), None), (1, "2022-03".into(), 0, vec![0.125, -1e-13]));
            assert_eq!(at(Some("2022-05"), Some(2)), (2, "2022-01".into(), 0, vec![0.5, -0.25]));
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let folder = folder(&LINES, Dialect::Standard);
        let error = |query: Query| read(folder.path(), &query).unwrap_err().to_string();
        for (query, start) in [
            (
                query("ant", None, None, None),
                "decisions.csv holds several scenarios; say which with --scenario NAME: low, high",
            ),
            (
                query("ant", None, None, Some("hihg")),
                "there is no scenario \"hihg\" in decisions.csv; did you mean high? there: low, high",
            ),
            (query("ant", None, Some(3), Some("low")), "there is no replicate 3 of low; there: 1 to 2"),
            (
                query("ants", None, None, Some("low")),
                "there is no agent \"ants\" in low; did you mean ant? there: ant, jd, sina",
            ),
            (
                query("sina", None, None, Some("low")),
                "sina reviewed nothing in low, replicate 1; it did in replicates 2",
            ),
            (
                query("ant", Some("2022-02"), None, Some("low")),
                "ant has not chosen anything by 2022-02: its first review in low, replicate 1, is 2022-03",
            ),
        ] {
            let message = error(query);
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn a_table_that_was_changed_is_refused() {
        let error = |from: &str, to: &str| {
            let folder = folder(&LINES[..2], Dialect::Standard);
            let file = folder.path().join("decisions.csv");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(&file, text.replace(from, to)).unwrap();
            read(folder.path(), &query("ant", None, None, None)).unwrap_err().to_string()
        };
        assert!(error(",value", ",worth").contains("no column value; was the table changed"));
        assert!(error("-0.25", "few").contains("line 3: value is \"few\", not a number"));
        assert!(error("-0.25", "NaN").contains("not a number"));
        assert!(error("2022-01", "Jan-22").contains("line 2: month is \"Jan-22\", not a month"));
        assert!(error("true", "false").contains("sell_directly: one option must be chosen"));
        assert!(error("-0.25", "0.75").contains("sell_directly: the option chosen is not the best"));
        assert!(error(",-0.25", "").contains("line: 3"));
    }
}
