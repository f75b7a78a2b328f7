// URL and URLSearchParams, for what people write: hosts are names in ASCII, IPv4 or IPv6 in brackets.
(function (G, R, door) {
  var S = String, ports = { http: "80", https: "443", ws: "80", wss: "443", ftp: "21", file: "" };
  var own = Object.prototype.hasOwnProperty;

  function percent(text, keep) {
    return R.characters(R.wellFormed(text)).map(function (letter) {
      return letter.length === 1 && keep.test(letter) ? letter : encodeURIComponent(letter).replace(/^[^%]$/, function (plain) {
        return "%" + plain.charCodeAt(0).toString(16).toUpperCase();
      });
    }).join("");
  }

  // What stays as it is in each part.
  var IN_PATH = /[A-Za-z0-9\-._~!$&'()*+,;=:@%\/\[\]\\|^]/, IN_QUERY = /[A-Za-z0-9\-._~!$&()*+,;=:@%\/?\[\]\\|^`{}]/;
  var IN_HASH = /[A-Za-z0-9\-._~!$&'()*+,;=:@%\/?\[\]\\|^{}#]/, IN_USER = /[A-Za-z0-9\-._~!$&'()*+,%]/;

  function formed(text) { return percent(text, /[A-Za-z0-9*\-._ ]/).replace(/ /g, "+"); }

  function unformed(text) {
    text = text.replace(/\+/g, " ");
    return text.indexOf("%") < 0 ? text : R.unescaped(text);
  }

  // Percent signs that mean bytes; others stay.
  R.unescaped = function (text) {
    try { return decodeURIComponent(text); } catch (broken) {
      return text.replace(/(?:%[0-9a-f]{2})+/gi, function (part) {
        var list = part.slice(1).split("%").map(function (hex) { return parseInt(hex, 16); });
        return door("utf8_decode", new Uint8Array(list));
      });
    }
  };

  function SearchParams(from) {
    if (!(this instanceof SearchParams)) throw new TypeError("Class constructor URLSearchParams cannot be invoked without 'new'");
    R.hide(this, "$$" + "list", listed(from));
    R.hide(this, "$$" + "url", undefined);
  }

  function read(text) {
    if (text.charAt(0) === "?") text = text.slice(1);
    return text === "" ? [] : text.split("&").filter(function (part) { return part !== ""; }).map(function (part) {
      var at = part.indexOf("=");
      return at < 0 ? [unformed(part), ""] : [unformed(part.slice(0, at)), unformed(part.slice(at + 1))];
    });
  }

  function listed(from) {
    if (from === undefined || from === null) return [];
    if (!R.isObject(from)) return read(S(from));
    if (typeof from.$$iterator === "function") {
      return R.list(from).map(function (pair) {
        pair = R.list(pair);
        if (pair.length !== 2) throw new TypeError("Each query pair must be an iterable [name, value] tuple");
        return [S(pair[0]), S(pair[1])];
      });
    }
    return R.keys(from).map(function (name) { return [name, S(from[name])]; });
  }

  function written(params) {
    return params.$$list.map(function (pair) { return formed(pair[0]) + "=" + formed(pair[1]); }).join("&");
  }

  function changed(params) {
    var text;
    if (params.$$url) {
      text = written(params);
      params.$$url.query = text === "" ? "" : "?" + text;
    }
  }

  R.made(SearchParams, "URLSearchParams", {
    append: function (name, value) { this.$$list.push([S(name), S(value)]); changed(this); },
    delete: function (name, value) {
      var two = arguments.length > 1 && value !== undefined;
      this.$$list = this.$$list.filter(function (pair) { return pair[0] !== S(name) || two && pair[1] !== S(value); });
      changed(this);
    },
    get: function (name) {
      var found = this.$$list.find(function (pair) { return pair[0] === S(name); });
      return found ? found[1] : null;
    },
    getAll: function getAll(name) {
      return this.$$list.filter(function (pair) { return pair[0] === S(name); }).map(function (pair) { return pair[1]; });
    },
    has: function (name, value) {
      var two = arguments.length > 1 && value !== undefined;
      return this.$$list.some(function (pair) { return pair[0] === S(name) && (!two || pair[1] === S(value)); });
    },
    set: function (name, value) {
      var found = false;
      this.$$list = this.$$list.filter(function (pair) {
        if (pair[0] !== S(name)) return true;
        if (found) return false;
        found = true;
        pair[1] = S(value);
        return true;
      });
      if (!found) this.$$list.push([S(name), S(value)]);
      changed(this);
    },
    sort: function () {
      this.$$list.sort(function (a, b) { return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0; });
      changed(this);
    },
    forEach: function (code, self) {
      var params = this;
      params.$$list.forEach(function (pair) { code.call(self, pair[1], pair[0], params); });
    },
    keys: function () { return R.over(this.$$list.map(function (pair) { return pair[0]; }), 1); },
    values: function () { return R.over(this.$$list.map(function (pair) { return pair[1]; }), 1); },
    entries: function entries() { return R.over(this.$$list.map(function (pair) { return pair.slice(); }), 1); },
    toString: function () { return written(this); }
  });
  R.hide(SearchParams.prototype, "$$iter" + "ator", SearchParams.prototype.entries);
  R.getter(SearchParams.prototype, { size: function () { return this.$$list.length; } });

  function isSpecial(scheme) { return own.call(ports, scheme); }

  // A path without `.` and `..`.
  function walked(path) {
    var out = [];
    path.split("/").forEach(function (part, index, all) {
      var plain = part.replace(/%2e/gi, "."), last = index === all.length - 1;
      if (plain === "..") {
        if (out.length > 1) out.pop();
        if (last) out.push("");
      } else if (plain === ".") {
        if (last) out.push("");
      } else {
        out.push(part);
      }
    });
    return out.join("/");
  }

  function number(part) {
    if (/^0x[0-9a-f]*$/i.test(part)) return part.length < 3 ? 0 : parseInt(part, 16);
    if (/^0[0-7]+$/.test(part)) return parseInt(part, 8);
    return /^\d+$/.test(part) ? +part : -1;
  }

  // A host in its one form; undefined where it is none.
  function host(text, special) {
    var parts, all, last;
    if (text.charAt(0) === "[") return /^\[[0-9a-f:.]+\]$/i.test(text) ? "[" + six(text.slice(1, -1).toLowerCase()) + "]" : undefined;
    if (!special) return /[\s#\/<>?@\[\\\]^|]/.test(text) ? undefined : percent(text, /[!-~]/);
    text = R.unescaped(text).toLowerCase();
    if (text === "" || /[\s#%\/:<>?@\[\\\]^|\x00-\x1f\x7f]/.test(text) || /[^\x00-\x7f]/.test(text)) return undefined;
    parts = text.split(".");
    if (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
    last = parts[parts.length - 1];
    if (!/^\d+$|^0x[0-9a-f]*$/.test(last)) return text;
    all = parts.map(number);
    if (all.length > 4 || all.some(function (n, i) { return n < 0 || i < all.length - 1 && n > 255; })) return undefined;
    last = all.pop();
    if (last >= Math.pow(256, 4 - all.length)) return undefined;
    last += all.reduce(function (sum, n, i) { return sum + n * Math.pow(256, 3 - i); }, 0);
    return [24, 16, 8, 0].map(function (shift) { return Math.floor(last / Math.pow(2, shift)) % 256; }).join(".");
  }

  // An IPv6 address in its shortest form.
  function six(text) {
    var halves = text.split("::"), list, run = [0, 0], i, from, four = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
    if (four) return six(text.slice(0, four.index) + (+four[1] * 256 + +four[2]).toString(16) + ":" + (+four[3] * 256 + +four[4]).toString(16));
    function words(half) { return half === "" ? [] : half.split(":"); }
    list = words(halves[0]);
    if (halves.length > 2) throw bad(text);
    if (halves.length === 2) {
      from = words(halves[1]);
      while (list.length + from.length < 8) list.push("0");
      list = list.concat(from);
    }
    if (list.length !== 8 || !list.every(function (word) { return /^[0-9a-f]{1,4}$/.test(word); })) throw bad(text);
    list = list.map(function (word) { return parseInt(word, 16).toString(16); });
    for (i = 0; i < 8; i++) {
      for (from = i; i < 8 && list[i] === "0"; i++) {}
      if (i - from > run[1]) run = [from, i - from];
    }
    if (run[1] < 2) return list.join(":");
    return list.slice(0, run[0]).join(":") + "::" + list.slice(run[0] + run[1]).join(":");
  }

  function bad(text) {
    var error = new TypeError("Invalid URL");
    R.hide(error, "co" + "de", "ERR_INVALID_URL");
    R.hide(error, "in" + "put", text);
    return error;
  }

  function port(url, text) {
    var n = +text;
    if (!/^\d*$/.test(text) || n > 65535) return false;
    url.port = text === "" || S(n) === ports[url.scheme] ? "" : S(n);
    return true;
  }

  function parse(text, base) {
    var url = { scheme: "", user: "", secret: "", host: null, port: "", path: "", query: "", hash: "" }, rest, found, at, special, name;
    text = text.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    found = /^([A-Za-z][A-Za-z0-9+.\-]*):/.exec(text);
    if (found) {
      url.scheme = found[1].toLowerCase();
      rest = text.slice(found[0].length);
    } else if (base) {
      url.scheme = base.scheme;
      rest = text;
    } else {
      throw bad(text);
    }
    special = isSpecial(url.scheme);
    at = rest.indexOf("#");
    if (at >= 0) {
      url.hash = "#" + percent(rest.slice(at + 1), IN_HASH);
      rest = rest.slice(0, at);
    }
    at = rest.indexOf("?");
    if (at >= 0) {
      url.query = "?" + percent(rest.slice(at + 1), IN_QUERY);
      rest = rest.slice(0, at);
    }
    if (special) rest = rest.replace(/\\/g, "/");
    if (found && special && url.scheme !== "file" && base && base.scheme === url.scheme && !/^\//.test(rest)) found = null;
    if (!found && base.opaque && (rest !== "" || at >= 0 || url.hash === "")) throw bad(text);
    if (found && special && url.scheme !== "file") rest = "//" + rest.replace(/^\/+/, "");
    if (/^\/\//.test(rest)) {
      rest = rest.slice(2);
      at = rest.indexOf("/");
      name = at < 0 ? rest : rest.slice(0, at);
      rest = at < 0 ? "" : rest.slice(at);
      at = name.lastIndexOf("@");
      if (at >= 0) {
        found = name.slice(0, at);
        name = name.slice(at + 1);
        at = found.indexOf(":");
        url.user = percent(at < 0 ? found : found.slice(0, at), IN_USER);
        url.secret = at < 0 ? "" : percent(found.slice(at + 1), IN_USER);
      }
      found = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(name);
      if (!found || found[2] !== undefined && !port(url, found[2])) throw bad(text);
      url.host = url.scheme === "file" && /^(?:localhost)?$/i.test(found[1]) ? "" : found[1] === "" && !special ? "" : host(found[1], special);
      if (url.host === undefined) throw bad(text);
    } else if (!found) {
      url.user = base.user;
      url.secret = base.secret;
      url.host = base.host;
      url.port = base.port;
      if (rest === "") {
        rest = base.path;
        if (url.query === "" && text.indexOf("?") < 0) url.query = base.query;
      } else if (rest.charAt(0) !== "/") {
        rest = base.path.slice(0, base.path.lastIndexOf("/") + 1) + rest;
      }
    } else if (url.scheme === "file") {
      url.host = "";
    } else if (rest.charAt(0) !== "/") {
      url.opaque = true;
    }
    url.path = percent(rest, url.opaque ? /[\x20-\x7e]/ : IN_PATH);
    if (!url.opaque) {
      if (special && url.path.charAt(0) !== "/") url.path = "/" + url.path;
      url.path = walked(url.path);
    }
    return url;
  }

  function whole(url) {
    var name = url.host === null ? "" : "//" + (url.user || url.secret ? url.user + (url.secret ? ":" + url.secret : "") + "@" : "") + near(url);
    return url.scheme + ":" + name + url.path + url.query + url.hash;
  }

  function near(url) { return (url.host || "") + (url.port === "" ? "" : ":" + url.port); }

  function URL(text, base) {
    var made;
    if (!(this instanceof URL)) throw new TypeError("Class constructor URL cannot be invoked without 'new'");
    if (!arguments.length) throw new TypeError("The \"url\" argument must be specified");
    R.hide(this, "$$" + "url", parse(S(text), base === undefined ? undefined : parse(S(base))));
    made = new SearchParams(this.$$url.query);
    made.$$url = this.$$url;
    R.hide(this, "search" + "Params", made);
  }

  R.made(URL, "URL", {
    toString: function () { return whole(this.$$url); },
    toJSON: function () { return whole(this.$$url); }
  });
  G.URLSearchParams = SearchParams;
  R.put(URL, {
    canParse: function canParse(text, base) {
      try { return !!new URL(text, base); } catch (broken) { return false; }
    }
  });

  function members(all) {
    R.allKeys(all).forEach(function (name) {
      var pair = all[name];
      Object.defineProperty(URL.prototype, name, {
        get: function () { return pair[0](this.$$url); },
        set: function (value) {
          if (pair[1]) pair[1](this.$$url, S(value), this);
          this.searchParams.$$list = read(this.$$url.query);
        },
        enumerable: false,
        configurable: true
      });
    });
  }

  members({
    href: [whole, function (url, text) {
      var all = parse(text);
      R.allKeys(all).forEach(function (name) { url[name] = all[name]; });
    }],
    origin: [function (url) {
      if (url.scheme === "blob" && /^https?:/.test(url.path)) return new URL(url.path).origin;
      return isSpecial(url.scheme) && url.scheme !== "file" ? url.scheme + "://" + near(url) : "null";
    }],
    protocol: [function (url) { return url.scheme + ":"; }, function (url, text) {
      text = text.replace(/:.*$/, "").toLowerCase();
      if (!/^[a-z][a-z0-9+.\-]*$/.test(text) || isSpecial(text) !== isSpecial(url.scheme)) return;
      url.scheme = text;
      port(url, url.port);
    }],
    username: [function (url) { return url.user; }, function (url, text) { if (url.host) url.user = percent(text, IN_USER); }],
    password: [function (url) { return url.secret; }, function (url, text) { if (url.host) url.secret = percent(text, IN_USER); }],
    host: [near, function (url, text) {
      var found = /^(\[[^\]]*\]|[^:\/?#]*)(?::(\d*))?/.exec(text), name = found && host(found[1], isSpecial(url.scheme));
      if (url.opaque || name === undefined || name === null) return;
      url.host = name;
      if (found[2]) port(url, found[2]);
    }],
    hostname: [function (url) { return url.host || ""; }, function (url, text) {
      var name = /[:\/?#]/.test(text) ? undefined : host(text, isSpecial(url.scheme));
      if (!url.opaque && name !== undefined) url.host = name;
    }],
    port: [function (url) { return url.port; }, function (url, text) {
      text = /^\d*/.exec(text)[0];
      if (url.host && url.scheme !== "file") port(url, text);
    }],
    pathname: [function (url) { return url.path; }, function (url, text) {
      if (url.opaque) return;
      if (isSpecial(url.scheme)) text = text.replace(/\\/g, "/");
      if (text.charAt(0) !== "/" && (isSpecial(url.scheme) || url.host !== null)) text = "/" + text;
      url.path = walked(percent(text, IN_PATH).replace(/\?/g, "%3F").replace(/#/g, "%23"));
    }],
    search: [function (url) { return url.query === "?" ? "" : url.query; }, function (url, text) {
      if (text.charAt(0) === "?") text = text.slice(1);
      url.query = text === "" ? "" : "?" + percent(text, IN_QUERY).replace(/#/g, "%23");
    }],
    hash: [function (url) { return url.hash === "#" ? "" : url.hash; }, function (url, text) {
      if (text.charAt(0) === "#") text = text.slice(1);
      url.hash = text === "" ? "" : "#" + percent(text, IN_HASH);
    }]
  });
})
