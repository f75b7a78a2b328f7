// heap 1024
var o = {}, i, n = 0;
for (i = 0; i < 1500; i++) o["k" + (i * 7919 % 1511)] = i;
for (i = 0; i < 1500; i++) if (o["k" + (i * 7919 % 1511)] !== i) throw new Error("k" + i);
for (i = 0; i < 1500; i += 2) delete o["k" + (i * 7919 % 1511)];
load("collect");
for (i = 0; i < 1000; i++) o["l" + (i * 7919 % 1511)] = i;
for (i = 0; i < 1000; i++) if (o["l" + (i * 7919 % 1511)] !== i) throw new Error("l" + i);
for (i in o) n++;
if (n !== 1750) throw new Error(n);
