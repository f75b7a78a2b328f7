// What Object has beyond ES5. Keys that are symbols are hidden.
(function (G, R, door) {
  var O = Object, keys = R.allKeys, define = O.defineProperty, own = O.prototype.hasOwnProperty;
  var names = O.getOwnPropertyNames, describe = O.getOwnPropertyDescriptor, getPrototypeOf = O.getPrototypeOf;
  var isHidden = R.isHidden;

  function seen(list) {
    var i;
    for (i = 0; i < list.length; i++) {
      if (isHidden(list[i])) return list.filter(function (name) { return !isHidden(name); });
    }
    return list;
  }

  function keysOf(value) { return seen(keys(need(value))); }

  function need(value) {
    if (value === undefined || value === null) throw new TypeError("Cannot convert undefined or null to object");
    return typeof value === "number" || typeof value === "boolean" ? {} : value;
  }

  R.keys = keysOf;

  // What a symbol is, and not what the run-time keeps in an object.
  function isSymbol(name) {
    var code = name.charCodeAt(2);
    return isHidden(name) && (code >= 48 && code <= 57 ? name.indexOf(":") > 0 : name.slice(0, 6) === "$$for:" || G.Symbol[name.slice(2)] === name);
  }

  function isFrozen(value) { return !R.isObject(value) || own.call(value, "$$" + "frozen"); }

  function freeze(value, fixed) {
    if (!R.isObject(value) || typeof value === "function") return value;
    if (!Array.isArray(value) && !(value instanceof R.Typed)) {
      names(value).forEach(function (name) {
        var one = describe(value, name);
        if (isHidden(name)) return;
        one.configurable = false;
        if (fixed && "value" in one) one.writable = false;
        define(value, name, one);
      });
    }
    R.hide(value, "$$" + (fixed ? "frozen" : "sealed"), true);
    return value;
  }


  R.put(O, {
    keys: keysOf,
    values: function (value) { return keysOf(value).map(function (name) { return value[name]; }); },
    entries: function entries(value) { return keysOf(value).map(function (name) { return [name, value[name]]; }); },
    fromEntries: function fromEntries(entries) {
      var made = {};
      R.list(entries).forEach(function (entry) {
        if (!R.isObject(entry)) throw new TypeError("Iterator value " + R.brief(entry) + " is not an entry object");
        made[entry[0]] = entry[1];
      });
      return made;
    },
    assign: function assign(target) {
      var i;
      need(target);
      for (i = 1; i < arguments.length; i++) R.assign(target, arguments[i]);
      return target;
    },
    is: function is(a, b) { return a === b ? a !== 0 || 1 / a === 1 / b : a !== a && b !== b; },
    hasOwn: function hasOwn(value, name) { return own.call(need(value), name); },
    freeze: function (value) { return freeze(value, true); },
    isFrozen: isFrozen,
    seal: function seal(value) { return freeze(value, false); },
    isSealed: function isSealed(value) { return isFrozen(value) || own.call(value, "$$" + "sealed"); },
    preventExtensions: function preventExtensions(value) {
      if (R.isObject(value)) R.hide(value, "$$" + "closed", true);
      return value;
    },
    isExtensible: function isExtensible(value) {
      return !isFrozen(value) && !own.call(value, "$$" + "sealed") && !own.call(value, "$$" + "closed");
    },
    getOwnPropertyNames: function getOwnPropertyNames(value) { return seen(names(value)); },
    getOwnPropertySymbols: function getOwnPropertySymbols(value) { return names(need(value)).filter(isSymbol); },
    getOwnPropertyDescriptors: function getOwnPropertyDescriptors(value) {
      var all = {};
      names(value).forEach(function (name) { if (!isHidden(name) || isSymbol(name)) all[name] = describe(value, name); });
      return all;
    }
  });

  R.isSymbol = isSymbol;

  // The engine's own refuses what is no object.
  R.put(O, {
    getPrototypeOf: function (value) {
      need(value);
      switch (typeof value) {
      case "string": return String.prototype;
      case "number": return Number.prototype;
      case "boolean": return Boolean.prototype;
      }
      return getPrototypeOf(value);
    }
  });

  var stringify = JSON.stringify;
  R.put(JSON, {
    stringify: function (value, replacer, indent) {
      var all = stringify(value, replacer, indent);
      if (typeof all !== "string" || all.indexOf("\"$$") < 0 || Array.isArray(replacer)) return all;
      return stringify(value, function (name, one) {
        if (isHidden(name)) return undefined;
        return typeof replacer === "function" ? replacer.call(this, name, one) : one;
      }, indent);
    }
  });
})
