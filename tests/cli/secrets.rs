//! `hauki secret`: a value comes from a file or standard input, goes to the control plane, and is never printed.

use crate::support::plane::{self, Request};
use crate::support::tool::Tool;
use serde_json::{Value, json};

const VALUE: &str = "sk-the-value-itself";

fn answer(request: &Request) -> (u16, Value) {
    let at = "2026-11-21T14:00:00Z";
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/v2/secrets") => {
            (200, json!({ "name": request.body["name"], "set_at": at, "key_version": 1, "changed": true }))
        }
        ("GET", "/api/v2/secrets") => {
            let listed = json!({ "name": "openai", "set_at": at, "key_version": 1, "changed": false });
            (200, json!({ "secrets": [listed] }))
        }
        ("DELETE", "/api/v2/secrets?name=openai") => (200, json!({ "name": "openai", "changed": true })),
        ("DELETE", "/api/v2/secrets?name=other") => (200, json!({ "name": "other", "changed": false })),
        _ => (404, json!({ "code": "not_found", "message": request.path, "retryable": false })),
    }
}

#[test]
fn a_value_is_read_where_nobody_sees_it_and_printed_nowhere() {
    let tool = Tool::new();
    let seen = plane::serve(&tool.socket(), answer);
    let file = tool.file("key.txt", &format!("{VALUE}\n"));
    let by_file = ["secret", "set", "openai", "--from-file", file.to_str().expect("is text")];
    for ran in [
        tool.run_with(&["secret", "set", "openai"], &format!("{VALUE}\r\n")),
        tool.run_with(&["secret", "set", "openai", "-o", "jsonl"], VALUE),
        tool.run(&by_file),
    ] {
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("openai") && !(ran.stdout + &ran.stderr).contains(VALUE));
    }
    let bodies: Vec<Value> =
        seen.lock().expect("is whole").iter().map(|request| request.body.clone()).collect();
    assert_eq!(bodies, vec![json!({ "name": "openai", "value": VALUE }); 3]);
    let listed = tool.run(&["secret", "ls", "-o", "jsonl"]).records();
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["name"], listed.len()),
        (&json!("secret"), &json!("openai"), 1)
    );
}

#[test]
fn what_is_no_value_is_not_sent_and_not_repeated() {
    let tool = Tool::new();
    let seen = plane::serve(&tool.socket(), answer);
    let long = "x".repeat(1 << 20);
    for wrong in ["", "short\n", "sk-first-line\nX-Evil: second-line\n", "sk-\u{e4}-the-value", &long] {
        let ran = tool.run_with(&["secret", "set", "openai"], wrong);
        assert_eq!(ran.code, 65, "{ran:?}");
        assert!(!ran.stderr.contains("sk-") && !ran.stderr.contains("xxx"), "{}", ran.stderr);
    }
    // A value has no place on a command line.
    assert_eq!(tool.run(&["secret", "set", "openai", VALUE]).code, 2);
    assert_eq!(tool.run(&["secret", "set", "no/name"]).code, 2);
    assert!(seen.lock().expect("is whole").is_empty());
    let missing = tool.run(&["secret", "set", "openai", "--from-file", "nowhere"]);
    assert!(missing.code != 0 && missing.stderr.contains("nowhere"), "{missing:?}");
}

#[test]
fn all_that_are_named_are_removed_and_one_that_was_not_there_is_said() {
    let tool = Tool::new();
    let seen = plane::serve(&tool.socket(), answer);
    let ran = tool.run(&["secret", "rm", "other", "openai", "-o", "jsonl"]);
    assert_eq!(ran.records().len(), 2, "{ran:?}");
    assert!(ran.stderr.contains("there is no secret other"), "{ran:?}");
    assert_eq!(seen.lock().expect("is whole").len(), 2);
    assert_eq!(tool.run(&["secret", "rm", "openai"]).code, 0);
}

#[test]
fn a_use_is_refused_before_anything_is_sent() {
    let tool = Tool::new();
    let seen = plane::serve(&tool.socket(), answer);
    tool.file("w.js", "function f() { return 1; }");
    let net = ["--allow-net", "https://api.example.com/", "--allow-net", "https://other.example/"];
    for (net, used, part) in [
        (&net[..0], "openai=Authorization:Bearer", "--allow-net"),
        (&net[..2], "openai=X-Key\r\nHost:evil", "letters, digits"),
        (&net[..2], "openai=Host", "that header is the node's"),
        (&net[..2], "openai=X-Key https://other.example/", "is not invited"),
        (&net[..], "openai=X-Key", "more than one origin"),
    ] {
        for verb in ["summon", "clone", "run"] {
            let words = [&[verb], net, &["--secret", used, "w.js"]].concat();
            let ran = tool.run(&words);
            assert!(ran.code == 2 && ran.stderr.contains(part), "{words:?}: {ran:?}");
        }
    }
    assert!(seen.lock().expect("is whole").is_empty());
}
