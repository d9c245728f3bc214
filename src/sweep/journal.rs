//! Finished runs in a file, one line each, so that whatever ends the process loses none of them.
//!
//! The first line says which sweep it is, and carries the whole of it; each further line is a run
//! with a checksum. A line that was torn when the process ended is cut off. A part that is complete
//! ends with a line that says so.

use super::plan::{Plan, Points, sha256};
use crate::output::csv::hexadecimal;
use crate::tables::Cell;
use crate::units::Money;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The journal of a sweep, in its folder of results.
pub const JOURNAL: &str = "sweep.partial";

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file is of another sweep.
    #[error("{} is of another sweep: {what}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The file is damaged, or none of ours.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        what: String,
    },
    /// Another process writes it.
    #[error("another process is writing {}", .0.display())]
    Busy(PathBuf),
    /// The disk or the system refuses.
    #[error("can't use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl JournalError {
    /// Whether the input is wrong rather than the disk.
    pub fn is_input(&self) -> bool {
        matches!(self, JournalError::Other { .. } | JournalError::Damaged { .. })
    }

    /// Whether it may go well another time: a full disk, a network that is down, another process that
    /// ends. What stands in the way, or is not allowed, still is then.
    pub fn is_passing(&self) -> bool {
        use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, PermissionDenied};
        match self {
            JournalError::Other { .. } | JournalError::Damaged { .. } => false,
            JournalError::Busy(_) => true,
            JournalError::Io { source, .. } => {
                !matches!(source.kind(), AlreadyExists | IsADirectory | NotADirectory | PermissionDenied)
            }
        }
    }

    /// The error of the disk at `path`.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
        |source| JournalError::Io { path: path.to_path_buf(), source }
    }
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `sweep`.
    pub mandate: String,
    /// SHA-256 of `plan`.
    pub identity: String,
    /// Number of the first run, counted from 0.
    pub first: u64,
    /// Number after that of the last run.
    pub end: u64,
    /// The sweep, as TOML.
    pub plan: String,
}

impl Header {
    /// Of these runs of a sweep.
    pub fn new(points: &Points, runs: Range<u64>) -> Header {
        let plan = points.plan.text();
        let identity = sha256(plan.as_bytes());
        Header { mandate: "sweep".into(), identity, first: runs.start, end: runs.end, plan }
    }

    fn line(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can be written") + "\n"
    }

    fn read(path: &Path, line: &str) -> Result<Header, JournalError> {
        let damaged = || JournalError::Damaged {
            path: path.into(),
            what: "its first line is not that of a sweep".into(),
        };
        let header: Header = serde_json::from_str(line).map_err(|_| damaged())?;
        let sound = header.mandate == "sweep" && header.identity == sha256(header.plan.as_bytes());
        if sound { Ok(header) } else { Err(damaged()) }
    }

    /// The sweep.
    ///
    /// # Errors
    /// If this program can't read it: another version wrote it.
    pub fn plan(&self, path: &Path) -> Result<Plan, JournalError> {
        toml::from_str(&self.plan).map_err(|_| JournalError::Other {
            path: path.into(),
            what: "another version of the program wrote it".into(),
        })
    }

    /// What differs from `other`, in words.
    pub fn difference(&self, other: &Header) -> String {
        let read = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
        let (mine, others) = (read(&self.plan), read(&other.plan));
        let shown = |table: &toml::Table, key: &str| {
            table.get(key).map_or("none".to_string(), |value| value.to_string())
        };
        let differs = |key: &&String| mine.get(*key) != others.get(*key);
        let Some(key) = mine.keys().chain(others.keys()).find(differs) else {
            return "its runs are others".into();
        };
        match key.as_str() {
            "version" | "design" | "points" | "replicates" | "seed" | "name" | "title" | "base_name" => {
                format!("{key} is {} there, {} here", shown(&mine, key), shown(&others, key))
            }
            "factor" | "listed" => "its factors or points have other values".into(),
            "replicate_seeds" => "its replicates have other seeds".into(),
            "base" => match first_difference(&mine[key], others.get(key), "") {
                Some(path) => format!("in its scenario, {path} differs"),
                None => "its scenario differs".into(),
            },
            _ => format!("{key} differs"),
        }
    }
}

