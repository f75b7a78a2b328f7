//! Which engine is in which program: the mended one wherever there is one.
//!
//! The crate that the engine's sources come from builds a library of its own, unmended; a build that linked
//! that one would pass every test of the product that does not happen to meet a fault. So each program is
//! searched for the text that our own half of the engine puts into it. One of these is this binary, so it is alone.

use std::fs;
use std::path::Path;

const MARK: &[u8] = b"hauki-engine-mended:";
const IMAGE: &[u8] = hauki_node::init::IMAGE;

/// What stands behind each mark.
fn marks(program: &[u8]) -> Vec<String> {
    memchr::memmem::find_iter(program, MARK)
        .map(|at| program[at + MARK.len()..].split(|byte| *byte == 0).next().unwrap_or_default())
        .map(|rest| String::from_utf8_lossy(rest).into_owned())
        .filter(|rest| rest.len() == 16)
        .collect()
}

fn marks_of(path: impl AsRef<Path>) -> Vec<String> {
    marks(&fs::read(path).expect("is there"))
}

fn ours() -> Vec<String> {
    vec![mquickjs::patches().to_str().expect("hexadecimal").to_owned()]
}

#[test]
fn the_init_in_a_vault_carries_the_mended_engine() {
    assert_eq!(marks(IMAGE), ours());
}

#[test]
fn a_test_runs_the_mended_engine() {
    hauki_lang::engine::check("function f() {}", "f.js").expect("is a program");
    // Its own, and the one of the image above.
    assert_eq!(marks_of(std::env::current_exe().expect("is known")), [ours(), ours()].concat());
}

#[test]
fn the_runner_of_scripts_carries_the_mended_engine_and_the_command_none() {
    assert_eq!(marks_of(env!("CARGO_BIN_EXE_hauki-script")), ours());
    assert_eq!(marks_of(env!("CARGO_BIN_EXE_hauki")), Vec::<String>::new());
}

#[test]
fn the_daemon_has_no_engine_but_the_one_in_the_init() {
    assert_eq!(marks_of(env!("CARGO_BIN_EXE_haukid")), ours(), "the image is in the daemon, once");
}
