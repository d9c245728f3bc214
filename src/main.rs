//! The command `mandate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate::cli::main()
}
