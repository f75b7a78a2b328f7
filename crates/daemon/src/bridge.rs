//! Socket bridge, `haukid bridge SOCKET`: standard input and output, joined to a Unix socket.
//!
//! For an SSH server that does not forward to sockets, or a user who reaches root by `sudo` only: the
//! core starts it on the node and speaks through it. It holds nothing and ends with either side.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    #[error("nobody listens on {}: {source}", path.display())]
    Connect { path: PathBuf, source: io::Error },
    #[error("carry bytes to and from {}: {source}", path.display())]
    Carry { path: PathBuf, source: io::Error },
}

#[must_use]
pub fn main(socket: &Path) -> ExitCode {
    match carry(socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The core reads this line; that nobody does is no matter any more.
            let _ = writeln!(io::stderr(), "haukid bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry(path: &Path) -> Result<(), BridgeError> {
    let connected = UnixStream::connect(path);
    let down = connected.map_err(|source| BridgeError::Connect { path: path.to_owned(), source })?;
    let failed = |source| BridgeError::Carry { path: path.to_owned(), source };
    let up = down.try_clone().map_err(failed)?;
    // Without the buffers of the standard library, which wait for the ends of lines.
    let own = |stream: &dyn AsFd| stream.as_fd().try_clone_to_owned().map(File::from).map_err(failed);
    let (mut input, mut output) = (own(&io::stdin())?, own(&io::stdout())?);
    std::thread::spawn(move || {
        let _ = copy(&mut input, &mut &up);
        // The client is gone, and with it its request.
        let _ = up.shutdown(Shutdown::Both);
    });
    copy(&mut &down, &mut output).map_err(failed)
}

/// Not `io::copy`: that one splices into a pipe, and Linux holds the pipe's lock while the socket has
/// nothing to give, so that the server's read of what came before hangs with its whole session.
fn copy(from: &mut impl Read, into: &mut impl Write) -> io::Result<()> {
    let mut bytes = vec![0; 32 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => into.write_all(&bytes[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
