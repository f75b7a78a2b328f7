// What a value looks like, in words that need nothing of the engine but its operators.
function show(value, deep) {
  var text, i, code, hex = "0123456789abcdef", parts;
  if (typeof value === "string") {
    text = "\"";
    for (i = 0; i < value.length; i++) {
      code = value.charCodeAt(i);
      if (code === 34 || code === 92) text += "\\" + value.charAt(i);
      else if (code >= 32 && code < 127) text += value.charAt(i);
      else text += "\\u" + hex.charAt(code >> 12 & 15) + hex.charAt(code >> 8 & 15) + hex.charAt(code >> 4 & 15) + hex.charAt(code & 15);
    }
    return text + "\"";
  }
  if (value === 0 && 1 / value < 0) return "-0";
  if (typeof value === "function") return "function";
  if (typeof value !== "object" || value === null) return "" + value;
  if (deep > 4) return "...";
  if (Array.isArray(value)) {
    text = "[";
    for (i = 0; i < value.length; i++) text += (i ? ", " : "") + show(value[i], (deep || 0) + 1);
    return text + "]";
  }
  if (value instanceof Error) return value.name;
  if (value instanceof RegExp) return "/" + value.source + "/";
  text = "{";
  parts = Object.keys(value);
  for (i = 0; i < parts.length; i++) text += (i ? ", " : "") + show(parts[i]) + ": " + show(value[parts[i]], (deep || 0) + 1);
  return text + "}";
}
function tell(source) {
  try {
    return show((1, eval)(source));
  } catch (thrown) {
    return "throws " + (thrown instanceof Error ? thrown.name : show(thrown));
  }
}
