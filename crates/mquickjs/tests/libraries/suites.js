// Which libraries, with what of their packages, and how their tests are begun.
//
// `files` are what the package holds of both, `main` what its name leads to, `tests` the modules that are loaded
// in their order; `before` and `after` are lines of the program around them. `edits` are the few places where a text
// needs what is no module, no strict code, or what hauki's pages say is missing, so that the rest can be asked.
"use strict";

// The old kind of octal numbers and escapes, which no strict code has.
const octal = [/(\\\\)|\\([0-7]{1,3})(?![0-9])/g, (whole, two, digits) => two || (digits === "0" ? whole : "\\x" + parseInt(digits, 8).toString(16).padStart(2, "0"))];

const mocha = "var xit = function () {}, describe = world.describe, it = world.it, beforeEach = world.beforeEach, assert = world.assert;";
const qunit = "var test = world.tape, module = world.module, equal = world.questions.equal, equals = equal, ok = world.questions.ok,"
  + " deepEqual = world.questions.deepEqual, same = deepEqual, strictEqual = world.questions.strictEqual, raises = world.questions.throws,"
  + " notEqual = world.questions.notEqual, notStrictEqual = world.questions.notStrictEqual, expect = function () {},"
  + " asyncTest = test, start = expect, QUnit = { module: module };";
const ready = "var $ = function () { return { ready: function (f) { f(); } }; }, document = { body: { childNodes: [] }, images: [] }, window = {};";

