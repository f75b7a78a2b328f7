//! Channel opener: a session opens one channel at a time.
//!
//! Straight to the socket if the server allows that, else through `haukid bridge`. OpenSSH gives one
//! and the same answer for "forbidden" and for "nobody listens", so after a refusal the other way is
//! tried.

use std::os::unix::net::UnixStream;

use ssh2::{Channel, Session};

use super::pipe::EAGAIN;
use super::ssh::SshTarget;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Direct,
    Bridge,
}

pub(super) enum OpenProgress {
    Yes(UnixStream, Channel, Transport),
    NotYet(ChannelOpener),
    /// The connection is closed; the session may be whole.
    No(String),
}

pub(super) struct ChannelOpener {
    local: UnixStream,
    road: Transport,
    /// Of a bridge: the channel in which it is to be started.
    shell: Option<Channel>,
}

fn waits(error: &ssh2::Error) -> bool {
    error.code() == ssh2::ErrorCode::Session(EAGAIN)
}

/// One word for a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl ChannelOpener {
    pub(super) fn new(local: UnixStream, road: Transport) -> Self {
        Self { local, road, shell: None }
    }

    pub(super) fn go_on(mut self, session: &Session, target: &SshTarget) -> OpenProgress {
        let socket = target.socket.to_string_lossy();
        match self.road {
            Transport::Direct => match session.channel_direct_streamlocal(&socket, None) {
                Ok(channel) => OpenProgress::Yes(self.local, channel, Transport::Direct),
                Err(error) if waits(&error) => OpenProgress::NotYet(self),
                Err(error) if is_refusal(&error) => {
                    self.road = Transport::Bridge;
                    self.go_on(session, target)
                }
                Err(error) => OpenProgress::No(error.message().to_owned()),
            },
            Transport::Bridge => {
                let mut channel = match self.shell.take() {
                    Some(channel) => channel,
                    None => match session.channel_session() {
                        Ok(channel) => channel,
                        Err(error) if waits(&error) => return OpenProgress::NotYet(self),
                        Err(error) => return OpenProgress::No(error.message().to_owned()),
                    },
                };
                let command = format!("exec {} bridge {}", target.bridge, quoted(&socket));
                match channel.exec(&command) {
                    Ok(()) => OpenProgress::Yes(self.local, channel, Transport::Bridge),
                    Err(error) if waits(&error) => {
                        self.shell = Some(channel);
                        OpenProgress::NotYet(self)
                    }
                    Err(error) => OpenProgress::No(error.message().to_owned()),
                }
            }
        }
    }
}

/// `LIBSSH2_ERROR_CHANNEL_FAILURE`: the server said no, and goes on.
fn is_refusal(error: &ssh2::Error) -> bool {
    error.code() == ssh2::ErrorCode::Session(-21)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_word_for_a_shell_stays_one_word() {
        for text in ["/run/hauki/node.sock", "a b", "a'b", "$(reboot)", "`x`;\n"] {
            let script = format!("printf %s {}", quoted(text));
            let said = Command::new("sh").arg("-c").arg(script).output().expect("runs").stdout;
            assert_eq!(String::from_utf8(said).expect("is text"), text);
        }
    }
}
