//! Suggestions: what to type instead, for the words of other tools, and in place of guesses by spelling alone.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::model::gem::SCHEME;

/// Words that people know from elsewhere, and what does it here, of the verbs that stand alone.
const VERBS: &[(&[&str], &str)] = &[
    (&["ps", "status", "top", "vaults"], "hauki ls lists the vaults"),
    (&["logs", "log", "tail"], "hauki events --vault VAULT -f shows what happens to one and what it prints"),
    (&["rm", "kill", "stop", "delete", "del", "remove", "end"], "hauki destruct VAULT ends it"),
    (
        &["start", "create", "new", "spawn", "up", "launch"],
        "hauki clone SOURCE makes an object and its ticket",
    ),
    (&["exec", "invoke", "send", "call"], "hauki proxy call TICKET METHOD calls a method"),
    (&["pipe"], "hauki proxy pipe TICKET calls for each line of standard input"),
    (&["listen"], "hauki proxy listen TICKET --listen PLACE carries a session for other programs"),
    (&["repl"], "hauki proxy repl TICKET talks with an object"),
    (&["inspect", "describe", "get", "info"], "hauki show VAULT tells all about it"),
    (&["push", "pull", "images", "gems"], "hauki gem ls and hauki gem push: hauki gem --help"),
    (&["nodes", "join"], "hauki node ls and hauki node add: hauki node --help"),
    (&["reap", "prune", "gc"], "hauki destruct --reap --older-than TIME ends what is old"),
    (&["narrow"], "hauki ticket narrow TICKET --methods NAMES"),
    (&["drain", "cordon"], "hauki node drain NODE keeps new vaults away from it"),
    (&["undrain", "uncordon"], "hauki node undrain NODE lets new vaults in again"),
    (&["upgrade"], "hauki node upgrade NODE puts another haukid there"),
    (&["attach", "shell", "sh", "ssh"], "hauki proxy repl TICKET talks with an object"),
    (&["beat", "keep", "renew"], "hauki heartbeat TICKET -- COMMAND keeps a vault alive"),
    (
        &["build", "apply", "deploy"],
        "hauki gem push FILE NAME stores a worker; hauki clone SOURCE starts one",
    ),
    (
        &["login", "auth", "token"],
        "nobody logs in: the socket's file says who you are, or --token-file for https",
    ),
    (&["search", "find"], "hauki gem ls and hauki ls; hauki resolve NAME finds a live worker"),
];

/// The same of the verbs of a group, as of `hauki gem`: each is called so wherever there is one.
const GROUPED: &[(&str, &[&str])] = &[
    ("ls", &["list", "ps", "status", "all"]),
    ("show", &["get", "inspect", "describe", "info", "cat", "status"]),
    ("rm", &["delete", "del", "remove", "destruct", "kill", "drop", "cancel", "leave"]),
    ("push", &["create", "new", "add", "put", "upload", "publish"]),
    ("add", &["create", "new", "join", "register", "push"]),
    ("retry", &["again", "requeue", "restart"]),
    ("drain", &["cordon", "stop", "disable"]),
    ("undrain", &["uncordon", "start", "enable"]),
    ("upgrade", &["update", "install"]),
    ("doctor", &["check", "diagnose", "test"]),
    ("call", &["invoke", "send"]),
    ("run", &["eval", "exec", "script", "start"]),
    ("repl", &["attach", "shell", "sh"]),
    ("listen", &["serve", "open"]),
];

/// With which the file of a worker ends.
const SOURCES: [&str; 5] = [".js", ".mjs", ".ts", ".mts", ".cts"];

const FLAGS: &[(&[&str], &str)] = &[
    (
        &["--eval", "-e", "--exec"],
        "a script comes from a file or from standard input: hauki proxy run -; hauki run -e CODE runs one in a vault",
    ),
    (&["--force", "-f"], "nothing is asked where vaults are named; --yes goes with --all"),
    (&["--json"], "-o json, or -o jsonl for one record per line"),
    (&["--format"], "-o FORMAT, as in -o wide"),
    (&["--watch", "-w"], "hauki events -f shows what happens next"),
    (&["--older", "--older-than"], "hauki destruct --reap --older-than TIME ends what is old"),
    (&["--ttl"], "a vault has --lease and --lifetime, a ticket --expires"),
];

