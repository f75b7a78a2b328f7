// Errors, what is thrown, what is caught.
new Error("m").message
new Error().message
new Error("m").name
new Error("m") + ""
new Error("") + ""
String(new TypeError("t"))
new Error(undefined).hasOwnProperty("message")
new Error(5).message
Error("m") instanceof Error
Error("m").message
new RangeError("r") instanceof Error
new RangeError("r") instanceof TypeError
RangeError.prototype.name
Error.prototype.message
Error.prototype.toString.call({name: "N", message: "M"})
Error.prototype.toString.call({})
Error.prototype.toString.call({message: "M"})
var e = new Error("a"); e.message = "b"; e.message
var e = new Error("a"); e.message = "b"; String(e)
var e = new Error("a"); e.name = "Mine"; String(e)
var e = new Error("a"); e.code = 5; [e.code, e.message]
var e = new Error("x"); e.name = ""; String(e)
new Error("a b".replace(" ", "\n")).toString()
String(new Error(new Array(50).join("long "))).length
Object.keys(new Error("a"))
new Error("a").hasOwnProperty("message")
typeof new Error("a").stack
TypeError.name
TypeError.length
new TypeError("a").constructor === TypeError
Object.getPrototypeOf(TypeError.prototype) === Error.prototype
Object.prototype.toString.call(new RangeError("a"))
function Mine(m) { this.message = m } Mine.prototype = Object.create(Error.prototype); Mine.prototype.name = "Mine"; var m = new Mine("x"); [m instanceof Error, m instanceof Mine, m.message, m.name]
function Mine(m) { this.message = m } Mine.prototype = Object.create(Error.prototype); Mine.prototype.name = "Mine"; String(new Mine("x"))
function Mine(m) { this.message = m } Mine.prototype = new Error(); Mine.prototype.name = "Mine"; new Mine("x").message
function Mine(m) { Error.call(this, m); this.m = m } Mine.prototype = Object.create(Error.prototype); new Mine("x").m
try { throw 5 } catch (e) { e }
try { throw {a: 1} } catch (e) { e.a }
try { throw undefined } catch (e) { typeof e }
try { null.x } catch (e) { e.name }
try { nothing } catch (e) { e.name }
try { nothing = 1 } catch (e) { e.name }
try { undefined() } catch (e) { e.name }
try { ({}).x() } catch (e) { e.name }
try { (1, eval)("}") } catch (e) { e.name }
try { new Array(-1) } catch (e) { e.name }
try { decodeURIComponent("%") } catch (e) { e.name }
try { (function f() { f() })() } catch (e) { e instanceof Error }
try { JSON.parse("{") } catch (e) { e.name }
try { new RegExp("[") } catch (e) { e.name }
try { null.f() } catch (e) { e instanceof TypeError }
try { "x".foo() } catch (e) { e instanceof TypeError }
try { [].reduce(function () {}) } catch (e) { e.name }
try { (5).toFixed(200) } catch (e) { e.name }
try { Object.defineProperty(1, "a", {}) } catch (e) { e.name }
try { 1 in 1 } catch (e) { e.name }
try { ({}) instanceof {} } catch (e) { e.name }
(function () { try { return 1 } finally { } })()
(function () { try { return 1 } finally { return 2 } })()
(function () { try { throw 1 } finally { return 2 } })()
(function () { try { throw 1 } catch (e) { return e } finally { } })()
(function () { var s = ""; try { s += "a"; throw 1 } catch (e) { s += "b" } finally { s += "c" } return s })()
(function () { for (var i = 0; i < 3; i++) { try { continue } finally { if (i === 1) return i } } })()
(function () { for (var i = 0; ; i++) { try { break } finally { i = 9 } } return i })()
(function () { l: for (;;) { try { throw 1 } catch (e) { break l } finally { } } return "out" })()
(function () { try { try { throw 1 } finally { throw 2 } } catch (e) { return e } })()
(function () { try { throw 1 } catch (e) { try { throw 2 } catch (f) { return [e, f] } } })()
(function () { try { throw 1 } catch (e) { var e = 2 } return e })()
(function () { var e = 5; try { throw 1 } catch (e) { e = 2 } return e })()
(function () { try { throw 1 } catch (e) {} try { throw 2 } catch (e) { return e } })()
(function () { var i = 0; try { return i } finally { i = 5 } })()
(function () { try { return [1].map(function () { throw new TypeError("deep") }) } catch (e) { return e.message } })()
(function () { while (true) { try { return "r" } finally { break } } return "after" })()
(function () { for (var k in {a: 1}) { try { return k } finally { } } })()
throw new TypeError("top")
throw "text"
throw null
(function () { try { throw 1 } catch (e) { try { throw 2 } catch (e) { e = 3 } return e } })()
(function (e) { try { throw 1 } catch (e) { e = 2 } return e })(7)
(function () { var f, g; try { throw 1 } catch (e) { f = function () { return e } } try { throw 2 } catch (e) { g = function () { return ++e } } return [f(), g(), g(), f()] })()
var e = "o"; try { throw 1 } catch (e) { var e = "i" } e
(function () { try { throw {a: 1} } catch (e) { for (var e in {k: 1}); return e } })()
(function () { try { throw 1 } catch (e) { return (function () { try { throw 2 } catch (x) { return function () { return [e, x] } } })()() } })()
(function () { try { throw 1 } catch (e) { var o = {get e() { return e }} } return o.e })()
typeof (function () { try { throw 1 } catch (e) {} return typeof e })()
try { throw 1 } catch (eval) {}
try { throw 1 } catch (arguments) {}
