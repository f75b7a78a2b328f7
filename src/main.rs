//! `hauki`, also by the name `x-hauki-core`: a shell around [`hauki::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki::cli::main()
}
