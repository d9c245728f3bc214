//! Amendments as scenario files write them.

use super::document::{Item, Node, Setting};
use super::parameters::{During, Place};
use super::problem::{Collector, Origin, Problem, check_text, check_value};
use super::setting::{self, Ids};
use super::value::{FromValue, Kind, Value, nearest_hint};
use super::{Amendment, Change, Condition, Trigger};
use crate::tables;
use crate::units::Month;

/// Keys of an amendment.
pub const KEYS: [&str; 4] = ["note", "from", "when", "set"];
/// Keys of a condition.
pub const CONDITION_KEYS: [&str; 5] = ["indicator", "below", "above", "for_months", "not_before"];
/// What a condition compares an indicator with: any number that money or shares can be.
const BOUND: Kind = Kind::Number { low: -1e18, high: 1e18 };
const MONTHS_IN_A_ROW: Kind = Kind::Whole { low: 1, high: 1200 };

/// What an amendment is checked against.
pub struct Context<'a> {
    /// Ids of the rosters.
    pub ids: &'a Ids,
    /// First reported month.
    pub start: Month,
}

/// An amendment with the places where its changes are written.
pub struct Written {
    /// The amendment.
    pub amendment: Amendment,
    /// Where each of its changes is written.
    pub origins: Vec<Origin>,
    /// Its number within its file.
    pub number: usize,
}

/// Reads the amendment with this `number` in its file. What is wrong is told, and the rest is kept.
pub fn read(
    origin: &Origin,
    items: &[Item],
    number: usize,
    context: &Context,
    problems: &mut Collector,
) -> Written {
    let key = format!("amendment.{number}");
    let find = |name: &str| items.iter().find(|item| item.key == name);
    for item in items.iter().filter(|item| !KEYS.contains(&item.key.as_str())) {
        problems.push(no_such_key(&key, item));
    }
    let note = find("note").map(|item| text(item, &format!("{key}.note")));
    let note = note.unwrap_or(Ok(String::new())).unwrap_or_else(|problem| {
        problems.push(problem);
        String::new()
    });
    let trigger = trigger(origin, &key, find("from"), find("when"), context, problems);
    let changes = match find("set") {
        Some(item) => changes(item, &format!("{key}.set"), context.ids, problems),
        None => {
            problems.push(
                origin
                    .problem(format!("{key}.set"), "an amendment must set something")
                    .allowed("a table of paths and values: set = { \"fees.agency_query\" = 3 }"),
            );
            Vec::new()
        }
    };
    let (changes, origins) = changes.into_iter().unzip();
    // Where something is wrong no scenario is made; what is right is still checked with the rest.
    let trigger = trigger.unwrap_or(Trigger::From(context.start));
    Written { amendment: Amendment { note, trigger, changes }, origins, number }
}

fn no_such_key(key: &str, item: &Item) -> Problem {
    let path = format!("{key}.{}", item.key);
    let hint = nearest_hint(&item.key, KEYS.into_iter());
    let paths = setting::all_paths();
    let is_path = paths.iter().any(|path| *path == item.key || path.starts_with(&format!("{}.", item.key)));
    item.origin
        .problem(path, "no such key of an amendment")
        .given(item.node.value())
        .allowed(KEYS.join(", "))
        .hint(if is_path { "parameters stand within set = { ... }".into() } else { hint })
}

fn text(item: &Item, key: &str) -> Result<String, Problem> {
    check_value(&item.origin, key, &Kind::Text, "", &item.node.value())?;
    let text = String::from_value(&item.node.value());
    check_text(&item.origin, key, &text, true)?;
    Ok(text)
}

fn typed(item: &Item, key: &str, kind: &Kind) -> Result<Value, Problem> {
    let value = item.node.value();
    check_value(&item.origin, key, kind, "", &value).map(|()| value).map_err(|mut problem| {
        problem.allowed = if *kind == BOUND { "a number".into() } else { kind.allowed() };
        problem
    })
}

fn trigger(
    origin: &Origin,
    key: &str,
    from: Option<&Item>,
    when: Option<&Item>,
    context: &Context,
    problems: &mut Collector,
) -> Option<Trigger> {
    const EITHER: &str = "either from = \"YYYY-MM\" or when = { indicator = ..., below = ... }";
    match (from, when) {
        (Some(item), None) => from_month(item, &format!("{key}.from"), context)
            .map_err(|problem| problems.push(problem))
            .ok()
            .map(Trigger::From),
        (None, Some(item)) => condition(item, &format!("{key}.when"), problems).map(Trigger::When),
        (Some(_), Some(_)) => {
            problems.push(origin.problem(key, "an amendment has both from and when").allowed(EITHER));
            None
        }
        (None, None) => {
            problems
                .push(origin.problem(key, "an amendment must say when it comes into force").allowed(EITHER));
            None
        }
    }
}

fn from_month(item: &Item, key: &str, context: &Context) -> Result<Month, Problem> {
    let month = Month::from_value(&typed(item, key, &Kind::Month)?);
    if month < context.start {
        return Err(item
            .origin
            .problem(key, "before the calendar starts")
            .given(item.node.value())
            .allowed(format!("a month from {} on", context.start))
            .hint("what holds from the start is set in the sections of the file"));
    }
    Ok(month)
}