fn first_difference(mine: &toml::Value, other: Option<&toml::Value>, path: &str) -> Option<String> {
    match (mine, other) {
        (toml::Value::Table(mine), Some(toml::Value::Table(others))) => {
            let keys = mine.keys().chain(others.keys());
            let below = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            for key in keys {
                match mine.get(key) {
                    None => return Some(below(key)),
                    Some(value) => {
                        let found = first_difference(value, others.get(key), &below(key));
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
            None
        }
        (mine, other) => (Some(mine) != other).then(|| path.to_string()),
    }
}

fn checksum(identity: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(identity.as_bytes());
    hash.update(body.as_bytes());
    hexadecimal(&hash.finalize()[..8])
}

/// The line of a run: its number, its outcomes, a checksum.
pub fn run_line(identity: &str, run: u64, outcomes: &[Cell]) -> String {
    let cells: Vec<String> = outcomes.iter().map(encode).collect();
    let body = format!("{run} {}", cells.join(","));
    let sum = checksum(identity, &body);
    format!("{body} {sum}\n")
}

/// The outcomes in a line of the run `run`; `None` if it is torn or of another run.
pub fn read_run(identity: &str, run: u64, line: &str) -> Option<Vec<Cell>> {
    let (body, sum) = line.rsplit_once(' ')?;
    let (number, cells) = body.split_once(' ')?;
    if number != run.to_string() || sum != checksum(identity, body) {
        return None;
    }
    cells.split(',').map(decode).collect()
}

fn encode(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Number(number) => format!("n{number:e}"),
        Cell::Whole(number) => format!("w{number}"),
        Cell::Money(money) => format!("c{}", money.0),
        Cell::Month(month) => format!("m{month}"),
        Cell::Flag(flag) => format!("f{flag}"),
        Cell::Text(text) => panic!("no outcome is text, such as {text}"),
    }
}

fn decode(text: &str) -> Option<Cell> {
    let Some(kind) = text.get(..1) else { return Some(Cell::Empty) };
    let rest = &text[1..];
    Some(match kind {
        "n" => Cell::Number(rest.parse().ok()?),
        "w" => Cell::Whole(rest.parse().ok()?),
        "c" => Cell::Money(Money(rest.parse().ok()?)),
        "m" => Cell::Month(rest.parse().ok()?),
        "f" => Cell::Flag(rest.parse().ok()?),
        _ => return None,
    })
}

/// A journal that runs are added to.
pub struct Journal {
    path: PathBuf,
    file: File,
    header: Header,
    next: u64,
}

impl Journal {
    /// Opens the journal at `path` for the runs of `header`, behind the last sound line where there
    /// is one, and takes away what stands behind that.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, header: Header) -> Result<Journal, JournalError> {
        let mut journal = Journal::lock(path, header)?;
        let sound = journal.read_back()?;
        journal.start(sound)
    }

    /// Opens the journal at `path` for the runs of `header` and takes away what is there.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open_anew(path: &Path, header: Header) -> Result<Journal, JournalError> {
        Journal::lock(path, header)?.start(0)
    }

    /// Opens the file, unless another process is writing it.
    fn lock(path: &Path, header: Header) -> Result<Journal, JournalError> {
        let io = JournalError::io;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(path.into())),
            // Some network disks know no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(Journal { path: path.into(), file, next: header.first, header })
    }

    /// Goes on behind the bytes that are sound.
    fn start(mut self, sound: u64) -> Result<Journal, JournalError> {
        let io = JournalError::io;
        self.file.set_len(sound).map_err(io(&self.path))?;
        self.file.seek(SeekFrom::End(0)).map_err(io(&self.path))?;
        if sound == 0 {
            self.file.write_all(self.header.line().as_bytes()).map_err(io(&self.path))?;
        }
        Ok(self)
    }

    /// Reads what is there; says how many bytes of it are sound.
    fn read_back(&mut self) -> Result<u64, JournalError> {
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        let mut sound = 0;
        let mut next = self.header.first;
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(JournalError::io(&self.path))?;
            let text = line.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok());
            let Some(text) = text else { break };
            if sound == 0 {
                let header = Header::read(&self.path, text)?;
                if header != self.header {
                    let what = header.difference(&self.header);
                    return Err(JournalError::Other { path: self.path.clone(), what });
                }
            } else if next < self.header.end && read_run(&self.header.identity, next, text).is_some() {
                next += 1;
            } else {
                break;
            }
            sound += read as u64;
        }
        self.next = next;
        Ok(sound)
    }

    /// The first run that is not there yet.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the next run.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn add(&mut self, run: u64, outcomes: &[Cell]) -> Result<(), JournalError> {
        debug_assert_eq!(run, self.next);
        let line = run_line(&self.header.identity, run, outcomes);
        self.file.write_all(line.as_bytes()).map_err(JournalError::io(&self.path))?;
        self.next += 1;
        Ok(())
    }

    /// Says that it is complete, and puts it under its final name.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn complete(mut self, name: &Path) -> Result<(), JournalError> {
        let last = complete_line(&self.header);
        self.file.write_all(last.as_bytes()).map_err(JournalError::io(&self.path))?;
        self.file.sync_all().map_err(JournalError::io(&self.path))?;
        std::fs::rename(&self.path, name).map_err(JournalError::io(name))
    }
}

