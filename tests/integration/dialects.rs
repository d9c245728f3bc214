//! Tables in every dialect, read back by what analysts read them with: Python's csv module, pandas and
//! LibreOffice find the numbers that are in the standard dialect, in all cells of all tables.

use crate::program::{Table, installed, mandate, scenario};
use calamine::{Data, Reader, Xlsx, open_workbook};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name, delimiter, decimal sign, and the language in which a spreadsheet reads it.
const DIALECTS: [(&str, u8, &str, u32); 3] =
    [("standard", b',', ".", 1033), ("excel", b',', ".", 1033), ("excel-eu", b';', ",", 1031)];

type Tables = BTreeMap<String, Table>;

/// The tables of a run or of a comparison, small, in a folder a dialect.
fn write(here: &Path, command: &str) {
    for (dialect, ..) in DIALECTS {
        let mut program = mandate(here);
        program.arg(command).arg(scenario("december-deadline"));
        if command == "compare" {
            program.args([
                "--vary",
                "fees.agency_query=6.5",
                "--vary",
                "costs.compliance_increase_shape=uniform",
            ]);
        } else {
            program.args(["--decisions"]);
        }
        program.args(["--sample", "500", "--replicates", "2", "--set", "calendar.burn_in_months=2"]);
        program.args([
            "--set",
            "calendar.months=12",
            "--set",
            "calendar.start=2022-01",
            "--csv-dialect",
            dialect,
            "--out",
            dialect,
        ]);
        program.assert().code(0);
    }
}

/// What our own reader finds in the standard dialect.
fn expected(here: &Path) -> Tables {
    let mut tables = Tables::new();
    for entry in fs::read_dir(here.join("standard")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_string();
            tables.insert(name, Table::read(&path, b','));
        }
    }
    tables
}

fn cells(tables: &Tables) -> usize {
    tables.values().map(|table| table.names.len() * table.rows.len()).sum()
}

/// The cell as a number; as text where it is none.
fn value(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => json!(number),
        _ if text.is_empty() => Value::Null,
        _ => json!(text),
    }
}

/// A Python that has this module, if there is one; where the project is checked there must be.
fn python(module: &str) -> Option<PathBuf> {
    // What comes first may be one that somebody built, without what the system's has.
    let has = |python: &Path| {
        let import = Command::new(python).args(["-c", &format!("import {module}")]).output();
        import.is_ok_and(|output| output.status.success())
    };
    installed(&["python3", "python", "/usr/bin/python3"], has, &format!("Python with {module}"))
}

/// Reads the folders of these names, delimiters and decimal signs.
fn with_python(reader: &str, here: &Path, tables: &Tables, folders: &[(&str, u8, &str)]) {
    let Some(python) = python(reader) else { return };
    let file = here.join("expected.json");
    let table = |table: &Table| {
        let row = |row: &BTreeMap<String, String>| table.names.iter().map(|name| value(&row[name])).collect();
        json!([table.names, table.rows.iter().map(row).collect::<Vec<Value>>()])
    };
    let all: serde_json::Map<String, Value> =
        tables.iter().map(|(name, t)| (name.clone(), table(t))).collect();
    fs::write(&file, Value::Object(all).to_string()).unwrap();
    for (folder, delimiter, decimal) in folders {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/read_back.py");
        let mut command = Command::new(&python);
        command.arg(script).arg(reader).arg(&file).arg(here.join(folder));
        let output = command.args([&char::from(*delimiter).to_string(), *decimal]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{reader} of {folder}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), cells(tables).to_string(), "{folder}");
    }
}

