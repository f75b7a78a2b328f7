//! Failure diagnosis: why a start failed, as far as liblxc and the kernel tell, and whether the next one may go better.
//!
//! What liblxc logs is for who knows liblxc. So before its words are passed on, the usual reasons are looked
//! for by themselves: a machine that has none of them and has started vaults before can start others, and
//! what ended this one was of the moment: somebody's kill, or the want of memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

use super::idrange::IdRange;
use super::isolation_check;
use super::spawner_client::{MonitorEnd, MonitorExit, wait_status};
use super::{SPAWNER, Shared};
use crate::{StartError, signal_words};
use hauki_contract::model::id::VaultId;

/// How many characters of liblxc's log go into an error.
const MOST_WORDS: usize = 600;

/// What liblxc says of every start: a vault has no devices, and that is no reason for anything.
const USUAL: &str = "Can't open /dev/null";

/// `ended`: what the spawner saw; nothing if it is gone.
pub(super) fn of(
    shared: &Shared,
    id: &VaultId,
    ids: IdRange,
    log: &OwnedFd,
    ended: Option<MonitorExit>,
) -> StartError {
    let vault = id.clone();
    let Some(ended) = ended else {
        return StartError::HelperLost { helper: SPAWNER, source: io::ErrorKind::ConnectionReset.into() };
    };
    if let Some(wall) = isolation_check::missing(&shared.rootfs, ids) {
        return wall.of(vault);
    }
    let detail = detail(log, ended);
    match shared.proven.load(Ordering::Relaxed) {
        true => StartError::Ended { vault, detail },
        false => StartError::Refused { maker: "liblxc", vault, detail },
    }
}

fn detail(log: &OwnedFd, ended: MonitorExit) -> String {
    worded(&log_text(log).unwrap_or_default(), ended)
}

/// How it ended, and what liblxc says of it. A kill from outside has no reason that liblxc knows.
fn worded(told: &str, ended: MonitorExit) -> String {
    let end = match ended {
        MonitorExit { started: true, init: Some(status) } => match wait_status(status) {
            MonitorEnd::Signal(signal) => return format!("its init died of {}", signal_words(signal)),
            MonitorEnd::Status(code) => format!("its init exited with {code} before it was ready"),
        },
        MonitorExit { started: true, init: None } => "its init left without a status".to_owned(),
        MonitorExit { started: false, .. } => "the start failed".to_owned(),
    };
    if told.is_empty() { end } else { format!("{end}: {told}") }
}

/// What liblxc logged, the causes before their consequences, without its columns of time and place.
fn log_text(log: &OwnedFd) -> io::Result<String> {
    let mut file = std::fs::File::from(log.try_clone()?);
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(16 * 1024).read_to_end(&mut bytes)?;
    Ok(told(&String::from_utf8_lossy(&bytes)))
}

/// A line of liblxc is `lxc TIME LEVEL AREA - PLACE - WORDS`; other lines are the monitor's own.
fn told(log: &str) -> String {
    let errors = log.lines().filter(|line| !line.starts_with("lxc ") || line.contains(" ERROR "));
    let words = errors.map(|line| line.splitn(3, " - ").nth(2).unwrap_or(line));
    let words = words.filter(|words| !words.ends_with(USUAL));
    let mut told = words.collect::<Vec<_>>().join("; ");
    if let Some((cut, _)) = told.char_indices().nth(MOST_WORDS) {
        told.truncate(cut);
        told.push('…');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_errors_are_kept_with_their_reasons() {
        let log = "\
lxc a 20261121210107.243 WARN     utils - ../src/lxc/utils.c:open_devnull:1231 - Can't open /dev/null
lxc a 20261121210107.243 ERROR    conf - ../src/lxc/conf.c:f:1 - No such file or directory - Failed to open \"/x\"
lxc a 20261121210107.243 ERROR    utils - ../src/lxc/utils.c:g:2 - No such file or directory - Can't open /dev/null
liblxc does not take lxc.foo = bar
";
        assert_eq!(
            told(log),
            "No such file or directory - Failed to open \"/x\"; liblxc does not take lxc.foo = bar"
        );
        assert!(told(&"x".repeat(10_000)).len() < 1_000);
    }

    #[test]
    fn what_liblxc_has_logged_is_no_reason_for_a_kill() {
        let killed = MonitorExit { started: true, init: Some(libc::SIGKILL) };
        assert_eq!(worded("Failed to open \"/x\"", killed), "its init died of signal 9");
        let left = MonitorExit { started: true, init: Some(1 << 8) };
        assert_eq!(
            worded("Failed to exec", left),
            "its init exited with 1 before it was ready: Failed to exec"
        );
        assert_eq!(
            worded("Failed to exec", MonitorExit { started: false, init: None }),
            "the start failed: Failed to exec"
        );
        assert_eq!(worded("", MonitorExit { started: true, init: None }), "its init left without a status");
    }
}