fn complete_line(header: &Header) -> String {
    let body = format!("complete {} {}", header.first, header.end);
    format!("{body} {}\n", checksum(&header.identity, &body))
}

/// The runs of a journal, from its first.
pub struct Reader {
    path: PathBuf,
    header: Header,
    lines: BufReader<File>,
    next: u64,
    line: String,
}

impl Reader {
    /// Opens a journal or a part.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path) -> Result<Reader, JournalError> {
        let file = File::open(path).map_err(JournalError::io(path))?;
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        lines.read_line(&mut line).map_err(|error| unreadable(path, error))?;
        let Some(first) = line.strip_suffix('\n') else {
            return Err(JournalError::Damaged { path: path.into(), what: "it is cut short".into() });
        };
        let header = Header::read(path, first)?;
        Ok(Reader { path: path.into(), next: header.first, header, lines, line })
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next run; an error where it is not there.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn run(&mut self) -> Result<Vec<Cell>, JournalError> {
        self.read_line()?;
        let found =
            self.line.strip_suffix('\n').and_then(|line| read_run(&self.header.identity, self.next, line));
        self.next += 1;
        found.ok_or_else(|| JournalError::Damaged {
            path: self.path.clone(),
            what: format!(
                "it is cut short or damaged at run {} of {}..{}",
                self.next,
                self.header.first + 1,
                self.header.end
            ),
        })
    }

    /// Reads on to the end; an error unless the part is whole and says so.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn check(mut self) -> Result<Header, JournalError> {
        while self.next < self.header.end {
            self.run()?;
        }
        self.read_line()?;
        let damaged = |path, what: &str| Err(JournalError::Damaged { path, what: what.into() });
        if self.line != complete_line(&self.header) {
            return damaged(self.path, "it is cut short: its last line is missing");
        }
        self.read_line()?;
        if self.line.is_empty() {
            Ok(self.header)
        } else {
            damaged(self.path, "it goes on behind its last line")
        }
    }

    fn read_line(&mut self) -> Result<(), JournalError> {
        self.line.clear();
        self.lines.read_line(&mut self.line).map_err(|error| unreadable(&self.path, error))?;
        Ok(())
    }
}

fn unreadable(path: &Path, error: io::Error) -> JournalError {
    if error.kind() == io::ErrorKind::InvalidData {
        JournalError::Damaged { path: path.into(), what: "it is damaged: not text".into() }
    } else {
        JournalError::Io { path: path.into(), source: error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Month;

    #[test]
    fn outcomes_read_back_to_the_bit() {
        let cells = [
            Cell::Empty,
            Cell::Number(0.1 + 0.2),
            Cell::Number(-1e-300),
            Cell::Number(0.0),
            Cell::Whole(-3),
            Cell::Money(Money(-1234)),
            Cell::Month(Month::new(2022, 12)),
            Cell::Empty,
        ];
        let line = run_line("id", 7, &cells);
        let line = line.strip_suffix('\n').unwrap();
        assert_eq!(read_run("id", 7, line).as_deref(), Some(&cells[..]));
        assert_eq!(read_run("id", 8, line), None);
        assert_eq!(read_run("other", 7, line), None);
        for end in 0..line.len() {
            assert_eq!(read_run("id", 7, &line[..end]), None, "torn at byte {end}");
        }
    }
}