/// Takes away what is wrong in an error of the command line, and says what is right.
pub(super) fn mend(error: &mut clap::Error, hidden: &[String]) -> Option<String> {
    let known = |table: &[(&[&str], &'static str)], word: &str| {
        table.iter().find(|(words, _)| words.contains(&word)).map(|(_, tip)| (*tip).to_owned())
    };
    if error.kind() == ErrorKind::MissingSubcommand
        && let Some(ContextValue::Strings(verbs)) = error.get(ContextKind::ValidSubcommand)
    {
        let verbs = verbs.iter().filter(|verb| !hidden.contains(verb)).cloned().collect();
        error.insert(ContextKind::ValidSubcommand, ContextValue::Strings(verbs));
    }
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => match (word(ContextKind::InvalidSubcommand)?, group(error)) {
            (word, Some((path, group))) => grouped(&path, &group, word),
            (source, None)
                if source.starts_with(SCHEME) || SOURCES.iter().any(|end| source.ends_with(end)) =>
            {
                known(VERBS, "start")
            }
            (word, None) => known(VERBS, word),
        },
        ErrorKind::UnknownArgument => match word(ContextKind::InvalidArg)? {
            amount if is_below_nothing(amount) => Some("sizes, times and counts are not negative".to_owned()),
            flag => known(FLAGS, flag),
        },
        _ => None,
    }?;
    // The usage that clap shows beside its guess is that of the guess.
    for guess in [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::Suggested,
        ContextKind::Usage,
    ] {
        error.remove(guess);
    }
    Some(tip)
}

/// As `-1s`, which is no flag.
fn is_below_nothing(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The group whose verb was meant, and how it is typed; none where a verb was that stands alone.
fn group(error: &clap::Error) -> Option<(String, clap::Command)> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    let usage = usage.to_string();
    let (mut path, mut group) = (String::from("hauki"), None);
    for word in usage.split_whitespace().skip_while(|word| word.ends_with(':')).skip(1) {
        let here = match group.take() {
            Some(group) => group,
            None => super::command(),
        };
        let Some(next) = here.find_subcommand(word).cloned() else {
            return (path != "hauki").then_some((path, here));
        };
        path = format!("{path} {word}");
        group = Some(next);
    }
    group.map(|group| (path, group))
}

fn grouped(path: &str, group: &clap::Command, word: &str) -> Option<String> {
    let verb = GROUPED.iter().find(|(verb, words)| {
        words.contains(&word) && group.find_subcommand(verb).is_some_and(|verb| !verb.is_hide_set())
    });
    let (verb, _) = verb?;
    let about = group.find_subcommand(verb).and_then(clap::Command::get_about).map(ToString::to_string);
    Some(format!("hauki {} {verb}: {}", path.trim_start_matches("hauki "), about.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str]) -> (String, Option<String>) {
        let mut error = crate::cli::command()
            .try_get_matches_from([&["hauki"], words].concat())
            .expect_err("is no command line");
        let tip = mend(&mut error, &["meshfs_resolve".into()]);
        (error.render().to_string(), tip)
    }

    #[test]
    fn words_of_other_tools_lead_somewhere_and_guesses_are_gone() {
        for (words, tip) in [
            (&["ps"][..], "hauki ls"),
            (&["logs", "vlt_1"], "hauki events"),
            (&["rm", "vlt_1"], "hauki destruct"),
            (&["./scout.ts"], "hauki clone"),
            (&["create", "w.js"], "hauki clone"),
            (&["exec", "vlt_1"], "hauki proxy call"),
            (&["kill", "vlt_1"], "hauki destruct"),
            (&["stop", "vlt_1"], "hauki destruct"),
            (&["start", "w.js"], "hauki clone"),
            (&["call", "t.json", "f"], "hauki proxy call"),
            (&["drain", "n1"], "hauki node drain"),
            (&["gem-pointer://workers/scout"], "hauki clone"),
            (&["./scout.js"], "hauki clone"),
            (&["login"], "--token-file"),
            (&["inspect", "vlt_1"], "hauki show"),
            (&["proxy", "run", "--eval", "1"], "proxy run -"),
            (&["destruct", "--force", "x"], "--yes"),
            (&["gem", "delete", "x"], "hauki gem rm: "),
            (&["gem", "remove", "x"], "hauki gem rm: "),
            (&["gem", "create", "x"], "hauki gem push: "),
            (&["spool", "delete", "x"], "hauki spool rm: "),
            (&["node", "delete", "x"], "hauki node rm: "),
            (&["node", "create", "x"], "hauki node add: "),
            (&["node", "ps"], "hauki node ls: "),
            (&["config", "get", "x"], "hauki config show: "),
            (&["clone", "w.js", "--memory", "-1"], "not negative"),
            (&["clone", "w.js", "--lease", "-1s"], "not negative"),
            (&["ls", "--older", "1h"], "--older-than"),
            (&["clone", "w.js", "--ttl", "5m"], "--lifetime"),
        ] {
            let (text, found) = told(words);
            assert!(found.as_ref().is_some_and(|found| found.contains(tip)), "{words:?}: {found:?}");
            assert!(!text.contains("similar") && !text.contains("--reveal"), "{words:?}: {text}");
        }
        // What no verb of the group does is not what another verb does: `hauki destruct` would end a vault.
        for words in [&["gem", "kill-all", "x"][..], &["spool", "create", "x"], &["proxy", "delete", "x"]] {
            assert_eq!(told(words).1, None, "{words:?}");
        }
        // A word that is only misspelt is still guessed.
        assert!(told(&["destrukt"]).0.contains("destruct"));
        assert!(!told(&["-v"]).0.contains("meshfs"), "{}", told(&["-v"]).0);
    }
}
