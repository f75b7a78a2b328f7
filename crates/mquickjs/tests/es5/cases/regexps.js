// Regular expressions, and the methods of strings that take them.
/[\w-.]/.test("-")
/[\w-.]/.test("a")
/[\w-.]/.test(".")
/[\w-.]/.test("+")
/[.-\w]/.test("-")
/[a-\d]/.test("-")
/[\s-x]/.test("-")
/[\d-]/.test("-")
/[-a]/.test("-")
/[^\w-]/.test("-")
/[a-z-9]/.test("-")
/[\w\-.]+@[\w-]+/.exec("me.x@host-a")[0]
/[]/.test("a")
/[^]/.test("\n")
/[z-a]/
new RegExp("[b-a]")
/a{2}/.test("aa")
/a{2,}/.exec("aaaa")[0]
/a{,2}/.test("a{,2}")
/x{1/.test("x{1")
/{/.test("{")
/}/.test("}")
/]/.test("]")
/a|b|/.exec("c")[0]
/(?:)/.exec("x").index
/(a)|b/.exec("b")[1]
/(a)|b/.exec("b").length
"b".match(/(a)?b/)[1]
"ab".split(/(c)?b/)
/(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac")
/(a*)*/.exec("b")
/(?=(a+))a*b\1/.exec("baaabac")
/(?!foo)...\b/.exec("foobar bar")[0]
/\bfoo\b/.test("a foo b")
/\Boo/.test("foo")
/^a$/m.test("b\na\nc")
/^a/m.test("b\ra")
/^a/m.test("b\u2028a")
/a.c/.test("a\nc")
/a.c/.test("a\u2028c")
/a.c/.test("a\rc")
/./.exec("😀")[0].length
/\s/.test("\u00a0")
/\s/.test("\ufeff")
/\s/.test("\u2028")
/\S/.test("\u3000")
/\d/.test("٣")
/\w/.test("ä")
/ä/i.test("Ä")
/σ/i.test("ς")
/[à-þ]/i.test("É")
/ß/i.test("ẞ")
/k/i.test("\u212a")
/ı/i.test("I")
/[^x]/i.test("X")
/\u0041/.test("A")
/\x41/.test("A")
/\cA/.test("\x01")
/\0/.test("\0")
/[\b]/.test("\b")
/\//.source
/a/gim.global
/a/.global
/a/i.ignoreCase
/a/m.multiline
/a/gi.lastIndex
new RegExp("/").source
new RegExp("").source
String(new RegExp(""))
String(new RegExp("\n"))
new RegExp("a", "gg")
new RegExp("a", "x")
new RegExp("(")
new RegExp("*")
new RegExp("\\")
new RegExp("a", undefined).test("a")
RegExp("a", "g").global
RegExp(/a/) instanceof RegExp
new RegExp(/a/g).source
var r = /a/g; RegExp(r) === r
new RegExp(/a/g, "i")+""
/a/ instanceof RegExp
/a/.constructor === RegExp
var r = /a/g; r.exec("aa"); r.lastIndex
var r = /a/g; r.exec("aa"); r.exec("aa"); r.exec("aa") === null && r.lastIndex === 0
var r = /a/; r.lastIndex = 5; r.exec("a") !== null && r.lastIndex === 5
var r = /a/g; r.lastIndex = 5; r.exec("a") === null && r.lastIndex === 0
var r = /x*/g; r.lastIndex = 9; String(r.exec("ab"))
var r = /a/g, n = 0; while (r.exec("aXaXa")) n++; n
var r = /(b)(c)?/; var m = r.exec("abd"); [m.index, m.input, m.length, m[0], m[1], m[2]]
/a/.exec("b")
/a/.test()
/undefined/.test()
/null/.exec(null)[0]
/b/.exec({toString: function () { return "abc" }}).index
"abc".match(/b/).index
"abcabc".match(/b/g)
"abc".match(/x/)
"abc".match(/x/g)
"a1b2".match(/[a-z](\d)/)
"a1b2".match(/[a-z](\d)/g)
"abc".match("b")[0]
"abc".match()[0]
"a.c".match(".")[0]
"aaa".match(/a*?/g).length
"abc".match(/(?:)/g).length
"abc".search(/c/)
"abc".search("c")
"abc".search(/x/)
"a.c".search(".")
var r = /b/g; r.lastIndex = 2; "abc".search(r)
"abcb".replace(/b/, "X")
"abcb".replace(/b/g, "X")
"abc".replace(/(b)(x)?/, "[$1$2]")
"john smith".replace(/(\w+) (\w+)/, "$2, $1")
"abc".replace(/b/, "$0")
"abc".replace(/(b)/, "$01")
"abc".replace(/(b)/, "$10")
"abc".replace(/(b)/, "$2")
"abc".replace(/b/, "$`|$'|$&|$$")
"abc".replace(/(b)/g, function (m, p, at, all) { return [m, p, at, all].join("-") })
"abc".replace(/(x)?b/, function (m, p) { return typeof p })
"aBc".replace(/[A-Z]/g, function (m) { return "_" + m.toLowerCase() })
"abc".replace(/x*/g, "-")
"a-b_c".replace(/[-_](\w)/g, function (m, c) { return c.toUpperCase() })
"abc".replace(/b/, function () { return "$&" })
"aaa".replace(/a/g, function (m, at) { return at })
"abc".replace(/b/g, function () { return "abc".replace(/c/g, "d") })
var r = /a/g; r.lastIndex = 1; "aaa".replace(r, "b") + r.lastIndex
"abc".replace(/(?:)/g, "-")
"😀".replace(/(?:)/g, "-").length
"x".replace(/x/, "$")
"x".replace(/x/, "$$$")
"1234567".replace(/\B(?=(\d{3})+$)/g, ",")
"  trim ".replace(/^\s+|\s+$/g, "")
"abc".replace(/b/, null)
"a,b;c".split(/[,;]/)
"a1b2c3".split(/\d/)
"a1b2c3".split(/(\d)/)
"abc".split(/(?:)/)
"abc".split(/b/, 1)
"".split(/a/)
"".split(/(?:)/)
"A<B>bold</B>and".split(/<(\/)?([^<>]+)>/)
"ab".split(/a*?/)
"ab".split(/a*/)
"a  b".split(/\s+/)
" a b ".split(" ")
"aXbxc".split(/x/i)
/(\d+)-(\d+)/.exec("10-20").slice(1)
/^(?:(\d+)x)?\s*(.*)$/.exec("5x apple")
/\1(a)/.exec("a")[0]
/(a)\2/.test("a\u0002")
/[\1]/.test("\u0001")
/\8/.test("8")
/\a/.test("a")
/^[^\n]*$/.test("a\u2028")
/a++/
/(?<a>b)/.test("b")
/^(a+)+$/.test("aaaaaaaaaaaaaaaa!")
/[\u0410-\u044f]+/.exec("xПриветx")[0]
/(?=a)*/.test("")
/^\S+$/.test("a\u00a0b")
RegExp.prototype.exec.call("a", "a")
RegExp.prototype.toString.call({source: "a", flags: "g"})
Object.keys(/a/g).length
var r = /a/g; r.lastIndex = "1"; r.test("ba") && r.lastIndex
delete /a/.lastIndex
[RegExp.prototype.global, RegExp.prototype.ignoreCase, RegExp.prototype.multiline, RegExp.prototype.source, String(RegExp.prototype)]
var r = /b/g; r.lastIndex = 1; ["abcb".split(r), r.lastIndex, "abc".search(r), r.lastIndex, "xyz".search(r), r.lastIndex]
var r = /a/g; r.lastIndex = 1e300; [r.test("aaa"), r.lastIndex]
var r = /a/g; r.lastIndex = -1; [r.test("aaa"), r.lastIndex]
