//! Sweep files: read whole, everything that is wrong told at once.

use super::design;
use super::plan::{Design, Factor, Levels, Plan, Points, Scale, Sweep, between, months};
use crate::run::{DEFAULT_REPLICATES, DEFAULT_SEED, MOST_REPLICATES};
use crate::scenario::chain::is_scenario_name;
use crate::scenario::document::{Item, Node, Setting, beside, parse, read_text};
use crate::scenario::parameters::{Place, ROSTER_SECTIONS};
use crate::scenario::problem::{
    Collector, Origin, Problem, Problems, check_text, check_value, listed, unknown_key,
};
use crate::scenario::setting::{self, all_paths, sections};
use crate::scenario::value::{FromValue, Kind, Value, nearest_hint, to_toml};
use crate::scenario::{self, Scenario};
use crate::units::Month;
use std::collections::BTreeMap;
use std::path::Path;

const KEYS: [&str; 11] = [
    "title",
    "about",
    "base",
    "design",
    "replicates",
    "points",
    "seed",
    "levels",
    "sample",
    "file",
    "factor",
];
const FACTOR_KEYS: [&str; 6] = ["path", "values", "low", "high", "scale", "levels"];
/// Points that all designs but grids hold in memory.
const MOST_POINTS: u64 = 10_000_000;
/// Runs of a sweep.
const MOST_RUNS: u64 = 1_000_000_000_000;
/// Values of a factor.
const MOST_VALUES: usize = 10_000;
/// Points of which the problems are told one by one.
const MOST_FAULTY_POINTS: usize = 10;
const REPLICATES: Kind = Kind::Whole { low: 1, high: MOST_REPLICATES as u64 };
const SEED: Kind = Kind::Whole { low: 0, high: i64::MAX as u64 };
const POINTS: Kind = Kind::Whole { low: 1, high: MOST_POINTS };
const LEVELS: Kind = Kind::Whole { low: 2, high: MOST_VALUES as u64 };

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Replicates of each point.
    pub replicates: Option<u32>,
    /// Seed.
    pub seed: Option<u64>,
    /// Simulated users.
    pub sample: Option<u64>,
    /// Settings `PATH=VALUE` of the scenario.
    pub sets: Vec<String>,
}

/// Whether the file is one of a sweep: it has keys that only sweeps have.
pub fn is_sweep(file: &Path) -> bool {
    let mut problems = Collector::default();
    read_text(file, &Origin::whole(file), "").is_ok_and(|text| {
        let items = parse(file, &text, &mut problems);
        let has = |key: &str| items.iter().any(|item| item.key == key);
        (has("base") || has("design") || has("factor")) && !has("extends")
    })
}

/// A factor as it is read, with the place where it is written.
struct Read {
    factor: Factor,
    places: Vec<Place>,
    kind: Kind,
    origin: Origin,
}

