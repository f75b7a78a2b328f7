// Runs before the worker's source. `load` is the engine's one door to Rust: it is captured here and
// deleted, so a worker reaches it only through what this file defines. Everything that the dispatcher
// uses is captured too, so that a worker which overwrites a built-in breaks only itself.
//
// The value of the script is the dispatcher, which Rust calls as (verb, name, arguments).
(function (G, door) {
  var JSON_ = JSON, keys = Object.keys, Err = Error, Fin = isFinite, Str = String;
  var stringify = JSON_.stringify, parse = JSON_.parse, isArray = Array.isArray;
  var self = { vault: door("vault") };

  function text(value) {
    if (typeof value === "object" && value !== null && !(value instanceof Err)) {
      try { return stringify(value); } catch (cycle) { return "[object]"; }
    }
    return Str(value);
  }

  function line() {
    var parts = [], i;
    for (i = 0; i < arguments.length; i++) parts.push(text(arguments[i]));
    door("log", parts.join(" "));
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

  // The last error that `serialize` itself threw, so that the dispatcher knows it from the worker's own.
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

  function reply(value) {
    try { return serialize(value, "the result"); } catch (error) {
      if (error === refusal) door("unserializable", refusal.message);
      throw error;
    }
  }

  G.print = line;
  G.write = line;
  G.console.log = line;
  G.Date.now = function now() { return +door("now"); };
  G.performance.now = function now() { return +door("monotonic"); };
  G.time = function time() { return Math.floor(+door("now") / 1000); };
  G.random = function random(n) {
    return n === undefined ? Math.random() : Math.floor(Math.random() * n);
  };
  G.this_object = function this_object() { return self; };
  G.previous_object = function previous_object() {
    var caller = door("caller");
    return caller === undefined ? null : parse(caller);
  };
  G.objectp = function objectp(value) { return value === self; };
  G.emit = function emit(event, data) {
    var json = serialize(data, "the event's data");
    door("event", Str(event), json === undefined ? "null" : json);
  };
  G.destruct = function destruct(object) {
    if (object !== self) throw new TypeError("a worker can destruct this_object() only");
    door("destruct");
  };
  G.call_other = function call_other(object, method) {
    var rest = [], i;
    if (object !== self) throw new TypeError("call_other: not an object that this worker holds");
    if (typeof G[method] !== "function") throw new TypeError("call_other: no method " + method);
    for (i = 2; i < arguments.length; i++) rest.push(arguments[i]);
    return G[method].apply(self, rest);
  };
  delete G.gc;
  delete G.setTimeout;
  delete G.clearTimeout;
  delete G.load;

  // The worker's names come after these, unless it deleted one of them.
  var given = keys(G);

  function added() {
    var names = keys(G), last = given.length - 1;
    if (names[last] === given[last]) return names.slice(last + 1);
    return names.filter(function (name) { return given.indexOf(name) < 0; });
  }

  // Errors carry their stack; anything else that is thrown is described while it can be.
  function run(method, list) {
    try {
      return method.apply(undefined, list);
    } catch (thrown) {
      if (thrown instanceof Err) throw thrown;
      door("thrown", text(thrown));
      throw new Err("not an Error");
    }
  }

  return function dispatch(verb, name, list) {
    var method;
    if (verb === "call") {
      if (list === undefined) list = [];
      else if (!isArray(list)) list = [list];
      return reply(run(G[name], list));
    }
    if (verb === "methods") {
      return stringify(added().filter(function (key) { return typeof G[key] === "function"; }));
    }
    // create and dest, where the worker has them.
    method = G[name];
    if (typeof method === "function") run(method, list || []);
    return undefined;
  };
})(globalThis, load)
