//! Validation errors: why a request of the right shape is refused, by what can be told of its words alone.
//!
//! Whoever reads one checks it; what a refusal is in the API, the control plane says.

use super::compilation::MOST_VERSION;
use crate::model::gem::GemPointerError;
use crate::model::labels::{self, LabelError};
use crate::model::limits::LimitError;
use crate::model::units::AmountError;
use crate::strict::StrictError;

#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    #[error("begins is sum_ and 8 to 26 letters of an id")]
    Begins,
    #[error(
        "the file name {file:?} must have 1 to {most} characters, none of control",
        most = labels::MOST_FILE
    )]
    FileName { file: String },
    #[error("the compiler's version must have 1 to {MOST_VERSION} visible ASCII letters")]
    CompilerVersion,
    #[error(transparent)]
    Labels(#[from] LabelError),
    #[error("a worker cannot have that")]
    Limits(#[source] LimitError),
    #[error("a ticket cannot expire after 0 ms")]
    Expired,
    #[error("a ticket's label may have {most} characters, and no control characters", most = labels::MOST_KEY)]
    TicketLabel,
    #[error(transparent)]
    Lease(LimitError),
}

/// Of what a worker hands to `clone_object`.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClone {
    #[error("clone_object: the arguments are no array")]
    Arguments(#[source] StrictError),
    #[error("clone_object: the first argument is a gem-pointer or a source")]
    NoSource,
    #[error("clone_object: the options cannot be used")]
    Options(#[source] StrictError),
    #[error(transparent)]
    Pointer(#[from] GemPointerError),
    #[error("clone_object")]
    Amount(#[from] AmountError),
    /// In the words of its options.
    #[error("clone_object: {}", .0.told(.0.word()))]
    Limits(LimitError),
}
