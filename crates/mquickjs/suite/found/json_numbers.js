// A number that has to be allocated, in a text that lies in the heap (found by the moving heap before the fuzzer was there).
var text = "[", i;
for (i = 0; i < 60; i++) text += "1e-30" + i % 10 + ", ";
if (JSON.parse(text + "1e300]").length !== 61) throw new Error("numbers are lost");
