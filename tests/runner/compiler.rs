//! Who asks the compiler and when, with a program in its place that speaks the frames: what needs none, what a missing
//! one says, and what a hostile one can do to `hauki`.

use std::fs;

use hauki::rpc::compile::{FromCompiler, MOST_FAULTS, SourceFault};
use hauki::rpc::script::RunnerReady;

use crate::{HANG, Place, copy, script};

/// As the compiler begins each text.
const LOWERED: &str = "\"hauki runtime 1\";\nfunction f() { return 1; }\n";

fn frames(list: &[(u64, FromCompiler)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    list.iter().for_each(|(number, message)| message.encode(&mut bytes, *number));
    bytes
}

fn ready() -> (u64, FromCompiler) {
    (0, FromCompiler::Ready(RunnerReady { version: env!("CARGO_PKG_VERSION").to_owned() }))
}

fn lowered(text: &str) -> FromCompiler {
    FromCompiler::Compiled { text: text.to_owned(), warnings: Vec::new() }
}

fn fault(message: &str, line: u32, column: u32) -> SourceFault {
    SourceFault { message: message.to_owned(), instead: Some("write it otherwise".into()), line, column }
}

/// With the real runner, and sources of all kinds.
fn place() -> Place {
    let place = Place::whole();
    for (file, text) in [
        ("arrow.js", "var f = x => x;"),
        ("map.js", "function f() { return new Map(); }"),
        ("typed.ts", "function f(x: number) { return x; }"),
        ("module.mjs", "export const f = 1;"),
        ("fetch.js", "function f() { return fetch('x'); }"),
        ("own.js", "function Map() {} function f(list) { return list.find(1); }\nlist.find = 1;"),
        ("script.js", "const x = 1; print(x);"),
    ] {
        fs::write(place.path("work").join(file), text).expect("writes");
    }
    place
}

/// Says this, whatever it is asked, and then does that, in bash.
fn with_compiler(frames: &[u8], then: &str) -> Place {
    let place = place();
    fs::write(place.path("compiled"), frames).expect("writes");
    let text = format!("cat {} >&0\n{then}", place.path("compiled").display());
    script(&place.path("bin/hauki-compile"), &text);
    place
}

const SHOW: [&str; 3] = ["--dry-run", "--emit", "js"];

fn shown(place: &Place, file: &str) -> crate::Ran {
    place.run(&[&["summon", file][..], &SHOW].concat())
}

#[test]
fn without_a_compiler_es5_is_what_it_was_and_the_rest_says_what_to_install() {
    let place = place();
    for file in ["ok.js", "two.js", "own.js", "fetch.js"] {
        let (ran, text) = (shown(&place, file), fs::read_to_string(place.path("work").join(file)));
        assert_eq!(ran.code, Some(0), "{file}: {}", ran.stderr);
        if file != "two.js" {
            assert_eq!(ran.stdout, text.expect("is there"), "{file}");
        }
    }
    for (file, words) in [
        ("arrow.js", "(arrow.js:1:11)"),
        ("map.js", "uses Map, and must be compiled for that  (map.js:1:27)"),
        ("typed.ts", "typed.ts is TypeScript"),
        ("module.mjs", "module.mjs is modern JavaScript"),
    ] {
        for verb in [&["summon", file][..], &["clone", file], &["gem", "push", file, "w/x"]] {
            let ran = place.run(verb);
            assert_eq!((ran.code, &ran.error()["code"]), (Some(78), &"compiler_missing".into()), "{verb:?}");
            let error = ran.error();
            let message = error["message"].as_str().expect("is told");
            assert!(message.contains(words) || verb[0] == "gem", "{verb:?}: {message}");
            assert!(ran.stderr.contains("make install"), "{}", ran.stderr);
        }
    }
    let ran = place.run(&["proxy", "run", "script.js"]);
    assert_eq!((ran.code, &ran.error()["code"]), (Some(78), &"compiler_missing".into()), "{}", ran.stderr);
    assert_eq!(place.run(&["proxy", "run", "print.js"]).stdout, "hello\n");
    // What no compiler would mend is told in the engine's words.
    fs::write(place.path("work/other.js"), "function f(o) { return o->g; }").expect("writes");
    for file in ["bad.js", "other.js"] {
        let ran = shown(&place, file);
        assert_eq!((ran.code, &ran.error()["code"]), (Some(65), &"bad_source".into()), "{}", ran.stderr);
    }
    assert_eq!(place.run(&["summon", "ok.js", "--lang", "ts"]).code, Some(78));

    let libexec = place.path("libexec/hauki");
    fs::create_dir_all(&libexec).expect("makes");
    copy("/bin/false", &libexec.join("hauki-compile"));
    assert_eq!(shown(&place, "arrow.js").error()["code"], "compiler_crashed");
}

#[test]
fn what_the_compiler_makes_is_what_the_engine_gets() {
    let place = with_compiler(&frames(&[ready(), (1, lowered(LOWERED))]), "exec sleep 1000");
    for file in ["arrow.js", "map.js", "typed.ts", "module.mjs"] {
        let ran = shown(&place, file);
        assert_eq!((ran.code, &*ran.stdout), (Some(0), LOWERED), "{file}: {}", ran.stderr);
    }
    // What it says about a name is heard, what it makes of an old source is not used.
    for file in ["ok.js", "own.js", "fetch.js"] {
        let text = fs::read_to_string(place.path("work").join(file)).expect("is there");
        assert_eq!(shown(&place, file).stdout, text, "{file}");
    }
    let program = "\"hauki runtime 1\";\nprint('lowered');\n";
    let place = with_compiler(&frames(&[ready(), (1, lowered(program))]), "exec sleep 1000");
    let ran = place.run(&["proxy", "run", "script.js"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "lowered\n"), "{}", ran.stderr);
    assert_eq!(place.run(&["proxy", "run", "print.js"]).stdout, "hello\n");
}

#[test]
fn warnings_are_on_standard_error() {
    let warnings = vec![fault("`f` hides a built-in", 1, 10)];
    let said = FromCompiler::Compiled { text: LOWERED.into(), warnings };
    let place = with_compiler(&frames(&[ready(), (1, said)]), "exec sleep 1000");
    let ran = shown(&place, "typed.ts");
    assert_eq!((ran.code, &*ran.stdout), (Some(0), LOWERED));
    let warning = ran.error();
    assert_eq!((&warning["kind"], &warning["line"]), (&"warning".into(), &1.into()), "{}", ran.stderr);
    assert_eq!(warning["file"], "typed.ts");
    assert_eq!(place.run(&["-q", "summon", "typed.ts", "--dry-run", "--emit", "js"]).stderr, "");
}

#[test]
fn all_faults_are_told_at_once_and_the_first_is_the_workers() {
    let faults = vec![fault("one", 1, 5), fault("two \u{1b}[2J", 7, 900)];
    let refused = frames(&[ready(), (1, FromCompiler::Refused(faults))]);
    let place = with_compiler(&refused, "exec sleep 1000");
    for file in ["arrow.js", "map.js", "typed.ts", "bad.js"] {
        let ran = place.run(&["summon", file]);
        let error = ran.error();
        assert_eq!((ran.code, &error["code"]), (Some(65), &"bad_source".into()), "{file}: {}", ran.stderr);
        assert_eq!(error["faults"].as_array().map(Vec::len), Some(2), "{file}");
        assert_eq!((&error["worker"]["line"], &error["worker"]["kind"]), (&1.into(), &"syntax".into()));
        assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    }
    // An old source is refused for what is said about the name that nobody has, and for nothing else.
    assert_eq!(shown(&place, "fetch.js").code, Some(0));
    let about = frames(&[ready(), (1, FromCompiler::Refused(vec![fault("a vault has no `fetch`", 1, 23)]))]);
    let place = with_compiler(&about, "exec sleep 1000");
    let ran = shown(&place, "fetch.js");
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("a vault has no `fetch`"), "{}", ran.stderr);
}

