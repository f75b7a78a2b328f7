//! Words with a shape: ids, names, pointers to gems, addresses, sizes and times, methods. What is taken is written as
//! it was, or as what is taken as the same; and nothing in it needs quoting in a path, a shell or a terminal.

#![no_main]

mod cost;

use std::fmt::{Debug, Display};
use std::str::FromStr;

use hauki_contract::model::digest::Sha256;
use hauki_contract::model::gem::{GemPointer, check_path, check_version};
use hauki_contract::model::id::{NodeName, SpoolId, SummonsId, TicketId, VaultId};
use hauki_contract::model::method;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::ssh::SshAddress;
use hauki_contract::model::units::{parse_duration, parse_size, show_micros, show_millis, show_size};
use libfuzzer_sys::fuzz_target;

/// The word as it is written when it was read, if it can be.
fn read<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) -> Option<String> {
    match cost::within(text.len(), 64, || text.parse::<T>()) {
        Ok(word) => {
            let written = word.to_string();
            assert_eq!(written.parse::<T>().ok(), Some(word), "{text:?} became {written:?}");
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./@:#=[]%".contains(letter);
            assert!(written.chars().all(plain) && !written.starts_with('-'), "{written:?}");
            Some(written)
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.len() <= 400 + 8 * text.len() && !told.contains(char::is_control), "{told:?}");
            None
        }
    }
}

fuzz_target!(|text: &str| {
    for word in [
        read::<VaultId>(text),
        read::<TicketId>(text),
        read::<SummonsId>(text),
        read::<SpoolId>(text),
        read::<NodeName>(text),
        read::<ServiceName>(text),
        read::<Sha256>(text),
        read::<GemPointer>(text),
    ] {
        assert!(word.is_none_or(|word| word == text), "{text:?} has two spellings");
    }
    read::<SshAddress>(text);
    if check_path(text).is_ok() {
        let way = std::path::Path::new("/gems").join(text);
        let ups = way
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_) | std::path::Component::RootDir));
        assert!(way.starts_with("/gems") && !ups && text.len() <= 512, "{text:?} leaves its directory");
    }
    assert!(check_version(text).is_err() || !text.contains('/') && !text.starts_with('.'));
    assert!(!method::is_name(text) || !text.contains(['.', '*', ' ', '\u{1b}']));
    if let Ok(bytes) = parse_size(text) {
        assert!(show_size(bytes).len() < 32);
        assert!(
            text.trim_end().ends_with(|letter: char| letter.is_ascii_alphabetic()),
            "{text:?} has no unit"
        );
    }
    if let Ok(millis) = parse_duration(text) {
        assert!(show_millis(millis).len() < 40 && show_micros(millis).len() < 40);
        let again = format!("{millis}ms");
        // jiff takes as much as fits into it.
        assert!(parse_duration(&again).is_err() || parse_duration(&again) == Ok(millis), "{text:?}");
    }
});
