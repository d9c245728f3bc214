//! A folder with the shipped files, among which targets put theirs; and the shipped files as seeds.
// Not every target uses all of it.
#![allow(dead_code)]

use mandate::sweep::journal::{Header, run_line};
use mandate::sweep::plan::sha256;
use mandate::sweep::{file::Options, file::is_sweep};
use mandate::tables::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// `scenarios/` and `seeds/`, copied, in memory where the system has such a disk.
pub static HERE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    // One of a process: it is there until the process ends.
    let here = tempfile::tempdir_in(parent).expect("a temporary folder").keep();
    for folder in ["scenarios", "seeds"] {
        fs::create_dir(here.join(folder)).expect("a folder");
        for (name, bytes) in files(folder, "") {
            fs::write(here.join(folder).join(name), bytes).expect("a copy");
        }
    }
    // Every scenario reads it anew, and a thousand rows take longer than all else that is read.
    let seeds = here.join("seeds/replicate_seeds.csv");
    let text = fs::read_to_string(&seeds).expect("a shipped file");
    fs::write(&seeds, text.split_inclusive('\n').take(8).collect::<String>()).expect("a file");
    here
});

/// The shipped files of a folder with this ending, by name.
pub fn files(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = fs::read_dir(from).expect("a shipped folder").map(|entry| entry.expect("a file").path());
    let name = |path: &Path| path.file_name().expect("a name").to_str().expect("plain text").to_string();
    let ours = entries.filter(|path| name(path).ends_with(ending));
    ours.map(|path| (name(&path), fs::read(&path).expect("a shipped file"))).collect()
}

/// Whether the shipped scenario file of this name is one of a sweep.
pub fn of_sweep(name: &str) -> bool {
    is_sweep(&HERE.join("scenarios").join(name))
}

/// Points of two parameters, and the sweep that reads them.
pub const POINTS: &str =
    "fees.agency_query,supervision.audits_per_month,rules.deadline\n3,0,2022-12\n24,8,never\n";
pub const OF_POINTS: &str = "base = \"december-deadline.toml\"\ndesign = \"points\"\nfile = \"points.csv\"\n";

/// The first line of a part that holds all runs of the sweep of points, two at each.
pub static HEADER: LazyLock<Header> = LazyLock::new(|| {
    let folder = HERE.join("scenarios");
    fs::write(folder.join("of-points.toml"), OF_POINTS).expect("a file");
    fs::write(folder.join("points.csv"), POINTS).expect("a file");
    let options = Options { replicates: Some(2), ..Options::default() };
    let sweep = mandate::sweep::load(&folder.join("of-points.toml"), &options).expect("a sweep");
    Header::new(&sweep.points, 0..sweep.points.runs())
});

/// A line with the checksum that a part asks for.
pub fn signed(body: &str) -> String {
    let sum = sha256(format!("{}{body}", HEADER.identity).as_bytes());
    format!("{body} {}\n", &sum[..16])
}

/// A whole part of the sweep of points.
pub fn part() -> String {
    let header = serde_json::to_string(&*HEADER).expect("text and numbers");
    let runs: String = (HEADER.first..HEADER.end)
        .map(|run| run_line(&HEADER.identity, run, &[Cell::Number(0.5), Cell::Whole(3), Cell::Empty]))
        .collect();
    format!("{header}\n{runs}{}", signed(&format!("complete {} {}", HEADER.first, HEADER.end)))
}

/// Puts seeds into the folder that libFuzzer is about to read its first inputs from, if there is one.
pub fn sow(seeds: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else { return };
    for (name, bytes) in seeds {
        fs::write(folder.join(format!("shipped-{name}")), bytes).expect("a seed");
    }
}

/// A seed of a target whose first byte chooses.
pub fn chosen(which: u8, name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    (format!("{which}-{name}"), [&[which], bytes].concat())
}
