//! Sheets of a workbook: what every sheet looks like, and how a cell is written into it.

use crate::output::columns::NamedColumn;
use crate::scenario::value::starts_formula;
use crate::summary::SummaryRow;
use crate::tables::{Cell, MonthRow, Row};
use crate::units::Month;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, FormatUnderline, Workbook,
    Worksheet, XlsxError,
};
use std::collections::HashMap;
use std::path::Path;

/// Rows that a sheet can hold, the header included.
pub const SHEET_ROWS: usize = 1_048_576;

/// Characters that a cell can hold.
const CELL_CHARACTERS: usize = 32_767;
/// Whole numbers beyond this are no longer exact in a spreadsheet.
const LARGEST_EXACT: u64 = 1 << 53;
/// Widths of columns, in characters.
const NARROWEST: f64 = 9.0;
const WIDEST: f64 = 44.0;
const WIDEST_TEXT: f64 = 64.0;
/// Width at which long values of parameters are wrapped.
const WIDEST_NOTE: f64 = 32.0;
/// Width of a first column, which holds the way back to the contents.
const NARROWEST_FIRST: f64 = 15.0;
const ABOUT_LABEL_WIDTH: f64 = 28.0;
const ABOUT_WIDTH: f64 = 110.0;
/// Height of a line, and the most that a row can have, in points.
const LINE_HEIGHT: f64 = 15.0;
const TALLEST: f64 = 405.0;
/// Characters up to which a table is printed in its whole width, and to which a wider one is cut: what fits on a
/// landscape page and can still be read.
const WHOLE_WIDTH: f64 = 450.0;
const PAGE_WIDTH: f64 = 320.0;
/// Rows of a table that are printed whole; of a longer one, which is there to be filtered, only so many as show
/// what it holds.
const PRINTED_ROWS: u32 = 500;
const SHOWN_ROWS: u32 = 45;

pub const TITLE_ROW: u32 = 0;
const BACK_ROW: u32 = 1;
pub const UNIT_ROW: u32 = 2;
/// The header of a plain table.
pub const HEADER_ROW: u32 = 3;

pub const HEADER_FILL: Color = Color::RGB(0x1F3A5F);
const MARK_FILL: Color = Color::RGB(0xFFF2CC);
const QUIET: Color = Color::RGB(0x6B6B6B);
const LINK: Color = Color::RGB(0x0072B2);

/// How one cell is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Style {
    number: &'static str,
    marked: bool,
    wrapped: bool,
    /// The text reads as a formula: the spreadsheet is told that it is text even when it is edited.
    quoted: bool,
    indented: bool,
}

/// What a sheet is, for its heading and for the contents.
#[derive(Clone, Copy)]
pub struct Heading<'a> {
    /// Name of the sheet.
    pub sheet: &'static str,
    /// What it shows, in one line.
    pub title: &'a str,
    /// Columns that stay in view.
    pub frozen: u16,
}

/// A workbook being made.
pub struct Book {
    sheets: Vec<Worksheet>,
    contents: Vec<(&'static str, String)>,
    dictionary: Vec<[String; 4]>,
    styles: HashMap<Style, Format>,
    run_id: String,
    /// The row written last, and its height in lines.
    row_lines: (u32, u32),
}

impl Book {
    pub fn new(run_id: &str) -> Book {
        Book {
            sheets: Vec::new(),
            contents: Vec::new(),
            dictionary: Vec::new(),
            styles: HashMap::new(),
            run_id: run_id.into(),
            row_lines: (0, 1),
        }
    }

    /// Starts a sheet, with its heading, its way back to the contents and its page.
    pub fn start(&mut self, heading: &Heading<'_>) -> Result<Worksheet, XlsxError> {
        let mut sheet = Worksheet::new();
        self.row_lines = (0, 1);
        sheet.set_name(heading.sheet)?;
        sheet.set_row_height(TITLE_ROW, 22)?;
        sheet.write_string_with_format(TITLE_ROW, 0, heading.title, &title_format())?;
        let back = rust_xlsxwriter::Url::new("internal:'About'!A1").set_text("Back to About");
        sheet.write_url_with_format(BACK_ROW, 0, &back, &link_format())?;
        let run = format!("Run {}", self.run_id);
        // Where no table widens the first column, the way back needs two.
        let column = if heading.frozen == 0 { 2 } else { 1 };
        sheet.write_string_with_format(BACK_ROW, column, clipped(&run), &quiet_format())?;
        self.set_page(&mut sheet, "");
        self.contents.push((heading.sheet, heading.title.into()));
        Ok(sheet)
    }

