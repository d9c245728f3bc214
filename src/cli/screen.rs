//! Where text goes: standard output and standard error, and whether it may be coloured.

use super::{Color, Failure};
use crate::output::folder::OutputError;
use crate::output::space;
use crate::scenario::Scenario;
use crate::scenario::problem::Problems;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// Standard output and standard error as the options want them.
pub struct Screen {
    /// Whether to print nothing but errors.
    pub quiet: bool,
    /// Whether standard output may be coloured.
    pub color_output: bool,
    /// Whether standard error may be coloured.
    pub color_error: bool,
}

impl Screen {
    pub fn new(quiet: bool, color: Color) -> Screen {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let may = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        Screen {
            quiet,
            color_output: may(io::stdout().is_terminal()),
            color_error: may(io::stderr().is_terminal()),
        }
    }

    /// Prints what was asked for, even if told to be quiet.
    pub fn output(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            // Whoever closes the pipe has read enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::Run(format!("can't write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints what is good to know, unless told to be quiet.
    pub fn say(&self, text: &str) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { self.output(text) }
    }

    /// Prints an error.
    pub fn error(&self, text: &str) {
        // If nobody reads the message there is nobody to tell.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints the warnings on a scenario, unless told to be quiet.
    pub fn warnings(&self, scenario: &Scenario) {
        for warning in scenario.warnings.iter().filter(|_| !self.quiet) {
            self.error(&format!("warning: {}\n", warning.render(self.color_error)));
        }
    }

    /// Prints a note on standard error, unless told to be quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.error(&format!("note: {text}\n"));
        }
    }

    /// Notes that what `folder` is to take, so many bytes, may not fit on its disk.
    ///
    /// # Errors
    /// [`OutputError::NoRoom`] if it clearly does not.
    pub fn room(&self, folder: &Path, needed: u64) -> Result<(), OutputError> {
        if let Some(scarce) = space::room(folder, needed)? {
            self.note(&scarce);
        }
        Ok(())
    }

    /// The failure that shows these problems.
    pub fn problems(&self, problems: &Problems) -> Failure {
        Failure::Problems(problems.render(self.color_error) + "\n")
    }

    /// A bar of progress over `replicates`, seen only on a terminal.
    pub fn progress(&self, replicates: usize) -> ProgressBar {
        self.bar(replicates as u64, "{bar:30} {pos} of {len} replicates{left}")
    }

    /// A bar of progress over the months of all replicates, seen only on a terminal. Its message comes before
    /// them.
    pub fn progress_of_months(&self, months: u64) -> ProgressBar {
        self.bar(months, "{bar:30} {msg}{pos} of {len} months{left}")
    }

    fn bar(&self, len: u64, template: &str) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.expect("the template is well-formed").with_key("left", time_left));
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }
}

/// Nothing is known of the time left before the first replicate or month is done.
fn time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() > 0 {
        // A bar that can't be written is not seen either.
        let _ = write!(text, ", {} left", HumanDuration(state.eta()));
    }
}
