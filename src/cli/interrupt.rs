//! What Ctrl-C does.

use super::Failure;
use crate::output::folder::take_away;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The first Ctrl-C asks the runs to stop, the second ends the process.
pub struct Interrupt {
    /// Set once somebody asks the runs to stop.
    pub stop: Arc<AtomicBool>,
    temporary: Arc<Mutex<Option<PathBuf>>>,
}

impl Interrupt {
    /// Listens from now on.
    pub fn install() -> Result<Interrupt, Failure> {
        let (stop, temporary) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (asked, folder): (_, Arc<Mutex<Option<PathBuf>>>) = (stop.clone(), temporary.clone());
        let mut presses = 0;
        ctrlc::set_handler(move || {
            presses += 1;
            if presses == 1 {
                asked.store(true, Ordering::Relaxed);
                return;
            }
            if let Some(folder) = &*folder.lock().unwrap_or_else(PoisonError::into_inner) {
                // The runs may still write into it: then the next process takes away the rest.
                take_away(folder);
            }
            std::process::exit(130);
        })
        .map_err(|error| Failure::Run(format!("can't listen for Ctrl-C: {error}")))?;
        Ok(Interrupt { stop, temporary })
    }

    /// Has `folder` taken away if the process ends at once.
    pub fn takes_away(&self, folder: &Path) {
        *self.temporary.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.to_path_buf());
    }
}
