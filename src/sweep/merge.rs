//! The runs of a sweep from the files that hold them: one journal, or parts from many machines.

use super::journal::{Header, JournalError, Reader};
use super::plan::{Plan, Points};
use crate::tables::Cell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The file of part `part` of `parts`, counted from 1.
pub fn shard_file(part: u64, parts: u64) -> String {
    format!("shard-{part}-of-{parts}.mandate")
}

/// The journal of a part while it is run.
pub fn shard_journal(part: u64, parts: u64) -> String {
    format!("shard-{part}-of-{parts}.partial")
}

/// Why parts don't make a whole.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder is not there.
    #[error("{}: no such folder", .0.display())]
    NoFolder(PathBuf),
    /// A folder holds no part.
    #[error("{} holds no shard-K-of-N.mandate", .0.display())]
    NoParts(PathBuf),
    /// Parts are of different sweeps, or of another version of the program.
    #[error("{} does not belong to {}: {what}", path.display(), first.display())]
    Mixed {
        /// The part that does not belong.
        path: PathBuf,
        /// The part it is compared with.
        first: PathBuf,
        /// What differs.
        what: String,
    },
    /// Runs that are nowhere.
    #[error(
        "runs are missing: {} of {runs}; `mandate sweep SWEEP --missing --shards N --out DIR` says which shards to run",
        said(gaps)
    )]
    Missing {
        /// The runs, counted from 0.
        gaps: Vec<Range<u64>>,
        /// Runs of the sweep.
        runs: u64,
    },
    /// The same run, with different outcomes.
    #[error("run {run} differs between {} and {}", one.display(), other.display())]
    Differ {
        /// The run, counted from 1.
        run: u64,
        /// A part that holds it.
        one: PathBuf,
        /// Another one.
        other: PathBuf,
    },
    /// Somebody asked to stop.
    #[error("interrupted; no table was written")]
    Interrupted,
    /// A part can't be used.
    #[error("{0}")]
    Journal(#[from] JournalError),
}

impl MergeError {
    /// Whether the input is wrong rather than the disk.
    pub fn is_input(&self) -> bool {
        match self {
            MergeError::Journal(error) => error.is_input(),
            _ => true,
        }
    }
}

fn said(gaps: &[Range<u64>]) -> String {
    const MOST: usize = 8;
    let mut said: Vec<String> =
        gaps.iter().take(MOST).map(|gap| format!("{} to {}", gap.start + 1, gap.end)).collect();
    if gaps.len() > MOST {
        said.push(format!("{} more stretches", gaps.len() - MOST));
    }
    said.join(", ")
}

/// Files that together hold all runs of a sweep.
pub struct Source {
    files: Vec<(PathBuf, Range<u64>)>,
    runs: u64,
    stop: Arc<AtomicBool>,
}

impl Source {
    /// All runs in one journal.
    pub fn journal(path: &Path, runs: u64) -> Source {
        Source { files: vec![(path.into(), 0..runs)], runs, stop: Arc::default() }
    }

    /// The same, handed over only as long as `stop` is not set.
    pub fn until(self, stop: &Arc<AtomicBool>) -> Source {
        Source { stop: stop.clone(), ..self }
    }

