//! Admission and drain: whether anything new is forged, and who is being served meanwhile.
//!
//! A daemon that may leave when nobody needs it asks here. Nothing is kept: who starts admits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::failure::Failure;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

pub(super) struct Admission {
    draining: AtomicBool,
    requests: AtomicU32,
    last_request: AtomicU64,
}

impl Admission {
    pub(super) fn since(started: Mono) -> Arc<Self> {
        Arc::new(Self {
            draining: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            last_request: AtomicU64::new(started.0),
        })
    }

    /// From now on nothing new is forged, or it is again; everything else goes on.
    pub(super) fn drain(&self, draining: bool) {
        self.draining.store(draining, Ordering::SeqCst);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn refuse_while_draining(&self) -> Result<(), Failure> {
        if self.is_draining() {
            return Err(Failure::Stopping);
        }
        Ok(())
    }

    /// Counts a request as under way until the answer is dropped.
    pub(super) fn request(self: &Arc<Self>) -> RequestUnderWay {
        self.requests.fetch_add(1, Ordering::SeqCst);
        RequestUnderWay(self.clone())
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Since the last request ended, or since the start.
    pub(super) fn idle_us(&self) -> u64 {
        clock::mono().since(Mono(self.last_request.load(Ordering::SeqCst)))
    }
}

pub struct RequestUnderWay(Arc<Admission>);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.last_request.store(clock::mono().0, Ordering::SeqCst);
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
    }
}
