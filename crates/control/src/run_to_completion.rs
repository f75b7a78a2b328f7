//! Cancellation safety: orders that change something are carried out to their end.
//!
//! A handler is dropped where it stands when its client hangs up: killed, cut off, or because what it prints is
//! read by nobody. What was ordered is not: it runs in a task of its own, and the daemon counts as busy meanwhile.
//! (Whoever ordered it has no further
//! turn meanwhile. A forging is not an order of this kind: without somebody to take the record, what it made is undone.)

use std::sync::Arc;

use futures_util::FutureExt as _;

use super::admission::Admission;
use super::failure::Failure;
use super::user_limits;
use hauki_contract::system::tasks::{self, TaskKind};

impl Admission {
    pub(super) async fn carry_out<T: Send + 'static, E: From<Failure> + Send + 'static>(
        self: &Arc<Self>,
        order: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let with = (self.request(), user_limits::carried());
        let order = order.map(move |done| {
            drop(with);
            done
        });
        let carried = tasks::spawn(TaskKind::Order, "order", order);
        carried.await.unwrap_or_else(|error| Err(Failure::Carry(error).into()))
    }
}
