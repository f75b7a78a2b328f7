//! YAML that people write, or are given by others: hauki.yaml, swarm.yaml, manifests of gems. What is taken can be
//! written and is then taken as the same; and no pattern, repeated until the file is as long as may be, makes the
//! reader work for long.

#![no_main]

mod cost;

use std::time::Duration;

use hauki_contract::model::config::{Config, MAX_CONFIG_BYTES};
use hauki_contract::model::gem::{MAX_MANIFEST_BYTES, Manifest};
use hauki_contract::model::swarm::SwarmFile;
use hauki_contract::strict::{self, DocumentLimits};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Of processor time, for the longest file: a hundred times what a sane one takes, in this build.
const PATIENCE: Duration = Duration::from_secs(4);

fn used() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it is written to and to nothing else.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn read<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &str) -> bool {
    let limits = DocumentLimits::bytes(MAX_CONFIG_BYTES);
    // It has buffers of its own, however short the text is.
    let read = cost::within(text.len() + 64, 4000, || strict::from_yaml::<T>(text, limits));
    let Ok(document) = read else { return false };
    // Through JSON, whose reader is another one.
    let again = serde_json::to_string(&document).expect("serializes");
    let read = strict::from_str::<T>(&again, DocumentLimits::bytes(usize::MAX));
    assert_eq!(read.as_ref(), Ok(&document), "{text}");
    true
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (first, rest) = text.split_at_checked(1).unwrap_or_default();
    if first == "*" {
        // Repeated: as it is, or behind a beginning that stands once.
        let (once, pattern) = rest.split_once('\u{1}').unwrap_or(("", rest));
        if pattern.is_empty() {
            return;
        }
        let room = MAX_MANIFEST_BYTES - once.len().min(MAX_MANIFEST_BYTES);
        let long = format!("{once}{}", pattern.repeat(room / pattern.len()));
        let before = used();
        let _ = strict::from_yaml::<Value>(&long, DocumentLimits::bytes(MAX_CONFIG_BYTES));
        assert!(used() - before < PATIENCE, "{:?} for {pattern:?} behind {once:?}", used() - before);
        return;
    }
    let longer = text.len().checked_sub(1).map(DocumentLimits::bytes);
    assert!(
        longer.is_none_or(|limits| strict::from_yaml::<Value>(text, limits).is_err()),
        "longer than allowed"
    );
    read::<Config>(text);
    read::<SwarmFile>(text);
    if read::<Manifest>(text)
        && let Ok(manifest) = Manifest::read(bytes)
        && let Ok(wishes) = manifest.wishes()
    {
        let _ = (wishes.limits(), wishes.terms());
    }
});
