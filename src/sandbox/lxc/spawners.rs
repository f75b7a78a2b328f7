//! The spawner of the hour: made when first needed, and again when it was lost.
//!
//! One that dies young is not replaced at once: whatever ended it may end the next one too.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::link::Link;
use crate::sandbox::stopwatch::Moment;

/// A spawner that lived this long did not die of its own start.
const GROWN_US: u64 = 1_000_000;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub struct Spawners {
    command: Vec<OsString>,
    empty: PathBuf,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    link: Option<(Arc<Link>, Moment)>,
    died_young: u32,
}

impl Spawners {
    pub fn new(command: Vec<OsString>, empty: PathBuf) -> Self {
        Self { command, empty, current: Mutex::default() }
    }

    /// A link to a spawner that was alive a moment ago.
    pub async fn link(&self) -> io::Result<Arc<Link>> {
        let mut current = self.current.lock().await;
        if let Some((link, born)) = &current.link {
            if !link.is_lost() {
                return Ok(Arc::clone(link));
            }
            current.died_young = if born.elapsed_us() < GROWN_US { current.died_young + 1 } else { 0 };
            current.link = None;
        }
        if current.died_young > 0 {
            tokio::time::sleep(pause(current.died_young)).await;
        }
        let link = Link::open(&self.command, &self.empty)?;
        current.link = Some((Arc::clone(&link), Moment::now()));
        Ok(link)
    }

    pub async fn pid(&self) -> Option<u32> {
        self.current
            .lock()
            .await
            .link
            .as_ref()
            .filter(|(link, _)| !link.is_lost())
            .map(|(link, _)| link.pid())
    }

    pub async fn close(&self) {
        if let Some((link, _)) = self.current.lock().await.link.take() {
            link.close().await;
        }
    }
}

fn pause(died_young: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << (died_young - 1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_growing() {
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 4);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
