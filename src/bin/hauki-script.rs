//! The runner of the caller's scripts; see [`hauki::script`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki::script::run()
}
