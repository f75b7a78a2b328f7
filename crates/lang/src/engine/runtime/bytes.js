// Texts as bytes and in base64.
(function (G, R, door) {
  var Bytes = Uint8Array, S = String, Buffer = ArrayBuffer;

  function named(name, message) {
    var error = new Error(message);
    R.hide(error, "na" + "me", name);
    return error;
  }

  R.domError = named;
  // In these two a letter is a byte.
  G.btoa = function btoa(text) {
    var bytes, i, code;
    if (!arguments.length) throw new TypeError("The \"data\" argument must be specified");
    text = S(text);
    bytes = new Bytes(text.length);
    for (i = 0; i < text.length; i++) {
      code = text.charCodeAt(i);
      if (code > 255) throw named("InvalidCharacterError", "Invalid character");
      bytes[i] = code;
    }
    return door("base64_encode", bytes);
  };
  G.atob = function atob(text) {
    var bytes, parts = [], i;
    if (!arguments.length) throw new TypeError("The \"data\" argument must be specified");
    text = S(text).replace(/[\t\n\f\r ]+/g, "");
    if (text.length % 4 === 0) text = text.replace(/==?$/, "");
    if (text.length % 4 === 1 || /[^A-Za-z0-9+\/]/.test(text)) {
      throw named("InvalidCharacterError", "The string to be decoded is not correctly encoded.");
    }
    // Bits behind the last byte mean nothing here.
    if (text.length % 4 === 2) text = text.slice(0, -1) + (/[A-P]/.test(text.slice(-1)) ? "A" : /[Q-Za-f]/.test(text.slice(-1)) ? "Q" : /[g-v]/.test(text.slice(-1)) ? "g" : "w");
    else if (text.length % 4 === 3) text = text.slice(0, -1) + "AEIMQUYcgkosw048".charAt("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(text.slice(-1)) >> 2);
    bytes = door("base64_decode", text);
    for (i = 0; i < bytes.length; i++) parts.push(S.fromCharCode(bytes[i]));
    return parts.join("");
  };

  function TextEncoder() {
    if (!(this instanceof TextEncoder)) throw new TypeError("Class constructor TextEncoder cannot be invoked without 'new'");
  }

  R.made(TextEncoder, "TextEncoder", {
    encode: function encode(text) { return text === undefined ? new Bytes(0) : door("utf8_encode", R.wellFormed(S(text))); },
    encodeInto: function encodeInto(text, target) {
      var read = 0, written = 0, list = R.characters(R.wellFormed(S(text))), i, bytes;
      for (i = 0; i < list.length; i++) {
        bytes = door("utf8_encode", list[i]);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += list[i].length;
      }
      return { read: read, written: written };
    }
  });
  R.getter(TextEncoder.prototype, { encoding: function () { return "utf-8"; } });

  var labels = /^\s*(?:utf-?8|unicode-1-1-utf-8|unicode11utf8|unicode20utf8|x-unicode20utf8)\s*$/i;

  function TextDecoder(label, options) {
    if (!(this instanceof TextDecoder)) throw new TypeError("Class constructor TextDecoder cannot be invoked without 'new'");
    if (label !== undefined && !labels.test(S(label))) throw new RangeError("The \"" + label + "\" encoding is not supported");
    R.hide(this, "fat" + "al", !!(options && options.fatal));
    R.hide(this, "ignore" + "BOM", !!(options && options.ignoreBOM));
    // The beginning of a letter whose end has not come.
    R.hide(this, "$$" + "left", []);
  }

  // How many bytes at the end are the beginning of a letter.
  function unfinished(bytes) {
    var i, byte, wanted;
    for (i = 1; i <= 3 && i <= bytes.length; i++) {
      byte = bytes[bytes.length - i];
      if (byte >= 0xc0) {
        wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return wanted > i ? i : 0;
      }
      if (byte < 0x80) return 0;
    }
    return 0;
  }

  R.made(TextDecoder, "TextDecoder", {
    decode: function decode(data, options) {
      var bytes, text, cut, all;
      if (data === undefined) bytes = new Bytes(0);
      else if (data instanceof Buffer) bytes = new Bytes(data);
      else if (data instanceof R.Typed) bytes = new Bytes(data.buffer, data.byteOffset, data.byteLength);
      else throw new TypeError("The \"list\" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.");
      if (this.$$left.length) {
        all = this.$$left.concat(Array.prototype.slice.call(bytes));
        bytes = new Bytes(all);
        this.$$left = [];
      }
      if (options && options.stream) {
        cut = unfinished(bytes);
        this.$$left = Array.prototype.slice.call(bytes, bytes.length - cut);
        bytes = bytes.subarray(0, bytes.length - cut);
      }
      text = door("utf8_decode", bytes);
      if (this.fatal && text.indexOf("\ufffd") >= 0 && !valid(bytes, text)) {
        throw new TypeError("The encoded data was not valid for encoding utf-8");
      }
      return !this.ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  });
  R.getter(TextDecoder.prototype, { encoding: function () { return "utf-8"; } });

  function valid(bytes, text) {
    var again = door("utf8_encode", text), i;
    if (again.length !== bytes.length) return false;
    for (i = 0; i < again.length; i++) if (again[i] !== bytes[i]) return false;
    return true;
  }
})
