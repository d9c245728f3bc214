//! Speed and memory of the model on the baseline.
//!
//! `cargo bench --bench model` prints bytes per user, then times. Items are user-months (users x all
//! months including the burn-in), so the reciprocal of a throughput is the time of one of them.

use divan::Bencher;
use divan::counter::ItemsCount;
use mandate::month::step_month;
use mandate::random::Key;
use mandate::replicate::simulate;
use mandate::scenario::Scenario;
use mandate::scenario::load;
use mandate::screening::LendingTerms;
use mandate::tables::Reporting;
use mandate::world::World;
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn main() {
    print_bytes_per_user();
    divan::main();
}

/// A scenario of this repository with a sample of `sample` users.
fn scenario(file: &str, sample: u64) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    load(&file, &[], Some(sample)).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// The baseline with a sample of `sample` users.
fn baseline(sample: u64) -> Scenario {
    scenario("scenarios/december-deadline.toml", sample)
}

fn months(scenario: &Scenario) -> u32 {
    scenario.parameters.calendar.all_months()
}

/// Bytes of users and their loans at the end of the calendar, when books are fullest.
fn print_bytes_per_user() {
    let sample = 200_000;
    let scenario = baseline(sample);
    let mut world = World::new(&scenario, Key::new(1, 1), 2, false);
    for month in 0..months(&scenario) {
        world.month = month;
        step_month(&mut world);
    }
    let bytes: usize = world.blocks.iter().map(|block| block.bytes()).sum();
    let loans: usize = world.blocks.iter().map(|block| block.loans().count()).sum();
    println!(
        "{:.1} bytes per user, {:.2} loans per user",
        bytes as f64 / sample as f64,
        loans as f64 / sample as f64
    );
}

/// A whole replicate, world building and observation included, on 1 and 2 threads.
#[divan::bench(args = [1, 2], sample_count = 5, sample_size = 1)]
fn baseline_of_a_million_users(bencher: Bencher, threads: usize) {
    let scenario = baseline(1_000_000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    bencher.counter(ItemsCount::new(1_000_000 * months(&scenario))).bench(|| {
        pool.install(|| {
            let stop = AtomicBool::new(false);
            simulate(&scenario, Key::new(1, 1), threads, Reporting::default(), &stop).unwrap()
        })
    });
}

/// The months alone: no world building, no observation.
#[divan::bench(args = [1, 2], sample_count = 3, sample_size = 1)]
fn months_of_ten_million_users(bencher: Bencher, threads: usize) {
    months_alone(bencher, &baseline(10_000_000), threads);
}

/// The months of borrowers and one lender alone: what a hand-written simulation of loans would be asked to do.
#[divan::bench(args = [1, 2], sample_count = 3, sample_size = 1)]
fn credit_only_of_ten_million_users(bencher: Bencher, threads: usize) {
    months_alone(bencher, &scenario("benches/credit_only.toml", 10_000_000), threads);
}

fn months_alone(bencher: Bencher, scenario: &Scenario, threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    bencher
        .counter(ItemsCount::new(scenario.parameters.users.sample * u64::from(months(scenario))))
        .with_inputs(|| pool.install(|| World::new(scenario, Key::new(1, 1), threads, false)))
        .bench_values(|mut world| {
            pool.install(|| {
                for month in 0..months(scenario) {
                    world.month = month;
                    step_month(&mut world);
                }
            });
            world.borrowers
        });
}

/// A month's cost that does not depend on users: platforms, 3,446 banks, accounts. Items are months.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn months_of_a_thousand_users(bencher: Bencher) {
    let scenario = baseline(1_000);
    bencher
        .counter(ItemsCount::new(months(&scenario)))
        .with_inputs(|| World::new(&scenario, Key::new(1, 1), 1, false))
        .bench_values(|mut world| {
            for month in 0..months(&scenario) {
                world.month = month;
                step_month(&mut world);
            }
            world.borrowers
        });
}

/// The world at the start of the burn-in. Items are users.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn world_of_a_hundred_thousand_users(bencher: Bencher) {
    let scenario = baseline(100_000);
    bencher
        .counter(ItemsCount::new(100_000u32))
        .bench(|| World::new(&scenario, Key::new(1, 1), 1, false).borrowers);
}

/// The closed form of approval.
#[divan::bench]
fn approval(bencher: Bencher) {
    let screen = LendingTerms::new(&baseline(1000).parameters.credit).screen(0.4, 0);
    bencher.counter(ItemsCount::new(1u32)).bench(|| screen.approval(divan::black_box(0.3)));
}
