// Chapters 8 and 9: types, and what becomes of a value of another.
[Number("0x1F"), Number("0X1f"), Number("-0x1F"), Number("+0x1")]
[Number("0b11"), Number("0o17"), Number("017"), Number("1_0")]
[Number("Infinity"), Number("-Infinity"), Number("+Infinity"), Number("infinity"), Number("INFINITY")]
[Number("."), Number("5."), Number(".5"), Number("5.e1"), Number("-.5e-1"), Number("+.5")]
[Number("1e"), Number("1e+"), Number("e1"), Number("1e1.5"), Number("1 2")]
[Number("\n\t 12 \r\n"), Number("⟦00a0⟧7⟦feff⟧"), Number("⟦2028⟧8⟦2029⟧"), Number("⟦3000⟧9")]
[Number("⟦180e⟧1"), Number("⟦200b⟧1"), Number("1⟦0000⟧")]
[Number([]), Number([7]), Number(["8"]), Number([1, 2]), Number([[3]]), Number([null])]
[Number({}), Number(function () {}), Number(/a/), Number({valueOf: function () { return "0x10" }})]
[Number(true), Number(false), Number(null), Number(undefined), Number()]
[+"1e400", +"-1e400", +"1e-400", 1 / +"-1e-400"]
[+"9007199254740993", +"0.1e1", +"00012", +"1.7976931348623159e308", +"1.7976931348623158e308"]
[+"4.9e-324", +"2e-324", +"2.5e-324", +"2.4703282292062328e-324"]
[4294967296 | 0, 4294967295 | 0, 2147483648 | 0, -2147483649 | 0, 1e21 | 0, -1e21 | 0]
[1.9 | 0, -1.9 | 0, NaN | 0, Infinity | 0, "12.7" | 0, null | 0, [5] | 0, {} | 0]
[-1 >>> 0, 4294967296 >>> 0, -4294967297 >>> 0, 1e10 >>> 0, "-1" >>> 0]
[9007199254740992 | 0, 9007199254740993 >>> 0, 1.7e308 | 0, 5e-324 | 0]
String(-0) + String(0) + String([-0]) + ("" + -0)
[String(1e21), String(1e20), String(123456789012345680000), String(1e-6), String(1e-7), String(1.5e-7)]
[String(0.1 + 0.2), String(1 / 3), String(100), String(1.0), String(5e-324), String(1.7976931348623157e308)]
[String(4294967296.5), String(-1e-7), String(1e300 * 10), String(123e-20), String(0.000001234)]
[String(null), String(undefined), String(true), String([1, [2, [3]]]), String({}), String([null, undefined])]
[Boolean(""), Boolean(" "), Boolean("0"), Boolean("false"), Boolean(0), Boolean(-0), Boolean(NaN), Boolean([]), Boolean(null)]
!!function () {} && !!/a/ && !!{} && !!new Boolean(false)
var n = []; var o = {valueOf: function () { n.push("v"); return {} }, toString: function () { n.push("s"); return "7" }}; [o * 1, n]
var n = []; var o = {valueOf: function () { n.push("v"); return 1 }, toString: function () { n.push("s"); return "7" }}; [String(o), o + "", n]
try { +{valueOf: function () { return {} }, toString: function () { return {} }} } catch (e) { e.name }
try { String({valueOf: null, toString: null}) } catch (e) { e.name }
String({toString: null, valueOf: function () { return 5 }})
[{} + 1, [] + [], [] + {}, 1 + null, 1 + undefined, "a" + null, true + true]
try { null.x } catch (e) { e.name }
try { undefined.x = 1 } catch (e) { e.name }
[(5).x, "a".x, true.x]
try { "abc".length = 1 } catch (e) { e.name }
try { "abc"[0] = "x" } catch (e) { e.name }
try { (5).x = 1; "none" } catch (e) { e.name }
["abc"[1], "abc"["1"], "abc"["01"], "abc"[-1], "abc"[3], "abc"["length"]]
["0" in [7], "00" in [7], "length" in [], 0 in "a".split("")]
[typeof Object(1), typeof Object("a"), typeof Object(true), Object("abc").length]
Object("abc")[1]
[Object(1) + 1, Object("a") + "b", Object(1) == 1, Object(1) === Object(1)]
[new Number(5) + 1, new String("a") + 1, typeof new Boolean(true)]
Object.prototype.toString.call(Object(1)) + Object.prototype.toString.call(Object("a"))
[isNaN("abc"), isNaN(""), isNaN([]), isNaN({}), isNaN(undefined), isNaN(null), isNaN("1 ")]
[isFinite("1"), isFinite(""), isFinite("1e999"), isFinite(null), isFinite(undefined), isFinite("a")]
var o = {}; o[1] = "a"; o["1"] + o[1.0] + o["1.0"]
var o = {}; o[1e21] = 1; o[0.1] = 2; o[-0] = 3; o[null] = 4; o[undefined] = 5; o[true] = 6; Object.keys(o).sort()
var o = {}; o[{}] = 1; o[[1, 2]] = 2; o[function () {}] = 3; [o["[object Object]"], o["1,2"]]
[1e3 in {1000: 1}, "1e3" in {1000: 1}, 0.5 in {".5": 1}, 0.5 in {"0.5": 1}]
