//! Remote execution: one machine through one blocking SSH session: commands with their output, and files.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ssh2::Session;

use super::InstallError;
use crate::link::quoted;

const MOST_OUTPUT: u64 = 256 * 1024;
const COMMAND_MS: u32 = 60_000;
const CHUNK: usize = 256 * 1024;

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

impl Remote {
    pub(super) fn new(session: Session) -> Self {
        session.set_timeout(COMMAND_MS);
        Self { session, sudo: false }
    }

    pub(super) fn with_sudo(self, sudo: bool) -> Self {
        Self { sudo, ..self }
    }

    /// Runs a shell script as root, with that for its standard input. `what` is for the error.
    pub(super) fn run(&self, what: &str, script: &str, input: &[u8]) -> Result<CommandOutput, InstallError> {
        let failed = broken(what);
        let mut channel = self.session.channel_session().map_err(|error| failed(error.into()))?;
        let sudo = if self.sudo { "sudo -n " } else { "" };
        let command = format!("{sudo}sh -c {} 2>&1", quoted(script));
        channel.exec(&command).map_err(|error| failed(error.into()))?;
        channel.write_all(input).map_err(&failed)?;
        channel.send_eof().map_err(|error| failed(error.into()))?;
        let mut bytes = Vec::new();
        io::Read::by_ref(&mut channel).take(MOST_OUTPUT).read_to_end(&mut bytes).map_err(&failed)?;
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
        mut tell: impl FnMut(u64, u64),
    ) -> Result<u64, InstallError> {
        let read = |source| InstallError::Own { path: from.to_owned(), source };
        let mut file = File::open(from).map_err(read)?;
        let of = file.metadata().map_err(read)?.len();
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
