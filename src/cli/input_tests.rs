//! Records in every spelling, and what is no record.

use super::*;

const VAULT: &str = "vlt_01HF7YAT00000000000000001A";

fn names(text: &str) -> Vec<String> {
    parse("f", text.as_bytes()).into_iter().map(|item| item.name).collect()
}

#[test]
fn records_come_in_every_spelling() {
    let line = format!(r#"{{"v":1,"kind":"vault","id":"{VAULT}"}}"#);
    let pretty = format!("{{\n  \"kind\": \"vault\",\n  \"id\": \"{VAULT}\"\n}}");
    let text = format!("{line}\n\n{pretty}\n{pretty}{line}\r\n[{line},\n{line}]\n{VAULT}\n  {VAULT}  ");
    let items = parse("f", text.as_bytes());
    assert_eq!(items.len(), 8);
    for item in &items {
        assert_eq!(item.vault().expect("names a vault").as_str(), VAULT);
    }
    assert!(parse("f", b" \n\n").is_empty());
}

#[test]
fn a_bad_record_does_not_stop_the_others() {
    let text = format!("{{\"kind\":\"vault\",\n oops\n{{\"id\":\"{VAULT}\"}}\nnonsense\n{VAULT}\n");
    assert_eq!(names(&text), ["f:2", VAULT, "nonsense", VAULT]);
    let items = parse("f", text.as_bytes());
    assert!(items[0].vault().is_err() && items[3].vault().is_ok());
    assert!(parse("f", b"\xff")[0].vault().is_err());
    let told = parse("f", b"{}\nno name\n")[1].vault().expect_err("is nothing").message;
    assert_eq!(told, "f:2: \"no name\" is neither a record, nor an id, nor a name");
}

#[test]
fn a_record_that_names_two_vaults_or_is_of_another_version_names_none() {
    let other = "vlt_01HF7YAT00000000000000002B";
    for text in [
        format!(r#"{{"v":1,"kind":"vault","id":"{VAULT}","vault":"{other}"}}"#),
        format!(r#"{{"v":1,"kind":"ticket","id":"{other}","vault":"{VAULT}"}}"#),
        format!(r#"{{"v":2,"kind":"vault","id":"{VAULT}"}}"#),
        format!(r#"{{"v":"1","kind":"vault","id":"{VAULT}"}}"#),
    ] {
        let items = parse("f", text.as_bytes());
        assert_eq!(items[0].vault().expect_err(&text).kind.code, "bad_record");
    }
    let same = format!(r#"{{"v":1,"kind":"spool","id":"spl_1","vault":"{VAULT}"}}"#);
    assert_eq!(parse("f", same.as_bytes())[0].vault().expect("names one").as_str(), VAULT);
}

#[test]
fn much_on_one_line_or_on_many_is_read_in_one_pass() {
    // Each of these took minutes: for every item what was before it, or the rest of its line, was read anew.
    let count = 200_000;
    let ids = format!("{VAULT}\n").repeat(count);
    for text in ["{}".repeat(count), "{}\n".repeat(count), format!("[{}1]", "1,".repeat(count - 1)), ids] {
        assert_eq!(parse("f", text.as_bytes()).len(), count);
    }
    let items = parse("f", "{\n".repeat(count).as_bytes());
    assert!(items.len() >= count - 1 && items[count - 2].name.starts_with(&format!("f:{count}")));
}

#[test]
fn a_record_is_read_strictly_and_a_byte_order_mark_is_nothing() {
    let items = parse("f", format!("\u{feff}{{\"kind\":\"vault\",\"id\":\"{VAULT}\"}}\n").as_bytes());
    assert_eq!(items[0].vault().expect("names a vault").as_str(), VAULT);
    for text in [r#"{"kind":"vault","kind":"ticket"}"#, r#"{"kind":"vault","id":"\ud800"}"#] {
        let items = parse("f", text.as_bytes());
        assert_eq!(items[0].vault().expect_err(text).kind.code, "bad_record");
    }
    let items = parse("f", br#"{"v":1,"kind":"ticket","lease":[1,2,false,3]}"#);
    let told = items[0].ticket().expect_err("has a list for an object").text(None);
    assert!(told.contains("lease: ") && told.contains("expected an object"), "{told}");
}

#[test]
fn failures_are_passed_on_and_unknown_fields_do_not_matter() {
    let text =
        format!(r#"{{"ok":false,"kind":"error","id":"x"}} {{"kind":"ticket","vault":"{VAULT}","new":1}}"#);
    let items = parse("f", text.as_bytes());
    assert!(items[0].passed_on().is_some());
    assert!(items[1].passed_on().is_none() && items[1].is_ticket());
    assert_eq!(items[1].vault().expect("names a vault").as_str(), VAULT);
    assert_eq!(items[1].ticket().expect_err("is incomplete").kind.code, "bad_ticket");
    assert_eq!(items[1].summons().expect_err("names none").kind.exit, Exit::Data);
}
