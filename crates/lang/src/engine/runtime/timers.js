// setTimeout and setInterval. What is to be done lies in the heap; when, whoever runs the heap is told.
(function (G, R, door) {
  // By their numbers: what to do, with what, how often, and by which handle it can be called off.
  var timers = {}, last = 0;

  function Timeout(id) { this.$$id = id; }

  R.put(Timeout.prototype, {
    ref: function () { return this; },
    unref: function () { return this; },
    hasRef: function () { return true; },
    $$toPrimitive: function () { return this.$$id; },
    valueOf: function () { return this.$$id; }
  });

  function start(code, ms, list, again) {
    var id;
    if (typeof code !== "function") throw new TypeError("The \"callback\" argument must be of type function. Received " + R.brief(code));
    ms = +ms;
    // As in Node, what is no time is the shortest one.
    if (!(ms >= 1 && ms <= 2147483647)) ms = 1;
    id = ++last;
    timers[id] = { code: code, list: list, ms: ms, again: again, handle: R.startTimer(id, ms) };
    return new Timeout(id);
  }

  function stop(timer) {
    var id = R.isObject(timer) ? timer.$$id : timer, one = timers[id];
    if (one === undefined) return;
    delete timers[id];
    R.stopTimer(one.handle);
  }

  // A timer's time has come.
  R.fire = function fire(id) {
    var one = timers[id];
    if (one === undefined) return;
    if (one.again) one.handle = R.startTimer(id, one.ms); else delete timers[id];
    one.code.apply(undefined, one.list);
  };

  G.setTimeout = function setTimeout(code, ms) {
    return start(code, ms, Array.prototype.slice.call(arguments, 2), false);
  };
  G.setInterval = function setInterval(code, ms) {
    return start(code, ms, Array.prototype.slice.call(arguments, 2), true);
  };
  G.clearTimeout = stop;
  G.clearInterval = stop;
})
