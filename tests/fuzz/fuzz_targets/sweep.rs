//! Any bytes as a sweep file and, behind the first line of `===`, its points.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;

const BETWEEN: &[u8] = b"\n===\n";

fuzz_target!(|bytes: &[u8]| {
    let place = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    let (sweep, points) = place.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + BETWEEN.len()..]));
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
});
