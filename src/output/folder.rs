//! A folder of results: written aside, then renamed as a whole, and never mixed with older results.

use super::MANIFEST;
use super::csv::{Dialect, TableWriter, Written, file_name};
use super::parquet::{ParquetWriter, parquet_name};
use super::space::size;
use crate::tables::{Cell, CellType};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why results can't be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The folder holds results.
    #[error("{} holds results ({found}); give another --out, or --force to replace them", folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// The first file of results found there.
        found: String,
    },
    /// There is a file where the folder should be.
    #[error("{} is a file, not a folder for results", .0.display())]
    NotAFolder(PathBuf),
    /// There is a link that leads nowhere.
    #[error("{} is a link to something that is not there", .0.display())]
    Dangling(PathBuf),
    /// Another process writes results into the folder.
    #[error("another process is writing results into {}; give another --out, or wait until it is done", .0.display())]
    Busy(PathBuf),
    /// The disk has no room for what is to be written.
    #[error("can't write {}: results take about {}, and {} are free there", folder.display(), size(*needed), size(*free))]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// Bytes that the results take, about.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk or the system refuses.
    #[error("can't write {}: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

impl OutputError {
    /// Whether the input is wrong rather than the disk.
    pub fn is_input(&self) -> bool {
        matches!(self, OutputError::Occupied { .. })
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> OutputError + '_ {
        |source| OutputError::Io { path: path.to_path_buf(), source }
    }
}

/// A folder of results while it is written.
///
/// Files are written into a temporary folder inside it. Dropped before [`Folder::finish`], it takes
/// away the temporary folder, and itself if it was not there before.
pub struct Folder {
    temporary: Temporary,
    target: PathBuf,
    created: Created,
    dialect: Dialect,
    /// Tables, by the names of their files.
    tables: Vec<(String, Option<Writer>)>,
    /// Files that are no tables.
    files: Vec<Written>,
    written: Vec<Written>,
}

enum Writer {
    Csv(Box<TableWriter>),
    Parquet(Box<ParquetWriter>),
}

impl Writer {
    fn write(&mut self, prefix: &[Cell], cells: &[Cell]) -> io::Result<()> {
        match self {
            Writer::Csv(writer) => writer.write(prefix, cells),
            Writer::Parquet(writer) => writer.write(prefix, cells),
        }
    }

    fn finish(self) -> io::Result<Written> {
        match self {
            Writer::Csv(writer) => writer.finish(),
            Writer::Parquet(writer) => writer.finish(),
        }
    }
}

/// One of the tables of a [`Folder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(usize);

