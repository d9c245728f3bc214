//! From files and options to a scenario: read everything, tell everything that is wrong, then run.

use super::amendment::{self, Context};
use super::chain::{self, Chain, Document};
use super::check::{Assembled, check_amendments, check_start};
use super::document::{Setting, beside};
use super::grid::Named;
use super::parameters::{AgencyRow, BankClassRow, Place, PlatformRow, Section};
use super::problem::{Collector, Origin, Problems};
use super::roster::{self, Rows};
use super::setting::{self, Checked, Ids};
use super::value::{FromValue, Value};
use super::{Scenario, Target};
use std::path::{Path, PathBuf};

/// Loads a scenario file.
///
/// `sets` are options `PATH=VALUE`, which win over all files; rosters' paths in them are relative to
/// the working folder. `sample` wins over `users.sample`. Amendments still act on top.
///
/// # Errors
/// Everything that is wrong, in the order of files and lines; options last.
pub fn load(file: &Path, sets: &[String], sample: Option<u64>) -> Result<Scenario, Problems> {
    let mut problems = Collector::default();
    let chain = chain::read(file, &mut problems);
    if chain.documents.is_empty() {
        return Err(problems.finish());
    }
    let options = options(sets, sample, &mut problems);
    let mut assembled = Assembled::new(file);
    let files = roster_files(&chain, &options);
    let (targets, replicate_seeds) = read_rosters(&files, &chain, &mut assembled, &mut problems);

    let files_first = chain.documents.iter().rev().flat_map(|document| &document.settings);
    apply(files_first.chain(&options), &mut assembled, &mut problems);
    check_start(&assembled, &mut problems);

    let amendments = read_amendments(&chain, &assembled, &mut problems);
    let warnings = check_amendments(&assembled, &amendments, &mut problems);
    if !problems.is_empty() {
        return Err(problems.finish());
    }
    let own = &chain.documents[0];
    Ok(Scenario {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        title: own.title.clone().unwrap_or_default(),
        about: own.about.clone().unwrap_or_default(),
        file: file.to_path_buf(),
        parameters: assembled.parameters,
        amendments: amendments.into_iter().map(|written| written.amendment).collect(),
        targets,
        replicate_seeds,
        roster_files: files.into_iter().map(|(name, named)| (name, named.file)).collect(),
        warnings,
    })
}

fn options(sets: &[String], sample: Option<u64>, problems: &mut Collector) -> Vec<Setting> {
    let mut options = Vec::new();
    for set in sets {
        match setting::from_option(set) {
            Ok(setting) => options.push(setting),
            Err(problem) => problems.push(problem),
        }
    }
    options.extend(sample.map(|sample| Setting {
        path: "users.sample".into(),
        value: i64::try_from(sample).map_or(Value::Number(sample as f64), Value::Whole),
        origin: Origin::whole("--sample"),
    }));
    options
}

/// The files that the section `rosters` names, with the place where each is named.
fn roster_files(chain: &Chain, options: &[Setting]) -> Vec<(&'static str, Named)> {
    let mut files = Vec::new();
    for parameter in super::parameters::Rosters::parameters() {
        let key = format!("rosters.{}", parameter.name);
        let of_option = options.iter().rev().find(|setting| setting.path == key);
        let in_file = |document: &Document| {
            let found = document.settings.iter().rev().find(|setting| setting.path == key)?;
            Some((document.file.clone(), found.clone()))
        };
        let found = of_option
            .map(|setting| (PathBuf::new(), setting.clone()))
            .or_else(|| chain.documents.iter().find_map(in_file));
        if let Some((from, setting)) = found
            && parameter.kind.check(&setting.value).is_ok()
        {
            let file = beside(&from, &String::from_value(&setting.value));
            files.push((parameter.name, Named { file, key, origin: setting.origin }));
        }
    }
    files
}

