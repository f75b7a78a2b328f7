// kv: a small key-value store that forgets. A key may live for so many calls, or for so many seconds.
//
//   hauki clone examples/workers/kv.js --args '[{"most": 1000}]' --out kv.json
//   hauki proxy call kv.json put '"color"' '"red"' '{"calls": 10}'
//   hauki proxy call kv.json get '"color"'
//
// Each key is announced with an event when it is forgotten: {"event":"forgotten","data":{"key":"color"}}.

var _items = {};
var _count = 0;
var _most = 1000;
var _calls = 0;

function create(options) {
    if (options && options.most) {
        _most = options.most;
    }
}

function _has(key) {
    return Object.prototype.hasOwnProperty.call(_items, key);
}

function _forget(key, why) {
    delete _items[key];
    _count--;
    emit("forgotten", { key: key, why: why });
}

// Every public method begins with this: one more call, and what is over its time goes.
function _tick() {
    var now = Date.now();
    _calls++;
    Object.keys(_items).forEach(function (key) {
        var item = _items[key];
        if ((item.last_call !== null && _calls > item.last_call) || (item.until !== null && now >= item.until)) {
            _forget(key, "expired");
        }
    });
}

function _check(key) {
    if (typeof key !== "string" || key === "") {
        throw new TypeError("a key is a string that is not empty");
    }
}

// Stores a value. limits: {calls: N, seconds: N}, each of them optional. Answers whether the key is new.
function put(key, value, limits) {
    var fresh;
    _check(key);
    _tick();
    fresh = !_has(key);
    if (fresh && _count >= _most) {
        throw new RangeError("the store is full: " + _most + " keys");
    }
    if (fresh) {
        _count++;
    }
    _items[key] = {
        value: value === undefined ? null : value,
        last_call: limits && limits.calls ? _calls + limits.calls : null,
        until: limits && limits.seconds ? Date.now() + limits.seconds * 1000 : null
    };
    return fresh;
}

// The value, or null.
function get(key) {
    _check(key);
    _tick();
    return _has(key) ? _items[key].value : null;
}

// Adds to a number and answers the sum; a key that is not there counts as 0.
function add(key, by) {
    var value = this_object()->get(key);
    if (value !== null && typeof value !== "number") {
        throw new TypeError(key + " is not a number");
    }
    value = (value || 0) + (by === undefined ? 1 : by);
    if (_has(key)) {
        _items[key].value = value;
    } else {
        put(key, value);
    }
    return value;
}

function remove(key) {
    var had;
    _check(key);
    _tick();
    had = _has(key);
    if (had) {
        _forget(key, "removed");
    }
    return had;
}

// The keys that begin with a prefix, sorted.
function list(prefix) {
    var start = prefix || "";
    _tick();
    return Object.keys(_items).filter(function (key) { return key.indexOf(start) === 0; }).sort();
}

function report() {
    return { keys: _count, most: _most, calls: _calls, by: this_object() };
}

function dest() {
    print("kv: " + _count + " keys are lost");
}
