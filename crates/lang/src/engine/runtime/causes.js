// Errors that keep what caused them: `new Error(message, {cause})`, which the engine's classes leave out.
(function (G, R, door) {
  var setPrototypeOf = Object.setPrototypeOf;

  function wrapped(Native, name) {
    function Class(message, options) {
      var error = message === undefined ? new Native() : new Native(message);
      if (R.isObject(options) && "cause" in options) R.hide(error, "cause", options.cause);
      return error;
    }
    Class.prototype = Native.prototype;
    R.hide(Native.prototype, "constructor", Class);
    R.hide(Class, "name", name);
    setPrototypeOf(Class, Native);
    R.natives.push(Class);
    G[name] = Class;
  }

  R.allKeys({ Error: 0, EvalError: 0, RangeError: 0, ReferenceError: 0, SyntaxError: 0, TypeError: 0, URIError: 0 }).forEach(function (name) {
    wrapped(G[name], name);
  });
})
