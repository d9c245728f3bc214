//! The program beside what its users could pick instead, doing the same simple work in one run.
//!
//! `cargo bench --bench peers` runs, in turn, the reference model of `benches/credit_only.toml` (borrowers and
//! one lender) in this program, in plain Rust and, where Python has them, in numba, numpy and Mesa, and
//! prints medians and ratios. Beside them it runs the whole of `scenarios/december-deadline.toml`, which nobody else has:
//! how its cost compares with that of plain Rust depends less on the machine than nanoseconds do. That includes building the world,
//! which is left out of all other rows.
//! `cargo bench --bench peers -- 1_000_000` takes another number of users.
//! Without `--bench`, as tests run it, everything is tiny.

use mandate::month::step_month;
use mandate::random::Key;
use mandate::replicate::simulate;
use mandate::scenario::{Scenario, load};
use mandate::tables::Reporting;
use mandate::world::World;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Months of the reference model.
const MONTHS: u32 = 36;
/// With whom all are compared.
const CREDIT_ONLY: &str = "this program, two threads";
const PLAIN: &str = "plain Rust, one thread";
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measures = arguments.iter().any(|argument| argument == "--bench");
    let given = arguments.iter().find_map(|argument| argument.replace('_', "").parse().ok());
    let users: u64 = given.unwrap_or(if measures { 10_000_000 } else { 2_000 });
    let mut contenders = vec![
        Contender::new(CREDIT_ONLY, users, Box::new(|users| credit_only(users, 2))),
        Contender::new("this program, one thread", users, Box::new(|users| credit_only(users, 1))),
        Contender::new(PLAIN, users, Box::new(plain)),
        Contender::new("december-deadline, two threads", users, Box::new(|users| all_of_it(users, 2))),
        Contender::new("december-deadline, one thread", users, Box::new(|users| all_of_it(users, 1))),
    ];
    if measures {
        for (module, script, users) in [
            ("numba", "rcm_numba.py", users.min(1_000_000)),
            ("numpy", "rcm_numpy.py", users.min(1_000_000)),
            ("mesa", "rcm_mesa.py", users.min(200_000)),
        ] {
            let found = Command::new("python3").args(["-c", &format!("import {module}")]).output();
            if found.is_ok_and(|output| output.status.success()) {
                contenders.push(Contender::new(module, users, Box::new(move |users| python(script, users))));
            } else {
                println!("{module} is left out: python3 does not have it (pip install {module})");
            }
        }
    }
    // In turn, so that a machine's moods meet all of them.
    for _ in 0..if measures { ROUNDS } else { 1 } {
        contenders.iter_mut().for_each(Contender::run);
    }
    let median_of = |name| contenders.iter().find(|contender| contender.name == name).map(Contender::median);
    let [first, plain] = [CREDIT_ONLY, PLAIN].map(|name| median_of(name).expect("it has run"));
    let titles = ["ns per user-month", "times this program", "times plain Rust"];
    println!("{:<32}{:>12}{:>20}{:>20}{:>20}", "", "users", titles[0], titles[1], titles[2]);
    for contender in &contenders {
        let (Contender { name, users, .. }, median) = (contender, contender.median());
        println!("{name:<32}{users:>12}{median:>20.2}{:>20.1}{:>20.2}", median / first, median / plain);
    }
}

/// Does the work for so many users, and says how long it took and how many months these lived through.
type Work = Box<dyn Fn(u64) -> (Duration, u32)>;

struct Contender {
    name: &'static str,
    users: u64,
    work: Work,
    /// Nanoseconds per user-month, a run each.
    times: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, users: u64, work: Work) -> Contender {
        Contender { name, users, work, times: Vec::new() }
    }

    fn run(&mut self) {
        let (time, months) = (self.work)(self.users);
        self.times.push(time.as_nanos() as f64 / (self.users * u64::from(months)) as f64);
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn scenario(file: &str, users: u64) -> Scenario {
    load(&repository(file), &[], Some(users)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// The time of all months of the reference model; the world is built before, as by the others.
fn credit_only(users: u64, threads: usize) -> (Duration, u32) {
    let scenario = scenario("benches/credit_only.toml", users);
    assert_eq!(scenario.parameters.calendar.all_months(), MONTHS);
    on_threads(threads, || {
        let mut world = World::new(&scenario, Key::new(1, 1), threads, false);
        let start = Instant::now();
        for month in 0..MONTHS {
            world.month = month;
            step_month(&mut world);
        }
        assert!(world.borrowers > 0);
        (start.elapsed(), MONTHS)
    })
}

/// The time of a whole replicate of the program's first scenario: world, months, and rows of tables.
fn all_of_it(users: u64, threads: usize) -> (Duration, u32) {
    let scenario = scenario("scenarios/december-deadline.toml", users);
    let stop = AtomicBool::new(false);
    on_threads(threads, || {
        let start = Instant::now();
        let rows = simulate(&scenario, Key::new(1, 1), threads, Reporting::default(), &stop).unwrap();
        assert!(rows.months.iter().any(|row| row.applications > 0.0));
        (start.elapsed(), scenario.parameters.calendar.all_months())
    })
}

fn python(script: &str, users: u64) -> (Duration, u32) {
    let script = repository("benches/peers").join(script);
    let output =
        Command::new("python3").arg(script).args([&users.to_string(), "1", "--warm"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    (Duration::from_secs_f64(told["t_step"].as_f64().expect("a time")), MONTHS)
}

fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The reference model as one writes it by hand: a loop over persons and a stream of random numbers.
fn plain(users: u64) -> (Duration, u32) {
    let mut rng = SmallRng::seed_from_u64(1);
    let z: Vec<f64> = (0..users).map(|_| rng.sample(StandardNormal)).collect();
    let hazard: Vec<f64> = z.iter().map(|z| 1.0 - (1.0 - phi(-(1.6 + 0.8 * z))).powf(1.0 / 12.0)).collect();
    let (mut months_left, mut defaulted) = (vec![0u8; z.len()], vec![false; z.len()]);
    let start = Instant::now();
    let mut counts = [0u64; 3];
    for _ in 0..MONTHS {
        plain_month(&mut rng, &z, &hazard, &mut months_left, &mut defaulted, &mut counts);
    }
    assert!(counts.iter().all(|count| *count > 0));
    (start.elapsed(), MONTHS)
}

fn plain_month(
    rng: &mut impl Rng,
    z: &[f64],
    hazard: &[f64],
    months_left: &mut [u8],
    defaulted: &mut [bool],
    [applications, approvals, defaults]: &mut [u64; 3],
) {
    for i in 0..z.len() {
        if defaulted[i] {
            continue;
        }
        if months_left[i] > 0 {
            if rng.random::<f64>() < hazard[i] {
                defaulted[i] = true;
                months_left[i] = 0;
                *defaults += 1;
                continue;
            }
            months_left[i] -= 1;
        }
        if months_left[i] == 0 && rng.random::<f64>() < 0.05 {
            *applications += 1;
            let signal = z[i] + rng.sample::<f64, _>(StandardNormal);
            if phi(-(1.6 + 0.8 * signal / 2.0) / (1.0f64 + 0.64 * 0.5).sqrt()) < 0.10 {
                *approvals += 1;
                months_left[i] = 12;
            }
        }
    }
}
