//! Rows as CSV: what a cell looks like, in each dialect, and the writer that counts and hashes.

use crate::tables::Cell;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How a CSV file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Commas, decimal points, `\n`, UTF-8 without a mark.
    #[default]
    Standard,
    /// As [`Dialect::Standard`] with the UTF-8 mark and `\r\n` that Excel wants.
    Excel,
    /// As [`Dialect::Excel`] with semicolons and decimal commas, as continental Excel wants.
    ExcelEu,
}

impl Dialect {
    /// Its name, as the option writes it.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Standard => "standard",
            Dialect::Excel => "excel",
            Dialect::ExcelEu => "excel-eu",
        }
    }

    fn marked(self) -> bool {
        self != Dialect::Standard
    }

    fn delimiter(self) -> u8 {
        if self == Dialect::ExcelEu { b';' } else { b',' }
    }

    fn terminator(self) -> csv::Terminator {
        if self.marked() { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') }
    }

    fn decimal(self, number: String) -> String {
        if self == Dialect::ExcelEu { number.replace('.', ",") } else { number }
    }

    /// The text of a cell; empty where there is no figure.
    ///
    /// Numbers are the shortest that read back to the same bits.
    pub fn text(self, cell: &Cell) -> String {
        match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => self.decimal(shortest(*number)),
            Cell::Whole(number) => number.to_string(),
            Cell::Money(money) => self.decimal(money.to_string()),
            Cell::Month(month) => month.to_string(),
            Cell::Flag(flag) => flag.to_string(),
        }
    }
}

/// With an exponent only where there would be a dozen zeros.
fn shortest(number: f64) -> String {
    if number == 0.0 {
        "0".into()
    } else if (1e-12..1e21).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// What has been written of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Name of its file.
    pub file: String,
    /// Rows, without the header; `None` of a file that is no table.
    pub rows: Option<u64>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Written {
    /// Of a file that is no table, complete at `path`.
    pub(super) fn of_file(path: &Path, name: &str) -> io::Result<Written> {
        let mut file = File::open(path)?;
        file.sync_all()?;
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut file, &mut hashing)?;
        Ok(Written { file: name.into(), rows: None, sha256: hexadecimal(&hashing.sha256.finalize()) })
    }
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A CSV file being written.
pub struct TableWriter {
    table: String,
    names: Vec<String>,
    rows: u64,
    dialect: Dialect,
    writer: csv::Writer<Hashing<BufWriter<File>>>,
}

impl TableWriter {
    /// Creates `folder`/`table`.csv with a header of `names`.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn create(folder: &Path, table: &str, names: Vec<String>, dialect: Dialect) -> io::Result<Self> {
        let mut file = Hashing::new(BufWriter::new(File::create(folder.join(file_name(table)))?));
        if dialect.marked() {
            file.write_all("\u{feff}".as_bytes())?;
        }
        let mut writer = csv::WriterBuilder::new()
            .delimiter(dialect.delimiter())
            .terminator(dialect.terminator())
            .from_writer(file);
        writer.write_record(&names)?;
        Ok(TableWriter { table: table.into(), names, rows: 0, dialect, writer })
    }

    /// Writes a row of the cells of `prefix` and then of `cells`.
    ///
    /// # Errors
    /// If the file can't be written.
    ///
    /// # Panics
    /// If a number is not finite, or the row is not as wide as the header: faults of the program.
    pub fn write(&mut self, prefix: &[Cell], cells: &[Cell]) -> io::Result<()> {
        let table = &self.table;
        assert_eq!(
            prefix.len() + cells.len(),
            self.names.len(),
            "{table}: a row is not as wide as its header"
        );
        for (name, cell) in self.names.iter().zip(prefix.iter().chain(cells)) {
            if let Cell::Number(number) = cell {
                assert!(number.is_finite(), "{table}.{name} is {number} in row {}", self.rows + 1);
            }
            self.writer.write_field(self.dialect.text(cell))?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        self.rows += 1;
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(self) -> io::Result<Written> {
        let hashing = self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let sha256 = hexadecimal(&hashing.sha256.finalize());
        let file = hashing.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Written { file: file_name(&self.table), rows: Some(self.rows), sha256 })
    }
}

/// The file of a table.
pub fn file_name(table: &str) -> String {
    format!("{table}.csv")
}

/// Passes bytes on and hashes them.
pub(super) struct Hashing<W> {
    pub(super) inner: W,
    pub(super) sha256: Sha256,
}

impl<W> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Hashing { inner, sha256: Sha256::new() }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Money, Month};

    fn table(folder: &Path, dialect: Dialect) -> TableWriter {
        let names = ["who", "much", "share", "month"].map(String::from).to_vec();
        TableWriter::create(folder, "things", names, dialect).unwrap()
    }

    fn written(dialect: Dialect) -> (String, Written) {
        let folder = tempfile::tempdir().unwrap();
        let mut table = table(folder.path(), dialect);
        let month = Cell::Month(Month::new(2022, 12));
        table
            .write(
                &[Cell::Text("a, b; \"c\"".into())],
                &[Cell::Money(Money(-1250)), Cell::Number(0.1), month],
            )
            .unwrap();
        table.write(&[Cell::Text("统计".into())], &[Cell::Empty, Cell::Number(2.0), Cell::Empty]).unwrap();
        let written = table.finish().unwrap();
        (std::fs::read_to_string(folder.path().join("things.csv")).unwrap(), written)
    }

    #[test]
    fn a_table_reads_as_it_was_meant() {
        let (text, written) = written(Dialect::Standard);
        assert_eq!(text, "who,much,share,month\n\"a, b; \"\"c\"\"\",-12.50,0.1,2022-12\n统计,,2,\n");
        assert_eq!((written.file.as_str(), written.rows), ("things.csv", Some(2)));
        let expected: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written.sha256, expected);
    }

    #[test]
    fn spreadsheets_get_their_mark_line_ends_and_decimals() {
        let (text, _) = written(Dialect::Excel);
        assert!(text.starts_with("\u{feff}who,much,share,month\r\n"), "{text}");
        assert!(text.contains(",-12.50,0.1,2022-12\r\n"), "{text}");
        let (text, _) = written(Dialect::ExcelEu);
        assert!(text.starts_with("\u{feff}who;much;share;month\r\n"), "{text}");
        assert!(text.contains(";-12,50;0,1;2022-12\r\n"), "{text}");
    }

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        for number in [0.1 + 0.2, 1.0 / 3.0, 16.6e12, 1e-9, -0.0, 5e-324, f64::MAX, 1e21, 123_456_789.125] {
            let text = Dialect::Standard.text(&Cell::Number(number));
            assert_eq!(text.parse::<f64>().unwrap(), number, "{text}");
            assert!(text.len() < 26, "{text}");
        }
        assert_eq!(shortest(16.6e12), "16600000000000");
        assert_eq!(shortest(-0.0), "0");
        assert_eq!(shortest(1e-9), "0.000000001");
    }

    #[test]
    #[should_panic(expected = "things.share is NaN in row 1")]
    fn what_is_not_a_number_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = table(folder.path(), Dialect::Standard);
        let _ = table.write(&[], &[Cell::Empty, Cell::Empty, Cell::Number(f64::NAN), Cell::Empty]);
    }
}
