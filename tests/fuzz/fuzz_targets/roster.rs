//! Any bytes as one of the files of `seeds/`, which the first byte chooses.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;

const ROSTERS: [&str; 6] = ["platforms", "banks", "agencies", "stakes", "targets", "replicate_seeds"];

fn seeds() -> Vec<(String, Vec<u8>)> {
    let which = |name: &str| ROSTERS.iter().position(|roster| name.starts_with(roster)).expect("a roster");
    let files = shipped::files("seeds", ".csv").into_iter();
    files.map(|(name, bytes)| shipped::chosen(which(&name) as u8, &name, &bytes)).collect()
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let roster = ROSTERS[usize::from(*which) % ROSTERS.len()];
    let file = shipped::HERE.join("fuzzed.csv");
    std::fs::write(&file, rest).expect("a file");
    let set = format!("rosters.{roster}={:?}", file.to_str().expect("a path"));
    match mandate::scenario::load(&shipped::HERE.join("scenarios/open-market.toml"), &[set], None) {
        Ok(scenario) => drop(scenario.resolved()),
        Err(problems) => assert!(!problems.render(false).is_empty()),
    }
});
