//! A folder with the shipped files, among which targets put theirs.

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
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        for entry in fs::read_dir(from).expect("a shipped folder") {
            let entry = entry.expect("a shipped file");
            fs::copy(entry.path(), here.join(folder).join(entry.file_name())).expect("a copy");
        }
    }
    here
});
