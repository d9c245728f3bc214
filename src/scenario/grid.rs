//! CSV files of starting data, read into cells whose line is known.

use super::document::{Lines, read_text};
use super::parameters::Parameter;
use super::problem::{Collector, Origin, Problem, check_text, check_value, listed};
use super::value::{Kind, Value, nearest_hint};
use std::path::{Path, PathBuf};

/// A file to read: the key that names it, and where that is written.
#[derive(Clone, Debug)]
pub struct Named {
    /// Path of the file, ready to be opened.
    pub file: PathBuf,
    /// Key, such as `rosters.platforms`.
    pub key: String,
    /// Where the key is written.
    pub origin: Origin,
}

/// A CSV file with the columns asked for.
pub struct Grid {
    file: PathBuf,
    columns: Vec<String>,
    /// Its rows below the header.
    pub rows: Vec<GridRow>,
    /// Whether every line of the file made a row.
    pub complete: bool,
}

/// A row of a grid.
pub struct GridRow {
    /// Where it is written.
    pub origin: Origin,
    cells: Vec<String>,
}

impl Grid {
    /// Reads the file with exactly these columns, in any order. `None` where no row can be made.
    pub fn read(named: &Named, columns: &[&str], problems: &mut Collector) -> Option<Grid> {
        problems.reads(&named.file);
        let text = match read_text(&named.file, &named.origin, &named.key) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let before = problems.count();
        let mut records = records(&named.file, &text, problems);
        if records.is_empty() {
            if problems.count() > before {
                return None;
            }
            problems.push(empty_file(&named.file, columns));
            return None;
        }
        let header = records.remove(0);
        let places = places_of(&header, columns, problems)?;
        let mut grid = Grid {
            file: named.file.clone(),
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
            complete: true,
        };
        for record in records {
            if problems.is_full() {
                grid.complete = false;
                break;
            }
            if record.cells.len() == header.cells.len() {
                let cells = places.iter().map(|place| record.cells[*place].clone()).collect();
                grid.rows.push(GridRow { origin: record.origin, cells });
            } else {
                grid.complete = false;
                problems.push(wrong_count(&record, header.cells.len()));
            }
        }
        Some(grid)
    }

    /// The text of a cell; the column must be one asked for.
    pub fn cell<'a>(&self, row: &'a GridRow, column: &str) -> &'a str {
        let place = self.columns.iter().position(|name| name == column);
        &row.cells[place.unwrap_or_else(|| panic!("column {column} was not asked for"))]
    }

    /// Where the header is written.
    pub fn header(&self) -> Origin {
        Origin::line(&self.file, 1)
    }

    /// A cell that must hold text, or the problem with it.
    pub fn text(&self, row: &GridRow, column: &str, key: &str) -> Result<String, Problem> {
        let text = self.cell(row, column);
        if text.is_empty() {
            return Err(row.origin.problem(format!("{key}{column}"), "empty cell").allowed("text"));
        }
        check_text(&row.origin, &format!("{key}{column}"), text, false)?;
        Ok(text.to_string())
    }

    /// The value of a parameter's cell, `None` where it is empty and may be.
    pub fn value(&self, row: &GridRow, parameter: &Parameter, key: &str) -> Result<Option<Value>, Problem> {
        let text = self.cell(row, parameter.name);
        let path = format!("{key}{}", parameter.name);
        if text.is_empty() && (parameter.default)().is_none() {
            return Ok(None);
        }
        if parameter.kind == Kind::Text {
            return self.text(row, parameter.name, key).map(|text| Some(Value::Text(text)));
        }
        typed(&row.origin, &path, &parameter.kind, parameter.unit, text).map(Some)
    }
}

/// The value of a cell of a known type.
pub fn typed(origin: &Origin, path: &str, kind: &Kind, unit: &str, text: &str) -> Result<Value, Problem> {
    let value = cell_value(kind, text);
    check_value(origin, path, kind, unit, &value).map(|()| value).map_err(|mut problem| {
        problem.value = (!text.is_empty()).then(|| text.to_string());
        match kind {
            _ if text.is_empty() => problem.what = "empty cell".into(),
            Kind::Number { .. } | Kind::Whole { .. }
                if cell_value(kind, text) == Value::Text(text.into()) =>
            {
                problem.what = "not a number".into();
                problem.hint = number_hint(text).into();
            }
            Kind::Month if problem.hint.is_empty() => {
                problem.hint = "spreadsheets rewrite months: format the column as text".into();
            }
            _ => {}
        }
        problem
    })
}