fn read_rosters(
    files: &[(&'static str, Named)],
    chain: &Chain,
    assembled: &mut Assembled,
    problems: &mut Collector,
) -> (Vec<Target>, Vec<u64>) {
    let find = |name: &str| files.iter().find(|(other, _)| *other == name).map(|(_, named)| named);
    for name in ["platforms", "banks", "agencies", "stakes"] {
        let key = format!("rosters.{name}");
        let is_set = chain.documents.iter().any(|d| d.settings.iter().any(|setting| setting.path == key));
        if find(name).is_none() && !is_set && chain.complete {
            let origin = Origin::line(&chain.documents[0].file, 1);
            problems.push(
                origin
                    .problem(key, "no roster is named")
                    .allowed("the path of a CSV file")
                    .hint("extend a scenario that names its rosters, such as extends = \"open-market.toml\""),
            );
        }
    }
    let platforms = find("platforms").and_then(|named| roster::platforms(named, problems));
    let banks = find("banks").and_then(|named| roster::banks(named, problems));
    let agencies = find("agencies").and_then(|named| roster::agencies(named, problems));
    assembled.ids = Ids { platforms: ids(&platforms), banks: ids(&banks), agencies: ids(&agencies) };
    assembled.take_platforms(platforms);
    assembled.take_banks(banks);
    assembled.take_agencies(agencies);
    if let Some(named) = find("stakes") {
        let ids = &assembled.ids;
        let rows = roster::stakes(named, ids.platforms.as_deref(), ids.agencies.as_deref(), problems);
        assembled.take_stakes(rows.unwrap_or_default());
    }
    let targets = find("targets").map(|named| roster::targets(named, problems)).unwrap_or_default();
    let seeds = find("replicate_seeds").map(|named| roster::replicate_seeds(named, problems));
    (targets, seeds.unwrap_or_default())
}

fn ids<R>(rows: &Option<Rows<R>>) -> Option<Vec<String>> {
    rows.as_ref().filter(|rows| rows.complete).map(Rows::ids)
}

/// Applies settings in this order, what is set for all rows of a roster before what is set for one.
fn apply<'a>(
    settings: impl Iterator<Item = &'a Setting>,
    assembled: &mut Assembled,
    problems: &mut Collector,
) {
    let mut checked: Vec<(&Setting, Checked)> = Vec::new();
    for setting in settings {
        if problems.is_full() {
            break;
        }
        match setting::check(setting, &assembled.ids) {
            Ok(Some(found)) if found.settable => checked.push((setting, found)),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    let specific = |place: &Place| matches!(place, Place::One { .. } | Place::Stake { .. });
    checked.sort_by_key(|(_, found)| specific(&found.place));
    for (setting, found) in checked {
        assembled.parameters.set(&found.place, &found.value);
        assembled.note(&setting.path, setting.origin.clone());
    }
}

fn read_amendments(
    chain: &Chain,
    assembled: &Assembled,
    problems: &mut Collector,
) -> Vec<amendment::Written> {
    let context = Context { ids: &assembled.ids, start: assembled.parameters.calendar.start };
    let mut amendments = Vec::new();
    for document in chain.documents.iter().rev() {
        for (i, (origin, items)) in document.amendments.iter().enumerate() {
            if problems.is_full() {
                break;
            }
            amendments.push(amendment::read(origin, items, i + 1, &context, problems));
        }
    }
    amendments
}

impl Assembled {
    fn take_platforms(&mut self, rows: Option<Rows<PlatformRow>>) {
        let Some(rows) = rows else { return };
        self.note_rows("platforms", &rows);
        self.parameters.platforms = rows.entries;
    }

    fn take_banks(&mut self, rows: Option<Rows<BankClassRow>>) {
        let Some(rows) = rows else { return };
        self.note_rows("banks", &rows);
        self.sound_banks = rows.sound;
        self.parameters.banks = rows.entries;
    }

    fn take_agencies(&mut self, rows: Option<Rows<AgencyRow>>) {
        let Some(rows) = rows else { return };
        self.note_rows("agencies", &rows);
        self.parameters.stakes = vec![Vec::new(); rows.entries.len()];
        self.parameters.agencies = rows.entries;
    }

    fn note_rows<R>(&mut self, section: &str, rows: &Rows<R>) {
        self.note(section, rows.header.clone());
        for (entry, origin) in rows.entries.iter().zip(&rows.origins) {
            self.note(&format!("{section}.{}", entry.id), origin.clone());
        }
    }

    fn take_stakes(&mut self, rows: Vec<roster::StakeRow>) {
        for row in rows {
            let Some(agency) = self.parameters.agencies.iter().position(|entry| entry.id == row.agency)
            else {
                continue;
            };
            self.note(&format!("agencies.{}.stakes.{}", row.agency, row.held.holder), row.origin);
            self.parameters.stakes[agency].push(row.held);
        }
    }
}
