// What Number and Math have beyond ES5.
(function (G, R, door) {
  var floor = Math.floor;

  function isNumber(value) { return typeof value === "number"; }
  function isInteger(value) { return isNumber(value) && isFinite(value) && floor(value) === value; }

  R.put(Number, {
    isNaN: function (value) { return isNumber(value) && value !== value; },
    isFinite: function (value) { return isNumber(value) && isFinite(value); },
    isInteger: isInteger,
    isSafeInteger: function isSafeInteger(value) { return isInteger(value) && Math.abs(value) <= 9007199254740991; }
  });

  var exp = Math.exp, log = Math.log, abs = Math.abs, sqrt = Math.sqrt;

  function expm1(x) {
    var sum = 0, term = 1, n;
    if (abs(x) > 0.5) return exp(x) - 1;
    if (x === 0) return x;
    for (n = 1; n < 20; n++) {
      term *= x / n;
      sum += term;
    }
    return sum;
  }

  function log1p(x) {
    var y = 1 + x;
    return y === 1 || y === Infinity ? x : log(y) * (x / (y - 1));
  }

  R.put(Math, {
    cbrt: function cbrt(x) {
      var root;
      if (x === 0 || !isFinite(x)) return +x;
      root = Math.pow(abs(x), 1 / 3);
      root -= (root * root * root - abs(x)) / (3 * root * root);
      return x < 0 ? -root : root;
    },
    hypot: function hypot() {
      var most = 0, sum = 0, rest = 0, i, x, next;
      for (i = 0; i < arguments.length; i++) if (abs(arguments[i]) === Infinity) return Infinity;
      for (i = 0; i < arguments.length; i++) most = Math.max(most, abs(arguments[i]));
      if (most === 0 || most !== most) return most;
      for (i = 0; i < arguments.length; i++) {
        x = arguments[i] / most;
        x = x * x - rest;
        next = sum + x;
        rest = next - sum - x;
        sum = next;
      }
      return sqrt(sum) * most;
    },
    expm1: expm1,
    log1p: log1p,
    sinh: function sinh(x) {
      var y;
      x = +x;
      if (abs(x) > 20) return x < 0 ? -(exp(-x / 2) / 2 * exp(-x / 2)) : exp(x / 2) / 2 * exp(x / 2);
      y = expm1(abs(x));
      y = (y + y / (y + 1)) / 2;
      return x < 0 ? -y : x === 0 ? x : y;
    },
    cosh: function cosh(x) {
      var y = exp(abs(x) / 2);
      return abs(x) > 20 ? y / 2 * y : (exp(x) + exp(-x)) / 2;
    },
    tanh: function tanh(x) {
      var y;
      x = +x;
      if (abs(x) > 20) return x < 0 ? -1 : 1;
      if (x === 0) return x;
      y = expm1(2 * x);
      return y / (y + 2);
    },
    asinh: function asinh(x) {
      var y = abs(x);
      if (x === 0 || !isFinite(x)) return +x;
      y = y > 1e150 ? log(y) + Math.LN2 : log1p(y + y * y / (1 + sqrt(1 + y * y)));
      return x < 0 ? -y : y;
    },
    acosh: function acosh(x) {
      return x > 1e150 ? log(x) + Math.LN2 : log1p(x - 1 + sqrt((x - 1) * (x - 1) + 2 * (x - 1)));
    },
    atanh: function atanh(x) { return x === 0 ? +x : log1p(2 * x / (1 - x)) / 2; }
  });

  // With so many digits behind the point; a half, as it is written, is rounded away from zero.
  function fixed(value, most) {
    var text = String(value), after = text.indexOf(".") + 1 + most;
    if (text.indexOf(".") > 0 && text.indexOf("e") < 0 && text.charAt(after) === "5") value = +(text.slice(0, after) + "6");
    return value.toFixed(most);
  }

  // Numbers as in American English.
  R.put(Number.prototype, {
    toLocaleString: function (locale, options) {
      var value = +this, least = 0, most = 3, text, parts;
      if (value !== value) return "NaN";
      if (options) {
        if (options.style === "currency") least = most = 2;
        if (options.style === "percent") most = 0;
        if (options.minimumFractionDigits !== undefined) least = options.minimumFractionDigits;
        most = options.maximumFractionDigits !== undefined ? options.maximumFractionDigits : Math.max(least, most);
      }
      if (options && options.style === "percent") value *= 100;
      text = Math.abs(value) === Infinity ? "\u221e" : fixed(Math.abs(value), most);
      parts = text.split(".");
      if (!options || options.useGrouping !== false) parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, ",");
      if (parts.length > 1) while (parts[1].length > least && parts[1].slice(-1) === "0") parts[1] = parts[1].slice(0, -1);
      text = parts[1] ? parts.join(".") : parts[0];
      if (options && options.style === "percent") text += "%";
      if (options && options.style === "currency") text = ({ EUR: "\u20ac", GBP: "\u00a3", JPY: "\u00a5" }[options.currency] || (options.currency === "USD" ? "$" : options.currency + "\u00a0")) + text;
      return value < 0 ? "-" + text : text;
    }
  });
})
