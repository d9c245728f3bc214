//! The points of a CSV file: a column a path, a row a point.

use super::factor::{exact, parameter};
use super::{Read, Top};
use crate::scenario::Scenario;
use crate::scenario::document::{Lines, Setting, beside, read_text};
use crate::scenario::problem::{Collector, Origin, check_value};
use crate::scenario::setting;
use crate::scenario::value::{FromValue, Kind, Value};
use crate::sweep::plan::{Factor, Levels};

/// Reads the points of the file that the key `file` names.
pub(super) fn points(
    top: &Top,
    scenarios: &[Scenario],
    points: &mut Vec<(Origin, Vec<Value>)>,
    problems: &mut Collector,
) -> Vec<Read> {
    let Some(item) = top.find("file") else {
        let allowed = "the path of a CSV file, as in file = \"points.csv\"";
        problems.push(top.missing("file", "the design \"points\" needs a file of points", allowed));
        return Vec::new();
    };
    let value = item.node.value();
    if let Err(problem) = check_value(&item.origin, "file", &Kind::Path, "", &value) {
        problems.push(problem);
        return Vec::new();
    }
    let file = beside(top.file, &String::from_value(&value));
    problems.reads(&file);
    let text = match read_text(&file, &item.origin, "file") {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let delimiter = [b';', b'\t', b','].into_iter().find(|d| first.as_bytes().contains(d)).unwrap_or(b';');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records: Vec<(Origin, Vec<String>)> = Vec::new();
    let mut record = csv::StringRecord::new();
    let lines = Lines::of(&text);
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {
                let cells: Vec<String> = record.iter().map(String::from).collect();
                let start = record.position().map_or(0, |position| position.byte() as usize);
                let blank = text[start..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    records.push((Origin::line(&file, lines.at(start + blank)), cells));
                }
            }
            Ok(false) => break,
            Err(error) => {
                problems.push(Origin::whole(&file).problem("", format!("not CSV: {error}")));
                break;
            }
        }
    }
    if records.is_empty() {
        let problem = Origin::whole(&file).problem("", "the file is empty");
        problems.push(problem.allowed("a line with the paths of parameters, then a line a point"));
        return Vec::new();
    }
    let (header, names) = records.remove(0);
    let mut columns: Vec<Option<Read>> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            problems.push(header.problem(name, "the column stands twice"));
            columns.push(None);
            continue;
        }
        if name.is_empty() {
            let problem = header.problem("", format!("column {} has no name", i + 1));
            problems.push(problem.allowed("the path of a parameter"));
            columns.push(None);
            continue;
        }
        columns.push(match parameter(name, &header, scenarios) {
            Ok((place, kind, unit, meaning)) => {
                let levels = Levels::Values { values: Vec::new() };
                let (unit, meaning) = (unit.into(), meaning.into());
                let factor = Factor { path: name.clone(), unit, meaning, relative: false, levels };
                Some(Read { factor, place, kind, origin: header.clone() })
            }
            Err(mut problem) => {
                problem.key = name.clone();
                problem.value = None;
                if problem.what == "no such key" {
                    problem.what = "no such parameter: a column is the path of one".into();
                }
                problems.push(problem);
                None
            }
        });
    }
    if records.is_empty() {
        let problem = header.problem("", "the design is empty: no point below the header");
        problems.push(problem.allowed("a row a point"));
    }
    let ids = scenarios.first().map(Scenario::ids).unwrap_or_default();
    for (origin, cells) in records {
        if problems.is_full() {
            break;
        }
        if cells.len() != names.len() {
            let what = format!("the row has {} cells, the header {}", cells.len(), names.len());
            problems.push(origin.problem("", what).given(cells.join(",")));
            continue;
        }
        let mut values = Vec::new();
        for (read, cell) in columns.iter().zip(&cells) {
            let Some(read) = read else { continue };
            match cell_value(&read.kind, cell, delimiter) {
                Some(value) => {
                    let setting = Setting {
                        path: read.factor.path.clone(),
                        value: value.clone(),
                        origin: origin.clone(),
                    };
                    match setting::check(&setting, &ids) {
                        Ok(_) => values.push(value),
                        Err(problem) => problems.push(problem),
                    }
                }
                None => {
                    let what = if cell.is_empty() { "empty cell" } else { "not a number" };
                    let problem = origin.problem(&read.factor.path, what).allowed(read.kind.allowed());
                    problems.push(if cell.is_empty() { problem } else { problem.given(cell) });
                }
            }
        }
        points.push((origin, values));
    }
    columns.into_iter().flatten().collect()
}

fn cell_value(kind: &Kind, cell: &str, delimiter: u8) -> Option<Value> {
    if cell.is_empty() {
        return None;
    }
    match kind {
        Kind::Number { .. } | Kind::Whole { .. } => {
            let text = if delimiter == b',' { cell.to_string() } else { cell.replace(',', ".") };
            let number: f64 = text.parse().ok()?;
            Some(exact(kind, Value::Number(number)))
        }
        Kind::Flag if cell.eq_ignore_ascii_case("true") => Some(Value::Flag(true)),
        Kind::Flag if cell.eq_ignore_ascii_case("false") => Some(Value::Flag(false)),
        _ => Some(Value::Text(cell.into())),
    }
}
