//! What must hold between parameters, at the start and after each amendment.

use super::Change;
use super::amendment::Written;
use super::parameters::{AgencyRow, Entry, Parameters, Place};
use super::problem::{Collector, Origin, Problem};
use super::setting::Ids;
use super::value::{DeliverTo, FromValue, Value};
use crate::agents::banks::MOST_BANKS;
use crate::units::Month;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How far shares that must sum to 1 may miss it.
const SUM_TOLERANCE: f64 = 1e-6;
/// How far stakes may sum beyond 1, for the rounding of decimal fractions.
const STAKE_TOLERANCE: f64 = 1e-9;

/// A scenario's parameters at the start, with the places where they are written.
pub struct Assembled {
    /// The scenario's file.
    pub file: PathBuf,
    /// Parameters.
    pub parameters: Parameters,
    /// Ids of the rosters that could be read.
    pub ids: Ids,
    /// Whether every row of the roster of banks is as it should be.
    pub sound_banks: bool,
    origins: HashMap<String, (usize, Origin)>,
    noted: usize,
}

impl Assembled {
    /// Nothing but defaults, for the scenario of `file`.
    pub fn new(file: &Path) -> Assembled {
        Assembled {
            file: file.to_path_buf(),
            parameters: Parameters::default(),
            ids: Ids::default(),
            sound_banks: false,
            origins: HashMap::new(),
            noted: 0,
        }
    }

    /// Notes that `path` was set at `origin`, after everything noted before.
    pub fn note(&mut self, path: &str, origin: Origin) {
        self.noted += 1;
        self.origins.insert(path.to_string(), (self.noted, origin));
    }

    /// Where the last of these paths was set; the scenario's file where all are defaults.
    fn latest(&self, paths: impl IntoIterator<Item = impl AsRef<str>>) -> Origin {
        let found = paths.into_iter().filter_map(|path| self.origins.get(path.as_ref()));
        let last = found.max_by_key(|(number, _)| *number);
        last.map_or_else(|| Origin::whole(&self.file), |(_, origin)| origin.clone())
    }
}

/// Checks the parameters as they stand at the start.
pub fn check_start(assembled: &Assembled, problems: &mut Collector) {
    let found = [calendar(assembled), sample(assembled), deadline_at_start(assembled), ids(assembled)];
    found.into_iter().flatten().for_each(|problem| problems.push(problem));
    if assembled.sound_banks {
        banks(assembled, problems);
    }
    for (i, agency) in assembled.parameters.agencies.iter().enumerate() {
        let stakes = assembled.parameters.stakes[i]
            .iter()
            .map(|held| format!("agencies.{}.stakes.{}", agency.id, held.holder));
        let found = stake_sum(&assembled.parameters, i, &assembled.latest(stakes));
        found.into_iter().for_each(|problem| problems.push(problem));
        let keys = ["capability", "capability_ceiling"]
            .into_iter()
            .flat_map(|name| [format!("agencies.{}.{name}", agency.id), format!("agencies.{name}")])
            .chain([format!("agencies.{}", agency.id)]);
        let found = ceiling(&assembled.parameters, i, &assembled.latest(keys));
        found.into_iter().for_each(|problem| problems.push(problem));
    }
}

fn calendar(assembled: &Assembled) -> Option<Problem> {
    let calendar = &assembled.parameters.calendar;
    let origin = || assembled.latest(["calendar.start", "calendar.months", "calendar.burn_in_months"]);
    let (first, last) = (Month::new(1000, 1), Month::new(9999, 12));
    if calendar.start.plus(calendar.months as i32 - 1) > last {
        let problem = origin().problem("calendar.months", "the calendar ends after the year 9999");
        return Some(
            problem.given(calendar.months).allowed(format!("{} at most", last.since(calendar.start) + 1)),
        );
    }
    if calendar.start.plus(-(calendar.burn_in_months as i32)) < first {
        let problem = origin().problem("calendar.burn_in_months", "the burn-in begins before the year 1000");
        let most = calendar.start.since(first);
        return Some(problem.given(calendar.burn_in_months).allowed(format!("{most} at most")));
    }
    None
}

