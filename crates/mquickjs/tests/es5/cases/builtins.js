// Chapter 15: the built-in objects, method by method.
[parseInt("  12px"), parseInt("0x1F"), parseInt("-0x1f"), parseInt("0x"), parseInt(""), parseInt("1e3"), parseInt("010")]
[parseInt("z", 36), parseInt("12", 2), parseInt("2", 2), parseInt("11", 1), parseInt("11", 37), parseInt("11", 0), parseInt("0x11", 16), parseInt("0x11", 10)]
[parseInt("9007199254740993"), parseInt("123456789012345678901234567890"), parseInt("1".concat("0000000000", "0000000000", "0000000000", "0"), 2)]
[parseInt(null), parseInt(null, 36), parseInt("Infinity"), parseInt(1e21), parseInt(0.0000005), parseInt("-0"), 1 / parseInt("-0")]
[parseInt("11", "2"), parseInt("11", {valueOf: function () { return 3 }}), parseInt("11", 4294967298), parseInt("11", NaN), parseInt("11", -2)]
[parseFloat("3.14abc"), parseFloat(".5."), parseFloat("-.5e-2x"), parseFloat("1e"), parseFloat("1e+x"), parseFloat("0x10"), parseFloat("- 1")]
[parseFloat("Infinityx"), parseFloat("-Infinity"), parseFloat("infinity"), parseFloat("  1"), parseFloat("1_000"), 1 / parseFloat("-0")]
[decodeURIComponent("%E2%82%AC"), decodeURIComponent("%F0%9F%98%80"), decodeURI("%23%41%3b"), decodeURIComponent("%23")]
["%", "%4", "%G0", "%80", "%C0%80", "%E2%82", "%ED%A0%80", "%F8%88%80%80%80", "%F4%90%80%80"].map(function (s) { try { return decodeURIComponent(s) } catch (e) { return e.name } })
[encodeURIComponent(";/?:@&=+$,#-_.!~*'() é€"), encodeURI(";/?:@&=+$,#-_.!~*'() é€[]%")]
["\ud83d", "\ude00", "\ude00\ud83d"].map(function (s) { try { return encodeURIComponent(s) } catch (e) { return e.name } })
[Object.keys([4, 5]), Object.keys("ab"), Object.getOwnPropertyNames("ab"), Object.getOwnPropertyNames([1]).sort()]
JSON.stringify(Object.getOwnPropertyDescriptor({get a() { return 1 }}, "a"))
JSON.stringify(Object.getOwnPropertyDescriptor([1, 2], "length"))
JSON.stringify(Object.getOwnPropertyDescriptor("ab", 0))
Object.getOwnPropertyDescriptor({}, "a")
var o = {}; Object.defineProperty(o, "a", {value: 1}); [o.a, Object.keys(o), JSON.stringify(Object.getOwnPropertyDescriptor(o, "a"))]
var o = Object.defineProperty({}, "a", {value: 1}); try { o.a = 2; "none" } catch (e) { e.name + o.a }
var o = Object.defineProperty({}, "a", {value: 1}); try { delete o.a; "none" } catch (e) { e.name }
var o = Object.defineProperty({}, "a", {value: 1}); try { Object.defineProperty(o, "a", {value: 2}); "none" } catch (e) { e.name }
var o = Object.defineProperty({}, "a", {value: 1}); Object.defineProperty(o, "a", {value: 1}).a
var o = Object.defineProperty({}, "a", {value: NaN}); try { Object.defineProperty(o, "a", {value: NaN}); "none" } catch (e) { e.name }
var o = Object.defineProperty({}, "a", {value: 0}); try { Object.defineProperty(o, "a", {value: -0}); "none" } catch (e) { e.name }
var o = Object.defineProperty({}, "a", {value: 1, writable: true}); Object.defineProperty(o, "a", {writable: false, value: 2}).a
var o = Object.defineProperty({}, "a", {value: 1, configurable: true}); Object.defineProperty(o, "a", {get: function () { return 5 }}).a
try { Object.defineProperty({}, "a", {get: function () {}, value: 1}); "none" } catch (e) { e.name }
try { Object.defineProperty({}, "a", {get: 5}); "none" } catch (e) { e.name }
try { Object.defineProperty({}, "a", 5); "none" } catch (e) { e.name }
try { Object.defineProperty(5, "a", {}); "none" } catch (e) { e.name }
Object.defineProperty({}, "a", {get: undefined}).a
var o = {a: 1}; Object.defineProperty(o, "a", {enumerable: false}); [o.a, Object.keys(o), o.propertyIsEnumerable("a")]
var o = Object.defineProperties({}, {a: {value: 1, enumerable: true}, b: {get: function () { return 2 }}}); [o.a, o.b, Object.keys(o)]
var o = Object.create({a: 1}, {b: {value: 2, enumerable: true}}); [o.a, o.b, Object.keys(o), "a" in o, o.hasOwnProperty("a")]
[Object.create(null) instanceof Object, typeof Object.create(null).toString, Object.getPrototypeOf(Object.create(null))]
["a", 5, undefined].map(function (v) { try { Object.create(v); return "none" } catch (e) { return e.name } })
[{}.hasOwnProperty("a"), {a: undefined}.hasOwnProperty("a"), [1].hasOwnProperty(0), [1].hasOwnProperty("length"), "a".hasOwnProperty("length")]
[undefined, null, 5, "a", true, [], /a/, function () {}, new Error, Math, JSON].map(function (v) { return Object.prototype.toString.call(v) })
[Function.prototype.call.length, Function.prototype.apply.length, Array.prototype.push.length, String.prototype.concat.length, Array.prototype.slice.length, Object.length, Array.length, String.length, Number.length]
[parseInt.length, Math.max.length, Array.prototype.indexOf.length, String.prototype.indexOf.length, JSON.stringify.length, Function.length, RegExp.length, Error.length]
new Function("a", "b", "return a + b")(1, 2) + new Function("a, b", "return a * b")(3, 4) + new Function("return 5")()
try { new Function("a", "}, function () {"); "none" } catch (e) { e.name }
[new Function().call(), Function("return this")() === undefined, new Function("/*", "*/){").length].length
Math.max.apply(null, [1, 5, 2]) + Math.max.apply(null) + Math.max.call(null, 1, 7)
[function () {}.apply(null, null), function () { return arguments.length }.apply(null, undefined)]
["a", 5].map(function (v) { try { (function () {}).apply(null, v); return "none" } catch (e) { return e.name } })
(function () { return arguments.length + arguments[0] }).apply(null, {length: 2, 0: "x"})
var f = function (a, b, c) { return [this.x, a, b, c] }.bind({x: 1}, 2); [f(3, 4), f.length, f.name]
var f = function () { return this }.bind(1).bind(2); typeof f.call(3)
[[].concat(1, [2, [3]], "a", null), [].concat.call("a", [1]).length, [1].concat()]
[[3, 1, 2].sort(), [10, 9, 1].sort(), ["b", "a", "C"].sort(), [undefined, 3, null, 1].sort(), [true, false].sort()]
[1, 2, 3, 4, 5].sort(function () { return 0 })
[5, 1, 4].sort(function (a, b) { return b - a }) + "" + [2, 1].sort(function () { return NaN })
var a = [1, 2, 3]; [a.reverse() === a, a.push(4, 5), a.unshift(0), a.pop(), a.shift(), a]
var a = [1, 2, 3, 4, 5]; [a.splice(-3, 2), a, a.splice(1, 0, 9, 8), a, a.splice(0), a]
[[1, 2, 3].slice(-2, -1), [1, 2, 3].slice("1"), [1, 2, 3].slice(1, null), [1, 2, 3].slice(NaN), [1, 2, 3].slice(Infinity), [1, 2, 3].slice(-Infinity, Infinity)]
[[1, 2, 1].indexOf(1, 1), [1, 2].indexOf("1"), [NaN].indexOf(NaN), [1, 2].indexOf(2, -1), [1, 2].indexOf(1, 5), [0].indexOf(-0), [1, 2, 1].lastIndexOf(1, -2), [1].lastIndexOf(1, -5)]
[[1, 2, 3].reduce(function (a, b) { return a + b }), [1].reduce(function () { return 9 }), [].reduce(function () {}, 7), [1, 2, 3].reduceRight(function (a, b) { return a + "" + b })]
["reduce", "reduceRight"].map(function (m) { try { return [][m](function () {}) } catch (e) { return e.name } })
["map", "filter", "forEach", "some", "every", "reduce"].map(function (m) { try { return [1][m](5) } catch (e) { return e.name } })
[1, 2, 3].map(function (v, i, a) { return v + i + a.length + this.x }, {x: 1})
var a = [1, 2, 3], s = ""; a.forEach(function (v) { s += v; if (v == 1) a.push(9) }); s + a.length
var a = [1, 2, 3], s = ""; a.forEach(function (v) { s += v; a.pop() }); s
[[1, [2, [3, 4]]].toString(), [null, undefined, 1].join(), [[]].join(), [1, 2].join(""), Array(3).join("x")]
[Array(3).length, new Array("3").length, Array(1, 2).length, [1, 2, 3].length = 1]
[-1, 1.5, 4294967296, "a"].map(function (n) { try { return new Array(n).length } catch (e) { return e.name } })
var a = [1, 2, 3]; a.length = 1; a.length = 3; [a, a[2], a.length]
["-1", 1.5, -1, 4294967296].map(function (n) { try { [].length = n; return "none" } catch (e) { return e.name } })
["abc".charAt(1), "abc".charAt(-1), "abc".charAt(NaN), "abc".charCodeAt(3), "abc".charCodeAt("1"), "abc".charAt(4294967296)]
["abcabc".indexOf("c", 3), "abc".indexOf("", 5), "abc".indexOf(), "undefined".indexOf(), "abc".lastIndexOf("c", -1), "abc".lastIndexOf("", 9), "abca".lastIndexOf("a", 2), "abc".lastIndexOf("b", NaN)]
["abcdef".substring(4, 1), "abc".substring(-1, 2), "abc".substring(1), "abc".substring(NaN, Infinity), "abcdef".substr(-3, 2), "abc".substr(1), "abc".substr(0, -1), "abc".substr(-9, 2)]
["abcdef".slice(-3, -1), "abc".slice(2, 1), "abc".slice(undefined, 2), "abc".slice("a"), "abc".slice(-9)]
["a,b,,c".split(","), "abc".split(""), "abc".split(), "".split(""), "".split(","), "abc".split("", 2), "a,b".split(",", 0), "a,b,c".split(",", -1), "abc".split("abc")]
["a1b2".split(/\d/), "a1b2".split(/(\d)/), "abc".split(/(?:)/), "".split(/a/), "".split(/(?:)/), "aXbxc".split(/x/i), "test".split(/(?:)/, -1), "A<B>b</B>".split(/<(\/)?([^<>]+)>/)]
["abc".replace("b", "[$&$`$'$$]"), "abc".replace(/(b)(c)/, "$2$1$3$0$10"), "aaa".replace(/a/g, function (m, i) { return i }), "abc".replace("b", function () { return "$&" })]
["abc".replace(/x*/g, "-"), "abc".replace("", "_"), "abc".replace(/$/, "!"), "abc".replace(/b/, undefined), "abc".replace(/(x)?b/, "[$1]"), "$".replace("$", "$$")]
"abc".replace(/(a)(x)?/, function () { return JSON.stringify([].slice.call(arguments)) })
["abc".match(/b/).index, "abab".match(/b/g), "abc".match(/x/), "abc".match(/x/g), "a1".match("\\d")[0], "abc".match(/(x)?c/), "aba".search(/b/), "abc".search("c"), "abc".search(/x/)]
["⟦feff⟧ a⟦00a0⟧⟦2003⟧".trim(), "\t\n\v\f\r a ".trim(), "⟦200b⟧a".trim().length, "⟦180e⟧a".trim().length]
["İ".toLowerCase().length, "ß".toUpperCase(), "ﬁ".toUpperCase(), "Σ".toLowerCase(), "ΑΣ".toLowerCase(), "ǆ".toUpperCase(), "ŉ".toUpperCase().length]
["a".localeCompare("b"), "b".localeCompare("a"), "a".localeCompare("a"), "a".concat(1, null, undefined), String.fromCharCode(65, 65601, -1).length]
["trim", "indexOf", "slice", "toUpperCase"].map(function (m) { try { return String.prototype[m].call(null) } catch (e) { return e.name } })
[String.prototype.trim.call(5), String.prototype.slice.call(true, 1), String.prototype.indexOf.call([1, 2], ","), String.prototype.split.call(12321, 2)]
[(0).toFixed(2), (1.005).toFixed(2), (1e21).toFixed(2), (-1.5).toFixed(0), (2.5).toFixed(0), (0.000001).toFixed(7), (123.456).toFixed(), (-0).toFixed(1), (1.45).toFixed(1)]
[(25).toString(2), (255).toString(16), (-255).toString(36), (0.5).toString(2), (1e21).toString(7), NaN.toString(2), (0.1).toString(3), Infinity.toString(16)]
[(123.456).toExponential(2), (0).toExponential(), (0.00015).toExponential(1), (1e-10).toExponential(3), NaN.toExponential(100), (12345).toExponential()]
[(123.456).toPrecision(4), (0.000001).toPrecision(2), (1e21).toPrecision(3), (0).toPrecision(3), (123).toPrecision(1), (1.25).toPrecision(2), (1.35).toPrecision(2), Infinity.toPrecision(1000)]
[["toFixed", -1], ["toFixed", 101], ["toPrecision", 0], ["toPrecision", 101], ["toExponential", -1], ["toString", 1], ["toString", 37]].map(function (c) { try { return (1.5)[c[0]](c[1]) } catch (e) { return e.name } })
[Math.round(-0.5), Math.round(0.5), Math.round(-1.5), Math.round(2.5), 1 / Math.round(-0.2), Math.round(4503599627370497), Math.round(0.49999999999999994)]
[Math.max(), Math.min(), Math.max(NaN, 1), Math.max(-0, 0), 1 / Math.min(0, -0), Math.max("3", 2), Math.max([5]), Math.min(1, undefined)]
[Math.pow(2, -1), Math.pow(NaN, 0), Math.pow(1, Infinity), Math.pow(-8, 1 / 3), Math.pow(-2, 3), 1 / Math.pow(-0, 3), Math.pow(0, -1), Math.pow(-0, -1), Math.pow(2, 0.5), Math.pow(10, 308)]
[Math.abs(-5), Math.abs("-1"), Math.ceil(-0.5), Math.floor(-0.5), Math.ceil(1.2), Math.sqrt(2), Math.sqrt(-1), 1 / Math.ceil(-0.9), Math.abs(null), Math.abs()]
[Math.atan2(0, -0), Math.atan2(-0, 0), Math.atan2(1, 1), Math.atan2(-1, -Infinity), Math.exp(1), Math.log(10), Math.log(-1), Math.log(0), Math.sin(1), Math.cos(1), Math.tan(1)]
[Math.asin(2), Math.acos(1), Math.atan(Infinity), Math.exp(-Infinity), Math.sin(Infinity), 1 / Math.sin(-0), Math.exp(710), Math.log(1e-320)]
[/a|ab/.exec("abc")[0], /((a)|(ab))((c)|(bc))/.exec("abc"), /a[a-z]{2,4}?/.exec("abcdefghi")[0], /(aa|aabaac|ba|b|c)*/.exec("aabaac")]
["aaaaaaaaaa,aaaaaaaaaaaaaaa".replace(/^(a+)\1*,\1+$/, "$1"), /(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac"), /(a*)*/.exec("b"), /(?=(a+))/.exec("baaabac")]
[/(?=(a+))a*b\1/.exec("baaabac"), /(.*?)a(?!(a+)b\2c)\2(.*)/.exec("baaabaac"), /(?:(a)|b)*/.exec("ab"), /(\2)(a)/.exec("a"), /\1(a)/.exec("aa")]
[/[^]/.test("\n"), /./.test("\n"), /./.test("⟦2028⟧"), /\s/.test("⟦feff⟧"), /\s/.test("⟦00a0⟧"), /\w/.test("é"), /\b/.test("é"), /\d/.test("٣"), /[\b]/.test("\b"), /\cA/.test("\x01"), /\0/.test("\0")]
[/a{,2}/.test("a{,2}"), /a{/.test("a{"), /]/.test("]"), /}/.test("}"), /\_/.test("_"), /[\w-a]/.test("-"), /a{0}b/.exec("ab")[0], /(?:a{2}){2}/.test("aaaa"), /x{2,1}/]
["(", "[", "*", "a**", "+", "a{2,1}", "(?", "(?a)", "\\", "[b-a]", ")", "(?:"].map(function (s) { try { new RegExp(s); return "none" } catch (e) { return e.name } })
["gg", "x", "gimx", "G"].map(function (f) { try { new RegExp("a", f); return "none" } catch (e) { return e.name } })
var r = /a/g; [r.exec("aba").index, r.lastIndex, r.exec("aba").index, r.lastIndex, r.exec("aba"), r.lastIndex]
var r = /a/g; r.lastIndex = 5; [r.test("aaa"), r.lastIndex, r.test("a"), r.lastIndex]
var r = /a/; r.lastIndex = 5; [r.test("a"), r.lastIndex]
var r = /(?:)/g; [r.exec("a").index, r.lastIndex, r.exec("a").index, r.lastIndex]
[String(/a\/b/gim), /a/.source, RegExp("/").source, RegExp("").source, RegExp("\n").source, String(RegExp("[/]")), RegExp(/a/g).global, new RegExp(undefined).source]
[/a/i.ignoreCase, /a/m.multiline, /a/g.global, /a/.ignoreCase, Object.prototype.hasOwnProperty.call(/a/, "lastIndex"), Object.keys(/a/)]
var m = /b(.)?/.exec("abc"); [m.index, m.input, m.length, m[1], Array.isArray(m), Object.keys(m)]
[/^b/m.test("a\nb"), /a$/m.test("a\nb"), /^b/m.test("a⟦2028⟧b"), /\Bb/.test("ab"), /[^a-c]/i.test("B"), /é/i.test("É"), /[α-ω]/i.test("Σ"), /ſ/i.test("s"), /K/i.test("⟦212a⟧")]
[new Error("m").message, new Error().message, Object.prototype.hasOwnProperty.call(new Error, "message"), new Error(undefined).message, new Error(5).message === "5", String(new Error("m")), String(new TypeError)]
[Error("a") instanceof Error, TypeError("a") instanceof Error, RangeError.prototype.name, Error.prototype.message, Object.keys(new Error("a"))]
[Error.prototype.toString.call({}), Error.prototype.toString.call({name: "", message: "m"}), Error.prototype.toString.call({name: "N", message: ""}), Error.prototype.toString.call({name: undefined, message: undefined})]
var e = new Error("a"); e.name = "X"; String(e) + e
[JSON.parse(" [1 , 2 ]\n"), JSON.parse("\"\\u00e9\\n\\/\""), JSON.parse("-0"), 1 / JSON.parse("-0"), JSON.parse("1e5"), JSON.parse("null"), JSON.parse(" true ")]
["", "01", "+1", ".5", "1.", "'a'", "[1,]", "{a:1}", "{\"a\":1,}", "\"\t\"", "\"\\x41\"", "NaN", "undefined", "[1]]", "\"", "-", "⟦00a0⟧1", "1e", "/**/1", "\"\\u12g4\""].map(function (s) { try { return JSON.parse(s) } catch (e) { return e.name } })
JSON.parse("{\"__proto__\":1,\"a\":{\"b\":[]}}", function (k, v) { return k === "b" ? undefined : v }).a
JSON.parse("[1,2,3]", function (k, v) { return k === "1" ? undefined : Array.isArray(v) ? v.length : v })
var s = ""; JSON.parse("{\"a\":[1,{\"b\":2}],\"c\":3}", function (k, v) { s += k + ";"; return v }); s
[JSON.stringify([undefined, function () {}, NaN, Infinity, -0, null, true, "a"]), JSON.stringify({a: undefined, b: function () {}, c: null}), JSON.stringify(undefined), JSON.stringify(function () {})]
[JSON.stringify("\"\\\b\f\n\r\t\u0001\u007f⟦2028⟧é"), JSON.stringify(new String("a")), JSON.stringify(new Number(5)), JSON.stringify(new Boolean(false)), JSON.stringify(Object("x"))]
[JSON.stringify([1, [2, {a: []}], {}], null, 2), JSON.stringify({a: 1}, null, "--"), JSON.stringify([], null, 2), JSON.stringify({a: 1}, null, 20), JSON.stringify([1], null, "12345678901234")]
[JSON.stringify({a: 1, b: [1, 2], c: {a: 3, d: 4}}, ["a", "c"]), JSON.stringify([{a: 1, b: 2}], ["b"]), JSON.stringify({1: 1, 2: 2}, [1]), JSON.stringify({a: 1}, [])]
[JSON.stringify({a: 1, b: 2}, function (k, v) { return k === "a" ? undefined : v }), JSON.stringify([1, 2], function (k, v) { return typeof v === "number" ? v * 2 : v }), JSON.stringify(1, function () { return "r" })]
[JSON.stringify({toJSON: function (k) { return "k" + k }}), JSON.stringify({a: {toJSON: function (k) { return "k" + k }}}), JSON.stringify([{toJSON: function (k) { return typeof k }}])]
var a = []; a[0] = a; try { JSON.stringify(a) } catch (e) { e.name }
[typeof Date, typeof Date.now, typeof Math.random(), Math.random() < 1, typeof NaN, typeof Infinity, Infinity === 1 / 0, undefined === void 0]
["NaN", "Infinity", "undefined"].map(function (n) { try { (1, eval)(n + " = 1"); return "none" } catch (e) { return e.name } })
[Number.MAX_VALUE, Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY, Math.PI, Math.E, Math.LN2, Math.SQRT1_2, Math.LOG2E, Math.LOG10E, Math.LN10, Math.SQRT2]
try { Math.PI = 3; "none" } catch (e) { e.name + Math.PI }
[Object.keys(Math), Object.keys(Array.prototype), Object.keys(function () {}), Object.prototype.propertyIsEnumerable.call([1], "0"), [].propertyIsEnumerable("length")]
[Array.prototype.concat.call(1, 2).length, Array.prototype.join.call({length: 2, 0: "a", 1: "b"}, "-"), Array.prototype.map.call("ab", function (c) { return c + c }), Array.prototype.indexOf.call("abc", "c"), [].every.call("ab", function (c) { return c > "A" })]
[Array.prototype.slice.call({length: 2, 0: 1, 1: 2}), Array.prototype.slice.call("abc", 1), Array.prototype.filter.call("abc", function (c) { return c != "b" }), [].some.call({length: 1, 0: 5}, function (v) { return v == 5 })]
try { Number.MAX_VALUE = 1; "none" } catch (e) { e.name + (Number.MAX_VALUE > 1e308) }
try { delete Math.PI; "none" } catch (e) { e.name + Math.PI }
try { Object.prototype = {}; "none" } catch (e) { e.name }
try { delete Error.prototype; "none" } catch (e) { e.name }
Math.foo = 1; try { Math.E = 2; "none" } catch (e) { e.name + Math.foo }
var s = Math.sin; Math.sin = function () { return 7 }; s = [Math.sin(), delete Math.sin, typeof Math.sin]; s
JSON.stringify(Object.getOwnPropertyDescriptor(Math, "PI"))
["a", 0.5, -0.5, NaN, 1e100, -1, 1114112, /a/].map(function (v) { try { return String.fromCodePoint(v) } catch (e) { return e.name } })
[String.fromCodePoint(), String.fromCodePoint("65", 128512), String.fromCodePoint(-0).length]
[null, undefined].map(function (v) { try { return String.prototype.split.call(v) } catch (e) { return e.name } })
try { [] instanceof parseInt } catch (e) { e.name }
[5 instanceof Object, "a" instanceof String, null instanceof Object]
[Object.create(new Error("m")).message, String(Object.create(new TypeError("t"))), Object.create(Object.create(new Error("d"))) + ""]
function E() {} E.prototype = new Error("p"); [new E().message, String(new E()), new E() instanceof Error, Object.create(Error.prototype).message]
[/aé/.test("aé"), /éé/.exec("xéé").index, /abé/.test("abé"), /a€/.test("a€"), /éa/.test("éa"), /aé/.test("aè"), /abé/.test("ab"), /aé+b/.exec("xaééb")[0]]
["naïve café".replace(/café/, "x"), "größe".match(/öße/)[0], "añb".split(/añ/), /日本語/.test("日本語"), /x日/i.test("X日"), /é{2}a/.test("ééa")]
[/\u00e9\u00e8/.test("éè"), /[é]è/.test("éè"), /(a)é\1/.test("aéa"), /aéb|cèd/.exec("cèd")[0], /\baé/.test("aé")]
