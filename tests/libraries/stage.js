// The stage on which a library's own tests play: what tape, tap, mocha and assert are to them, counted.
// `play` runs the text of a test file, a function of `require`, `describe` and `it`. Time stands still, because
// some ask it twice and compare.
var played = (function () {
  var passed = 0, failed = [];

  Date.now = function () { return 7; };

  function is(a, b) { return a === b || a !== a && b !== b; }

  function same(a, b) {
    var keys;
    if (is(a, b) || a == b && (typeof a !== "object" || typeof b !== "object")) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every(function (key) { return same(a[key], b[key]); });
  }

  function check(ok, words) {
    if (ok) passed++;
    else failed.push(String(words));
  }

  function throwing(code) {
    try { code(); } catch (error) { return true; }
    return false;
  }

  function Test() {}
  Test.prototype = {
    plan: function () {},
    end: function () {},
    ok: function (value, words) { check(value, words); },
    notOk: function (value, words) { check(!value, words); },
    equal: function (a, b, words) { check(a == b, words || a + " is not " + b); },
    strictEqual: function (a, b, words) { check(a === b, words || a + " is not " + b); },
    notEqual: function (a, b, words) { check(a != b, words); },
    deepEqual: function (a, b, words) { check(same(a, b), words || JSON.stringify(a) + " is not " + JSON.stringify(b)); },
    throws: function (code, words) { check(throwing(code), words); },
    doesNotThrow: function (code, words) { check(!throwing(code), words); },
    test: function (name, body) { test(name, body); }
  };
  Test.prototype.equals = Test.prototype.is = Test.prototype.equal;
  Test.prototype.same = Test.prototype.equivalent = Test.prototype.deepEqual;

  function test(name, body) {
    try {
      if (typeof name === "function") name(new Test());
      else body(new Test());
    } catch (error) {
      failed.push(name + ": " + error);
    }
  }
  test.test = test;

  function assert(value, words) { check(value, words); }
  Object.keys(Test.prototype).forEach(function (name) { assert[name] = Test.prototype[name]; });

  return {
    play: function (file, library) {
      file(function (name) {
        if (name === "tape" || name === "tap") return test;
        if (name === "assert") return assert;
        return library;
      }, test, test);
    },
    told: function () { return { passed: passed, failed: failed }; }
  };
})();
