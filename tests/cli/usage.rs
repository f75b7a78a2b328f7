//! What the tool does before any control plane is asked: help, usage, local checks, settings.

use std::os::unix::ffi::OsStrExt as _;

use crate::support::tool::Tool;

#[test]
fn help_is_an_answer_and_names_every_verb() {
    let tool = Tool::new();
    let ran = tool.run(&["--help"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for verb in ["summon", "forge", "ticket", "proxy", "heartbeat", "destruct", "clone", "doctor"] {
        assert!(ran.stdout.contains(&format!("  {verb} ")), "{verb} is missing");
        let help = tool.run(&[verb, "--help"]);
        assert!(help.code == 0 && help.stdout.contains("Usage: hauki"), "{verb}");
        assert_eq!(tool.run(&["help", verb]).code, 0, "{verb}");
    }
    insta::assert_snapshot!("help", tool.run(&["-h"]).stdout);
    insta::assert_snapshot!("help_clone", tool.run(&["clone", "-h"]).stdout);
    insta::assert_snapshot!("help_destruct", tool.run(&["destruct", "-h"]).stdout);
    insta::assert_snapshot!("help_proxy_call", tool.run(&["proxy", "call", "-h"]).stdout);
    let wide = tool.run(&["help", "exit-codes"]).stdout;
    assert!(wide.lines().all(|line| line.chars().count() <= 80), "{wide}");
    insta::assert_snapshot!("help_exit_codes", tool.run(&["help", "exit-codes"]).stdout);
}

#[test]
fn the_old_name_is_the_same_tool() {
    let tool = Tool::new();
    let link = tool.path("x-hauki-core");
    std::os::unix::fs::symlink(assert_cmd::cargo::cargo_bin("hauki"), &link).expect("links");
    let output = std::process::Command::new(link).arg("--help").output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).replace("x-hauki-core", "hauki");
    assert_eq!(said, tool.run(&["--help"]).stdout);
}

#[test]
fn wrong_usage_is_2_in_words_and_as_json() {
    let tool = Tool::new();
    for arguments in [
        &["frobnicate"][..],
        &["summon"],
        &["summon", "x.js", "--memory", "much"],
        &["destruct", "--reap"],
        &["destruct", "--older-than", "3s", "x"],
        &["ticket", "narrow", "t.json"],
        &["proxy", "call", "t.json"],
        &["summon", "-"],
        &["help", "nothing"],
        &["ls", "-o", "xml"],
        &["ls", "--timeout", "soon"],
    ] {
        let ran = tool.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {}", ran.stderr);
    }
    for arguments in [&["frobnicate", "-o", "json"][..], &["-ojsonl", "destruct", "--reap"]] {
        let ran = tool.run(arguments);
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("is one object");
        assert_eq!(
            (ran.code, &error["code"], &error["exit"]),
            (2, &"usage".into(), &2.into()),
            "{arguments:?}"
        );
    }
}

#[test]
fn what_others_wrote_does_not_reach_the_terminal_as_it_is() {
    let tool = Tool::new();
    let name = "x\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}\u{7f}.js";
    for arguments in
        [&["summon", name][..], &["clone", name], &["proxy", "run", name], &["config", name], &[name]]
    {
        for format in [&[][..], &["-o", "json"]] {
            let ran = tool.run(&[arguments, format].concat());
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            let raw = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
            assert!(ran.code != 0 && !shown.contains(raw), "{arguments:?}: {shown:?}");
            // The parser of the command line leaves escape sequences out altogether.
            let spelled = shown.contains("x\\u001b]52") || arguments[0] == name || arguments[0] == "config";
            assert!(spelled, "{arguments:?}: {shown:?}");
        }
    }
    // And none of it begins a line as ours do.
    for name in ["x\nerror: ours", "x\u{1b}[1m\nerror: ours\u{7}"] {
        for arguments in [
            &["node", "show", name][..],
            &["ls", "--phase", name],
            &["ls", &format!("--phase={name}")],
            &[name],
        ] {
            let ran = tool.run(arguments);
            assert!(ran.code != 0 && ran.stderr.contains("error: ours"), "{arguments:?}: {ran:?}");
            assert!(!ran.stderr.contains("\nerror: ours"), "{arguments:?}: {ran:?}");
        }
    }
}

#[test]
fn flags_say_what_is_wrong_in_their_own_words() {
    let tool = Tool::new();
    let worker = tool.file("w.js", "function f() { return 1 }");
    let worker = worker.to_str().expect("is text");
    for (arguments, said) in [
        (&["--memory", "8"][..], "8 of what? write 8MiB"),
        (&["--memory", "8KiB"], "--memory is 8.0 KiB, allowed are 64 KiB to 1024 MiB"),
        (&["--lease", "1ms"], "--lease is"),
        (&["--deadline", "2d"], "--deadline is 2 d, allowed are"),
        (&["--memory", "0"], "nothing is no size"),
        (&["--cpu", "0"], "a whole number from 1 to 10000 is meant"),
        (&["--cpu", "50%"], "a whole number from 1 to 10000 is meant"),
        (&["-n", "-1"], "invalid value '-1' for '--count <COUNT>': a whole number from 1 to 10000"),
        (&["-j", "0"], "invalid value '0' for '--jobs <N>': a whole number from 1 to 1024"),
        (&["--retries", "-1"], "invalid value '-1' for '--retries <N>'"),
    ] {
        let ran = tool.run(&[&["clone", worker], arguments].concat());
        assert!(ran.code == 2 && ran.stderr.contains(said), "{arguments:?}: {} {}", ran.code, ran.stderr);
    }
    let ran = tool.run(&["ps"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: hauki ls"), "{}", ran.stderr);
    let ran = tool.run(&["ps", "-o", "json"]);
    assert!(ran.stderr.contains("\"hint\":\"hauki ls"), "{}", ran.stderr);
    // An argument is never a file by its first letter.
    let ticket = tool.file("t.json", "{}");
    let ran = tool.run(&["proxy", "call", ticket.to_str().expect("is text"), "f", "@/etc/hostname"]);
    assert!(ran.code == 65 && ran.stderr.contains("--file FILE"), "{}", ran.stderr);
}

#[test]
fn what_the_engine_sees_is_printed_without_asking_anybody() {
    let tool = Tool::new();
    let plain = "// \u{1b}[1m ->\r\nvar a = '->b()';  \n\tfunction f() { return n --> 0 }";
    let ran = tool.run(&["summon", "--dry-run", "--emit", "js", &tool.file("p.js", plain).to_string_lossy()]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, plain, ""));

    let ran = tool.run_with(
        &["summon", "-", "--file-name", "x", "--dry-run", "--emit=js"],
        "\u{feff}function f(o) {\n  return o\n    ->g(1)->h(); // ->\n}\n",
    );
    let seen = "function f(o) {\n  return call_other(call_other(o\n    ,\"g\",1),\"h\"); // ->\n}\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, seen, ""));

    assert_eq!(tool.run(&["summon", "--emit", "js", "p.js"]).code, 2);
    let bad = tool.file("b.js", "function f(o) {\n  return o->g(1) + o->h;\n}\n");
    let ran = tool.run(&["summon", "--dry-run", "--emit", "js", &bad.to_string_lossy()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (65, ""));
    assert!(
        ran.stderr.contains("an arrow without a call") && ran.stderr.contains("(b.js:2:2"),
        "{}",
        ran.stderr
    );
}

#[test]
fn standard_input_is_never_read_uninvited() {
    let tool = Tool::new();
    for verb in ["forge", "ticket", "heartbeat", "destruct", "show"] {
        let ran = tool.run_with(&[verb], "vlt_01HF7YAT00000000000000001A\n");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{verb}");
        assert!(ran.stderr.contains("hint: add - to read records from standard input"), "{}", ran.stderr);
    }
}

#[test]
fn an_empty_pipe_is_told_where_something_was_needed() {
    let tool = Tool::new();
    assert_eq!(tool.run_with(&["forge", "-"], "").code, 65);
    assert_eq!(tool.run_with(&["destruct", "-"], "\n").code, 0);
    assert_eq!(tool.run_with(&["heartbeat", "-"], "").code, 0);
    // A file of tickets with nothing in it was not written by who should have.
    let empty = tool.file("empty.jsonl", "");
    assert_eq!(tool.run(&["heartbeat", empty.to_str().expect("is text")]).code, 65);
}

#[test]
fn what_cannot_be_read_is_65_and_a_setting_of_the_environment_78() {
    let tool = Tool::new();
    for arguments in [
        &["heartbeat", "absent.json"][..],
        &["proxy", "call", "absent.json", "f"],
        &["summon", "./absent.js"],
        &["proxy", "run", "absent.js"],
    ] {
        let ran = tool.run(arguments);
        assert_eq!(ran.code, 65, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("failed to read"), "{}", ran.stderr);
    }
    let ran = tool.run_in(&["ls"], "", &[("HAUKI_OUTPUT", std::path::Path::new("xml"))]);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    // Taken for unset, it would send the command to another daemon.
    for variable in ["HAUKI_ENDPOINT", "HAUKI_TIMEOUT", "HAUKI_OUTPUT", "HAUKI_STATE_DIR"] {
        let value = std::path::Path::new(std::ffi::OsStr::from_bytes(b"unix:///x/\xff.sock"));
        let ran = tool.run_in(&["ls"], "", &[(variable, value)]);
        assert_eq!(ran.code, 78, "{variable}: {}", ran.stderr);
        assert!(ran.stderr.contains(variable) && ran.stderr.contains("no text"), "{}", ran.stderr);
    }
}

#[test]
fn a_token_is_one_word_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let tool = Tool::new();
    let asked = |text: &str, mode: u32| {
        let path = tool.file("token", text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("marks");
        tool.run(&["ls", "--endpoint", "https://127.0.0.1:1", "--retries", "0", "--token-file", "token"])
    };
    for (text, why) in [("one\ntwo\n", "is one word"), ("one two", "is one word"), (" \n", "it is empty")] {
        let ran = asked(text, 0o600);
        assert!(ran.code == 78 && ran.stderr.contains("the token file token cannot be used"), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
    let (open, own) = (asked("word\n", 0o644), asked("word\n", 0o600));
    assert!(open.code == 78 && open.stderr.contains("warning: token holds a token"), "{open:?}");
    assert!(own.code == 78 && !own.stderr.contains("warning"), "{own:?}");
    // It could not have been spoken to: there is no authority that nobody has named.
    assert!(own.stderr.contains("nobody is trusted to vouch for https://127.0.0.1:1"), "{own:?}");
    assert!(own.stderr.contains("hint: --ca-file"), "{own:?}");
}

#[test]
fn a_bad_source_costs_nothing() {
    let tool = Tool::new();
    tool.file("empty.js", " \n");
    tool.file("broken.js", "function (\n");
    std::fs::write(tool.path("latin.js"), b"var a = '\xe4';").expect("writes");
    for file in ["missing.js", "empty.js", "latin.js", "broken.js"] {
        for verb in ["summon", "clone"] {
            let ran = tool.run(&[verb, file]);
            assert_eq!((ran.code, ran.stdout.as_str()), (65, ""), "{verb} {file}: {}", ran.stderr);
            assert!(ran.stderr.contains(file), "{verb} {file}: {}", ran.stderr);
        }
    }
    assert!(!tool.path("haukid.log").exists(), "a daemon was started for a source that is refused");
}

#[test]
fn settings_show_their_origin() {
    let tool = Tool::new();
    let file = tool.file("c.yaml", "timeout: 9s\noutput: id\n");
    let ran = tool.run_in(
        &["--config", file.to_str().expect("is text"), "-o", "jsonl", "config", "show", "--origin"],
        "",
        &[("HAUKI_COLOR", "never".as_ref())],
    );
    let origin = |key: &str| {
        let record = ran.records().into_iter().find(|record| record["key"] == key).expect(key);
        record["origin"].as_str().expect("is text").to_owned()
    };
    assert_eq!(origin("output"), "flag --output");
    assert_eq!(origin("color"), "environment HAUKI_COLOR");
    assert!(origin("timeout").ends_with("c.yaml"));
    assert_eq!(origin("progress"), "default");
    tool.file("bad.yaml", "output: id\nspeed: 3\n");
    let ran = tool.run(&["--config", "bad.yaml", "ls"]);
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.contains("bad.yaml:2:1"), "{}", ran.stderr);
    assert_eq!(tool.run(&["-o", "xml", "ls"]).code, 2);
}

#[test]
fn schema_and_completions_are_printed() {
    let tool = Tool::new();
    let schema: serde_json::Value =
        serde_json::from_str(&tool.run(&["ticket", "--schema"]).stdout).expect("is JSON");
    assert_eq!(schema["additionalProperties"], false);
    for shell in ["bash", "zsh", "fish"] {
        assert!(tool.run(&["completions", shell]).stdout.contains("hauki"), "{shell}");
    }
}