#[test]
fn a_hostile_compiler_is_ended_with_a_typed_error() {
    let foreign = FromCompiler::Ready(RunnerReady { version: "9.9.9\u{1b}[2J".into() });
    let mut unknown = frames(&[ready()]);
    unknown.extend_from_slice(&[9, 0, 0, 0, 0x42, 1, 0, 0, 0, 0, 0, 0, 0]);
    let many = FromCompiler::Refused(vec![fault("x", 1, 1); MOST_FAULTS + 1]);
    let wrong = "\"hauki runtime 1\";\nvar 1;\n";
    let deep = "\"hauki runtime 1\";\n".to_owned() + &"(".repeat(2_000_000);
    for (what, bytes, code, word) in [
        ("a length of 4 GiB", vec![255; 64], 70, "compiler_crashed"),
        ("a length of nothing", vec![0; 64], 70, "compiler_crashed"),
        ("an unknown kind", unknown, 70, "compiler_crashed"),
        ("an answer before it is ready", frames(&[(1, lowered(LOWERED))]), 70, "compiler_crashed"),
        ("ready twice", frames(&[ready(), ready()]), 70, "compiler_crashed"),
        ("ready again", frames(&[ready(), (1, ready().1)]), 70, "compiler_crashed"),
        ("another's answer", frames(&[ready(), (7, lowered(LOWERED))]), 70, "compiler_crashed"),
        ("no faults", frames(&[ready(), (1, FromCompiler::Refused(vec![]))]), 70, "compiler_crashed"),
        ("too many faults", frames(&[ready(), (1, many)]), 70, "compiler_crashed"),
        ("a text of its own", frames(&[ready(), (1, lowered("function f() {}"))]), 70, "compiler_crashed"),
        ("another version", frames(&[(0, foreign)]), 78, "compiler_unusable"),
        ("what no engine takes", frames(&[ready(), (1, lowered(wrong))]), 70, "miscompiled"),
        ("what is too deep for it", frames(&[ready(), (1, lowered(&deep))]), 65, "bad_source"),
        (
            "more than may be sent",
            frames(&[ready(), (1, lowered(&format!("{LOWERED}//{}", "x".repeat(4 << 20))))]),
            65,
            "bad_source",
        ),
    ] {
        let place = with_compiler(&bytes, "exec sleep 1000");
        for file in ["arrow.js", "typed.ts"] {
            let ran = place.run(&["summon", file]);
            assert_eq!(
                (ran.code, &ran.error()["code"]),
                (Some(code), &word.into()),
                "{what}: {}",
                ran.stderr
            );
            assert!(!ran.stderr.contains('\u{1b}'), "{what}: {}", ran.stderr);
            assert!(ran.took < HANG, "{what} took {:?}", ran.took);
        }
        // Whatever it is, it has no say about what the engine alone can do.
        assert_eq!(shown(&place, "ok.js").code, Some(0), "{what}");
    }
}

