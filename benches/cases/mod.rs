//! Pieces of the program's work, each on a world or a run that is well under way: timed by `processes`,
//! counted by `instructions`.

use mandate::agents::ahead::Ahead;
use mandate::credit::Lending;
use mandate::month::step_month;
use mandate::output::Selection;
use mandate::output::csv::{Dialect, hexadecimal};
use mandate::output::folder::Folder;
use mandate::output::runs::RunTables;
use mandate::random::Key;
use mandate::repayment::Repayment;
use mandate::replicate::simulate;
use mandate::scenario::{Scenario, load};
use mandate::summary::SummaryRow;
use mandate::sweep::Sweep;
use mandate::sweep::file::Options;
use mandate::sweep::journal::run_line;
use mandate::tables::{Reporting, Row, RunRows};
use mandate::world::World;
use mandate::{compliance, delivery, observe, sourcing};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The month in which the work is done: the order is in force and books are full.
const MONTH: u32 = 62;

/// A piece of work.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Users whom it serves; of work that does not depend on users, few.
    pub users: u64,
    work: fn(&mut Ready<'_>),
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All cases.
pub const CASES: [Case; 11] = [
    Case { name: "building_a_world", users: 50_000, work: build },
    Case { name: "compliance", users: 1_000, work: |ready| compliance::choose(&mut ready.world) },
    Case { name: "delivery", users: 1_000, work: |ready| delivery::deliver(&mut ready.world) },
    Case { name: "sourcing", users: 1_000, work: |ready| sourcing::choose(&mut ready.world) },
    Case { name: "repayment", users: 50_000, work: repay },
    Case { name: "credit", users: 50_000, work: lend },
    Case { name: "month_of_fifty_thousand_users", users: 50_000, work: |ready| step_month(&mut ready.world) },
    Case { name: "month_of_a_thousand_users", users: 1_000, work: |ready| step_month(&mut ready.world) },
    Case {
        name: "observation",
        users: 1_000,
        work: |ready| observe::observe(&ready.world, Reporting::default(), &mut ready.seen),
    },
    Case { name: "output_of_a_run", users: 1_000, work: write },
    Case { name: "run_of_a_sweep_but_for_its_months", users: 1_000, work: sweep },
];

/// What the work finds, and what it leaves.
pub struct Ready<'a> {
    world: World<'a>,
    scenarios: &'a [Scenario],
    sweep: &'a Sweep,
    /// The rows of a whole run.
    run: &'a RunRows,
    seen: RunRows,
    text: String,
}

/// What cases are made from: small unless they are measured.
pub struct Setting {
    scenarios: Vec<Scenario>,
    sweep: Sweep,
    run: RunRows,
    months: u32,
}

impl Case {
    /// What the case is made from.
    pub fn setting(&self, measured: bool) -> Setting {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let months = if measured { MONTH } else { 3 };
        let sets = vec!["calendar.burn_in_months=1".to_string(), format!("calendar.months={months}")];
        let users = if measured { self.users } else { 1_000 };
        let scenario = load(&root.join("scenarios/december-deadline.toml"), &[], Some(users));
        let options = Options { sample: Some(1_000), sets, ..Options::default() };
        let sweep = mandate::sweep::load(&root.join("scenarios/what-matters.toml"), &options);
        let (scenario, sweep) = match (scenario, sweep) {
            (Ok(scenario), Ok(sweep)) => (scenario, sweep),
            (Err(problems), _) | (_, Err(problems)) => panic!("{problems}"),
        };
        let never = AtomicBool::new(false);
        let run = simulate(sweep.base(), Key::new(1, 1), 1, Reporting::default(), &never);
        Setting { scenarios: vec![scenario], sweep, run: run.expect("accounts balance"), months }
    }

    /// Does the work; whoever measures takes the time of this alone.
    pub fn work(&self, ready: &mut Ready<'_>) {
        (self.work)(ready);
    }
}

impl Setting {
    /// A world in the month in which the work is done.
    pub fn ready(&self) -> Ready<'_> {
        let mut world = World::new(&self.scenarios[0], Key::new(1, 1), 1, false);
        for month in 0..self.months {
            world.month = month;
            step_month(&mut world);
        }
        world.month = self.months;
        Ready {
            world,
            scenarios: &self.scenarios,
            sweep: &self.sweep,
            run: &self.run,
            seen: RunRows::default(),
            text: String::new(),
        }
    }
}

impl Ready<'_> {
    /// A digest of what the work left.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for block in &self.world.blocks {
            digest.update(format!("{:?}", block.loans().collect::<Vec<_>>()));
        }
        digest.update(format!("{:?} {}", self.world.banks.source, self.world.borrowers));
        digest.update(format!("{:?}", observe::month_row(&self.world)));
        digest.update(format!("{:?} {}", self.seen, self.text));
        hexadecimal(&digest.finalize()[..8])
    }
}

fn build(ready: &mut Ready<'_>) {
    let world = World::new(&ready.scenarios[0], Key::new(2, 2), 1, false);
    ready.text = world.blocks.len().to_string();
}

fn repay(ready: &mut Ready<'_>) {
    let repayment = Repayment::new(&mut ready.world);
    let World { blocks, tallies, .. } = &mut ready.world;
    blocks.iter_mut().for_each(|block| repayment.serve(block, &mut Ahead::default(), &mut tallies[0]));
}

fn lend(ready: &mut Ready<'_>) {
    let lending = Lending::new(&ready.world);
    let World { blocks, desks, tallies, .. } = &mut ready.world;
    blocks
        .iter_mut()
        .for_each(|block| lending.serve(block, &mut Ahead::default(), &mut desks[0], &mut tallies[0]));
}

/// The tables of a run.
fn write(ready: &mut Ready<'_>) {
    let target = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::open(target.path(), &[], false, Dialect::Standard).expect("it is empty");
    let scenarios = [ready.sweep.base().clone()];
    let summary = SummaryRow::of(&scenarios[0], ready.run);
    let mut tables = RunTables::start(folder, &scenarios, &[], &Selection::of_runs()).expect("tables");
    tables.run(0, 1, ready.run, &summary).expect("rows");
    let written = tables.finish(&[], |_| String::new()).expect("results");
    ready.text = written.iter().map(|written| written.sha256.as_str()).collect();
}

/// What a sweep does beside its runs: the scenario of a point, the outcome of a run, its line.
fn sweep(ready: &mut Ready<'_>) {
    let scenario = ready.sweep.scenario(0, 7);
    let cells = SummaryRow::of(&scenario, ready.run).cells();
    ready.text = run_line("identity", 7, &cells);
}
