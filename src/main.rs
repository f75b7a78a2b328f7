//! `hauki`, also by the name `x-hauki-core`: a shell around [`hauki::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: this is the first that the process does.
    unsafe { hauki_contract::system::environment::forget_empty() };
    hauki::cli::main()
}
