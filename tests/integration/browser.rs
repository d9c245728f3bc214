//! A browser without a window, which opens pages as readers do.

use crate::program::installed;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The browser, if there is one; where the project is checked there must be.
pub fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    installed(&names, |_| true, "chromium to render the report with")
}

/// Opens a page.
pub fn browse(chromium: &Path, profile: &Path, page: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
    ]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--disable-extensions", "--disable-default-apps", "--no-default-browser-check"]);
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(["--virtual-time-budget=3000"]).args(more);
    command.arg(format!("file://{}", page.display()));
    command.output().expect("the browser starts")
}

/// The first request in a log of the network that a page made, not the browser for itself.
pub fn asked_for(log: &Path) -> Option<String> {
    let log = fs::read_to_string(log).expect("the browser keeps a log of the network");
    let of_page =
        |line: &&str| line.contains("\"initiator\":") && !line.contains("\"initiator\":\"not an origin\"");
    log.lines().find(of_page).map(String::from)
}

/// The browser complains of nothing, and no script has said a word.
pub fn quiet(said: &str) {
    for complaint in ["CONSOLE", "Content Security Policy", "Refused to"] {
        assert!(!said.contains(complaint), "{said}");
    }
}
