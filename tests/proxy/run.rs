//! `hauki proxy run` against a real daemon: what scripts can do, how they fail, and that nothing of
//! theirs lives on when they end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::daemon::{Daemon, signal};
use hauki::api::event::EventQuery;
use hauki::api::vault::VaultQuery;
use hauki::client::Ghost;
use hauki::client::ghost::GhostOptions;
use hauki::model::death::Cause;
use hauki::model::phase::Phase;
use rustix::process::Signal;
use serde_json::Value;

const WORKER: &str = "var n = 0, created = null;
function create(a, b) { created = [a === undefined ? null : a, b === undefined ? null : b]; }
function add(x) { n += x; return n; }
function made() { return created; }
function echo(x) { return x === undefined ? null : x; }
function me() { return {by: this_object(), n: n}; }
function boom() {
  throw new Error('ouch');
}
function tell() { print('to the person'); emit('told', {n: n}); return true; }
function spin() { emit('spinning', n); for (;;) {} }
function big(length) { var s = 'x'; while (s.length < length) s += s; return s.slice(0, length); }
function claim(id) { return {vault: id}; }";

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A daemon, and a folder with `worker.js` in it.
struct Ground {
    daemon: Daemon,
}

impl Ground {
    fn new() -> Self {
        let this = Self { daemon: Daemon::start() };
        std::fs::write(this.dir().join("worker.js"), WORKER).expect("the directory is ours");
        this
    }

    fn dir(&self) -> PathBuf {
        self.daemon.dir.path().to_owned()
    }

    fn script(&self, source: &str) -> PathBuf {
        let path = self.dir().join("script.js");
        std::fs::write(&path, source).expect("the directory is ours");
        path
    }

    fn command(&self, source: &str, args: &[&str]) -> Command {
        let mut command = self.daemon.hauki();
        command.args(["proxy", "run"]).arg(self.script(source)).args(args).current_dir("/");
        command
    }

    fn run_command(&self, mut command: Command) -> Ran {
        let output = command.output().expect("hauki runs");
        Ran {
            code: output.status.code().expect("was not killed"),
            stdout: String::from_utf8(output.stdout).expect("is text"),
            stderr: String::from_utf8(output.stderr).expect("is text"),
        }
    }

    fn run(&self, source: &str) -> Ran {
        self.run_command(self.command(source, &[]))
    }

    /// What a script prints that ends well.
    fn prints(&self, source: &str) -> String {
        let ran = self.run(source);
        assert_eq!(ran.code, 0, "{source}\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    fn start(&self, source: &str) -> Running {
        let mut command = self.command(source, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hauki runs");
        let lines = BufReader::new(child.stdout.take().expect("is piped"));
        Running { child, lines }
    }

    /// Waits for the death of a vault and tells its cause.
    async fn death_of(&self, vault: &str) -> Cause {
        let id = vault.parse().expect("is an id");
        let query = EventQuery { follow: true, vault: Some(id), ..EventQuery::default() };
        let mut events = self.daemon.endpoint().events(&query).await.expect("streams");
        let dead = async {
            while let Some(event) = events.next::<Value>().await.expect("streams") {
                let cause = &event["receipt"]["death"]["cause"];
                if cause.is_string() {
                    return serde_json::from_value(cause.clone()).expect("is a cause");
                }
            }
            panic!("the stream of events ended");
        };
        tokio::time::timeout(PATIENCE, dead).await.unwrap_or_else(|_| panic!("{vault} lives"))
    }
}

struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("is text");
        assert!(line.ends_with('\n'), "the script ended early: {}", self.end().1);
        line.trim_end().to_owned()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("is ours");
        let mut text = String::new();
        self.child.stderr.take().expect("is piped").read_to_string(&mut text).expect("is text");
        (status.code(), text)
    }
}

