//! Modern JavaScript and TypeScript through the whole of hauki: compiled here, run in a real vault, called, and its errors
//! where their author wrote them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::daemon::Daemon;
use serde_json::Value;
use sha2::Digest as _;

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }

    pub(crate) fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("no error in {:?}", self.stderr))
    }
}

/// A daemon, and a folder for sources.
pub(crate) struct Ground {
    pub(crate) daemon: Daemon,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let compiler = assert_cmd::cargo::cargo_bin("hauki").with_file_name("hauki-compile");
        assert!(compiler.is_file(), "cargo build --package hauki-compile makes what these tests need");
        Self { daemon: Daemon::start() }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.daemon.dir.path().join(name);
        fs::write(&path, text).expect("the directory is ours");
        path
    }

    pub(crate) fn hauki(&self, arguments: &[&str]) -> Ran {
        self.hauki_with(arguments, "")
    }

    /// As people see it.
    pub(crate) fn shown(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["-o", "table"], arguments].concat(), "")
    }

    fn hauki_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        self.run(&[&["-o", "jsonl"], arguments].concat(), stdin)
    }

    fn run(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = self.daemon.hauki();
        command.args(arguments).current_dir(self.daemon.dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hauki runs");
        let mut input = child.stdin.take().expect("is piped");
        // Who needs no input may have gone.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        let output = child.wait_with_output().expect("ends");
        Ran {
            code: output.status.code().expect("was not killed"),
            stdout: String::from_utf8(output.stdout).expect("is text"),
            stderr: String::from_utf8(output.stderr).expect("is text"),
        }
    }

    /// The file of a ticket to a worker of this source.
    pub(crate) fn clone(&self, file: &str, more: &[&str]) -> String {
        let ticket = format!("{file}.json");
        let ran = self.hauki(&[&["clone", file, "--out", &ticket], more].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ticket
    }

    pub(crate) fn call(&self, ticket: &str, method: &str, arguments: &[&str]) -> Ran {
        self.hauki(&[&["proxy", "call", ticket, method][..], arguments].concat())
    }

    pub(crate) fn result(&self, ticket: &str, method: &str, arguments: &[&str]) -> Value {
        let ran = self.call(ticket, method, arguments);
        assert_eq!(ran.code, 0, "{method}: {}{}", ran.stdout, ran.stderr);
        ran.json()["result"].clone()
    }
}

fn hash(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_worker_in_typescript_lives_in_a_vault() {
    let ground = Ground::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workers/basket.ts");
    ground.file("basket.ts", &fs::read_to_string(example).expect("is there"));
    let ticket = ground.clone("basket.ts", &["--args", "[\"eur\"]"]);
    let tea = ground.result(&ticket, "add", &["{\"id\":\"tea\",\"cents\":450}", "2"]);
    assert_eq!(tea, serde_json::json!({"id": "tea", "cents": 450, "count": 2}));
    assert_eq!(ground.result(&ticket, "total", &[]), "9.00 EUR");
    // The exports are the methods, and `create` is none.
    let document: Value =
        serde_json::from_str(&fs::read_to_string(ground.daemon.dir.path().join(&ticket)).expect("is there"))
            .expect("is a ticket");
    assert_eq!(document["methods"], serde_json::json!(["add", "list", "remove", "reprice", "total"]));
    assert_eq!(document["worker"]["name"], "basket");
    // An async method, which awaits calls of another worker.
    ground.file("shop.ts", "export async function price(id: string) { return id.length * 100; }");
    let shop =
        fs::read_to_string(ground.daemon.dir.path().join(ground.clone("shop.ts", &[]))).expect("is there");
    assert_eq!(ground.result(&ticket, "reprice", &[&shop]), "6.00 EUR");
    assert_eq!(ground.hauki(&["destruct", &ticket, "shop.ts.json"]).code, 0);
}

#[test]
fn arrows_are_calls_inside_of_templates_and_classes() {
    let ground = Ground::new();
    ground.file(
        "arrows.ts",
        "class Mine { name(): string { return this_object()->twice('a'); } }\n\
         export function twice(x: string) { return `${x}${x}`; }\n\
         export const all = () => `<${new Mine().name()} ${this_object()->twice(`b${this_object()->twice('c')}`)}>`;\n\
         declare function this_object(): any;\n",
    );
    let ticket = ground.clone("arrows.ts", &[]);
    assert_eq!(ground.result(&ticket, "all", &[]), "<aa bccbcc>");
    assert_eq!(ground.hauki(&["destruct", &ticket]).code, 0);
}

#[test]
fn an_error_stands_at_its_authors_line() {
    let ground = Ground::new();
    let source = "type Row = { cells?: number[] };\n\nexport const first = (row: Row) =>\n  row.cells!.map(x => x + 1)[0];\n\n\
                  export async function later_on() {\n  await null;\n  throw new RangeError(`late`);\n}\n";
    ground.file("places.ts", source);
    let ticket = ground.clone("places.ts", &[]);
    assert_eq!(ground.result(&ticket, "first", &["{\"cells\":[1]}"]), 2);
    for (method, arguments, line) in [("first", &["{}"][..], 4), ("later_on", &[], 8)] {
        let ran = ground.call(&ticket, method, arguments);
        let error = ran.error();
        assert_eq!(ran.code, 7, "{}", ran.stderr);
        assert_eq!(
            (&error["worker"]["file"], &error["worker"]["line"]),
            (&"places.ts".into(), &line.into()),
            "{error}"
        );
    }
    // The line is shown where the file is here, and only if it is what the vault runs.
    let told = ground.shown(&["proxy", "call", &ticket, "first", "{}"]).stderr;
    assert!(told.contains("    4 |   row.cells!.map(x => x + 1)[0];"), "{told}");
    ground.file("places.ts", &source.replace("x + 1", "x + 2"));
    let told = ground.shown(&["proxy", "call", &ticket, "first", "{}"]).stderr;
    assert!(!told.contains("    4 |"), "{told}");
    assert_eq!(ground.hauki(&["destruct", &ticket]).code, 0);
    // While it is loaded, with the line.
    ground.file("load.ts", "const a: any = null;\nexport const b = a.c;\n");
    let error = ground.hauki(&["clone", "load.ts"]).error();
    assert_eq!(
        (&error["worker"]["file"], &error["worker"]["line"]),
        (&"load.ts".into(), &2.into()),
        "{error}"
    );
    let told = ground.shown(&["clone", "load.ts"]);
    assert!(told.stderr.contains("    2 | export const b = a.c;"), "{}", told.stderr);
}

/// The compiler hands it on as it is, so that only the engine reads it.
#[test]
fn a_regular_expression_that_the_engine_refuses_is_its_authors_fault() {
    let ground = Ground::new();
    ground.file("open.ts", "export const a = 1;\nconst b = /(c/;\nexport function d() { return b; }\n");
    let ran = ground.shown(&["summon", "open.ts", "--dry-run"]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    assert!(ran.stderr.contains("    2 | const b = /(c/;"), "{}", ran.stderr);
}

#[test]
fn five_faults_are_told_at_once() {
    let ground = Ground::new();
    ground.file(
        "broken.ts",
        "const cfg = require(\"./cfg.json\");\nlet twice = 1;\nlet twice = 2;\nconst fixed = 1;\n\
         export function go(url: string) {\n  fixed = 2;\n  return fetch(url, process.env.KEY, 5n);\n}\n",
    );
    let ran = ground.hauki(&["summon", "broken.ts"]);
    let error = ran.error();
    assert_eq!((ran.code, &error["code"]), (65, &"bad_source".into()), "{}", ran.stderr);
    let faults = error["faults"].as_array().expect("are told");
    assert!(faults.len() >= 5, "{error}");
    let lines: Vec<u64> = faults.iter().filter_map(|fault| fault["line"].as_u64()).collect();
    assert!(lines.is_sorted() && lines.first() == Some(&1) && lines.last() == Some(&7), "{error}");
    assert_eq!(error["worker"]["line"], 1);
    let told = ground.shown(&["summon", "broken.ts"]).stderr;
    for line in
        ["    1 | const cfg = require(\"./cfg.json\");", "      |             ^", "    6 |   fixed = 2;"]
    {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}

#[test]
fn a_record_says_of_what_it_was_compiled() {
    let ground = Ground::new();
    let source = "export const one = (): number => 1;\n";
    ground.file("one.ts", source);
    let record = ground.hauki(&["summon", "one.ts", "--dry-run"]).json();
    assert_eq!(record["compilation"]["source_sha256"], hash(source.as_bytes()));
    assert_eq!(record["compilation"]["source_bytes"], source.len());
    assert_eq!((&record["compilation"]["language"], &record["file"]), (&"ts".into(), &"one.ts".into()));
    let text = ground.hauki(&["summon", "one.ts", "--dry-run", "--emit", "js"]).stdout;
    assert_eq!(record["worker"]["sha256"], hash(text.as_bytes()));
    assert_eq!(record["source_bytes"], text.len());
    // Standard input has no ending.
    let piped =
        ground.hauki_with(&["summon", "-", "--file-name", "one", "--lang", "ts", "--dry-run"], source);
    assert_eq!(piped.json()["worker"], record["worker"]);
    // What the engine takes is what its author wrote.
    let old = "function f(a) { return a.map(function (x) { return x + 1; }); }\n";
    ground.file("old.js", old);
    let record = ground.hauki(&["summon", "old.js", "--dry-run"]).json();
    assert_eq!(
        (&record["worker"]["sha256"], &record["compilation"]),
        (&hash(old.as_bytes()).into(), &Value::Null)
    );
}

#[test]
fn a_gem_keeps_what_its_author_wrote() {
    let ground = Ground::new();
    let source = "export const one = (x?: { y: number }) => x!.y;\n";
    ground.file("one.mts", source);
    let pushed = ground.hauki(&["gem", "push", "one.mts", "workers/one"]);
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    assert_eq!(ground.hauki(&["gem", "push", "one.mts", "workers/one"]).json()["changed"], false);
    let gem = ground.hauki(&["gem", "show", "workers/one@1"]).json();
    assert_eq!(gem["original"], source);
    assert_eq!(gem["compilation"]["source_sha256"], hash(source.as_bytes()));
    assert_ne!(gem["source"], source);
    let ran = ground.hauki(&["clone", "gem-pointer://workers/one", "--out", "t.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ground.result("t.json", "one", &["{\"y\":3}"]), 3);
    let error = ground.call("t.json", "one", &[]).error();
    assert_eq!(error["worker"]["line"], 1, "{error}");
    assert_eq!(ground.hauki(&["destruct", "t.json"]).code, 0);
    assert_eq!(ground.hauki(&["gem", "rm", "workers/one"]).code, 0);
    let summons = ground.hauki(&["gem", "push", "one.mts", "workers/one"]).json();
    assert_eq!(summons["version"], "1", "nothing of it is left");
}

#[test]
fn scripts_and_conversations_are_modern_too() {
    let ground = Ground::new();
    ground.file("counter.ts", "let n = 0;\nexport const add = (by = 1): number => (n += by);\n");
    ground.file(
        "script.ts",
        "#!/usr/bin/env -S hauki proxy run\nconst counters = [1, 2].map(() => clone_object('counter.ts'));\n\
         for (const [i, c] of counters.entries()) c->add(i + 1);\n\
         print(`${counters.map(c => c->add()).join()}`, new Map([['a', 1]]).get('a'));\n\
         declare function clone_object(source: string): any;\ndeclare function print(...what: unknown[]): void;\n",
    );
    let ran = ground.hauki(&["proxy", "run", "script.ts"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "2,3 1\n"), "{}", ran.stderr);
    ground.file("fails.mjs", "const a = {};\n\nprint(`${a.b.c}`);\n");
    let error = ground.hauki(&["proxy", "run", "fails.mjs"]).error();
    assert_eq!((&error["code"], &error["script"]["line"]), (&"script_failed".into(), &3.into()), "{error}");
    let ran = ground.hauki_with(
        &["proxy", "repl"],
        "const xs = [3, 1, 2];\nconst top = (list) => {\n  return Math.max(...list);\n};\ntop(xs)\n`${xs.length}`\nvar old = 1; old + 1\n",
    );
    assert_eq!((ran.code, &*ran.stdout), (0, "3\n\"3\"\n2\n"), "{}", ran.stderr);
    let ran = ground.hauki_with(&["proxy", "run", "-", "--lang", "ts"], "const x: number = 4; print(x);");
    assert_eq!((ran.code, &*ran.stdout), (0, "4\n"), "{}", ran.stderr);
}

#[test]
fn sources_that_are_meant_to_break_the_compiler_are_refused() {
    let ground = Ground::new();
    for (what, text) in [
        ("brackets", format!("const a = {}1{};", "[".repeat(20_000), "]".repeat(20_000))),
        ("brackets that the compiler takes", format!("const a = {}1{};", "[".repeat(900), "]".repeat(900))),
        ("a long sum", format!("const a = 1{};", "+1".repeat(100_000))),
        ("a sum that the compiler takes", format!("const a = 1{};", "+1".repeat(1_900))),
        ("functions", format!("const a = {}1;", "x=>".repeat(20_000))),
        ("functions that the compiler takes", format!("const a = {}1;", "x=>".repeat(90))),
        ("blocks", "{".repeat(20_000) + &"}".repeat(20_000)),
        ("open brackets", format!("const a = {}", "(".repeat(200_000))),
        ("templates", "const a = `${".repeat(20_000)),
        ("a regular expression", format!("const a = /{}/u;", "(a|".repeat(300_000))),
    ] {
        ground.file("bomb.ts", &text);
        let ran = ground.hauki(&["summon", "bomb.ts", "--dry-run"]);
        let code = if ran.code == 0 { Value::Null } else { ran.error()["code"].clone() };
        assert!(
            [0, 65].contains(&ran.code),
            "{what}: {} {}",
            ran.code,
            &ran.stderr[..ran.stderr.len().min(400)]
        );
        assert!(ran.code == 0 || code == "bad_source", "{what}: {code}");
        assert!(ran.stderr.len() < 64 * 1024, "{what}");
    }
}

/// Answers whoever comes with one number.
fn serve_a_number() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1/", listener.local_addr().expect("is bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42");
        }
    });
    url
}

