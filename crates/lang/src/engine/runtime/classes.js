// What compiled sources call for classes.
(function (G, R, door) {
  var O = Object, define = O.defineProperty, keys = O.keys, slice = Array.prototype.slice;
  var getPrototypeOf = O.getPrototypeOf, setPrototypeOf = O.setPrototypeOf, describe = O.getOwnPropertyDescriptor;
  // The engine's own classes, which make their objects themselves.
  var natives = [O, Function, Array, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
    InternalError, RegExp, ArrayBuffer, Uint8ClampedArray, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array,
    Uint32Array, Float32Array, Float64Array, String, Number, Boolean];
  var fields = 0;

  // `new Class(...list)`.
  function made(Class, list) {
    switch (list.length) {
    case 0: return new Class();
    case 1: return new Class(list[0]);
    case 2: return new Class(list[0], list[1]);
    case 3: return new Class(list[0], list[1], list[2]);
    }
    return constructed(Class, list, Class);
  }

  // `Reflect.construct`.
  function constructed(Class, list, target) {
    var self, value;
    if (typeof Class !== "function") throw new TypeError(R.brief(Class) + " is not a constructor");
    if (natives.indexOf(Class) >= 0) {
      value = Class === Array && list.length !== 1 ? slice.call(list) : list.length > 3 ? Class.apply(undefined, list) : made(Class, list);
      if (target !== Class) setPrototypeOf(value, target.prototype);
      return value;
    }
    self = O.create(R.isObject(target.prototype) ? target.prototype : O.prototype);
    value = Class.apply(self, list);
    return R.isObject(value) ? value : self;
  }

  // An Error keeps what caused it.
  function caused(value, list) {
    var options = list[1];
    if (value instanceof Error && R.isObject(options) && "cause" in options) R.hide(value, "cause", options.cause);
    return value;
  }

  R.put(Error, { captureStackTrace: function (target) { R.hide(target, "stack", new Error().stack); } });
  R.construct = constructed;
  G._construct = function (Class, list, target) {
    return target ? constructed(Class, list, target.prototype ? target : Class) : made(Class, list);
  };
  G._call_super = function (self, derived, list) {
    var Class = getPrototypeOf(derived), value;
    list = list || [];
    if (typeof Class !== "function") throw new TypeError("Super constructor " + R.brief(Class) + " of anonymous class is not a constructor");
    if (natives.indexOf(Class) < 0) value = Class.apply(self, list);
    else if (Class === O) value = self;
    else value = caused(constructed(Class, list, { prototype: getPrototypeOf(self) }), list);
    return R.isObject(value) ? value : self;
  };
  G._is_native_reflect_construct = function () { return true; };
  G._is_native_function = function (value) { return natives.indexOf(value) >= 0; };
  G._identity = function (value) { return value; };
  // What a class calls as its base: the engine's own classes make objects of their own, which get the class's prototype.
  G._wrap_native_super = function (Class) {
    function Base() {
      if (Class === O) return undefined;
      return caused(constructed(Class, arguments, { prototype: getPrototypeOf(this) }), arguments);
    }
    if (natives.indexOf(Class) < 0) return Class;
    Base.prototype = Class.prototype;
    setPrototypeOf(Base, Class);
    return Base;
  };
  R.natives = natives;
  G._assert_this_initialized = function (self) {
    if (self === undefined) throw new ReferenceError("Must call super constructor in derived class before accessing 'this' or returning from derived constructor");
    return self;
  };
  G._possible_constructor_return = function (self, value) {
    return R.isObject(value) ? value : G._assert_this_initialized(self);
  };
  G._class_call_check = function (self, Class) {
    if (!(self instanceof Class)) throw new TypeError("Class constructor " + Class.name + " cannot be invoked without 'new'");
  };
  G._class_name_tdz_error = function (name) {
    throw new ReferenceError("Cannot access '" + name + "' before initialization");
  };
  G._read_only_error = function (name) { throw new TypeError("Assignment to constant variable."); };
  G._write_only_error = function (name) { throw new TypeError("\"" + name + "\" is write-only"); };
  G._throw = function (error) { throw error; };

  function members(target, list) {
    var i, one;
    for (i = 0; i < list.length; i++) {
      one = list[i];
      one.enumerable = one.enumerable || false;
      one.configurable = true;
      if ("value" in one) one.writable = true;
      define(target, one.key, one);
    }
  }

  G._create_class = function (Class, own, statics) {
    if (own) members(Class.prototype, own);
    if (statics) members(Class, statics);
    return Class;
  };
  G._define_enumerable_properties = function (target, all) {
    keys(all).forEach(function (name) {
      var one = all[name];
      one.configurable = one.enumerable = true;
      if ("value" in one) one.writable = true;
      define(target, name, one);
    });
    return target;
  };
  G._inherits = function (derived, base) {
    if (typeof base !== "function" && base !== null) throw new TypeError("Class extends value " + R.brief(base) + " is not a constructor or null");
    derived.prototype = O.create(base && base.prototype);
    R.hide(derived.prototype, "con" + "structor", derived);
    if (base) setPrototypeOf(derived, base);
  };
  G._get_prototype_of = getPrototypeOf;
  G._set_prototype_of = setPrototypeOf;
  G._instanceof = function (value, Class) {
    var own = Class === undefined || Class === null ? undefined : Class.$$hasInstance;
    return typeof own === "function" ? !!own.call(Class, value) : value instanceof Class;
  };
  G._type_of = function (value) { return typeof value === "string" && R.isHidden(value) ? "symbol" : typeof value; };

  // The property of a name, wherever in the chain.
  function found(object, name) {
    var one;
    for (; object !== null && object !== undefined; object = getPrototypeOf(object)) {
      one = describe(object, name);
      if (one !== undefined) return one;
    }
    return undefined;
  }

  R.found = found;
  G._super_prop_base = function (object, name) {
    while (object !== null && !O.prototype.hasOwnProperty.call(object, name)) object = getPrototypeOf(object);
    return object;
  };
  G._get = function (base, name, self) {
    var one = found(base, name);
    if (one === undefined) return R.isObject(base) ? undefined : base[name];
    return one.get ? one.get.call(self === undefined ? base : self) : one.value;
  };
  G._set = function (base, name, value, self, strict) {
    var one = found(base, name);
    if (one && one.set) {
      one.set.call(self, value);
    } else if (one && (one.get || one.writable === false)) {
      if (strict) throw new TypeError("Cannot assign to read only property '" + name + "' of object");
    } else if (describe(self, name)) {
      self[name] = value;
    } else {
      define(self, name, { value: value, writable: true, enumerable: true, configurable: true });
    }
    return value;
  };
  // A reference to a member of `super`, which is read and then written.
  G._update = function (base, name, self, strict) {
    return {
      get _() { return G._get(base, name, self); },
      set _(value) { G._set(base, name, value, self, strict); }
    };
  };

  // Private members are hidden properties, whose keys no other class has.
  G._class_private_field_loose_key = function (name) { return "$$" + fields++ + "#" + name; };
  G._class_private_field_loose_base = function (object, key) {
    if (!R.isObject(object) || !O.prototype.hasOwnProperty.call(object, key)) {
      throw new TypeError("Cannot read private member #" + key.slice(key.indexOf("#") + 1) + " from an object whose class did not declare it");
    }
    return object;
  };
})
