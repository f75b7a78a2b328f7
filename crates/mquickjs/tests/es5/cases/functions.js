// Functions, their properties, call, apply, bind, arguments, eval.
(function f(a, b) {}).length
(function f() {}).name
(function () {}).name
var f = function () {}; f.name
Math.max.length
Math.max.name
"".slice.length
parseInt.length
(function (a) {}).bind(null, 1).length
(function () { return this }).call(5)
(function () { return typeof this }).call("s")
(function () { return this }).call() === undefined
(function () { return this }).apply(null) === null
(function (a, b) { return [a, b, arguments.length] }).apply(null, [1])
(function () { return arguments.length }).apply(null, {length: 2, 0: 1, 1: 2})
(function () { return arguments.length }).apply(null)
(function () { return arguments.length }).apply(null, null)
(function () { return arguments.length }).apply(null, 5)
(function () { return Array.prototype.slice.call(arguments) }).apply(null, (function () { return arguments })(1, 2))
var b = (function (x, y) { return [this.k, x, y] }).bind({k: 1}, 2); b(3)
var F = function (a) { this.a = a }; var B = F.bind({}, 7); new B().a
var F = function () {}; var B = F.bind(null); new B instanceof F
var b = (function () { return this }).bind(1).bind(2); b.call(3)
typeof Function.prototype
Function.prototype()
new Function("a", "b", "return a + b")(2, 3)
new Function("a, b", "return a * b")(2, 3)
Function("return 7")()
new Function()()
new Function("a", "}")
(function () { return typeof f; function f() {} })()
(function () { return f(); function f() { return 1 } function f() { return 2 } })()
(function (a) { arguments[0] = 2; return a })(1)
(function (a) { a = 2; return arguments[0] })(1)
(function (a, b) { return b })(1) === undefined
(function f(n) { return n ? n * f(n - 1) : 1 })(5)
(function () { f = 1; function f() {} return typeof f })()
var f = function g() { g = 1; return typeof g }; f()
var f = function g() { return typeof g }; f() + typeof g
(function () { return typeof arguments })()
(function () { var arguments = 1 })()
(function () { return arguments.length })(1, undefined)
(function () { "use strict"; return this === undefined })()
(function (f) { return f(2) })(function (x) { return x * 2 })
var c = 0; function inc() { return ++c } inc(); inc(); c
var fs = []; for (var i = 0; i < 3; i++) fs.push(function () { return i }); fs[0]()
var fs = []; for (var i = 0; i < 3; i++) fs.push((function (j) { return function () { return j } })(i)); fs[1]()
(1, eval)("1 + 1")
(1, eval)("var zz = 5; zz")
(1, eval)("if (true) { 7 }")
(1, eval)("({a: 1})").a
(1, eval)(5)
(1, eval)("")
(1, eval)("1;;;")
(1, eval)("for (var i = 0; i < 3; i++) i")
(1, eval)("a b")
eval("1 + 2")
var x = 1; (function () { var x = 2; return eval("x") })()
(function () { return eval("1") + (1, eval)("2") })()
String(function f(a) { return a }).replace(/\s+/g, " ")
typeof String(Math.max)
Function.prototype.toString.call(5)
(function () {}).hasOwnProperty("prototype")
(function () {}).prototype.constructor === undefined
(function () {}) instanceof Function
Function instanceof Object
Object.keys(function () {})
var f = function () {}; f.x = 1; Object.keys(f)
var f = function () {}; f.length = 5; f.length
isNaN.call(null, NaN)
var a = [1, 2, 3], r = a.map(Function.prototype.call, String.prototype.charAt); r.length
(function () { return Array.isArray(arguments) })()
(function (a) { return arguments.hasOwnProperty("0") })(1)
undefined()
null.x
({}).x.y
({}).x()
var f = 5; f()
new 5
new (function () {}.bind())() instanceof Object
new Math.max()
new parseInt("5")
[1, 2, 3].map(function (x) { return x * 2 }).filter(function (x) { return x > 2 })
(function () { return Math.max.apply(Math, arguments) })(3, 9, 4)
String.fromCharCode.apply(null, [104, 105])
Array.apply(null, [1, 2])
Array.apply(null, {length: 2}).length
Object.prototype.toString.apply([])
encodeURIComponent("ä &/")
decodeURIComponent("%C3%A4")
encodeURI("ä b?x=1&y")
decodeURI("%41%2f")
escape("ä b")
unescape("%u0041%42")
decodeURIComponent("%")
var x = 5, o = {get x() { return x }, set y(v) { x = typeof y }}; o.y = 1; [o.x, x]
try { new Function("a", "}); ({") } catch (e) { e.name }
try { new Function("a){}, function (b", "return 1") } catch (e) { e.name }
try { new Function("a) { /*", "*/") } catch (e) { e.name }
try { Function("}), (function () {") } catch (e) { e.name }
[new Function("a, b", "c", "return a + b + c")(1, 2, 3), new Function("a // x", "return a // y")(7), new Function("")()]