#[test]
fn who_is_invited_fetches_in_one_call_in_a_file_and_as_a_gem() {
    let ground = Ground::new();
    let url = serve_a_number();
    let once = format!("fetch('{url}n').then((answer) => answer.json())");
    let ran = ground.hauki(&["run", "--allow-net", &url, "-e", &once]);
    assert_eq!((ran.code, ran.stdout.trim()), (0, "42"), "{}", ran.stderr);
    let ran = ground.hauki(&["run", "-e", &once]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    assert!(ran.stderr.contains("--allow-net"), "{}", ran.stderr);

    let source = "export async function number(url: string): Promise<number> {\n\
                  \x20 const answer = await fetch(url);\n  return (await answer.json()) + 1;\n}\n\
                  export const fails = () => { throw new Error('no'); };\n";
    ground.file("number.ts", source);
    let ticket = ground.clone("number.ts", &["--allow-net", &url]);
    let at = format!("\"{url}n?q=1\"");
    assert_eq!(ground.result(&ticket, "number", &[&at]), 43);
    // Compiled again as it was, for its author's line.
    let told = ground.shown(&["proxy", "call", &ticket, "fails"]).stderr;
    assert!(told.contains("    5 | export const fails"), "{told}");
    let pushed = ground.hauki(&["gem", "push", "number.ts", "workers/number"]);
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    ground.hauki(&["clone", "gem-pointer://workers/number", "--allow-net", &url, "--out", "gem.json"]);
    assert_eq!(ground.result("gem.json", "number", &[&at]), 43);
    assert_eq!(ground.hauki(&["destruct", &ticket, "gem.json"]).code, 0);
}

/// What a pass does for the first time it does behind the filter: each row of the table in a compiler of its own.
#[test]
fn no_construct_needs_a_system_call_that_the_compiler_may_not_make() {
    let ground = Ground::new();
    let rows = format!("\n{}", include_str!("../../crates/compile/tests/constructs/table.txt"));
    let rows: Vec<&str> = rows.split("\n== ").skip(1).collect();
    assert!(rows.len() > 130);
    for row in rows {
        let (name, text) = row.split_once('\n').expect("has a text");
        let text = if text.contains("export ") {
            text.to_owned()
        } else {
            format!("export function main() {{\n{text}\n}}\n")
        };
        ground.file("row.ts", &text);
        let ran = ground.hauki(&["summon", "row.ts", "--dry-run", "--emit", "js"]);
        assert!([0, 65].contains(&ran.code), "{name}: {}", ran.stderr);
    }
}
