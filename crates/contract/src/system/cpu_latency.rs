//! CPU latency: cores that stay awake for a moment.
//!
//! To wake a sleeping core takes tens of microseconds, in a virtual machine more than that, and on its way
//! from an order to a ticket a vault's start goes from process to process some thirty times. So whoever
//! knows that work is coming asks the kernel to let no core sleep for the next moment, in the kernel's
//! own way: a request for a latency of zero microseconds at `/dev/cpu_dma_latency`. It counts for as
//! long as the file is open, so it ends with the process at the latest. An idle core then looks for work
//! instead of sleeping, which takes power; hence the moment is short, and nobody asks in advance. A
//! stream of calls asks again and again, for as long as it flows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::model::lease::Mono;
use crate::system::clock;

const DEVICE: &str = "/dev/cpu_dma_latency";

/// Longer than any one thing takes that is awaited; what has several parts says so at each.
const MOMENT_MS: u64 = 10;

/// Who comes so many times in a moment leaves a core hardly any sleep, and wakes it each time.
const OFTEN: u32 = 10;

const NO_SLEEP_US: i32 = 0;
/// The kernel's `PM_QOS_DEFAULT_VALUE`: no request.
const NO_REQUEST: i32 = -1;

struct Cores {
    device: File,
    /// The end of the moment, while there is one.
    until: Mutex<Option<Mono>>,
    begun: Condvar,
}

static CORES: OnceLock<Option<Cores>> = OnceLock::new();

/// No core should fall asleep for the next moment. Nothing happens where the kernel takes no such request.
pub fn expect() {
    if let Some(cores) = cores() {
        cores.expect();
    }
}

/// The same for whom anybody can be, who has a tenth of the time at most.
pub fn expect_anybody() {
    static LAST_US: AtomicU64 = AtomicU64::new(0);
    let (now, last) = (clock::mono(), LAST_US.load(Ordering::Relaxed));
    let is_due = now.since(Mono(last)) >= MOMENT_MS * 10_000;
    if is_due && LAST_US.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        expect();
    }
}

/// Something that comes again and again. While it comes often, no core should fall asleep between.
#[derive(Debug, Default)]
pub struct Stream {
    since: Mono,
    came: u32,
}

impl Stream {
    pub fn came(&mut self) {
        if self.is_often(clock::mono()) {
            expect();
        }
    }

    /// True for one in so many of those that come within a moment.
    fn is_often(&mut self, now: Mono) -> bool {
        if now.since(self.since) >= MOMENT_MS * 1000 || self.came == OFTEN {
            *self = Self { since: now, came: 0 };
        }
        self.came += 1;
        self.came == OFTEN
    }
}

/// Whether the kernel takes the request from this process.
pub fn check() -> io::Result<()> {
    open().map(drop)
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(DEVICE)
}

fn cores() -> Option<&'static Cores> {
    CORES.get_or_init(Cores::start).as_ref()
}

impl Cores {
    fn start() -> Option<Self> {
        let device = open().ok()?;
        let rest = || cores().map(Self::rest);
        thread::Builder::new().name("awake".into()).spawn(rest).ok()?;
        Some(Self::over(device))
    }

    fn over(device: File) -> Self {
        Self { device, until: Mutex::default(), begun: Condvar::new() }
    }

    fn until(&self) -> std::sync::MutexGuard<'_, Option<Mono>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, latency_us: i32) {
        // Without it everything is only slower.
        let _ = (&self.device).write_all(&latency_us.to_ne_bytes());
    }

    fn expect(&self) {
        let mut until = self.until();
        if until.replace(clock::mono().plus_ms(MOMENT_MS)).is_none() {
            self.request(NO_SLEEP_US);
            self.begun.notify_one();
        }
    }

    /// The work of a thread of its own: ends each moment.
    fn rest(&self) {
        let mut until = self.until();
        loop {
            let left_us = until.map(|until| until.since(clock::mono()));
            match left_us {
                None => until = self.begun.wait(until).unwrap_or_else(PoisonError::into_inner),
                Some(0) => {
                    *until = None;
                    self.request(NO_REQUEST);
                }
                Some(left_us) => {
                    drop(until);
                    thread::sleep(Duration::from_micros(left_us));
                    until = self.until();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// What the kernel has been asked for, by all processes together.
    fn requested() -> io::Result<i32> {
        let mut bytes = [0; 4];
        open()?.read_exact(&mut bytes)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    #[test]
    fn what_comes_often_is_expected_and_what_comes_seldom_is_not() {
        let (mut stream, mut now) = (Stream::default(), Mono(1_000_000));
        let mut often = |pause_us| {
            let times = (0..160).filter(|_| {
                now = Mono(now.0 + pause_us);
                stream.is_often(now)
            });
            times.count()
        };
        assert_eq!(often(2_000), 0, "five in a moment");
        assert!((15..=16).contains(&often(500)), "twenty in a moment");
        assert_eq!(often(20_000), 0);
    }

    /// With a pipe in the device's place: what the kernel would read.
    #[test]
    fn a_moment_begins_and_ends() {
        let (mut kernel, device) = io::pipe().expect("a pipe");
        let cores: &Cores = Box::leak(Box::new(Cores::over(File::from(std::os::fd::OwnedFd::from(device)))));
        thread::spawn(|| cores.rest());
        let mut asked = || {
            let mut bytes = [0; 4];
            kernel.read_exact(&mut bytes).expect("is asked");
            i32::from_ne_bytes(bytes)
        };
        for _ in 0..3 {
            let begun = clock::mono();
            cores.expect();
            cores.expect();
            assert_eq!((asked(), asked()), (NO_SLEEP_US, NO_REQUEST), "once each");
            assert!(clock::mono().since(begun) >= MOMENT_MS * 1000);
        }
    }

    #[test]
    fn the_kernel_is_asked_where_it_takes_the_request() {
        expect();
        if check().is_err() {
            assert!(cores().is_none(), "there is no such device here");
            // Past the harness, which keeps the words of a test that passes.
            io::stderr()
                .write_all(b"NOT RUN: this kernel takes no request for a latency\n")
                .expect("is open");
            return;
        }
        let begun = (0..1_000).any(|_| {
            expect();
            requested().expect("is readable") == NO_SLEEP_US
        });
        assert!(begun, "the cores were never kept awake");
        // Other tests of this process may expect something meanwhile, but not for ever.
        let ended = (0..5_000).any(|_| {
            thread::sleep(Duration::from_millis(2));
            cores().is_some_and(|cores| cores.until().is_none())
        });
        assert!(ended, "the cores are still kept awake");
    }
}
