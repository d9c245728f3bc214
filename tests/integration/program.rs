//! How tests run the program: on shipped scenarios, small, in a folder of their own.

use assert_cmd::Command;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The program, about to run in `folder`.
pub fn mandate(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("mandate").expect("the program is built before its tests");
    command.current_dir(folder).env_remove("NO_COLOR");
    command
}

/// The file of a shipped scenario.
pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"))
}

/// `mandate run` of shipped scenarios, small enough for a test.
pub fn run(folder: &Path, names: &[&str]) -> Command {
    let mut command = mandate(folder);
    command.arg("run").args(names.iter().map(|name| scenario(name)));
    command.args(["--sample", "300", "--replicates", "2", "--set", "calendar.burn_in_months=6"]);
    command
}

/// The first of these programs that is installed and `serves`, if there is one; where the project is checked
/// there must be.
pub fn installed(names: &[&str], serves: impl Fn(&Path) -> bool, what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file() && serves(program));
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "there is no {what}");
        eprintln!("skipped: there is no {what}");
    }
    found
}

/// The program where no file may grow beyond half a kilobyte times `blocks`, as on a full disk: or a kilobyte, where the
/// shell counts so.
#[cfg(unix)]
pub fn on_a_full_disk(folder: &Path, blocks: usize, arguments: &[&str]) -> std::process::Output {
    // The signal is ignored, so that it is the write that fails.
    let limit = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", limit, "sh", &blocks.to_string(), env!("CARGO_BIN_EXE_mandate")]);
    shell.args(arguments).current_dir(folder).output().expect("there is a shell")
}

/// Names and bytes of the files in a folder; hidden ones too.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| {
            let entry = entry.expect("the folder can be listed");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            (name, fs::read(entry.path()).expect("results are files"))
        })
        .collect()
}

/// A table that is read back.
pub struct Table {
    pub names: Vec<String>,
    pub rows: Vec<BTreeMap<String, String>>,
}

impl Table {
    pub fn read(path: &Path, delimiter: u8) -> Table {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = String::from_utf8(bytes).expect("tables are UTF-8");
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
        let rows = reader
            .records()
            .map(|record| names.iter().cloned().zip(record.unwrap().iter().map(String::from)).collect())
            .collect();
        Table { names, rows }
    }
}