    /// The parts in these folders, in any order and of any division, and the sweep they are of.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn parts(folders: &[PathBuf]) -> Result<(Source, Points, String), MergeError> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for folder in folders {
            if !folder.is_dir() {
                return Err(MergeError::NoFolder(folder.clone()));
            }
            let found = parts_in(folder)?;
            if found.is_empty() {
                return Err(MergeError::NoParts(folder.clone()));
            }
            paths.extend(found);
        }
        let mut first: Option<(PathBuf, Header, Plan)> = None;
        let mut files = Vec::new();
        for path in paths {
            let reader = Reader::open(&path)?;
            let header = reader.header().clone();
            match &first {
                None => {
                    let plan = header.plan(&path)?;
                    if plan.version != env!("CARGO_PKG_VERSION") {
                        let what = format!(
                            "version {} wrote it, this is {}",
                            plan.version,
                            env!("CARGO_PKG_VERSION")
                        );
                        return Err(JournalError::Other { path, what }.into());
                    }
                    first = Some((path.clone(), header.clone(), plan));
                }
                Some((first, other, _)) if other.identity != header.identity => {
                    let what = header.difference(other);
                    return Err(MergeError::Mixed { path, first: first.clone(), what });
                }
                Some(_) => {}
            }
            reader.check()?;
            files.push((path, header.first..header.end));
        }
        let Some((_, header, plan)) = first else {
            return Err(MergeError::NoParts(folders.first().cloned().unwrap_or_default()));
        };
        let points = Points::new(plan);
        let runs = points.runs();
        files.sort_by_key(|(path, range)| (range.start, range.end, path.clone()));
        let mut covered = 0;
        let mut gaps = Vec::new();
        for (_, range) in &files {
            if range.start > covered {
                gaps.push(covered..range.start);
            }
            covered = covered.max(range.end);
        }
        if covered < runs {
            gaps.push(covered..runs);
        }
        if !gaps.is_empty() {
            return Err(MergeError::Missing { gaps, runs });
        }
        Ok((Source { files, runs, stop: Arc::default() }, points, header.identity))
    }

    /// Hands over all runs in order. What several files hold must be the same in all of them.
    ///
    /// # Errors
    /// [`MergeError`], or that of `take`.
    pub fn each<E: From<MergeError>>(
        &self,
        mut take: impl FnMut(u64, Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut waiting = self.files.iter().filter(|(_, range)| !range.is_empty()).peekable();
        let mut open: Vec<(Reader, u64)> = Vec::new();
        for run in 0..self.runs {
            if self.stop.load(Ordering::Relaxed) {
                return Err(MergeError::Interrupted.into());
            }
            while let Some((path, range)) = waiting.next_if(|(_, range)| range.start == run) {
                open.push((Reader::open(path).map_err(MergeError::from)?, range.end));
            }
            let mut found: Option<(Vec<Cell>, PathBuf)> = None;
            for (reader, _) in &mut open {
                let outcomes = reader.run().map_err(MergeError::from)?;
                match &found {
                    None => found = Some((outcomes, reader.path().into())),
                    Some((first, one)) if *first != outcomes => {
                        let (one, other) = (one.clone(), reader.path().to_path_buf());
                        return Err(MergeError::Differ { run: run + 1, one, other }.into());
                    }
                    Some(_) => {}
                }
            }
            open.retain(|(_, end)| *end > run + 1);
            let (outcomes, _) = found.expect("the files were checked to hold all runs");
            take(run, outcomes)?;
        }
        Ok(())
    }
}

fn parts_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(JournalError::io(folder))? {
        let path = entry.map_err(JournalError::io(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("shard-") && name.ends_with(".mandate") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether the part is there and whole; an error if what is there is of another sweep.
///
/// # Errors
/// [`JournalError`].
pub fn is_there(path: &Path, header: &Header) -> Result<bool, JournalError> {
    if !path.exists() {
        return Ok(false);
    }
    let reader = match Reader::open(path) {
        Err(JournalError::Damaged { .. }) => return Ok(false),
        other => other?,
    };
    if reader.header() != header {
        return Err(JournalError::Other { path: path.into(), what: reader.header().difference(header) });
    }
    match reader.check() {
        Ok(_) => Ok(true),
        Err(JournalError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Numbers as `3,7-9`.
pub fn ranges(numbers: &[u64]) -> String {
    let stretch = |numbers: &[u64]| match numbers {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    numbers.chunk_by(|a, b| a + 1 == *b).map(stretch).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_told_as_one() {
        assert_eq!(ranges(&[3, 7, 8, 9]), "3,7-9");
        assert_eq!(ranges(&[1, 2]), "1-2");
        assert_eq!(ranges(&[]), "");
    }
}
