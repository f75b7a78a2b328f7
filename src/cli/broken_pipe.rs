//! Broken pipe detection: whether anybody still reads our standard output: what waits for news writes too seldom to
//! find out.

use rustix::event::{PollFd, PollFlags, poll};

/// Ends when the reader of a pipe has left; never for a file or a terminal that stays.
pub(crate) async fn reader() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let stdout = std::io::stdout();
        // No event is asked for: that nobody reads any more is told all the same.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut watched, None).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        let left = watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP);
        let _ = sender.send(left);
    });
    if !receiver.await.unwrap_or(false) {
        std::future::pending::<()>().await;
    }
}