#[test]
fn a_script_clones_calls_and_gathers() {
    let ground = Ground::new();
    let said = ground.prints(
        r#"var a = clone_object("worker.js", {depth: 2}, "x"), b = clone_object("worker.js", {lease: "20s"}, 1);
print(a->made(), b->made(), call_other(b, "add", 2), b->add(3));
print(gather([later(a, "add", 1), later(b, "add", 1), "as it is"]), gather([]));
var one = later(a, "add", 10), two = later(a, "add", 100);
print(two.wait(), one.wait(), one.wait());
print(objectp(a), objectp({vault: a.vault}), objectp(null), objectp(one), a.worker, a.node);
print(a->echo({"ä\"\n": [null, true, 1.5, "\u2028"]}), a->echo(), a->echo("plain"));
print(methods(a).join(" "));
a->tell();
print(events(a), events(a), events(b));
var told = [later(a, "tell"), later(a, "tell")];
gather(told);
a->tell();
print(events(told[1]), events(told[1]), events(a).length);
var c = clone_object("function f() { return 1 }", {count: 3, file_name: "f.js", args: [7]});
print(c.length, c[0].worker, gather(c.map(function (o) { return later(o, "f"); })));
print(destruct(c[1]).death.cause, destruct(c[1]).death.cause, destruct(c[2], "1s").death.cause);
"#,
    );
    let wanted = r#"[{"depth":2},"x"] [1,null] 2 5
[1,6,"as it is"] []
111 11 11
true false false false worker local
{"ä\"\n":[null,true,1.5,"\u2028"]} null plain
add big boom claim echo made me spin tell
[{"event":"told","data":{"n":111}}] [] []
[{"event":"told","data":{"n":111}}] [] 2
3 f [1,1,1]
destruct destruct destruct
"#;
    assert_eq!(said.replace("\\u2028", "\u{2028}"), wanted.replace("\\u2028", "\u{2028}"));
}

#[test]
fn objects_are_told_from_what_only_looks_like_one() {
    let ground = Ground::new();
    let said = ground.prints(
        r#"var a = clone_object("worker.js"), b = clone_object("worker.js");
print(a->me().by === a, find_object(a.vault) === a, find_object(a) === a);
// A worker can speak for itself and for nobody else.
print(objectp(a->claim(a.vault)), objectp(a->claim(b.vault)));
// An object travels as its ticket, and a ticket in a result is the object.
var sent = a->echo([b, {deep: b}]);
print(sent[0] === b, sent[1].deep === b);
print(("" + a).indexOf("<vlt_"), JSON.stringify(a).indexOf("token"));
[{vault: a.vault}, null, undefined, "a", 3, function () {}].forEach(function (no) {
  try { no->me(); } catch (error) { print(error.name, error.message.split(":")[0]); }
});
"#,
    );
    assert_eq!(
        said,
        "true true true\ntrue false\ntrue true\n0 -1\n".to_owned() + &"TypeError call_other\n".repeat(6)
    );
}

