// Reflect: what operators do, as functions.
(function (G, R, door) {
  var O = Object, define = O.defineProperty, names = O.getOwnPropertyNames, describe = O.getOwnPropertyDescriptor;
  var getPrototypeOf = O.getPrototypeOf, setPrototypeOf = O.setPrototypeOf;

  function target(value, who) {
    if (!R.isObject(value)) throw new TypeError("Reflect." + who + " called on non-object");
    return value;
  }

  // Whether it was done.
  function tried(code) {
    try { code(); } catch (refused) { return false; }
    return true;
  }

  G.Reflect = R.put({}, {
    apply: function (code, self, list) { return Function.prototype.apply.call(code, self, list); },
    construct: function construct(Class, list, made) { return R.construct(Class, list, made === undefined ? Class : made); },
    defineProperty: function (value, name, one) {
      target(value, "defineProperty");
      return tried(function () { define(value, name, one); });
    },
    deleteProperty: function deleteProperty(value, name) {
      var done = false;
      target(value, "deleteProperty");
      tried(function () { done = delete value[name]; });
      return done;
    },
    get: function (value, name, self) {
      var one = arguments.length > 2 ? R.found(target(value, "get"), name) : undefined;
      return one && one.get ? one.get.call(self) : target(value, "get")[name];
    },
    set: function (value, name, what, self) {
      target(value, "set");
      return tried(function () {
        if (self === undefined || self === value) value[name] = what; else G._set(value, name, what, self, true);
      });
    },
    getOwnPropertyDescriptor: function (value, name) { return describe(target(value, "getOwnPropertyDescriptor"), name); },
    getPrototypeOf: function (value) { return getPrototypeOf(target(value, "getPrototypeOf")); },
    setPrototypeOf: function (value, prototype) { return tried(function () { setPrototypeOf(value, prototype); }); },
    has: function (value, name) { return name in target(value, "has"); },
    isExtensible: function (value) { return O.isExtensible(value); },
    preventExtensions: function (value) { return !!O.preventExtensions(value); },
    ownKeys: function ownKeys(value) {
      return names(target(value, "ownKeys")).concat(O.getOwnPropertySymbols(value));
    },
    $$toStringTag: "Reflect"
  });
})
