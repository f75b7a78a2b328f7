// What a library's tests find around them, the same in Node and in the engine: modules and files that the
// bundle holds, and what the test programs of their day call, as far as these suites do.
//
// Every question that a test asks becomes a line, `name #number ok`, or `no` and what it was.
var world = (function (say) {
  var modules = {}, files = {}, mains = {}, loaded = {}, builtin = {}, timers = [];
  var title = [], counts = {}, tests = [], hooks = [[]];

  function name() {
    return title.join(" / ").replace(/[^ -~]/g, "?").slice(0, 200);
  }

  function check(ok, what) {
    var of = name();
    counts["$" + of] = (counts["$" + of] || 0) + 1;
    say(of + " #" + counts["$" + of] + (ok ? " ok" : " no " + shown(what).replace(/[^ -~]/g, "?").slice(0, 300)));
    return ok;
  }

  function shown(value) {
    try {
      if (value instanceof Error) return value.name + ": " + value.message;
      if (typeof value === "function") return "function";
      return typeof value === "object" ? JSON.stringify(value) : String(value);
    } catch (error) {
      return "what cannot be shown";
    }
  }

  function throwing(wanted, got) {
    return "wanted " + shown(wanted) + ", got " + shown(got);
  }

  // As deep as it goes; `loose` lets 1 be "1".
  function same(a, b, loose) {
    var keys, others, i;
    if (a === b || (a !== a && b !== b)) return true;
    if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return !!loose && a == b;
    if (Array.isArray(a) !== Array.isArray(b) || (a instanceof RegExp) !== (b instanceof RegExp)) return false;
    if (a instanceof RegExp) return String(a) === String(b);
    if (typeof a.getTime === "function" && typeof b.getTime === "function") return a.getTime() === b.getTime();
    keys = Object.keys(a).sort();
    others = Object.keys(b).sort();
    if (keys.length !== others.length || a.length !== b.length) return false;
    for (i = 0; i < keys.length; i++) if (keys[i] !== others[i] || !same(a[keys[i]], b[keys[i]], loose)) return false;
    return true;
  }

  function thrown(f, wanted) {
    try { f(); } catch (error) {
      if (wanted instanceof RegExp) return wanted.test(String(error));
      if (typeof wanted === "function") return error instanceof wanted || wanted(error) === true;
      return true;
    }
    return false;
  }

  // What most of them are called, with what was got before what was wanted.
  var questions = {
    ok: function (a) { return check(a, a); },
    notOk: function (a) { return check(!a, a); },
    equal: function (a, b) { return check(a == b, throwing(b, a)); },
    notEqual: function (a, b) { return check(a != b, throwing(b, a)); },
    strictEqual: function (a, b) { return check(a === b, throwing(b, a)); },
    notStrictEqual: function (a, b) { return check(a !== b, throwing(b, a)); },
    deepEqual: function (a, b) { return check(same(a, b, true), throwing(b, a)); },
    same: function (a, b) { return check(same(a, b, true), throwing(b, a)); },
    throws: function (f, wanted) { return check(thrown(f, wanted), "threw otherwise"); },
    doesNotThrow: function (f) { return check(!thrown(f), "threw"); },
    fail: function (what) { return check(false, what); },
    pass: function () { return check(true); },
    type: function (a, b) { return check(typeof a === b || String(a && a.name) === b, throwing(b, a)); },
    isObject: function (a) { return check(typeof a === "object" && a !== null, a); },
    isArray: function (a) { return check(Array.isArray(a), a); },
    length: function (a, b) { return check(a.length === b, throwing(b, a.length)); },
    expect: function () {}, plan: function () {}, end: function () {}, done: function () {}, comment: function () {}
  };
  questions.equals = questions.equal;
  questions.equivalent = questions.same;
  questions.raises = questions.throws;
  questions.deepEquals = questions.deepEqual;
  questions.notDeepEqual = function (a, b) { return check(!same(a, b, true), throwing(b, a)); };

  // As Node's `assert`, which ends the test that it fails.
  function assert(ok, what) {
    if (!check(ok, what)) throw new Error("asserted");
  }
  Object.keys(questions).forEach(function (key) {
    Object.defineProperty(assert, key, { value: function (a, b, c) { if (!questions[key](a, b, c)) throw new Error("asserted"); } });
  });

  function drain() {
    var i, next;
    for (i = 0; timers.length && i < 10000; i++) {
      next = timers.shift();
      next();
    }
  }

  // One test by its name. What it throws is a question that was answered with no.
  function one(of, f, self, argument) {
    title.push(of);
    try {
      f.call(self, argument);
      drain();
    } catch (error) {
      check(false, "threw " + shown(error));
    }
    title.pop();
  }

  function describe(of, f) {
    title.push(of);
    hooks.push([]);
    try { f(); } catch (error) { check(false, error); }
    hooks.pop();
    title.pop();
  }

  function it(of, f) {
    var path = title.concat(), before = [].concat.apply([], hooks);
    // Its hooks may come after it.
    var last = hooks[hooks.length - 1];
    tests.push(function () {
      var self = { addMatchers: function (more) { Object.keys(more).forEach(function (key) { matchers[key] = more[key]; }); } };
      title = path.concat();
      one(of, function () {
        before.concat(last.filter(function (hook) { return before.indexOf(hook) < 0; })).forEach(function (hook) { hook.call(self); });
        f.call(self, function (error) { if (error) check(false, error); });
        check(true);
      });
    });
  }

  // tape and tap: a test may have tests of its own.
  function tape(of, options, f) {
    var path = title.concat();
    f = f || options;
    tests.push(function () {
      title = path.concat();
      one(of, f, undefined, asked());
    });
  }

  function asked() {
    var t = Object.create(questions);
    t.test = function (of, options, f) { one(of, f || options, undefined, asked()); };
    t.assert = t.ok;
    return t;
  }

  // What a module exports, as nodeunit and CommonJS have it, or vows' batches.
  function exported(tree) {
    Object.keys(tree).forEach(function (key) {
      if (typeof tree[key] === "function") tape(key, tree[key]);
      else describe(key, function () { exported(tree[key]); });
    });
  }

  function vows(of) {
    return {
      addBatch: function (batch) { Object.keys(batch).forEach(function (key) { context(key, batch[key], []); }); return this; },
      export: function () { return this; }
    };
  }
  function context(of, tree, topics) {
    if (tree.hasOwnProperty("topic")) topics = [typeof tree.topic === "function" ? tree.topic() : tree.topic];
    describe(of, function () {
      Object.keys(tree).forEach(function (key) {
        if (key === "topic") return;
        if (typeof tree[key] === "function") it(key, function () { tree[key].apply(undefined, topics); });
        else context(key, tree[key], topics);
      });
    });
  }

  // As jasmine asks.
  var matchers = {
    toBe: function (b) { return this.actual === b; },
    toNotBe: function (b) { return this.actual !== b; },
    toEqual: function (b) { return b && b.isAny ? b.isAny(this.actual) : same(this.actual, b); },
    toBeDefined: function () { return this.actual !== undefined; },
    toBeUndefined: function () { return this.actual === undefined; },
    toBeFalsy: function () { return !this.actual; },
    toBeTruthy: function () { return !!this.actual; },
    toBeNaN: function () { return this.actual !== this.actual; },
    toBeLessThan: function (b) { return this.actual < b; },
    toBeGreaterThan: function (b) { return this.actual > b; },
    toContain: function (b) { return this.actual.indexOf(b) >= 0; },
    toMatch: function (b) { return new RegExp(b).test(this.actual); },
    toThrow: function (b) { return thrown(this.actual, typeof b === "function" ? b : undefined); },
    toHaveBeenCalled: function () { return this.actual.calls.length > 0; },
    toHaveBeenCalledWith: function () {
      var list = [].slice.call(arguments);
      return this.actual.calls.some(function (call) {
        return call.args.length === list.length && list.every(function (b, i) { return b && b.isAny ? b.isAny(call.args[i]) : same(call.args[i], b); });
      });
    }
  };

  function expect(actual) {
    function asking(not) {
      var asks = { actual: actual };
      Object.keys(matchers).forEach(function (key) {
        asks[key] = function () { check(matchers[key].apply({ actual: actual }, arguments) !== not, (not ? "not " : "") + key + " of " + shown(actual)); };
      });
      return asks;
    }
    var asks = asking(false);
    asks.not = asking(true);
    return asks;
  }

  function spy() {
    function called() {
      called.calls.push({ args: [].slice.call(arguments) });
      return called.fake && called.fake.apply(this, arguments);
    }
    called.calls = [];
    called.andCallFake = function (f) { called.fake = f; return called; };
    called.andReturn = function (value) { return called.andCallFake(function () { return value; }); };
    return called;
  }

  function joined(directory, to) {
    var parts = [];
    (directory + "/" + to).split("/").forEach(function (part) {
      if (part === "..") parts.pop();
      else if (part !== "." && part !== "") parts.push(part);
    });
    return parts.join("/");
  }

  function load(path) {
    var module;
    if (loaded["$" + path]) return loaded["$" + path].exports;
    if (!modules["$" + path]) throw new Error("no module " + path);
    module = loaded["$" + path] = { exports: {}, id: path, parent: {} };
    modules["$" + path].call(module.exports, requires(path), module, module.exports, "/" + path, "/" + joined(path, ".."));
    return module.exports;
  }

  function requires(from) {
    var directory = joined(from, "..");
    function require(name) {
      var path = name.charAt(0) === "." ? joined(directory, name) : name.charAt(0) === "/" ? joined("", name) : mains[name];
      if (builtin.hasOwnProperty(name)) return builtin[name];
      if (path !== undefined && modules["$" + path + ".js"]) path += ".js";
      else if (path !== undefined && mains[path]) path = mains[path];
      else if (path !== undefined && modules["$" + path + ".json"]) path += ".json";
      else if (path !== undefined && modules["$" + path + "/index.js"]) path += "/index.js";
      return load(path === undefined ? name : path);
    }
    require.main = {};
    return require;
  }

  function format(text) {
    var list = arguments, at = 1;
    return String(text).replace(/%s/g, function () { return String(list[at++]); });
  }

  builtin.assert = assert;
  builtin.tape = tape;
  builtin.tap = { test: tape };
  builtin.vows = { describe: vows };
  builtin.path = {
    join: function () { return "/" + joined("", [].join.call(arguments, "/")); },
    basename: function (path) { return path.split("/").pop(); }
  };
  builtin.fs = {
    readFileSync: function (path) {
      var text = files["$" + joined("", path)];
      if (text === undefined) throw new Error("no file " + path);
      return text;
    },
    readdirSync: function (path) {
      var start = "$" + joined("", path) + "/";
      return Object.keys(files).filter(function (key) { return key.indexOf(start) === 0; }).map(function (key) { return key.slice(start.length); });
    }
  };
  builtin.events = { EventEmitter: function () {} };
  builtin.contextify = {};
  builtin.util = { format: format, inspect: shown };

  return {
    builtin: builtin, check: check, same: same, assert: assert, questions: questions, exported: exported, expect: expect,
    describe: describe, it: it, tape: tape, require: requires(""),
    jasmine: { createSpy: spy, any: function (kind) { return { isAny: function (value) { return typeof value === kind.name.toLowerCase() || value instanceof kind; } }; } },
    beforeEach: function (f) { hooks[hooks.length - 1].push(f); },
    module: function (of) { title = [of]; },
    later: function (f) { timers.push(f); },
    define: function (path, f) { modules["$" + path] = f; },
    file: function (path, text) { files["$" + path] = text; },
    main: function (of, path) { mains[of] = path; },
    begin: function (path, f) {
      title = [path];
      try { f(load(path)); } catch (error) { check(false, error); }
      title = [];
    },
    finish: function () {
      while (tests.length) tests.shift()();
      say("the end");
    }
  };
})(function (line) { load("say", line); });
