// heap 262144 // every 1000 // throws RangeError: too many arguments
var a = [7], i;
for (i = 0; i < 22; i++) a = a.concat(a);
if (Math.max.apply(null, a.slice(1)) !== 7) throw new Error("one less is not too many");
(function () {}).apply(null, a);
