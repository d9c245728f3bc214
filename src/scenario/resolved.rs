//! A scenario written out in full, and what differs between scenarios.

use super::parameters::{Parameter, Parameters, Place, ROSTER_SECTIONS, all_parameters};
use super::setting::{columns_of, sections};
use super::value::{Value, to_toml};
use super::{Amendment, Scenario, Trigger};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// A parameter that differs between scenarios: path, unit, and its value in each, where it has one.
pub type Difference = (String, String, Vec<Option<String>>);

impl Scenario {
    /// The scenario as TOML: every parameter's value in the order of declaration, the rosters' rows
    /// and stakes, then the amendments. Equal scenarios give equal text.
    pub fn resolved(&self) -> String {
        toml::to_string(&self.resolved_table()).expect("tables of values can be written")
    }

    /// What [`Scenario::resolved`] writes, to be put within a larger table.
    pub fn resolved_table(&self) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("title".into(), self.title.clone().into());
        table.insert("about".into(), self.about.clone().into());
        for path in paths(&self.parameters) {
            if let Some(value) = self.parameters.get(&path.place) {
                insert(&mut table, &path.keys, to_toml(&value));
            }
        }
        let amendments: Vec<toml::Value> = self.amendments.iter().map(amendment_table).collect();
        if !amendments.is_empty() {
            table.insert("amendment".into(), amendments.into());
        }
        table
    }

    /// The parameters that differ between `scenarios`, in the order of declaration, then amendments
    /// (`amendment.1` and so on). A column in which all rows of a roster agree in every scenario
    /// is told once for all rows.
    pub fn differing(scenarios: &[&Scenario]) -> Vec<Difference> {
        let mut differences: Vec<Difference> = Vec::new();
        for path in shared_paths(scenarios) {
            let value = |scenario: &&Scenario| scenario.parameters.get(&path.place).map(|value| cell(&value));
            let values: Vec<Option<String>> = scenarios.iter().map(value).collect();
            if values.iter().any(|value| *value != values[0]) {
                differences.push((path.text(), path.unit.to_string(), values));
            }
        }
        differences.extend(differing_amendments(scenarios));
        differences
    }
}

/// The paths of all scenarios, in the order of declaration, with one path for a column in which all
/// rows of a roster agree in every scenario.
fn shared_paths(scenarios: &[&Scenario]) -> Vec<Path> {
    let mut columns: HashMap<(String, String), bool> = HashMap::new();
    let mut seen = HashSet::new();
    let mut shared: Vec<Path> = Vec::new();
    for mut path in scenarios.iter().flat_map(|scenario| paths(&scenario.parameters)) {
        if let Place::One { section, name, .. } = &path.place {
            let every = Place::Every { section: section.clone(), name: name.clone() };
            let agree = || scenarios.iter().all(|scenario| scenario.parameters.get(&every).is_some());
            if *columns.entry((section.clone(), name.clone())).or_insert_with(agree) {
                path.keys.remove(1);
                path.place = every;
            }
        }
        if seen.insert(path.text()) {
            shared.push(path);
        }
    }
    let sections = sections();
    shared.sort_by_key(|path| sections.iter().position(|section| *section == path.keys[0]));
    shared
}

fn differing_amendments(scenarios: &[&Scenario]) -> Vec<Difference> {
    let most = scenarios.iter().map(|scenario| scenario.amendments.len()).max().unwrap_or(0);
    (0..most)
        .map(|i| {
            let texts = scenarios.iter().map(|scenario| scenario.amendments.get(i).map(ToString::to_string));
            (format!("amendment.{}", i + 1), "text".to_string(), texts.collect::<Vec<_>>())
        })
        .filter(|(_, _, texts)| texts.iter().any(|text| *text != texts[0]))
        .collect()
}

/// A parameter of a scenario with its rosters: its keys, its place and its unit.
struct Path {
    keys: Vec<String>,
    place: Place,
    unit: &'static str,
}

