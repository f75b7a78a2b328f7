function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function name(x) { return Object.prototype.toString.call(x); }
same([Math, JSON, {}, new Uint8ClampedArray(1), new Float64Array(1), new ArrayBuffer(1), name, [], /a/, new RangeError, null, undefined, 1, 1.5, "a", "ab", true].map(name).join(),
 "[object Math],[object JSON],[object Object],[object Uint8ClampedArray],[object Float64Array],[object ArrayBuffer],[object Function],[object Array],[object RegExp],[object Error],[object Null],[object Undefined],[object Number],[object Number],[object String],[object String],[object Boolean]");
same(Math.exp(1), Math.E); same(Math.tan(1), 1.5574077246549023); same(Math.tan(0), 0); same(Math.tan(Math.PI / 4), 0.9999999999999999); same(Math.tan(-2), 2.185039863261519);
function bad() { var list = [].slice.call(arguments); try { Function.apply(null, list); } catch (e) { if (e instanceof SyntaxError) return; throw e; } throw new Error("taken: " + list); }
bad("a", "}, function () {"); bad("/*", "*/){"); bad("a){}, function(b", ""); bad("});({"); bad("a){}); (function (b", "return 1"); bad("}); 1; (function () {"); bad("a", "}); ({"); bad("a){ return 1 }, (", "");
bad("a) { /*", "*/"); bad("a", "b", "}"); bad("})("); bad("a){ }) (", "x"); bad("}) + (function () {"); bad("}), (1, 2"); bad("//", "})"); bad("a){if(0){", "}}"); bad("/*", "", "*/ a"); bad("a, a", "");bad("}\n)");
same(new Function("a", "b", "return a + b")(1, 2), 3); same(Function("a, b", "c", "return a + b + c")(1, 2, 3), 6); same(new Function()(), undefined); same(new Function("a // one", "return a // two")(7), 7);
same(new Function("a /* x */", "/* y */ return a")(5), 5); same(new Function("return function () { return 4; }")()(), 4); same(new Function("", "return 1")(), 1); same(new Function("a", "").length, 1); same(new Function("return {}.x")(), undefined); same(new Function("'use strict'; var i; for (i = 0; i < 3; i++) { } return i")(), 3);
