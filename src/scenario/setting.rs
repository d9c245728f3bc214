//! What a path names, and whether it may be set to a value.

use super::document::{EMPTY_TABLE, Setting};
use super::parameters::{AgencyRow, BankClassRow, Parameter, PlatformRow};
use super::parameters::{During, Place, ROSTER_SECTIONS, STAKE, Section, all_parameters};
use super::problem::{Origin, Problem, check_text, check_value, listed, unknown_key};
use super::roster::{check_holder, known_agency, known_id};
use super::value::{Kind, Value};

/// Ids of the rosters; `None` where a roster could not be read, so that nothing is known of it.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// Platforms.
    pub platforms: Option<Vec<String>>,
    /// Classes of banks.
    pub banks: Option<Vec<String>>,
    /// Agencies.
    pub agencies: Option<Vec<String>>,
}

impl Ids {
    fn of(&self, section: &str) -> Option<&[String]> {
        match section {
            "platforms" => self.platforms.as_deref(),
            "banks" => self.banks.as_deref(),
            _ => self.agencies.as_deref(),
        }
    }

    fn are_known(&self, place: &Place) -> bool {
        match place {
            Place::Plain { .. } => true,
            Place::Every { section, .. } | Place::One { section, .. } => self.of(section).is_some(),
            Place::Stake { holder, .. } => {
                self.agencies.is_some() && (holder.starts_with("outside:") || self.platforms.is_some())
            }
        }
    }
}

/// A setting that has been checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it sets.
    pub place: Place,
    /// To what.
    pub value: Value,
    /// Whether amendments may set it.
    pub during: During,
    /// Whether the roster it speaks of has been read, so that it can be set.
    pub settable: bool,
}

/// Every path of the plain sections, and of rosters' columns for all rows.
pub fn all_paths() -> Vec<String> {
    all_parameters().map(|parameter| format!("{}.{}", parameter.section, parameter.name)).collect()
}

/// Names of the sections.
pub fn sections() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = all_parameters().map(|parameter| parameter.section).collect();
    names.dedup();
    names
}

/// Checks a setting; `None` for a table without a key, which sets nothing.
///
/// # Errors
/// What is wrong with its path or value.
pub fn check(setting: &Setting, ids: &Ids) -> Result<Option<Checked>, Problem> {
    let empty = setting.value == Value::Other(EMPTY_TABLE.into());
    let Some(place) = Place::of(&setting.path) else {
        return if empty && sections().contains(&setting.path.as_str()) {
            Ok(None)
        } else {
            Err(no_such_path(setting))
        };
    };
    let parameter = match &place {
        Place::Every { section, name } if empty && is_id(ids, section, name) => return Ok(None),
        Place::One { section, id, name } => {
            known_row(setting, section, id, ids)?;
            if empty && section == "agencies" && name == "stakes" {
                return Ok(None);
            }
            Some(place.parameter().ok_or_else(|| no_such_column(setting, section, id))?)
        }
        Place::Stake { agency, holder } => {
            known_agency(&setting.origin, &setting.path, agency, ids.of("agencies"))?;
            check_holder(&setting.origin, &setting.path, holder, ids.of("platforms"))?;
            None
        }
        Place::Every { section, name } if is_id(ids, section, name) => {
            return Err(id_without_column(setting));
        }
        _ => Some(place.parameter().ok_or_else(|| no_such_path(setting))?),
    };
    let (kind, unit, during) = match parameter {
        Some(Parameter { kind, unit, during, .. }) => (*kind, *unit, *during),
        None => (STAKE, "share", During::Amendable),
    };
    check_value(&setting.origin, &setting.path, &kind, unit, &setting.value)?;
    check_content(setting, &kind, ids)?;
    Ok(Some(Checked { settable: ids.are_known(&place), place, value: setting.value.clone(), during }))
}

fn is_id(ids: &Ids, section: &str, name: &str) -> bool {
    ids.of(section).is_some_and(|known| known.iter().any(|id| id == name))
}

fn known_row(setting: &Setting, section: &str, id: &str, ids: &Ids) -> Result<(), Problem> {
    let what = match section {
        "platforms" => "platform",
        "banks" => "class of banks",
        _ => "agency",
    };
    known_id(&setting.origin, &setting.path, id, ids.of(section), what).map_err(|mut problem| {
        problem.value = Some(setting.value.to_string());
        problem
    })
}

