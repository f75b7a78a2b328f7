//! Hang-up detection: whether a program still takes what is written for it.
//!
//! The end of its input says nothing: `hauki proxy pipe t.json < requests` has its answers to come. A closed
//! pipe or Unix socket shows on our own end of it; a TCP connection that the other side has closed as TCP does
//! it looks like one whose input has ended.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

const LOOK: Duration = Duration::from_millis(250);

/// Resolves when nobody reads any more what is written there.
pub async fn left(output: impl AsFd) {
    while !is_closed(&output) {
        tokio::time::sleep(LOOK).await;
    }
}

fn is_closed(output: &impl AsFd) -> bool {
    let mut ends = [PollFd::new(output, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let looked = poll(&mut ends, Some(&at_once));
    looked.is_ok() && ends[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn who_has_left_is_told_from_who_has_said_all() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        theirs.shutdown(std::net::Shutdown::Write).expect("is open");
        assert!(!is_closed(&ours), "he waits for answers");
        drop(theirs);
        left(&ours).await;
        let (reader, writer) = std::io::pipe().expect("a pipe");
        assert!(!is_closed(&writer));
        drop(reader);
        left(&writer).await;
    }
}
