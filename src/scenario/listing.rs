//! Every parameter, as `mandate parameters` and MODEL.md list them.

use super::parameters::{During, Parameter, ROSTER_SECTIONS, STAKE, all_parameters};
use super::setting::sections;

/// A line of the list.
struct Line {
    path: String,
    kind: &'static str,
    unit: &'static str,
    default: String,
    allowed: String,
    amendable: &'static str,
    meaning: &'static str,
    source: &'static str,
}

const HEADER: [&str; 8] = ["path", "type", "unit", "default", "allowed", "amendable", "meaning", "source"];

impl Line {
    fn of(parameter: &Parameter) -> Line {
        let row = if ROSTER_SECTIONS.contains(&parameter.section) { ".ID" } else { "" };
        Line {
            path: format!("{}{row}.{}", parameter.section, parameter.name),
            kind: parameter.kind.type_name(),
            unit: parameter.unit,
            default: default_of(parameter),
            allowed: parameter.kind.allowed(),
            amendable: if parameter.during == During::Amendable { "yes" } else { "no" },
            meaning: parameter.meaning,
            source: parameter.source,
        }
    }

    fn stake() -> Line {
        Line {
            path: "agencies.ID.stakes.HOLDER".into(),
            kind: STAKE.type_name(),
            unit: "share",
            default: String::new(),
            allowed: format!("{}, and 1 at most over an agency's holders", STAKE.allowed()),
            amendable: "yes",
            meaning: "Stake of a platform, or of \"outside:NAME\", in an agency",
            source: "roster",
        }
    }

    fn cells(&self) -> [&str; 8] {
        [
            &self.path,
            self.kind,
            self.unit,
            &self.default,
            &self.allowed,
            self.amendable,
            self.meaning,
            self.source,
        ]
    }
}

/// The default as a file would write it; empty where the roster says.
fn default_of(parameter: &Parameter) -> String {
    if parameter.source == "roster" {
        return String::new();
    }
    (parameter.default)().map_or(String::new(), |value| value.to_string())
}

fn lines() -> Vec<Line> {
    all_parameters().map(Line::of).chain([Line::stake()]).collect()
}

/// The list for a terminal: columns in line, the long ones last.
pub fn table() -> String {
    const ORDER: [usize; 8] = [0, 1, 3, 5, 4, 2, 6, 7];
    const WIDEST: usize = 48;
    let lines = lines();
    let rows: Vec<[&str; 8]> = std::iter::once(HEADER).chain(lines.iter().map(Line::cells)).collect();
    // A few long cells run over rather than push every column to the right.
    let lengths = |column: usize| rows.iter().map(move |row| row[column].chars().count());
    let width = |column: usize| lengths(column).filter(|length| *length <= WIDEST).max().unwrap_or(0);
    let widths: Vec<usize> = ORDER.iter().map(|column| width(*column)).collect();
    let mut text = String::new();
    for row in &rows {
        let padded = ORDER.iter().zip(&widths).map(|(column, width)| format!("{:width$}", row[*column]));
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The list as CSV.
pub fn csv() -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = std::iter::once(HEADER.map(str::to_string))
        .chain(lines().iter().map(|line| line.cells().map(str::to_string)))
        .try_for_each(|cells| writer.write_record(cells));
    written.expect("a list in memory can be written");
    let bytes = writer.into_inner().expect("a list in memory can be written");
    String::from_utf8(bytes).expect("the list is text")
}

/// The list as tables of Markdown, one a section.
pub fn markdown() -> String {
    let mut text = String::new();
    for section in sections() {
        text.push_str(&format!("### `{section}`\n\n"));
        text.push_str("| parameter | unit | default | allowed | amendable | meaning | source |\n");
        text.push_str("|---|---|---|---|---|---|---|\n");
        let of_section = lines().into_iter().filter(|line| line.path.split('.').next() == Some(section));
        for line in of_section {
            let name = line.path.split_once('.').map_or("", |(_, name)| name);
            let cells = [line.unit, &line.default, &line.allowed, line.amendable, line.meaning, line.source];
            text.push_str(&format!(
                "| `{name}` | {} |\n",
                cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
            ));
        }
        text.push('\n');
    }
    text
}

pub use super::schema::json_schema;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_lists_every_parameter() {
        let csv = csv();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(reader.headers().unwrap(), &HEADER[..]);
        let paths: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_string()).collect();
        assert_eq!(paths.len(), all_parameters().count() + 1);
        for path in ["fees.agency_query", "platforms.ID.reach", "agencies.ID.stakes.HOLDER"] {
            assert!(paths.iter().any(|listed| listed == path), "{path}");
        }
        assert_eq!(table().lines().count(), paths.len() + 1);
        let rows = markdown().lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, paths.len());
    }
}
