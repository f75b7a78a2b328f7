//! Compiled texts: their directive, and places in errors.

use super::*;
use crate::directive::{DIRECTIVE, joined};

/// A compiled worker of one file whose map has these lines, the directive's left out.
fn compiled(program: &str, mappings: &str) -> String {
    let map = format!(r#"{{"version":3,"sources":["scout.ts"],"names":[],"mappings":";{mappings}"}}"#);
    joined(program, &map)
}

fn load_compiled(source: &str) -> Result<Engine, WorkerError> {
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", form(source, "w/scout.ts")?)?;
    engine.load(&mut Notes::default(), source, "w/scout.ts", "[]", Deadline::after_ms(LONG))?;
    Ok(engine)
}

#[test]
fn a_compiled_text_of_another_version_is_refused_by_its_name() {
    for refused in [
        load_compiled("\"hauki runtime 2\";\nvar a;").err(),
        check("\"hauki runtime 2\";\nvar a;", "w/scout.ts").err(),
        seen("\"hauki runtime 2\";\nvar a;", "w/scout.ts").err(),
    ] {
        let error = refused.expect("is refused");
        assert_eq!((error.kind, error.file.as_deref()), (WorkerErrorKind::Syntax, Some("w/scout.ts")));
        assert!(error.message.contains("version 2 of the run-time"), "{error:?}");
    }
}

#[test]
fn arrows_of_a_compiled_text_are_the_compilers_and_not_rewritten() {
    let source = format!("{DIRECTIVE}function f(a) {{ for (var n = 0; a-->0;) n++; return n }}");
    assert_eq!(seen(&source, "f").expect("is one"), source);
    let error = check(&format!("{DIRECTIVE}function f(a) {{ a->b(1) }}"), "f").expect_err("is no program");
    assert_eq!(error.kind, WorkerErrorKind::Syntax);
}

#[test]
fn errors_tell_the_authors_places() {
    // Line 2 is scout.ts:10:3, and from its column 20 on scout.ts:11:5; line 3 has no origin; line 4 is scout.ts:12:1.
    let mappings = "AASE,mBACE;;AACJ";
    let program = "function f(a) { if (a) nothing(); return 1 }\n\nfunction g() { return f(1) }";
    let mut engine = load_compiled(&compiled(program, mappings)).expect("loads");
    let error = call(&mut engine, "g", None).expect_err("throws");
    assert_eq!(error.file.as_deref(), Some("w/scout.ts"));
    assert_eq!((error.line, error.column), (Some(11), Some(5)), "{error:?}");
    assert_eq!(error.stack.as_deref(), Some("    at f (w/scout.ts:11:5)\n    at g (w/scout.ts:12:1)"));
    // While it is parsed.
    let source = compiled("var a = ;\n", "AASE");
    for error in [load_compiled(&source).err(), check(&source, "w/scout.ts").err()] {
        let error = error.expect("is no program");
        assert_eq!((error.kind, error.line, error.column), (WorkerErrorKind::Syntax, Some(10), Some(3)));
        assert!(!error.message.contains("MicroQuickJS"), "the author did not write this: {error:?}");
    }
    // While it is loaded, in text that has no origin.
    let error = load_compiled(&compiled("\nthrow new Error('x')", "AASE")).err().expect("throws");
    assert_eq!((error.file.as_deref(), error.line, error.column), (Some("w/scout.ts"), None, None));
    // What was called in vain is looked up in the text that is there.
    let source = compiled("\n\nfunction f() { var o = {}; o.nope() }", ";;AASE");
    let error = call(&mut load_compiled(&source).expect("loads"), "f", None).expect_err("throws");
    assert!(error.message.starts_with("TypeError: o.nope is not a function"), "{error:?}");
    assert_eq!((error.line, error.column), (Some(10), Some(3)));
}

#[test]
fn of_several_files_the_one_with_the_error_is_named() {
    let map = r#"{"version":3,"sources":["scout.ts","lib/far.ts"],"names":[],"mappings":";ACAA;ADAA"}"#;
    let source = joined("function far() { throw new Error('x') }\nfunction f() { far() }", map);
    let error = call(&mut load_compiled(&source).expect("loads"), "f", None).expect_err("throws");
    assert_eq!((error.file.as_deref(), error.line), (Some("lib/far.ts"), Some(1)));
    assert_eq!(error.stack.as_deref(), Some("    at far (lib/far.ts:1:1)\n    at f (scout.ts:1:1)"));
}

#[test]
fn a_map_is_part_of_the_state_that_travels_and_a_broken_one_harms_nothing() {
    let engine = load_compiled(&compiled("function f() {}", "AAAA")).expect("loads");
    let json = serde_json::to_string(engine.state()).expect("is JSON");
    assert_eq!(&serde_json::from_str::<WorkerState>(&json).expect("is read back"), engine.state());
    for map in ["", "{", "[]", r#"{"version":3,"sources":[null],"mappings":"gggggggggggggg"}"#] {
        let source = joined("function f() { throw new Error('x') }", map);
        let error = call(&mut load_compiled(&source).expect("loads"), "f", None).expect_err("throws");
        assert_eq!((error.message.as_str(), error.line), ("Error: x", None), "{map}");
    }
}
