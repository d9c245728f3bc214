//! The time of each process of a month, of building a world, of output and of what a sweep adds.
//!
//! `cargo bench --bench processes` prints what each case came to, as a digest, and then its time. Items are
//! users; of work that does not depend on users, their number means nothing. Without `--bench`, as tests run it,
//! each case is run once, small.

mod cases;

use cases::{CASES, Case};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    for case in CASES {
        let setting = case.setting(measured());
        let mut ready = setting.ready();
        case.work(&mut ready);
        println!("{:<36} {}", case.name, ready.digest());
    }
    if measured() {
        divan::main();
    }
}

fn measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

#[divan::bench(args = CASES, sample_count = 10, sample_size = 1)]
fn process(bencher: Bencher, case: Case) {
    let setting = case.setting(true);
    bencher.counter(ItemsCount::new(case.users)).with_inputs(|| setting.ready()).bench_values(|mut ready| {
        case.work(&mut ready);
        ready
    });
}