impl Path {
    fn text(&self) -> String {
        self.keys.join(".")
    }
}

/// Every parameter that exists: those of plain sections, then rosters row by row.
fn paths(parameters: &Parameters) -> Vec<Path> {
    let plain = all_parameters().filter(|parameter| !ROSTER_SECTIONS.contains(&parameter.section));
    let mut paths: Vec<Path> = plain
        .map(|parameter| Path {
            keys: vec![parameter.section.into(), parameter.name.into()],
            place: Place::Plain { section: parameter.section.into(), name: parameter.name.into() },
            unit: parameter.unit,
        })
        .collect();
    parameters.platforms.iter().for_each(|entry| paths.extend(row_paths("platforms", &entry.id)));
    parameters.banks.iter().for_each(|entry| paths.extend(row_paths("banks", &entry.id)));
    for (entry, stakes) in parameters.agencies.iter().zip(&parameters.stakes) {
        paths.extend(row_paths("agencies", &entry.id));
        paths.extend(stakes.iter().map(|held| Path {
            keys: vec!["agencies".into(), entry.id.clone(), "stakes".into(), held.holder.clone()],
            place: Place::Stake { agency: entry.id.clone(), holder: held.holder.clone() },
            unit: "share",
        }));
    }
    paths
}

fn row_paths(section: &'static str, id: &str) -> impl Iterator<Item = Path> {
    columns_of(section).iter().map(move |parameter: &Parameter| Path {
        keys: vec![section.into(), id.into(), parameter.name.into()],
        place: Place::One { section: section.into(), id: id.into(), name: parameter.name.into() },
        unit: parameter.unit,
    })
}

fn insert(table: &mut toml::Table, keys: &[String], value: toml::Value) {
    match keys {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner = table.entry(key.clone()).or_insert_with(|| toml::Table::new().into());
            if let toml::Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// A value as a cell of a spreadsheet: a number without a superfluous fraction, text without quotes.
fn cell(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn amendment_table(amendment: &Amendment) -> toml::Value {
    let mut table = toml::Table::new();
    table.insert("note".into(), amendment.note.clone().into());
    match &amendment.trigger {
        Trigger::From(month) => {
            table.insert("from".into(), month.to_string().into());
        }
        Trigger::When(condition) => {
            let mut when = toml::Table::new();
            when.insert("indicator".into(), condition.indicator.into());
            when.extend(condition.below.map(|bound| ("below".to_string(), bound.into())));
            when.extend(condition.above.map(|bound| ("above".to_string(), bound.into())));
            when.insert("for_months".into(), i64::from(condition.for_months).into());
            when.extend(
                condition.not_before.map(|month| ("not_before".to_string(), month.to_string().into())),
            );
            table.insert("when".into(), when.into());
        }
    }
    let set = amendment.changes.iter().map(|change| (change.path.clone(), to_toml(&change.value)));
    table.insert("set".into(), set.collect::<toml::Table>().into());
    table.into()
}

/// In a few words: when, and what changes.
impl std::fmt::Display for Amendment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.trigger {
            Trigger::From(month) => write!(f, "from {month}")?,
            Trigger::When(condition) => {
                write!(f, "when {}", condition.indicator)?;
                condition.below.iter().try_for_each(|bound| write!(f, " below {bound}"))?;
                condition.above.iter().try_for_each(|bound| write!(f, " above {bound}"))?;
                if condition.for_months > 1 {
                    write!(f, " for {} months", condition.for_months)?;
                }
                condition.not_before.iter().try_for_each(|month| write!(f, " not before {month}"))?;
            }
        }
        let mut changes = String::new();
        for (i, change) in self.changes.iter().enumerate() {
            let comma = if i > 0 { "," } else { ":" };
            write!(changes, "{comma} {} = {}", change.path, change.value)?;
        }
        f.write_str(&changes)
    }
}
