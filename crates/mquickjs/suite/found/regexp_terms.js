var texts = ["a\u00e9", "\u00e9\u00e9", "ab\u00e9", "a\u20ac", "\u00e9a\u00e9", "abcd\u00e9", "a\u00e9\u00e9b\u20ac", "\ud83d\ude00a\u00e9"], i;
for (i = 0; i < texts.length; i++) {
    if (!new RegExp("^" + texts[i] + "$").test(texts[i])) throw new Error(texts[i] + " does not match itself");
    if (new RegExp(texts[i]).test(texts[i].slice(0, -1))) throw new Error(texts[i] + " matches less");
}