#[test]
fn a_compiler_that_ends_is_told_of() {
    for (then, code, word) in [
        ("kill -KILL $$", 75, "compiler_ended"),
        ("kill -SEGV $$", 70, "compiler_crashed"),
        ("kill -SYS $$", 70, "compiler_crashed"),
        ("exit 3", 70, "compiler_crashed"),
        ("echo the kernel refuses >&2; exit 78", 78, "compiler_unusable"),
        ("exec 0>&-; exec sleep 1000", 70, "compiler_crashed"),
    ] {
        let place = with_compiler(&frames(&[ready()]), then);
        let ran = place.run(&["summon", "typed.ts"]);
        assert_eq!((ran.code, &ran.error()["code"]), (Some(code), &word.into()), "{then}: {}", ran.stderr);
    }
    // One that is silent is not waited for without end.
    let place = with_compiler(&frames(&[ready()]), "exec sleep 1000");
    let ran = place.run(&["summon", "typed.ts"]);
    assert_eq!((ran.code, &ran.error()["code"]), (Some(65), &"bad_source".into()), "{}", ran.stderr);
    assert!(ran.stderr.contains("did not come to the end of it"), "{}", ran.stderr);
}

#[test]
fn a_compiler_where_somebody_stands_is_not_asked() {
    let place = place();
    script(&place.path("work/hauki-compile"), "touch trapped");
    let mut command = place.command(&["summon", "typed.ts"]);
    command.env("PATH", place.path("work"));
    assert_eq!(crate::finish(crate::spawn(&mut command)).code, Some(78));
    assert!(!place.path("work/trapped").exists());
}
