//! Bodies of the control plane: what a caller asks of the core, and what a node, which may have been taken over, answers
//! it and tells it. What is taken can be written, and is then taken as the same.

#![no_main]

mod cost;

use hauki_contract::api;
use hauki_contract::model;
use hauki_contract::strict::{self, DocumentLimits};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

const LIMITS: DocumentLimits = DocumentLimits::bytes(64 * 1024);

fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(body) = cost::within(bytes.len(), 800, || strict::from_slice::<T>(bytes, LIMITS)) else { return };
    let text = serde_json::to_string(&body).expect("what was read can be written");
    assert!(text.len() <= 4096 + 16 * bytes.len(), "{} bytes became {}", bytes.len(), text.len());
    let again: T = strict::from_str(&text, DocumentLimits::bytes(usize::MAX))
        .unwrap_or_else(|error| panic!("{error}, in what was written of it: {text}"));
    assert_eq!(serde_json::to_string(&again).expect("can be written"), text);
}

macro_rules! one_of {
    ($choice:expr, $bytes:expr, $($kind:ty),* $(,)?) => {{
        let readers: &[fn(&[u8])] = &[$(read::<$kind>),*];
        readers[usize::from($choice) % readers.len()]($bytes)
    }};
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    one_of!(
        choice.wrapping_sub(b'0'),
        bytes,
        api::summons::SummonsRequest,
        api::summons::SpawnRequest,
        api::vault::ProvisionRequest,
        api::vault::TicketRequest,
        api::spool::SpoolRequest,
        api::teardown::DestructRequest,
        api::teardown::ReapRequest,
        api::gem::GemPush,
        api::swarm::NodeAdd,
        api::node::ProvisionOrder,
        api::node::Provisioned,
        api::node::OpenedPort,
        api::node::TornDown,
        api::node::NodeHealth,
        api::node::NodeVaults,
        api::node::News,
        api::clone::CloneAsk,
        api::ApiError,
        model::ticket::Ticket,
        model::receipt::Receipt,
        model::death::Death,
        api::secret::SecretPut,
    );
});