fn condition(item: &Item, key: &str, problems: &mut Collector) -> Option<Condition> {
    let Node::Table(items) = &item.node else {
        problems.push(item.origin.problem(key, "wrong type").given(item.node.value()).allowed(
            "a table: when = { indicator = \"delivered_share_reported\", below = 0.5, for_months = 3 }",
        ));
        return None;
    };
    let before = problems.count();
    for unknown in items.iter().filter(|item| !CONDITION_KEYS.contains(&item.key.as_str())) {
        problems.push(
            unknown
                .origin
                .problem(format!("{key}.{}", unknown.key), "no such key of a condition")
                .given(unknown.node.value())
                .allowed(CONDITION_KEYS.join(", "))
                .hint(nearest_hint(&unknown.key, CONDITION_KEYS.into_iter())),
        );
    }
    let mut read = |name: &str, kind: &Kind| {
        let found = items.iter().find(|item| item.key == name)?;
        typed(found, &format!("{key}.{name}"), kind).map_err(|problem| problems.push(problem)).ok()
    };
    let below = read("below", &BOUND).map(|value| f64::from_value(&value));
    let above = read("above", &BOUND).map(|value| f64::from_value(&value));
    let for_months = read("for_months", &MONTHS_IN_A_ROW).map_or(1, |value| u32::from_value(&value));
    let not_before = read("not_before", &Kind::Month).map(|value| Month::from_value(&value));
    if !items.iter().any(|item| item.key == "below" || item.key == "above") {
        problems.push(
            item.origin
                .problem(key, "a condition must have a bound")
                .allowed("below, above or both, numbers"),
        );
    }
    let indicator = match items.iter().find(|item| item.key == "indicator") {
        Some(item) => indicator(item, &format!("{key}.indicator")),
        None => Err(item
            .origin
            .problem(format!("{key}.indicator"), "a condition must read an indicator")
            .allowed(
                "a column of months.csv that somebody can observe, such as \"delivered_share_reported\"",
            )),
    };
    match indicator {
        Ok(indicator) if problems.count() == before => {
            Some(Condition { indicator, below, above, for_months, not_before })
        }
        Ok(_) => None,
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn indicator(item: &Item, key: &str) -> Result<&'static str, Problem> {
    const ALLOWED: &str = "a column of months.csv that somebody can observe";
    let given = item.node.value();
    let Value::Text(name) = &given else {
        return Err(item.origin.problem(key, "wrong type").given(&given).allowed(ALLOWED));
    };
    if let Some(known) = tables::indicators().find(|known| known == name) {
        return Ok(known);
    }
    let problem = |what: &str| item.origin.problem(key, what).given(&given).allowed(ALLOWED);
    if tables::UNOBSERVABLE.contains(&name.as_str()) {
        let hint = match name.as_str() {
            "unlawful_query_share" => "violations_found is what audits bring to light",
            _ => "delivered_share_reported is what the central bank has been told",
        };
        return Err(problem("nobody can observe this indicator while the calendar runs").hint(hint));
    }
    Err(problem("no such indicator").hint(nearest_hint(name, tables::indicators())))
}

fn changes(item: &Item, key: &str, ids: &Ids, problems: &mut Collector) -> Vec<(Change, Origin)> {
    let settings = match &item.node {
        Node::Table(items) if !items.is_empty() => {
            let mut settings = Vec::new();
            items.iter().for_each(|item| item.settings(&item.key, &mut settings));
            settings
        }
        _ => {
            let problem = item.origin.problem(key, "an amendment must set something");
            problems.push(
                problem
                    .given(item.node.value())
                    .allowed("a table of paths and values: set = { \"fees.agency_query\" = 3 }"),
            );
            return Vec::new();
        }
    };
    let mut changes: Vec<(Change, Origin)> = Vec::new();
    for setting in settings {
        match change(&setting, ids) {
            Ok(Some(change)) if changes.iter().any(|(other, _)| other.place == change.place) => {
                problems.push(prefixed(key, setting.origin.problem(&setting.path, "the path stands twice")));
            }
            Ok(Some(change)) => changes.push((change, setting.origin)),
            Ok(None) => {}
            Err(problem) => problems.push(prefixed(key, problem)),
        }
    }
    // What is set for one row wins over what is set for all, as in the sections of a file.
    changes.sort_by_key(|(change, _)| !matches!(change.place, Place::Every { .. }));
    changes
}

/// Shows a path as a key of the amendment.
fn prefixed(key: &str, mut problem: Problem) -> Problem {
    problem.key = format!("{key}.{}", problem.key);
    problem
}

fn change(setting: &Setting, ids: &Ids) -> Result<Option<Change>, Problem> {
    let Some(checked) = setting::check(setting, ids)? else {
        let problem = setting.origin.problem(&setting.path, "this sets nothing");
        return Err(problem.given(&setting.value).allowed("a path and a value"));
    };
    if checked.during == During::Fixed {
        return Err(setting
            .origin
            .problem(&setting.path, "fixed before the first month: no amendment can change it")
            .given(&setting.value)
            .hint("set it in the sections of the file instead"));
    }
    let change = Change { path: setting.path.clone(), place: checked.place, value: checked.value };
    Ok(checked.settable.then_some(change))
}
