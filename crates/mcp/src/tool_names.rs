//! Tool names: what a worker and its methods are called as tools, so that none can take another's name.
//!
//! A method's tool is `WORKER__METHOD`. A worker's name has no underline, so the first two are where it ends; no tool of the
//! server's own has two in a row. Together they stay within what clients take, who put the server's name before it.

use hauki_client::Exit;
use hauki_client::script::ScriptFailure;

const BETWEEN: &str = "__";

const MOST_WORKER: usize = 18;
const MOST_TOOL: usize = 50;

/// What a client may call a worker: small letters, digits and dashes, a letter first.
pub(crate) fn check_worker(name: &str) -> Result<(), ScriptFailure> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if begins && name.len() <= MOST_WORKER && name.bytes().all(is_letter) {
        return Ok(());
    }
    let message = format!(
        "a worker's name has 1 to {MOST_WORKER} letters: small ones, digits and dashes, a letter first"
    );
    Err(ScriptFailure::new("usage", Exit::Data, message))
}

/// A name that can be one, from what a file or a gem is called. Room is left for a number behind it.
pub(crate) fn worker_from(stem: &str) -> String {
    let letters = stem.chars().map(|letter| letter.to_ascii_lowercase());
    let fit: String =
        letters.map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let fit = fit.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
    let fit: String = fit.chars().take(MOST_WORKER - 5).collect();
    let fit = fit.trim_end_matches('-');
    if fit.is_empty() { "worker".to_owned() } else { fit.to_owned() }
}

/// Of a method, where its name can be part of one.
pub(crate) fn tool(worker: &str, method: &str) -> Option<String> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let name = format!("{worker}{BETWEEN}{method}");
    (!method.is_empty() && method.bytes().all(is_letter) && name.len() <= MOST_TOOL).then_some(name)
}

/// The worker and the method that a tool's name means.
pub(crate) fn parts(tool: &str) -> Option<(&str, &str)> {
    tool.split_once(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_method_takes_another_tools_name() {
        let long = "m".repeat(MOST_TOOL);
        for (worker, method, name) in [
            ("scout", "scan", Some("scout__scan")),
            ("scout", "_a__b", Some("scout___a__b")),
            ("scout", "__proto__", Some("scout____proto__")),
            ("scout", "$", None),
            ("scout", "größe", None),
            ("scout", "a b", None),
            ("scout", "a\nb", None),
            ("scout", "", None),
            ("scout", &long, None),
        ] {
            assert_eq!(tool(worker, method).as_deref(), name);
            if let Some(name) = name {
                assert_eq!(parts(name), Some((worker, method)), "{name} means nothing else");
            }
        }
        for own in crate::tools::NAMES {
            assert_eq!(parts(own), None, "{own}");
        }
    }

    #[test]
    fn a_workers_name_has_nothing_that_could_be_taken_for_another() {
        for name in ["a", "scout-2", "a1-b2-c3-d4-e5-f6-g"] {
            assert_eq!(check_worker(name).is_ok(), name.len() <= MOST_WORKER, "{name}");
        }
        for name in ["", "a_b", "A", "1a", "-a", "ä", "a b", "a\u{202e}", "create__run"] {
            assert!(check_worker(name).is_err(), "{name}");
        }
        for (stem, name) in [
            ("scout", "scout"),
            ("Log_Stats.v2", "log-stats-v2"),
            ("2024-report", "report"),
            ("__", "worker"),
            ("größe", "gr--e"),
            ("a-very-long-name-of-a-file", "a-very-long-n"),
        ] {
            let made = worker_from(stem);
            assert_eq!(made, name);
            assert!(check_worker(&format!("{made}-9999")).is_ok());
        }
    }
}
