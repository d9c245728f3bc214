//! Instructions that the program's work takes, counted by valgrind, against those on record: a trend that a
//! noisy machine can't hide.
//!
//! `cargo bench --bench instructions` counts and compares; a case that takes over 3 % more or less than
//! `benches/instructions.csv` says fails. After a deliberate change,
//! `cargo bench --bench instructions -- --accept` puts the new counts on record. Without `--bench`, as
//! `cargo test --benches` runs it, nothing is counted; tests run the same cases in the bench `processes`.
//!
//! Counts are of a processor with AVX2: others take more for draws.

mod cases;

use cases::CASES;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

/// How far a count may be off.
const BOUND: f64 = 0.03;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let [flag, name] = &arguments[..]
        && flag == "--case"
    {
        let case = CASES.iter().find(|case| case.name == name).expect("a case");
        let setting = case.setting(true);
        let mut ready = setting.ready();
        counted_work(|| case.work(&mut ready));
        println!("{}", ready.digest());
        return ExitCode::SUCCESS;
    }
    if !asked("--bench") {
        return ExitCode::SUCCESS;
    }
    let counted: Vec<(&str, u64)> = CASES.iter().map(|case| (case.name, count(case.name))).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.csv");
    if asked("--accept") {
        let lines: String = counted.iter().map(|(name, count)| format!("{name},{count}\n")).collect();
        std::fs::write(&file, format!("case,instructions\n{lines}")).expect("the record can be written");
    }
    let record = std::fs::read_to_string(&file).expect("there is a record");
    let lines = record.lines().skip(1).filter_map(|line| line.split_once(','));
    let record: BTreeMap<&str, u64> =
        lines.map(|(name, count)| (name, count.parse().expect("a number"))).collect();
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

/// The instructions of a case, counted in a process of its own.
fn count(name: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_work*"])
        .arg(std::env::current_exe().expect("a path"))
        .args(["--case", name])
        .output()
        .expect("valgrind is installed");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected :")).expect("a count");
    collected.1.trim().parse().expect("a number")
}

/// What valgrind counts, by name.
#[inline(never)]
fn counted_work(work: impl FnOnce()) {
    work();
}
