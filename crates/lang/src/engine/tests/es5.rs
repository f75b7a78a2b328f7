//! What of ES5 concerns a worker as a whole: which functions its source has, and which properties leave it.

use super::{call, load};

#[test]
fn a_function_behind_a_comment_is_there_however_the_line_ends() {
    for end in ["\n", "\r", "\r\n", "\u{2028}", "\u{2029}"] {
        let mut engine = load(&format!("// said{end}function f() {{ return 1 }} // more{end}var x;"));
        assert_eq!(engine.state().methods, ["f"], "{end:?}");
        assert_eq!(call(&mut engine, "f", None).expect("runs"), "1", "{end:?}");
    }
}

#[test]
fn what_is_not_enumerable_stays_inside() {
    let source = "
        function own() { return Object.defineProperty({a: 1, c: 3}, 'b', {value: 2}) }
        function getter() { return Object.defineProperty({a: 1}, 'b', {get: function () { throw 1 }}) }
        function made() { function F() { this.x = 1 } F.prototype.y = 2; return new F() }
        function proto() { function F() {} F.prototype.y = 2; return F.prototype }
        function shown() { var k = []; for (var i in made()) k.push(i); return k }
    ";
    let mut engine = load(source);
    for (method, wanted) in [
        ("own", r#"{"a":1,"c":3}"#),
        ("getter", r#"{"a":1}"#),
        ("made", r#"{"x":1}"#),
        ("proto", r#"{"y":2}"#),
        ("shown", r#"["x","y"]"#),
    ] {
        assert_eq!(call(&mut engine, method, None).expect(method), wanted, "{method}");
    }
}
