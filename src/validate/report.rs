//! The verification cases as a table for reading, and as CSV.

use super::Case;
use std::fmt::Write;

const HEADER: [&str; 8] =
    ["case", "source", "unit", "expected", "simulated", "error", "tolerance", "verdict"];
/// The columns that are numbers, which stand to the right.
const NUMBERS: std::ops::Range<usize> = 3..7;

const NOTE: &str = "\
Shares may differ by four standard errors of what is simulated (where banks look at each other, multiplied
as a fixed point multiplies them), the standard deviation of thresholds by what it means that agents come
whole. Counts and identities have to be exact.
";

impl Case {
    fn verdict(&self) -> &'static str {
        if self.passes() { "pass" } else { "FAIL" }
    }

    fn cells(&self, number: impl Fn(f64) -> String) -> [String; 8] {
        let present = |value: Option<f64>| value.map_or(String::new(), &number);
        [
            self.case.clone(),
            self.source.into(),
            self.unit.into(),
            number(self.expected),
            present(self.simulated),
            present(self.error()),
            number(self.tolerance),
            self.verdict().into(),
        ]
    }
}

/// The cases in columns, with a line that sums up; verdicts in colour if told so.
pub fn table(cases: &[Case], color: bool) -> String {
    let rows: Vec<[String; 8]> = [HEADER.map(String::from)]
        .into_iter()
        .chain(cases.iter().map(|case| case.cells(|value| rounded(value, case.unit))))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            column if NUMBERS.contains(&column) => format!("{cell:>width$}"),
            column if column + 1 == HEADER.len() => painted(cell, color),
            _ => format!("{cell:width$}"),
        });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(NOTE);
    let failing = cases.iter().filter(|case| !case.passes()).count();
    let _ = match failing {
        0 => writeln!(text, "All {} cases pass.", cases.len()),
        failing => writeln!(text, "{failing} of {} cases fail.", cases.len()),
    };
    text
}

/// A number as its unit is read; without a sign where nothing but zeros would follow it.
fn rounded(value: f64, unit: &str) -> String {
    let decimals = match unit {
        "share" => 4,
        _ if value.fract() == 0.0 => 0,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let zero = text.starts_with('-') && !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if zero { text[1..].into() } else { text }
}

fn painted(verdict: &str, color: bool) -> String {
    match verdict {
        "pass" if color => format!("\u{1b}[32m{verdict}\u{1b}[0m"),
        "FAIL" if color => format!("\u{1b}[1;31m{verdict}\u{1b}[0m"),
        _ => verdict.into(),
    }
}

/// The cases as CSV, numbers at full precision.
pub fn csv(cases: &[Case]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = std::iter::once(HEADER.map(String::from))
        .chain(cases.iter().map(|case| case.cells(|value| value.to_string())))
        .try_for_each(|cells| writer.write_record(cells));
    written.expect("a list in memory can be written");
    let bytes = writer.into_inner().expect("a list in memory can be written");
    String::from_utf8(bytes).expect("the list is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_unit() {
        assert_eq!(rounded(0.123_456, "share"), "0.1235");
        assert_eq!(rounded(-0.000_01, "share"), "0.0000");
        assert_eq!(rounded(-0.2, "share"), "-0.2000");
        assert_eq!(rounded(100.0, "platforms"), "100");
        assert_eq!(rounded(12.55, "platforms"), "12.55");
        assert_eq!(rounded(-0.0, "CNY"), "0");
    }
}
