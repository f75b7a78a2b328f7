["abc".includes("b"), "abc".includes("b", 2), "abc".startsWith("b", 1), "abc".endsWith("b", 2), "abc".endsWith("")]
"a".includes(/a/)
["5".padStart(3, "0"), "abc".padStart(2), "a".padEnd(4, "xy") + "|", "a".padStart(3)]
["ab".repeat(3), "a".repeat(0), "abc".at(-1), "abc".at(9)]
"a".repeat(-1)
["  a ".trim(), "  a ".trimStart(), "  a ".trimEnd(), "  a".trimLeft(), "a  ".trimRight()]
["aXbX".replaceAll("X", "-"), "aXbX".replaceAll(/X/g, (m, i) => i), "abc".replace("b", "[$&]")]
"a".replaceAll(/a/, "b")
[..."a1b2".matchAll(/[a-z](\d)/g)].map(m => [m[0], m[1], m.index])
"a".matchAll(/a/)
[..."aaa".matchAll(/a*?/g)].length
const m = "2024-05-06".match(/(?<y>\d{4})-(?<m>\d\d)/);; [m.groups.y, m.groups.m, m.index]
const { groups: { a, b } } = /(?<a>.)(?<b>.)?/.exec("x");; [a, b]
"2024-05".replace(/(?<y>\d+)-(?<m>\d+)/, "$<m>/$<y>")
"a1b2".replace(/(?<l>[a-z])(?<d>\d)/g, (...a) => { const g = a[a.length - 1]; return g.d + g.l })
[..."k1=v1;k2=v2".matchAll(/(?<k>\w+)=(?<v>\w+)/g)].map(m => m.groups.k + m.groups.v)
/(?<q>['"]).*?\k<q>/.exec(`a"b'c"`)[0]
/(a)(?<n>b)\2/.test("abb")
"x".match(/(?<a>x)|(?<b>y)/).groups.b
/(.)/.exec("x").groups
[/a.c/s.test("a\nc"), /\u{1F600}/u.test("😀"), "😀".match(/./u)[0].length, /a/y.sticky]
[/a/gi.flags, new RegExp("a", "g").source, new RegExp(/x/g, "i").flags, String(new RegExp("a/b"))]
[RegExp("a") instanceof RegExp, /a/ instanceof RegExp, new RegExp("(?<x>1)").exec("1").groups.x]
new RegExp("(")
[..."a😀b"].length
["a-b_c".split(/[-_]/), "abc".split(""), "a,b".split(",", 1)]
["a".localeCompare("b"), "b".localeCompare("a"), "a".localeCompare("a"), "a".localeCompare("B"), "A".localeCompare("a"), "ä".localeCompare("b")]
["b", "a", "C", "ä", "A"].sort((x, y) => x.localeCompare(y))
["item10", "item9", "_x", "1"].sort((x, y) => x.localeCompare(y))
["\ud800".isWellFormed(), "a😀".isWellFormed(), "\ud800a".toWellFormed()]
["é".normalize(), "abc".normalize("NFC")]
"a".normalize("X")
[String.fromCodePoint(128512), "😀".codePointAt(0), "abc".codePointAt(1)]
["camelCaseText".replace(/([A-Z])/g, " $1").toLowerCase(), "snake_case_x".replace(/_(\w)/g, (_, c) => c.toUpperCase())]
"the quick brown".split(" ").map(w => w[0].toUpperCase() + w.slice(1)).join(" ")
"hello world".match(/o/g)
"hello".match(/z/g)
"abc".search(/c/)
[escape("ä b+c"), unescape("%E4%20b"), escape("€")]
[encodeURIComponent("a b&c/ä"), decodeURIComponent("a%20b%C3%A4"), encodeURI("http://x/a b?c=d")]
"a\tb".split("\t")
"line1\nline2".split("\n").length
"abc"[1]
"%s".replace("%s", () => "$1")
"aaa".lastIndexOf("a")
["ß".toUpperCase(), "İ".toLowerCase().length, "ABC".toLowerCase()]
[..."ab"].map((c, i) => c.charCodeAt(0) + i)
"x".concat(1, null)
const r = /a/g;; [r.test("aa"), r.lastIndex, r.test("aa"), r.test("aa")]
const r = /(\d+)/g, out = []; let m; while ((m = r.exec("1 22 333"))) out.push(m[1]);; out
"John Smith".replace(/(?<first>\w+)\s(?<last>\w+)/, "$<last>, $<first>")
"aBc".replace(/b/i, x => x.toUpperCase() + "!")
"tel: 555-1234".match(/(\d{3})-(\d{4})/).slice(1)
"price: $5".replace("$5", "$$6")
