// Methods of String.prototype, without regular expressions.
"ä".toUpperCase()
"ß".toUpperCase()
"ÀÉÎ".toLowerCase()
"ÿ".toUpperCase()
"µ".toUpperCase()
"σς".toUpperCase()
"Σ".toLowerCase()
"ДЖ".toLowerCase()
"ё".toUpperCase()
"ı".toUpperCase()
"ŒĀ".toLowerCase()
"ŉ".toUpperCase()
"İ".toLowerCase().length
"ﬁ".toUpperCase()
"ω Ω".toUpperCase()
"Ａ".toLowerCase()
"𐐀".toLowerCase()
"𐐨".toUpperCase()
"日本".toUpperCase()
"ա".toUpperCase()
"ა".toUpperCase()
"ꙁ".toUpperCase()
"ǆ".toUpperCase()
"ǅ".toLowerCase()
"Straße".toUpperCase().toLowerCase()
"aBc1-Z".toUpperCase()
"aBc1-Z".toLowerCase()
"ÄÖÜ".toLocaleLowerCase()
"äöü".toLocaleUpperCase()
"a\ud800b".toUpperCase()
"abc".charAt(1)
"abc".charAt(9)
"abc".charAt()
"abc".charAt(-1)
"abc".charCodeAt(9)
"abc".charCodeAt(1)
"abc".charCodeAt("1.9")
"😀".length
"😀".charCodeAt(0)
"😀".charCodeAt(1)
"\ud83d" + "\ude00" === "😀"
("\ud83d" + "\ude00").length
["\ud83d", "\ude00"].join("") === "😀"
"\ud83d".concat("\ude00") === "😀"
"😀".slice(0, 1) + "😀".slice(1) === "😀"
"😀".split("").join("") === "😀"
"😀".split("").length
"a😀b".substring(1, 3)
"a😀b".indexOf("b")
"a😀b".lastIndexOf("b")
"😀".indexOf("\ude00")
String.fromCharCode(0xd83d, 0xde00) === "😀"
String.fromCharCode(0xd83d) + String.fromCharCode(0xde00) === "😀"
var o = {}; o["\ud83d" + "\ude00"] = 1; o["😀"]
"\ud83d" + ("\ude00" + "x") === "😀x"
"x\ud83d" + "\ude00" === "x😀"
"\ude00\ud83d".length
"\ud83d\ud83d\ude00".length
"\ud83d" < "\ude00"
"\ud83d" === "\ud83d"
String.fromCharCode(65, 66.9, "67")
String.fromCharCode()
String.fromCharCode(65601)
"abc".concat(1, null, [2])
"abcabc".indexOf("c", 3)
"abcabc".indexOf("")
"abc".indexOf("", 9)
"abc".indexOf("d")
"abc".indexOf("c", -5)
"abc".indexOf()
"undefined".indexOf()
"abcabc".lastIndexOf("c", 3)
"abc".lastIndexOf("")
"abcabc".lastIndexOf("abc", 0)
"abc".lastIndexOf("c", NaN)
"abc".lastIndexOf("c", -1)
"abc".slice(-2)
"abc".slice(2, 1)
"abc".slice(-2, -1)
"abc".slice(undefined, 2)
"abc".slice(0, NaN)
"abc".substring(2, 0)
"abc".substring(NaN, 2)
"abc".substring(-1, 9)
"abcdef".substr(-3, 2)
"abcdef".substr(2)
"abcdef".substr(1, 3)
" \t\u00a0\ufeffx\u2028\n".trim()
"\u180ex".trim().length
"abc".split("")
"abc".split()
"a,b,c".split(",", 2)
"a,b,c".split(",")
"".split("")
"".split(",")
",a,".split(",")
"abc".split("abc")
"aXbX".split("X")
"a1b1c".split(1)
"a,b".split(",", 0)
"a,b".split(",", -1)
"a,b".split(undefined)
"ab".localeCompare("ab")
"a".localeCompare("b") < 0
"abc".replace("b", "X")
"abcb".replace("b", "X")
"abc".replace("b", "[$&]")
"abc".replace("b", "[$`$']")
"abc".replace("b", "$$")
"abc".replace("b", "$1")
"abc".replace("b", function (m, at, all) { return m + at + all })
"abc".replace("", "_")
"abc".replace("d", "X")
"abc".replace("b", undefined)
"abc".replace("b", function () {})
"a.b".replace(".", "$")
"aaa".replace("a", function () { return "$&" })
String.prototype.concat.call(1, 2)
String.prototype.trim.call(null)
String.prototype.slice.call(12345, 1, 3)
String.prototype.toString.call(5)
String.prototype.valueOf.call("v")
String.prototype.charAt.call(true, 0)
String.prototype.indexOf.call([1, 2, 3], ",")
"abc" < "abd"
"a" < "B"
"é" > "z"
"\v\b\f\0".length
'\'"'
"\q"
"tab\tnew\nline"
"x".repeat(3)
"x".repeat(0)
"ab".repeat(2.9)
"x".repeat(-1)
"".repeat(1000000)