    /// Landscape on one page wide, with the sheet's name, `note` and the page in the footer.
    fn set_page(&self, sheet: &mut Worksheet, note: &str) {
        sheet.set_landscape().set_paper_size(9).set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3);
        sheet.set_print_fit_to_pages(1, 0);
        // An ampersand starts a code in a footer. A footer holds 255 characters at most.
        let run: String = self.run_id.chars().take(80).collect();
        sheet.set_footer(format!("&L&8Run {}&C&8&A{note}&R&8Page &P of &N", run.replace('&', "&&")));
    }

    /// Adds a sheet that is complete.
    pub fn push(&mut self, sheet: Worksheet) {
        self.sheets.push(sheet);
    }

    /// Moves the sheet added last to `place` among the sheets after `About`.
    pub fn move_last_to(&mut self, place: usize) {
        self.sheets[place..].rotate_right(1);
        self.contents[place..].rotate_right(1);
    }

    /// Adds lines to the dictionary.
    pub fn describe<'c>(&mut self, sheet: &str, columns: impl IntoIterator<Item = &'c NamedColumn>) {
        for column in columns {
            let NamedColumn { name, unit, meaning } = column.clone();
            self.dictionary.push([sheet.into(), name, unit, meaning]);
        }
    }

    /// Adds the sheet of a table. `marked` says of a row whether it stands out.
    pub fn table(
        &mut self,
        heading: &Heading<'_>,
        columns: &[NamedColumn],
        rows: impl IntoIterator<Item = Vec<Cell>>,
        marked: impl Fn(&[Cell]) -> bool,
    ) -> Result<(), XlsxError> {
        let mut sheet = self.start(heading)?;
        let mut row = HEADER_ROW;
        let mut widths = self.header(&mut sheet, HEADER_ROW, columns)?;
        for cells in rows {
            row += 1;
            let mark = marked(&cells);
            for (index, cell) in cells.iter().enumerate() {
                let unit = unit_of(columns, &cells, index);
                self.cell(&mut sheet, row, index as u16, cell, unit, mark)?;
                widths[index].take(cell, unit);
            }
        }
        self.finish_table(&mut sheet, heading, HEADER_ROW, row, &widths)?;
        self.describe(heading.sheet, columns);
        self.push(sheet);
        Ok(())
    }

    /// Sets what a table of which `header` and `last` are the first and the last row has: widths, filter, frozen
    /// header, pages. On paper a wide or long table is cut to what can be read, and the footer says so.
    pub fn finish_table(
        &self,
        sheet: &mut Worksheet,
        heading: &Heading<'_>,
        header: u32,
        last: u32,
        widths: &[Width],
    ) -> Result<(), XlsxError> {
        let mut characters = 0.0;
        let mut printed = 0;
        for (index, width) in widths.iter().enumerate() {
            let least = if index == 0 { NARROWEST_FIRST } else { NARROWEST };
            let width = width.characters.max(least);
            sheet.set_column_width(index as u16, width)?;
            characters += width;
            if characters <= PAGE_WIDTH {
                printed = index;
            }
        }
        if characters <= WHOLE_WIDTH {
            printed = widths.len() - 1;
        }
        let rows = if last - header <= PRINTED_ROWS { last } else { header + SHOWN_ROWS };
        let note = match (rows < last, printed + 1 < widths.len()) {
            (false, false) => "",
            (true, false) => ", its first rows",
            (false, true) => ", its first columns",
            (true, true) => ", its first rows and columns",
        };
        if !note.is_empty() {
            self.set_page(sheet, note);
            sheet.set_print_area(TITLE_ROW, 0, rows, printed as u16)?;
        }
        sheet.set_repeat_rows(UNIT_ROW, header)?;
        sheet.set_freeze_panes(header + 1, heading.frozen)?;
        if last > header {
            sheet.autofilter(header, 0, last, widths.len() as u16 - 1)?;
        }
        Ok(())
    }

    /// Writes units and, in `row`, names.
    pub fn header(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        columns: &[NamedColumn],
    ) -> Result<Vec<Width>, XlsxError> {
        for (index, column) in columns.iter().enumerate() {
            let index = index as u16;
            sheet.write_string_with_format(UNIT_ROW, index, clipped(&column.unit), &quiet_format())?;
            sheet.write_string_with_format(row, index, clipped(&column.name), &header_format())?;
        }
        Ok(columns.iter().map(Width::of).collect())
    }

    /// Writes a cell; text stays text whatever it looks like.
    ///
    /// # Panics
    /// If a number is not finite, a fault of the program.
    pub fn cell(
        &mut self,
        sheet: &mut Worksheet,
        row: u32,
        column: u16,
        cell: &Cell,
        unit: &str,
        marked: bool,
    ) -> Result<(), XlsxError> {
        let mut style = Style { number: "General", marked, wrapped: false, quoted: false, indented: false };
        match cell {
            Cell::Empty if marked => {
                sheet.write_blank(row, column, self.format(style))?;
            }
            Cell::Empty => {}
            Cell::Text(text) => {
                let wrapped_at = wrapped_at(unit);
                (style.wrapped, style.quoted) = (wrapped_at.is_some(), starts_formula(text));
                // These stand beside figures, which are on the right of their cells.
                style.indented = unit == "word" || unit == "value";
                self.make_room(sheet, row, lines(text, wrapped_at))?;
                sheet.write_string_with_format(row, column, clipped(text), self.format(style))?;
            }
            Cell::Whole(whole) if whole.unsigned_abs() > LARGEST_EXACT => {
                sheet.write_string_with_format(row, column, whole.to_string(), self.format(style))?;
            }
            Cell::Number(_) | Cell::Whole(_) | Cell::Money(_) => {
                let number = cell.number().unwrap_or_default();
                assert!(number.is_finite(), "a cell of {} is {number}", sheet.name());
                style.number = number_format(unit, number);
                sheet.write_number_with_format(row, column, number, self.format(style))?;
            }
            Cell::Month(month) => match date(*month) {
                Some(date) => {
                    style.number = "yyyy-mm";
                    sheet.write_datetime_with_format(row, column, &date, self.format(style))?;
                }
                None => {
                    sheet.write_string_with_format(row, column, month.to_string(), self.format(style))?;
                }
            },
            Cell::Flag(flag) => {
                // Some programs would show a number.
                style.number = r#""TRUE";"TRUE";"FALSE""#;
                sheet.write_boolean_with_format(row, column, *flag, self.format(style))?;
            }
        }
        Ok(())
    }

    /// Makes a row as high as its longest text: a spreadsheet does not do so by itself when it opens.
    fn make_room(&mut self, sheet: &mut Worksheet, row: u32, lines: u32) -> Result<(), XlsxError> {
        if self.row_lines.0 != row {
            self.row_lines = (row, 1);
        }
        if lines > self.row_lines.1 {
            self.row_lines = (row, lines);
            sheet.set_row_height(row, height(lines))?;
        }
        Ok(())
    }

    fn format(&mut self, style: Style) -> &Format {
        self.styles.entry(style).or_insert_with(|| {
            let mut format = Format::new().set_num_format(style.number).set_align(FormatAlign::Top);
            if style.marked {
                format = format.set_bold().set_background_color(MARK_FILL);
            }
            if style.wrapped {
                format = format.set_text_wrap();
            }
            if style.quoted {
                format = format.set_quote_prefix();
            }
            if style.indented {
                format = format.set_indent(1);
            }
            format
        })
    }

    /// Completes the workbook with the sheets `About` in front and `Columns` at the end.
    pub fn save(mut self, title: &str, about: &[(String, String)], file: &Path) -> Result<(), XlsxError> {
        self.columns_sheet()?;
        let about = self.about_sheet(title, about)?;
        let mut workbook = Workbook::new();
        // The same results are the same bytes: no clock.
        let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&created));
        workbook.push_worksheet(about);
        self.sheets.into_iter().for_each(|sheet| workbook.push_worksheet(sheet));
        // In one piece: a workbook that is streamed to a full disk says so itself, on standard error.
        Ok(std::fs::write(file, workbook.save_to_buffer()?)?)
    }

    fn columns_sheet(&mut self) -> Result<(), XlsxError> {
        let column = |name: &str, unit: &str| NamedColumn {
            name: name.into(),
            unit: unit.into(),
            meaning: String::new(),
        };
        let columns = [
            column("sheet", "name"),
            column("column", "name"),
            column("unit", "unit"),
            column("meaning", "text"),
        ];
        let heading = Heading { sheet: "Columns", title: "What each column of each sheet means", frozen: 2 };
        let rows: Vec<Vec<Cell>> =
            self.dictionary.drain(..).map(|line| line.into_iter().map(Cell::Text).collect()).collect();
        self.table(&heading, &columns, rows, |_| false)
    }

    fn about_sheet(&self, title: &str, about: &[(String, String)]) -> Result<Worksheet, XlsxError> {
        let label = Format::new().set_bold().set_align(FormatAlign::Top).set_text_wrap();
        let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        let mut sheet = Worksheet::new();
        sheet.set_name("About")?;
        sheet.set_active(true).set_screen_gridlines(false);
        sheet.set_column_width(0, ABOUT_LABEL_WIDTH)?.set_column_width(1, ABOUT_WIDTH)?;
        sheet.set_row_height(TITLE_ROW, 26)?;
        sheet.write_string_with_format(TITLE_ROW, 0, clipped(title), &title_format())?;
        let mut row = TITLE_ROW + 2;
        for (name, value) in about {
            sheet.write_string_with_format(row, 0, clipped(name), &label)?;
            sheet.write_string_with_format(row, 1, clipped(value), &text)?;
            let lines = lines(value, Some(ABOUT_WIDTH)).max(lines(name, Some(ABOUT_LABEL_WIDTH)));
            sheet.set_row_height(row, height(lines) + 3.0)?;
            row += 1;
        }
        row += 1;
        sheet.write_string_with_format(row, 0, "Sheet", &header_format())?;
        sheet.write_string_with_format(row, 1, "What it shows", &header_format())?;
        for (name, title) in &self.contents {
            row += 1;
            let link = rust_xlsxwriter::Url::new(format!("internal:'{name}'!A1")).set_text(*name);
            sheet.write_url_with_format(row, 0, &link, &link_format())?;
            sheet.write_string_with_format(row, 1, clipped(title), &text)?;
        }
        self.set_page(&mut sheet, "");
        sheet.set_freeze_panes(1, 0)?;
        Ok(sheet)
    }
}

