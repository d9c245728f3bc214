//! Any bytes as what earlier runs have left: a table of decisions, a manifest, a shard. The first byte
//! chooses.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;
use mandate::explain::{Query, read};
use mandate::sweep::merge::Source;
use mandate::sweep::tables::finished;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let folder = &*shipped::HERE;
    match which % 3 {
        0 => {
            std::fs::write(folder.join("decisions.csv"), rest).expect("a file");
            let query = Query { agent: "rural".into(), ..Query::default() };
            if let Ok(review) = read(folder, &query) {
                for choice in &review.choices {
                    for term in choice.terms() {
                        let _ = choice.tip(term);
                    }
                }
            }
        }
        1 => {
            std::fs::write(folder.join("manifest.toml"), rest).expect("a file");
            let _ = finished(folder);
        }
        _ => {
            let shards = folder.join("shards");
            let _ = std::fs::create_dir(&shards);
            std::fs::write(shards.join("shard-1-of-1.mandate"), rest).expect("a file");
            let _ = Source::parts(&[shards]);
        }
    }
});
