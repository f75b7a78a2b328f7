//! Functions of a script that workers call: as arguments until the call has ended, as tools until the script has.

use crate::support::daemon::Daemon;

const WORKER: &str = "var held;
function each(list, f) { return list.map(function (x) { return f->call(x); }); }
function both(f, g) { return gather([later(f, 'call', 1), later(g, 'call', 2)]); }
function named(tools, q) { return [tools->search(q), tools->count()]; }
function ask(q) { return previous_object().tools->search(q); }
function keep(f) { held = f; return objectp(f); }
function late() { return held->call(1); }
function plain(x) { return x; }";

/// What a script prints that ends well.
fn prints(daemon: &Daemon, name: &str, source: &str) -> Vec<String> {
    let dir = daemon.dir.path();
    std::fs::write(dir.join("tools.js"), WORKER).expect("the directory is ours");
    let script = dir.join(name);
    std::fs::write(&script, source).expect("the directory is ours");
    let output =
        daemon.hauki().args(["proxy", "run"]).arg(script).current_dir("/").output().expect("hauki runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}{stderr}", output.status);
    stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_worker_calls_the_functions_that_it_is_lent() {
    let daemon = Daemon::start();
    let said = prints(
        &daemon,
        "script.js",
        r#"var a = clone_object("tools.js"), b = clone_object("tools.js"), count = 0;
print(a->each([1, 2, 3], function (x) { count++; return x * 10; }), count);
print(a->named({search: function (q) { return {q: q}; }, count: function () { return ++count; }}, "x"));
// One waits for a worker itself, which is lent another.
print(a->each([1], function (x) { return b->each([x, 7], function (y) { return y + 1; }); }));
// Two that are under way at the same time, and one that gives nothing.
print(a->both(function (x) { return -x; }, function () {}));
try { a->each([1], function () { throw new Error("mine"); }); } catch (e) { print(e.code, /mine/.test(e.message)); }
try { a->each([1], function (x) { var ring = {}; ring.ring = ring; return ring; }); } catch (e) { print(e.code, /cyclic/.test(e.message)); }
// An object that the script holds goes as what it is, and comes back.
print(a->each([b], function (o) { return o === b; }));
// With the call it ends.
print(a->keep(function () { return 1; }));
try { a->late(); } catch (e) { print(e.code, /gone/.test(e.message)); }
var waits = later(a, "each", [1, 2], function (x) { return x; });
print(waits.wait(), waits.wait());
// Of more than may be offered at a time, because none of them is left.
for (var i = 0; i < 40; i++) a->each([i], function (x) { return x; });
try { offer(a, {x: 1}); } catch (e) { print(e.name); }
offer(a, {search: function (q) { return "found " + q; }});
print(a->ask("it"), a->plain(1), b->plain(2));
offer(a, {search: function (q) { return "now " + q; }});
print(a->ask("it"));
"#,
    );
    let wanted = [
        "[10,20,30] 3",
        r#"[{"q":"x"},4]"#,
        "[[2,8]]",
        "[-1,null]",
        "worker_failed true",
        "worker_failed true",
        "[true]",
        "true",
        "worker_failed true",
        "[1,2] [1,2]",
        "TypeError",
        "found it 1 2",
        "now it",
    ];
    assert_eq!(said, wanted);
}

#[test]
fn functions_of_today_may_be_awaited() {
    let daemon = Daemon::start();
    let said = prints(
        &daemon,
        "script.mjs",
        r#"const a = clone_object("tools.js");
const main = async () => {
  console.log(JSON.stringify(a->each([1, 2], async (x) => { await null; return x + 1; })));
  const [one, two] = await Promise.all([later(a, "each", [1], (x) => x), later(a, "each", [2], (x) => -x)]);
  console.log(JSON.stringify([one, two]));
  offer(a, { search: async (q) => `found ${q}` });
  console.log(a->ask("it"));
  try {
    a->each([1], async () => { throw new Error("mine"); });
  } catch (error) {
    console.log(error.code, error.message.includes("mine"));
  }
};
main();
"#,
    );
    assert_eq!(said, ["[2,3]", "[[1],[-2]]", "found it", "worker_failed true"]);
}
