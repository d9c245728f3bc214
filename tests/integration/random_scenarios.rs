//! Random whole scenarios as users could write them: files of TOML and CSV that are valid by and large. What
//! there is to set, and within which ranges, is taken from the declarations, so that a new parameter is drawn
//! as well.

use crate::common::repository;
use crate::program::{files, scenario};
use mandate::scenario::parameters::{During, Parameter, Parameters, Place, STAKE, all_parameters};
use mandate::scenario::value::{DOMAINS, Kind, Value};
use mandate::scenario::{Scenario, Trigger, load, problem::Problems};
use mandate::sweep::file::is_sweep;
use mandate::tables::indicators;
use mandate::units::{Month, RuleMonth};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Shipped scenarios that name no ids, so that other rosters can be put under them.
const FOR_ANY_ROSTER: [&str; 3] = ["open-market", "direct-ban", "december-deadline"];

/// Rosters that are written, by file.
const ROSTERS: [&str; 4] = ["platforms", "banks", "agencies", "stakes"];

/// Rosters of which shares must sum to 1.
const SUMS: [&str; 2] = ["deposit_share", "partnership_weight"];

/// More banks of a class, and a larger sample, would only take time.
const MOST_BANKS_OF_A_CLASS: u64 = 12;

/// How a value is drawn: shrinks to what is there anyway.
#[derive(Clone, Debug)]
pub struct Roll {
    how: u8,
    share: f64,
}

fn roll() -> impl Strategy<Value = Roll> {
    (0..12u8, 0.0..1.0f64).prop_map(|(how, share)| Roll { how, share })
}

/// A cell of a roster, most of which stay what they are in the shipped one.
fn cell() -> impl Strategy<Value = Roll> {
    prop_oneof![3 => Just(Roll { how: 0, share: 0.0 }), 2 => roll()]
}

impl Roll {
    fn of<T: Clone>(&self, things: &[T]) -> T {
        things[(self.share * things.len() as f64) as usize].clone()
    }

    /// A number in a range: `near`, an end, 0, 1, something near, or anything.
    fn number(&self, low: f64, high: f64, near: f64) -> f64 {
        let number = match self.how {
            0 => near,
            1 => low,
            2 => high,
            3 => 0.0,
            4 => 1.0,
            5..=8 => near * (0.5 + self.share),
            9 => low + self.share * (high - low),
            // Of any size.
            10 => 10f64.powf(24.0 * self.share - 12.0),
            _ => 10f64.powf(3.0 * self.share - 3.0),
        };
        number.clamp(low, high)
    }

    /// A month about the calendar, or far from it.
    fn month(&self, start: Month) -> Month {
        match self.how {
            1 => Month::new(1000, 1),
            2 => Month::new(9999, 12),
            _ => start.plus((30.0 * self.share) as i32 - 8),
        }
    }

    fn value(&self, kind: &Kind, near: Option<&Value>, context: &Parameters) -> Value {
        let number = |fallback: f64| match near {
            Some(Value::Number(number)) => *number,
            Some(Value::Whole(number)) => *number as f64,
            _ => fallback,
        };
        let text = |text: &str| Value::Text(text.into());
        match kind {
            Kind::Number { low, high } => Value::Number(self.number(*low, *high, number(*low))),
            Kind::Whole { low, high } => {
                let near = number(*low as f64);
                Value::Whole(self.number(*low as f64, *high as f64, near).round() as i64)
            }
            Kind::Flag => Value::Flag(self.share < 0.5),
            Kind::Month => text(&self.month(context.calendar.start).to_string()),
            Kind::MonthOrNever if self.how == 0 => text("never"),
            Kind::MonthOrNever => text(&self.month(context.calendar.start).to_string()),
            Kind::Choice(words) => text(self.of(words)),
            Kind::DeliverTo => {
                let known: Vec<String> = context.agencies.iter().map(|entry| entry.id.clone()).collect();
                match self.how {
                    0..=4 => text("all"),
                    5..=7 => text("any"),
                    _ if known.is_empty() => text("any"),
                    8 => Value::List(known.into_iter().rev().map(Value::Text).collect()),
                    _ => Value::List(vec![Value::Text(self.of(&known))]),
                }
            }
            Kind::Domains => {
                let bits = (self.share * 64.0) as usize;
                let kept = (0..DOMAINS.len()).filter(|domain| bits >> domain & 1 == 1);
                Value::List(kept.map(|domain| text(DOMAINS[domain])).collect())
            }
            Kind::Shape if self.how.is_multiple_of(2) => text("uniform"),
            Kind::Shape => {
                let (a, b) = (10f64.powf(5.0 * self.share - 2.0), 0.01 + 20.0 * self.share);
                text(&format!("beta:{}:{}", a.clamp(0.01, 1000.0), b))
            }
            Kind::Text => text(self.of(&["Ant", "A long, strange \"name\"", "蚂蚁", "x = 1"])),
            Kind::Path => unreachable!("rosters are written, not drawn"),
        }
    }
}