impl Folder {
    /// Opens `target`, which is made if it is not there.
    ///
    /// `results` are the names of the files that are results. Where one of them is there already,
    /// the folder is refused unless `force` is given.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn open(
        target: &Path,
        results: &[String],
        force: bool,
        dialect: Dialect,
    ) -> Result<Folder, OutputError> {
        if target.exists() && !target.is_dir() {
            return Err(OutputError::NotAFolder(target.into()));
        }
        if !target.exists() && target.is_symlink() {
            return Err(OutputError::Dangling(target.into()));
        }
        let occupied = || -> Result<(), OutputError> {
            match results.iter().find(|file| target.join(file).exists()) {
                Some(found) if !force => {
                    Err(OutputError::Occupied { folder: target.into(), found: found.clone() })
                }
                _ => Ok(()),
            }
        };
        // A folder that can't be written is not worth a word where it holds results.
        occupied()?;
        let created = Created::up_to(target).map_err(OutputError::io(target))?;
        let temporary = Temporary::claim(target)?;
        // Another process may have finished since.
        occupied()?;
        Ok(Folder {
            temporary,
            target: target.into(),
            created,
            dialect,
            tables: Vec::new(),
            files: Vec::new(),
            written: Vec::new(),
        })
    }

    /// The folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where files stand until they are complete.
    pub fn temporary(&self) -> &Path {
        self.temporary.folder.path()
    }

    /// Starts a table that is written as CSV.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn table(&mut self, table: &str, names: Vec<String>) -> Result<TableId, OutputError> {
        let writer = TableWriter::create(self.temporary(), table, names, self.dialect);
        self.start(file_name(table), writer.map(|writer| Writer::Csv(Box::new(writer))))
    }

    /// Starts a table that is written as Parquet.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn parquet_table(
        &mut self,
        table: &str,
        columns: Vec<(String, CellType)>,
    ) -> Result<TableId, OutputError> {
        let writer = ParquetWriter::create(self.temporary(), table, columns);
        self.start(parquet_name(table), writer.map(|writer| Writer::Parquet(Box::new(writer))))
    }

    fn start(&mut self, file: String, writer: io::Result<Writer>) -> Result<TableId, OutputError> {
        let writer = writer.map_err(OutputError::io(&self.target.join(&file)))?;
        self.tables.push((file, Some(writer)));
        Ok(TableId(self.tables.len() - 1))
    }

    /// Writes a row of a table.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn row(&mut self, table: TableId, prefix: &[Cell], cells: &[Cell]) -> Result<(), OutputError> {
        let (file, writer) = &mut self.tables[table.0];
        let writer = writer.as_mut().expect("rows come before the table is complete");
        writer.write(prefix, cells).map_err(OutputError::io(&self.target.join(file)))
    }

    /// Adds a file that is no table, which `write` writes at the path it is given.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn file(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let aside = self.temporary().join(name);
        let hashed = write(&aside).and_then(|()| Written::of_file(&aside, name));
        self.files.push(hashed.map_err(OutputError::io(&self.target.join(name)))?);
        Ok(())
    }

    /// Completes all tables started so far, and says what was written: tables, then other files.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn complete_tables(&mut self) -> Result<&[Written], OutputError> {
        for (file, writer) in &mut self.tables {
            if let Some(writer) = writer.take() {
                let path = self.target.join(file);
                self.written.push(writer.finish().map_err(OutputError::io(&path))?);
            }
        }
        self.written.append(&mut self.files);
        Ok(&self.written)
    }

    /// Puts everything under its final name, `manifest` last, and takes away those of the older
    /// `results` that were not written anew. Other files stay as they are.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn finish(mut self, results: &[String], manifest: &str) -> Result<Vec<Written>, OutputError> {
        self.complete_tables()?;
        let aside = self.temporary().join(MANIFEST);
        fs::write(&aside, manifest)
            .and_then(|()| File::open(&aside)?.sync_all())
            .map_err(OutputError::io(&self.target.join(MANIFEST)))?;
        remove_if_there(&self.target.join(MANIFEST))?;
        for Written { file, .. } in &self.written {
            self.rename(file)?;
        }
        for file in results.iter().filter(|file| self.written.iter().all(|written| written.file != **file)) {
            remove_if_there(&self.target.join(file))?;
        }
        self.rename(MANIFEST)?;
        self.created.keep();
        Ok(std::mem::take(&mut self.written))
    }

    fn rename(&self, file: &str) -> Result<(), OutputError> {
        let path = self.target.join(file);
        fs::rename(self.temporary().join(file), &path).map_err(OutputError::io(&path))
    }
}

/// How the names of temporary folders begin.
const PREFIX: &str = ".mandate-";

/// The file in a temporary folder that is locked as long as its process lives.
const LOCK: &str = "lock";

/// How often a process that meets another one at the start looks again.
const LOOKS: u64 = 3;

/// The temporary folder of one process within a folder of results.
///
/// A file inside is locked, which ends with the process, however that ends. So others that write into
/// the same folder are told from what dead ones have left, which is taken away.
struct Temporary {
    /// Held until the folder is away.
    _lock: File,
    folder: tempfile::TempDir,
}

/// What a process finds beside its own temporary folder.
enum Beside {
    Nobody,
    Others,
}

impl Temporary {
    /// Makes the temporary folder in `target`, unless another process is writing there.
    fn claim(target: &Path) -> Result<Temporary, OutputError> {
        for look in 1..=LOOKS {
            let Some(temporary) = Temporary::make(target)? else { continue };
            match temporary.beside(target) {
                Beside::Nobody => return Ok(temporary),
                // Two that start at once see each other: each steps back, for a time of its own.
                Beside::Others => drop(temporary),
            }
            if look < LOOKS {
                std::thread::sleep(Duration::from_millis(5 + 7 * u64::from(std::process::id() % 16)));
            }
        }
        Err(OutputError::Busy(target.into()))
    }

    /// The folder and its lock; `None` if another process took it for a dead one's before it was locked.
    fn make(target: &Path) -> Result<Option<Temporary>, OutputError> {
        let failed = |error: io::Error| OutputError::Io { path: target.into(), source: plain(error) };
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(target).map_err(failed)?;
        let lock = match File::create(folder.path().join(LOCK)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network disks know no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Temporary { _lock: lock, folder })),
        }
    }

    /// Takes away what dead processes have left in `target`, and says whether living ones write there.
    fn beside(&self, target: &Path) -> Beside {
        let mut beside = Beside::Nobody;
        // A folder that can't be listed can be written all the same.
        for entry in fs::read_dir(target).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let mine = self.folder.path().file_name() == Some(&name);
            if mine
                || !name.to_string_lossy().starts_with(PREFIX)
                || !entry.file_type().is_ok_and(|kind| kind.is_dir())
            {
                continue;
            }
            let Ok(lock) = File::options().write(true).open(path.join(LOCK)) else {
                // Its process ended before there was a lock, or is about to make one, and then makes
                // another folder. One that is not empty is not ours.
                let _ = fs::remove_dir(&path);
                continue;
            };
            match lock.try_lock() {
                // What can't be taken away does no harm.
                Ok(()) => take_away(&path),
                Err(TryLockError::WouldBlock) => beside = Beside::Others,
                // Without locks nobody knows: it stays.
                Err(TryLockError::Error(_)) => {}
            }
        }
        beside
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        take_away(self.folder.path());
    }
}

