//! Every shipped input, and what runs leave behind, changed at random in thousands of ways: it is read or
//! refused, in bounded time, and never with a panic.

use crate::draws::Draws;
use crate::program::{mandate, scenario};
use mandate::explain::{self, Query};
use mandate::scenario::load;
use mandate::sweep::file::is_sweep;
use mandate::sweep::journal::{Header, Journal, Reader};
use mandate::sweep::merge::{MergeError, Source};
use mandate::sweep::plan::sha256;
use mandate::sweep::tables::finished;
use mandate::sweep::{self, file::Options};
use rayon::prelude::*;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// All inputs follow from it.
const SEED: u64 = 20_210_407;

/// Changed versions of each input.
const OF_EACH: u64 = 90;

/// The longest that reading an input may take, in any build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// What stands in for what was meant.
const TOKENS: [&str; 44] = [
    "",
    "0",
    "-0.0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "0.5",
    "true",
    "\"never\"",
    "\"2021-13\"",
    "\"9999-12\"",
    "\"0000-01\"",
    "[]",
    "[[]]",
    "{}",
    "\"\"",
    "\"\"\"",
    "'''",
    "[[amendment]]",
    "[platforms.ant]",
    "[agencies.pudao.stakes]",
    "=",
    ".",
    ",",
    ";",
    "\n",
    "\r\n",
    "\"",
    "#",
    "\u{feff}",
    "\u{202e}",
    "＝",
    "outside:",
    "\0",
    "extends = \"fuzzed.toml\"\n",
    "joint_venture",
    "1979-05-27T07:32:00Z",
];

/// One input: a file beside all others, and how it is read.
struct Input {
    name: String,
    bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Scenario,
    Sweep,
    Points,
    Seeds,
    Decisions,
    Manifest,
    Shard,
    /// A shard that was ended while it ran.
    Journal,
    /// What the first line of a shard says of its sweep.
    Plan,
}

const POINTS: &str =
    "fees.agency_query,supervision.audits_per_month,rules.deadline\n3,0,2022-12\n24,8,never\n";
const OF_POINTS: &str = "base = \"december-deadline.toml\"\ndesign = \"points\"\nfile = \"points.csv\"\n";

