//! Any bytes as what says what results are of: the manifest of a sweep, the plan in a part of one, a part
//! and a journal with their runs. The first byte chooses.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;
use mandate::sweep::journal::{Header, Journal};
use mandate::sweep::merge::{MergeError, Source, is_there};
use mandate::sweep::plan::sha256;
use mandate::sweep::tables::finished;
use shipped::{HEADER, HERE};
use std::fs;

/// A manifest with what it has beside its identity; a plan; a part; runs without checksums.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let manifest = format!("program = \"mandate\"\nidentity = \"{}\"\n{}", HEADER.identity, HEADER.plan);
    let runs = "0 n5e-1,w3,,c-7,m23,ftrue\n1 \n2 nNaN,,\n3 w-1\n";
    [("manifest", manifest.as_str()), ("plan", &HEADER.plan), ("part", &shipped::part()), ("runs", runs)]
        .into_iter()
        .zip(0..)
        .map(|((name, text), which)| shipped::chosen(which, name, text.as_bytes()))
        .collect()
}

/// A part that merging, `--missing` and `--resume` read.
fn part(bytes: &[u8]) {
    let shards = HERE.join("shards");
    let _ = fs::create_dir(&shards);
    let part = shards.join("shard-1-of-1.mandate");
    fs::write(&part, bytes).expect("a file");
    let _ = is_there(&part, &HEADER);
    if let Ok((source, points, _)) = Source::parts(&[shards]) {
        assert_eq!(source.each::<MergeError>(|_, _| Ok(())).map_err(|error| error.to_string()), Ok(()));
        assert_eq!(points.runs(), HEADER.end);
    }
    if let Ok(journal) = Journal::open(&part, HEADER.clone()) {
        assert!(journal.next() <= HEADER.end);
    }
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    match which % 4 {
        0 => {
            fs::write(HERE.join("manifest.toml"), rest).expect("a file");
            let _ = finished(&HERE);
        }
        1 => {
            // With the right checksum, as another version of the program would write it.
            let plan = String::from_utf8_lossy(rest).into_owned();
            let header = Header { identity: sha256(plan.as_bytes()), plan, ..HEADER.clone() };
            let _ = header.plan(&HERE);
            assert!(!header.difference(&HEADER).is_empty() && !HEADER.difference(&header).is_empty());
        }
        2 => part(rest),
        _ => {
            let header = serde_json::to_string(&*HEADER).expect("text and numbers");
            let runs: String = String::from_utf8_lossy(rest).lines().map(shipped::signed).collect();
            let last = shipped::signed(&format!("complete {} {}", HEADER.first, HEADER.end));
            part(format!("{header}\n{runs}{last}").as_bytes());
        }
    }
});
