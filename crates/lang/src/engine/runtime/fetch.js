// Fetch by invitation: the node does what the vault has no network for, and this is the shape in which programs know it.
// An answer is here as a whole when its promise is kept.
(function (G, R, door) {
  var S = String, P = G.Promise, allKeys = R.allKeys, isArray = Array.isArray, parse = JSON.parse;

  function Headers(init) {
    var headers = this;
    headers.$$list = [];
    if (init === undefined || init === null) return;
    if (init instanceof Headers) headers.$$list = init.$$list.map(function (pair) { return pair.slice(); });
    else if (isArray(init)) init.forEach(function (pair) { headers.append(pair[0], pair[1]); });
    else allKeys(init).forEach(function (name) { if (!R.isHidden(name)) headers.append(name, init[name]); });
  }

  function named(name) { return S(name).toLowerCase(); }

  function values(headers, name) {
    name = named(name);
    return headers.$$list.filter(function (pair) { return pair[0] === name; }).map(function (pair) { return pair[1]; });
  }

  R.made(Headers, "Headers", {
    append: function append(name, value) { this.$$list.push([named(name), S(value)]); },
    delete: function (name) {
      name = named(name);
      this.$$list = this.$$list.filter(function (pair) { return pair[0] !== name; });
    },
    get: function (name) {
      var found = values(this, name);
      return found.length ? found.join(", ") : null;
    },
    has: function (name) { return values(this, name).length > 0; },
    set: function (name, value) {
      this.delete(name);
      this.append(name, value);
    },
    forEach: function (code, self) {
      var headers = this, seen = [];
      headers.$$list.forEach(function (pair) {
        if (seen.indexOf(pair[0]) >= 0) return;
        seen.push(pair[0]);
        code.call(self, headers.get(pair[0]), pair[0], headers);
      });
    }
  });

  function Response(answer) {
    this.status = answer.status;
    this.statusText = answer.reason;
    this.ok = answer.status >= 200 && answer.status < 300;
    this.url = answer.url;
    this.redirected = answer.redirected;
    this.headers = new Headers(answer.headers);
    this.bodyUsed = false;
    this.$$body = answer;
  }

  // The body of an answer is read once, as everywhere.
  function taken(response, read) {
    var answer = response.$$body;
    if (response.bodyUsed) return P.reject(new TypeError("Body is unusable: Body has already been read"));
    response.bodyUsed = true;
    response.$$body = undefined;
    try { return P.resolve(read(answer)); } catch (error) { return P.reject(error); }
  }

  function bytes(answer) {
    return answer.base64 === undefined ? door("utf8_encode", answer.text) : door("base64_decode", answer.base64);
  }

  function text(answer) {
    return answer.base64 === undefined ? answer.text : door("utf8_decode", bytes(answer));
  }

  R.put(Response.prototype, {
    text: function () { return taken(this, text); },
    json: function json() { return taken(this, function (answer) { return parse(text(answer)); }); },
    bytes: function () { return taken(this, bytes); },
    arrayBuffer: function arrayBuffer() { return taken(this, function (answer) { return bytes(answer).buffer; }); },
    $$toStringTag: "Response"
  });

  function body(value, headers) {
    var type = "text/plain;charset=UTF-8";
    if (value === undefined || value === null) return null;
    if (G.URLSearchParams && value instanceof G.URLSearchParams) type = "application/x-www-form-urlencoded;charset=UTF-8";
    else if (typeof value !== "string") throw new TypeError("fetch: the body must be a string; write JSON.stringify(value)");
    if (!headers.has("content-type")) headers.set("content-type", type);
    return S(value);
  }

  function asked(url, init) {
    var headers, content;
    init = init === undefined || init === null ? {} : init;
    if (init.signal !== undefined && init.signal !== null) throw new TypeError("fetch: there are no signals; the call's deadline ends it");
    if (init.redirect !== undefined && init.redirect !== "follow") throw new TypeError("fetch: redirects are followed where the worker was invited to");
    headers = new Headers(init.headers);
    content = body(init.body, headers);
    return [S(url), S(init.method === undefined ? "GET" : init.method).toUpperCase(), headers.$$list, content];
  }

  G.fetch = function fetch(url, init) {
    var list;
    try { list = asked(url, init); } catch (error) { return P.reject(error); }
    return R.asked("fetch", list).then(function (answer) { return new Response(answer); });
  };
})
