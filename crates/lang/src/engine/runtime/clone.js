// structuredClone: copies of what is data, with its cycles.
(function (G, R, door) {
  var isArray = Array.isArray;

  function refuse(value) {
    throw R.domError("DataCloneError", (typeof value === "function" ? R.brief(value).split("{")[0] + "{...}" : "#<" + R.brief(value) + ">") + " could not be cloned.");
  }

  function copy(value, seen) {
    var made, names, i;
    if (typeof value === "function" || typeof value === "string" && R.isHidden(value)) refuse(value);
    if (!R.isObject(value)) return value;
    if (seen.has(value)) return seen.get(value);
    if (R.isPromise && R.isPromise(value) || value instanceof G.WeakMap || value instanceof G.WeakSet) refuse(value);
    if (R.Date && value instanceof R.Date) made = new R.Date(value);
    else if (value instanceof RegExp) made = new G.RegExp(value);
    else if (value instanceof ArrayBuffer) {
      made = new ArrayBuffer(value.byteLength);
      new Uint8Array(made).set(new Uint8Array(value));
    } else if (value instanceof R.Typed) made = new value.constructor(value);
    if (made) {
      seen.set(value, made);
      return made;
    }
    if (value instanceof G.Map) {
      made = new G.Map();
      seen.set(value, made);
      value.forEach(function (one, key) { made.set(copy(key, seen), copy(one, seen)); });
      return made;
    }
    if (value instanceof G.Set) {
      made = new G.Set();
      seen.set(value, made);
      value.forEach(function (one) { made.add(copy(one, seen)); });
      return made;
    }
    if (value instanceof Error) {
      made = value.message === "" ? new Error() : new Error(value.message);
      Object.setPrototypeOf(made, (G[value.name] || Error).prototype);
      seen.set(value, made);
      if (Object.prototype.hasOwnProperty.call(value, "cau" + "se")) R.hide(made, "cau" + "se", copy(value.cause, seen));
      return made;
    }
    made = isArray(value) ? [] : {};
    seen.set(value, made);
    names = R.keys(value);
    for (i = 0; i < names.length; i++) made[names[i]] = copy(value[names[i]], seen);
    return made;
  }

  G.structuredClone = function structuredClone(value) {
    if (!arguments.length) throw new TypeError("The \"value\" argument must be specified");
    return copy(value, new G.Map());
  };
})