/// How wide a column has to be.
#[derive(Clone, Copy)]
pub struct Width {
    characters: f64,
    widest: f64,
}

impl Width {
    fn of(column: &NamedColumn) -> Width {
        let widest = if column.unit == "text" { WIDEST_TEXT } else { WIDEST };
        // A name stands in small print beside the button of the filter.
        let name = column.name.chars().count() as f64 * 0.95 + 4.0;
        let unit = column.unit.chars().count() as f64 * 0.95 + 1.0;
        Width { characters: name.max(unit).clamp(NARROWEST, widest), widest }
    }

    pub fn take(&mut self, cell: &Cell, unit: &str) {
        let characters = match cell {
            Cell::Text(text) => characters(text),
            Cell::Number(_) | Cell::Whole(_) | Cell::Money(_) => {
                let number = cell.number().unwrap_or_default();
                let digits = format!("{:.0}", number.abs()).len() as f64;
                digits + (digits / 3.0).floor() + if unit.starts_with("CNY per") { 4.0 } else { 3.0 }
            }
            Cell::Month(_) | Cell::Flag(_) => 7.0,
            Cell::Empty => 0.0,
        };
        self.characters =
            self.characters.max((characters + 2.0).min(wrapped_at(unit).unwrap_or(self.widest)));
    }
}

