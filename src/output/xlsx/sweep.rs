//! The workbook of a sweep.

use super::WorkbookError;
use super::sheet::{Book, HEADER_ROW, Heading, SHEET_ROWS, header_format, quiet_format, title_format};
use crate::output::columns::NamedColumn;
use crate::tables::{Cell, ColumnRow};
use rust_xlsxwriter::{Color, ConditionalFormat3ColorScale, XlsxError};
use std::path::Path;

/// Cells of a sheet beyond which a spreadsheet takes minutes to open, if it opens it at all.
const SHEET_CELLS: usize = 5_000_000;

/// A table for a sheet.
#[derive(Clone, Copy)]
pub struct BookTable<'a> {
    /// Columns.
    pub columns: &'a [NamedColumn],
    /// Rows, as wide as the columns; `None` of a table that is known not to fit a sheet.
    pub rows: Option<&'a [Vec<Cell>]>,
}

/// Whether a sheet can hold so many rows of so many columns.
pub fn fits(rows: usize, width: usize) -> bool {
    rows < SHEET_ROWS - HEADER_ROW as usize && rows * width <= SHEET_CELLS
}

/// The mean of an outcome over a grid of two factors.
pub struct HeatMap<'a> {
    /// Scenario, where the sweep has several.
    pub scenario: Option<String>,
    /// Outcome.
    pub outcome: &'a NamedColumn,
    /// Factor whose values are rows.
    pub down: &'a NamedColumn,
    /// Factor whose values are columns.
    pub across: &'a NamedColumn,
    /// Values of the factor whose values are rows.
    pub rows: Vec<Cell>,
    /// Values of the factor whose values are columns.
    pub columns: Vec<Cell>,
    /// Means, a list a row; `None` where the outcome does not exist.
    pub means: Vec<Vec<Option<f64>>>,
}

/// What the workbook of a sweep is made from.
pub struct SweepBook<'a> {
    /// Title.
    pub title: &'a str,
    /// Lines of the sheet `About`: label and text.
    pub about: &'a [(String, String)],
    /// Short name of the results.
    pub run_id: &'a str,
    /// The factors.
    pub factors: &'a [NamedColumn],
    /// Points, with what their replicates come to.
    pub summary: BookTable<'a>,
    /// Runs.
    pub runs: BookTable<'a>,
    /// Effects of factors on outcomes; without rows there is no sheet.
    pub effects: BookTable<'a>,
    /// How often each ranking of two scenarios holds; without rows there is no sheet.
    pub rankings: BookTable<'a>,
    /// What the tables' columns mean, of tables `sweep_summary`, `sweep`, `effects` and `rankings`.
    pub dictionary: &'a [ColumnRow],
    /// Heat maps, where the sweep is a grid of two factors.
    pub heat_maps: &'a [HeatMap<'a>],
}

/// Writes the results of a sweep as the workbook `file`.
///
/// The same results give the same bytes. The file is written in place, as by [`super::workbook`].
/// A table that is too long for a sheet is left out, and its sheet says which file has it.
///
/// # Errors
/// [`WorkbookError`].
///
/// # Panics
/// If a number is not finite, or a row is not as wide as its header: faults of the program.
pub fn sweep_workbook(book: &SweepBook<'_>, file: &Path) -> Result<(), WorkbookError> {
    make(book, file).map_err(WorkbookError::of(file))
}

fn make(sweep: &SweepBook<'_>, file: &Path) -> Result<(), XlsxError> {
    let mut book = Book::new(sweep.run_id);
    factors_sheet(&mut book, sweep.factors)?;
    if !sweep.heat_maps.is_empty() {
        heat_maps_sheet(&mut book, sweep.heat_maps)?;
    }
    if sweep.rankings.rows.is_none_or(|rows| !rows.is_empty()) {
        let heading = Heading {
            sheet: "Rankings",
            title: "Rankings: how often one scenario is above another over all points",
            frozen: 3,
        };
        table_sheet(&mut book, sweep, &heading, &sweep.rankings, "rankings")?;
    }
    let frozen = (sweep.factors.len() as u16 + 1).min(4);
    let summary = Heading { sheet: "Points", title: "Points: what the replicates of each come to", frozen };
    table_sheet(&mut book, sweep, &summary, &sweep.summary, "sweep_summary")?;
    if sweep.effects.rows.is_none_or(|rows| !rows.is_empty()) {
        let effects =
            Heading { sheet: "Effects", title: "Effects: what each factor does to each outcome", frozen: 2 };
        table_sheet(&mut book, sweep, &effects, &sweep.effects, "effects")?;
    }
    let runs = Heading { sheet: "Runs", title: "Runs: each point and replicate in one row", frozen: 2 };
    table_sheet(&mut book, sweep, &runs, &sweep.runs, "sweep")?;
    book.save(sweep.title, sweep.about, file)
}

