//! What README.md and MODEL.md show is what the program does today.
//!
//! With the environment variable `UPDATE_DOCS=1` the blocks are rewritten instead of compared.

use crate::program::{Table, mandate};
use mandate::scenario::listing;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(name: &str) -> String {
    fs::read_to_string(repository(name)).expect("the document is text")
}

/// Compares a document with what it should be, or makes it so.
fn keep_true(name: &str, expected: &str) {
    let present = read(name);
    if present == expected {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(repository(name), expected).expect("the document can be written");
        return;
    }
    let differs = present.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(present.lines().count().min(expected.lines().count()));
    panic!(
        "{name}:{} reads\n  {}\nbut should read\n  {}\nUPDATE_DOCS=1 cargo test --release documentation rewrites it",
        line + 1,
        present.lines().nth(line).unwrap_or_default(),
        expected.lines().nth(line).unwrap_or_default(),
    );
}

/// What stands between two markers is replaced.
fn with_part(text: &str, start: &str, end: &str, part: &str) -> String {
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("there is no {start}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("there is no {end}"));
    format!("{before}{start}\n{part}{end}{after}")
}

#[test]
fn the_model_lists_every_parameter() {
    let tables = format!("\n{}", listing::markdown());
    let text = with_part(&read("MODEL.md"), "<!-- parameters -->", "<!-- end of parameters -->", &tables);
    keep_true("MODEL.md", &text);
}

/// A folder as a reader of the README has it.
fn readers_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["scenarios", "seeds"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for file in fs::read_dir(repository(name)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(name).join(file.file_name())).unwrap();
        }
    }
    folder
}

/// What a line of a console block prints, both streams.
fn printed(folder: &Path, command: &str) -> String {
    let arguments = command.strip_prefix("cargo run --release --").or(command.strip_prefix("mandate"));
    let arguments = arguments.unwrap_or_else(|| panic!("\"{command}\" is no command of the program"));
    let output = mandate(folder).args(arguments.split_whitespace()).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).expect("messages are UTF-8")
}

/// Goes through the README as its reader does: runs the commands of `console` blocks, and writes the
/// `toml` blocks that begin with the name of a file. Returns the README with what was printed.
fn toured(readme: &str, folder: &Path) -> String {
    let mut text = String::new();
    let mut lines = readme.lines().peekable();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        if line != "```console" && line != "```toml" {
            continue;
        }
        let mut block: Vec<&str> = Vec::new();
        while let Some(inside) = lines.next_if(|line| *line != "```") {
            block.push(inside);
        }
        if line == "```toml" {
            if let Some(file) = block[0].strip_prefix("# ").filter(|name| name.ends_with(".toml")) {
                fs::write(folder.join(file), block.join("\n") + "\n").unwrap();
            }
            text.push_str(&(block.join("\n") + "\n"));
        } else {
            for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                text.push_str(&format!("$ {command}\n{}", printed(folder, command)));
            }
        }
    }
    text
}

/// Metrics by month as a pivot table of `months_mean.csv` shows them.
fn pivot(results: &Path, months: &[&str], metrics: &[&str]) -> String {
    let table = Table::read(&results.join("months_mean.csv"), b',');
    let mean = |month: &str, metric: &str| {
        let row = table.rows.iter().find(|row| row["month"] == month && row["metric"] == metric);
        row.map_or(String::new(), |row| format!("{:.3}", row["mean"].parse::<f64>().unwrap()))
    };
    let mut text = format!("\n| month | {} |\n|---|{}\n", metrics.join(" | "), "---:|".repeat(metrics.len()));
    for month in months {
        let cells: Vec<String> = metrics.iter().map(|metric| mean(month, metric)).collect();
        text.push_str(&format!("| {month} | {} |\n", cells.join(" | ")));
    }
    text + "\n"
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let folder = readers_folder();
    let text = toured(&read("README.md"), folder.path());
    let table = pivot(
        &folder.path().join("results/december-deadline"),
        &["2021-06", "2022-06", "2022-11", "2023-06", "2023-12", "2024-06", "2024-12"],
        &["delivered_share", "delivered_share_reported", "direct_query_share", "agency_query_share"],
    );
    let text = with_part(&text, "<!-- pivot -->", "<!-- end of pivot -->", &table);
    keep_true("README.md", &text);

    let results = crate::program::files(&folder.path().join("results/december-deadline"));
    for name in words(&text).filter(|word| word.ends_with(".csv") && !word.contains('/')) {
        assert!(results.contains_key(name) || name == "decisions.csv", "the README names {name}");
    }
}

/// What stands in backticks, word by word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let outside_blocks = text.split("```").step_by(2);
    outside_blocks.flat_map(|part| part.split('`').skip(1).step_by(2)).flat_map(str::split_whitespace)
}

#[test]
fn files_and_options_that_the_readme_names_exist() {
    let readme = read("README.md");
    for path in words(&readme).filter(|word| word.contains('/') && !word.starts_with("results/")) {
        assert!(repository(path).exists() || path.starts_with("target/"), "the README names {path}");
    }
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    for (link, _) in links.filter(|(link, _)| !link.starts_with("https://")) {
        assert!(repository(link).exists(), "the README links to {link}");
    }
    let here = tempfile::tempdir().unwrap();
    let mut known: BTreeSet<String> = ["--release", "--path"].map(String::from).into();
    for command in ["run", "check", "parameters", "new", "explain", "validate"] {
        let help = printed(here.path(), &format!("mandate {command} --help"));
        let options = help.split_whitespace().filter(|word| word.starts_with("--"));
        known.extend(options.map(String::from));
    }
    let inside_blocks = readme.split("```").skip(1).step_by(2).flat_map(str::lines);
    let commands = inside_blocks.filter_map(|line| line.strip_prefix("$ ")).flat_map(str::split_whitespace);
    for option in words(&readme).chain(commands).filter(|word| word.starts_with("--") && word.len() > 2) {
        let name = option.split('=').next().unwrap_or(option);
        assert!(known.contains(name), "the README names {option}");
    }
}