/// The unit of a cell. Where a column holds figures of different outcomes, its row says of which.
fn unit_of<'a>(columns: &'a [NamedColumn], cells: &'a [Cell], index: usize) -> &'a str {
    let unit = &columns[index].unit;
    if !unit.starts_with("of the") {
        return unit;
    }
    let text = |name: &str| {
        let place = columns.iter().position(|column| column.name == name)?;
        match cells.get(place) {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        }
    };
    text("unit").or_else(|| metric_unit(text("metric").or_else(|| text("outcome"))?)).unwrap_or("")
}

/// The unit of a column of `months` or `summary`.
pub fn metric_unit(metric: &str) -> Option<&'static str> {
    MonthRow::COLUMNS
        .iter()
        .chain(SummaryRow::COLUMNS)
        .find(|column| column.name == metric)
        .map(|column| column.unit)
}

/// The format of a number of a unit. Small figures keep decimals, so that none is shown as 0.
pub fn number_format(unit: &str, number: f64) -> &'static str {
    let size = number.abs();
    let fraction = size.fract() != 0.0;
    if unit == "share" || unit.starts_with("share of") {
        return if fraction && size < 0.0005 {
            "0.0000 %"
        } else if fraction && size < 0.01 {
            "0.00 %"
        } else {
            "0.0 %"
        };
    }
    if unit == "per year" || unit == "per month" || unit == "probability per month" {
        return if fraction && size < 0.0005 { "0.0000 %" } else { "0.00 %" };
    }
    match unit {
        "value" => {
            if !fraction && size >= 10_000.0 {
                "#,##0"
            } else {
                "General"
            }
        }
        "percent" => {
            if fraction && size < 0.05 {
                "0.000"
            } else {
                "0.0"
            }
        }
        "number" | "replicates" | "id" => "0",
        _ if !fraction => "#,##0",
        _ if unit.starts_with("CNY per") => "#,##0.00",
        _ if size < 0.001 => "0.00E+00",
        _ if size < 10.0 => "0.000",
        _ if size < 1000.0 => "#,##0.00",
        _ => "#,##0",
    }
}