fn sample(assembled: &Assembled) -> Option<Problem> {
    let users = &assembled.parameters.users;
    let problem = || {
        assembled
            .latest(["users.sample", "users.population"])
            .problem("users.sample", "more simulated users than persons")
            .given(users.sample)
            .allowed(format!("users.population at most, which is {}", users.population))
    };
    (users.sample > users.population).then(problem)
}

/// The problem with a deadline before the order, told of the key that was set at `origin`.
fn deadline(parameters: &Parameters, origin: &Origin, key: &str, value: &Value) -> Option<Problem> {
    let (order, deadline) = (parameters.rules.order.month()?, parameters.rules.deadline.month()?);
    let problem = || {
        origin
            .problem(key, format!("the deadline, {deadline}, is before the order, {order}"))
            .given(value)
            .allowed("a deadline in the order's month or later, or \"never\"")
    };
    (deadline < order).then(problem)
}

fn deadline_at_start(assembled: &Assembled) -> Option<Problem> {
    let (order, due) = (assembled.latest(["rules.order"]), assembled.latest(["rules.deadline"]));
    let last = assembled.latest(["rules.order", "rules.deadline"]);
    // Of two lines of one file the deadline's is told; of two files the one that came last.
    let (key, origin) = if last == order && order.file != due.file {
        ("rules.order", order)
    } else {
        ("rules.deadline", due)
    };
    let value = assembled.parameters.get(&Place::of(key)?)?;
    deadline(&assembled.parameters, &origin, key, &value)
}

/// A platform and a class of banks of one id could not be told apart in `decisions.csv`.
fn ids(assembled: &Assembled) -> Option<Problem> {
    let banks = &assembled.parameters.banks;
    let shared = assembled.parameters.platforms.iter().find(|p| banks.iter().any(|bank| bank.id == p.id))?;
    let origin = assembled.latest([format!("banks.{}", shared.id)]);
    Some(origin.problem("class", "a platform has the same id").given(&shared.id).allowed("an id of its own"))
}

fn banks(assembled: &Assembled, problems: &mut Collector) {
    let banks = &assembled.parameters.banks;
    let origin = |column: &str| {
        let of_rows = banks.iter().map(|bank| format!("banks.{}.{column}", bank.id));
        assembled.latest(of_rows.chain([format!("banks.{column}"), "banks".into()]))
    };
    for (column, sum) in [
        ("deposit_share", banks.iter().map(|bank| bank.row.deposit_share).sum::<f64>()),
        ("partnership_weight", banks.iter().map(|bank| bank.row.partnership_weight).sum::<f64>()),
    ] {
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            let problem = origin(column).problem(format!("banks.{column}"), "the column does not sum to 1");
            problems.push(problem.given(rounded(sum)).allowed("a sum of 1, to within 0.000001"));
        }
    }
    let count: u64 = banks.iter().map(|bank| u64::from(bank.row.count)).sum();
    if count > MOST_BANKS as u64 {
        let problem = origin("count").problem("banks.count", "too many banks in all classes together");
        problems.push(problem.given(count).allowed(format!("{MOST_BANKS} at most")));
    }
}

fn rounded(sum: f64) -> f64 {
    (sum * 1e9).round() / 1e9
}

fn stake_sum(parameters: &Parameters, agency: usize, origin: &Origin) -> Option<Problem> {
    let sum: f64 = parameters.stakes[agency].iter().map(|held| held.stake).sum();
    let problem = || {
        let key = format!("agencies.{}.stakes", parameters.agencies[agency].id);
        let stakes = parameters.stakes[agency].iter().filter(|held| held.stake > 0.0);
        let held: Vec<String> = stakes.map(|held| format!("{} {}", held.holder, held.stake)).collect();
        origin
            .problem(key, format!("the stakes in {} sum to more than 1", parameters.agencies[agency].id))
            .given(rounded(sum))
            .allowed("a sum of at most 1")
            .hint(super::problem::listed(held.iter().map(String::as_str)))
    };
    (sum > 1.0 + STAKE_TOLERANCE).then(problem)
}

