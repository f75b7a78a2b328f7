// The run-time's side of a worker: timers are call_outs, and while a run waits, its timers and answers come.
(function (G, R, door) {
  R.startTimer = function (id, ms) { return +door("call_out", "$$timer", ms / 1000, [id]); };
  R.stopTimer = function (handle) { door("remove_call_out", handle); };
  // Nobody has caught it, so it is an event.
  R.unheard = function unheard(error) {
    var text;
    if (error instanceof Error) return door("unhandled", error.name + ": " + error.message, error.stack || "");
    try { text = R.formatted ? R.formatted([error]) : R.isObject(error) ? JSON.stringify(error) : String(error); } catch (odd) { text = "what cannot be shown"; }
    door("unhandled", text, "");
  };
  // Callbacks of turns that have fewer powers than the run in which they are called. They wait for a run of their own.
  var parked = {}, last = 0;

  function guarded(code) {
    var powers = door("powers");
    if (powers === undefined || typeof code !== "function") return code;
    return function (value) {
      var outcome;
      if (door("powers") === powers) return code(value);
      outcome = R.pending();
      last++;
      parked[last] = function () {
        try { value = code(value); } catch (error) { return R.spoil(outcome, error); }
        R.resolve(outcome, value);
      };
      door("call_out", "$$parked", 0, [last], powers);
      return outcome;
    };
  }
  R.narrow = function narrow() { R.guarded = guarded; };
  R.unpark = function unpark(id) {
    var work = parked[id];
    delete parked[id];
    if (work) work();
  };
  // Waits for the next thing that a run may wait for, and does it; false if there is none.
  R.idle = function idle() {
    var open = R.awaited.length > 0, came = R.next(open ? "answers" : "");
    if (came === undefined) return false;
    if (came === "") {
      R.awaited.filter(R.isAnswered).forEach(R.answered);
    } else {
      R.fire(+came);
    }
    return true;
  };
})
