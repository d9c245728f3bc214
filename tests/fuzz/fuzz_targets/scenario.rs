//! Any bytes as a scenario file beside the shipped ones: loaded or refused, never a panic.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = shipped::HERE.join("scenarios/fuzzed.toml");
    std::fs::write(&file, bytes).expect("a file");
    match mandate::scenario::load(&file, &[], None) {
        Ok(scenario) => drop(scenario.resolved()),
        Err(problems) => assert!(!problems.render(false).is_empty()),
    }
});
