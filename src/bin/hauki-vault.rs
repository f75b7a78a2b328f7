//! Pid 1 inside a vault; see [`hauki::vault`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki::vault::run()
}
