//! Any bytes as a scenario file beside the shipped ones: loaded or refused, never a panic.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;

/// The shipped scenarios, and one with every parameter written out.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = shipped::files("scenarios", ".toml");
    seeds.retain(|(name, _)| !shipped::of_sweep(name));
    let base = shipped::HERE.join("scenarios/december-deadline.toml");
    let whole = mandate::scenario::load(&base, &[], None).expect("a shipped scenario").resolved();
    seeds.push(("every-parameter.toml".into(), whole.into_bytes()));
    seeds
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| {
    let file = shipped::HERE.join("scenarios/fuzzed.toml");
    std::fs::write(&file, bytes).expect("a file");
    match mandate::scenario::load(&file, &[], None) {
        Ok(scenario) => drop(scenario.resolved()),
        Err(problems) => assert!(!problems.render(false).is_empty()),
    }
});
