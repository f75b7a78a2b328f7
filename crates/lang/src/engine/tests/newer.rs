//! The lists of what is newer than the engine, held against the engine.

use super::*;
use crate::newer::ABSENT;
use crate::runtime_names::{GLOBALS, METHODS, STATICS};

/// Otherwise sources would be compiled for what is there anyway.
#[test]
fn the_engine_has_none_of_them() {
    let mut source = "var there = [];".to_owned();
    let mut ask = |path: &str| {
        source.push_str(&format!("if (typeof {path} !== 'undefined') there.push(\"{path}\");"));
    };
    for name in GLOBALS.iter().chain(ABSENT) {
        ask(&format!("globalThis.{name}"));
    }
    for (owner, names) in STATICS {
        names.iter().for_each(|name| ask(&format!("{owner}.{name}")));
    }
    for name in METHODS {
        ask(&format!("[].{name}"));
        ask(&format!("''.{name}"));
    }
    source.push_str("function all() { return there; }");
    assert_eq!(call(&mut load(&source), "all", None).expect("runs"), "[]");
}
