// Conversion to numbers, and numbers as text.
Number("")
Number(" ")
Number("x")
Number("7")
Number("\t")
Number("\n")
Number(" 12 ")
Number("\u00a0 5\u00a0")
Number("\ufeff1")
Number("\u2028")
Number("0x1F")
Number("0x")
Number("1e3")
Number(".5")
Number("5.")
Number(".")
Number("+5")
Number("-5")
Number("+-5")
Number("--5")
Number("1 2")
Number("Infinity")
Number("-Infinity")
Number("infinity")
Number("1_000")
Number("012")
Number("-0x10")
Number(null)
Number(undefined)
Number(true)
Number([])
Number([7])
Number([1, 2])
Number({})
Number("1e1000")
Number("12px")
+" "
+"\n5\r"
-"3"
"a" - 1
isNaN(" ")
isFinite("5")
parseInt("08")
parseInt("0x1f")
parseInt("1f", 16)
parseInt("z", 36)
parseInt("12px")
parseInt("  -42abc")
parseInt("\u00a042")
parseInt("")
parseInt("9", 8)
parseInt("11", 2)
parseInt("11", 1)
parseInt("11", 37)
parseInt("11", 0)
parseInt(null)
parseInt("123", 10.9)
parseInt(1e21)
parseInt("0.9")
parseInt("-")
parseInt("-0")
parseInt("900719925474099267")
parseInt("0b11")
parseInt("0xg")
parseInt("7", "8")
parseFloat("3.14abc")
parseFloat(".5.5")
parseFloat("-.5e-2x")
parseFloat("\u00a01.5")
parseFloat("1e")
parseFloat("1e+")
parseFloat("0x10")
parseFloat("Infinityx")
parseFloat("")
parseFloat("-Infinity")
parseFloat("1_000")
(1.005).toFixed(2)
(0).toFixed(2)
(-1.5).toFixed(0)
(2.5).toFixed(0)
(1e21).toFixed(2)
(123.456).toFixed(1)
(0.000001).toFixed(7)
(-0).toFixed(1)
NaN.toFixed(2)
(1).toFixed(101)
(1.45).toFixed(1)
(1234.5678).toPrecision(6)
(0.000001).toPrecision(2)
(1e21).toPrecision(3)
(123).toPrecision(2)
(0).toPrecision(3)
(1).toPrecision(0)
(5).toPrecision()
(12345).toExponential(2)
(0).toExponential()
(1.25).toExponential(1)
(123456).toExponential()
(255).toString(16)
(255).toString(2)
(-255).toString(36)
(0.5).toString(2)
(0.1).toString(3).slice(0, 12)
(1e21).toString()
(1e-7).toString()
(123456789012345680000).toString()
(0.000001).toString()
(5).toString(1)
(5).toString(undefined)
NaN.toString(2)
String(1e300 * 10)
0.1 + 0.2
1 / 3
5e-324
1.7976931348623157e308
-0 === 0 && 1 / -0 === -Infinity
5 % 3
-5 % 3
5 % -3
5.5 % 2
-1 % 1
1 << 31
1 << 32
-1 >>> 0
-1 >> 31
2147483648 | 0
4294967296 | 0
1e20 | 0
~5
"5" & "3"
1.9 | 0
-1.9 | 0
Math.max()
Math.min()
Math.max(1, "3", 2)
Math.max(1, NaN)
Math.max(-0, 0)
Math.round(2.5)
Math.round(-2.5)
Math.round(0.49999999999999994)
Math.round(-0.2)
Math.floor(-0.5)
Math.ceil(-0.5)
Math.abs("-3")
Math.pow(2, 10)
Math.pow(NaN, 0)
Math.pow(1, Infinity)
Math.sqrt(-1)
Math.atan2(0, -0)
Math.atan2(1, 1) === Math.PI / 4
Math.exp(1) - Math.E < 1e-15
Math.log(0)
Math.random() < 1
Number.MAX_VALUE
Number.MIN_VALUE > 0
Number.NEGATIVE_INFINITY
Number()
Number.prototype.toString.call("x")
