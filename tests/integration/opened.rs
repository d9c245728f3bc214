//! Results whose input tries to run something, opened by a browser and a spreadsheet: nothing runs, nothing
//! leads anywhere.

use crate::browser::{asked_for, browse, chromium, quiet};
use crate::injection::{INERT, PLACES, written};
use crate::program::{files, installed, mandate};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Attacks that a browser would tell of.
const LOUD: [&str; 3] = [
    "<script>console.log('struck')</script>",
    "\"><svg onload=console.log('struck')>",
    "<img src=http://example.invalid/struck onerror=console.log('struck')>",
];

/// Characters of a text.
const LENGTH: usize = 150;

/// The whole corpus as a few texts, so that a few pages show it.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = vec![String::new()];
    for attack in LOUD.into_iter().chain(INERT) {
        let last = texts.last_mut().expect("there is a text");
        if last.len() + attack.len() > LENGTH {
            texts.push(attack.into());
        } else {
            last.push_str(attack);
        }
    }
    texts
}

const SMALL: [&str; 6] =
    ["--sample", "100", "--set", "calendar.months=3", "--set", "calendar.burn_in_months=1"];

/// Folders of a run, a comparison and a sweep of a scenario with this text everywhere.
fn results(text: &str, dialect: &str) -> (TempDir, [PathBuf; 3]) {
    let here = written(text, &PLACES);
    let sweep = format!(
        "title = {}\nabout = {0}\nbase = \"x.toml\"\ndesign = \"grid\"\nreplicates = 2\n\
         [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 6]\n",
        toml::Value::String(text.into())
    );
    fs::write(here.path().join("s.toml"), sweep).unwrap();
    let two = ["--replicates", "2", "--decisions"];
    for (command, more) in [
        (&["run", "x.toml"][..], &two[..]),
        (&["compare", "x.toml", "--vary", "fees.agency_query=6"], &two),
        (&["sweep", "s.toml"], &[]),
    ] {
        let mut program = mandate(here.path());
        program.args(command).args(more).args(SMALL).args(["--xlsx", "--report", "--out", command[0]]);
        program.args(["--csv-dialect", dialect]).assert().code(0);
    }
    let folders = ["run", "compare", "sweep"].map(|out| here.path().join(out));
    (here, folders)
}

/// Elements that a page of ours never has, as a browser writes out what it made of the page.
const NEVER: [&str; 8] =
    ["<script", "<img", "<a ", "<iframe", "<object", "<link", "onload=\"console", "onerror=\"console"];

#[test]
fn a_browser_runs_nothing_of_what_input_says() {
    let Some(chromium) = chromium() else { return };
    for text in texts() {
        let (here, folders) = results(&text, "standard");
        for folder in folders {
            let log = here.path().join("net.json");
            let log_option = format!("--log-net-log={}", log.display());
            let page = folder.join("report.html");
            let output = browse(&chromium, &here.path().join("profile"), &page, &["--dump-dom", &log_option]);
            let (dom, said) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success() && dom.contains("<h1>"), "{said}");
            quiet(&said);
            for element in NEVER {
                assert!(!dom.contains(element), "{text:?} makes {element} in {}", page.display());
            }
            assert_eq!(asked_for(&log), None, "{text:?} asks for something in {}", page.display());
        }
    }

    // The same eyes see what a page does that lets them.
    let here = tempfile::tempdir().unwrap();
    let page = here.path().join("page.html");
    for attack in LOUD {
        fs::write(&page, format!("<title>x</title><p title=\"{attack}\">{attack}</p>")).unwrap();
        let output = browse(&chromium, &here.path().join("profile"), &page, &["--dump-dom"]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("struck"), "{attack} does nothing");
    }
}

/// How LibreOffice reads the CSV files of a dialect: as its user does who has formulas worked out.
fn filter(dialect: &str) -> String {
    let (delimiter, language) = if dialect == "excel-eu" { (b';', 1031) } else { (b',', 1033) };
    format!("--infilter=Text - txt - csv (StarCalc):{delimiter},34,76,1,,{language},false,true,,,,,true")
}

/// What LibreOffice makes of these files, as XML: their cells, with formulas and links as such.
fn opened(office: &Path, here: &Path, files: &[PathBuf], more: &[String]) -> Vec<(PathBuf, String)> {
    let target = here.join("opened");
    let mut command = Command::new(office);
    command.arg(format!("-env:UserInstallation=file://{}", here.join("profile").display()));
    command.args(["--headless", "--convert-to", "fods"]).args(more).arg("--outdir").arg(&target).args(files);
    let output = command.output().expect("LibreOffice starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |file: &PathBuf| {
        let made = target.join(file.with_extension("fods").file_name().unwrap());
        fs::read_to_string(&made).unwrap_or_else(|error| panic!("{}: {error}", made.display()))
    };
    files.iter().map(|file| (file.clone(), read(file))).collect()
}

/// The first formula that works anything out, or link that leaves the workbook, in what LibreOffice has opened.
fn active(xml: &str) -> Option<&str> {
    let element = |start: usize| xml[start..].split('>').next().unwrap_or_default();
    let mut formulas = xml.match_indices("table:formula=").map(|(start, _)| start);
    // A cell that is true or false is read as this.
    let constant = |start: usize| {
        ["TRUE", "FALSE"].iter().any(|word| element(start).contains(&format!("=\"of:={word}()\"")))
    };
    let formula = formulas.find(|start| !constant(*start));
    let mut links = xml.match_indices("<text:a ").map(|(start, _)| start);
    let link = links.find(|start| !element(*start).contains("xlink:href=\"#"));
    formula.or(link).map(element)
}

#[test]
fn a_spreadsheet_finds_no_formula_and_no_link_in_what_input_says() {
    let Some(office) = installed(&["soffice", "libreoffice"], |_| true, "LibreOffice") else { return };
    let here = tempfile::tempdir().unwrap();
    let texts = texts();
    for (i, dialect) in ["standard", "excel", "excel-eu"].into_iter().enumerate() {
        let (mut tables, mut books) = (Vec::new(), Vec::new());
        for text in texts.iter().skip(i).step_by(3) {
            let (_folder, folders) = results(text, dialect);
            for (folder, (name, bytes)) in
                folders.iter().flat_map(|out| files(out).into_iter().map(move |file| (out, file)))
            {
                let kept = here.path().join(format!(
                    "{}-{}-{name}",
                    tables.len() + books.len(),
                    folder.file_name().unwrap().to_str().unwrap()
                ));
                match name.rsplit_once('.').unwrap().1 {
                    "csv" => tables.push(kept.clone()),
                    "xlsx" => books.push(kept.clone()),
                    _ => continue,
                }
                fs::write(kept, bytes).unwrap();
            }
        }
        assert!(tables.len() > 25 && books.len() >= 3, "{} tables, {} books", tables.len(), books.len());
        let read = [
            opened(&office, here.path(), &tables, &[filter(dialect)]),
            opened(&office, here.path(), &books, &[]),
        ];
        for (file, xml) in read.iter().flatten() {
            assert!(xml.contains("<table:table-cell"), "{} is empty", file.display());
            assert_eq!(active(xml), None, "{}", file.display());
        }
    }

    // The same eyes see a formula where there is one.
    let file = here.path().join("formula.csv");
    fs::write(&file, "a,b\n=1+1,x\n").unwrap();
    let read = opened(&office, here.path(), &[file], &[filter("standard")]);
    assert!(active(&read[0].1).is_some(), "{}", read[0].1);
}
