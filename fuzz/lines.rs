//! Bytes that come in pieces, as a gate gets them: however they were cut, the lines are those of the whole, each line
//! that waits is shown once and in its order, what is too long or torn is said, and no more is kept than the bound.

#![no_main]

mod cost;

use hauki_contract::rpc::line_buffer::{CHUNK, KEPT, LineBuffer, LineError, NextLine};
use libfuzzer_sys::fuzz_target;

/// What a reader of the whole stream says.
fn told(stream: &[u8], limit: usize) -> Vec<Result<&[u8], &'static str>> {
    let mut told = Vec::new();
    let mut rest = stream;
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            match rest.len() {
                0 => {}
                length if length > limit => told.push(Err("long")),
                _ => told.push(Err("torn")),
            }
            return told;
        };
        if end > limit {
            told.push(Err("long"));
            return told;
        }
        told.push(Ok(&rest[..end]));
        rest = &rest[end + 1..];
    }
}

fn read(stream: &[u8], limit: usize, mut plan: impl Iterator<Item = u8>) {
    let expected = told(stream, limit);
    let (mut lines, mut rest, mut taken, mut shown) = (LineBuffer::new(limit), stream, 0, 0);
    loop {
        // Taken as long as there are, or looked at, or left for more to come.
        let step = plan.next().unwrap_or(0);
        if step & 1 == 0 || !lines.has_room() {
            let has_line = lines.has_line();
            match lines.take() {
                Ok(NextLine::Line(place)) => {
                    assert!(has_line);
                    assert_eq!(Some(&Ok(lines.at(place))), expected.get(taken));
                    taken += 1;
                    continue;
                }
                Ok(NextLine::Nothing) => assert!(!has_line && !lines.has_ended()),
                Ok(NextLine::End) => {
                    assert!(rest.is_empty() && !has_line);
                    assert_eq!(taken, expected.len());
                    return;
                }
                Err(LineError::TooLong { .. }) => return assert_eq!(expected.get(taken), Some(&Err("long"))),
                Err(LineError::Torn) => return assert_eq!(expected.get(taken), Some(&Err("torn"))),
                Err(LineError::Read(_)) => panic!("nobody reads"),
            }
        } else if step & 2 == 0 {
            shown = shown.max(taken);
            if let Some(line) = lines.ahead() {
                let line = line.to_vec();
                // One that is too long is shown as well: who looks has a bound of his own.
                if let Some(Ok(expected)) = expected.get(shown) {
                    assert_eq!(line, *expected, "line {shown}");
                }
                shown += 1;
                continue;
            }
        }
        let count = (1 + usize::from(step >> 2) * 41).min(rest.len());
        let (piece, behind) = rest.split_at(count);
        lines.room().extend_from_slice(piece);
        lines.came(count);
        rest = behind;
        assert!(
            lines.capacity() <= (5 * (limit + CHUNK + count) / 2).max(KEPT),
            "{} are kept",
            lines.capacity()
        );
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[limit, length], rest)) = bytes.split_first_chunk::<2>() else { return };
    let (plan, stream) = rest.split_at(usize::from(length).min(rest.len()));
    let limit = usize::from(limit) * 5;
    read(stream, limit, std::iter::repeat_n(plan, stream.len() + 2).flatten().copied());
    // As it comes over a quick line: once the bytes, twice the room for what comes next, and what is expected.
    cost::within(stream.len() + CHUNK / 32, 64, || read(stream, limit, std::iter::repeat(252)));
});
