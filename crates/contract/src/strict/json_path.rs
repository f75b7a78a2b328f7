//! JSON path: where in a document something stands. It is looked for only when something is wrong.

use std::fmt::Write as _;

use super::scan::end_of_string;

enum Step<'a> {
    /// The text of the name, quotes included.
    Member(Option<&'a [u8]>),
    Item(Option<usize>),
}

/// Names longer than this are cut: a path is for people.
const NAME: usize = 64;
/// So many steps are enough to find anything.
const STEPS: usize = 16;

/// The path of what ends or stands at a line and column as serde_json counts them.
pub(super) fn path(text: &[u8], line: usize, column: usize) -> String {
    let start = match line {
        0 | 1 => 0,
        _ => memchr::memchr_iter(b'\n', text).nth(line - 2).map_or(text.len(), |end| end + 1),
    };
    let end = start.saturating_add(column).min(text.len());
    written(&steps(&text[..end]))
}

fn steps(text: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    // Whether a string that comes now would be a member's name.
    let (mut at, mut name_next) = (0, false);
    while let Some(byte) = text.get(at) {
        let began = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                begin_value(&mut steps);
                name_next = *byte == b'{';
                steps.push(if name_next { Step::Member(None) } else { Step::Item(None) });
            }
            b'}' | b']' => {
                steps.pop();
                name_next = false;
            }
            b',' => match steps.last_mut() {
                Some(Step::Member(name)) => {
                    *name = None;
                    name_next = true;
                }
                Some(Step::Item(item)) => *item = item.map(|item| item + 1),
                None => {}
            },
            b'"' => {
                at = end_of_string(text, at);
                match steps.last_mut() {
                    Some(Step::Member(name)) if name_next => {
                        *name = Some(&text[began..at]);
                        name_next = false;
                    }
                    _ => begin_value(&mut steps),
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b':' => {}
            _ => begin_value(&mut steps),
        }
    }
    steps
}

fn begin_value(steps: &mut [Step<'_>]) {
    if let Some(Step::Item(item)) = steps.last_mut() {
        item.get_or_insert(0);
    }
}

fn written(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps.iter().take(STEPS) {
        match step {
            Step::Member(None) | Step::Item(None) => {}
            Step::Item(Some(item)) => {
                let _ = write!(path, "[{item}]");
            }
            Step::Member(Some(quoted)) => {
                let quoted = String::from_utf8_lossy(quoted);
                let name = quoted.trim_matches('"');
                let plain = !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                if plain && name.len() <= NAME {
                    let _ = write!(path, "{}{name}", if path.is_empty() { "" } else { "." });
                } else {
                    let cut: String = name.chars().take(NAME).collect();
                    let _ = write!(path, "[{cut:?}]");
                }
            }
        }
    }
    if steps.len() > STEPS {
        path.push('…');
    }
    path
}
