//! Text of input files that a spreadsheet or a browser would run: refused, or inert wherever it is written.

use crate::common::repository;
use crate::program::mandate;
use mandate::scenario::load;
use std::fs;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;

/// Known attacks. Those that begin like a formula, or hide one behind what separates cells elsewhere, are
/// refused; so are characters that control a terminal or turn the direction of writing.
const REFUSED: [&str; 24] = [
    "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://example.org\",\"x\")",
    "=1+1",
    "+1",
    "-1",
    "-2+3+cmd|' /C calc'!E1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\t1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "harmless;=cmd|' /C calc'!A0",
    "harmless,=1+1",
    "harmless;@SUM(1)",
    "harmless\t=1+1",
    "a\u{7}b",
    "a\u{1b}[31mred",
    "a\u{202e}txt.exe",
    "a\u{2066}b",
    "a\u{2028}b",
];

/// Attacks on what reads HTML, XML, Markdown, templates, or makes links; text elsewhere.
pub const INERT: [&str; 22] = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "javascript:alert(1)",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "x\" onload=\"alert(1)",
    "]]>",
    "<![CDATA[x]]>",
    "<!--x",
    "&lt;b&gt;&amp;",
    "&#x3c;script&#x3e;",
    "{{7*7}}",
    "${7*7}",
    "http://example.org/x",
    "mailto:a@example.org",
    "file:///etc/passwd",
    "internal:Sheet1!A1",
    "_x0041_",
    "'; DROP TABLE x; --",
    "аnt \u{200b}\u{301}\u{5d0}",
];

/// Where texts stand in a scenario and in the files it names.
pub const PLACES: [&str; 10] = [
    "title",
    "about",
    "note",
    "platform",
    "agency",
    "holder",
    "platform-source",
    "agency-source",
    "stake-source",
    "target-source",
];

/// A scenario with `text` at these places, and what is usual at the others.
pub fn written(text: &str, places: &[&str]) -> TempDir {
    let here = tempfile::tempdir().unwrap();
    let at = |place: &str, usual: &str| if places.contains(&place) { text.to_string() } else { usual.into() };
    let toml = |place: &str| toml::Value::String(at(place, "Usual")).to_string();
    let scenario = format!(
        "title = {}\nabout = {}\nextends = {:?}\n[rosters]\nplatforms = \"platforms.csv\"\n\
         agencies = \"agencies.csv\"\nstakes = \"stakes.csv\"\ntargets = \"targets.csv\"\n\
         [[amendment]]\nnote = {}\nfrom = \"2021-02\"\nset = {{ \"supervision.audits_per_month\" = 8 }}\n",
        toml("title"),
        toml("about"),
        repository("scenarios/open-market.toml").to_str().unwrap(),
        toml("note")
    );
    fs::write(here.path().join("x.toml"), scenario).unwrap();
    let table = |name: &str, changes: &[(&str, &str)]| {
        let mut reader = csv::Reader::from_path(repository(&format!("seeds/{name}.csv"))).unwrap();
        let header = reader.headers().unwrap().clone();
        let mut writer = csv::Writer::from_path(here.path().join(format!("{name}.csv"))).unwrap();
        writer.write_record(&header).unwrap();
        for (i, record) in reader.records().enumerate() {
            let record = record.unwrap();
            let cells = header.iter().zip(&record).map(|(column, cell)| {
                let change = changes.iter().find(|(of, place)| *of == column && places.contains(place));
                match change {
                    Some((_, "holder")) if i == 0 => format!("outside:{text}"),
                    Some((_, "holder")) | None => cell.to_string(),
                    Some(_) => text.to_string(),
                }
            });
            writer.write_record(cells).unwrap();
        }
    };
    table("platforms", &[("name", "platform"), ("source", "platform-source")]);
    table("agencies", &[("name", "agency"), ("source", "agency-source")]);
    table("stakes", &[("holder", "holder"), ("source", "stake-source")]);
    table("targets", &[("source", "target-source")]);
    here
}

fn refused(here: &Path) -> Option<String> {
    load(&here.join("x.toml"), &[], None).err().map(|problems| problems.render(false))
}

#[test]
fn what_begins_like_a_formula_is_refused_everywhere() {
    assert_eq!(refused(written("Usual", &PLACES).path()), None);
    for text in REFUSED {
        for place in PLACES {
            let here = written(text, &[place]);
            let Some(told) = refused(here.path()) else {
                // Space around the cells of a roster is left out, and with it what was wrong.
                assert_eq!(text, "\t1", "{place} is taken");
                continue;
            };
            let plain = |c: &char| !c.is_control() || *c == '\n';
            assert!(told.chars().all(|c| plain(&c)), "{text:?} as {place}: {told:?}");
            assert!(!told.contains(['\u{202e}', '\u{2066}', '\u{2028}']), "{text:?} as {place}: {told:?}");
        }
    }
}

/// The text of a cell that no spreadsheet reads as a formula.
fn harmless(cell: &str) -> bool {
    !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
        || cell.replace(',', ".").parse::<f64>().is_ok()
}