/// A row of a roster: that of this number of the shipped one, cell by cell changed.
#[derive(Clone, Debug)]
pub struct RowDraft {
    like: usize,
    cells: Vec<Roll>,
}

fn rows(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<RowDraft>> {
    let row = (0..16usize, prop::collection::vec(cell(), 16));
    prop::collection::vec(row.prop_map(|(like, cells)| RowDraft { like, cells }), count)
}

/// Rosters: rows, and stakes by place of agency, place of holder and size.
#[derive(Clone, Debug)]
pub struct RostersDraft {
    platforms: Vec<RowDraft>,
    banks: Vec<RowDraft>,
    agencies: Vec<RowDraft>,
    stakes: Vec<(usize, usize, Roll)>,
}

/// A parameter by number, whose row it is of (the first means all rows), and its value.
type Setting = (prop::sample::Index, usize, Roll);

/// When an amendment acts, and what it changes.
#[derive(Clone, Debug)]
pub struct AmendmentDraft {
    month: i32,
    condition: Option<(prop::sample::Index, bool, Roll, u32, bool)>,
    changes: Vec<Setting>,
}

/// What a scenario is made from.
#[derive(Clone, Debug)]
pub struct Draft {
    base: usize,
    start: i32,
    months: u32,
    burn_in: u32,
    sample: u64,
    population: Roll,
    rules: [Option<Roll>; 4],
    settings: Vec<Setting>,
    rosters: Option<RostersDraft>,
    amendments: Vec<AmendmentDraft>,
    /// Seed of its runs.
    pub seed: u64,
    /// The replicate that is looked at.
    pub replicate: u32,
    /// How many work on the users.
    pub workers: usize,
}

fn settings(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Setting>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..6usize, roll()), count)
}

fn amendment() -> impl Strategy<Value = AmendmentDraft> {
    let condition = (any::<prop::sample::Index>(), any::<bool>(), roll(), 1..4u32, any::<bool>());
    (0..22i32, prop::option::of(condition), settings(1..4))
        .prop_map(|(month, condition, changes)| AmendmentDraft { month, condition, changes })
}

/// Any scenario.
pub fn draft() -> impl Strategy<Value = Draft> {
    let rosters =
        (rows(1..=5), rows(1..=4), rows(0..=3), prop::collection::vec((0..4usize, 0..7usize, roll()), 0..5));
    let rosters = rosters.prop_map(|(platforms, banks, agencies, stakes)| RostersDraft {
        platforms,
        banks,
        agencies,
        stakes,
    });
    let sample = prop_oneof![12 => 1..400u64, 1 => 1001..3500u64];
    let calendar = (0..40i32, 1..20u32, 0..=12u32, sample, roll());
    let rule = || prop::option::weighted(0.6, roll());
    // Rosters that are shipped have thousands of banks, which take time.
    let base = prop_oneof![5 => 0..=FOR_ANY_ROSTER.len(), 1 => 0..=BASES.len()];
    let what = (
        base,
        calendar,
        [rule(), rule(), rule(), rule()],
        settings(0..12),
        prop::option::weighted(0.9, rosters),
        prop::collection::vec(amendment(), 0..4),
    );
    (what, 0..1_000_000u64, 1..4u32, 2..=5usize).prop_map(|(what, seed, replicate, workers)| {
        let (base, (start, months, burn_in, sample, population), rules, settings, rosters, amendments) = what;
        let rosters = rosters.filter(|_| base <= FOR_ANY_ROSTER.len());
        Draft {
            base: if base == 0 && rosters.is_none() { 1 } else { base },
            start,
            months,
            burn_in,
            sample,
            population,
            rules,
            settings,
            rosters,
            amendments,
            seed,
            replicate,
            workers,
        }
    })
}

