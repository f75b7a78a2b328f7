//! procfs: files of the kernel, which do not say how long they are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Most of them fit, and are then read at once; std would begin with 32 bytes and make them anew each time.
const USUAL: usize = 8 * 1024;

pub fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::with_capacity(USUAL);
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}