/// What a kind can't check: texts' control characters, and agencies' ids.
fn check_content(setting: &Setting, kind: &Kind, ids: &Ids) -> Result<(), Problem> {
    match (kind, &setting.value) {
        (Kind::Text, Value::Text(text)) => check_text(&setting.origin, &setting.path, text, false),
        (Kind::DeliverTo, Value::List(items)) => {
            let mut texts = items.iter().filter_map(|id| match id {
                Value::Text(id) => Some(id),
                _ => None,
            });
            texts.try_for_each(|id| known_agency(&setting.origin, &setting.path, id, ids.of("agencies")))
        }
        _ => Ok(()),
    }
}

fn no_such_path(setting: &Setting) -> Problem {
    let Setting { path, origin, .. } = setting;
    if sections().contains(&path.as_str()) {
        return origin
            .problem(path, "this is a section, not a parameter")
            .given(&setting.value)
            .hint(format!("name one of its keys: {path}.{}, say", example_of(path)));
    }
    let section = path.split('.').next().unwrap_or_default();
    let keys =
        all_parameters().filter(|parameter| parameter.section == section).map(|parameter| parameter.name);
    let allowed = if sections().contains(&section) {
        format!("in {section}: {}", listed(keys))
    } else {
        format!("sections {}", listed(sections().into_iter()))
    };
    let paths = all_paths();
    let problem = unknown_key(origin, path, paths.iter().map(String::as_str));
    problem.given(&setting.value).allowed(allowed)
}

fn no_such_column(setting: &Setting, section: &str, id: &str) -> Problem {
    let mut names: Vec<String> =
        columns_of(section).iter().map(|parameter| format!("{section}.{id}.{}", parameter.name)).collect();
    let holder = section == "agencies" && setting.path.ends_with(".stakes");
    names.extend(
        all_paths()
            .into_iter()
            .filter(|path| !ROSTER_SECTIONS.contains(&path.split('.').next().unwrap_or_default())),
    );
    let problem = unknown_key(&setting.origin, &setting.path, names.iter().map(String::as_str))
        .given(&setting.value)
        .allowed(listed(columns_of(section).iter().map(|parameter| parameter.name)));
    if holder { problem.hint(format!("a stake has a holder: {}.HOLDER", setting.path)) } else { problem }
}

fn id_without_column(setting: &Setting) -> Problem {
    let section = setting.path.split('.').next().unwrap_or_default();
    setting
        .origin
        .problem(&setting.path, "this names a row of the roster, not a parameter")
        .given(&setting.value)
        .hint(format!("name a column: {}.{}, say", setting.path, example_of(section)))
}

/// A key of a section that a reader will know.
fn example_of(section: &str) -> &'static str {
    let names: Vec<&str> = all_parameters().filter(|p| p.section == section).map(|p| p.name).collect();
    let known = names.iter().find(|name| ["waits_for", "fee_query"].contains(name));
    known.or(names.first()).copied().unwrap_or_default()
}

/// The parameters of a roster's rows.
pub fn columns_of(section: &str) -> &'static [Parameter] {
    match section {
        "platforms" => PlatformRow::parameters(),
        "banks" => BankClassRow::parameters(),
        _ => AgencyRow::parameters(),
    }
}

/// Reads an option `--set PATH=VALUE`.
///
/// # Errors
/// Where there is no `=`.
pub fn from_option(text: &str) -> Result<Setting, Problem> {
    let origin = Origin::whole("--set");
    let Some((path, value)) = text.split_once('=') else {
        return Err(origin
            .problem("", "there is no '='")
            .given(text)
            .allowed("PATH=VALUE, such as fees.agency_query=3"));
    };
    let path = path.trim().to_string();
    let kind = Place::of(&path).and_then(|place| Some(place.parameter()?.kind));
    let value = match kind {
        // A name such as 360 is text, whatever TOML would take it for.
        Some(Kind::Text | Kind::Path) => unquoted(value),
        _ => super::document::parse_value(value),
    };
    Ok(Setting { path, value, origin })
}

fn unquoted(value: &str) -> Value {
    match super::document::parse_value(value) {
        Value::Text(text) => Value::Text(text),
        _ => Value::Text(value.trim().to_string()),
    }
}
