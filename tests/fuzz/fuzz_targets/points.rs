//! Any bytes as the points of a sweep, of one scenario or of two, which the first byte chooses.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;
use mandate::sweep::file::Options;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The sweep files that read the points.
static SWEEPS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let beside = "scenarios = [\"national-registry.toml\"]\n";
    [("one.toml", ""), ("two.toml", beside)].map(|(name, more)| {
        let file = shipped::HERE.join("scenarios").join(name);
        std::fs::write(&file, format!("{}{more}", shipped::OF_POINTS)).expect("a file");
        file
    })
});

/// Points with commas and with semicolons; and a column of each kind that parameters have.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let semicolons = shipped::POINTS.replace(',', ";");
    let kinds = "fees.agency_query\trules.direct_sale_ban\tplatforms.capability\tplatforms.ant.capability\t\
                 users.sample\tagencies.pudao.stakes.ant\tbanks.state.count\n0,5\tnever\t0,5\t0,6\t100\t0,1\t6\n";
    let all = [("commas", shipped::POINTS), ("semicolons", &semicolons), ("tabs", kinds)];
    (0..2).flat_map(|which| all.map(|(name, text)| shipped::chosen(which, name, text.as_bytes()))).collect()
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| {
    let Some((which, points)) = bytes.split_first() else { return };
    let sweep = &SWEEPS[usize::from(*which) % SWEEPS.len()];
    std::fs::write(shipped::HERE.join("scenarios/points.csv"), points).expect("a file");
    match mandate::sweep::load(sweep, &Options::default()) {
        Ok(sweep) => {
            for point in [0, sweep.points.count() - 1] {
                for scenario in 0..sweep.points.scenarios() {
                    drop(sweep.scenario(scenario, point).resolved());
                }
            }
        }
        Err(problems) => assert!(!problems.render(false).is_empty()),
    }
});
