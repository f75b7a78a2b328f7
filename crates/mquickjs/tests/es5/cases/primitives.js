// What primitives answer to their own methods.
"abc".toString()
"x".toString()
"".toString()
true.toString()
false.toString() + true
String(true)
"abc".valueOf()
(5).valueOf()
(1.5).valueOf()
true.valueOf()
[1].valueOf()[0]
({a: 1}).valueOf().a
var f = function () { return 3 }; f.valueOf() === f
typeof "s".valueOf()
String(/a/)
String(/a\/b/gi)
/a/.toString()
"" + /x/m
String([1, [2, 3]])
String({})
String(function () {}).indexOf("function") === 0
String(null) + String(undefined)
String(-0)
"5" * "4"
"3" + 4 + 5
3 + 4 + "5"
[] + []
[] + {}
1 + {valueOf: function () { return 2 }}
"" + {toString: function () { return "T" }, valueOf: function () { return "V" }}
String({toString: function () { return "T" }, valueOf: function () { return "V" }})
String({toString: function () { return {} }, valueOf: function () { return "V" }})
1 * {toString: function () { return "7" }}
String({toString: function () { return {} }, valueOf: function () { return {} }})
({}) == "[object Object]"
[2] == 2
null == undefined
null == 0
"1" == 1
true == "1"
NaN != NaN
"b" > "a"
"B" > "a"
"10" < "9"
"10" < 9
null >= 0
undefined >= 0
Boolean("") === false && Boolean("0") === true
!!NaN
!![]
typeof null
typeof undefined
typeof function () {}
typeof /a/
typeof nothing
"abc"[1]
"abc"[3]
"abc".length
"length" in "abc"
"abc".nope
(5).nope
Object.prototype.toString.call("a")
Object.prototype.toString.call(5)
Object.prototype.toString.call(null)
Object.prototype.toString.call(undefined)
Object.prototype.toString.call([])
Object.prototype.toString.call(/a/)
Object.prototype.toString.call(new TypeError("x"))
Object.prototype.toString.call(Math)
Object.prototype.toString.call(JSON)
Object.prototype.toString.call(function () {})
Object.prototype.toString.call(true)
(function () { return Object.prototype.toString.call(arguments) })()
"abc".constructor === String
(5).constructor === Number
true.constructor === Boolean
"abc".hasOwnProperty("length")
"abc".hasOwnProperty(1)
"abc".hasOwnProperty(5)
(5).hasOwnProperty("a")
true.hasOwnProperty("toString")
typeof new String("a")
new Number(5) + 1
typeof Object("a")
Object("abc").length
undefined.length
null.length
(function (a) { var s = "x".length; return a.length })(undefined)
(5).length
true.length
