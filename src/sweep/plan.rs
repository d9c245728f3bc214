//! A sweep, resolved: all that its runs and its tables are made from, and nothing that depends on
//! where its files are.

use super::design;
use crate::output::csv::hexadecimal;
use crate::scenario::Scenario;
use crate::scenario::parameters::{Place, STAKE};
use crate::scenario::value::{FromValue, Kind, Value, from_toml};
use crate::tables::CellType;
use crate::units::Month;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// How points are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// Every combination of the factors' values; the last factor changes fastest.
    Grid,
    /// A Latin hypercube.
    LatinHypercube,
    /// A Sobol' sequence.
    Sobol,
    /// Trajectories of elementary effects.
    Morris,
    /// Base samples and what Sobol' indices need beside them.
    Saltelli,
    /// Points of a CSV file.
    Points,
}

impl Design {
    /// All designs, by the words of a sweep file.
    pub const WORDS: [(&'static str, Design); 6] = [
        ("grid", Design::Grid),
        ("latin-hypercube", Design::LatinHypercube),
        ("sobol", Design::Sobol),
        ("morris", Design::Morris),
        ("saltelli", Design::Saltelli),
        ("points", Design::Points),
    ];

    /// The design's word in a sweep file.
    pub fn word(self) -> &'static str {
        Design::WORDS.iter().find(|(_, design)| *design == self).map_or("", |(word, _)| word)
    }

    /// Whether points are drawn between bounds, so that the file says how many.
    pub fn is_sampled(self) -> bool {
        !matches!(self, Design::Grid | Design::Points)
    }
}

/// How a range between two numbers is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Equal differences.
    Linear,
    /// Equal ratios.
    Log,
}

/// The values that a factor may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum Levels {
    /// These.
    Values {
        /// The values, as TOML.
        values: Vec<toml::Value>,
    },
    /// Numbers from `low` to `high`.
    Range {
        /// Lowest.
        low: f64,
        /// Highest.
        high: f64,
        /// How the range is divided.
        scale: Scale,
        /// Whether only whole numbers are meant.
        whole: bool,
    },
}

/// A parameter that is swept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Path.
    pub path: String,
    /// Unit.
    pub unit: String,
    /// Meaning, in one line.
    pub meaning: String,
    /// Whether its values multiply what each scenario, and each row of a roster, has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relative: bool,
    /// What it may be.
    #[serde(flatten)]
    pub levels: Levels,
}

impl Factor {
    /// Its column in the tables.
    pub fn column(&self) -> String {
        if self.relative { format!("{}_times", self.path) } else { self.path.clone() }
    }
}

/// A scenario that is run beside the first one at every point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Name.
    pub name: String,
    /// The scenario, resolved.
    pub scenario: toml::Table,
}

/// The sweep without the scenario that it is run on: enough for its tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the program.
    pub version: String,
    /// Name: the stem of the sweep file.
    pub name: String,
    /// Title, for people; may be empty.
    pub title: String,
    /// How points are chosen.
    pub design: Design,
    /// Points, trajectories or base samples that the file asks for; 0 where the design says.
    pub points: u64,
    /// Levels of the design `morris`; 0 for others.
    pub levels: u64,
    /// Seed, in decimal: TOML has no numbers that large.
    pub seed: String,
    /// Replicates of each point.
    pub replicates: u32,
    /// Seeds of the replicates, in decimal.
    pub replicate_seeds: Vec<String>,
    /// Factors.
    pub factor: Vec<Factor>,
    /// The points of the design `points`, each a value a factor.
    pub listed: Vec<Vec<toml::Value>>,
    /// The scenario's name.
    pub base_name: String,
    /// The scenario, resolved.
    pub base: toml::Table,
    /// The factors' values in all scenarios as they are, where there are several: the first point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_shipped: Vec<toml::Value>,
    /// Scenarios that are run beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

impl Levels {
    /// How many values there are; `None` in a range.
    pub fn count(&self) -> Option<usize> {
        match self {
            Levels::Values { values } => Some(values.len()),
            Levels::Range { .. } => None,
        }
    }

    /// The value at a coordinate from 0 to 1: of values, and of whole numbers on a linear scale, each
    /// has an equal slice.
    pub fn at(&self, coordinate: f64) -> Value {
        match self {
            Levels::Values { values } => {
                let place = (coordinate * values.len() as f64) as usize;
                from_toml(&values[place.min(values.len() - 1)])
            }
            Levels::Range { low, high, scale, whole: false } => {
                Value::Number(between(*low, *high, *scale, coordinate).clamp(*low, *high))
            }
            Levels::Range { low, high, scale, whole: true } => {
                let number = between(low - 0.5, high + 0.5, *scale, coordinate);
                Value::Whole(number.round().clamp(*low, *high) as i64)
            }
        }
    }
}

