// Runs before the worker's source. `load` is the engine's one door to Rust: it is captured here and
// deleted, so a worker reaches it only through what this file defines. Everything that the dispatcher
// uses is captured too, so that a worker which overwrites a built-in breaks only itself.
//
// The value of the script is a function that is given the global object, the door and what shared.js
// and objects.js give; its value is the dispatcher, which Rust calls as (verb, name, arguments).
(function (G, door, shared, objects) {
  var keys = Object.keys, Err = Error, Str = String, stringify = JSON.stringify, parse = JSON.parse;
  var isArray = Array.isArray, text = shared.text, serialize = shared.serialize;
  var self = { vault: door("vault") };
  objects = objects(door, shared);

  function line() {
    var parts = [], i;
    for (i = 0; i < arguments.length; i++) parts.push(text(arguments[i]));
    door("log", parts.join(" "));
  }

  function reply(value) {
    try { return serialize(value, "the result"); } catch (error) {
      if (shared.refused(error)) door("unserializable", error.message);
      throw error;
    }
  }

  G.print = line;
  G.write = line;
  G.console.log = line;
  G.this_object = function this_object() { return self; };
  G.previous_object = function previous_object() {
    var caller = door("caller");
    return caller === undefined ? null : parse(caller);
  };
  G.objectp = function objectp(value) { return value === self || objects.held(value); };
  G.emit = function emit(event, data) {
    var json = serialize(data, "the event's data");
    door("event", Str(event), json === undefined ? "null" : json);
  };
  G.destruct = function destruct(object, grace_ms) {
    if (objects.held(object)) return objects.destruct(object, grace_ms);
    if (object !== self) throw new TypeError("destruct: not an object that this worker holds");
    door("destruct");
  };
  G.clone_object = function clone_object(source) {
    var list = [], i;
    for (i = 0; i < arguments.length; i++) list.push(arguments[i]);
    return objects.clone(list);
  };
  G.call_other = function call_other(object, method) {
    var rest = [], i;
    for (i = 2; i < arguments.length; i++) rest.push(arguments[i]);
    if (objects.held(object)) return objects.call(object, method, rest);
    if (object !== self) throw new TypeError("call_other: not an object that this worker holds");
    if (typeof G[method] !== "function") throw new TypeError("call_other: no method " + method);
    return G[method].apply(self, rest);
  };
  shared.efuns(G, door);

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
})
