//! What the tests share: scenarios, runs, means.

use mandate::accounts;
use mandate::random::Key;
use mandate::replicate::simulate;
use mandate::scenario::Scenario;
use mandate::scenario::load;
use mandate::tables::{MonthRow, Reporting, RunRows};
use mandate::units::{Month, RuleMonth};
use mandate::world::World;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A shipped scenario with some parameters set.
pub fn shipped(name: &str, sets: &[&str]) -> Scenario {
    read(&repository(&format!("scenarios/{name}.toml")), sets)
}

/// A scenario written for a test, with some parameters set. `{scenarios}` and `{seeds}` in its text
/// become the paths of the shipped folders.
pub fn written(text: &str, sets: &[&str]) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    let text = text
        .replace("{scenarios}", repository("scenarios").to_str().unwrap())
        .replace("{seeds}", repository("seeds").to_str().unwrap())
        .replace("{folder}", folder.path().to_str().unwrap());
    let file = folder.path().join("written.toml");
    std::fs::write(&file, text).unwrap();
    read(&file, sets)
}

/// A scenario at a path, with some parameters set.
pub fn read(file: &Path, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    load(file, &sets, None).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// Whether books and counts of borrowers are those of the loans that there are, person by person.
pub fn recounted(world: &World) -> Result<(), String> {
    let same = |what: &str, kept: i128, counted: i128| {
        let told = || Err(format!("{what} in {}: {kept} kept, {counted} counted", world.now()));
        if kept == counted { Ok(()) } else { told() }
    };
    let slots = world.banks.books.slots();
    let counted = accounts::recount(world);
    same("places in the books", (world.banks.len() * slots) as i128, counted.len() as i128)?;
    for (place, balance) in counted.into_iter().enumerate() {
        let (bank, slot) = (place / slots, place % slots);
        same(&format!("bank {bank} slot {slot}"), world.banks.books.balance(bank, slot).0, balance.0)?;
    }
    let (mut loans, mut borrowers, mut multiple) = (0, 0, 0);
    for block in &world.blocks {
        loans += block.loans().count();
        for place in 0..block.len() {
            let lenders: Vec<u16> = block.loans_of(place).map(|loan| loan.lender).collect();
            same("loans of a person", block.loan_count(place).into(), lenders.len() as i128)?;
            borrowers += i128::from(!lenders.is_empty());
            multiple += i128::from(lenders.iter().any(|lender| *lender != lenders[0]));
        }
    }
    same("loans", world.banks.books.loans.iter().sum::<u64>().into(), loans as i128)?;
    same("borrowers", world.borrowers.into(), borrowers)?;
    same("borrowers from several lenders", world.multiple_borrowers.into(), multiple)
}

/// Runs replicates 1 to `replicates` of a scenario.
pub fn run(scenario: &Scenario, replicates: u32) -> Vec<RunRows> {
    let one = |replicate| run_one(scenario, replicate, 1, Reporting::default());
    (1..=replicates).into_par_iter().map(one).collect()
}

/// Runs one replicate, the users split into `chunks`.
pub fn run_one(scenario: &Scenario, replicate: u32, chunks: usize, reporting: Reporting) -> RunRows {
    let key = Key::new(1, scenario.replicate_seed(replicate));
    simulate(scenario, key, chunks, reporting, &AtomicBool::new(false)).unwrap()
}

/// A month by year and month.
pub fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// A rule that acts from a month on.
pub fn from(text: &str) -> RuleMonth {
    RuleMonth::From(month(text))
}

/// The row of a month.
pub fn at<'a>(rows: &'a RunRows, month: &str) -> &'a MonthRow {
    let month: Month = month.parse().unwrap();
    rows.months.iter().find(|row| row.month == month).unwrap()
}

/// A metric in a month, a value a replicate; 0 where it does not exist.
pub fn values(runs: &[RunRows], metric: &str, month: &str) -> Vec<f64> {
    runs.iter().map(|rows| at(rows, month).metric(metric).unwrap_or(0.0)).collect()
}

/// The mean of some numbers.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample variance of some numbers.
pub fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// The mean over replicates of a metric in a month.
pub fn mean_at(runs: &[RunRows], metric: &str, month: &str) -> f64 {
    mean(&values(runs, metric, month))
}