/// The number at a share of the way from `low` to `high`.
pub fn between(low: f64, high: f64, scale: Scale, share: f64) -> f64 {
    match scale {
        Scale::Linear => low + share * (high - low),
        Scale::Log => low * libm::exp(share * libm::log(high / low)),
    }
}

/// What a run of a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOfPoint {
    /// Point, counted from 0.
    pub point: u64,
    /// Replicate, counted from 1.
    pub replicate: u32,
    /// Scenario, counted from 0.
    pub scenario: usize,
}

/// A plan with the coordinates of its points, if it has any.
pub struct Points {
    /// The plan.
    pub plan: Plan,
    coordinates: Vec<Vec<f64>>,
    sizes: Vec<usize>,
    count: u64,
}

impl Points {
    /// Chooses the points of a plan.
    pub fn new(plan: Plan) -> Points {
        let (factors, points) = (plan.factor.len(), plan.points as usize);
        let seed = plan.seed.parse().unwrap_or_default();
        let coordinates = match plan.design {
            Design::Grid | Design::Points => Vec::new(),
            Design::LatinHypercube => design::latin_hypercube(factors, points, seed),
            Design::Sobol => design::sobol(factors, points, seed),
            Design::Morris => design::morris(factors, points, plan.levels as usize, seed),
            Design::Saltelli => design::saltelli(factors, points, seed),
        };
        let sizes: Vec<usize> = plan.factor.iter().filter_map(|factor| factor.levels.count()).collect();
        let count = match plan.design {
            Design::Grid => design::grid_size(&sizes).unwrap_or(u64::MAX),
            Design::Points => plan.listed.len() as u64,
            _ => coordinates.len() as u64,
        };
        Points { plan, coordinates, sizes, count }
    }

    /// How many points there are. Where scenarios are ranked, the first is not of the design: it
    /// leaves all scenarios as they are.
    pub fn count(&self) -> u64 {
        self.count.saturating_add(self.before_design())
    }

    /// Points before those of the design.
    pub fn before_design(&self) -> u64 {
        u64::from(!self.plan.as_shipped.is_empty())
    }

    /// What the tables call a point: 0 is that of all scenarios as they are, the design begins with 1.
    pub fn number(&self, point: u64) -> u64 {
        point + 1 - self.before_design()
    }

    /// How many scenarios are run at each point.
    pub fn scenarios(&self) -> usize {
        1 + self.plan.beside.len()
    }

    /// The name of a scenario, counted from 0.
    pub fn scenario_name(&self, scenario: usize) -> &str {
        scenario.checked_sub(1).map_or(&self.plan.base_name, |beside| &self.plan.beside[beside].name)
    }

    /// How many runs there are.
    pub fn runs(&self) -> u64 {
        self.count().saturating_mul(u64::from(self.plan.replicates)).saturating_mul(self.scenarios() as u64)
    }

    /// What a run is: points one after the other, at each its replicates, of each all scenarios.
    pub fn of_run(&self, run: u64) -> RunOfPoint {
        let (scenarios, replicates) = (self.scenarios() as u64, u64::from(self.plan.replicates));
        let (pair, scenario) = (run / scenarios, (run % scenarios) as usize);
        RunOfPoint { point: pair / replicates, replicate: (pair % replicates) as u32 + 1, scenario }
    }

    /// The factors' values at a point, counted from 0.
    pub fn values(&self, point: u64) -> Vec<Value> {
        let Some(point) = point.checked_sub(self.before_design()) else {
            return self.plan.as_shipped.iter().map(from_toml).collect();
        };
        let factors = self.plan.factor.iter();
        match self.plan.design {
            Design::Points => self.plan.listed[point as usize].iter().map(from_toml).collect(),
            Design::Grid => {
                let places = design::grid_point(&self.sizes, point);
                let value = |(factor, place): (&Factor, &usize)| match &factor.levels {
                    Levels::Values { values } => from_toml(&values[*place]),
                    range => range.at(0.0),
                };
                factors.zip(&places).map(value).collect()
            }
            _ => {
                let coordinates = &self.coordinates[point as usize];
                factors.zip(coordinates).map(|(factor, at)| factor.levels.at(*at)).collect()
            }
        }
    }

    /// The coordinates of the points of a sampled design.
    pub fn coordinates(&self) -> &[Vec<f64>] {
        &self.coordinates
    }

