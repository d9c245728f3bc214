//! Factors of a sweep file: the parameters that vary, and what they may be.

use super::{LEVELS, MOST_VALUES, Read, Top, checked_number};
use crate::scenario::Scenario;
use crate::scenario::document::{Item, Node, Setting};
use crate::scenario::parameters::{Place, STAKE};
use crate::scenario::problem::{Collector, Origin, Problem, check_value, listed, unknown_key};
use crate::scenario::setting::{self, all_paths};
use crate::scenario::value::{FromValue, Kind, Value, nearest_hint, to_toml};
use crate::sweep::plan::{Design, Factor, Levels, Scale, between, months};
use crate::units::Month;
use std::collections::BTreeMap;

const FACTOR_KEYS: [&str; 7] = ["path", "values", "low", "high", "scale", "levels", "relative"];
/// What a relative factor may multiply by.
const MULTIPLES: Kind = Kind::Number { low: 0.0, high: 1e6 };

/// What a path names, its kind, unit and meaning; or why it can't be swept.
pub(super) fn parameter(path: &str, origin: &Origin, scenarios: &[Scenario]) -> Result<Parameter, Problem> {
    let first = parameter_of(path, origin, scenarios.first())?;
    for scenario in scenarios.iter().skip(1) {
        parameter_of(path, origin, Some(scenario)).map_err(|mut problem| {
            problem.what = format!("{}, in the scenario {}", problem.what, scenario.name);
            problem
        })?;
    }
    Ok(first)
}

/// What is known of a parameter: what its path names, its kind, unit and meaning.
type Parameter = (Place, Kind, &'static str, &'static str);

fn parameter_of(path: &str, origin: &Origin, base: Option<&Scenario>) -> Result<Parameter, Problem> {
    let key = "path";
    let refuse = |what: &str, hint: &str| Err(origin.problem(key, what).given(path).hint(hint));
    let section = path.split('.').next().unwrap_or_default();
    match section {
        "rosters" => return refuse("files of starting data can't be swept", "make a sweep for each roster"),
        "calendar" => {
            return refuse(
                "the calendar can't be swept: outcomes of different months can't be compared",
                "set it in the scenario, or with --set",
            );
        }
        _ if path == "users.sample" => {
            return refuse("the number of simulated users can't be swept", "give it with --sample");
        }
        _ => {}
    }
    let ids = base.map(Scenario::ids).unwrap_or_default();
    let names = all_paths();
    let unknown = || {
        let problem = unknown_key(origin, path, names.iter().map(String::as_str));
        problem.hint(nearest_hint(path, names.iter().map(String::as_str)))
    };
    let place = Place::of(path).ok_or_else(unknown)?;
    if let Place::Stake { .. } = place {
        let probe = Setting { path: path.into(), value: Value::Number(0.0), origin: origin.clone() };
        setting::check(&probe, &ids).map_err(|mut problem| {
            problem.value = None;
            problem
        })?;
        return Ok((place, STAKE, "share", "Stake in the agency"));
    }
    let Some(parameter) = place.parameter() else {
        let probe = Setting { path: path.into(), value: Value::Number(0.0), origin: origin.clone() };
        let mut problem = setting::check(&probe, &ids).err().unwrap_or_else(unknown);
        problem.value = None;
        return Err(problem);
    };
    if matches!(parameter.kind, Kind::Text | Kind::Path) {
        return refuse("a name can't be swept", "");
    }
    if base.is_some()
        && let Place::One { .. } = &place
    {
        // Whether there is such a row; the value is none that matters.
        let value = (parameter.default)().unwrap_or(Value::Number(0.0));
        let probe = Setting { path: path.into(), value, origin: origin.clone() };
        if let Err(mut problem) = setting::check(&probe, &ids)
            && problem.what.starts_with("no such")
        {
            problem.value = None;
            return Err(problem);
        }
    }
    Ok((place, parameter.kind, parameter.unit, parameter.meaning))
}