/// Loads a sweep file.
///
/// # Errors
/// Everything that is wrong with it and with its scenario.
pub fn load(file: &Path, options: &Options) -> Result<Sweep, Problems> {
    let mut problems = Collector::default();
    problems.reads(file);
    let items = match read_text(file, &Origin::whole(file), "") {
        Ok(text) => parse(file, &text, &mut problems),
        Err(problem) => return Err(problem.into()),
    };
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    if !is_scenario_name(stem) {
        problems.push(
            Origin::whole(file)
                .problem("", "the file's name can't name a sweep")
                .given(stem)
                .allowed("letters, digits, spaces and . _ - ( ), starting with a letter or digit"),
        );
    }
    for item in items.iter().filter(|item| !KEYS.contains(&item.key.as_str())) {
        let problem = unknown_key(&item.origin, &item.key, KEYS.into_iter()).given(item.node.value());
        let problem = problem.allowed(listed(KEYS.into_iter()));
        let of_scenarios = ["extends", "amendment"].into_iter().chain(sections()).any(|key| key == item.key);
        problems.push(if of_scenarios {
            problem.hint("this is a key of scenario files, which `mandate run` takes")
        } else {
            problem
        });
    }
    let top = Top { file, items: &items };
    let title = top.text("title", &mut problems).unwrap_or_default();
    top.text("about", &mut problems);
    let design = design_of(&top, &mut problems);
    let replicates = top.whole("replicates", REPLICATES, "replicates", &mut problems);
    let seed = top.whole("seed", SEED, "seed", &mut problems);
    let users = Place::of("users.sample").and_then(|place| place.parameter()).expect("a parameter");
    let sample = top.whole("sample", users.kind, users.unit, &mut problems);
    let points = top.whole("points", POINTS, "points", &mut problems);
    let levels = top.whole("levels", LEVELS, "levels", &mut problems);
    if let Some(design) = design {
        belonging(&top, design, points, levels, &mut problems);
    }
    let base = base_of(&top, options, sample.map(|n| n as u64), &mut problems);
    let mut listed_points = Vec::new();
    let read = match design {
        Some(Design::Points) => points_file(&top, base.as_ref(), &mut listed_points, &mut problems),
        _ => factors(&top, design, base.as_ref(), &mut problems),
    };
    let (Some(base), Some(design), true) = (base, design, problems.is_empty()) else {
        return Err(problems.finish());
    };

    let replicates = options.replicates.unwrap_or(replicates.map_or(DEFAULT_REPLICATES, |n| n as u32));
    let seed = options.seed.unwrap_or(seed.map_or(DEFAULT_SEED, |n| n as u64));
    let points = if design.is_sampled() { points.unwrap_or(0) as u64 } else { 0 };
    let levels =
        if design == Design::Morris { levels.unwrap_or(design::MORRIS_LEVELS as i64) as u64 } else { 0 };
    size(&top, design, points, replicates, &read, &mut problems);
    if !problems.is_empty() {
        return Err(problems.finish());
    }
    let plan = Plan {
        version: env!("CARGO_PKG_VERSION").into(),
        name: stem.into(),
        title,
        design,
        points,
        levels,
        seed: seed.to_string(),
        replicates,
        replicate_seeds: (1..=replicates).map(|n| base.replicate_seed(n).to_string()).collect(),
        factor: read.iter().map(|read| read.factor.clone()).collect(),
        listed: listed_points.iter().map(|(_, values)| values.iter().map(to_toml).collect()).collect(),
        base_name: base.name.clone(),
        base: base.resolved_table(),
    };
    let places = places(&read, &base, options);
    let of_all_rows = read.iter().map(|read| matches!(read.places[0], Place::Every { .. })).collect();
    let sweep = Sweep { points: Points::new(plan), base, places, of_all_rows };
    check_points(&sweep, &read, &listed_points, file, &mut problems);
    if problems.is_empty() { Ok(sweep) } else { Err(problems.finish()) }
}

/// The keys at the top level of a file.
struct Top<'a> {
    file: &'a Path,
    items: &'a [Item],
}

impl Top<'_> {
    fn find(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }

    fn missing(&self, key: &str, what: &str, allowed: impl Into<String>) -> Problem {
        Origin::line(self.file, 1).problem(key, what).allowed(allowed)
    }

    fn text(&self, key: &str, problems: &mut Collector) -> Option<String> {
        let item = self.find(key)?;
        let value = item.node.value();
        let text =
            check_value(&item.origin, key, &Kind::Text, "", &value).map(|()| String::from_value(&value));
        let checked =
            text.and_then(|text| check_text(&item.origin, key, &text, key == "about").map(|()| text));
        checked.map_err(|problem| problems.push(problem)).ok()
    }

    fn whole(&self, key: &str, kind: Kind, unit: &str, problems: &mut Collector) -> Option<i64> {
        let item = self.find(key)?;
        checked_number(item, key, &kind, unit, problems).map(|number| number as i64)
    }
}