    /// The runs of a part of `parts`, counted from 0: contiguous and as equal as can be.
    pub fn part(&self, part: u64, parts: u64) -> Range<u64> {
        let edge = |part: u64| (u128::from(part) * u128::from(self.runs()) / u128::from(parts)) as u64;
        edge(part)..edge(part + 1)
    }

    /// What the cells of a factor's column are.
    pub fn cell_type(&self, factor: usize) -> CellType {
        match &self.plan.factor[factor].levels {
            Levels::Range { whole: true, .. } => CellType::Whole,
            Levels::Range { .. } => CellType::Number,
            Levels::Values { values } => {
                match values.first().or_else(|| self.plan.listed.first()?.get(factor)) {
                    Some(toml::Value::Float(_)) => CellType::Number,
                    Some(toml::Value::Integer(_)) => CellType::Whole,
                    Some(toml::Value::Boolean(_)) => CellType::Flag,
                    _ => CellType::Text,
                }
            }
        }
    }

    /// What the point is, for people.
    pub fn describe(&self, point: u64) -> String {
        let values = self.values(point);
        let said: Vec<String> = self
            .plan
            .factor
            .iter()
            .zip(&values)
            .map(|(factor, value)| {
                format!("{} {} {value}", factor.path, if factor.relative { "times" } else { "=" })
            })
            .collect();
        format!("point {}: {}", self.number(point), said.join(", "))
    }
}

impl Plan {
    /// The plan as text, the same for the same sweep.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("a plan has nothing that TOML can't write")
    }
}

/// SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &[u8]) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// A scenario of a sweep, and what each factor sets in it.
pub struct Varied {
    /// The scenario.
    pub scenario: Scenario,
    /// What each factor sets: for a column of all rows of a roster, the rows that it speaks of.
    pub places: Vec<Vec<Place>>,
}

/// A sweep ready to be run.
pub struct Sweep {
    /// Its points.
    pub points: Points,
    /// The scenarios that are run at every point.
    pub scenarios: Vec<Varied>,
    /// Whether each factor is a column of all rows of a roster.
    pub of_all_rows: Vec<bool>,
}

impl Sweep {
    /// The first scenario.
    pub fn base(&self) -> &Scenario {
        &self.scenarios[0].scenario
    }

    /// A scenario at a point, both counted from 0.
    pub fn scenario(&self, scenario: usize, point: u64) -> Scenario {
        let Varied { scenario, places } = &self.scenarios[scenario];
        let mut scenario = scenario.clone();
        if point < self.points.before_design() {
            return scenario;
        }
        let values = self.points.values(point);
        // What is set for one row wins over what is set for all, as in files.
        for wanted in [true, false] {
            let factors = self.points.plan.factor.iter().zip(places).zip(&self.of_all_rows).zip(&values);
            for (((factor, places), _), value) in factors.filter(|((_, of_all), _)| **of_all == wanted) {
                for place in places {
                    let set = if factor.relative {
                        let own = scenario.parameters.get(place);
                        own.map(|own| multiplied(place, &own, f64::from_value(value)))
                    } else {
                        Some(value.clone())
                    };
                    set.into_iter().for_each(|value| scenario.parameters.set(place, &value));
                }
            }
        }
        scenario
    }

    /// Seed of all random numbers.
    pub fn seed(&self) -> u64 {
        self.points.plan.seed.parse().unwrap_or_default()
    }
}

/// What a scenario has, times a number, within what the parameter allows.
fn multiplied(place: &Place, own: &Value, by: f64) -> Value {
    match (place.parameter().map_or(STAKE, |parameter| parameter.kind), own) {
        (Kind::Number { low, high }, own) => Value::Number((f64::from_value(own) * by).clamp(low, high)),
        (Kind::Whole { low, high }, own) => {
            Value::Whole((f64::from_value(own) * by).round().clamp(low as f64, high as f64) as i64)
        }
        (_, own) => own.clone(),
    }
}

