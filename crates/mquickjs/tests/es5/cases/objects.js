// Object.*, attributes of properties, accessors, the order of keys, inheritance.
Object.keys({b: 1, a: 2})
Object.keys({2: 1, b: 1, 1: 1, a: 1})
Object.keys("ab")
Object.keys(5)
Object.keys(null)
Object.keys(Object.create({a: 1}))
var k = []; for (var i in {b: 1, a: 2}) k.push(i); k
var k = []; for (var i in {2: 1, b: 1, 1: 1}) k.push(i); k
var k = []; var o = Object.create({a: 1, b: 2}); o.c = 3; for (var i in o) k.push(i); k
var k = []; var o = Object.create({a: 1, b: 2}); o.b = 3; for (var i in o) k.push(i); k
var k = []; var F = function () { this.own = 1 }; F.prototype.m = function () {}; for (var i in new F) k.push(i); k
var k = []; for (var i in "ab") k.push(i); k
var k = []; for (var i in null) k.push(i); k
var k = []; for (var i in undefined) k.push(i); k
var k = []; for (var i in 5) k.push(i); k
var k = []; for (var i in [7, 8]) k.push(typeof i); k
var k = []; for (var i in function () {}) k.push(i); k
var k = []; for (var i in /a/) k.push(i); k
var k = []; for (var i in new Error("x")) k.push(i); k
var k = []; for (var i in Math) k.push(i); k
var o = {a: 1, b: 2, c: 3}, k = []; for (var i in o) { k.push(i); delete o.b } k
var o = {a: 1}, n = 0; for (var i in o) { o["x" + n] = 1; if (++n > 5) break } n
var k = []; var p = {a: 1}; var o = Object.create(p); Object.defineProperty(o, "a", {value: 2, enumerable: false, configurable: true}); for (var i in o) k.push(i); k
var o = Object.defineProperty({}, "a", {value: 1}); Object.keys(o)
var o = Object.defineProperty({}, "a", {value: 1, enumerable: false}); var k = []; for (var i in o) k.push(i); k
var o = Object.defineProperty({}, "a", {value: 1, enumerable: true}); Object.keys(o)
var o = Object.defineProperty({a: 1}, "a", {enumerable: false}); Object.keys(o)
var o = Object.defineProperty({a: 1}, "a", {value: 2}); [o.a, Object.keys(o).length]
var o = Object.defineProperty({}, "a", {get: function () { return 5 }}); [o.a, Object.keys(o).length]
var o = Object.defineProperty({}, "a", {get: function () { return 5 }, enumerable: true}); Object.keys(o)
var o = {get a() { return 1 }}; Object.keys(o)
var o = {_v: 1, get v() { return this._v }, set v(x) { this._v = x * 2 }}; o.v = 5; o.v
var o = {get a() { return 1 }}; o.a = 2
var o = {set a(x) {}}; o.a
var o = Object.defineProperty({}, "a", {value: 1, writable: false}); o.a = 2
var o = Object.defineProperty({}, "a", {value: 1}); o.a = 2
var o = Object.defineProperty({}, "a", {value: 1, writable: true}); o.a = 2; o.a
var o = Object.defineProperty({}, "a", {value: 1}); delete o.a
var o = Object.defineProperty({}, "a", {value: 1, configurable: true}); delete o.a
var o = Object.defineProperty({}, "a", {value: 1}); Object.defineProperty(o, "a", {value: 2})
var o = Object.defineProperty({}, "a", {value: 1}); Object.defineProperty(o, "a", {value: 1}).a
var o = Object.defineProperty({}, "a", {value: 1, configurable: true}); Object.defineProperty(o, "a", {value: 2}).a
var o = Object.defineProperty({}, "a", {value: 1, writable: true}); Object.defineProperty(o, "a", {value: 2}).a
var o = Object.defineProperty({a: 1}, "a", {get: function () { return 7 }}); o.a
var o = Object.defineProperty({get a() { return 1 }}, "a", {value: 3}); o.a
var o = Object.defineProperty({get a() { return 1 }}, "a", {set: function () {}}); o.a
Object.defineProperty({}, "a", {get: 5})
Object.defineProperty({}, "a", {get: function () {}, value: 1})
Object.defineProperty({}, "a", 5)
Object.defineProperty(5, "a", {value: 1})
"a" in Object.defineProperty({}, "a", {})
Object.defineProperty({}, "a", {}).a
Object.defineProperty({}, "a", Object.create({value: 4})).a
var o = Object.create(Object.defineProperty({}, "a", {value: 1})); o.a = 2
var n = 0, o = Object.create({set a(x) { n = x }}); o.a = 4; [n, o.hasOwnProperty("a")]
var p = {a: 1}, o = Object.create(p); o.a = 2; [p.a, o.a]
Object.getPrototypeOf({}) === Object.prototype
Object.getPrototypeOf([]) === Array.prototype
Object.getPrototypeOf(Object.create(null))
Object.getPrototypeOf(5)
Object.create(null).toString
Object.create(5)
Object.create()
Object.create({a: 1}).a
Object.create({}, {x: {value: 3}}).x
Object.keys(Object.create({}, {x: {value: 3, enumerable: true}, y: {value: 1}}))
Object.create({}, undefined) instanceof Object
Object.create({}, null)
var o = {}; Object.defineProperties(o, {a: {value: 1, enumerable: true}, b: {get: function () { return 2 }}}); [o.a, o.b, Object.keys(o).length]
Object.getOwnPropertyDescriptor({a: 1}, "a")
Object.getOwnPropertyDescriptor({}, "a")
Object.getOwnPropertyDescriptor(Object.defineProperty({}, "a", {value: 1}), "a")
typeof Object.getOwnPropertyDescriptor({get a() { return 1 }}, "a").get
Object.getOwnPropertyDescriptor([1], "0")
Object.getOwnPropertyDescriptor([1], "length").enumerable
Object.getOwnPropertyDescriptor("ab", "length").value
Object.getOwnPropertyNames({b: 1, a: 2}).sort()
Object.getOwnPropertyNames([1, 2])
Object.getOwnPropertyNames(Object.defineProperty({}, "h", {value: 1}))
Object.getOwnPropertyNames(Math).indexOf("abs") >= 0
var o = Object.freeze({a: 1}); o.a = 2
var o = Object.freeze({a: 1}); o.b = 2
var o = Object.freeze({a: 1}); delete o.a
var o = Object.freeze([1]); o.push(2)
var o = Object.freeze([1]); o[0] = 2
Object.isFrozen(Object.freeze({a: 1}))
Object.isFrozen({a: 1})
var o = Object.seal({a: 1}); o.a = 2; o.a
var o = Object.seal({a: 1}); delete o.a
var o = Object.preventExtensions({a: 1}); o.b = 1
Object.isExtensible({}) && !Object.isExtensible(Object.preventExtensions({}))
Object.isSealed(Object.seal({a: 1}))
Object.freeze(5)
({a: 1}).hasOwnProperty("a")
({a: 1}).hasOwnProperty("toString")
({a: undefined}).hasOwnProperty("a")
({1: 1}).hasOwnProperty(1)
({}).hasOwnProperty()
Object.prototype.hasOwnProperty.call("abc", "length")
Object.prototype.hasOwnProperty.call(null, "a")
Object.prototype.hasOwnProperty.call([1], "0")
Object.prototype.hasOwnProperty.call(function f(a) {}, "length")
Object.prototype.hasOwnProperty.call(function f(a) {}, "prototype")
({a: 1}).propertyIsEnumerable("a")
[1].propertyIsEnumerable("length")
({}).propertyIsEnumerable("toString")
Object.prototype.isPrototypeOf.call(Array.prototype, [])
Object.prototype.isPrototypeOf({})
({}).toLocaleString()
({a: 1}).valueOf().a
"a" in {a: 1}
"toString" in {}
"x" in 5
delete {}.a
var o = {a: 1, b: 2}; delete o.a; Object.keys(o)
var o = {a: 1, b: 2}; delete o.a; o.a = 3; Object.keys(o)
var o = {"": 1}; o[""]
var o = {}; o[1.5] = 1; o["1.5"]
var o = {}; o[null] = 1; o[undefined] = 2; o[true] = 3; Object.keys(o)
var o = {}; o[{}] = 1; Object.keys(o)
var o = {}; o[-1] = 1; o["-1"]
var o = {1e3: 1}; Object.keys(o)
var o = {0x10: 1}; Object.keys(o)
({if: 1, class: 2}).class
({a: 1, a: 2}).a
({"a-b": 1})["a-b"]
({__proto__: {x: 5}}).x
({}).__proto__ === Object.prototype
Object.keys({__proto__: {x: 1}, y: 2})
Object(5) instanceof Number
Object(null) instanceof Object
typeof Object(function () {})
Object({a: 1}).a
new Object({a: 1}).a
new Object() instanceof Object
Object.prototype.constructor === Object
Object.keys(Object.prototype)
Object.prototype.x = 1; var k = []; for (var i in {a: 1}) k.push(i); delete Object.prototype.x; k
Array.prototype.x = 1; var k = []; for (var i in [5]) k.push(i); delete Array.prototype.x; k
String.prototype.x = function () { return this.length }; "abc".x()
Number.prototype.half = function () { return this / 2 }; (5).half()
String.prototype.t = function () { return typeof this }; "a".t()
var F = function () {}; F.prototype = {a: 1}; new F().a
var F = function () {}; new F().constructor === F
var F = function () {}; Object.keys(F.prototype)
var F = function () { return {b: 2} }; new F().b
var F = function () { return 5 }; typeof new F()
var F = function (x) { this.x = x }; var G = function () { F.call(this, 3) }; G.prototype = Object.create(F.prototype); G.prototype.constructor = G; var g = new G; [g.x, g instanceof F, g.constructor === G]
var F = function () {}; var f = new F; F.prototype = {}; f instanceof F
({}) instanceof 5
5 instanceof Number
var s = 0, o = {get a() { return ++s }}; o.a; o.a; s
var o = {a: 1, get b() { return this.a }}; Object.create(o, {a: {value: 9}}).b
var o = {valueOf: function () { return 3 }}; [o + 1, o * 2, o > 2, o == 3]
Object.length
Object.prototype.toString.length
var o = {f: function () { return this === o }}; o.f() && o["f"]() && (o.f)()
var o = {f: function () { return this }}; (0, o.f)() === undefined
Object.keys(new (function () { this.b = 1; this.a = 2; })())
var k = []; for (var i in Object.create({z: 1, 9: 1, 5: 3, 3: 1}, {q: {enumerable: true}, 8: {enumerable: true}, 6: {enumerable: true}, 7: {}})) k.push(i); k
Object.getOwnPropertyNames({c: 1, 4: 1, 2: 1})
var o = {10: 1, 9: 2, x: 3}; o[1] = 4; delete o[9]; o[9] = 5; JSON.stringify(o)
var o = {x: 1}, i; for (i = 0; i < 40; i++) o[i * 7 % 40] = i; Object.keys(o).join()
