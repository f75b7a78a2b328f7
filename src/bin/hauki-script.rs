//! The runner of the caller's scripts; see [`hauki_runner`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki_runner::run()
}
