// What a row of the tables comes to, as text: the same in Node and in a worker.
function shown(value) {
  var type = typeof value, name, list = [];
  if (type === "string") return JSON.stringify(value);
  if (type === "number") return value === 0 && 1 / value < 0 ? "-0" : String(value);
  if (type === "function") return "function";
  if (type !== "object" || value === null) return String(value);
  if (value instanceof Error) return value.name;
  if (Array.isArray(value)) return "[" + value.map(shown).join(", ") + "]";
  name = value.constructor ? value.constructor.name : "";
  if (name === "M" + "ap") {
    value.forEach(function (one, key) { list.push(shown(key) + " => " + shown(one)); });
    return name + "{" + list.join(", ") + "}";
  }
  if (name === "S" + "et") {
    value.forEach(function (one) { list.push(shown(one)); });
    return name + "{" + list.join(", ") + "}";
  }
  if (typeof value.toISOString === "function") return isNaN(+value) ? "no time" : value.toISOString();
  if (/Array$/.test(name)) return name + "[" + Array.prototype.slice.call(value).join(", ") + "]";
  if (value instanceof RegExp) return String(value);
  return "{" + Object.keys(value).map(function (key) { return key + ": " + shown(value[key]); }).join(", ") + "}";
}

function failed(error) { return "throws " + (error instanceof Error ? error.name : shown(error)); }

function outcome(body) {
  var value;
  try { value = body(); } catch (error) { return failed(error); }
  return value && typeof value["th" + "en"] === "function" ? value["th" + "en"](shown, failed) : shown(value);
}
