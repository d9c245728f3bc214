//! The command `merge`.

use super::interrupt::Interrupt;
use super::run::output_failure;
use super::sweep::{FormArgs, closing, tables_failure};
use super::{Failure, Screen};
use crate::output::folder::Folder;
use crate::sweep::merge::{MergeError, Source};
use crate::sweep::space::{RUN_LINE, of_tables};
use crate::sweep::tables::{sweep_files, write};
use crate::timings::{Work, timed};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct MergeArgs {
    /// Folders that hold the shards of a sweep
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    form: FormArgs,
    /// Replace the results in the folder
    #[arg(long)]
    force: bool,
}

/// Puts shards together to the tables that the sweep on one machine gives.
pub fn merge(args: &MergeArgs, screen: &Screen) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let (source, points, identity) = Source::parts(&args.folders).map_err(merge_failure)?;
    let form = args.form.form();
    let folder = Folder::open(&args.out, &sweep_files(), args.force, form.dialect).map_err(output_failure)?;
    interrupt.takes_away(folder.temporary());
    screen.room(&args.out, of_tables(&points, RUN_LINE, form.parquet)).map_err(output_failure)?;
    let finished =
        timed(Work::Tables, || write(folder, &points, &identity, form, &source.until(&interrupt.stop)))
            .map_err(tables_failure)?;
    screen.say(&closing(&points, &finished, &args.out))
}

pub(super) fn merge_failure(error: MergeError) -> Failure {
    match error {
        MergeError::Interrupted => Failure::Interrupted(error.to_string()),
        error if error.is_input() => Failure::Input(error.to_string()),
        error => Failure::Run(error.to_string()),
    }
}