/// No cell of a table begins a formula, however a spreadsheet divides its lines.
fn inert_table(name: &str, bytes: &[u8], text: &str) {
    let table = std::str::from_utf8(bytes).unwrap().trim_start_matches('\u{feff}');
    for delimiter in [b',', b';', b'\t', b'|'] {
        let mut builder = csv::ReaderBuilder::new();
        let mut reader = builder.flexible(true).delimiter(delimiter).from_reader(table.as_bytes());
        for record in reader.records() {
            for cell in &record.unwrap() {
                assert!(harmless(cell), "{name} with {text:?}: {cell:?}");
            }
        }
    }
}

/// No formula, no link; the parts of a workbook are well-formed as far as their brackets go.
fn inert_workbook(bytes: &[u8], text: &str) {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).unwrap();
        let (name, mut xml) = (part.name().unwrap().to_string(), String::new());
        part.read_to_string(&mut xml).unwrap();
        if name.starts_with("xl/worksheets/sheet") {
            // Links lead to sheets of the workbook.
            for wrong in ["<f>", "<f ", "<hyperlink r:id"] {
                assert!(!xml.contains(wrong), "{name} with {text:?} has {wrong}");
            }
        }
        for wrong in ["TargetMode=\"External\"", "<script", "<img", "<ddeLink", "<oleLink"] {
            assert!(!xml.contains(wrong), "{name} with {text:?} has {wrong}");
        }
    }
}

/// Nothing of the text is markup, and nothing leads or asks anywhere else.
fn inert_page(page: &str, text: &str) {
    if text.contains(['<', '>', '"', '\'']) && text.len() > 3 {
        assert!(!page.contains(text), "{text:?} stands in the page as it is");
    }
    for wrong in [
        "<script>alert",
        "<img",
        "onerror=alert(1)>",
        "onload=\"alert",
        "href=\"javascript",
        "href=\"http",
        "src=\"http",
        "href=\"mailto",
        "href=\"file",
        "url(http",
    ] {
        assert!(!page.to_lowercase().contains(wrong), "{text:?}: the page has {wrong}");
    }
}

fn inert_folder(folder: &Path, text: &str) -> String {
    let mut page = String::new();
    for (name, bytes) in crate::program::files(folder) {
        match name.rsplit_once('.').unwrap().1 {
            "csv" => inert_table(&name, &bytes, text),
            "xlsx" => inert_workbook(&bytes, text),
            "html" => page = String::from_utf8(bytes).unwrap(),
            // It reads back to the same text.
            _ => drop(std::str::from_utf8(&bytes).unwrap().parse::<toml::Table>().unwrap()),
        }
    }
    inert_page(&page, text);
    page
}

#[test]
fn what_is_taken_is_inert_in_every_table_workbook_and_page() {
    for (i, text) in INERT.into_iter().enumerate() {
        let here = written(text, &PLACES);
        assert_eq!(refused(here.path()), None, "{text:?} is harmless as text");
        let mut command = mandate(here.path());
        command.args([
            "compare",
            "x.toml",
            "--vary",
            "fees.agency_query=6",
            "--out",
            "o",
            "--xlsx",
            "--report",
        ]);
        command.args(["--sample", "100", "--replicates", "2", "--decisions", "--set", "calendar.months=3"]);
        command.args(["--set", "calendar.burn_in_months=1"]);
        command.args(["--csv-dialect", ["standard", "excel", "excel-eu"][i % 3]]);
        command.assert().code(0);
        inert_folder(&here.path().join("o"), text);

        let sweep = format!(
            "title = {}\nabout = {0}\nbase = \"x.toml\"\ndesign = \"grid\"\nreplicates = 2\n\
             [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 6]\n",
            toml::Value::String(text.into())
        );
        fs::write(here.path().join("s.toml"), sweep).unwrap();
        let mut command = mandate(here.path());
        command.args(["sweep", "s.toml", "--out", "s", "--xlsx", "--report", "--sample", "100"]);
        command.args(["--set", "calendar.months=3", "--set", "calendar.burn_in_months=1"]).assert().code(0);
        inert_folder(&here.path().join("s"), text);
    }
}

#[test]
fn options_and_sweeps_refuse_the_same() {
    let here = written("Usual", &PLACES);
    for text in REFUSED {
        let sweep = format!(
            "title = {}\nbase = \"x.toml\"\ndesign = \"grid\"\n[[factor]]\npath = \"fees.agency_query\"\nvalues = [3]\n",
            toml::Value::String(text.into())
        );
        fs::write(here.path().join("s.toml"), sweep).unwrap();
        mandate(here.path()).args(["check", "s.toml"]).assert().code(2);
        for set in [
            format!("platforms.ant.name={}", toml::Value::String(text.into())),
            format!("rosters.platforms={}", toml::Value::String(text.into())),
            format!("{text}=1"),
        ] {
            let assert = mandate(here.path()).args(["check", "x.toml", "--set", &set]).assert().code(2);
            let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
            assert!(
                !told.contains("panicked") && !told.contains(['\u{1b}', '\u{7}', '\u{202e}']),
                "{told:?}"
            );
        }
    }
    // Names of files become names of folders and cells.
    for name in ["=x", "+x", "-x", "@x", "a;=1", "a,=1", "a\u{202e}b", "..", "a\nb", "a|b", "a'b", "<b>"] {
        let file = here.path().join(format!("{name}.toml"));
        fs::copy(here.path().join("x.toml"), &file).unwrap();
        assert!(load(&file, &[], None).is_err(), "{name:?} names a scenario");
    }
}
