//! Imports from the file to the vault: a project's files and packages are one worker, which gives what Node gives for
//! them, and whose errors stand in the file that their author wrote.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::modern::Ground;
use serde_json::{Value, json};

/// A project as people have them: TypeScript beside JavaScript and JSON, packages of each kind, one of them a link.
const FILES: &[(&str, &str)] = &[
    ("package.json", r#"{"name": "shop", "private": true}"#),
    (
        "shop.mjs",
        "import { total, count, tally } from './lib/total.mjs';\n\
         import rates from './rates.mjs';\n\
         import pad, { blanks } from 'padded';\n\
         import { Stack } from 'stacked';\n\
         import deep from '@scope/deep/inner';\n\
         import * as linked from 'linked';\n\
         import { even } from './even.mjs';\n\
         export function sum(items) { tally(); return { total: total(items, rates.eur), count }; }\n\
         export const padded = (text) => [pad(text, 5), blanks];\n\
         export function stacked(...items) { const s = new Stack(); items.forEach((i) => s.push(i)); return [s.pop(), s.size]; }\n\
         export const names = () => [deep, linked.name, Object.keys(linked).sort()];\n\
         export const parity = (n) => even(n);\n\
         export function fails() { return total(null, 1); }\n",
    ),
    (
        "lib/total.mjs",
        "export let count = 0;\n\
         export function tally() { count += 1; }\n\
         const times = (rate) => (item) => item.n * rate;\n\
         export function total(items, rate) {\n\
           return items.map(times(rate)).reduce((a, b) => a + b, 0);\n\
         }\n",
    ),
    ("rates.mjs", "export default { eur: 2, gbp: 3 };\n"),
    // Each of the two needs the other.
    (
        "even.mjs",
        "import { odd } from './odd.mjs';\nexport function even(n) { return n === 0 || odd(n - 1); }\n",
    ),
    (
        "odd.mjs",
        "import { even } from './even.mjs';\nexport function odd(n) { return n !== 0 && even(n - 1); }\n",
    ),
    ("node_modules/padded/package.json", r#"{"name": "padded", "version": "1.0.0", "main": "lib"}"#),
    (
        "node_modules/padded/lib/index.js",
        "'use strict';\nvar fill = require('./fill');\nmodule.exports = function (text, n) { return fill(n - text.length) + text; };\n\
         module.exports.blanks = require('../blanks.json').blanks;\n",
    ),
    (
        "node_modules/padded/lib/fill.js",
        "exports.__esModule = false;\nmodule.exports = function (n) { return n > 0 ? ' '.repeat(n) : ''; };\n",
    ),
    ("node_modules/padded/blanks.json", r#"{"blanks": [" ", "\t"]}"#),
    (
        "node_modules/stacked/package.json",
        r#"{"name": "stacked", "type": "module", "exports": {".": {"import": "./esm.js", "require": "./broken.js"}}}"#,
    ),
    (
        "node_modules/stacked/esm.js",
        "export class Stack { #items = []; push(i) { this.#items.push(i); } pop() { return this.#items.pop(); } get size() { return this.#items.length; } }\n",
    ),
    ("node_modules/stacked/broken.js", "throw new Error('the wrong one');\n"),
    (
        "node_modules/@scope/deep/package.json",
        r#"{"name": "@scope/deep", "type": "module", "exports": {"./inner": "./src/inner.js", "./*": null}}"#,
    ),
    ("node_modules/@scope/deep/src/inner.js", "export default 'deep';\n"),
    ("packages/linked/package.json", r#"{"name": "linked", "type": "module", "exports": "./main.js"}"#),
    ("packages/linked/main.js", "export const name = 'linked';\nexport * from './more.js';\n"),
    ("packages/linked/more.js", "export const more = 1;\n"),
];

fn project() -> Ground {
    let ground = Ground::new();
    let top = ground.daemon.dir.path();
    for (name, text) in FILES {
        fs::create_dir_all(top.join(name).parent().expect("has one")).expect("is made");
        ground.file(name, text);
    }
    symlink("../packages/linked", top.join("node_modules/linked")).expect("is linked");
    ground
}

const CALLS: &[(&str, &[&str])] = &[
    ("sum", &[r#"[{"n": 2}, {"n": 3}]"#]),
    ("sum", &["[]"]),
    ("padded", &["\"ab\""]),
    ("stacked", &["1", "2", "\"c\""]),
    ("names", &[]),
    ("parity", &["10"]),
    ("parity", &["7"]),
];

#[test]
fn files_and_packages_of_a_project_are_one_worker_that_gives_what_node_gives() {
    let ground = project();
    let calls: Vec<String> =
        CALLS.iter().map(|(method, args)| format!("w.{method}({})", args.join(", "))).collect();
    let program =
        format!("import('./shop.mjs').then((w) => console.log(JSON.stringify([{}])))", calls.join(", "));
    let mut node = Command::new("node");
    let said = node.args(["-e", &program]).current_dir(ground.daemon.dir.path()).output().expect("node runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let wanted: Vec<Value> = serde_json::from_slice(&said.stdout).expect("is JSON");
    assert_eq!(wanted[0], json!({"total": 10, "count": 1}), "a variable of another module is seen as it is");

    let ticket = ground.clone("shop.mjs", &[]);
    for ((method, arguments), wanted) in CALLS.iter().zip(&wanted) {
        assert_eq!(&ground.result(&ticket, method, arguments), wanted, "{method}{arguments:?}");
    }
    // The line of the file in which it happened, whoever imported that.
    let ran = ground.call(&ticket, "fails", &[]);
    let error = ran.error();
    assert_eq!((ran.code, &error["worker"]["file"]), (7, &json!("lib/total.mjs")), "{}", ran.stderr);
    assert_eq!(error["worker"]["line"], 5, "{}", ran.stderr);
    assert_eq!(ground.hauki(&["destruct", &ticket]).code, 0);

    ground.file("once.mjs", "import { odd } from './odd.mjs';\nodd(3)\n");
    let ran = ground.hauki(&["run", "once.mjs"]);
    assert_eq!((ran.code, ran.stdout.trim()), (0, "true"), "{}", ran.stderr);
}

/// Each is the author's fault, at the import.
#[test]
fn what_cannot_be_imported_is_told_where_it_is_wished() {
    let ground = project();
    let outside = ground.daemon.dir.path().parent().expect("has one").join("outside.mjs");
    for (source, said) in [
        ("import fs from 'node:fs';\nexport const f = () => fs;\n", "fs"),
        ("import { readFile } from 'fs/promises';\nexport const f = () => readFile;\n", "fs"),
        ("import x from './nowhere.mjs';\nexport const f = () => x;\n", "there is no file ./nowhere.mjs"),
        ("import x from 'nobody';\nexport const f = () => x;\n", "nobody"),
        ("import x from '@scope/deep/other';\nexport const f = () => x;\n", "@scope/deep/other"),
        ("import x from '../../../../../../etc/hostname';\nexport const f = () => x;\n", "outside"),
        ("import { absent } from './odd.mjs';\nexport const f = () => absent;\n", "absent"),
    ] {
        ground.file("wrong.mjs", source);
        let ran = ground.hauki(&["summon", "wrong.mjs"]);
        let error = ran.error();
        assert_eq!((ran.code, &error["worker"]["line"]), (65, &json!(1)), "{source}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{source}: {}", ran.stderr);
    }
    assert!(!outside.exists());
}
