//! Compiled programs of the caller's side: what they begin is waited for, and what nobody catches ends them.

use super::*;
use crate::directive::joined;

/// Prints, sleeps, and knows one object.
#[derive(Default)]
struct ScriptCaller {
    lines: Vec<String>,
    slept_ms: u64,
}

impl Efuns for ScriptCaller {
    fn interrupt(&mut self) -> bool {
        false
    }
    fn limit(&self) -> usize {
        1 << 20
    }
    fn form(&self) -> SourceForm {
        SourceForm::Compiled
    }
    fn wants(&self, efun: &str) -> Option<&'static [Want]> {
        Some(match efun {
            "later" => &[Want::Text, Want::Text, Want::Json("an argument"), Want::Text],
            _ => &[Want::Text],
        })
    }
    fn call(&mut self, efun: &str, arguments: &[Argument]) -> Result<EfunValue, String> {
        let text = arguments.first().map_or("", Argument::text);
        match efun {
            "print" | "warn" => self.lines.push(format!("{efun} {text}")),
            "sleep" => {
                self.slept_ms += text.parse::<u64>().unwrap_or_default();
                std::thread::sleep(std::time::Duration::from_millis(text.parse().unwrap_or_default()));
            }
            "args" => return Ok(EfunValue::Json("[]".to_owned())),
            "find" => return Ok(EfunValue::Json(r#"{"vault":"vlt_p","worker":"p","node":"n"}"#.to_owned())),
            "later" => return Ok(EfunValue::Text("1".to_owned())),
            "wait" => return Ok(EfunValue::Json("42".to_owned())),
            "now" | "monotonic" => return Ok(clock::tell(efun).map_or(EfunValue::Nothing, EfunValue::Text)),
            _ => {}
        }
        Ok(EfunValue::Nothing)
    }
}

fn program(text: &str) -> String {
    joined(text, r#"{"version":3,"sources":["run.ts"],"names":[],"mappings":";AASE"}"#)
}

fn script(caller: &mut ScriptCaller, form: SourceForm) -> Script {
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    Script::new(memory, 7, caller, form).expect("starts")
}

#[test]
fn what_a_program_has_begun_is_waited_for() {
    let mut caller = ScriptCaller::default();
    let mut script = script(&mut caller, SourceForm::Compiled);
    let text = "setTimeout(function () { console.log('timer') }, 3); var o = find_object('p');
later(o, 'say').then(function (v) { console.warn('said', v) }); Promise.resolve(1).then(print); print('first')";
    assert!(script.run(&mut caller, &program(text), "run.ts", None).is_ok_and(|value| value.is_none()));
    assert_eq!(caller.lines, ["print first", "print 1", "warn said 42", "print timer"]);
    assert!(caller.slept_ms >= 1);
}

#[test]
fn the_value_of_a_statement_is_what_it_promises() {
    let mut caller = ScriptCaller::default();
    let mut script = script(&mut caller, SourceForm::Compiled);
    let text = "Promise.resolve({a: 1}).then(function (v) { return new Promise(function (k) { setTimeout(k, 1, v) }) })";
    let shown = script.run(&mut caller, &program(text), "repl", Some("show")).expect("runs");
    assert_eq!(shown.as_deref(), Some("{ a: 1 }"));
    // ES5 runs in the same session.
    let shown = script.run(&mut caller, "var a = 2; a + 1", "repl", Some("show")).expect("runs");
    assert_eq!(shown.as_deref(), Some("3"));
}

#[test]
fn what_nobody_catches_ends_a_program_with_its_place() {
    for text in [
        "function bad() { throw new Error('far') } Promise.resolve().then(bad)",
        "function bad() { throw new Error('far') } setTimeout(bad, 1)",
        "function bad() { throw new Error('far') } bad()",
    ] {
        let mut caller = ScriptCaller::default();
        let mut script = script(&mut caller, SourceForm::Compiled);
        let uncaught = script.run(&mut caller, &program(text), "run.ts", None).expect_err("throws");
        assert_eq!(uncaught.error.message, "Error: far", "{text}");
        assert_eq!((uncaught.error.line, uncaught.error.column), (Some(10), Some(3)), "{text}: {uncaught:?}");
    }
}

#[test]
fn a_session_without_the_run_time_says_so() {
    let mut caller = ScriptCaller::default();
    let mut script = script(&mut caller, SourceForm::Plain);
    let uncaught = script.run(&mut caller, &program("1"), "run.ts", None).expect_err("is refused");
    assert!(uncaught.error.message.contains("without the run-time"), "{uncaught:?}");
}
