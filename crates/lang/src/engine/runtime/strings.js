// What texts have beyond ES5.
(function (G, R, door) {
  var S = String, SP = S.prototype, replace = SP.replace;
  var fromCharCode = S.fromCharCode, whole = R.whole;

  function text(value, who) {
    if (value === undefined || value === null) throw new TypeError("String.prototype." + who + " called on null or undefined");
    return S(value);
  }

  function plain(value, who) {
    if (value instanceof RegExp) throw new TypeError("First argument to String.prototype." + who + " must not be a regular expression");
    return S(value);
  }

  function padding(length, fill) {
    fill = fill === undefined ? " " : S(fill);
    if (fill === "" || length <= 0) return "";
    return fill.repeat(Math.ceil(length / fill.length)).slice(0, length);
  }

  function isHalf(code, high) { return (code & 0xfc00) === (high ? 0xd800 : 0xdc00); }

  // Where the first half of a pair stands that has no other.
  function broken(all, from) {
    var i, code;
    for (i = from; i < all.length; i++) {
      code = all.charCodeAt(i);
      if (isHalf(code, true) && i + 1 < all.length && isHalf(all.charCodeAt(i + 1), false)) i++;
      else if (isHalf(code, true) || isHalf(code, false)) return i;
    }
    return -1;
  }

  R.wellFormed = function (all) {
    var at = broken(all, 0), done = "", from = 0;
    while (at >= 0) {
      done += all.slice(from, at) + "\ufffd";
      from = at + 1;
      at = broken(all, from);
    }
    return from ? done + all.slice(from) : all;
  };

  // Letters with marks by their code, each 16 bits: what is left of these is the letter alone.
  function bare(letter) {
    var at = "\u00e0\u00e1\u00e2\u00e3\u00e4\u00e5\u00e7\u00e8\u00e9\u00ea\u00eb\u00ec\u00ed\u00ee\u00ef\u00f1\u00f2\u00f3\u00f4\u00f5\u00f6\u00f9\u00fa\u00fb\u00fc\u00fd\u00ff".indexOf(letter);
    return at < 0 ? letter : "aaaaaaceeeeiiiinooooouuuuyy".charAt(at);
  }

  function rank(letter) {
    var code = letter.charCodeAt(0);
    return /[a-z]/.test(letter) ? 3e5 + code : /[0-9]/.test(letter) ? 2e5 + code : code < 128 ? 1e5 + "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$".indexOf(letter) : 4e5 + code;
  }

  // As a dictionary has it: letters, then marks, then case, small before large.
  function compare(a, b) {
    var x = a.toLowerCase(), y = b.toLowerCase(), length = Math.min(a.length, b.length), i, p, q;
    for (i = 0; i < length; i++) {
      p = rank(bare(x.charAt(i)));
      q = rank(bare(y.charAt(i)));
      if (p !== q) return p < q ? -1 : 1;
    }
    if (a.length !== b.length) return a.length < b.length ? -1 : 1;
    if (x !== y) return x < y ? -1 : 1;
    return a === b ? 0 : a > b ? -1 : 1;
  }

  R.put(SP, {
    at: function (n) {
      var all = text(this, "at");
      n = whole(n);
      if (n < 0) n += all.length;
      return n < 0 || n >= all.length ? undefined : all.charAt(n);
    },
    includes: function (part, from) { return text(this, "includes").indexOf(plain(part, "includes"), from || 0) >= 0; },
    startsWith: function startsWith(part, from) {
      var all = text(this, "startsWith");
      part = plain(part, "startsWith");
      from = Math.min(Math.max(whole(from), 0), all.length);
      return all.slice(from, from + part.length) === part;
    },
    endsWith: function endsWith(part, to) {
      var all = text(this, "endsWith");
      part = plain(part, "endsWith");
      to = to === undefined ? all.length : Math.min(Math.max(whole(to), 0), all.length);
      return to >= part.length && all.slice(to - part.length, to) === part;
    },
    padStart: function padStart(length, fill) {
      var all = text(this, "padStart");
      return padding(whole(length) - all.length, fill) + all;
    },
    padEnd: function padEnd(length, fill) {
      var all = text(this, "padEnd");
      return all + padding(whole(length) - all.length, fill);
    },
    trimLeft: SP.trimStart,
    trimRight: SP.trimEnd,
    normalize: function normalize(form) {
      form = form === undefined ? "NFC" : S(form);
      if (!/^NFK?[CD]$/.test(form)) throw new RangeError("The normalization form should be one of NFC, NFD, NFKC, NFKD.");
      return text(this, "normalize");
    },
    localeCompare: function localeCompare(other) { return compare(text(this, "localeCompare"), S(other)); },
    isWellFormed: function isWellFormed() { return broken(text(this, "isWellFormed"), 0) < 0; },
    toWellFormed: function toWellFormed() { return R.wellFormed(text(this, "toWellFormed")); }
  });
  R.put(S, {
    raw: function (strings) {
      var raw = strings.raw, all = "", i;
      for (i = 0; i < raw.length; i++) {
        all += raw[i];
        if (i + 1 < raw.length && i + 1 < arguments.length) all += arguments[i + 1];
      }
      return all;
    }
  });

  G.escape = function escape(all) {
    return replace.call(S(all), /[^A-Za-z0-9@*_+\-.\/]/g, function (letter) {
      var code = letter.charCodeAt(0), hex = code.toString(16).toUpperCase();
      return letter.length > 1 ? "%u" + hex + "%u" + letter.charCodeAt(1).toString(16).toUpperCase()
        : code < 256 ? "%" + (hex.length < 2 ? "0" + hex : hex) : "%u" + ("000" + hex).slice(-4);
    });
  };
  G.unescape = function unescape(all) {
    return replace.call(S(all), /%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/g, function (whole, four, two) {
      return fromCharCode(parseInt(four || two, 16));
    });
  };
})