fn checked_number(item: &Item, key: &str, kind: &Kind, unit: &str, problems: &mut Collector) -> Option<f64> {
    let value = item.node.value();
    match check_value(&item.origin, key, kind, unit, &value) {
        Ok(()) => Some(f64::from_value(&value)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn design_of(top: &Top, problems: &mut Collector) -> Option<Design> {
    let words = Design::WORDS.map(|(word, _)| word);
    let allowed = words.map(|word| format!("\"{word}\"")).join(", ");
    let Some(item) = top.find("design") else {
        problems.push(top.missing("design", "a sweep must have a design", allowed));
        return None;
    };
    let value = item.node.value();
    let word = if let Value::Text(word) = &value { word.as_str() } else { "" };
    let found = Design::WORDS.into_iter().find(|(other, _)| *other == word);
    if found.is_none() {
        let problem = item.origin.problem("design", "not one of the designs").given(value.clone());
        problems.push(problem.allowed(allowed).hint(nearest_hint(word, words.into_iter())));
    }
    found.map(|(_, design)| design)
}

/// Keys that belong to other designs, and those that this one lacks.
fn belonging(top: &Top, design: Design, points: Option<i64>, levels: Option<i64>, problems: &mut Collector) {
    let word = design.word();
    let mut foreign = |key: &str, belongs: bool| {
        if let Some(item) = top.find(key)
            && !belongs
        {
            let problem = item.origin.problem(key, format!("the design \"{word}\" has no {key}"));
            problems.push(problem.given(item.node.value()));
        }
    };
    foreign("points", design.is_sampled());
    foreign("levels", design == Design::Morris);
    foreign("file", design == Design::Points);
    if let Some(item) = top.find("factor")
        && design == Design::Points
    {
        let problem =
            item.origin.problem("factor", "the factors of the design \"points\" are the columns of its file");
        problems.push(problem.allowed("no [[factor]]"));
    }
    if design.is_sampled() && top.find("points").is_none() {
        let problem = top.missing(
            "points",
            &format!("the design \"{word}\" needs a number of points"),
            POINTS.allowed(),
        );
        problems.push(problem);
    }
    if let (Some(levels), Some(item)) = (levels, top.find("levels"))
        && design == Design::Morris
        && levels % 2 != 0
    {
        let problem = item.origin.problem("levels", "not an even number").given(levels);
        problems.push(problem.allowed("an even number, so that all levels are equally likely"));
    }
    let most = design::SOBOL_POINTS as i64;
    if let (Some(points), Some(item)) = (points, top.find("points"))
        && matches!(design, Design::Sobol | Design::Saltelli)
        && points > most
    {
        let problem = item.origin.problem("points", "out of range").given(points);
        problems.push(problem.allowed(format!("1 to {most}, the length of the sequence")));
    }
}

fn base_of(top: &Top, options: &Options, sample: Option<u64>, problems: &mut Collector) -> Option<Scenario> {
    let Some(item) = top.find("base") else {
        let allowed = "the path of a scenario file, as in base = \"december-deadline.toml\"";
        problems.push(top.missing("base", "a sweep must have a base", allowed));
        return None;
    };
    let value = item.node.value();
    if let Err(problem) = check_value(&item.origin, "base", &Kind::Path, "", &value) {
        problems.push(problem);
        return None;
    }
    let file = beside(top.file, &String::from_value(&value));
    if let Err(problem) = read_text(&file, &item.origin, "base") {
        problems.push(problem);
        return None;
    }
    match scenario::load(&file, &options.sets, options.sample.or(sample)) {
        Ok(scenario) => Some(scenario),
        Err(others) => {
            others.0.into_iter().for_each(|problem| problems.push(problem));
            None
        }
    }
}

/// What a path names, its kind, unit and meaning; or why it can't be swept.
fn parameter(
    path: &str,
    origin: &Origin,
    base: Option<&Scenario>,
) -> Result<(Place, Kind, &'static str, &'static str), Problem> {
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
        return Ok((place, crate::scenario::parameters::STAKE, "share", "Stake in the agency"));
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

fn factors(
    top: &Top,
    design: Option<Design>,
    base: Option<&Scenario>,
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
        match parameter(&path, &item.origin, base) {
            Ok((place, kind, unit, meaning)) => {
                let ids = base.map(Scenario::ids);
                let written =
                    Written { path: &path, kind, unit, number: i + 1, items, origin, ids: ids.as_ref() };
                if let Some((levels, origin)) = written.levels(design, problems) {
                    let (unit, meaning) = (unit.to_string(), meaning.to_string());
                    let factor = Factor { path, unit, meaning, levels };
                    read.push(Read { factor, places: vec![place], kind, origin });
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
}

impl Written<'_> {
    fn find(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == name)
    }

    fn key(&self, name: &str) -> String {
        format!("factor.{}.{name}", self.number)
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
        let Some(ids) = self.ids else {
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
        for (value, item) in [(&from, low), (&to, high)] {
            if let Err(problem) = self.check(value, &item.origin) {
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
        if problems.count() > before {
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
fn exact(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Number { .. }, Value::Whole(number)) => Value::Number(number as f64),
        (Kind::Whole { .. }, Value::Number(number)) if number.fract() == 0.0 && number.abs() < 1e18 => {
            Value::Whole(number as i64)
        }
        (_, value) => value,
    }
}

/// Reads the points of a CSV file: a column a path, a row a point.
fn points_file(
    top: &Top,
    base: Option<&Scenario>,
    points: &mut Vec<(Origin, Vec<Value>)>,
    problems: &mut Collector,
) -> Vec<Read> {
    let Some(item) = top.find("file") else {
        let allowed = "the path of a CSV file, as in file = \"points.csv\"";
        problems.push(top.missing("file", "the design \"points\" needs a file of points", allowed));
        return Vec::new();
    };
    let value = item.node.value();
    if let Err(problem) = check_value(&item.origin, "file", &Kind::Path, "", &value) {
        problems.push(problem);
        return Vec::new();
    }
    let file = beside(top.file, &String::from_value(&value));
    problems.reads(&file);
    let text = match read_text(&file, &item.origin, "file") {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let delimiter = [b';', b'\t', b','].into_iter().find(|d| first.as_bytes().contains(d)).unwrap_or(b';');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records: Vec<(Origin, Vec<String>)> = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {
                let cells: Vec<String> = record.iter().map(String::from).collect();
                let start = record.position().map_or(0, |position| position.byte() as usize);
                let blank = text[start..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                let line = 1 + text.as_bytes()[..start + blank].iter().filter(|byte| **byte == b'\n').count();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    records.push((Origin::line(&file, line), cells));
                }
            }
            Ok(false) => break,
            Err(error) => {
                problems.push(Origin::whole(&file).problem("", format!("not CSV: {error}")));
                break;
            }
        }
    }
    if records.is_empty() {
        let problem = Origin::whole(&file).problem("", "the file is empty");
        problems.push(problem.allowed("a line with the paths of parameters, then a line a point"));
        return Vec::new();
    }
    let (header, names) = records.remove(0);
    let mut columns: Vec<Option<Read>> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            problems.push(header.problem(name, "the column stands twice"));
            columns.push(None);
            continue;
        }
        if name.is_empty() {
            let problem = header.problem("", format!("column {} has no name", i + 1));
            problems.push(problem.allowed("the path of a parameter"));
            columns.push(None);
            continue;
        }
        columns.push(match parameter(name, &header, base) {
            Ok((place, kind, unit, meaning)) => {
                let levels = Levels::Values { values: Vec::new() };
                let (unit, meaning) = (unit.into(), meaning.into());
                let factor = Factor { path: name.clone(), unit, meaning, levels };
                Some(Read { factor, places: vec![place], kind, origin: header.clone() })
            }
            Err(mut problem) => {
                problem.key = name.clone();
                problem.value = None;
                if problem.what == "no such key" {
                    problem.what = "no such parameter: a column is the path of one".into();
                }
                problems.push(problem);
                None
            }
        });
    }
    if records.is_empty() {
        let problem = header.problem("", "the design is empty: no point below the header");
        problems.push(problem.allowed("a row a point"));
    }
    let ids = base.map(Scenario::ids).unwrap_or_default();
    for (origin, cells) in records {
        if cells.len() != names.len() {
            let what = format!("the row has {} cells, the header {}", cells.len(), names.len());
            problems.push(origin.problem("", what).given(cells.join(",")));
            continue;
        }
        let mut values = Vec::new();
        for (read, cell) in columns.iter().zip(&cells) {
            let Some(read) = read else { continue };
            match cell_value(&read.kind, cell, delimiter) {
                Some(value) => {
                    let setting = Setting {
                        path: read.factor.path.clone(),
                        value: value.clone(),
                        origin: origin.clone(),
                    };
                    match setting::check(&setting, &ids) {
                        Ok(_) => values.push(value),
                        Err(problem) => problems.push(problem),
                    }
                }
                None => {
                    let what = if cell.is_empty() { "empty cell" } else { "not a number" };
                    let problem = origin.problem(&read.factor.path, what).allowed(read.kind.allowed());
                    problems.push(if cell.is_empty() { problem } else { problem.given(cell) });
                }
            }
        }
        points.push((origin, values));
    }
    columns.into_iter().flatten().collect()
}

fn cell_value(kind: &Kind, cell: &str, delimiter: u8) -> Option<Value> {
    if cell.is_empty() {
        return None;
    }
    match kind {
        Kind::Number { .. } | Kind::Whole { .. } => {
            let text = if delimiter == b',' { cell.to_string() } else { cell.replace(',', ".") };
            let number: f64 = text.parse().ok()?;
            Some(exact(kind, Value::Number(number)))
        }
        Kind::Flag if cell.eq_ignore_ascii_case("true") => Some(Value::Flag(true)),
        Kind::Flag if cell.eq_ignore_ascii_case("false") => Some(Value::Flag(false)),
        _ => Some(Value::Text(cell.into())),
    }
}

/// Designs that are too large for themselves.
fn size(top: &Top, design: Design, points: u64, replicates: u32, read: &[Read], problems: &mut Collector) {
    let factors = read.len();
    let most = match design {
        Design::Sobol => design::SOBOL_FACTORS,
        Design::Saltelli => design::SALTELLI_FACTORS,
        _ => usize::MAX,
    };
    if factors > most {
        let problem = top.missing("factor", "too many factors", format!("{most} at most"));
        problems.push(problem.given(factors));
    }
    let count = match design {
        Design::Grid => {
            let sizes: Vec<usize> = read.iter().filter_map(|read| read.factor.levels.count()).collect();
            design::grid_size(&sizes).unwrap_or(u64::MAX)
        }
        Design::Morris => points * (factors as u64 + 1),
        Design::Saltelli => points * (factors as u64 + 2),
        Design::LatinHypercube | Design::Sobol | Design::Points => points,
    };
    let runs = count.saturating_mul(u64::from(replicates));
    if (design != Design::Grid && count > MOST_POINTS) || runs > MOST_RUNS {
        let problem = top.missing(
            "points",
            "the design has too many points",
            format!("{MOST_POINTS} points at most, of a grid {MOST_RUNS} runs"),
        );
        problems.push(problem.given(count));
    }
}

/// What each factor sets. A scenario may give some rows of a roster a value of their own, which wins
/// over what is set for all rows, as it does in files: two trials show which rows do.
fn places(read: &[Read], base: &Scenario, options: &Options) -> Vec<Vec<Place>> {
    read.iter()
        .map(|read| match &read.places[0] {
            Place::Every { section, name } => {
                let own = rows_of_their_own(base, options, read, section, name);
                let all = base.ids();
                let ids = match section.as_str() {
                    "platforms" => all.platforms,
                    "banks" => all.banks,
                    _ => all.agencies,
                };
                let rows = ids.unwrap_or_default().into_iter().filter(|id| !own.contains(id));
                rows.map(|id| Place::One { section: section.clone(), id, name: name.clone() }).collect()
            }
            place => vec![place.clone()],
        })
        .collect()
}

fn rows_of_their_own(
    base: &Scenario,
    options: &Options,
    read: &Read,
    section: &str,
    name: &str,
) -> Vec<String> {
    debug_assert!(ROSTER_SECTIONS.contains(&section));
    let trials: Vec<(Value, Scenario)> = match &read.kind {
        Kind::Number { low, high } => vec![Value::Number(*low), Value::Number(*high)],
        Kind::Whole { low, high } => vec![Value::Whole(*low as i64), Value::Whole(*high as i64)],
        Kind::Choice(words) => words.iter().map(|word| Value::Text((*word).into())).collect(),
        Kind::Flag => vec![Value::Flag(false), Value::Flag(true)],
        Kind::Month | Kind::MonthOrNever => ["1900-01", "1900-02"].map(|m| Value::Text(m.into())).to_vec(),
        _ => Vec::new(),
    }
    .into_iter()
    .filter_map(|value| {
        let mut sets = options.sets.clone();
        sets.push(format!("{section}.{name}={value}"));
        let sample = Some(base.parameters.users.sample);
        Some((value, scenario::load(&base.file, &sets, sample).ok()?))
    })
    .collect();
    if trials.len() < 2 {
        return Vec::new();
    }
    let all = base.ids();
    let ids = match section {
        "platforms" => all.platforms,
        "banks" => all.banks,
        _ => all.agencies,
    };
    let stays = |id: &String| {
        let place = Place::One { section: section.into(), id: id.clone(), name: name.into() };
        let values: Vec<Option<Value>> =
            trials.iter().map(|(_, scenario)| scenario.parameters.get(&place)).collect();
        values.windows(2).all(|pair| pair[0] == pair[1])
    };
    ids.unwrap_or_default().into_iter().filter(stays).collect()
}

/// Whether something must hold between this parameter and others.
fn is_bound(path: &str) -> bool {
    let column = path.rsplit('.').next().unwrap_or_default();
    path.starts_with("users.population")
        || path == "rules.order"
        || path == "rules.deadline"
        || path.starts_with("banks.")
        || path.contains(".stakes.")
        || column.starts_with("capability")
}

/// Checks what must hold between the parameters of each point.
fn check_points(
    sweep: &Sweep,
    read: &[Read],
    listed_points: &[(Origin, Vec<Value>)],
    file: &Path,
    problems: &mut Collector,
) {
    if !read.iter().any(|read| is_bound(&read.factor.path)) {
        return;
    }
    let mut faulty = 0;
    let mut first = None;
    for point in 0..sweep.points.count() {
        let scenario = sweep.scenario(point);
        let origins: Vec<(&str, &Origin)> = read
            .iter()
            .map(|read| {
                let listed = listed_points.get(point as usize).map(|(origin, _)| origin);
                (read.factor.path.as_str(), listed.unwrap_or(&read.origin))
            })
            .collect();
        let found = sweep.base.check_with(&scenario.parameters, &origins, file);
        if found.is_empty() {
            continue;
        }
        faulty += 1;
        if faulty <= MOST_FAULTY_POINTS {
            for problem in found {
                let what = format!("{} ({})", problem.what, sweep.points.describe(point));
                problems.push(Problem { what, ..problem });
            }
        } else {
            first.get_or_insert(point);
        }
    }
    if faulty > MOST_FAULTY_POINTS {
        let what = format!("{} more points are faulty in such ways", faulty - MOST_FAULTY_POINTS);
        let from = sweep.points.describe(first.unwrap_or(0));
        problems.push(Origin::whole(file).problem("", what).hint(format!("the first of them: {from}")));
    }
}
