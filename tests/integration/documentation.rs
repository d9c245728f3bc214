//! What README.md and MODEL.md show is what the program does today.
//!
//! With the environment variable `UPDATE_DOCS=1` the blocks are rewritten instead of compared.

use crate::program::{Table, mandate};
use mandate::scenario::listing;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub fn repository(path: &str) -> PathBuf {
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
            if file.path().is_file() {
                fs::copy(file.path(), folder.path().join(name).join(file.file_name())).unwrap();
            }
        }
    }
    folder
}

/// `FOLDER/*.toml` as a shell expands it; all else as it is.
fn expanded(folder: &Path, argument: &str) -> Vec<String> {
    let Some(inside) = argument.strip_suffix("/*.toml") else {
        return vec![argument.into()];
    };
    let files = fs::read_dir(folder.join(inside)).unwrap().map(|file| file.unwrap().file_name());
    let names = files.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".toml"));
    let mut paths: Vec<String> = names.map(|name| format!("{inside}/{name}")).collect();
    paths.sort();
    paths
}

/// What a line of a console block prints, both streams.
fn printed(folder: &Path, command: &str) -> String {
    let arguments = command.strip_prefix("cargo run --release --").or(command.strip_prefix("mandate"));
    let arguments = arguments.unwrap_or_else(|| panic!("\"{command}\" is no command of the program"));
    let arguments = arguments.split_whitespace().flat_map(|argument| expanded(folder, argument));
    let output = mandate(folder).args(arguments).output().unwrap();
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

/// The shipped scenarios in the order in which a reader meets them.
const PLANS: [&str; 14] = [
    "december-deadline",
    "open-market",
    "direct-ban",
    "national-registry",
    "joint-venture",
    "public-utility",
    "user-ownership",
    "divestiture",
    "step-by-step",
    "pushed-back",
    "strict-oversight",
    "neutral-agency",
    "fee-cap",
    "no-one-waits",
];

/// A column of the table of plans: heading, outcome, unit it is divided by, decimals, and whether it is
/// shown less the baseline's.
const OUTCOMES: [(&str, &str, f64, usize, bool); 15] = [
    ("delivered before the deadline, %", "delivered_share_before_deadline", 0.01, 0, false),
    ("at the end, %", "delivered_share_end", 0.01, 0, false),
    ("unlawful decisions, %", "unlawful_query_share_mean", 0.01, 0, false),
    ("agencies' share at the end, %", "agency_query_share_end", 0.01, 0, false),
    ("loans at the end, CNY tn", "loans_outstanding_cny_end", 1e12, 1, false),
    ("approved, thin file, %", "approval_rate_thin_file_mean", 0.01, 1, false),
    ("default, % a year", "default_rate_annual_mean", 0.01, 2, false),
    ("owe several lenders, %", "multiple_borrowers_share_end", 0.01, 1, false),
    ("platforms' profit, CNY bn", "platform_profit_cny_total", 1e9, 0, true),
    ("banks' profit, CNY bn", "bank_profit_cny_total", 1e9, 0, true),
    ("agencies' profit, CNY bn", "agency_profit_cny_total", 1e9, 1, true),
    ("borrowers' surplus, CNY bn", "users_surplus_cny_total", 1e9, 0, true),
    ("fines, CNY bn", "fines_cny_total", 1e9, 0, false),
    ("records exposed, m", "records_exposed_expected_total", 1e6, 0, false),
    ("unconsented, bn", "unconsented_records_total", 1e9, 1, false),
];

/// The outcomes of all shipped scenarios, means over replicates.
fn plans(results: &Path) -> String {
    let table = Table::read(&results.join("summary.csv"), b',');
    let mean = |scenario: &str, outcome: &str| {
        let rows = table.rows.iter().filter(|row| row["scenario"] == scenario);
        let numbers: Vec<f64> = rows.filter_map(|row| row[outcome].parse().ok()).collect();
        (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
    };
    let headings: Vec<&str> = OUTCOMES.iter().map(|(heading, ..)| *heading).collect();
    let mut text = format!("\n| | {} |\n|---|{}\n", headings.join(" | "), "---:|".repeat(headings.len()));
    for plan in PLANS {
        let cells = OUTCOMES.iter().map(|(_, outcome, unit, decimals, relative)| {
            let baseline = if *relative { mean(PLANS[0], outcome).unwrap() } else { 0.0 };
            mean(plan, outcome).map_or(String::new(), |value| {
                let value = (value - baseline) / unit;
                if *relative { format!("{value:+.decimals$}") } else { format!("{value:.decimals$}") }
            })
        });
        text.push_str(&format!("| `{plan}` | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
    text + "\n"
}

/// The mean of an outcome over the grid of the two first factors of a sweep.
fn heat(results: &Path, outcome: &str) -> String {
    let table = Table::read(&results.join("sweep.csv"), b',');
    let (down, across) = (&table.names[2], &table.names[3]);
    let values = |factor: &String| {
        let mut values: Vec<&String> = Vec::new();
        for row in &table.rows {
            if !values.contains(&&row[factor]) {
                values.push(&row[factor]);
            }
        }
        values
    };
    let columns = values(across);
    let heads: Vec<&str> = columns.iter().map(|value| value.as_str()).collect();
    let mut text = format!("\n| `{down}` \\ `{across}` | {} |\n", heads.join(" | "));
    text.push_str(&format!("|---:|{}\n", "---:|".repeat(columns.len())));
    for value in values(down) {
        let cells = columns.iter().map(|column| {
            let cell = table.rows.iter().filter(|row| row[down] == *value && row[across] == **column);
            let numbers: Vec<f64> = cell.map(|row| row[outcome].parse().unwrap()).collect();
            format!("{:.0} %", 100.0 * numbers.iter().sum::<f64>() / numbers.len() as f64)
        });
        text.push_str(&format!("| {value} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
    text + "\n"
}

#[test]
fn every_shipped_scenario_is_in_the_readme() {
    let files = fs::read_dir(repository("scenarios")).unwrap().map(|file| file.unwrap());
    let names = files
        .filter(|file| !mandate::sweep::file::is_sweep(&file.path()))
        .filter_map(|file| file.file_name().into_string().ok());
    let shipped: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".toml").map(String::from)).collect();
    assert_eq!(shipped, PLANS.map(String::from).into());
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
    let table = heat(&folder.path().join("results/grid"), "agency_query_share_end");
    let text = with_part(&text, "<!-- heat -->", "<!-- end of heat -->", &table);
    let table = crate::assumptions::against(PLANS[0]);
    let text = with_part(&text, "<!-- assumptions -->", "<!-- end of assumptions -->", &table);
    let table = plans(&folder.path().join("results/all"));
    let text = with_part(&text, "<!-- plans -->", "<!-- end of plans -->", &table);
    keep_true("README.md", &text);

    let results = mandate::sweep::tables::sweep_files();
    for name in words(&text).filter(|word| word.ends_with(".csv") && !word.contains('/')) {
        assert!(results.iter().any(|file| file == name), "the README names {name}");
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
    for path in words(&readme)
        .filter(|word| word.contains('/') && !word.contains('*') && !word.starts_with("results/"))
    {
        assert!(repository(path).exists() || path.starts_with("target/"), "the README names {path}");
    }
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    for (link, _) in links.filter(|(link, _)| !link.starts_with("https://")) {
        assert!(repository(link).exists(), "the README links to {link}");
    }
    let here = tempfile::tempdir().unwrap();
    // Options of other programs.
    let others = [
        "--release",
        "--path",
        "--stdin",
        "--directives",
        "--array",
        "--fuzz-dir",
        "--no-trace-compares",
        "--locked",
        "--config",
    ];
    let mut known: BTreeSet<String> = others.map(String::from).into();
    for command in ["run", "compare", "sweep", "merge", "check", "parameters", "new", "explain", "validate"] {
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
