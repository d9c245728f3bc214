//! A scenario file and the files it extends.

use super::document::{Item, Node, Setting, beside, parse, read_text};
use super::problem::{Collector, Origin, Problem, check_text, check_value, listed, unknown_key};
use super::setting::{all_paths, sections};
use super::value::{FromValue, Kind, Value, starts_formula};
use std::path::{Path, PathBuf};

/// Keys at the top level that are not sections.
const TOP_KEYS: [&str; 4] = ["title", "extends", "about", "amendment"];
/// Keys of sweep files, which are easily taken for scenarios.
const SWEEP_KEYS: [&str; 5] = ["base", "design", "replicates", "points", "factor"];

/// One file of a chain.
#[derive(Debug, Default)]
pub struct Document {
    /// The file, as it is opened.
    pub file: PathBuf,
    /// Its title.
    pub title: Option<String>,
    /// What it says of itself.
    pub about: Option<String>,
    /// Its parameters.
    pub settings: Vec<Setting>,
    /// Its amendments, as written.
    pub amendments: Vec<(Origin, Vec<Item>)>,
    extends: Option<(String, Origin)>,
    lacks_title: bool,
    is_empty: bool,
}

/// Files of a scenario, the scenario's own first.
pub struct Chain {
    /// The files that could be read.
    pub documents: Vec<Document>,
    /// Whether all of them could be read and parsed.
    pub complete: bool,
}

/// Reads a scenario file and those it extends.
pub fn read(file: &Path, problems: &mut Collector) -> Chain {
    let mut chain = Chain { documents: Vec::new(), complete: true };
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut next = Some((file.to_path_buf(), Origin::whole(file), ""));
    while let Some((file, named, key)) = next.take() {
        // Two names of one file are one file.
        let identity = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
        if seen.contains(&identity) {
            problems.push(cycle(&chain.documents, &file, &named));
            chain.complete = false;
            break;
        }
        seen.push(identity);
        problems.reads(&file);
        let text = match read_text(&file, &named, key) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                chain.complete = false;
                break;
            }
        };
        let document = read_document(&file, &text, problems);
        chain.complete &= !document.is_empty && !problems.is_unparsed(&file);
        if let Some((base, origin)) = &document.extends {
            next = Some((beside(&file, base), origin.clone(), "extends"));
        }
        chain.documents.push(document);
    }
    if let Some(own) = chain.documents.first() {
        check_own(own, file, problems);
    }
    chain
}

fn cycle(documents: &[Document], file: &Path, named: &Origin) -> Problem {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut names: Vec<String> = documents.iter().map(|document| name(&document.file)).collect();
    names.push(name(file));
    let what = if documents.len() == 1 {
        "the file extends itself".to_string()
    } else {
        format!("the files extend each other in a circle: {}", names.join(" -> "))
    };
    named
        .problem("extends", what)
        .given(Value::Text(name(file)))
        .allowed("a file that does not lead back to this one")
}

/// What only the scenario's own file must have: a title, and a name that can be that of a folder.
fn check_own(own: &Document, file: &Path, problems: &mut Collector) {
    if own.lacks_title {
        problems.push(
            Origin::line(file, 1)
                .problem("title", "a scenario must have a title")
                .allowed("text, as in title = \"December deadline\""),
        );
    }
    if let Err(problem) = check_stem(file) {
        problems.push(problem);
    }
}

/// Whether the file's stem can name a scenario in tables and folders.
fn check_stem(file: &Path) -> Result<(), Problem> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    if is_scenario_name(stem) {
        return Ok(());
    }
    Err(Origin::whole(file)
        .problem("", "the file's name can't name a scenario")
        .given(Value::Text(stem.into()))
        .allowed("letters, digits, spaces and . _ - ( ), starting with a letter or digit"))
}

/// Whether a scenario may have this name: it becomes a folder's, and a cell of a spreadsheet.
pub fn is_scenario_name(name: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || " ._-()".contains(c);
    name.starts_with(char::is_alphanumeric)
        && name.chars().all(inner)
        && !name.ends_with([' ', '.'])
        && !starts_formula(name)
}

fn read_document(file: &Path, text: &str, problems: &mut Collector) -> Document {
    let items = parse(file, text, problems);
    let mut document = Document { file: file.to_path_buf(), ..Document::default() };
    let parsed = !problems.is_unparsed(file);
    document.is_empty = parsed && items.is_empty();
    document.lacks_title = parsed && !items.is_empty() && !items.iter().any(|item| item.key == "title");
    if document.is_empty {
        problems.push(
            Origin::line(file, 1)
                .problem("", "the file is empty")
                .allowed("a scenario: a title at least")
                .hint("`mandate new NAME` makes one to start from"),
        );
    }
    for item in &items {
        if problems.is_full() {
            break;
        }
        if let Err(problem) = read_item(item, &mut document) {
            problems.push(problem);
        }
    }
    document
}

fn read_item(item: &Item, document: &mut Document) -> Result<(), Problem> {
    match item.key.as_str() {
        "title" => document.title = Some(text(item, false)?),
        "about" => document.about = Some(text(item, true)?),
        "extends" => {
            check_value(&item.origin, "extends", &Kind::Path, "", &item.node.value())?;
            document.extends = Some((String::from_value(&item.node.value()), item.origin.clone()));
        }
        "amendment" => document.amendments = amendments(item)?,
        key if sections().contains(&key) => match &item.node {
            Node::Table(_) => item.settings(key, &mut document.settings),
            node => {
                let problem = item.origin.problem(key, "this is a section").given(node.value());
                return Err(problem.allowed(format!("[{key}], and its keys below")));
            }
        },
        _ => return Err(unknown(item)),
    }
    Ok(())
}

fn text(item: &Item, lines: bool) -> Result<String, Problem> {
    check_value(&item.origin, &item.key, &Kind::Text, "", &item.node.value())?;
    let text = String::from_value(&item.node.value());
    check_text(&item.origin, &item.key, &text, lines)?;
    if !lines && text.trim().is_empty() {
        return Err(item.origin.problem(&item.key, "the text is empty").given(item.node.value()));
    }
    Ok(text)
}

fn amendments(item: &Item) -> Result<Vec<(Origin, Vec<Item>)>, Problem> {
    match &item.node {
        Node::Tables(tables) => Ok(tables.clone()),
        Node::Value(Value::List(items)) if items.is_empty() => Ok(Vec::new()),
        node => Err(item
            .origin
            .problem("amendment", "wrong type")
            .given(node.value())
            .allowed("[[amendment]], with two brackets, once for each amendment")),
    }
}

fn unknown(item: &Item) -> Problem {
    let paths = all_paths();
    let names = TOP_KEYS.into_iter().chain(sections()).chain(paths.iter().map(String::as_str));
    let allowed = TOP_KEYS.into_iter().chain(sections());
    let problem =
        unknown_key(&item.origin, &item.key, names).given(item.node.value()).allowed(listed(allowed));
    if SWEEP_KEYS.contains(&item.key.as_str()) {
        problem.hint("this is a key of sweep files, which `mandate sweep` takes")
    } else {
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_scenarios_are_fit_for_folders_and_spreadsheets() {
        for good in ["december-deadline", "fee cap (2)", "Gebühr_3.0", "費用"] {
            assert!(is_scenario_name(good), "{good}");
        }
        for bad in ["", "-x", "=x", "+x", "@x", ".", "..", ".x", "a/b", "a\tb", "a ", "a.", "a:b", "a\"b"] {
            assert!(!is_scenario_name(bad), "{bad}");
        }
    }
}