/// The factors of a file.
pub(super) fn factors(
    top: &Top,
    design: Option<Design>,
    scenarios: &[Scenario],
    problems: &mut Collector,
) -> Vec<Read> {
    let tables = match top.find("factor") {
        Some(Item { node: Node::Tables(tables), .. }) => tables.clone(),
        Some(item) => {
            let problem = item.origin.problem("factor", "wrong type").given(item.node.value());
            problems.push(problem.allowed("[[factor]], with two brackets, once for each factor"));
            return Vec::new();
        }
        None => {
            let allowed = "[[factor]] with a path and values, once for each parameter that varies";
            problems.push(top.missing("factor", "the design is empty: no factor", allowed));
            return Vec::new();
        }
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut read = Vec::new();
    for (i, (origin, items)) in tables.iter().enumerate() {
        if problems.is_full() {
            break;
        }
        let find = |name: &str| items.iter().find(|item| item.key == name);
        for item in items.iter().filter(|item| !FACTOR_KEYS.contains(&item.key.as_str())) {
            let key = format!("factor.{}.{}", i + 1, item.key);
            let problem = item.origin.problem(key, "no such key").given(item.node.value());
            let hint = nearest_hint(&item.key, FACTOR_KEYS.into_iter());
            problems.push(problem.allowed(listed(FACTOR_KEYS.into_iter())).hint(hint));
        }
        let Some(item) = find("path") else {
            let problem = origin.problem(format!("factor.{}.path", i + 1), "a factor must have a path");
            problems.push(problem.allowed("a parameter, as in path = \"fees.agency_query\""));
            continue;
        };
        let Value::Text(path) = item.node.value() else {
            let problem = item.origin.problem("path", "wrong type").given(item.node.value());
            problems.push(problem.allowed("a parameter in quotes, as in path = \"fees.agency_query\""));
            continue;
        };
        if let Some(line) = seen.insert(path.clone(), item.origin.line.unwrap_or(0)) {
            let what = format!("the factor stands twice: first in line {line}");
            problems.push(item.origin.problem("path", what).given(&path));
        }
        match parameter(&path, &item.origin, scenarios) {
            Ok((place, kind, unit, meaning)) => {
                let ids = scenarios.first().map(Scenario::ids);
                let mut written = Written {
                    path: &path,
                    kind,
                    unit,
                    number: i + 1,
                    items,
                    origin,
                    ids: ids.as_ref(),
                    relative: false,
                };
                written.relative = written.is_relative(problems);
                if written.relative {
                    (written.kind, written.unit) = (MULTIPLES, "factor");
                }
                if let Some((levels, origin)) = written.levels(design, problems) {
                    let (unit, meaning) = (written.unit.to_string(), meaning.to_string());
                    let relative = written.relative;
                    let factor = Factor { path, unit, meaning, relative, levels };
                    read.push(Read { factor, place, kind, origin });
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    read
}

/// One factor's keys.
struct Written<'a> {
    path: &'a str,
    kind: Kind,
    unit: &'a str,
    number: usize,
    items: &'a [Item],
    origin: &'a Origin,
    ids: Option<&'a setting::Ids>,
    /// Whether its values multiply what scenarios have.
    relative: bool,
}

impl Written<'_> {
    fn find(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == name)
    }

    fn key(&self, name: &str) -> String {
        format!("factor.{}.{name}", self.number)
    }

    /// Whether the factor is relative; a problem where it can't be.
    fn is_relative(&self, problems: &mut Collector) -> bool {
        let Some(item) = self.find("relative") else { return false };
        let problem = |what: &str| item.origin.problem(self.key("relative"), what).given(item.node.value());
        match item.node.value() {
            Value::Flag(false) => false,
            Value::Flag(true) if matches!(self.kind, Kind::Number { .. } | Kind::Whole { .. }) => true,
            Value::Flag(true) => {
                let problem = problem("only a number can be multiplied").allowed("no relative");
                problems.push(problem.hint(self.kind.allowed()));
                false
            }
            _ => {
                problems.push(problem("wrong type").allowed(Kind::Flag.allowed()));
                false
            }
        }
    }

    /// What the factor may be, and where that is written.
    fn levels(&self, design: Option<Design>, problems: &mut Collector) -> Option<(Levels, Origin)> {
        match (self.find("values"), self.find("low"), self.find("high")) {
            (Some(item), None, None) => {
                for name in ["scale", "levels"] {
                    if let Some(other) = self.find(name) {
                        let problem = other
                            .origin
                            .problem(self.key(name), "it goes with low and high, not with values");
                        problems.push(problem.given(other.node.value()));
                    }
                }
                self.values(item, problems).map(|levels| (levels, item.origin.clone()))
            }
            (None, Some(low), Some(high)) => {
                self.range(low, high, design, problems).map(|levels| (levels, high.origin.clone()))
            }
            (values, low, high) => {
                let what = if values.is_some() {
                    "values and low or high exclude each other"
                } else if low.is_some() || high.is_some() {
                    "low and high go together"
                } else {
                    "the factor has neither values nor low and high"
                };
                let problem = self.origin.problem(self.key("values"), what).given(self.path);
                problems.push(problem.allowed("values = [...], or low = ... and high = ..."));
                None
            }
        }
    }

    fn check(&self, value: &Value, origin: &Origin) -> Result<(), Problem> {
        let Some(ids) = self.ids.filter(|_| !self.relative) else {
            return check_value(origin, self.path, &self.kind, self.unit, value);
        };
        let setting = Setting { path: self.path.into(), value: value.clone(), origin: origin.clone() };
        setting::check(&setting, ids).map(|_| ())
    }

    fn values(&self, item: &Item, problems: &mut Collector) -> Option<Levels> {
        let wrong = |what: &str| item.origin.problem(self.key("values"), what).given(item.node.value());
        let values = match item.node.value() {
            Value::List(values) if !values.is_empty() => values,
            Value::List(_) => {
                problems.push(wrong("the design is empty: no values").allowed("one value at least"));
                return None;
            }
            _ => {
                problems.push(wrong("wrong type").allowed("a list, as in values = [1, 3, 6]"));
                return None;
            }
        };
        if values.len() > MOST_VALUES {
            problems.push(wrong("too many values").allowed(format!("{MOST_VALUES} at most")));
            return None;
        }
        let mut sound = true;
        let given = values;
        let values: Vec<Value> = given.iter().map(|value| exact(&self.kind, value.clone())).collect();
        for (i, (value, given)) in values.iter().zip(&given).enumerate() {
            let twice = values[..i].contains(value);
            let problem = self.check(given, &item.origin).err().or_else(|| {
                twice.then(|| item.origin.problem(self.path, "the value stands twice").given(given))
            });
            if let Some(problem) = problem {
                sound = false;
                problems.push(problem);
            }
        }
        sound.then(|| Levels::Values { values: values.iter().map(to_toml).collect() })
    }

    fn range(
        &self,
        low: &Item,
        high: &Item,
        design: Option<Design>,
        problems: &mut Collector,
    ) -> Option<Levels> {
        let (from, to) = (low.node.value(), high.node.value());
        let before = problems.count();
        if !matches!(self.kind, Kind::Number { .. } | Kind::Whole { .. } | Kind::Month | Kind::MonthOrNever) {
            let problem = low.origin.problem(self.key("low"), "a choice has no low and high").given(&from);
            problems.push(problem.allowed("values = [...]").hint(self.kind.allowed()));
            return None;
        }
        // Of lines that are no TOML problems are not told twice, so that counting them is not enough.
        let mut sound = true;
        for (value, item) in [(&from, low), (&to, high)] {
            if let Err(problem) = self.check(value, &item.origin) {
                sound = false;
                problems.push(problem);
            } else if *value == Value::Text("never".into()) {
                let problem =
                    item.origin.problem(self.key(&item.key), "never is no end of a range").given(value);
                problems.push(problem.allowed("a month; or values = [..., \"never\"]"));
            }
        }
        let levels = self.find("levels").and_then(|item| {
            if design.is_some_and(|design| design != Design::Grid) {
                let what = "only the design \"grid\" has levels of a factor";
                problems.push(item.origin.problem(self.key("levels"), what).given(item.node.value()));
            }
            checked_number(item, &self.key("levels"), &LEVELS, "levels", problems)
        });
        let scale = self.scale(problems);
        if !sound || problems.count() > before {
            return None;
        }
        let reversed = || {
            let problem = high.origin.problem(self.key("high"), "low is not below high").given(&to);
            Some(problem.allowed(format!("more than low, which is {from}")))
        };
        if let (Value::Text(from), Value::Text(to)) = (&from, &to) {
            let (Ok(from), Ok(to)) = (from.parse::<Month>(), to.parse::<Month>()) else { return None };
            if from >= to {
                problems.extend_one(reversed());
                return None;
            }
            if scale == Scale::Log {
                problems.push(low.origin.problem(self.key("scale"), "months have no logarithmic scale"));
                return None;
            }
            return self.spread(months(from, to), levels, problems);
        }
        let (from, to) = (f64::from_value(&from), f64::from_value(&to));
        if from >= to {
            problems.extend_one(reversed());
            return None;
        }
        if scale == Scale::Log && from <= 0.0 {
            let what = "a logarithmic scale can't start at zero or below";
            let problem = low.origin.problem(self.key("low"), what).given(low.node.value());
            problems.push(problem.allowed("low above 0, or scale = \"linear\""));
            return None;
        }
        let whole = matches!(self.kind, Kind::Whole { .. });
        let range = Levels::Range { low: from, high: to, scale, whole };
        if design != Some(Design::Grid) {
            return Some(range);
        }
        match levels {
            Some(levels) => {
                let share = |i: usize| i as f64 / (levels - 1.0);
                let number = |i: usize| between(from, to, scale, share(i)).clamp(from, to);
                let ends = |i: usize| if i + 1 == levels as usize { to } else { number(i) };
                let mut values: Vec<Value> = (0..levels as usize)
                    .map(
                        |i| if whole { Value::Whole(ends(i).round() as i64) } else { Value::Number(ends(i)) },
                    )
                    .collect();
                values.dedup();
                Some(Levels::Values { values: values.iter().map(to_toml).collect() })
            }
            None if whole && to - from < MOST_VALUES as f64 && scale == Scale::Linear => {
                let values = (from as i64..=to as i64).map(toml::Value::Integer).collect();
                Some(Levels::Values { values })
            }
            None => {
                let problem = self.origin.problem(
                    self.key("levels"),
                    "a grid needs to know how many levels lie between low and high",
                );
                problems.push(problem.given(self.path).allowed("levels = 5, say, or values = [...]"));
                None
            }
        }
    }

    /// As many of the months as there are levels, as evenly as can be; all of them if it is not said.
    fn spread(&self, months: Vec<Value>, levels: Option<f64>, problems: &mut Collector) -> Option<Levels> {
        if months.len() > MOST_VALUES {
            let problem = self.origin.problem(self.key("high"), "too many months lie between low and high");
            problems.push(problem.given(months.len()).allowed(format!("{MOST_VALUES} at most")));
            return None;
        }
        let last = (months.len() - 1) as f64;
        let mut chosen: Vec<Value> = match levels {
            None => months,
            Some(levels) => (0..levels as usize)
                .map(|i| months[(i as f64 / (levels - 1.0) * last).round() as usize].clone())
                .collect(),
        };
        chosen.dedup();
        Some(Levels::Values { values: chosen.iter().map(to_toml).collect() })
    }

    fn scale(&self, problems: &mut Collector) -> Scale {
        let Some(item) = self.find("scale") else { return Scale::Linear };
        match item.node.value() {
            Value::Text(word) if word == "linear" => Scale::Linear,
            Value::Text(word) if word == "log" => Scale::Log,
            other => {
                let hint = match &other {
                    Value::Text(word) => nearest_hint(word, ["linear", "log"].into_iter()),
                    _ => String::new(),
                };
                let problem = item.origin.problem(self.key("scale"), "not one of the choices").given(&other);
                problems.push(problem.allowed("\"linear\" or \"log\"").hint(hint));
                Scale::Linear
            }
        }
    }
}

impl Collector {
    fn extend_one(&mut self, problem: Option<Problem>) {
        problem.into_iter().for_each(|problem| self.push(problem));
    }
}

/// The value as its kind has it: a whole number where one is meant, else one with a fraction.
pub(super) fn exact(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Number { .. }, Value::Whole(number)) => Value::Number(number as f64),
        (Kind::Whole { .. }, Value::Number(number)) if number.fract() == 0.0 && number.abs() < 1e18 => {
            Value::Whole(number as i64)
        }
        (_, value) => value,
    }
}