/// Takes away a temporary folder, its lock last: whatever ends that, it is still known for what it is.
/// What can't be taken away stays; nobody is there to be told.
pub fn take_away(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    for file in entries.filter(|entry| entry.file_name() != LOCK) {
        let _ = fs::remove_file(file.path());
    }
    let _ = fs::remove_file(temporary.join(LOCK));
    let _ = fs::remove_dir(temporary);
}

fn remove_if_there(path: &Path) -> Result<(), OutputError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(OutputError::Io { path: path.into(), source: error })
        }
        _ => Ok(()),
    }
}

/// The error without the path that `tempfile` adds, which would name a folder nobody asked for.
fn plain(error: io::Error) -> io::Error {
    io::Error::from(error.kind())
}

/// Folders made on the way to results, taken away again if there are none.
struct Created {
    /// The deepest first.
    folders: Vec<PathBuf>,
}

impl Created {
    fn up_to(target: &Path) -> io::Result<Created> {
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let folders = target.ancestors().take_while(missing).map(Path::to_path_buf).collect();
        let created = Created { folders };
        fs::create_dir_all(target)?;
        Ok(created)
    }

    fn keep(&mut self) {
        self.folders.clear();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        for folder in &self.folders {
            // A folder that others have put something into stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Vec<String> {
        ["months.csv", "trades.csv", MANIFEST].map(String::from).to_vec()
    }

    fn write(target: &Path, tables: &[&str], force: bool) -> Result<Vec<Written>, OutputError> {
        let mut folder = Folder::open(target, &results(), force, Dialect::Standard)?;
        for table in tables {
            let id = folder.table(table, vec!["a".into()])?;
            folder.row(id, &[], &[Cell::Whole(1)])?;
        }
        folder.finish(&results(), "version = \"1\"\n")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn results_replace_older_ones_whole_and_only_when_told() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("results/one");
        write(&target, &["months", "trades"], false).unwrap();
        fs::write(target.join("notes.txt"), "mine").unwrap();
        assert_eq!(names(&target), ["manifest.toml", "months.csv", "notes.txt", "trades.csv"]);

        let refused = write(&target, &["months"], false).unwrap_err();
        assert!(refused.is_input() && refused.to_string().contains("--force"), "{refused}");

        write(&target, &["months"], true).unwrap();
        assert_eq!(
            names(&target),
            ["manifest.toml", "months.csv", "notes.txt"],
            "no stale table, no foreign loss"
        );
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("results/one");
        let mut folder = Folder::open(&target, &results(), false, Dialect::Standard).unwrap();
        folder.table("months", vec!["a".into()]).unwrap();
        assert!(target.exists());
        drop(folder);
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn what_dead_processes_left_goes_and_what_living_ones_write_stays() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("one");
        for (left, file) in
            [(".mandate-dead", Some(LOCK)), (".mandate-new", None), (".mandate-mine", Some("x"))]
        {
            fs::create_dir_all(target.join(left)).unwrap();
            if let Some(file) = file {
                fs::write(target.join(left).join(file), "").unwrap();
            }
        }
        let living = Folder::open(&target, &results(), false, Dialect::Standard).unwrap();
        let temporary = living.temporary().file_name().unwrap().to_str().unwrap().to_string();
        let mut left = vec![".mandate-mine".to_string(), temporary];
        left.sort();
        assert_eq!(
            names(&target),
            left,
            "only a folder with a lock that nobody holds, or an empty one, goes"
        );
        let refused = write(&target, &["months"], true).unwrap_err();
        assert!(matches!(refused, OutputError::Busy(_)) && !refused.is_input(), "{refused}");
        assert_eq!(names(&target), left);
        drop(living);
        write(&target, &["months"], false).unwrap();
        assert_eq!(names(&target), [".mandate-mine", "manifest.toml", "months.csv"]);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("one");
        fs::write(&target, "").unwrap();
        let error = write(&target, &["months"], true).unwrap_err();
        assert!(
            !error.is_input() && error.to_string().ends_with("one is a file, not a folder for results"),
            "{error}"
        );
        let error = write(&target.join("deeper"), &["months"], true).unwrap_err();
        assert!(
            matches!(error, OutputError::Io { .. }) && !error.to_string().contains(".mandate-"),
            "{error}"
        );
    }
}
