//! Well-known JavaScript of the time of ES5, from the npm registry at the versions and hashes of
//! `tests/libraries/package-lock.json`: through the rewriter, and as worker code in real vaults.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::daemon::{self, Daemon};
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;
use hauki_lang::arrow::rewrite;
use hauki_lang::engine::check;
use serde_json::Value;

/// Most of these ask where to put themselves; what CommonJS has is an answer that they all know.
const HEAD: &str = "var exports = {}, module = {exports: exports};\n";

const FILES: [&str; 20] = [
    "acorn-es5/dist/acorn.js",
    "async/lib/async.js",
    "big.js/big.js",
    "bignumber.js/bignumber.js",
    "bignumber.js/bignumber.min.js",
    "dot/doT.js",
    "esprima/esprima.js",
    "handlebars/dist/handlebars.js",
    "handlebars/dist/handlebars.min.js",
    "he/he.js",
    "json5/lib/json5.js",
    "lodash/index.js",
    "moment/min/moment.min.js",
    "moment/moment.js",
    "mustache/mustache.js",
    "semver/semver.js",
    "simple-statistics/dist/simple_statistics.js",
    "sprintf-js/src/sprintf.js",
    "underscore/underscore-min.js",
    "underscore/underscore.js",
];

/// Installed once and kept below `target`; npm holds each package against its hash.
fn modules() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libraries");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libraries");
        let (lock, done) = (ours.join("package-lock.json"), folder.join("installed.json"));
        let wanted = fs::read(&lock).expect("is in the tree");
        if fs::read(&done).ok().as_ref() != Some(&wanted) {
            fs::create_dir_all(&folder).expect("is ours");
            for file in ["package.json", "package-lock.json"] {
                fs::copy(ours.join(file), folder.join(file)).expect("is copied");
            }
            let npm = Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"])
                .current_dir(&folder)
                .output()
                .expect("npm is there: packaging/setup-debian.sh tests");
            assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
            fs::write(&done, wanted).expect("is ours");
        }
        folder.join("node_modules")
    })
}

/// A validator that people use, at its strictest: what it does not know it refuses.
#[test]
fn ajv_takes_our_schemas_in_strict_mode() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node")
        .arg(root.join("tests/libraries/schemas.js"))
        .args([modules(), &root.join("man/hauki-ticket.schema.json"), &root.join("man/openapi.json")])
        .output()
        .expect("node is there: packaging/setup-debian.sh tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    for (name, fits) in said["judged"].as_object().expect("is an object") {
        assert_eq!(fits, &Value::Bool(matches!(name.as_str(), "good" | "v6")), "{name}");
    }
    assert!(said["types"].as_u64().is_some_and(|types| types > 30), "{said}");
}

fn text(file: &str) -> String {
    fs::read_to_string(modules().join(file)).expect(file)
}

#[test]
fn they_come_out_of_the_rewriter_unchanged_also_behind_an_arrow() {
    for file in FILES {
        let source = text(file);
        assert!(matches!(rewrite(&source).text, Cow::Borrowed(same) if same == source), "{file}");
        // With an arrow somewhere, all of the text is read.
        let wanted = format!("call_other(a,\"b\");\n{source}");
        assert!(rewrite(&format!("a->b();\n{source}")).text == wanted, "{file}");
    }
}

#[test]
fn their_method_calls_as_arrows_become_what_a_whole_parser_says() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libraries/arrows.js");
    let mut calls = 0;
    for (index, file) in FILES.iter().enumerate() {
        // All of them, and every third.
        for every in ["1", "3"] {
            let node = Command::new("node")
                .args([&script, &modules().join("acorn"), &modules().join(file)])
                .args([every, &index.to_string()])
                .output()
                .expect("node is there: packaging/setup-debian.sh tests");
            assert!(node.status.success(), "{file}: {}", String::from_utf8_lossy(&node.stderr));
            let told: Value = serde_json::from_slice(&node.stdout).expect("is JSON");
            let (source, wanted) = (told["source"].as_str(), told["wanted"].as_str());
            let (source, wanted) = (source.expect("is text"), wanted.expect("is text"));
            let got = rewrite(source).text;
            let lines = got.lines().zip(wanted.lines()).find(|(got, wanted)| got != wanted);
            assert!(got == wanted, "{file}, every {every}: {lines:?}");
            calls += told["count"].as_u64().expect("is a number");
        }
    }
    assert!(calls > 4_000, "only {calls} calls were tried");
}

