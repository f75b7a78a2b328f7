//! Outage of a background task: one that fails again and again says so when it begins to and when it is over.
//!
//! A task that looks once a second would otherwise fill the log in just the hour in which somebody reads it.

#[derive(Debug, Default)]
pub(super) struct Outage {
    is_on: bool,
}

impl Outage {
    /// It has failed. Whether that is news.
    pub(super) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.is_on, true)
    }

    /// It has worked. Whether that is news.
    pub(super) fn is_over(&mut self) -> bool {
        std::mem::take(&mut self.is_on)
    }
}