/// The width at which text of a unit is wrapped, if it is.
fn wrapped_at(unit: &str) -> Option<f64> {
    match unit {
        "text" => Some(WIDEST_TEXT),
        "note" => Some(WIDEST_NOTE),
        _ => None,
    }
}

/// Lines that a text takes. A column holds more letters than its width, which is counted in digits.
fn lines(text: &str, wrapped_at: Option<f64>) -> u32 {
    let Some(width) = wrapped_at else { return 1 };
    text.lines().map(|line| (characters(line) / (width * 1.1)).ceil().max(1.0) as u32).sum::<u32>().max(1)
}

fn height(lines: u32) -> f64 {
    (f64::from(lines) * LINE_HEIGHT).min(TALLEST)
}

/// How wide a text is; characters beyond ASCII may be of double width.
fn characters(text: &str) -> f64 {
    text.chars().map(|character| if character.is_ascii() { 1.0 } else { 1.8 }).sum()
}

/// The first day of a month; `None` before the first year that a spreadsheet knows.
pub fn date(month: Month) -> Option<ExcelDateTime> {
    let (year, month) = (month.ordinal().div_euclid(12), month.ordinal().rem_euclid(12) + 1);
    (year >= 1900).then(|| ExcelDateTime::from_ymd(year as u16, month as u8, 1).ok())?
}

/// As much of a text as a cell can hold.
pub fn clipped(text: &str) -> String {
    // A spreadsheet counts in units of UTF-16.
    if text.encode_utf16().count() <= CELL_CHARACTERS {
        return text.into();
    }
    text.chars().take(CELL_CHARACTERS / 2).chain(['…']).collect()
}

pub fn title_format() -> Format {
    Format::new().set_bold().set_font_size(14).set_font_color(HEADER_FILL)
}

pub fn header_format() -> Format {
    Format::new()
        .set_bold()
        .set_font_size(10)
        .set_font_color(Color::White)
        .set_background_color(HEADER_FILL)
        .set_border_bottom(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap()
}

pub fn quiet_format() -> Format {
    Format::new().set_italic().set_font_size(9).set_font_color(QUIET)
}

fn link_format() -> Format {
    Format::new().set_font_color(LINK).set_underline(FormatUnderline::Single).set_align(FormatAlign::Top)
}