#[test]
fn what_fails_is_an_error_with_kind_code_and_place() {
    let ground = Ground::new();
    let said = ground.prints(
        r#"var a = clone_object("worker.js", {deadline: "300ms", max_frame: "64KiB"});
function fails(what) {
  try { what(); print("did not fail"); } catch (e) {
    print([e.name, e.code, e.kind, e.message, e.method, e.remote_line, e.vault === a.vault].join(" | "));
  }
}
var cycle = []; cycle.push(cycle);
fails(function () { a->boom(); });
fails(function () { a->nothing(); });
fails(function () { a->_private(); });
fails(function () { a->spin(); });
fails(function () { a->echo(cycle); });
fails(function () { a->echo(1e400); });
fails(function () { a->echo(a->big(100000)); });
fails(function () { a->echo(Array(70000).join("x")); });
fails(function () { clone_object("absent.js"); });
fails(function () { clone_object("gem-pointer://no/such"); });
fails(function () { clone_object("var = {}"); });
fails(function () { clone_object("worker.js", {lease: "5s", depth: 1}); });
fails(function () { clone_object("function create() { null.x } "); });
fails(function () { find_object("no/such"); });
fails(function () { find_object("../x"); });
fails(function () { read_file("/no/such"); });
fails(function () { write_file("/no/such", "x"); });
fails(function () { sleep("soon"); });
fails(function () { exit(300); });
try { gather([later(a, "echo", 1), later(a, "boom"), later(a, "nothing")]); } catch (e) {
  print(e.index, e.results[0], e.results[1] === e, e.results[2].code, e.method);
}
destruct(a);
fails(function () { a->echo(1); });
"#,
    );
    let lines: Vec<&str> = said.lines().collect();
    let wanted = [
        "HaukiError | worker_failed | throw | Error: ouch | boom | 8 | true",
        "HaukiError | method_not_found | method_not_found | there is no method",
        "HaukiError | method_not_found | method_not_found | there is no method",
        "HaukiError | deadline | deadline | the deadline passed in spin | spin |",
        "TypeError |  |  | an argument is cyclic",
        "TypeError |  |  | an argument holds Infinity",
        "HaukiError | too_large | too_large |",
        "HaukiError | too_large | too_large |",
        "HaukiError | unreadable | unreadable | failed to read absent.js",
        "HaukiError | not_found | not_found |",
        "HaukiError | bad_source | syntax | ",
        "HaukiError | usage | usage | clone_object: the options cannot be used: depth: unknown field `depth`",
        "HaukiError | worker_failed | throw |",
        "HaukiError | not_found | not_found | ",
        "HaukiError | bad_id | bad_id | find_object",
        "HaukiError | io | io | failed to read /no/such",
        "HaukiError | io | io | failed to write /no/such",
        "HaukiError | usage | usage | sleep",
        "HaukiError | usage | usage | exit",
        "1 1 true method_not_found boom",
        "HaukiError | vault_dead | vault_dead | ",
    ];
    assert_eq!(lines.len(), wanted.len(), "{said}");
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.starts_with(wanted), "{line}\nwanted {wanted}");
    }
    assert!(lines.last().expect("is there").contains("is dead: destruct"), "{said}");
}

#[test]
fn what_only_looks_like_an_object_travels_as_the_data_that_it_is() {
    let ground = Ground::new();
    let said = ground.prints(
        r#"var a = clone_object("worker.js"), b = clone_object("worker.js");
var odd = [
  '"vault":"vlt_', {vault: "vlt_nobody"}, {vault: b.vault, more: 1}, {kind: "ticket", auth: {}, vault: "vlt_x"},
  [{'"vault":"vlt_': '"vault":"vlt_1"'}], undefined, {u: undefined, n: null}, 1e21, "\ud83d\ude00"
];
odd.forEach(function (one) {
  // What is undefined comes back as null.
  var text = JSON.stringify(one === undefined ? null : one);
  print([a->echo(one), later(a, "echo", one).wait(), a->echo([one])[0]].every(function (back) {
    return JSON.stringify(back) === text;
  }), text);
});
// A ticket that was refused is forgotten: what fails next, fails for its own reason.
a->echo(odd[3]);
try { a->echo([print]); } catch (e) { print(e.name + ": " + e.message); }
// Beside an object all is as it is without one.
var both = a->echo([b, odd[0], [undefined], {u: undefined, b: b}, new Uint8Array([1, 255])]);
print(both[4], both[0] === b, both[1] === odd[0], JSON.stringify(both[2]), both[3].b === b, "u" in both[3]);
print(clone_object("worker.js", {}, odd[1], odd[0])->made());
print(objectp(clone_object("worker.js", {}, b)->made()[0]));
"#,
    );
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[..9].iter().all(|line| line.starts_with("true ")), "{said}");
    let rest = [
        "TypeError: an argument holds a function, which JSON cannot hold",
        "[1,255] true true [null] true false",
        r#"[{"vault":"vlt_nobody"},"\"vault\":\"vlt_"]"#,
        "true",
    ];
    assert_eq!(lines[9..], rest, "{said}");
}