/// A shipped roster: its header and its rows.
struct Shipped {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn shipped_roster(name: &str) -> Shipped {
    let mut reader = csv::Reader::from_path(repository(&format!("seeds/{name}.csv"))).unwrap();
    let strings = |record: &csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
    let header = strings(reader.headers().unwrap());
    let rows = reader.records().map(|record| strings(&record.unwrap())).collect();
    Shipped { header, rows }
}

static SHIPPED: LazyLock<HashMap<&'static str, Shipped>> =
    LazyLock::new(|| ROSTERS.map(|name| (name, shipped_roster(name))).into());

/// What a scenario may extend beside nothing: all that are shipped, those for any roster first, loaded once.
static BASES: LazyLock<Vec<(String, Scenario)>> = LazyLock::new(|| {
    let shipped = files(&repository("scenarios")).into_keys();
    let names = shipped.filter_map(|name| name.strip_suffix(".toml").map(String::from));
    let others = names.filter(|name| !FOR_ANY_ROSTER.contains(&name.as_str()) && !is_sweep(&scenario(name)));
    let names = FOR_ANY_ROSTER.map(String::from).into_iter().chain(others);
    let one = |name: String| {
        let loaded = load(&scenario(&name), &[], None);
        (name, loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false))))
    };
    names.map(one).collect()
});

/// Files of a scenario, in the words of one who starts `mandate` in the folder of the repository.
#[derive(Clone, Debug, Default)]
pub struct Files {
    scenario: String,
    rosters: Vec<(&'static str, String)>,
}

impl Files {
    /// Writes them, the scenario last, and loads it.
    pub fn load(&self, folder: &Path) -> Result<Scenario, Problems> {
        for (name, text) in &self.rosters {
            fs::write(folder.join(format!("{name}.csv")), text).unwrap();
        }
        let file = folder.join("random.toml");
        let shipped = format!("{}/", repository("scenarios").to_str().unwrap());
        fs::write(&file, self.scenario.replace("extends = \"scenarios/", &format!("extends = \"{shipped}")))
            .unwrap();
        load(&file, &[], None)
    }

    /// Commands for a shell that write the files and run the scenario.
    pub fn shown(&self, seed: u64, replicate: u32) -> String {
        let named = self.rosters.iter().map(|(name, text)| (format!("{name}.csv"), text));
        let files = named.chain([("random.toml".to_string(), &self.scenario)]);
        let mut text = String::new();
        for (name, content) in files {
            let _ = write!(text, "cat > {name} <<'END'\n{content}END\n");
        }
        let _ = writeln!(text, "mandate run random.toml --seed {seed} --replicates {replicate}");
        text
    }
}

impl Draft {
    /// The scenario's files. `folder` is one to try rosters in.
    pub fn files(&self, folder: &Path) -> Result<Files, Problems> {
        let mut files = Files { scenario: self.head(), ..Files::default() };
        let start = match &self.rosters {
            Some(rosters) => {
                files.rosters = rosters.texts(self.start());
                for (name, _) in &files.rosters {
                    let _ = writeln!(files.scenario, "rosters.{name} = \"{name}.csv\"");
                }
                files.load(folder)?
            }
            None => BASES[self.base - 1].1.clone(),
        };
        self.write_parameters(start, &mut files.scenario);
        Ok(files)
    }

    fn head(&self) -> String {
        let mut text = "title = \"At random\"\n".to_string();
        if self.base > 0 {
            let _ = writeln!(text, "extends = \"scenarios/{}.toml\"", BASES[self.base - 1].0);
        }
        text
    }

