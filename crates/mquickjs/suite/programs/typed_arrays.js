function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function text(f) { try { f(); } catch (e) { return String(e); } return "nothing"; }
same(text(function () { String(new Int8Array(536870000)); }), "InternalError: out of memory");
same(text(function () { new Float64Array(1 << 28); }), "RangeError: invalid array buffer length");
same(text(function () { new Float64Array(1 << 25); }), "InternalError: out of memory");
same(text(function () { new ArrayBuffer(-1); }), "RangeError: invalid array index");
var t = new Int32Array([1, 2, 3, 4]);
same(t.subarray(-3).length, 3); same(t.subarray(1, 4)[2], 4); same(t.subarray(4).length, 0); same(t.subarray(0).length, 4);
same(t.subarray(2).subarray(-1)[0], 4); same(new Uint8Array(t.buffer, 4, 12).subarray(-12).length, 12);
var bad = {valueOf: function () { load("collect"); throw new RangeError("no"); }}, i;
for (i = 0; i < 5; i++) {
    same(text(function () { t[0] = bad; }), "RangeError: no");
    same(text(function () { new Uint8ClampedArray(2)[1] = bad; }), "RangeError: no");
    same(text(function () { new Float32Array(2)[1] = bad; }), "RangeError: no");
    same(text(function () { new Int8Array([1, bad]); }), "RangeError: no");
    load("collect");
}
t[1] = {valueOf: function () { load("collect"); return 77; }};
same(t[1], 77);
var shrinking = [1, 2, 3, {valueOf: function () { shrinking.length = 0; load("collect"); return 4; }}, 5, 6];
same(new Int16Array(shrinking).length, 6);
