// Chapter 11: expressions.
[5 % 3, -5 % 3, 5 % -3, -5 % -3, 5.5 % 2, 5 % 0, 5 % Infinity, Infinity % 5, -0 % 5]
[1 / (-4 % 2), 1 / (4 % -2), 1 / (0 % 1), 2147483648 % 2, 1e300 % 7, 4.9e-324 % 1]
[0 * -1, 1 / (0 * -1), Infinity * 0, -1 * 0 === 0, 1e200 * 1e200, -2147483648 * -1, 65536 * 65536]
[1 / 0, -1 / 0, 0 / 0, 1 / -0, 7 / 2, -7 / 2, 2147483647 / 2147483648]
[-2147483648 / -1, (-2147483648) % -1, 1 / ((-2147483648) % -1), 1073741823 + 1, -1073741824 - 1]
[1 << 31, 1 << 32, 1 << -1, 1 << 33, -1 << 31, 5 << 1.9, 1073741824 << 1]
[-1 >> 31, -8 >> 1, 8 >> 33, 2147483648 >> 0, 4294967295 >> 1, -1 >> 0]
[-1 >>> 1, -1 >>> 31, -1 >>> 32, 1 >>> -1, 2147483648 >>> 1]
[~0, ~-1, ~2147483647, ~4294967295, ~1.5, ~NaN, ~"a", ~~"7.9"]
[6 & 3, 6 | 3, 6 ^ 3, -1 & 4294967295, 1.5 & 1.5, "6" & "3", -1 ^ 0]
["a" < "b", "a" < "B", "10" < "9", "10" < 9, "a" < 1, null < 1, undefined < 1, NaN < NaN]
["" < "a", "a" < "aa", "aa" < "a", "⟦ffff⟧" < "\ud83d\ude00", "⟦e000⟧" < "\ud83d\ude00"]
[null >= 0, null > 0, null == 0, undefined >= undefined, undefined == undefined, NaN >= NaN]
[[2] < [10], ["2"] < 10, [1, 2] < [1, 3], {} < {}, {} <= {}, [] == false, [] == ![]]
var n = ""; var a = {valueOf: function () { n += "a"; return 1 }}, b = {valueOf: function () { n += "b"; return 2 }}; [a < b, a > b, a <= b, a >= b, n]
[1 == "1", 1 == "0x1", 0 == "", 0 == "\n", "1" == "01", 1 == true, "1" == true, "true" == true, null == false]
[undefined == null, null == 0, undefined == 0, NaN == NaN, "NaN" == NaN, [1] == 1, "1,2" == [1, 2]]
[0 === -0, NaN === NaN, "a" === "a", [] === [], null === undefined, 1 === 1.0]
var o = {valueOf: function () { return "5" }}; [o == 5, o == "5", o === 5, 5 == o]
[new String("a") == "a", new String("a") == new String("a"), Object(5) == 5]
[1 + 2 + "3", "1" + 2 + 3, 1 + +"2", "3" - "1", "3" * "4", "a" - 1, "5" + - "2"]
[typeof null, typeof undefined, typeof NaN, typeof "", typeof [], typeof /a/, typeof Math, typeof JSON, typeof isNaN, typeof undeclared]
[void 0, void "a", typeof void 0]
[!0, !"", !"a", !null, !NaN, !{}, !!-1]
var a = 5; [a++, a, ++a, a--, --a, a]
var a = "5"; a++; [a, typeof a]
var a = "x"; [a++, a]
var a = {v: "7"}; [a.v++, a.v, ++a.v]
var a = null, b; [++a, ++b]
var a = 2147483647; a++; var b = -2147483648; b--; [a, b]
var a = 1073741823; a++; var b = -1073741824; b--; [a, b]
var a = 9007199254740992; a++; a
var x = 1; var y = (x, 2, x + 2); y
var a = [1, 2, 3], i = 0; a[i++] = a[i++]; [a, i]
var a = [1, 2, 3], i = 0; a[i++] += 10; [a, i]
var n = ""; function f(x) { n += x; return {} } f("a")[f("b")] = f("c"); n
var n = ""; function f(x) { n += x; return x } f(1) + f(2) * f(3); n
var n = ""; function f(x) { n += x; return f } f(1)(f(2), f(3)); n
var a = 1; a += a += a; a
var a = 5; a = a++ + ++a; a
var a = 1, b = 2; a = [b, b = a][0]; [a, b]
var o = {a: 1}; o.b = o = {c: 2}; o
var x = 10; x -= 3; x *= 2; x /= 7; x %= 5; x <<= 3; x >>= 1; x >>>= 1; x |= 8; x &= 12; x ^= 5; x
var s = "a"; s += 1; s += null; s += undefined; s += {}; s
[true ? 1 : 2, 0 ? 1 : 2, "" ? 1 : null ? 2 : 3]
[0 || "a", 1 || "a", 0 && "a", 1 && "a", null || undefined || 0 || "", NaN && x]
var n = 0; function f() { n++; return true } f() || f(); false && f(); n
[1, 2, 3][1, 2]
[delete [].x, delete "a".x, typeof delete ({}).a]
var o = {a: 1, b: 2}; [delete o.a, "a" in o, delete o.a, delete o["b"], Object.keys(o).length]
try { delete Object.prototype; "none" } catch (e) { e.name }
try { delete [].length; "none" } catch (e) { e.name }
try { delete "abc".length; "none" } catch (e) { e.name }
try { 1 in "abc" } catch (e) { e.name }
try { [] instanceof 5 } catch (e) { e.name }
try { [] instanceof {} } catch (e) { e.name }
try { [] instanceof (function () {}).bind() } catch (e) { e.name }
function F() {} var f = new F; F.prototype = {}; [f instanceof F, new F instanceof F]
function F() {} F.prototype = 5; try { ({}) instanceof F } catch (e) { e.name }
function F() {} F.prototype = null; Object.getPrototypeOf(new F) === Object.prototype
new (function () { this.a = 1; return {b: 2} })
new (function () { this.a = 1; return 5 })
new (function () { this.a = 1; return null }).a
function F(a) { this.a = a } [new F(1).a, new F().a, (new F).a]
var o = {F: function () { this.z = 3 }}; new o.F().z
var o = {f: function () { return this }}; [(o.f)() === o, (0, o.f)() === undefined, (o.f = o.f)() === undefined]
var o = {f: function () { return this }}; [o["f"]() === o, (true && o.f)() === undefined]
(function () { return typeof this }).call(5)
(function () { return this }).call("a")
(function () { "use strict"; return this })()
try { undeclared = 5; "none" } catch (e) { e.name }
try { undeclared } catch (e) { e.name }
try { undeclared(); } catch (e) { e.name }
try { var u; u() } catch (e) { e.name }
try { ({}).x.y } catch (e) { e.name }
try { new 5 } catch (e) { e.name }
try { new (void 0) } catch (e) { e.name }
try { new Math.max; "none" } catch (e) { e.name }
try { (5)() } catch (e) { e.name }
({a: 1, "b": 2, 3: 4, 0.5: 6, 1e3: 7, if: 8, get: 9, set: 10})[1000]
({get a() { return 1 }, set a(v) { }}).a
({get: 1}).get + ({set: 2}).set + ({get get() { return 3 }}).get
({get 5() { return "five" }, get "x y"() { return "xy" }, get if() { return "if" }})[5]
var o = {get a() { return this.b }, b: 7}; o.a
var p = {get a() { return this.b }}, o = Object.create(p); o.b = 4; o.a
var p = {set a(v) { this.b = v }}, o = Object.create(p); o.a = 9; [o.b, Object.keys(o), p.b]
var o = {get a() { return 1 }}; try { o.a = 2; "none" } catch (e) { e.name }
var o = {set a(v) {}}; o.a
var o = {a: 1, get a() { return 2 }}; o.a
var o = {get a() { return 1 }, a: 2}; o.a
var o = {a: 1, a: 2}; [o.a, Object.keys(o).length]
