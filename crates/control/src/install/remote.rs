//! Remote execution: one machine through one blocking SSH session: commands with their output, and files.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use ssh2::Session;

use super::InstallError;
use crate::link::quoted;
use crate::link::step_bounds::{Overstep, StepBounds};

const MOST_OUTPUT: u64 = 256 * 1024;
/// For each answer of the server.
const SILENCE_MS: u32 = 60_000;
/// For a whole command, also one that speaks now and then; and for what the protocol adds to its output.
const COMMAND: StepBounds = StepBounds { time: Duration::from_secs(300), bytes: 4 * 1024 * 1024 };
const CHUNK: usize = 256 * 1024;
/// A line on which a file has the time that it takes, in bytes a second.
const SLOW_LINE: u64 = 16 * 1024;
/// Of a file that is copied there, the part that comes back as confirmations: less than one byte of so many.
const CONFIRMED: u64 = 16;

pub(super) struct Remote {
    session: Session,
    sudo: bool,
}

pub(super) struct CommandOutput {
    pub(super) text: String,
    pub(super) status: i32,
}

fn broken(what: &str) -> impl Fn(io::Error) -> InstallError {
    let what = what.to_owned();
    move |source| InstallError::Session { what: what.clone(), source }
}

fn within<T>(
    bounds: StepBounds,
    what: &str,
    step: impl FnOnce() -> Result<T, InstallError>,
) -> Result<T, InstallError> {
    let overstep = |source| InstallError::Overstep { what: what.to_owned(), source };
    bounds.hold(step).map_err(overstep)?
}

impl Remote {
    pub(super) fn new(session: Session) -> Self {
        session.set_timeout(SILENCE_MS);
        Self { session, sudo: false }
    }

    pub(super) fn with_sudo(self, sudo: bool) -> Self {
        Self { sudo, ..self }
    }

    /// Runs a shell script as root, with that for its standard input. `what` is for the error.
    pub(super) fn run(&self, what: &str, script: &str, input: &[u8]) -> Result<CommandOutput, InstallError> {
        within(COMMAND, what, || self.ran(what, script, input))
    }

    fn ran(&self, what: &str, script: &str, input: &[u8]) -> Result<CommandOutput, InstallError> {
        let failed = broken(what);
        let mut channel = self.session.channel_session().map_err(|error| failed(error.into()))?;
        let sudo = if self.sudo { "sudo -n " } else { "" };
        let command = format!("{sudo}sh -c {} 2>&1", quoted(script));
        channel.exec(&command).map_err(|error| failed(error.into()))?;
        channel.write_all(input).map_err(&failed)?;
        channel.send_eof().map_err(|error| failed(error.into()))?;
        let mut bytes = Vec::new();
        io::Read::by_ref(&mut channel).take(MOST_OUTPUT + 1).read_to_end(&mut bytes).map_err(&failed)?;
        if bytes.len() as u64 > MOST_OUTPUT {
            let source = Overstep::Flood { bytes: MOST_OUTPUT };
            return Err(InstallError::Overstep { what: what.to_owned(), source });
        }
        channel.wait_close().map_err(|error| failed(error.into()))?;
        let status = channel.exit_status().map_err(|error| failed(error.into()))?;
        Ok(CommandOutput { text: String::from_utf8_lossy(&bytes).into_owned(), status })
    }

    /// As [`Remote::run`]; anything but success is an error with what was said last.
    pub(super) fn must(&self, what: &str, script: &str, input: &[u8]) -> Result<String, InstallError> {
        let CommandOutput { text, status } = self.run(what, script, input)?;
        if status == 0 {
            return Ok(text);
        }
        let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        let said = line.chars().filter(|letter| !letter.is_control()).take(400).collect();
        Err(InstallError::Command { what: what.to_owned(), said })
    }

    /// Copies by SFTP and tells how far it is. What a failed copy has written is removed again.
    pub(super) fn copy(
        &self,
        from: &Path,
        to: &Path,
        tell: impl FnMut(u64, u64),
    ) -> Result<u64, InstallError> {
        let read = |source| InstallError::Own { path: from.to_owned(), source };
        let file = File::open(from).map_err(read)?;
        let of = file.metadata().map_err(read)?.len();
        let bounds = StepBounds {
            time: COMMAND.time + Duration::from_secs(of / SLOW_LINE),
            bytes: COMMAND.bytes + of / CONFIRMED,
        };
        within(bounds, "copy haukid", || self.copied(file, from, to, of, tell))
    }

    fn copied(
        &self,
        mut file: File,
        from: &Path,
        to: &Path,
        of: u64,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<u64, InstallError> {
        let read = |source| InstallError::Own { path: from.to_owned(), source };
        let sftp = self.session.sftp().map_err(|source| InstallError::Sftp { source })?;
        let mut done = 0;
        let copied = (|| {
            let failed = |source: io::Error, done| InstallError::Copy { done, of, source };
            let mut target = sftp.create(to).map_err(|error| failed(error.into(), 0))?;
            let mut bytes = vec![0; CHUNK];
            loop {
                let count = file.read(&mut bytes).map_err(read)?;
                if count == 0 {
                    break;
                }
                target.write_all(&bytes[..count]).map_err(|error| failed(error, done))?;
                done += count as u64;
                tell(done, of);
            }
            target.close().map_err(|error| failed(error.into(), done))?;
            let there = sftp.stat(to).map_err(|error| failed(error.into(), done))?.size;
            if there == Some(of) { Ok(of) } else { Err(failed(io::ErrorKind::UnexpectedEof.into(), done)) }
        })();
        if copied.is_err() {
            // It may be the very thing that failed.
            let _ = sftp.unlink(to);
        }
        copied
    }
}