/// The files of a folder as workbooks in `target`, made by LibreOffice.
fn converted(office: &Path, here: &Path, dialect: (&str, u8, &str, u32), tables: &Tables) -> PathBuf {
    let (name, delimiter, _, language) = dialect;
    let target = here.join(format!("{name}-xlsx"));
    let mut command = Command::new(office);
    command.arg(format!("-env:UserInstallation=file://{}", here.join("profile").display()));
    // Delimiter, quote, UTF-8, first line, no formats of columns, language, quoted is not text, all numbers.
    let filter = format!("Text - txt - csv (StarCalc):{delimiter},34,76,1,,{language},false,true");
    command.args(["--headless", "--convert-to", "xlsx", &format!("--infilter={filter}"), "--outdir"]);
    command.arg(&target);
    command.args(tables.keys().map(|table| here.join(name).join(format!("{table}.csv"))));
    let output = command.output().expect("LibreOffice starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target
}

/// Whether a spreadsheet's cell is what was written; numbers to the 15 digits that it keeps.
fn agrees(found: &Data, text: &str) -> bool {
    match (value(text), found) {
        (Value::Null, found) => *found == Data::Empty,
        (Value::Number(number), Data::Float(found)) => {
            let number = number.as_f64().unwrap();
            (found - number).abs() <= 1e-14 * number.abs()
        }
        (Value::String(text), Data::String(found)) => text == *found,
        (Value::String(text), Data::Bool(found)) => text == found.to_string(),
        _ => false,
    }
}

fn with_libreoffice(here: &Path, tables: &Tables) {
    let Some(office) = installed(&["soffice", "libreoffice"], |_| true, "LibreOffice") else { return };
    for dialect in DIALECTS {
        let target = converted(&office, here, dialect, tables);
        let mut agreed = 0;
        for (name, table) in tables {
            let mut book: Xlsx<_> = open_workbook(target.join(format!("{name}.xlsx"))).unwrap();
            let sheet = book.worksheet_range_at(0).unwrap().unwrap();
            let header: Vec<String> = sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
            assert_eq!(header, table.names, "{} {name}", dialect.0);
            for (i, row) in table.rows.iter().enumerate() {
                for (j, column) in table.names.iter().enumerate() {
                    let found = sheet.get((i + 1, j)).unwrap_or(&Data::Empty);
                    let text = &row[column];
                    assert!(
                        agrees(found, text),
                        "{} {name}.{column}, row {}: {found:?}, not {text:?}",
                        dialect.0,
                        i + 1
                    );
                    agreed += 1;
                }
            }
        }
        assert_eq!(agreed, cells(tables));
    }
}

fn read_back(command: &str, least: usize) {
    let here = tempfile::tempdir().unwrap();
    write(here.path(), command);
    let tables = expected(here.path());
    assert_eq!(tables.len(), least, "{:?}", tables.keys());
    assert!(cells(&tables) > 50_000, "{} cells", cells(&tables));
    let dialects = DIALECTS.map(|(name, delimiter, decimal, _)| (name, delimiter, decimal));
    with_python("csv", here.path(), &tables, &dialects);
    with_python("pandas", here.path(), &tables, &dialects);
    with_libreoffice(here.path(), &tables);
}

#[test]
fn every_reader_finds_the_same_numbers_of_a_run() {
    read_back("run", 11);
}

#[test]
fn every_reader_finds_the_same_numbers_of_a_comparison() {
    read_back("compare", 14);
}

#[test]
fn parquet_holds_what_csv_holds() {
    let here = tempfile::tempdir().unwrap();
    let [base, other] = ["december-deadline", "fee-cap"].map(|name| format!("{:?}", scenario(name)));
    let sweep = format!(
        "base = {base}\nscenarios = [{other}]\ndesign = \"latin-hypercube\"\npoints = 3\nreplicates = 2\n\
         [[factor]]\npath = \"fees.agency_query\"\nrelative = true\nlow = 0.5\nhigh = 2\n\
         [[factor]]\npath = \"credit.tries\"\nlow = 1\nhigh = 3\n\
         [[factor]]\npath = \"rules.consent\"\nvalues = [\"none\", \"opt-in\"]\n\
         [[factor]]\npath = \"rules.deadline\"\nlow = \"2022-06\"\nhigh = \"2023-06\"\n"
    );
    fs::write(here.path().join("s.toml"), sweep).unwrap();
    for (out, format) in [("standard", "csv"), ("parquet", "parquet")] {
        let mut program = mandate(here.path());
        program.args(["sweep", "s.toml", "--out", out, "--table-format", format, "--sample", "300"]);
        program.args(["--set", "calendar.burn_in_months=2", "--set", "calendar.months=26"]);
        program.assert().code(0);
    }
    let names: Vec<String> = crate::program::files(&here.path().join("parquet")).into_keys().collect();
    let expected_names = [
        "columns.csv",
        "effects.parquet",
        "manifest.toml",
        "rankings.parquet",
        "sweep.parquet",
        "sweep_summary.parquet",
    ];
    assert_eq!(names, expected_names);
    let tables = expected(here.path());
    assert!(cells(&tables) > 5_000, "{} cells", cells(&tables));
    with_python("duckdb", here.path(), &tables, &[("parquet", b',', ".")]);
}
