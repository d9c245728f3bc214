//! Sweep files: read whole, everything that is wrong told at once.

mod factor;
mod listed;
mod places;

use super::design;
use super::plan::{Beside, Design, Factor, Plan, Points, Sweep, Varied};
use crate::comparison::unlike;
use crate::run::{DEFAULT_REPLICATES, DEFAULT_SEED, MOST_REPLICATES};
use crate::scenario::chain::is_scenario_name;
use crate::scenario::document::{Item, beside, parse, read_text};
use crate::scenario::parameters::Place;
use crate::scenario::problem::{
    Collector, Origin, Problem, Problems, check_text, check_value, listed, unknown_key,
};
use crate::scenario::setting::sections;
use crate::scenario::value::{FromValue, Kind, Value, nearest_hint, to_toml};
use crate::scenario::{self, Scenario};
use std::path::Path;

const KEYS: [&str; 12] = [
    "title",
    "about",
    "base",
    "scenarios",
    "design",
    "replicates",
    "points",
    "seed",
    "levels",
    "sample",
    "file",
    "factor",
];
/// Points that all designs but grids hold in memory.
const MOST_POINTS: u64 = 10_000_000;
/// Points times factors of all designs but grids.
const MOST_COORDINATES: u64 = 50_000_000;
/// Runs of a sweep.
const MOST_RUNS: u64 = 1_000_000_000_000;
/// Values of a factor.
const MOST_VALUES: usize = 10_000;
/// Scenarios of a sweep; each is compared with each.
const MOST_SCENARIOS: usize = 50;
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
    place: Place,
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
        if problems.is_full() {
            break;
        }
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
    let scenarios = scenarios_of(&top, options, sample.map(|n| n as u64), &mut problems);
    let mut listed_points = Vec::new();
    let read = match design {
        Some(Design::Points) => listed::points(&top, &scenarios, &mut listed_points, &mut problems),
        _ => factor::factors(&top, design, &scenarios, &mut problems),
    };
    let (Some(design), true) = (design, problems.is_empty()) else {
        return Err(problems.finish());
    };
    let replicates = options.replicates.unwrap_or(replicates.map_or(DEFAULT_REPLICATES, |n| n as u32));
    let seed = options.seed.unwrap_or(seed.map_or(DEFAULT_SEED, |n| n as u64));
    let points = if design.is_sampled() { points.unwrap_or(0) as u64 } else { 0 };
    let levels =
        if design == Design::Morris { levels.unwrap_or(design::MORRIS_LEVELS as i64) as u64 } else { 0 };
    size(&top, design, points, u64::from(replicates) * scenarios.len() as u64, &read, &mut problems);
    let scenarios: Vec<Varied> = places::varied(&read, scenarios, options);
    let as_shipped = places::as_shipped(&read, &scenarios, &mut problems);
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
        replicate_seeds: (1..=replicates)
            .map(|n| scenarios[0].scenario.replicate_seed(n).to_string())
            .collect(),
        factor: read.iter().map(|read| read.factor.clone()).collect(),
        listed: listed_points.iter().map(|(_, values)| values.iter().map(to_toml).collect()).collect(),
        base_name: scenarios[0].scenario.name.clone(),
        base: scenarios[0].scenario.resolved_table(),
        as_shipped,
        beside: scenarios[1..]
            .iter()
            .map(|Varied { scenario, .. }| Beside {
                name: scenario.name.clone(),
                scenario: scenario.resolved_table(),
            })
            .collect(),
    };
    let of_all_rows = read.iter().map(|read| matches!(read.place, Place::Every { .. })).collect();
    let sweep = Sweep { points: Points::new(plan), scenarios, of_all_rows };
    places::check_points(&sweep, &read, &listed_points, file, &mut problems);
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

/// The scenarios of a sweep, its base first; none where one of them is wrong.
fn scenarios_of(
    top: &Top,
    options: &Options,
    sample: Option<u64>,
    problems: &mut Collector,
) -> Vec<Scenario> {
    let mut files = Vec::new();
    match top.find("base") {
        Some(item) => files.push((item, "base", item.node.value())),
        None => {
            let allowed = "the path of a scenario file, as in base = \"december-deadline.toml\"";
            problems.push(top.missing("base", "a sweep must have a base", allowed));
        }
    }
    if let Some(item) = top.find("scenarios") {
        match item.node.value() {
            Value::List(paths) if !paths.is_empty() && paths.len() < MOST_SCENARIOS => {
                files.extend(paths.into_iter().map(|path| (item, "scenarios", path)));
            }
            value => {
                let problem = item.origin.problem("scenarios", "not a list of scenario files").given(value);
                problems.push(problem.allowed(format!(
                    "1 to {} paths, as in scenarios = [\"fee-cap.toml\"]",
                    MOST_SCENARIOS - 1
                )));
            }
        }
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    let before = problems.count();
    for (item, key, path) in &files {
        let scenario = scenario_of(top, item, key, path, options, sample, problems);
        if let Some(scenario) = scenario {
            if scenarios.iter().any(|other| other.name == scenario.name) {
                let problem = item.origin.problem(*key, "two scenarios have this name").given(&scenario.name);
                problems.push(problem.allowed("files with different names"));
            }
            scenarios.push(scenario);
        }
    }
    if problems.count() == before && scenarios.len() > 1 {
        unlike(&scenarios).0.into_iter().for_each(|problem| problems.push(problem));
    }
    if problems.count() == before { scenarios } else { Vec::new() }
}

fn scenario_of(
    top: &Top,
    item: &Item,
    key: &str,
    path: &Value,
    options: &Options,
    sample: Option<u64>,
    problems: &mut Collector,
) -> Option<Scenario> {
    if let Err(problem) = check_value(&item.origin, key, &Kind::Path, "", path) {
        problems.push(problem);
        return None;
    }
    let file = beside(top.file, &String::from_value(path));
    if let Err(problem) = read_text(&file, &item.origin, key) {
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

/// Designs that are too large for themselves.
fn size(top: &Top, design: Design, points: u64, runs_each: u64, read: &[Read], problems: &mut Collector) {
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
    let runs = count.saturating_mul(runs_each);
    if (design != Design::Grid && count > MOST_POINTS) || runs > MOST_RUNS {
        let problem = top.missing(
            "points",
            "the design has too many points",
            format!("{MOST_POINTS} points at most, of a grid {MOST_RUNS} runs"),
        );
        problems.push(problem.given(count));
    } else if design != Design::Grid && count.saturating_mul(factors as u64) > MOST_COORDINATES {
        let what = format!("{count} points of {factors} factors are too many to be held in memory");
        let allowed = format!("points times factors up to {MOST_COORDINATES}");
        problems.push(top.missing("points", &what, allowed).given(count));
    }
}
