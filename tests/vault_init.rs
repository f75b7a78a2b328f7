#[path = "support/probe.rs"]
mod probe;

#[test]
fn builds() {
    println!("{}", probe::init_binary().display());
    println!("{}", probe::probe_binary().display());
}