fn ceiling(parameters: &Parameters, agency: usize, origin: &Origin) -> Option<Problem> {
    let (id, row) = (&parameters.agencies[agency].id, &parameters.agencies[agency].row);
    let problem = || {
        origin
            .problem(
                format!("agencies.{id}.capability_ceiling"),
                format!("below the capability of {id} at its opening"),
            )
            .given(row.capability_ceiling)
            .allowed(format!("a number from agencies.{id}.capability, which is {}, to 1", row.capability))
    };
    (row.capability_ceiling < row.capability).then(problem)
}

/// Checks the parameters after each amendment, in the order of the files, and gives the warnings of
/// the whole scenario.
pub fn check_amendments(
    assembled: &Assembled,
    amendments: &[Written],
    problems: &mut Collector,
) -> Vec<Problem> {
    let mut warnings = warnings_at_start(assembled);
    let mut parameters = assembled.parameters.clone();
    for written in amendments {
        for change in &written.amendment.changes {
            parameters.set(&change.place, &change.value);
        }
        let prefix = format!("amendment.{}.set", written.number);
        let mut found: Vec<Problem> = Vec::new();
        // From the last, so that a sum is told once, where it was completed.
        for (change, origin) in written.amendment.changes.iter().zip(&written.origins).rev() {
            for problem in after(&parameters, change, origin) {
                if !found.iter().any(|other| other.what == problem.what) {
                    found.push(problem);
                }
            }
            if let Value::List(_) = change.value
                && change.path.ends_with("deliver_to")
            {
                let key = format!("{prefix}.{}", change.path);
                warnings.extend(opens_too_late(&parameters, &change.value, origin, &key));
            }
        }
        for problem in found {
            problems.push(Problem { key: format!("{prefix}.{}", problem.key), ..problem });
        }
    }
    warnings
}

/// What no longer holds after a change.
fn after(parameters: &Parameters, change: &Change, origin: &Origin) -> Vec<Problem> {
    let index = |id: &str| parameters.agencies.iter().position(|entry| entry.id == id);
    match &change.place {
        Place::Stake { agency, .. } => {
            index(agency).and_then(|agency| stake_sum(parameters, agency, origin)).into_iter().collect()
        }
        Place::Plain { section, name } if section == "rules" && (name == "order" || name == "deadline") => {
            deadline(parameters, origin, &change.path, &change.value).into_iter().collect()
        }
        Place::One { section, id, name } if section == "agencies" && name == "capability_ceiling" => {
            index(id).and_then(|agency| ceiling(parameters, agency, origin)).into_iter().collect()
        }
        Place::Every { section, name } if section == "agencies" && name == "capability_ceiling" => {
            (0..parameters.agencies.len()).filter_map(|agency| ceiling(parameters, agency, origin)).collect()
        }
        _ => Vec::new(),
    }
}

/// Orders to deliver to an agency that opens only after the calendar has ended.
fn warnings_at_start(assembled: &Assembled) -> Vec<Problem> {
    let parameters = &assembled.parameters;
    let late = |list: &DeliverTo, path: &str, every: &str| {
        let origin = assembled.latest([path, every]);
        list.to_value().map_or(Vec::new(), |value| opens_too_late(parameters, &value, &origin, path))
    };
    let mut warnings = late(&parameters.rules.deliver_to, "rules.deliver_to", "");
    for platform in &parameters.platforms {
        if let Some(list) = &platform.row.deliver_to {
            let path = format!("platforms.{}.deliver_to", platform.id);
            warnings.extend(late(list, &path, "platforms.deliver_to"));
        }
    }
    warnings
}

fn opens_too_late(parameters: &Parameters, list: &Value, origin: &Origin, key: &str) -> Vec<Problem> {
    let DeliverTo::List(ids) = DeliverTo::from_value(list) else { return Vec::new() };
    let calendar = &parameters.calendar;
    let last = calendar.start.plus(calendar.months as i32 - 1);
    let late = parameters.agencies.iter().filter(|entry| ids.contains(&entry.id) && entry.row.opens > last);
    let warning = |entry: &Entry<AgencyRow>| {
        let what = format!("the agency opens in {}, after the calendar has ended", entry.row.opens);
        origin.problem(key, what).given(Value::Text(entry.id.clone()))
    };
    late.map(warning).collect()
}
