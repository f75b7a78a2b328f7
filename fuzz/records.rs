//! Records on standard input and in files, as the tool reads them, and the tickets among them. Nothing is lost: each
//! piece stands where it is said to be, the reader comes to the end, and it counts no line twice.

#![no_main]

mod cost;

use hauki_contract::model::ticket::Ticket;
use hauki_contract::strict::stream::{Pieces, StreamItem};
use hauki_contract::strict::{self, DocumentLimits};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn check_value(value: &Value) {
    let Value::Object(members) = value else { return };
    if members.get("kind").is_some_and(|kind| kind == "ticket")
        && let Ok(ticket) = strict::from_value::<Ticket>(value)
    {
        // What is printed again is what was read.
        let again = serde_json::to_string(&ticket).expect("serializes");
        assert_eq!(
            strict::from_str::<Ticket>(&again, DocumentLimits::bytes(usize::MAX)).as_ref(),
            Ok(&ticket)
        );
        let _ = ticket.check_known();
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = strict::text(bytes) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    // No more pieces than there are bytes, and each further than the one before.
    let pieces =
        cost::within(text.len(), 2000, || Pieces::new(text).take(text.len() + 1).collect::<Vec<_>>());
    assert!(pieces.len() <= text.len(), "it goes on without end");
    let mut last = 1;
    for piece in &pieces {
        assert!((1..=lines.len()).contains(&piece.line), "line {} of {}", piece.line, lines.len());
        match &piece.what {
            StreamItem::Document(value) => {
                assert!(value.is_object() && piece.line >= last);
                check_value(value);
                last = piece.line;
            }
            StreamItem::Array(values) => {
                values.iter().for_each(check_value);
                assert!(piece.line >= last);
                last = piece.line;
            }
            StreamItem::Word(word) => {
                assert!(!word.is_empty() && !word.starts_with(['{', '[']));
                assert!(lines[piece.line - 1].contains(word) && piece.line >= last);
                last = piece.line;
            }
            StreamItem::Broken { reason, .. } => assert!(reason.len() <= 400 + 8 * text.len()),
        }
    }
    // A document that stands alone is read whichever way it is read.
    if let Ok(value) = strict::from_str::<Value>(text, DocumentLimits::bytes(usize::MAX)) {
        match pieces.first().map(|piece| &piece.what) {
            Some(StreamItem::Document(same)) => assert_eq!(&value, same),
            Some(StreamItem::Array(same)) => assert_eq!(value.as_array(), Some(same)),
            other => assert!(!value.is_object() && !value.is_array(), "{other:?}"),
        }
    }
});