    /// First month. What a base amends by date must not come before it.
    fn start(&self) -> Month {
        let start = match self.start {
            0 => Month::new(1001, 1),
            1 => Month::new(9998, 1),
            months => Month::new(2020, 6).plus(months),
        };
        let dated = |trigger: &Trigger| match trigger {
            Trigger::From(month) => Some(*month),
            Trigger::When(_) => None,
        };
        let base = (self.base > 0).then(|| &BASES[self.base - 1].1);
        let amendments = base.into_iter().flat_map(|base| &base.amendments);
        amendments.filter_map(|amendment| dated(&amendment.trigger)).fold(start, Month::min)
    }

    /// Writes the calendar, the sample, what is set and the amendments, given what there is to set.
    fn write_parameters(&self, from: Scenario, text: &mut String) {
        let mut parameters = from.parameters;
        parameters.calendar.start = self.start();
        parameters.calendar.months = self.months;
        parameters.calendar.burn_in_months = self.burn_in;
        parameters.users.sample = self.sample;
        let population = self.population.number(1.0, 1e10, 1e9).round().max(self.sample as f64);
        let Draft { months, burn_in, sample, .. } = self;
        let _ = writeln!(
            text,
            "calendar.start = \"{}\"\ncalendar.months = {months}\ncalendar.burn_in_months = {burn_in}\n\
             users.sample = {sample}\nusers.population = {population}",
            self.start(),
        );
        // What a base amends must stay possible.
        let amends = !from.amendments.is_empty();
        let held = |place: &Place| {
            let path = path_of(place);
            amends && (path == "rules.order" || path == "rules.deadline" || path.contains(".stakes."))
        };
        let mut changes = self.rule_changes(&parameters);
        changes.extend(self.settings.iter().filter_map(|setting| change(setting, &parameters, false)));
        changes.retain(|(place, _)| !held(place));
        for (place, value) in fitting(changes, &mut parameters) {
            let _ = writeln!(text, "{} = {value}", key_of(&place));
        }
        for amendment in &from.amendments {
            amendment.changes.iter().for_each(|change| parameters.set(&change.place, &change.value));
        }
        for amendment in &self.amendments {
            let changes = amendment.changes.iter().filter_map(|one| change(one, &parameters, true)).collect();
            let sets: Vec<String> = fitting(changes, &mut parameters)
                .iter()
                .map(|(place, value)| format!("{:?} = {value}", path_of(place)))
                .collect();
            if !sets.is_empty() {
                let trigger = amendment.trigger(self.start());
                let _ = write!(text, "\n[[amendment]]\n{trigger}\nset = {{ {} }}\n", sets.join(", "));
            }
        }
    }

