//! Cursor: how far a node's news have been read.
//!
//! An answer that cannot be read, because it is too long or not of this version, would be asked for again for
//! ever, and whatever stands behind it would never be heard: deaths, claims, wishes to clone. So it is passed over,
//! in steps that double, and the first answer that can be read goes on. Deaths among what was passed over are found
//! by comparing, as after a time in which nobody watched. A crash leaves nothing: the next start reads from zero.

use crate::nodes::NodeSlot;
use hauki_contract::api::node::{MOST_NEWS, News, NodeApi as _};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::error_chain;

#[derive(Default)]
pub(super) struct NewsCursor {
    pub boot_id: String,
    pub last: u64,
    /// This core has not compared yet since it started.
    pub first: bool,
    /// How many were passed over last, if nothing has been read since.
    step: u64,
}

impl NewsCursor {
    pub(super) fn at_start() -> Self {
        Self { first: true, ..Self::default() }
    }

    pub(super) async fn hear(&mut self, slot: &NodeSlot, wait_ms: u64) -> Result<News, NodeError> {
        let error = match slot.api.news(self.last, wait_ms).await {
            Ok(news) => {
                let same_boot = self.boot_id.is_empty() || self.boot_id == news.boot_id;
                if std::mem::take(&mut self.step) > 0 && same_boot {
                    // The last step may have been longer than what there is.
                    self.last = self.last.min(news.last);
                }
                return Ok(news);
            }
            Err(error) => error,
        };
        if error.fault == NodeFault::Strange {
            self.step = (self.step * 2).clamp(1, MOST_NEWS as u64);
            let from = self.last;
            self.last = self.last.saturating_add(self.step);
            tracing::warn!(node = %slot.name, error = error_chain::told(&error), from, to = self.last, "its news are passed over");
        }
        Err(error)
    }

    /// Whether something was passed over, and there may be more behind it.
    pub(super) fn goes_on(&self) -> bool {
        (1..MOST_NEWS as u64).contains(&self.step)
    }
}
