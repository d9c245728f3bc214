//! Rows as Parquet, for tables that outgrow CSV.

use super::csv::{Hashing, Written, hexadecimal};
use crate::tables::{Cell, CellType};
use arrow_array::builder::{ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use sha2::Digest;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

/// Rows that are encoded together.
const BATCH: usize = 8192;
/// Rows of a row group.
const ROW_GROUP: usize = 16 * BATCH;

/// The Parquet file of a table.
pub fn parquet_name(table: &str) -> String {
    format!("{table}.parquet")
}

/// A Parquet file being written.
///
/// Its columns are those of the CSV file, under the same names. Numbers and money, in CNY, are
/// doubles, whole numbers 64 bits, flags booleans; text and months, `YYYY-MM`, are text. What is
/// absent is null.
pub struct ParquetWriter {
    table: String,
    columns: Vec<(String, Builder)>,
    schema: Arc<Schema>,
    rows: u64,
    writer: ArrowWriter<Hashing<BufWriter<File>>>,
}

impl ParquetWriter {
    /// Creates `folder`/`table`.parquet with columns of these names and types.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn create(folder: &Path, table: &str, columns: Vec<(String, CellType)>) -> io::Result<Self> {
        let file = Hashing::new(BufWriter::new(File::create(folder.join(parquet_name(table)))?));
        let field = |(name, of): &(String, CellType)| Field::new(name, data_type(*of), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(io::Error::other)?;
        let columns = columns.into_iter().map(|(name, of)| (name, Builder::new(of))).collect();
        Ok(ParquetWriter { table: table.into(), columns, schema, rows: 0, writer })
    }

    /// Writes a row of the cells of `prefix` and then of `cells`.
    ///
    /// # Errors
    /// If the file can't be written.
    ///
    /// # Panics
    /// If a number is not finite, the row is not as wide as its header, or a cell is not of its
    /// column's type: faults of the program.
    pub fn write(&mut self, prefix: &[Cell], cells: &[Cell]) -> io::Result<()> {
        let table = &self.table;
        let width = self.columns.len();
        assert_eq!(prefix.len() + cells.len(), width, "{table}: a row is not as wide as its header");
        for ((name, column), cell) in self.columns.iter_mut().zip(prefix.iter().chain(cells)) {
            assert!(column.append(cell), "{table}.{name} is {cell:?} in row {}", self.rows + 1);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(BATCH as u64) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let arrays = self.columns.iter_mut().map(|(_, column)| column.finish()).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(io::Error::other)?;
        self.writer.write(&batch).map_err(io::Error::other)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(mut self) -> io::Result<Written> {
        self.flush()?;
        let hashing = self.writer.into_inner().map_err(io::Error::other)?;
        let sha256 = hexadecimal(&hashing.sha256.finalize());
        let file = hashing.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Written { file: parquet_name(&self.table), rows: Some(self.rows), sha256 })
    }
}

fn data_type(of: CellType) -> DataType {
    match of {
        CellType::Number | CellType::Money => DataType::Float64,
        CellType::Whole => DataType::Int64,
        CellType::Flag => DataType::Boolean,
        CellType::Text | CellType::Month => DataType::Utf8,
    }
}

/// A column's cells until they are encoded.
enum Builder {
    Number(Float64Builder),
    Whole(Int64Builder),
    Flag(BooleanBuilder),
    Text(StringBuilder),
}

impl Builder {
    fn new(of: CellType) -> Builder {
        match of {
            CellType::Number | CellType::Money => Builder::Number(Float64Builder::new()),
            CellType::Whole => Builder::Whole(Int64Builder::new()),
            CellType::Flag => Builder::Flag(BooleanBuilder::new()),
            CellType::Text | CellType::Month => Builder::Text(StringBuilder::new()),
        }
    }

    /// Whether the cell is of the column's type, and finite if it is a number.
    fn append(&mut self, cell: &Cell) -> bool {
        match (self, cell) {
            (Builder::Number(column), Cell::Empty) => column.append_null(),
            (Builder::Whole(column), Cell::Empty) => column.append_null(),
            (Builder::Flag(column), Cell::Empty) => column.append_null(),
            (Builder::Text(column), Cell::Empty) => column.append_null(),
            (Builder::Number(column), Cell::Number(number)) if number.is_finite() => {
                // Zero has one sign, as in CSV.
                column.append_value(if *number == 0.0 { 0.0 } else { *number });
            }
            // The double that the amount reads back to from CSV.
            (Builder::Number(column), Cell::Money(money)) => match money.to_string().parse() {
                Ok(number) => column.append_value(number),
                Err(_) => return false,
            },
            (Builder::Whole(column), Cell::Whole(number)) => column.append_value(*number),
            (Builder::Flag(column), Cell::Flag(flag)) => column.append_value(*flag),
            (Builder::Text(column), Cell::Text(text)) => column.append_value(text),
            (Builder::Text(column), Cell::Month(month)) => column.append_value(month.to_string()),
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Number(column) => ArrayBuilder::finish(column),
            Builder::Whole(column) => ArrayBuilder::finish(column),
            Builder::Flag(column) => ArrayBuilder::finish(column),
            Builder::Text(column) => ArrayBuilder::finish(column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Money, Month};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    const TYPES: [(&str, CellType); 6] = [
        ("who", CellType::Text),
        ("share", CellType::Number),
        ("count", CellType::Whole),
        ("cny", CellType::Money),
        ("month", CellType::Month),
        ("sure", CellType::Flag),
    ];

    fn writer(folder: &Path) -> ParquetWriter {
        let columns = TYPES.map(|(name, of)| (name.to_string(), of)).to_vec();
        ParquetWriter::create(folder, "things", columns).unwrap()
    }

    #[test]
    fn a_table_reads_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = writer(folder.path());
        let rows = BATCH as i64 + 3;
        for row in 0..rows {
            let month = Cell::Month(Month::new(2022, 12));
            let cells = [Cell::Whole(row), Cell::Money(Money(-1250 * 10)), month, Cell::Flag(row % 2 == 0)];
            table.write(&[Cell::Text(format!("统计 {row}")), Cell::Number(0.1 + 0.2)], &cells).unwrap();
        }
        table.write(&[], &vec![Cell::Empty; TYPES.len()]).unwrap();
        let written = table.finish().unwrap();
        assert_eq!((written.file.as_str(), written.rows), ("things.parquet", Some(rows as u64 + 1)));
        let file = File::open(folder.path().join(&written.file)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let (mut next, mut nulls) = (0, 0);
        for batch in reader.map(Result::unwrap) {
            assert_eq!(batch.schema().field(3).name(), "cny");
            for i in 0..batch.num_rows() {
                if batch.column(0).is_null(i) {
                    nulls += 1;
                    assert!((0..TYPES.len()).all(|column| batch.column(column).is_null(i)));
                    continue;
                }
                assert_eq!(batch.column(0).as_string::<i32>().value(i), format!("统计 {next}"));
                assert_eq!(batch.column(1).as_primitive::<Float64Type>().value(i), 0.1 + 0.2);
                assert_eq!(batch.column(2).as_primitive::<Int64Type>().value(i), next);
                let cny = Cell::Money(Money(-12_500)).number().unwrap();
                assert_eq!(batch.column(3).as_primitive::<Float64Type>().value(i), cny);
                assert_eq!(batch.column(4).as_string::<i32>().value(i), "2022-12");
                assert_eq!(batch.column(5).as_boolean().value(i), next % 2 == 0);
                next += 1;
            }
        }
        assert_eq!((next, nulls), (rows, 1));
    }

    #[test]
    #[should_panic(expected = "things.count is Number(2.0) in row 1")]
    fn a_cell_of_another_type_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let row = [Cell::Empty, Cell::Empty, Cell::Number(2.0), Cell::Empty, Cell::Empty, Cell::Empty];
        let _ = writer(folder.path()).write(&[], &row);
    }
}
