// What the other parts of the run-time share, symbols, and how things are iterated. A part is given the global object,
// `R`, where parts leave what others use, and the door.
//
// A constant text must not be a key in here: the engine takes compiled texts for other keys than the program's. Names
// that are written as names are safe, and so are texts that are made while it runs. Symbols are texts that begin with
// `$$`; the engine and these parts hide such keys.
(function (G, R, door) {
  var O = Object, keys = O.keys, define = O.defineProperty, isArray = Array.isArray, Str = String;
  var tag = O.prototype.toString, symbols = 0;

  // Members of a built-in are not enumerable.
  function put(object, members) {
    var names = keys(members), i;
    for (i = 0; i < names.length; i++) {
      define(object, names[i], { value: members[names[i]], writable: true, enumerable: false, configurable: true });
    }
    return object;
  }

  R.put = put;
  R.allKeys = keys;
  R.Typed = O.getPrototypeOf(Uint8Array);
  R.getter = function getter(object, members) {
    keys(members).forEach(function (name) {
      define(object, name, { get: members[name], enumerable: false, configurable: true });
    });
  };
  // A class whose members are `members`, with a text for `Object.prototype.toString`.
  R.made = function made(Class, name, members) {
    put(Class.prototype, members);
    put(Class.prototype, { $$toStringTag: name });
    G[name] = Class;
    return Class;
  };
  R.isObject = function isObject(value) {
    return typeof value === "object" && value !== null || typeof value === "function";
  };
  R.isHidden = function isHidden(name) {
    return name.charCodeAt(0) === 36 && name.charCodeAt(1) === 36;
  };
  R.hide = function hide(object, name, value) {
    define(object, name, { value: value, writable: true, enumerable: false, configurable: true });
  };
  // What is kept of an object beside it, in the object itself.
  R.need = function need(value, Class, name) {
    if (!(value instanceof Class)) throw new TypeError("Method " + name + " called on incompatible receiver " + R.brief(value));
  };
  // For messages.
  R.brief = function brief(value) {
    if (typeof value === "string") return "\"" + value + "\"";
    if (isArray(value)) return "[object Array]";
    try { return Str(value); } catch (odd) { return "#<Object>"; }
  };

  R.same = function same(a, b) { return a === b || a !== a && b !== b; };
  R.whole = function whole(value) {
    value = +value;
    return value !== value ? 0 : value < 0 ? Math.ceil(value) : Math.floor(value);
  };
  R.toPrimitive = function (value, hint) {
    var own;
    if (!R.isObject(value)) return value;
    own = value.$$toPrimitive;
    if (typeof own === "function") {
      value = own.call(value, hint || "default");
      if (R.isObject(value)) throw new TypeError("Cannot convert object to primitive value");
      return value;
    }
    return hint === "number" ? +value : value + "";
  };
  R.assign = function assign(target, source) {
    var names, i, count;
    if (source === undefined || source === null) return target;
    if (typeof source === "string") {
      for (i = 0; i < source.length; i++) target[i] = source.charAt(i);
      return target;
    }
    if (!R.isObject(source)) return target;
    names = keys(source);
    count = names.length;
    for (i = 0; i < count; i++) target[names[i]] = source[names[i]];
    return target;
  };

  function Symbol(about) {
    if (this instanceof Symbol) throw new TypeError("Symbol is not a constructor");
    symbols++;
    return "$$" + symbols + ":" + (about === undefined ? "" : Str(about));
  }

  put(Symbol, {
    for: function (key) { return "$$for:" + key; },
    keyFor: function keyFor(symbol) { return symbol.slice(0, 6) === "$$for:" ? symbol.slice(6) : undefined; }
  });
  keys({
    iterator: 0, asyncIterator: 0, hasInstance: 0, toPrimitive: 0, toStringTag: 0, species: 0, match: 0, matchAll: 0, replace: 0,
    search: 0, split: 0, isConcatSpreadable: 0, unscopables: 0
  }).forEach(function (name) { R.hide(Symbol, name, "$$" + name); });
  G.Symbol = Symbol;
  R.getter(Str.prototype, {
    description: function () {
      var text = Str(this);
      if (!R.isHidden(text)) return undefined;
      return text.indexOf(":") < 0 ? "Symbol." + text.slice(2) : text.slice(text.indexOf(":") + 1);
    }
  });

  put(O.prototype, {
    toString: function toString() {
      var name = this === undefined || this === null ? undefined : this.$$toStringTag;
      return typeof name === "string" ? "[object " + name + "]" : tag.call(this);
    }
  });

  // What every iterator is.
  function Iterator() {}
  put(Iterator.prototype, { $$iterator: function () { return this; } });
  R.Iterator = Iterator;

  // Goes over a list: 0 for keys, 1 for values, 2 for both.
  function ListIterator(list, what) {
    this.$$of = list;
    this.$$at = 0;
    this.$$what = what;
  }
  ListIterator.prototype = new Iterator();
  put(ListIterator.prototype, {
    next: function next() {
      var at = this.$$at, list = this.$$of, what = this.$$what;
      if (list === undefined || at >= list.length) {
        this.$$of = undefined;
        return { value: undefined, done: true };
      }
      this.$$at = at + 1;
      return { value: what === 1 ? list[at] : what ? [at, list[at]] : at, done: false };
    },
    $$toStringTag: "Array Iterator"
  });
  R.over = function over(list, what) { return new ListIterator(list, what); };

  // An iterator that asks a function, which throws R.end when there is no more.
  function AskIterator(ask) { this.$$ask = ask; }
  AskIterator.prototype = new Iterator();
  put(AskIterator.prototype, {
    next: function next() {
      var result = this.$$ask ? this.$$ask() : undefined;
      if (result) return result;
      this.$$ask = undefined;
      return { value: undefined, done: true };
    }
  });
  // Whose prototypes no global name leads to.
  R.classes = [Iterator, ListIterator, AskIterator];
  R.asking = function asking(ask) { return new AskIterator(ask); };

  // The characters of a text, pairs of surrogates together.
  R.characters = function characters(text) {
    var list = [], i, code;
    for (i = 0; i < text.length; i++) {
      code = text.charCodeAt(i);
      if (code >= 0xd800 && code < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
        list.push(text.slice(i, i + 2));
        i++;
      } else {
        list.push(text.charAt(i));
      }
    }
    return list;
  };

  R.iterator = function iterator(value) {
    var method = value === undefined || value === null ? undefined : value.$$iterator, made;
    if (typeof method !== "function") throw new TypeError(R.brief(value) + " is not iterable");
    made = method.call(value);
    if (!R.isObject(made)) throw new TypeError("Result of the Symbol.iterator method is not an object");
    return made;
  };
  // Ends an iterator early; what its `return` throws does not hide why.
  R.close = function close(it) {
    try { if (typeof it.return === "function") it.return(); } catch (again) { return; }
  };
  // All that an iterable has, at most `most`, as a new array.
  R.list = function list(value, most) {
    var it, step, all;
    if (isArray(value) && value.$$iterator === R.values) return most === undefined ? value.slice() : value.slice(0, most);
    it = R.iterator(value);
    all = [];
    while (most === undefined || all.length < most) {
      step = it.next();
      if (!R.isObject(step)) throw new TypeError("Iterator result " + R.brief(step) + " is not an object");
      if (step.done) return all;
      all.push(step.value);
    }
    if (typeof it.return === "function") it.return();
    return all;
  };
  R.values = function values() { return R.over(this, 1); };
  put(Array.prototype, {
    values: R.values,
    $$iterator: R.values,
    keys: function () { return R.over(this, 0); },
    entries: function entries() { return R.over(this, 2); }
  });
  put(Str.prototype, {
    $$iterator: function () { return R.over(R.characters(Str(this)), 1); }
  });
})
