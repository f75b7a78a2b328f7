//! The compiler of sources; see [`hauki_compile`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hauki_compile::run()
}