fn number_hint(text: &str) -> &'static str {
    if text.ends_with('%') {
        "a percentage is written as a share: 8 % is 0.08"
    } else if text.contains(',') {
        "write the decimal point as a point, and no separator of thousands"
    } else {
        ""
    }
}

fn cell_value(kind: &Kind, text: &str) -> Value {
    let number = || text.parse::<i64>().map(Value::Whole).or_else(|_| text.parse().map(Value::Number));
    match kind {
        Kind::Number { .. } | Kind::Whole { .. } => number().unwrap_or_else(|_| Value::Text(text.into())),
        // Spreadsheets write flags in capitals.
        Kind::Flag if text.eq_ignore_ascii_case("true") => Value::Flag(true),
        Kind::Flag if text.eq_ignore_ascii_case("false") => Value::Flag(false),
        _ => Value::Text(text.into()),
    }
}

/// Rows of an input table; it is read into memory.
const MOST_ROWS: usize = 1_000_000;

/// Columns of an input table.
const MOST_COLUMNS: usize = 1_000;

struct Record {
    origin: Origin,
    cells: Vec<String>,
}

/// The lines of a CSV text that hold anything, the header among them.
fn records(file: &Path, text: &str, problems: &mut Collector) -> Vec<Record> {
    let lines = Lines::of(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        if records.len() > MOST_ROWS {
            let problem = Origin::whole(file).problem("", "the table has too many rows");
            problems.push(problem.allowed(format!("{MOST_ROWS} rows at most")));
            return Vec::new();
        }
        match record {
            Ok(record) if record.len() > MOST_COLUMNS => {
                let problem = Origin::whole(file).problem("", "the table has too many columns");
                problems.push(problem.given(record.len()).allowed(format!("{MOST_COLUMNS} columns at most")));
                return Vec::new();
            }
            Ok(record) => {
                let start = record.position().map_or(0, |position| position.byte() as usize);
                // The reader counts blank lines before a record as its beginning.
                let blank = text[start..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                let cells: Vec<String> = record.iter().map(str::to_string).collect();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    records.push(Record { origin: Origin::line(file, lines.at(start + blank)), cells });
                }
            }
            Err(error) => problems.push(Origin::whole(file).problem("", format!("not CSV: {error}"))),
        }
    }
    records
}

fn empty_file(file: &Path, columns: &[&str]) -> Problem {
    Origin::whole(file)
        .problem("", "the file is empty")
        .allowed(format!("a line with the columns {}, then a line a row", columns.join(",")))
}

/// The place of each column asked for, or `None` where one is missing or stands twice.
fn places_of(header: &Record, columns: &[&str], problems: &mut Collector) -> Option<Vec<usize>> {
    if let [only] = header.cells.as_slice()
        && columns.len() > 1
        && only.contains([';', '\t'])
    {
        problems.push(
            header
                .origin
                .problem("", "the columns are not separated by commas")
                .given(only)
                .hint("save the file as comma-separated CSV, with a point as the decimal separator"),
        );
        return None;
    }
    let mut places = Vec::new();
    let mut usable = true;
    for column in columns {
        let found: Vec<usize> = (0..header.cells.len()).filter(|i| header.cells[*i] == *column).collect();
        match found.as_slice() {
            [place] => places.push(*place),
            [] => {
                usable = false;
                let names = header.cells.iter().map(String::as_str).filter(|name| !columns.contains(name));
                let nearest = nearest_hint(column, names).replace("did you mean ", "is it called ");
                problems.push(
                    header
                        .origin
                        .problem(*column, "missing column")
                        .allowed(listed(columns.iter().copied()))
                        .hint(nearest),
                );
            }
            _ => {
                usable = false;
                problems.push(header.origin.problem(*column, "the column stands twice"));
            }
        }
    }
    for name in header.cells.iter().filter(|name| !columns.contains(&name.as_str())) {
        problems.push(
            header
                .origin
                .problem(name, "no such column")
                .allowed(listed(columns.iter().copied()))
                .hint(nearest_hint(name, columns.iter().copied())),
        );
    }
    usable.then_some(places)
}

fn wrong_count(record: &Record, expected: usize) -> Problem {
    record
        .origin
        .problem("", format!("the row has {} cells, the header {expected}", record.cells.len()))
        .given(record.cells.join(","))
        .hint("text that contains a comma stands in double quotes")
}