module.exports = {
  "acorn": {
    files: ["acorn.js", "acorn_loose.js", "test/driver.js", "test/tests.js", "test/tests-harmony.js"], main: "acorn.js",
    tests: ["test/tests.js", "test/tests-harmony.js"],
    after: 'world.require("acorn/test/driver.js").runTests({ parse: world.require("acorn").parse }, function (state, code, message) {'
      + ' world.check(state === "ok", code + ": " + message); });',
  },
  "big.js": {
    files: ["big.js", "test/*.js"], main: "big.js", before: "var n;", 
    tests: ["abs", "cmp", "div", "minus", "mod", "plus", "pow", "round", "sqrt", "times", "toExponential", "toFixed", "toPrecision", "toString"].map(name => `test/${name}.js`),
    edits: { "test/*.js": [[/(expected, actual\) \{\s*)total\+\+;/g, "$1total++; world.check(expected === actual, expected + \" \" + actual);"],
      [/([(,] *)0([0-7]+)(?=[,)])/g, (whole, before, digits) => before + parseInt(digits, 8)], [/new Date\(\)/g, "Date.now()"]] },
  },
  "bn.js": {
    files: ["lib/bn.js", "test/*.js"], main: "lib/bn.js", before: mocha,
    tests: ["test/arithmetic-test.js", "test/binary-test.js", "test/constructor-test.js", "test/red-test.js", "test/utils-test.js"],
  },
  "clone": { files: ["clone.js", "test.js"], main: "clone.js", with: ["underscore"], exported: ["test.js"],
    edits: { "test.js": [["require('underscore')", "require('underscore')._"]] },
  },
  "deep-equal": { files: ["index.js", "lib/*.js", "test/cmp.js"], main: "index.js", tests: ["test/cmp.js"],
    // A property of a built-in function, which is no object here.
    edits: { "lib/keys.js": [["Object.keys : shim", "function (object) { return Object.keys(object); } : shim"]] },
  },
  "es5-shim": {
    files: ["es5-shim.js", "tests/helpers/*.js", "tests/spec/*.js"], before: mocha + " var expect = world.expect, jasmine = world.jasmine;",
    tests: ["es5-shim.js", "tests/helpers/h-matchers.js", "tests/spec/s-array.js", "tests/spec/s-error.js", "tests/spec/s-function.js",
      "tests/spec/s-global.js", "tests/spec/s-number.js", "tests/spec/s-object.js", "tests/spec/s-regexp.js", "tests/spec/s-string.js"],
  },
  "esprima": {
    files: ["esprima.js", "test/test.js", "test/runner.js"], main: "esprima.js", tests: ["test/runner.js"],
    edits: {
      "test/test.js": [[/var testFixture =/, "module.exports ="], octal, [/new (String|Number|Boolean)\(([^()]*)\)/g, "$2"]],
      // Its own loop, and what it asks of the machine around it, is left out.
      "test/runner.js": [["new StringObject(code)", "code"], [/if \(typeof window !== 'undefined'\) \{[^]*/, `var testFixture = require("./test.js"), esprima = require("esprima");
        Object.keys(testFixture).forEach(function (category) {
          Object.keys(testFixture[category]).forEach(function (source) {
            try { runTest(esprima, source, testFixture[category][source]); world.check(true); }
            catch (error) { world.check(false, source + ": " + error.actual + error); }
          });
        });`]],
    },
  },
  "json-schema": {
    files: ["lib/*.js", "test/tests.js", "draft-03/*"], main: "lib/validate.js", tests: ["test/tests.js"],
  },
  "json-stable-stringify": { files: ["index.js", "test/*.js"], main: "index.js", with: ["jsonify"], tests: ["test/cmp.js", "test/nested.js", "test/replacer.js", "test/space.js", "test/str.js", "test/to-json.js"] },
  // Its own tests ask it of chance; another needs it.
  "jsonify": { files: ["index.js", "lib/*.js"], main: "index.js", tests: [] },
  "long": { files: ["index.js", "dist/Long.js", "tests/*.js"], main: "index.js", exported: ["tests/suite.js"] },
  "minimist": { files: ["index.js", "test/*.js"], main: "index.js", tests: "test" },
  "mustache": { files: ["mustache.js", "test/*.js", "test/_files/*"], main: "mustache.js", before: mocha + " var process = { env: {} }, Mustache = world.require(\"mustache\");",
    tests: ["test/context-test.js", "test/parse-test.js", "test/scanner-test.js", "test/writer-test.js", "test/render-test.js"],
    edits: { "test/helper.js": [[/^/, "return;"]], "test/render-test.js": [["eval(view)", "(1, eval)(view)"]] },
  },
  "object-inspect": { files: ["index.js", "test/*.js"], main: "index.js", tests: "test", edits: { "test/*.js": [octal, ["[1, , 3]", "[1, undefined, 3]"]] } },
  "qs": { files: ["lib/*.js", "test/*.js"], main: "lib/index.js", tests: ["test/parse.js", "test/stringify.js", "test/utils.js"], before: 'world.builtin["iconv-lite"] = {};',
    // Names that are not ASCII.
    edits: { "test/*.js": [[/\{ 県: /g, '{ "県": ']] },
  },
  "querystring-es3": { files: ["index.js", "decode.js", "encode.js", "test/index.js"], main: "index.js", exported: ["test/index.js"],
    edits: { "test/index.js": [[/^ *\[\{(d: new Date|f: new Boolean).*\n/gm, ""]] },
  },
  "sax": { files: ["lib/sax.js", "test/*.js"], main: "lib/sax.js", tests: "test", before: "var process = { env: {} };",
    edits: { "test/*.js": [[/require\(__dirname\)/g, 'require("./index.js")']] } },
  "semver": { files: ["semver.js", "test/*.js"], main: "semver.js", tests: ["test/big-numbers.js", "test/clean.js", "test/gtr.js", "test/index.js", "test/ltr.js", "test/major-minor-patch.js"],
    edits: { "semver.js": [[/exports\.(re|src) = \[\]/g, "exports.$1 = {}"]] },
  },
  "sprintf-js": { files: ["src/sprintf.js", "test/test.js"], main: "src/sprintf.js", before: mocha, tests: ["test/test.js"] },
  "traverse": { files: ["index.js", "test/*.js", "test/lib/*.js"], main: "index.js", tests: "test",
    // Arrays with holes.
    edits: { "test/mutability.js": [[/\[ 3 ,, 5 \]/g, "(function (a) { delete a[1]; return a; })([3, 0, 5])"]] },
  },
  "underscore": { files: ["underscore.js", "test/*.js"], main: "underscore.js", bare: ["test/*.js"], edits: { "underscore.js": [["var root = this;", "var root = {};"]] }, before: qunit + ready + ' var _ = world.require("underscore")._;',
    tests: ["test/collections.js", "test/arrays.js", "test/functions.js", "test/objects.js", "test/utility.js", "test/chaining.js"] },
  "underscore.string": {
    files: ["lib/underscore.string.js", "test/underscore.js", "test/strings.js", "test/strings_standalone.js", "test/test_underscore/*.js"], main: "lib/underscore.string.js", bare: ["test/strings.js", "test/strings_standalone.js", "test/test_underscore/*.js"],
    before: qunit + ready + ' var _ = world.require("underscore.string/test/underscore.js"); _.str = _.string = world.require("underscore.string");',
    tests: ["test/test_underscore/collections.js", "test/test_underscore/arrays.js", "test/test_underscore/functions.js", "test/test_underscore/objects.js", "test/test_underscore/utility.js", "test/test_underscore/chaining.js",
      "test/strings.js", "test/strings_standalone.js"],
  },
  "validator": {
    files: ["validator.js", "package.json", "test/*.js"], main: "validator.js", before: mocha, tests: ["test/validators.js", "test/sanitizers.js", "test/exports.js"],
    edits: { "test/*.js": [[/^var validator_js = .*/m, ""], [/if \((validator\[options\.validator\]\.apply\(validator, args\) !== (?:true|false))\)/g, "if (!world.check(!($1), args.join(', ')))"]] },
  },
  "xregexp": { files: ["xregexp-all.js", "tests/tests.js"], main: "xregexp-all.js", bare: ["tests/*.js"], before: qunit + ' var xregexp = world.require("xregexp"), XRegExp = xregexp.XRegExp;', tests: ["tests/tests.js"] },
};