/// Every month from `first` to `last`.
pub fn months(first: Month, last: Month) -> Vec<Value> {
    (0..=last.since(first)).map(|ahead| Value::Text(first.plus(ahead).to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: f64, high: f64, scale: Scale, whole: bool) -> Levels {
        Levels::Range { low, high, scale, whole }
    }

    #[test]
    fn coordinates_cover_ranges_evenly() {
        let linear = range(1.0, 3.0, Scale::Linear, false);
        assert_eq!([0.0, 0.5, 1.0].map(|at| linear.at(at)), [1.0, 2.0, 3.0].map(Value::Number));
        let log = range(1.0, 100.0, Scale::Log, false);
        let Value::Number(middle) = log.at(0.5) else { panic!("a number") };
        assert!((middle - 10.0).abs() < 1e-12);
        assert_eq!((log.at(0.0), log.at(1.0)), (Value::Number(1.0), Value::Number(100.0)));
        let whole = range(2.0, 4.0, Scale::Linear, true);
        let values: Vec<Value> = (0..6).map(|i| whole.at((f64::from(i) + 0.5) / 6.0)).collect();
        assert_eq!(values, [2, 2, 3, 3, 4, 4].map(Value::Whole));
        assert_eq!((whole.at(0.0), whole.at(1.0)), (Value::Whole(2), Value::Whole(4)));
        let words = Levels::Values { values: vec!["a".into(), "b".into()] };
        let at = [0.0, 0.49, 0.5, 1.0].map(|at| words.at(at));
        assert_eq!(at, ["a", "a", "b", "b"].map(|word| Value::Text(word.into())));
    }

    fn grid(sizes: &[i64], replicates: u32) -> Points {
        let factor = |(i, size): (usize, &i64)| Factor {
            path: format!("f.{i}"),
            unit: "none".into(),
            meaning: "A factor".into(),
            relative: false,
            levels: Levels::Values { values: (0..*size).map(toml::Value::Integer).collect() },
        };
        Points::new(Plan {
            version: "1".into(),
            name: "g".into(),
            title: String::new(),
            design: Design::Grid,
            points: 0,
            levels: 0,
            seed: u64::MAX.to_string(),
            replicates,
            replicate_seeds: vec![u64::MAX.to_string()],
            factor: sizes.iter().enumerate().map(factor).collect(),
            listed: Vec::new(),
            base_name: "b".into(),
            base: "[fees]\nagency_query = 0.1\n".parse().unwrap(),
            as_shipped: Vec::new(),
            beside: Vec::new(),
        })
    }

    #[test]
    fn parts_are_equal_and_leave_nothing_out() {
        let points = grid(&[3, 4], 7);
        assert_eq!((points.count(), points.runs()), (12, 84));
        assert_eq!(points.of_run(13), RunOfPoint { point: 1, replicate: 7, scenario: 0 });
        for parts in [1, 3, 11, 84, 100] {
            let mut next = 0;
            for part in 0..parts {
                let runs = points.part(part, parts);
                assert_eq!(runs.start, next);
                let size = runs.end - runs.start;
                assert!(size == 84 / parts || size == 84 / parts + 1);
                next = runs.end;
            }
            assert_eq!(next, 84, "{parts} parts");
        }
    }

    #[test]
    fn scenarios_are_run_side_by_side_and_first_as_they_are() {
        let mut plan = grid(&[2, 2], 3).plan;
        plan.as_shipped = vec![toml::Value::Integer(7), toml::Value::Integer(8)];
        plan.beside = vec![Beside { name: "other".into(), scenario: plan.base.clone() }];
        let points = Points::new(plan);
        assert_eq!((points.count(), points.scenarios(), points.runs()), (5, 2, 30));
        assert_eq!(points.of_run(0), RunOfPoint { point: 0, replicate: 1, scenario: 0 });
        assert_eq!(points.of_run(1), RunOfPoint { point: 0, replicate: 1, scenario: 1 });
        assert_eq!(points.of_run(29), RunOfPoint { point: 4, replicate: 3, scenario: 1 });
        assert_eq!((points.number(0), points.number(4)), (0, 4));
        assert_eq!(points.values(0), [7, 8].map(Value::Whole));
        assert_eq!(points.values(4), [1, 1].map(Value::Whole));
        assert_eq!([0, 1].map(|scenario| points.scenario_name(scenario)), ["b", "other"]);
        assert_eq!(toml::from_str::<Plan>(&points.plan.text()).unwrap(), points.plan);
    }

    #[test]
    fn multiples_stay_within_what_is_allowed() {
        let of = |path: &str, own: Value, by| multiplied(&Place::of(path).unwrap(), &own, by);
        assert_eq!(of("platforms.waits_for", Value::Number(0.5), 1.5), Value::Number(0.75));
        assert_eq!(of("platforms.waits_for", Value::Number(0.8), 1.5), Value::Number(1.0));
        assert_eq!(of("credit.term_months", Value::Whole(12), 0.7), Value::Whole(8));
        assert_eq!(of("credit.term_months", Value::Whole(1), 0.1), Value::Whole(1));
    }

    #[test]
    fn a_plan_reads_back() {
        let plan = grid(&[2, 2], 1).plan;
        assert_eq!(toml::from_str::<Plan>(&plan.text()).unwrap(), plan);
        let mut ranges = plan.clone();
        ranges.factor[0].levels = range(0.1, 0.3, Scale::Log, false);
        assert_eq!(toml::from_str::<Plan>(&ranges.text()).unwrap(), ranges);
    }
}
