//! Instructions that the model takes, counted by valgrind, against those on record: a trend that a noisy
//! machine can't hide.
//!
//! `cargo bench --bench instructions` counts and compares; a case that takes over 3 % more or less than
//! `benches/instructions.csv` says fails. After a deliberate change,
//! `cargo bench --bench instructions -- --accept` puts the new counts on record. Without `--bench`, as
//! tests run it, each case is run once without counting.

use mandate::credit::{Desk, Lending};
use mandate::month::step_month;
use mandate::random::Key;
use mandate::repayment::Repayment;
use mandate::replicate::simulate;
use mandate::scenario::{Scenario, load};
use mandate::summary::SummaryRow;
use mandate::sweep::file::Options;
use mandate::sweep::journal::run_line;
use mandate::tables::{Reporting, Row};
use mandate::world::World;
use mandate::{accounts, compliance, delivery, observe, sourcing};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicBool;

/// How far a count may be off.
const BOUND: f64 = 0.03;
/// The month in which work is counted: the order is in force and books are full.
const MONTH: u32 = 62;

/// A case: its name, its users, and the work on a world of that month.
type Case = (&'static str, u64, fn(&mut World<'_>));

const CASES: [Case; 9] = [
    ("repayment", 50_000, |world| {
        let repayment = Repayment::new(world);
        let World { blocks, tallies, .. } = world;
        blocks.iter_mut().for_each(|block| repayment.serve(block, &mut tallies[0]));
    }),
    ("credit", 50_000, |world| {
        let (lending, mut desk) = (Lending::new(world), Desk::default());
        let World { blocks, tallies, .. } = world;
        blocks.iter_mut().for_each(|block| lending.serve(block, &mut desk, &mut tallies[0]));
    }),
    ("sourcing", 1_000, sourcing::choose),
    ("compliance", 1_000, compliance::choose),
    ("delivery", 1_000, delivery::deliver),
    ("month of a thousand users", 1_000, |world| {
        world.month += 1;
        step_month(world);
        accounts::check(world).expect("accounts balance");
    }),
    ("month of fifty thousand users", 50_000, |world| {
        world.month += 1;
        step_month(world);
    }),
    ("observation", 1_000, |world| {
        let mut rows = Default::default();
        observe::observe(world, Reporting::default(), &mut rows);
        black_box((observe::month_row(world), rows));
    }),
    ("building a world", 50_000, |world| {
        black_box(World::new(world.scenario, Key::new(2, 2), 1, false).borrowers);
    }),
];

/// What a sweep does beside its runs: the scenario of a point, the outcome of a run, its line.
const SWEEP: &str = "run of a sweep but for its months";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = &arguments[..]
        && flag == "--case"
    {
        run(name, true);
        return ExitCode::SUCCESS;
    }
    let names = CASES.iter().map(|(name, ..)| *name).chain([SWEEP]);
    if !arguments.iter().any(|argument| argument == "--bench") {
        names.for_each(|name| run(name, false));
        return ExitCode::SUCCESS;
    }
    let counted: BTreeMap<&str, u64> = names.map(|name| (name, count(name))).collect();
    let file = repository("benches/instructions.csv");
    if arguments.iter().any(|argument| argument == "--accept") {
        let lines: String = counted.iter().map(|(name, count)| format!("{name},{count}\n")).collect();
        std::fs::write(&file, format!("case,instructions\n{lines}")).expect("the record can be written");
    }
    let record = std::fs::read_to_string(&file).expect("there is a record");
    let record: BTreeMap<&str, u64> = record
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(n, c)| (n, c.parse().unwrap()))
        .collect();
    let mut sound = record.len() == counted.len();
    for (name, count) in counted {
        let change = record.get(name).map(|on_record| count as f64 / *on_record as f64 - 1.0);
        let within = change.is_some_and(|change| change.abs() <= BOUND);
        sound &= within;
        let told = change.map_or("not on record".into(), |change| format!("{:+.1} %", 100.0 * change));
        println!("{name:<36}{count:>14}  {told}{}", if within { "" } else { "  beyond the bound of 3 %" });
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The instructions of a case, counted in a process of its own.
fn count(name: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_work*"])
        .arg(std::env::current_exe().unwrap())
        .args(["--case", name])
        .output()
        .expect("valgrind is installed");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected :")).expect("a count");
    collected.1.trim().parse().expect("a number")
}

/// Runs a case; small unless it is counted.
fn run(name: &str, counted: bool) {
    let month = if counted { MONTH } else { 3 };
    if name == SWEEP {
        return sweep(month);
    }
    let (_, users, work) = CASES.iter().find(|(other, ..)| *other == name).expect("a case");
    let scenario = baseline(if counted { *users } else { 1_000 });
    let mut world = World::new(&scenario, Key::new(1, 1), 1, false);
    for month in 0..month {
        world.month = month;
        step_month(&mut world);
    }
    counted_work(|| work(&mut world));
}

fn baseline(users: u64) -> Scenario {
    let file = repository("scenarios/december-deadline.toml");
    load(&file, &[], Some(users)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn sweep(months: u32) {
    let file = repository("scenarios/what-matters.toml");
    let options = Options {
        sample: Some(1_000),
        sets: vec!["calendar.burn_in_months=1".into(), format!("calendar.months={months}")],
        ..Options::default()
    };
    let sweep = mandate::sweep::load(&file, &options).unwrap_or_else(|problems| panic!("{problems}"));
    let never = AtomicBool::new(false);
    let rows = simulate(sweep.base(), Key::new(1, 1), 1, Reporting::default(), &never).unwrap();
    counted_work(|| {
        let scenario = sweep.scenario(0, 7);
        let cells = SummaryRow::of(&scenario, &rows).cells();
        black_box(run_line("identity", 7, &cells));
    });
}

/// What valgrind counts, by name.
#[inline(never)]
fn counted_work(work: impl FnOnce()) {
    work();
}
