//! Pid 1 inside a vault; see [`hauki::vault`].

use std::process::ExitCode;

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static MEMORY: GlobalDlmalloc = GlobalDlmalloc;

fn main() -> ExitCode {
    hauki::vault::run()
}