const SHARD: &str = "shards/shard-1-of-1.mandate";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shipped files of a folder with this ending.
fn shipped(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            (format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A folder that holds the shipped inputs and results, for one thread to change.
fn copy(inputs: &[Input]) -> TempDir {
    let here = tempfile::tempdir().unwrap();
    for folder in ["scenarios", "seeds", "results", "shards"] {
        fs::create_dir(here.path().join(folder)).unwrap();
    }
    for input in inputs {
        fs::write(here.path().join(&input.name), &input.bytes).unwrap();
    }
    fs::write(here.path().join("scenarios/of-points.toml"), OF_POINTS).unwrap();
    here
}

fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    for (name, bytes) in shipped("scenarios", "toml") {
        let kind = if is_sweep(&repository(&name)) { Kind::Sweep } else { Kind::Scenario };
        inputs.push(Input { name, bytes, kind });
    }
    for (name, bytes) in shipped("seeds", "csv") {
        inputs.push(Input { name, bytes, kind: Kind::Seeds });
    }
    inputs.push(Input {
        name: "scenarios/points.csv".into(),
        bytes: POINTS.as_bytes().to_vec(),
        kind: Kind::Points,
    });
    let made = copy(&inputs);
    let small = ["--sample", "100", "--set", "calendar.burn_in_months=1", "--set", "calendar.months=6"];
    let base = scenario("december-deadline");
    let mut run = mandate(made.path());
    run.arg("run").arg(&base).args(small).args(["--replicates", "1", "--tables", "decisions"]);
    run.args(["--out", "results", "--force"]).assert().code(0);
    let mut shard = mandate(made.path());
    shard.args(["sweep", "scenarios/of-points.toml", "--shard", "1/1", "--out", "shards"]).args(small);
    shard.args(["--replicates", "2"]).assert().code(0);
    let shard = made.path().join(SHARD);
    let text = fs::read_to_string(&shard).unwrap();
    let runs: Vec<&str> = text.split_inclusive('\n').take(3).collect();
    fs::write(made.path().join("shards/journal"), runs.concat()).unwrap();
    fs::write(made.path().join("shards/plan.toml"), &header(made.path()).plan).unwrap();
    for (name, kind) in [
        ("results/decisions.csv", Kind::Decisions),
        ("results/manifest.toml", Kind::Manifest),
        (SHARD, Kind::Shard),
        ("shards/journal", Kind::Journal),
        ("shards/plan.toml", Kind::Plan),
    ] {
        inputs.push(Input { name: name.into(), bytes: fs::read(made.path().join(name)).unwrap(), kind });
    }
    inputs
}

/// The first line of the shard.
fn header(here: &Path) -> Header {
    Reader::open(&here.join(SHARD)).unwrap().header().clone()
}

/// Reads the input at its place in the folder; whether it was taken.
fn read(here: &Path, input: &Input) -> bool {
    let file = here.join(&input.name);
    match input.kind {
        Kind::Scenario => match load(&file, &[], None) {
            Ok(scenario) => !scenario.resolved().is_empty(),
            Err(problems) => problems.render(false).is_empty(),
        },
        Kind::Seeds => {
            // The scenarios that name it, and those that extend them.
            let taken = |name: &str| {
                load(&here.join(name), &[], None).map_err(|problems| assert!(!problems.0.is_empty())).is_ok()
            };
            ["december-deadline", "divestiture", "joint-venture", "national-registry", "public-utility"]
                .iter()
                .all(|name| taken(&format!("scenarios/{name}.toml")))
        }
        Kind::Sweep => match sweep::load(&file, &Options::default()) {
            Ok(sweep) => {
                let last = sweep.points.count() - 1;
                !sweep.scenario(0, last).resolved().is_empty()
            }
            Err(problems) => problems.render(false).is_empty(),
        },
        Kind::Points => {
            let sweep = sweep::load(&here.join("scenarios/of-points.toml"), &Options::default());
            sweep.map_err(|problems| assert!(!problems.render(false).is_empty())).is_ok()
        }
        Kind::Decisions => {
            let query = Query { agent: "rural".into(), ..Query::default() };
            let Ok(review) = explain::read(&here.join("results"), &query) else { return false };
            for choice in &review.choices {
                choice.terms().into_iter().for_each(|term| _ = choice.tip(term));
            }
            true
        }
        Kind::Manifest => finished(&here.join("results")).is_some(),
        Kind::Shard => Source::parts(&[here.join("shards")])
            .is_ok_and(|(source, _, _)| source.each::<MergeError>(|_, _| Ok(())).is_ok()),
        Kind::Journal => Journal::open(&file, header(here)).is_ok_and(|journal| journal.next() > 0),
        Kind::Plan => {
            // With the right checksum: another version of the program may have written it.
            let plan = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            let (ours, theirs) = (header(here), sha256(plan.as_bytes()));
            let header = Header { identity: theirs, plan, ..ours.clone() };
            assert!(!header.difference(&ours).is_empty());
            header.plan(&file).is_ok()
        }
    }
}

/// A place in the bytes, and one behind it within the line or so.
fn stretch(bytes: &[u8], draws: &mut Draws) -> (usize, usize) {
    let from = draws.below(bytes.len() + 1);
    (from, (from + draws.below(40)).min(bytes.len()))
}

/// Where a word stands: letters, digits and what belongs to numbers and paths.
fn word(bytes: &[u8], draws: &mut Draws) -> (usize, usize) {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-+".contains(byte);
    let at = draws.below(bytes.len() + 1);
    let from = at + bytes[at..].iter().take_while(|byte| !inside(byte)).count();
    (from, from + bytes[from..].iter().take_while(|byte| inside(byte)).count())
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// One change.
fn change(bytes: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    let replaced = |(from, to): (usize, usize), with: &[u8]| [&bytes[..from], with, &bytes[to..]].concat();
    let token = TOKENS[draws.below(TOKENS.len())].as_bytes();
    match draws.below(11) {
        0 => {
            let mut flipped = bytes.to_vec();
            if let Some(byte) = (!bytes.is_empty()).then(|| draws.below(bytes.len())) {
                flipped[byte] ^= 1 << draws.below(8);
            }
            flipped
        }
        1 => replaced(stretch(bytes, draws), b""),
        2 => replaced(stretch(bytes, draws), token),
        3..=5 => replaced(word(bytes, draws), token),
        6 => {
            let (from, to) = word(other, draws);
            replaced(word(bytes, draws), &other[from..to])
        }
        7 => {
            let (from, to) = stretch(bytes, draws);
            let again = bytes[from..to].repeat(1 + draws.below(50));
            replaced((from, from), &again)
        }
        8 => bytes[..draws.below(bytes.len() + 1)].to_vec(),
        // Lines left out, doubled, moved, or those of another file.
        place => {
            let (mut lines, others) = (lines(bytes), lines(other));
            if lines.is_empty() || others.is_empty() {
                return other.to_vec();
            }
            let (at, to) = (draws.below(lines.len()), draws.below(lines.len()));
            match (place, draws.below(3)) {
                (9, 0) => drop(lines.remove(at)),
                (9, 1) => lines.insert(to, lines[at]),
                (9, _) => lines.swap(at, to),
                _ => lines.insert(at, others[draws.below(others.len())]),
            }
            lines.concat()
        }
    }
}

fn changed(inputs: &[Input], which: usize, number: u64) -> Vec<u8> {
    let mut draws = Draws::of(SEED ^ number.wrapping_mul(0x2545_F491_4F6C_DD1D), which as u64 + 1);
    let mut bytes = inputs[which].bytes.clone();
    for _ in 0..1 + draws.below(4) {
        let other = &inputs[draws.below(inputs.len())].bytes;
        bytes = change(&bytes, &other[..other.len().min(20_000)], &mut draws);
    }
    bytes
}

#[test]
fn changed_inputs_are_read_or_refused() {
    let inputs = inputs();
    let start = Instant::now();
    let taken: Vec<(u64, Duration)> = (0..inputs.len())
        .into_par_iter()
        .map(|which| {
            let (here, input) = (copy(&inputs), &inputs[which]);
            let file = here.path().join(&input.name);
            assert!(read(here.path(), input), "{} is taken as it is", input.name);
            let (mut taken, mut longest) = (0, Duration::ZERO);
            for number in 0..OF_EACH {
                let bytes = changed(&inputs, which, number);
                fs::write(&file, &bytes).unwrap();
                let start = Instant::now();
                let outcome = catch_unwind(|| read(here.path(), input));
                let took = start.elapsed();
                if outcome.is_err() || took > LONGEST {
                    let kept =
                        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutated-{which}-{number}"));
                    fs::write(&kept, &bytes).unwrap();
                    let what = if outcome.is_err() { "a panic".into() } else { format!("{took:?}") };
                    let kept = kept.display();
                    panic!("{}, version {number} of seed {SEED}: {what}; it is kept in {kept}", input.name);
                }
                longest = longest.max(took);
                taken += u64::from(outcome.is_ok_and(|taken| taken));
            }
            (taken, longest)
        })
        .collect();
    let count = OF_EACH * inputs.len() as u64;
    let taken_all: u64 = taken.iter().map(|(taken, _)| taken).sum();
    let longest = taken.iter().map(|(_, longest)| *longest).max().unwrap();
    eprintln!("{count} inputs, {taken_all} taken, in {:?}; the longest took {longest:?}", start.elapsed());
    // Some are changed in their comments only; a test that all are refused would test little.
    assert!(taken_all > count / 50 && taken_all < count * 9 / 10, "{taken_all} of {count} taken");
}
