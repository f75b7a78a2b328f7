//! How patches are read and applied, and that none is taken for sources that are not its own.

#[path = "../build/patch.rs"]
mod patch;

use std::path::Path;

use patch::{apply, digest, hash, parse, read};

const SOURCE: &str = "one\ntwo\nthree\nfour\n";

fn edit(range: &str, old: &str, new: &str) -> String {
    format!("@@ a.c {range} {:016x}\n{new}", hash(old.as_bytes()))
}

fn mended(edits: &str) -> Result<String, String> {
    apply("a.c", SOURCE, &parse("p", &format!("Why.\n{edits}"))?)
}

#[test]
fn lines_are_replaced_added_and_taken_away() {
    let all = edit("1-1", "one\n", "")
        + &edit("2+", "two\n", "and a half\n")
        + &edit("3-4", "three\nfour\n", "3\n");
    assert_eq!(mended(&all).as_deref(), Ok("two\nand a half\n3\n"));
    assert_eq!(mended(&edit("4+", "four\n", "five\n")).as_deref(), Ok("one\ntwo\nthree\nfour\nfive\n"));
}

#[test]
fn a_patch_of_other_sources_is_refused() {
    let told = mended(&edit("2-2", "too\n", "2\n")).expect_err("the line is another");
    assert!(told.starts_with("p:2: lines 2 to 2 of a.c are not those that were mended"), "{told}");
    assert!(mended(&edit("4-5", "four\n", "2\n")).expect_err("too short").contains("no line 5"));
    assert!(mended(&edit("2+", "too\n", "2\n")).is_err(), "an addition looks at the line before");
}

#[test]
fn edits_that_touch_each_other_are_refused() {
    for (one, other) in [("1-3", "3-4"), ("2-3", "2-3"), ("2+", "2+"), ("1-3", "2+")] {
        let lines = |range: &str| match range {
            "1-3" => "one\ntwo\nthree\n",
            "3-4" => "three\nfour\n",
            "2-3" => "two\nthree\n",
            _ => "two\n",
        };
        let told = mended(&(edit(one, lines(one), "x\n") + &edit(other, lines(other), "y\n")));
        let told = told.expect_err("they touch");
        assert!(told.contains("change the same lines of a.c"), "{told}");
    }
    let beside = edit("1-2", "one\ntwo\n", "x\n") + &edit("2+", "two\n", "y\n");
    assert_eq!(mended(&beside).as_deref(), Ok("x\ny\nthree\nfour\n"));
}

#[test]
fn a_patch_without_reason_or_effect_is_refused() {
    assert!(
        parse("p", &edit("1-1", "one\n", "1\n")).expect_err("no words").contains("begins with what is wrong")
    );
    assert!(parse("p", "Only words.\n").is_err());
    assert!(mended(&edit("1+", "one\n", "")).is_err());
    for head in
        ["a.c", "a.c 1-1", "a.c 1 00", "a.c 3-1 00", "a.c 0-1 00", "a.c 0+ 00", "a.c 1-1 xx", "a.c 1-1 00 1"]
    {
        assert!(parse("p", &format!("Why.\n@@ {head}\nx\n")).is_err(), "{head}");
    }
}

#[test]
fn whatever_changes_in_a_patch_changes_the_digest() {
    let of = |text: &str| digest(&parse("p", &format!("Why.\n{text}")).expect("is whole"));
    let first = of(&edit("1-1", "one\n", "1\n"));
    assert_eq!(first.len(), 16);
    assert_ne!(first, of(&edit("1-1", "one\n", "2\n")));
    assert_ne!(first, of(&edit("2-2", "one\n", "1\n")));
}

#[test]
fn the_patches_of_this_crate_are_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches");
    let files = std::fs::read_dir(&directory).expect("is there").flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "patch")).count();
    let edits = read(&directory).expect("all are well formed");
    assert!(files > 0 && edits.len() >= files, "{files} files, {} edits", edits.len());
}
