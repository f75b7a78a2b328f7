// What the preludes of both sides share: calls that are under way, clocks, random numbers, bytes.
// Built-ins are captured, so that a program which overwrites one breaks only itself.
(function () {
  var Err = Error, Str = String, floor = Math.floor, chance = Math.random;
  var isArray = Array.isArray, Bytes = Uint8Array;

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

  // Calls that are under way. `begin(later, list)` sends one, `get(later)` is what it gave, or throws what
  // it threw. The value is their class.
  function laters(G, begin, get) {
    function Later(object, method) {
      this.object = object;
      this.method = Str(method);
      this.settled = this.failed = false;
    }

    Later.prototype.wait = function wait() {
      if (!this.settled) {
        try { this.value = get(this); } catch (error) { this.fail(error); }
        this.settled = true;
      }
      if (this.failed) throw this.error;
      return this.value;
    };

    // Of a full heap the error can be null.
    Later.prototype.fail = function fail(error) {
      this.failed = true;
      this.error = error;
    };

    Later.prototype.toString = function toString() { return "<later " + this.method + " of " + this.object.vault + ">"; };

    G.later = function later(object, method) {
      var made = new Later(object, method), list = [], i;
      for (i = 2; i < arguments.length; i++) list.push(arguments[i]);
      begin(made, list);
      return made;
    };
    G.gather = function gather(list) {
      var results = [], failed = -1, i;
      for (i = 0; i < list.length; i++) {
        try { results.push(list[i] instanceof Later ? list[i].wait() : list[i]); } catch (error) {
          results.push(error);
          if (failed < 0) failed = i;
        }
      }
      if (failed < 0) return results;
      if (results[failed] instanceof Err) {
        results[failed].index = failed;
        results[failed].results = results;
      }
      throw results[failed];
    };
    return Later;
  }

  return {
    laters: laters,
    efuns: efuns
  };
})()
