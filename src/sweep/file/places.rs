//! What each factor sets, and what must hold between the parameters of each point.

use super::{Options, Read};
use crate::scenario::parameters::{Place, ROSTER_SECTIONS};
use crate::scenario::problem::{Collector, Origin, Problem};
use crate::scenario::value::{Kind, Value, to_toml};
use crate::scenario::{self, Scenario};
use crate::sweep::design;
use crate::sweep::plan::{Design, Sweep, Varied};
use std::path::Path;

/// Points of which the problems are told one by one.
const MOST_FAULTY_POINTS: usize = 10;
/// Scenarios, one at each point, that are checked: so many take minutes.
const MOST_CHECKED: u64 = 10_000_000;

/// The scenarios with what each factor sets in them.
pub(super) fn varied(read: &[Read], scenarios: Vec<Scenario>, options: &Options) -> Vec<Varied> {
    scenarios
        .into_iter()
        .map(|scenario| Varied { places: places(read, &scenario, options), scenario })
        .collect()
}

/// The factors' values in scenarios as they are; none of a single scenario. A problem where scenarios
/// differ in what a factor sets: it would take away what makes them differ.
pub(super) fn as_shipped(read: &[Read], scenarios: &[Varied], problems: &mut Collector) -> Vec<toml::Value> {
    if scenarios.len() < 2 {
        return Vec::new();
    }
    let mut values = Vec::new();
    for (i, read) in read.iter().enumerate() {
        if read.factor.relative {
            values.push(toml::Value::Float(1.0));
            continue;
        }
        let own = |varied: &Varied| -> Vec<Option<Value>> {
            varied.places[i].iter().map(|place| varied.scenario.parameters.get(place)).collect()
        };
        let first = own(&scenarios[0]);
        let common = first.first().cloned().flatten();
        let differs = |varied: &&Varied| common.is_none() || own(varied).iter().any(|own| *own != common);
        match (&common, scenarios.iter().find(differs)) {
            (Some(value), None) => values.push(to_toml(value)),
            (_, found) => {
                let of = found.map_or_else(String::new, |varied| format!(", as in {}", varied.scenario.name));
                let what =
                    format!("scenarios or rows have values of their own{of}, which the factor would replace");
                let problem = read.origin.problem(&read.factor.path, what);
                let numeric = matches!(read.kind, Kind::Number { .. } | Kind::Whole { .. });
                problems.push(
                    problem
                        .allowed("a parameter that is the same in all scenarios and rows")
                        .hint(if numeric { "relative = true multiplies what each of them has" } else { "" }),
                );
            }
        }
    }
    values
}

/// What each factor sets. A scenario may give some rows of a roster a value of their own, which wins
/// over what is set for all rows, as it does in files: two trials show which rows do.
fn places(read: &[Read], base: &Scenario, options: &Options) -> Vec<Vec<Place>> {
    read.iter()
        .map(|read| match &read.place {
            Place::Every { section, name } => {
                // What multiplies a row's own value speaks of every row.
                let own = if read.factor.relative {
                    Vec::new()
                } else {
                    rows_of_their_own(base, options, read, section, name)
                };
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

/// The points at which something may not hold that holds at no other one, and how many there are: of a grid
/// one for each combination of the factors that are bound to others, since it may be larger than any machine.
fn points_to_check(sweep: &Sweep, read: &[Read]) -> (u64, Box<dyn Iterator<Item = u64>>) {
    let points = &sweep.points;
    if points.plan.design != Design::Grid {
        return (points.count(), Box::new(0..points.count()));
    }
    let levels: Vec<usize> = read.iter().filter_map(|read| read.factor.levels.count()).collect();
    let bound: Vec<usize> = levels
        .iter()
        .zip(read)
        .map(|(levels, read)| if is_bound(&read.factor.path) { *levels } else { 1 })
        .collect();
    let first = points.before_design();
    let count = design::grid_size(&bound).unwrap_or(u64::MAX);
    let index = move |combination: u64| {
        let point = design::grid_point(&bound, combination);
        let places = point.iter().zip(&levels);
        first + places.fold(0, |index, (place, levels)| index * *levels as u64 + *place as u64)
    };
    (count, Box::new((0..count).map(index)))
}

/// Checks what must hold between the parameters of each point.
pub(super) fn check_points(
    sweep: &Sweep,
    read: &[Read],
    listed_points: &[(Origin, Vec<Value>)],
    file: &Path,
    problems: &mut Collector,
) {
    if !read.iter().any(|read| is_bound(&read.factor.path)) {
        return;
    }
    let (count, points) = points_to_check(sweep, read);
    let checked = count.saturating_mul(sweep.points.scenarios() as u64);
    if checked > MOST_CHECKED {
        let what = "something must hold between some of the factors, at more points than can be checked";
        let allowed = format!("points times scenarios, of a grid only of such factors, up to {MOST_CHECKED}");
        problems.push(Origin::line(file, 1).problem("factor", what).given(checked).allowed(allowed));
        return;
    }
    let mut faulty = 0;
    let mut first = None;
    for point in points {
        let before = sweep.points.before_design();
        let origins: Vec<(&str, &Origin)> = read
            .iter()
            .map(|read| {
                let listed = point
                    .checked_sub(before)
                    .and_then(|point| listed_points.get(point as usize))
                    .map(|(origin, _)| origin);
                (read.factor.path.as_str(), listed.unwrap_or(&read.origin))
            })
            .collect();
        let found: Vec<Problem> = (0..sweep.points.scenarios())
            .flat_map(|index| {
                let scenario = sweep.scenario(index, point);
                sweep.scenarios[index].scenario.check_with(&scenario.parameters, &origins, file)
            })
            .collect();
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
        let what = format!("{} more points, at least, are faulty in such ways", faulty - MOST_FAULTY_POINTS);
        let from = sweep.points.describe(first.unwrap_or(0));
        problems.push(Origin::whole(file).problem("", what).hint(format!("the first of them: {from}")));
    }
}