#[test]
fn arguments_are_what_json_can_hold_and_nothing_else_is_sent() {
    let ground = Ground::new();
    let said = ground.prints(
        r#"var a = clone_object("worker.js"), ring = {}, holds = [clone_object("worker.js")];
ring.around = [ring];
function fails(what) {
  try { what(); print("did not fail"); } catch (e) { print(e.name + ": " + e.message); }
}
[ring, {deep: [print]}, NaN, -Infinity, {deep: [0 / 0]}, [holds[0], ring], [holds[0], print]].forEach(function (no) {
  fails(function () { a->add(no); });
});
fails(function () { later(a, "add", ring); });
fails(function () { clone_object("worker.js", {}, NaN); });
var own = {};
Object.defineProperty(own, "x", {get: function () { throw new RangeError("mine"); }, enumerable: true});
fails(function () { a->add(own); });
print(a->made(), a->add(1));
print(a->echo("x\ud83dy") === "x\ud83dy");
// As everywhere in this language.
print(a->echo({toJSON: 1, b: new Uint8Array([1, 255])}));
"#,
    );
    let (cyclic, function) = ("an argument is cyclic", "an argument holds a function");
    let mut wanted: Vec<String> = [
        cyclic,
        function,
        "an argument holds NaN",
        "an argument holds -Infinity",
        "an argument holds NaN",
        cyclic,
        function,
        cyclic,
        "an argument holds NaN",
    ]
    .iter()
    .map(|what| format!("TypeError: {what}, which JSON cannot hold"))
    .collect();
    wanted.push("RangeError: mine".into());
    wanted.push("[null,null] 1".into());
    wanted.push("true".into());
    wanted.push(r#"{"toJSON":1,"b":[1,255]}"#.into());
    assert_eq!(said.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn what_does_not_fit_into_the_scripts_heap_is_an_error_that_it_can_catch() {
    let ground = Ground::new();
    let source = r#"var a = clone_object("worker.js", {memory: "32MiB", max_frame: "8MiB"}), s = "x", list = [];
try { a->big(3000000); print("fits"); } catch (e) { print(e === null ? "full" : e.name + ": " + e.message); }
while (s.length < 65536) s += s;
while (list.length < 9) list.push(s);
try { a->echo(list); print("fits"); } catch (f) { print(f.name + ": " + f.message); }
print(a->add(1));
"#;
    let mut command = ground.daemon.hauki();
    command.args(["proxy", "run", "--memory", "1MiB"]).arg(ground.script(source));
    let ran = ground.run_command(command);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "SyntaxError: not enough memory\nError: an argument is longer than the limit of 524288 bytes\n1\n"
    );
}

/// Keeps what it is given, gives it back, calls it, and tells who calls.
const KEEPER: &str = "var kept;
function keep(o) { kept = o; return objectp(o); }
function give() { return {deep: [kept]}; }
function use(x) { return kept->add(x); }
function use_all(list, x) { return gather(list.map(function (o) { return later(o, 'add', x); })); }
function fall() { return 1 + kept->boom(); }
function who() { var p = previous_object(); return [p.rights, p.label, typeof p.ticket, p.vault === undefined]; }
function its() { return this === this_object(); }
function asks() { return kept->who(); }";

#[test]
fn objects_travel_to_a_worker_and_back() {
    let ground = Ground::new();
    std::fs::write(ground.dir().join("keeper.js"), KEEPER).expect("the directory is ours");
    let said = ground.prints(
        r#"var counter = clone_object("worker.js"), keeper = clone_object("keeper.js"), second = clone_object("worker.js");
print(keeper->keep(counter), keeper->use(2), counter->add(1), keeper->use(4));
print(keeper->give().deep[0] === counter, objectp(keeper->give().deep[0]), keeper->its());
print(keeper->use_all([counter, second, counter], 10));
// What another script made, this one holds when a worker sends it.
destruct(counter);
try { keeper->use(1); } catch (e) { print(e.kind, e.message.indexOf("is dead: destruct") > 0); }
keeper->keep(second);
try { keeper->fall(); } catch (f) { print(f.remote_file, f.remote_line, f.remote_column, f.message); }
"#,
    );
    assert_eq!(
        said,
        "true 2 3 7\ntrue true true\n[17,10,27]\nthrow true\nkeeper.js 6 40 HaukiError: Error: ouch\n"
    );
}

#[test]
fn the_rights_of_who_calls_are_those_of_its_ticket() {
    let ground = Ground::new();
    let path = ground.dir().join("keeper.js");
    std::fs::write(&path, KEEPER).expect("the directory is ours");
    let run = |words: &[&str]| {
        let mut command = ground.daemon.hauki();
        let ran = ground.run_command({
            command.args(words).current_dir(ground.dir());
            command
        });
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    let save = |name: &str, text: String| {
        let path = ground.dir().join(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path.to_str().expect("is text").to_owned()
    };
    let all = save("all.json", run(&["clone", "keeper.js"]));
    let vault: Value = serde_json::from_str(&run(&["proxy", "call", &all, "who"])).expect("is JSON");
    assert_eq!(vault, serde_json::json!([["*"], null, "string", true]));
    let narrow = save("narrow.json", run(&["ticket", "narrow", &all, "--methods", "who,its"]));
    let seen: Value = serde_json::from_str(&run(&["proxy", "call", &narrow, "who"])).expect("is JSON");
    assert_eq!(seen, serde_json::json!([["its", "who"], null, "string", true]));
    let id =
        serde_json::from_str::<Value>(&std::fs::read_to_string(&all).expect("is there")).expect("is JSON");
    let id = id["vault"].as_str().expect("is text").to_owned();
    let words = ["ticket", &id, "--methods", "who,hauki.destruct", "--holder", "cron"];
    let granted = save("granted.json", run(&words));
    let seen: Value = serde_json::from_str(&run(&["proxy", "call", &granted, "who"])).expect("is JSON");
    assert_eq!(seen, serde_json::json!([["who", "hauki.destruct"], "cron", "string", true]));
    // Through another worker they are those of the ticket that this one was given.
    let script = format!(
        "var first = find_object(JSON.parse(read_file('{narrow}'))), second = clone_object({:?});
         second->keep(first); print(second->asks());",
        path.to_str().expect("is text")
    );
    assert_eq!(ground.prints(&script), "[[\"its\",\"who\"],null,\"string\",false]\n");
}

#[test]
fn an_error_that_nobody_catches_decides_the_exit_and_shows_both_places() {
    let ground = Ground::new();
    let clone = "var a = clone_object('worker.js');\n";
    for (source, code, words) in [
        (
            "function f() {\n  a->boom();\n}\nf();",
            7,
            &["error: Error: ouch", "script.js:3", "in boom of vlt_", "worker.js:8"][..],
        ),
        ("throw new Error('mine');", 1, &["error: Error: mine  (", "script.js:2:"]),
        // Places behind an arrow are the author's, to the column.
        ("var x = a->echo(1) + a->echo(2) + null.x;", 1, &["TypeError", "script.js:2:39"]),
        ("a->echo(1)\n  ->nothing(a->echo(2)); ", 1, &["TypeError", "script.js:"]),
        ("throw {code: 3};", 1, &["error: thrown: {\"code\":3}"]),
        ("null.x", 1, &["TypeError", "script.js:2:"]),
        ("var = 1;", 65, &["script.js:2:"]),
        ("destruct(a); a->echo(1);", 5, &["is dead: destruct"]),
        ("a->spin_();", 3, &["there is no method"]),
        ("clone_object('absent.js')", 65, &["failed to read absent.js"]),
        ("read_file('/no/such')", 74, &["failed to read /no/such"]),
        ("exit(3); print('never')", 3, &[]),
        ("exit()", 0, &[]),
        ("try { exit(4) } catch (e) { print('never') } finally { print('never') }", 4, &[]),
        ("var s = 'x'; for (;;) s += s;", 1, &["the heap of 67108864 bytes is full", "--memory"]),
        ("function r() { return r() + 1 } r();", 1, &["the recursion is too deep"]),
        ("gather([later(a, 'boom'), later(a, 'echo', 1)])", 7, &["error: Error: ouch"]),
    ] {
        let ran = ground.run(&format!("{clone}{source}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{source}: {}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{source}: {word}: {}", ran.stderr);
        }
    }
    // For a program, the same as an object.
    let mut command = ground.daemon.hauki();
    command.args(["-o", "json", "proxy", "run"]).arg(ground.script(&format!("{clone}a->boom()")));
    let ran = ground.run_command(command);
    let error: Value = serde_json::from_str(&ran.stderr).expect("is one object");
    assert_eq!((&error["code"], &error["exit"]), (&"worker_failed".into(), &7.into()));
    assert_eq!((&error["worker"]["line"], &error["script"]["line"]), (&8.into(), &2.into()), "{error}");
}

#[test]
fn a_script_that_needs_no_control_plane_starts_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("local.js");
    std::fs::write(&path, "#!/usr/bin/env -S hauki proxy run\nprint(args, 6 * 7);").expect("writes");
    let run = |arguments: &[&str], stdin: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauki"));
        command.env_clear().env("HAUKI_STATE_DIR", dir.path()).env("HAUKI_HAUKID", "/bin/false");
        command.args(["proxy", "run"]).args(arguments).current_dir(dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        child.stdin.take().expect("is piped").write_all(stdin.as_bytes()).expect("is read");
        let output = child.wait_with_output().expect("ends");
        let text = |bytes| String::from_utf8(bytes).expect("is text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(run(&["local.js", "--", "-v", "--timeout", "x"], "").1, "[\"-v\",\"--timeout\",\"x\"] 42\n");
    assert_eq!(run(&["local.js", "a", "-b"], "").1, "[\"a\",\"-b\"] 42\n");
    assert_eq!(run(&["-", "x"], "print(args)").1, "[\"x\"]\n");
    assert_eq!(run(&["-"], "").0, Some(0));
    assert_eq!(
        run(
            &["-"],
            "print(read_file('local.js').length); write_file('o.txt', 'ä'); print(read_file('o.txt'))"
        )
        .1,
        "53\nä\n"
    );
    assert_eq!(run(&["absent.js"], "").0, Some(65));
    assert_eq!(run(&["--memory", "1k", "local.js"], "").0, Some(2));
    // Even a script that cannot be allocated for is told why.
    let (code, _, stderr) = run(&["--memory", "128KiB", "-"], "read_file('/proc/self/exe')");
    assert_eq!(code, Some(74), "{stderr}");
    assert!(stderr.contains("longer than 65536 bytes"), "{stderr}");
    let (code, _, stderr) = run(&["-"], "clone_object('function f() {}')");
    assert_eq!(code, Some(78), "{stderr}");
    assert!(!dir.path().join("hauki.sock").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_script_cloned_dies_with_it_however_it_ends() {
    let ground = Ground::new();
    let clone = "var a = clone_object('worker.js'); print(a.vault);\n";
    for source in ["", "throw 1", "a->boom()", "exit(0)", "later(a, 'spin')"] {
        let ran = ground.run(&format!("{clone}{source}"));
        assert_eq!(ground.death_of(ran.stdout.trim()).await, Cause::LinkClosed, "{source}: {}", ran.stderr);
    }
    for (source, signals, code) in [
        ("while (1) {}", Signal::INT, Some(130)),
        ("while (1) { try { f(); } catch (e) {} finally { continue; } }", Signal::INT, Some(130)),
        ("/(x+x+)+y/.test(Array(200).join('x'))", Signal::INT, Some(130)),
        ("a->spin()", Signal::INT, Some(130)),
        ("for (;;) { try { sleep(1e9) } catch (e) {} }", Signal::TERM, Some(143)),
        ("gather([later(a, 'spin')])", Signal::TERM, Some(143)),
        ("while (1) {}", Signal::KILL, None),
        ("a->spin()", Signal::KILL, None),
    ] {
        let mut script = ground.start(&format!("{clone}{source}"));
        let vault = script.line();
        signal(script.child.id(), signals);
        let (ended, said) = script.end();
        assert_eq!(ended, code, "{source}: {said}");
        assert_eq!(ground.death_of(&vault).await, Cause::LinkClosed, "{source}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_detached_object_survives_until_its_lease_ends() {
    let ground = Ground::new();
    let said = ground.prints(
        "var a = clone_object('worker.js', {detached: true}); a->add(41); print(a.vault);
         var b = clone_object('worker.js', {detached: true, lease: '300ms'}); print(b.vault);",
    );
    let (kept, lost) = said.trim().split_once('\n').expect("two lines");
    assert_eq!(ground.death_of(lost).await, Cause::HeartbeatLost);
    // Another script finds it by its id, and does not own it.
    let found = ground.prints(&format!("print(find_object({kept:?})->add(1))"));
    assert_eq!(found, "42\n");
    let list = ground.daemon.endpoint().vaults(&VaultQuery::default()).await.expect("lists").vaults;
    assert_eq!((list.len(), list[0].phase), (1, Phase::Live.into()));
    let gone = ground.prints(&format!("print(destruct(find_object({kept:?})).death.cause)"));
    assert_eq!(gone, "destruct\n");
}

#[test]
fn a_named_object_is_found_by_its_name_and_made_once() {
    let ground = Ground::new();
    let mut owner = ground.start(
        "var a = clone_object('worker.js', {name: 'adder/one'}); a->add(40); print(a.vault); sleep(1e9);",
    );
    let vault = owner.line();
    let said = ground.prints(
        "var a = find_object('adder/one'), b = clone_object('worker.js', {name: 'adder/one', get_or_create: true});
         print(a === b, a.vault, a->add(2));
         try { clone_object('worker.js', {name: 'adder/one'}); } catch (e) { print(e.code); }",
    );
    // Who only found it does not take it along.
    assert_eq!(said, format!("true {vault} 42\nconflict\n"));
    assert_eq!(ground.prints("print(find_object('adder/one')->add(0))"), "42\n");
    signal(owner.child.id(), Signal::INT);
    assert_eq!(owner.end().0, Some(130));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gathered_calls_are_under_way_at_the_same_time() {
    let ground = Ground::new();
    let mut script = ground.start(
        "var a = clone_object('worker.js', {count: 2, deadline: '60s', label: {of: 'gather'}});
         print(a[0].vault); print(a[1].vault);
         try { gather([later(a[0], 'spin'), later(a[1], 'spin')]); } catch (e) {
           print(e.index, e.code, e.cause, e.results[1].cause);
         }",
    );
    let vaults = [script.line(), script.line()];
    let mut ghosts = Vec::new();
    for vault in &vaults {
        let request = hauki::api::vault::TicketRequest {
            vault: vault.parse().expect("is an id"),
            wishes: Default::default(),
        };
        let ticket = ground.daemon.endpoint().ticket(&request).await.expect("gives a ticket");
        ghosts.push(Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects"));
    }
    // Neither call ever returns, so the second can only have begun while the first went on.
    for vault in &vaults {
        let seen = async {
            loop {
                let vault = ground.daemon.endpoint().vault(&vault.parse().expect("is an id")).await;
                if vault.expect("is known").vitals.is_some_and(|vitals| vitals.calls > 0) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.expect("both calls have begun");
    }
    for ghost in &ghosts {
        ghost.destruct(Duration::ZERO).await.expect("dies in the middle of its call");
    }
    assert_eq!(script.line(), "0 vault_dead destruct destruct");
    assert_eq!(script.end().0, Some(0));
}

#[test]
fn a_reader_that_went_away_ends_a_script_quietly() {
    let ground = Ground::new();
    let mut script = ground.start("for (;;) { try { print('x'); } catch (e) {} }");
    script.line();
    drop(std::mem::replace(&mut script.lines, BufReader::new(empty())));
    assert_eq!(script.end(), (Some(141), String::new()));
}

/// An output that was closed already, in the place of one.
fn empty() -> std::process::ChildStdout {
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn().expect("runs");
    child.wait().expect("ends");
    child.stdout.take().expect("is piped")
}

#[test]
fn a_time_limit_ends_a_script() {
    let ground = Ground::new();
    for source in ["while (1) {}", "sleep(1e9)"] {
        let mut command = ground.daemon.hauki();
        command.args(["--timeout", "100ms", "proxy", "run"]).arg(ground.script(source));
        let ran = ground.run_command(command);
        assert_eq!(ran.code, 124, "{source}: {}", ran.stderr);
        assert!(ran.stderr.contains("not done within 100.0 ms"), "{}", ran.stderr);
    }
}

#[test]
fn workers_lines_reach_the_person_and_cannot_move_the_cursor() {
    let ground = Ground::new();
    let source = "var a = clone_object('function f() { print(\"a\\x1b[2Jb\\u009bc\"); }', {file_name: 'w.js'}); a->f();";
    let ran = ground.run(source);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "w: a\\u001b[2Jb\\u009bc\n"));
    let mut quiet = ground.daemon.hauki();
    quiet.args(["-q", "proxy", "run"]).arg(ground.script(source));
    assert_eq!(ground.run_command(quiet).stderr, "");
}

#[test]
fn large_results_come_whole() {
    let ground = Ground::new();
    let said = ground.prints(
        "var a = clone_object('worker.js', {memory: '64MiB', max_frame: '16MiB', deadline: '60s'});
         var text = a->big(8000000); print(text.length, text === a->echo(text));",
    );
    assert_eq!(said, "8000000 true\n");
}

#[test]
fn the_example_scripts_do_what_they_say() {
    let ground = Ground::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (old, new) = (ground.dir().join("old"), ground.dir().join("new"));
    std::fs::write(&old, "a\nb\nc\n").expect("the directory is ours");
    std::fs::write(&new, "a\nc\nd\n").expect("the directory is ours");
    let text = ground.dir().join("text");
    std::fs::write(&text, "The constructor of the house: the end.").expect("the directory is ours");
    let log = root.join("examples/data/access.log");
    let path = |path: &PathBuf| path.to_str().expect("is text").to_owned();
    for (script, args, code, wanted) in [
        (
            "primes.js",
            vec!["1".into(), "5000".into()],
            0,
            "669 primes from 1 to 5000, their sum is 1548136\n",
        ),
        ("log_stats.js", vec![path(&log), "2".into()], 0, "1335 lines, 0 not understood\n259 /\n"),
        ("words.js", vec![path(&text), path(&text)], 0, "6 the\n2 constructor\n2 end\n"),
        ("hunt.js", vec!["40".into()], 0, "deadline: the shortest of its inputs is \""),
        ("words.js", vec![], 2, "usage: "),
        ("diff.js", vec![path(&old), path(&new)], 1, "-b\n+d\n"),
        ("diff.js", vec![path(&old), path(&old)], 0, ""),
    ] {
        let mut command = ground.daemon.hauki();
        command.args(["proxy", "run"]).arg(root.join("examples/scripts").join(script)).args(&args);
        let ran = ground.run_command(command);
        assert_eq!(ran.code, code, "{script}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.starts_with(wanted), "{script}: {}", ran.stdout);
    }
    let service =
        ground.prints("var d = find_object('examples/diff'); print(d->diff('', '').asked); destruct(d);");
    assert_eq!(service, "3\n", "two scripts and this one asked the same worker");
}