fn table_sheet(
    book: &mut Book,
    sweep: &SweepBook<'_>,
    heading: &Heading<'_>,
    table: &BookTable<'_>,
    name: &str,
) -> Result<(), XlsxError> {
    let Some(rows) = table.rows.filter(|rows| fits(rows.len(), table.columns.len())) else {
        return too_long(book, heading.sheet, &format!("{name}.csv"));
    };
    // What the dictionary says of a column comes before what the column says of itself.
    let described: Vec<NamedColumn> = table
        .columns
        .iter()
        .map(|column| {
            let line = sweep.dictionary.iter().find(|line| line.table == name && line.column == column.name);
            line.map_or_else(
                || column.clone(),
                |line| NamedColumn {
                    name: line.column.clone(),
                    unit: line.unit.clone(),
                    meaning: line.meaning.clone(),
                },
            )
        })
        .collect();
    book.table(heading, &described, rows.iter().cloned(), |_| false)
}

/// A sheet that says where the table is that it can't hold.
pub(super) fn too_long(book: &mut Book, sheet: &'static str, file: &str) -> Result<(), XlsxError> {
    let title = format!("This table is too long for a spreadsheet: it is in {file}");
    let sheet = book.start(&Heading { sheet, title: &title, frozen: 0 })?;
    book.push(sheet);
    Ok(())
}

fn factors_sheet(book: &mut Book, factors: &[NamedColumn]) -> Result<(), XlsxError> {
    let column = |name: &str, unit: &str, meaning: &str| NamedColumn {
        name: name.into(),
        unit: unit.into(),
        meaning: meaning.into(),
    };
    let columns = [
        column("factor", "name", "Parameter that the sweep varies"),
        column("unit", "unit", "Its unit"),
        column("meaning", "text", "What it means"),
    ];
    let rows = factors.iter().map(|factor| {
        [&factor.name, &factor.unit, &factor.meaning].map(|text| Cell::Text(text.clone())).to_vec()
    });
    let heading = Heading { sheet: "Factors", title: "Factors: what the sweep varies", frozen: 1 };
    book.table(&heading, &columns, rows, |_| false)
}

/// Rows of a block above its values: title, factor across, values across.
const BLOCK_HEAD: u32 = 3;

