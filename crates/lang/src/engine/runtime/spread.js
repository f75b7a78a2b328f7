// What compiled sources call for destructuring, spread, templates and loops.
(function (G, R, door) {
  var O = Object, define = O.defineProperty, keys = O.keys, isArray = Array.isArray, slice = Array.prototype.slice;
  var describe = O.getOwnPropertyDescriptor;

  G._define_property = function (object, name, value) {
    if (name in object) define(object, name, { value: value, enumerable: true, configurable: true, writable: true });
    else object[name] = value;
    return object;
  };
  G._to_primitive = R.toPrimitive;
  G._to_property_key = function (value) { return R.isObject(value) ? "" + value : typeof value === "string" ? value : "" + value; };

  var assign = R.assign;

  // Of a spread only what is the object's own is taken, and defined, whatever setters there are.
  G._object_spread = function (target) {
    var i;
    for (i = 1; i < arguments.length; i++) assign(target, arguments[i]);
    return target;
  };
  G._object_spread_props = function (target, source) {
    var names, i;
    source = source === undefined || source === null ? {} : source;
    names = R.allKeys(source);
    for (i = 0; i < names.length; i++) define(target, names[i], describe(source, names[i]));
    return target;
  };
  G._extends = function (target) {
    var i;
    for (i = 1; i < arguments.length; i++) assign(target, arguments[i]);
    return target;
  };
  G._object_without_properties = G._object_without_properties_loose = function (source, without) {
    var target = {}, names, i;
    if (source === undefined || source === null) return target;
    names = R.allKeys(source);
    without = without.map(String);
    for (i = 0; i < names.length; i++) {
      if (without.indexOf(names[i]) < 0) target[names[i]] = source[names[i]];
    }
    return target;
  };
  G._object_destructuring_empty = function (value) {
    if (value === undefined || value === null) throw new TypeError("Cannot destructure '" + value + "' as it is " + value + ".");
    return value;
  };

  G._sliced_to_array = G._sliced_to_array_loose = G._iterable_to_array_limit = G._iterable_to_array_limit_loose = function (value, count) {
    return R.list(value, count);
  };
  G._to_array = G._to_consumable_array = G._iterable_to_array = G._array_without_holes = function (value) { return R.list(value); };
  G._array_with_holes = function (value) { return isArray(value) ? value : undefined; };
  G._array_like_to_array = function (value, count) { return slice.call(value, 0, count === undefined ? value.length : count); };
  G._unsupported_iterable_to_array = function (value, count) { return value ? R.list(value, count) : undefined; };
  G._non_iterable_rest = G._non_iterable_spread = function () { throw new TypeError("value is not iterable"); };

  // What a loop goes over and must close if it is left early; nothing is to be closed of an array or a text.
  function Opened(it) {
    this.it = it;
    this.ended = false;
  }
  function isPlain(value) { return isArray(value) && value.$$iterator === R.values || typeof value === "string"; }
  G._open_iterator = function (value) { return isPlain(value) ? value : new Opened(R.iterator(value)); };
  G._close_iterator = function (opened) {
    if (opened instanceof Opened && !opened.ended) R.close(opened.it);
  };
  // A function that gives the next step.
  G._create_for_of_iterator_helper_loose = function (value) {
    var it, at = 0, step;
    if (isArray(value) && value.$$iterator === R.values) {
      step = { value: undefined, done: false };
      return function () {
        step.done = at >= value.length;
        step.value = step.done ? undefined : value[at++];
        return step;
      };
    }
    if (value instanceof Opened) {
      it = value.it;
      return function () {
        var step;
        // Who fails to go on has ended.
        value.ended = true;
        step = it.next();
        if (!R.isObject(step)) throw new TypeError("Iterator result " + R.brief(step) + " is not an object");
        value.ended = !!step.done;
        return step;
      };
    }
    it = R.iterator(value);
    return function () {
      var step = it.next();
      if (!R.isObject(step)) throw new TypeError("Iterator result " + R.brief(step) + " is not an object");
      return step;
    };
  };
  G._tagged_template_literal = G._tagged_template_literal_loose = function (cooked, raw) {
    R.hide(cooked, "ra" + "w", raw || cooked.slice());
    return cooked;
  };
})