    /// The rules without which little happens, drawn more often than others.
    fn rule_changes(&self, parameters: &Parameters) -> Vec<(Place, Value)> {
        let paths = ["rules.direct_sale_ban", "rules.order", "rules.deadline", "rules.consent"];
        let drawn = paths.iter().zip(&self.rules).filter_map(|(path, roll)| Some((path, roll.as_ref()?)));
        drawn
            .map(|(path, roll)| {
                let place = Place::of(path).unwrap();
                let kind = place.parameter().unwrap().kind;
                let value = roll.value(&kind, None, parameters);
                (place, value)
            })
            .collect()
    }
}

impl AmendmentDraft {
    fn trigger(&self, start: Month) -> String {
        let month = start.plus(self.month);
        let Some((index, below, bound, for_months, not_before)) = &self.condition else {
            return format!("from = \"{}\"", month.min(Month::new(9999, 12)));
        };
        let indicator = index.get(&indicators().collect::<Vec<_>>()).to_string();
        let (word, bound) =
            (if *below { "below" } else { "above" }, Value::Number(bound.number(-1e18, 1e18, 0.5)));
        let not_before = if *not_before { format!(", not_before = \"{month}\"") } else { String::new() };
        format!(
            "when = {{ indicator = \"{indicator}\", {word} = {bound}, for_months = {for_months}{not_before} }}"
        )
    }
}

impl RostersDraft {
    fn texts(&self, start: Month) -> Vec<(&'static str, String)> {
        let sizes = [self.platforms.len(), self.banks.len(), self.agencies.len()];
        let tables = [&self.platforms, &self.banks, &self.agencies];
        let of = |i: usize| (ROSTERS[i], roster_text(ROSTERS[i], tables[i], start));
        let mut texts = vec![of(0), of(1), of(2)];
        let mut stakes = "agency,holder,stake,source\n".to_string();
        let mut left = vec![1.0f64; sizes[2]];
        let mut seen = HashSet::new();
        for (agency, holder, roll) in self.stakes.iter().filter(|(agency, ..)| *agency < sizes[2]) {
            if seen.insert((agency, holder)) {
                let stake = roll.number(0.0, 1.0, 0.25).min(left[*agency]);
                left[*agency] -= stake;
                let holder =
                    if *holder < sizes[0] { format!("p{holder}") } else { format!("outside:F{holder}") };
                let _ = writeln!(stakes, "a{agency},{holder},{stake},A");
            }
        }
        texts.push(("stakes", stakes));
        texts
    }
}

/// A roster, its shares that must sum to 1 set to do so.
fn roster_text(name: &'static str, rows: &[RowDraft], start: Month) -> String {
    let shipped = &SHIPPED[name];
    let mut context = Parameters::default();
    context.calendar.start = start;
    let mut table: Vec<Vec<String>> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let like = &shipped.rows[row.like % shipped.rows.len()];
        let cells = shipped.header.iter().zip(like).enumerate().map(|(column, (header, like))| {
            let kind = kind_of(name, header);
            let roll = &row.cells[column % row.cells.len()];
            match (header.as_str(), kind) {
                ("id" | "class", _) => format!("{}{i}", &name[..1]),
                ("count", _) => (1 + (roll.share * MOST_BANKS_OF_A_CLASS as f64) as u64).to_string(),
                (_, Some(kind)) if roll.how > 0 => {
                    cell_text(&roll.value(&kind, near(like).as_ref(), &context))
                }
                _ => like.clone(),
            }
        });
        table.push(cells.collect());
    }
    let column = |name: &str| shipped.header.iter().position(|header| header == name);
    for sum in SUMS.iter().filter_map(|name| column(name)) {
        shares_of_one(&mut table, sum);
    }
    if let (Some(capability), Some(ceiling)) = (column("capability"), column("capability_ceiling")) {
        for row in &mut table {
            let number = |cell: &str| cell.parse::<f64>().unwrap();
            if number(&row[ceiling]) < number(&row[capability]) {
                row[ceiling] = row[capability].clone();
            }
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&shipped.header).unwrap();
    table.iter().for_each(|row| writer.write_record(row).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn shares_of_one(table: &mut [Vec<String>], column: usize) {
    let weights: Vec<f64> = table.iter().map(|row| row[column].parse().unwrap()).collect();
    let sum: f64 = weights.iter().sum();
    let share = |weight: f64| if sum > 0.0 { weight / sum } else { 1.0 / weights.len() as f64 };
    table.iter_mut().zip(&weights).for_each(|(row, weight)| row[column] = share(*weight).to_string());
}

/// What a shipped cell holds, where it is a number.
fn near(cell: &str) -> Option<Value> {
    cell.parse().ok().map(Value::Number)
}

fn cell_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn kind_of(section: &str, name: &str) -> Option<Kind> {
    all_parameters().find(|one| one.section == section && one.name == name).map(|one| one.kind)
}

/// What may be set: all parameters but those that the generator writes itself.
fn settable(amendment: bool) -> Vec<&'static Parameter> {
    let own = |one: &Parameter| {
        ["calendar", "rosters"].contains(&one.section)
            || ["population", "sample", "count"].contains(&one.name)
            || SUMS.contains(&one.name)
    };
    let may = |one: &&'static Parameter| !own(one) && (!amendment || one.during == During::Amendable);
    all_parameters().filter(may).collect()
}

/// The change that a setting makes: of a parameter, or beyond the last one of a stake.
fn change((index, row, roll): &Setting, parameters: &Parameters, amendment: bool) -> Option<(Place, Value)> {
    let settable = settable(amendment);
    let number = index.index(settable.len() + 2);
    let Some(parameter) = settable.get(number) else {
        let agency = parameters.agencies.get(row % parameters.agencies.len().max(1))?.id.clone();
        let holder = parameters.platforms.get(*row).map_or("outside:Fund".into(), |entry| entry.id.clone());
        let value = roll.value(&STAKE, Some(&Value::Number(0.25)), parameters);
        return Some((Place::Stake { agency, holder }, value));
    };
    let (section, name) = (parameter.section.to_string(), parameter.name.to_string());
    let ids: Vec<&String> = match parameter.section {
        "platforms" => parameters.platforms.iter().map(|entry| &entry.id).collect(),
        "banks" => parameters.banks.iter().map(|entry| &entry.id).collect(),
        "agencies" => parameters.agencies.iter().map(|entry| &entry.id).collect(),
        _ => Vec::new(),
    };
    let place = match (parameter.section, ids.len()) {
        ("platforms" | "banks" | "agencies", 0) => return None,
        ("platforms" | "banks" | "agencies", count) if *row > 0 => {
            Place::One { section, id: ids[row % count].clone(), name }
        }
        ("platforms" | "banks" | "agencies", _) => Place::Every { section, name },
        _ => Place::Plain { section, name },
    };
    let near = parameters.get(&place).or_else(parameter.default);
    let value = roll.value(&parameter.kind, near.as_ref(), parameters);
    Some((place, value))
}

/// The changes, each place once and those of all rows first, as they are made; values that would break what
/// must hold between parameters are moved to the nearest that does not. `parameters` are changed along.
fn fitting(mut changes: Vec<(Place, Value)>, parameters: &mut Parameters) -> Vec<(Place, Value)> {
    let mut seen = HashSet::new();
    changes.retain(|(place, _)| seen.insert(path_of(place)));
    changes.sort_by_key(|(place, _)| !matches!(place, Place::Every { .. }));
    for (place, value) in &mut changes {
        fit(place, value, parameters);
        parameters.set(place, value);
    }
    changes
}

fn fit(place: &Place, value: &mut Value, parameters: &Parameters) {
    let capability = |id: Option<&str>, of: fn(f64, f64) -> f64, start: f64, ceiling: bool| {
        let rows = parameters.agencies.iter().filter(|entry| id.is_none_or(|id| entry.id == id));
        let each =
            rows.map(|entry| if ceiling { entry.row.capability_ceiling } else { entry.row.capability });
        each.fold(start, of)
    };
    let id = match place {
        Place::One { id, .. } => Some(id.as_str()),
        _ => None,
    };
    match (place, &value) {
        (Place::Stake { agency, holder }, Value::Number(stake)) => {
            let index = parameters.agencies.iter().position(|entry| entry.id == *agency).unwrap();
            let others = parameters.stakes[index].iter().filter(|held| held.holder != *holder);
            let left = 1.0 - others.map(|held| held.stake).sum::<f64>();
            *value = Value::Number(stake.min(left.max(0.0)));
        }
        (Place::One { name, .. } | Place::Every { name, .. }, Value::Number(number)) => {
            if name == "capability_ceiling" {
                *value = Value::Number(number.max(capability(id, f64::max, 0.0, false)));
            } else if name == "capability" {
                *value = Value::Number(number.min(capability(id, f64::min, 1.0, true)));
            }
        }
        (Place::Plain { section, name }, Value::Text(text)) if section == "rules" => {
            let other = if name == "order" { parameters.rules.deadline } else { parameters.rules.order };
            if let (Ok(month), RuleMonth::From(other)) = (text.parse::<Month>(), other) {
                match name.as_str() {
                    "order" => *value = Value::Text(month.min(other).to_string()),
                    "deadline" => *value = Value::Text(month.max(other).to_string()),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The path as amendments write it.
fn path_of(place: &Place) -> String {
    match place {
        Place::Plain { section, name } | Place::Every { section, name } => format!("{section}.{name}"),
        Place::One { section, id, name } => format!("{section}.{id}.{name}"),
        Place::Stake { agency, holder } => format!("agencies.{agency}.stakes.{holder}"),
    }
}

/// The path as a key of the file.
fn key_of(place: &Place) -> String {
    match place {
        Place::Stake { agency, holder } => format!("agencies.{agency}.stakes.{holder:?}"),
        _ => path_of(place),
    }
}