#[tokio::test]
async fn they_run_in_a_vault() {
    let table = [
        (
            "acorn-es5/dist/acorn.js",
            "L.parse('a = /x/g.test(b) ? 1 : 2').body[0].expression.right.type",
            r#""ConditionalExpression""#,
        ),
        (
            "async/lib/async.js",
            "L.map([1, 2, 3], function (x, done) { done(null, x * 2) }, function (e, all) { r = all })",
            "[2,4,6]",
        ),
        ("big.js/big.js", "new L('0.1').plus('0.2').times('1e30').toString()", r#""3e+29""#),
        (
            "bignumber.js/bignumber.js",
            "new L('123456789012345678901').times('987654321').toFixed()",
            r#""121932631124828532112251181221""#,
        ),
        ("fast-levenshtein/levenshtein.js", "L.get('kitten', 'sitting')", "3"),
        ("dot/doT.js", "L.template('<b>{{=it.a}}</b>')({a: 7})", r#""<b>7</b>""#),
        ("he/he.js", "L.encode('a < ä') + L.decode('&lt;&auml;')", r#""a &#x3C; &#xE4;<ä""#),
        ("esprima/esprima.js", "L.parse('a === 1').body[0].expression.operator", r#""===""#),
        ("json5/lib/json5.js", "L.parse('{a: 1, b: [1, 2,], /* c */}')", r#"{"a":1,"b":[1,2]}"#),
        ("minimist/index.js", "L(['-x', '3', '--y=4', 'rest'])", r#"{"_":["rest"],"x":3,"y":4}"#),
        ("moment/moment.js", "L.duration(90, 'minutes').asHours()", "1.5"),
        ("mustache/mustache.js", "L.render('{{#l}}{{a}}&{{/l}}', {l: [{a: 1}, {a: '<'}]})", r#""1&&lt;&""#),
        ("ms/index.js", "[L('2 days'), L(60000)]", r#"[172800000,"1m"]"#),
        ("seedrandom/seedrandom.js", "[L('a')(), L('a')()]", "[0.43449421599986604,0.43449421599986604]"),
        (
            "sprintf-js/src/sprintf.js",
            "L.sprintf('%05.2f|%-5s|%x', 3.14159, 'ab', 255)",
            r#""03.14|ab   |ff""#,
        ),
    ];
    let daemon = Daemon::start();
    let mut wrong = Vec::new();
    for (file, expression, wanted) in table {
        let said = run(&daemon, file, expression).await;
        if said.as_deref() != Ok(wanted) {
            wrong.push(format!("{file}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Behind the library, in a vault of its own, what an expression gives; `L` is the library.
async fn run(daemon: &Daemon, file: &str, expression: &str) -> Result<String, String> {
    run_source(daemon, &format!("{HEAD}{}", text(file)), expression).await
}

async fn run_source(daemon: &Daemon, source: &str, expression: &str) -> Result<String, String> {
    let method =
        format!("function run() {{ var L = module.exports, r; var v = {expression}; return r || v }}");
    let wishes = Wishes { memory_bytes: Some(16 << 20), ..Wishes::default() };
    let request = daemon::spawning(&format!("{source}\n{method}\n"), wishes);
    let spawned = daemon.endpoint().spawn(&request).await.map_err(|error| format!("{error:?}"))?;
    let options = GhostOptions { beat: false, ..GhostOptions::default() };
    let ghost = Ghost::connect(&spawned.ticket, options).await.expect("connects");
    let result = ghost.call("run", None).await;
    ghost.destruct(Duration::ZERO).await.expect("ends");
    result.map(|value| value.get().to_owned()).map_err(|error| format!("{error:?}"))
}

/// The tests that packages bring along, on the stage of `libraries/stage.js`: how many checks there are, all of
/// which Node passes too.
#[tokio::test]
async fn their_own_tests_pass_in_a_vault() {
    let table: [(&str, &[&str], u64); 3] = [
        (
            "minimist/index.js",
            &[
                "bool",
                "dash",
                "default_bool",
                "dotted",
                "long",
                "num",
                "parse",
                "parse_modified",
                "short",
                "whitespace",
            ],
            104,
        ),
        ("sprintf-js/src/sprintf.js", &["test"], 59),
        ("semver/semver.js", &["big-numbers", "clean", "gtr", "index", "ltr", "major-minor-patch"], 1481),
    ];
    let daemon = Daemon::start();
    let stage = fs::read_to_string("tests/libraries/stage.js").expect("is in the tree");
    for (file, tests, wanted) in table {
        // semver writes its two lists in an order of its own, and arrays have no holes: they are made long first.
        let library = text(file).replace("exports.re = []", "exports.re = new Array(40)");
        let library = library.replace("exports.src = []", "exports.src = new Array(40)");
        let package = file.split('/').next().unwrap_or_default();
        let mut source = format!("{HEAD}{library}\n{stage}\n");
        for name in tests {
            let test = text(&format!("{package}/test/{name}.js"));
            source +=
                &format!("played.play(function (require, describe, it) {{\n{test}\n}}, module.exports);\n");
        }
        let told = run_source(&daemon, &source, "played.told()").await;
        assert_eq!(told, Ok(format!(r#"{{"passed":{wanted},"failed":[]}}"#)), "{file}");
    }
}

/// What `hauki-worker.7` says stops the others, as the engine says it.
#[tokio::test]
async fn what_the_engine_lacks_stops_the_others_with_its_name() {
    let table = [
        ("underscore/underscore.js", "0", "cannot read property '_' of null"),
        ("lodash/index.js", "0", "cannot read property 'Array' of null"),
        ("semver/semver.js", "0", "invalid array subscript"),
        ("moment/moment.js", "L()", "only Date.now() is supported"),
    ];
    let daemon = Daemon::start();
    for (file, expression, wanted) in table {
        check(&text(file), file).unwrap_or_else(|error| panic!("{file} does not parse: {error:?}"));
        let said = run(&daemon, file, expression).await;
        assert!(said.as_ref().is_err_and(|error| error.contains(wanted)), "{file}: {said:?}");
    }
}