fn heat_maps_sheet(book: &mut Book, maps: &[HeatMap<'_>]) -> Result<(), XlsxError> {
    let title = "Heat maps: means of outcomes over the grid; blue is low, orange is high";
    let mut sheet = book.start(&Heading { sheet: "Heat maps", title, frozen: 0 })?;
    sheet.set_screen_gridlines(false);
    let mut row = HEADER_ROW;
    for map in maps {
        let HeatMap { outcome, down, across, .. } = map;
        let of = map.scenario.as_ref().map_or_else(String::new, |scenario| format!(", {scenario}"));
        let heading = format!("{}, {}{of}", outcome.name, outcome.unit);
        sheet.write_string_with_format(row, 0, &heading, &title_format())?;
        sheet.write_string_with_format(row + 1, 0, &outcome.meaning, &quiet_format())?;
        sheet.write_string_with_format(
            row + 1,
            1,
            format!("{}, {}", across.name, across.unit),
            &quiet_format(),
        )?;
        sheet.write_string_with_format(
            row + 2,
            0,
            format!("{}, {}", down.name, down.unit),
            &header_format(),
        )?;
        for (index, value) in map.columns.iter().enumerate() {
            book.cell(&mut sheet, row + 2, index as u16 + 1, value, "value", true)?;
        }
        let first = row + BLOCK_HEAD;
        for (index, (value, means)) in map.rows.iter().zip(&map.means).enumerate() {
            let row = first + index as u32;
            book.cell(&mut sheet, row, 0, value, "value", true)?;
            for (index, mean) in means.iter().enumerate() {
                book.cell(&mut sheet, row, index as u16 + 1, &Cell::from(mean), &outcome.unit, false)?;
            }
        }
        let height = map.rows.len() as u32;
        if height > 0 && !map.columns.is_empty() {
            let scale = ConditionalFormat3ColorScale::new()
                .set_minimum_color(Color::RGB(0x56B4E9))
                .set_midpoint_color(Color::RGB(0xFFFFFF))
                .set_maximum_color(Color::RGB(0xE69F00));
            sheet.add_conditional_format(first, 1, first + height - 1, map.columns.len() as u16, &scale)?;
        }
        row = first + height + 2;
    }
    sheet.set_column_width(0, 34)?;
    let widest = maps.iter().map(|map| map.columns.len()).max().unwrap_or(0);
    if widest > 0 {
        sheet.set_column_range_width(1, widest as u16, 16)?;
    }
    sheet.set_freeze_panes(2, 1)?;
    book.push(sheet);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{Data, Reader, Xlsx, open_workbook};

    fn named(name: &str, unit: &str) -> NamedColumn {
        NamedColumn { name: name.into(), unit: unit.into(), meaning: format!("What {name} is") }
    }

    fn write(runs: &[Vec<Cell>], file: &Path) {
        let factors = [named("fees.agency_query", "CNY per query"), named("rules.required_share", "share")];
        let outcome = named("delivered_share_end", "share");
        let columns = [named("point", "number"), factors[0].clone(), factors[1].clone(), outcome.clone()];
        let summary = vec![vec![Cell::Whole(1), Cell::Number(6.0), Cell::Number(0.5), Cell::Number(0.25)]];
        let map = HeatMap {
            scenario: None,
            outcome: &outcome,
            down: &factors[0],
            across: &factors[1],
            rows: vec![Cell::Number(6.0), Cell::Number(24.0)],
            columns: vec![Cell::Number(0.5), Cell::Number(1.0)],
            means: vec![vec![Some(0.25), Some(0.5)], vec![None, Some(0.75)]],
        };
        let dictionary = [ColumnRow {
            table: "sweep",
            column: "point".into(),
            unit: "number".into(),
            meaning: "Point of the design".into(),
        }];
        let book = SweepBook {
            title: "=A sweep",
            about: &[("Design".into(), "=1+1".into())],
            run_id: "1a2b",
            factors: &factors,
            summary: BookTable { columns: &columns, rows: Some(&summary) },
            runs: BookTable { columns: &columns, rows: Some(runs) },
            effects: BookTable { columns: &columns, rows: Some(&[]) },
            rankings: BookTable { columns: &columns, rows: Some(&[]) },
            dictionary: &dictionary,
            heat_maps: &[map],
        };
        sweep_workbook(&book, file).unwrap();
    }

    fn rows(book: &mut Xlsx<std::io::BufReader<std::fs::File>>, sheet: &str) -> Vec<Vec<Data>> {
        book.worksheet_range(sheet).unwrap().rows().map(<[Data]>::to_vec).collect()
    }

    #[test]
    fn a_sweep_has_its_points_runs_and_heat_maps() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xlsx");
        let run = vec![Cell::Whole(1), Cell::Number(6.0), Cell::Number(0.5), Cell::Empty];
        write(&[run], &file);
        let mut book: Xlsx<_> = open_workbook(&file).unwrap();
        assert_eq!(book.sheet_names(), ["About", "Factors", "Heat maps", "Points", "Runs", "Columns"]);
        let map = rows(&mut book, "Heat maps");
        assert_eq!(map[5][1..], [Data::Float(0.5), Data::Float(1.0)]);
        assert_eq!(map[6], [Data::Float(6.0), Data::Float(0.25), Data::Float(0.5)]);
        assert_eq!(map[7], [Data::Float(24.0), Data::Empty, Data::Float(0.75)]);
        assert_eq!(rows(&mut book, "Points")[4][3], Data::Float(0.25));
        let meanings = rows(&mut book, "Columns");
        assert!(meanings.iter().any(|row| row[0] == "Runs" && row[3] == "Point of the design"));
    }

    #[test]
    fn a_table_too_long_for_a_sheet_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xlsx");
        write(&vec![Vec::new(); SHEET_ROWS], &file);
        let mut book: Xlsx<_> = open_workbook(&file).unwrap();
        let runs = rows(&mut book, "Runs");
        assert!(runs[0][0].to_string().contains("sweep.csv"), "{runs:?}");
        assert!(runs.len() < 3);
    }
}
