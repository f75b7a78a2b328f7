// What the preludes of both sides share: values as JSON and as text, clocks, random
// numbers, bytes. Built-ins are captured, so that a program which overwrites one breaks only itself.
(function () {
  var JSON_ = JSON, keys = Object.keys, Err = Error, Fin = isFinite, Str = String;
  var stringify = JSON_.stringify, floor = Math.floor, chance = Math.random;
  var isArray = Array.isArray, Bytes = Uint8Array;

  function text(value) {
    if (typeof value === "object" && value !== null && !(value instanceof Err)) {
      if (value.$hauki === "object") return "<" + value.vault + ">";
      try { return stringify(value); } catch (cycle) { return "[object]"; }
    }
    return Str(value);
  }

  // What JSON has no word for, and the engine would write as null. Cycles were refused before.
  function foreign(value) {
    var i, names, found;
    if (typeof value === "function") return "a function";
    if (typeof value === "number" && !Fin(value)) return Str(value);
    if (typeof value !== "object" || value === null) return "";
    names = keys(value);
    for (i = 0; i < names.length; i++) {
      found = foreign(value[names[i]]);
      if (found) return found;
    }
    return "";
  }

  // The last error that `serialize` itself threw, so that it can be told from the program's own.
  var refusal = null;

  function refuse(what, held) {
    refusal = new TypeError(what + " " + held + ", which JSON cannot hold");
    throw refusal;
  }

  function serialize(value, what) {
    var json, found;
    if (value === undefined) return undefined;
    try { json = stringify(value); } catch (error) {
      if (error instanceof Err && Str(error.message).indexOf("circular") >= 0) refuse(what, "is cyclic");
      throw error;
    }
    // Only what became null can have been something else.
    if (json.indexOf("null") >= 0) {
      found = foreign(value);
      if (found) refuse(what, "holds " + found);
    }
    return json;
  }

  function bytes(data) {
    return isArray(data) ? new Bytes(data) : data;
  }

  // The functions that are the same on both sides; what the engine brings and nobody may have goes.
  function efuns(G, door) {
    G.Date.now = function now() { return +door("now"); };
    G.performance.now = function now() { return +door("monotonic"); };
    G.time = function time() { return floor(+door("now") / 1000); };
    G.random = function random(n) {
      return n === undefined ? chance() : floor(chance() * n);
    };
    G.base64_encode = function base64_encode(data) { return door("base64_encode", bytes(data)); };
    G.base64_decode = function base64_decode(text) { return door("base64_decode", text); };
    G.utf8_encode = function utf8_encode(text) { return door("utf8_encode", Str(text)); };
    G.utf8_decode = function utf8_decode(data) { return door("utf8_decode", bytes(data)); };
    delete G.gc;
    delete G.setTimeout;
    delete G.clearTimeout;
    delete G.load;
  }

  return {
    text: text,
    serialize: serialize,
    refused: function (error) { return error !== null && error === refusal; },
    efuns: efuns
  };
})()
