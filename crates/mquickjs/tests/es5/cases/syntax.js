// Chapters 7, 12, 13 and 14: words, statements, functions and programs.
var a = 1
var a = 1; { a = 2 } a
1; {}
1; var x = 2
1; function f() {}
1; if (0) 2
1; do { 2; break } while (0)
var i = 0; do { i++ } while (i < 3); i
var i = 0; do i++; while (i < 3) i
for (var i = 0, j = 10; i < j; i++, j--); [i, j]
var i = 5; for (; i;) i--; i
for (var i = 0; ; i++) { if (i == 3) break } i
var s = ""; for (var i = 0; i < 5; i++) { if (i % 2) continue; s += i } s
var s = ""; a: for (var i = 0; i < 3; i++) for (var j = 0; j < 3; j++) { if (j == 1) continue a; s += i + "" + j + " " } s
var s = ""; a: for (var i = 0; i < 3; i++) { for (;;) { s += i; break a } } s
a: { b: { break a } } 5
a: b: c: for (;;) { break b } 6
x: 5
var s = ""; a: for (var k in {x: 1, y: 2}) { for (var l in {z: 1}) { s += k + l; continue a } } s
var s = ""; for (var k in "ab") s += k; s
var s = ""; for (var k in null) s += k; for (var k in undefined) s += k; s
var s = ""; for (var k in 5) s += k; s
var o = {}; for (o.k in {a: 1, b: 2}); o.k
var a = []; for (a[a.length] in {x: 1, y: 2, z: 3}); a
var s = ""; for (var k = 5 in {x: 1}) s += k
var s = "", o = {a: 1, b: 2, c: 3}; for (var k in o) { delete o.b; s += k } s
var s = "", o = {a: 1}; for (var k in o) { s += k; if (s.length < 5) delete o.a } s
var s = "", p = {a: 1, b: 2}, o = Object.create(p); o.c = 3; o.a = 4; for (var k in o) s += k + o[k]; s
var s = "", p = {a: 1}, o = Object.create(p, {a: {value: 1, enumerable: false}}); for (var k in o) s += k; s
var s = ""; for (var k in [7, 8]) s += typeof k + k; s
var s = "", a = [1]; a.x = 2; for (var k in a) s += k; s
function f() { for (var k in {a: 1}) return k } f()
switch (3) { case 1: 1; break; default: 9; case 2: 2 }
var s = ""; switch (2) { case 1: s += 1; default: s += "d"; case 3: s += 3 } s
var s = ""; switch (1) { default: s += "d"; case 1: s += 1; case 2: s += 2; break; case 3: s += 3 } s
var s = ""; switch ("1") { case 1: s += "n"; break; case "1": s += "s" } s
switch (NaN) { case NaN: "same"; break; default: "other" }
var n = 0; switch (n++) { case n++: ; case n++: } n
var s = ""; a: switch (1) { case 1: for (;;) { break a } } s + "x"
function f(x) { switch (x) { case 1: return "one"; default: return "other" } } f(1) + f(2)
switch (1) {}
function f() { try { return 1 } finally { return 2 } } f()
function f() { try { throw 1 } catch (e) { return e } finally { } } f()
function f() { var s = ""; for (var i = 0; i < 2; i++) { try { continue } finally { s += i } } return s } f()
function f() { for (;;) { try { return 1 } finally { break } } return 2 } f()
function f() { a: try { return 1 } finally { break a } return 3 } f()
function f() { var x = 1; try { return x } finally { x = 2 } } f()
try { try { throw 1 } finally { throw 2 } } catch (e) { e }
try { try { throw 1 } catch (e) { throw e + 1 } finally { } } catch (x) { x }
var s = ""; try { s += 1; try { s += 2; throw 3 } finally { s += 4 } } catch (e) { s += e } finally { s += 5 } s
function f() { try { return "a" } finally { try { throw 1 } catch (e) { } } } f()
function f() { while (true) { try { try { break } finally { } } finally { } } return "out" } f()
throw "x"
throw {a: 1}.a
throw undefined
function f() { return⟦000a⟧1 } f()
var a = 1, b = 2; a
function f() { return f.length } f(1, 2)
(function (a, b, c) {}).length
(function f() { return typeof f })()
var f = function g() {}; typeof g
f(); function f() { return 5 } f()
var f = 1; function f() {} typeof f
typeof f; var f = 1; function f() {}
function f() { return 1 } function f() { return 2 } f()
(function (a) { var a; return a })(5)
(function (a) { var a = 6; return a })(5)
(function (a) { function a() {} return typeof a })(5)
(function () { return typeof x; var x = 1 })()
(function () { if (0) { var x = 1 } return x })()
(function () { x = 5; return x; var x })()
(function f(n) { return n ? n * f(n - 1) : 1 })(10)
(function () { arguments[0] = 5; return arguments[0] })(1)
(function (a) { arguments[0] = 5; return a })(1)
(function (a) { a = 5; return arguments[0] })(1)
(function () { return arguments.length })(undefined, undefined)
(function (a, b) { return arguments.length })(1)
(function () { return [].slice.call(arguments, 1) })(1, 2, 3)
(function () { var s = ""; for (var k in arguments) s += k; return s })("a", "b")
(function () { return Object.prototype.toString.call(arguments) })()
(function () { var f = []; for (var i = 0; i < 3; i++) f.push(function () { return i }); return f[0]() })()
(function () { var f = []; for (var i = 0; i < 3; i++) (function (i) { f.push(function () { return i }) })(i); return f[0]() + f[2]() })()
var x = "g"; (function () { var x = "l"; return (1, eval)("x") })()
(function () { return this })() === undefined
var c = (function () { var n = 0; return {up: function () { return ++n }, n: function () { return n }} })(); c.up(); c.up(); c.n()
with ({}) {}
var eval = 1
var arguments = 1
function f(a, a) {}
function f(eval) {}
(function () { arguments = 1 })
010
"\01"
"\0" === String.fromCharCode(0)
"\08"
delete x
var let = 1
var static = 1
var yield = 1
var implements = 1
var enum = 1
var of = 1, get = 2, set = 3, async = 4, from = 5; of + get + set + async + from
if (1) function f() {}
while (0) function f() {}
break
continue
return 1
a: a: ;
a: { continue a }
for (;;) { break b }
try { }
catch (e) { }
switch (1) { default: default: }
({a b})
({get a(x) { return 1 }})
({set a() {}})
1 = 2
a++ = 1
++a++
(a, b) = 1
for (1 in {}) ;
var 1a
3in []
"a
'a\⟦000a⟧b'
"\u12"
"\x1"
"\u{41}"
/a
/[/]/.test("/")
/*/ */ 5
1 /* a⟦000a⟧*/ 2
5 // a
<!-- a
var a = 5; a --> 0
1.toString()
1..toString() + 1.0.toString() + 1 .toString()
0x
0xg
1e
1e+
1.5.5
08
0.0000001
[0xff, 0XFF, 1e3, 1E3, 1e+3, .5, 5., 0e5]
"\a\b\f\n\r\t\v\'\"\\\q"
"\x41\u0041\u00e9\xe9"
'\⟦000a⟧'
;;;5;;
{ } { } 5
{ a: 5 }
({ a: 5 })
var a = {}
/a/g.source
var a = 1, g = 2; 8 /a/g
[1 ? 2 : 3, 1 ?2:3, 1?.5:1]
var instanceofx = 1, inx = 2, typeofx = 3; instanceofx + inx + typeofx
var $ = 1, _ = 2, $_a1 = 3; $ + _ + $_a1
debugger; 5
"use strict"; "a" + 1
