//! Wire document: a type of which a whole text is read, and its reader, compiled once, where the type is named as one.
//!
//! What serde derives is generic code: each crate that reads a type compiles all that the type is made of again, and a
//! fifth of the tool was readers that its client had already (decision 15). [`wire_documents!`](crate::wire_documents)
//! makes one function of each type, and whoever reads answers, orders and records asks for [`WireDocument`].

use super::tolerant_reader::PassedOver;
use super::{DocumentLimits, StrictError};

#[diagnostic::on_unimplemented(
    message = "nobody has compiled a reader of `{Self}`",
    note = "name it in `wire_documents!`: what goes over a wire in `api/wire_documents.rs` of the contract, other types where they are"
)]
pub trait WireDocument: Sized {
    /// By the rules of this module: as an order, or with `passed_over` as an answer.
    fn read(
        text: &str,
        limits: DocumentLimits,
        passed_over: Option<&PassedOver>,
    ) -> Result<Self, StrictError>;
}

impl<T: WireDocument> WireDocument for Box<T> {
    fn read(
        text: &str,
        limits: DocumentLimits,
        passed_over: Option<&PassedOver>,
    ) -> Result<Self, StrictError> {
        T::read(text, limits, passed_over).map(Self::new)
    }
}

/// Compiles the readers of these types.
#[macro_export]
macro_rules! wire_documents {
    ($($document:ty),+ $(,)?) => {$(
        impl $crate::strict::WireDocument for $document {
            fn read(
                text: &str,
                limits: $crate::strict::DocumentLimits,
                passed_over: Option<&$crate::strict::tolerant_reader::PassedOver>,
            ) -> Result<Self, $crate::strict::StrictError> {
                $crate::strict::read(text, limits, passed_over)
            }
        }
    )+};
}
