//! Any bytes as a sweep file and, behind the first line of `===`, its points.
#![no_main]

mod shipped;

use libfuzzer_sys::{Corpus, fuzz_target};

const BETWEEN: &[u8] = b"\n===\n";

/// The shipped sweeps, and one of points.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = shipped::files("scenarios", ".toml");
    seeds.retain(|(name, _)| shipped::of_sweep(name));
    for (_, bytes) in &mut seeds {
        let text = String::from_utf8(std::mem::take(bytes)).expect("plain text");
        let few =
            |line: &str| line.strip_prefix("points = ").map_or(line, |_| "points = 2").to_string() + "\n";
        *bytes = text.lines().map(few).collect::<String>().into_bytes();
    }
    let points = [shipped::OF_POINTS.as_bytes(), BETWEEN, shipped::POINTS.as_bytes()].concat();
    seeds.push(("of-points.toml".into(), points));
    seeds
}

/// Whether points or levels are more than hundreds. Millions take seconds, which the tests of hostile files
/// wait for; here they would be all that is waited for.
fn is_large(sweep: &[u8]) -> bool {
    let has = |line: &[u8], word: &[u8]| line.windows(word.len()).any(|window| window == word);
    let counts = |line: &&[u8]| has(line, b"points") || has(line, b"levels");
    let numbers = |line: &[u8]| {
        line.split(|byte| !byte.is_ascii_hexdigit() && *byte != b'_')
            .any(|word| word.len() > 3 && word[0].is_ascii_digit())
    };
    sweep.split(|byte| *byte == b'\n').filter(counts).any(numbers)
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| -> Corpus {
    let place = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    let (sweep, points) = place.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + BETWEEN.len()..]));
    if is_large(sweep) {
        return Corpus::Reject;
    }
    let folder = shipped::HERE.join("scenarios");
    std::fs::write(folder.join("fuzzed.toml"), sweep).expect("a file");
    std::fs::write(folder.join("points.csv"), points).expect("a file");
    match mandate::sweep::load(&folder.join("fuzzed.toml"), &mandate::sweep::file::Options::default()) {
        Ok(sweep) => {
            let last = sweep.points.count() - 1;
            for point in [0, last] {
                drop(sweep.scenario(0, point).resolved());
            }
        }
        Err(problems) => assert!(!problems.render(false).is_empty()),
    }
    Corpus::Keep
});
