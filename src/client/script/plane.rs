//! The runtime below a script, and waiting that can be ended.

use std::io;

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::task::JoinHandle;

use super::brake::Brake;
use super::host::Stopped;

/// One thread beside the script's: heartbeats go on while the script computes.
pub(super) struct Plane {
    runtime: Option<Runtime>,
    pub(super) brake: Brake,
}

impl Plane {
    pub(super) fn new(brake: Brake) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime: Some(runtime), brake })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken when the plane is dropped")
    }

    /// Waits for work, or until the brake is pulled; then the work is dropped.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        self.runtime().block_on(async {
            tokio::select! {
                biased;
                value = work => Ok(value),
                () = self.brake.pulled() => Err(Stopped),
            }
        })
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime().spawn(work)
    }

    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime().enter()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Somebody who waits for a daemon's start must not hold up the end.
            runtime.shutdown_background();
        }
    }
}
