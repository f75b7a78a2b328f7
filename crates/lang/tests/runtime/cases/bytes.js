[btoa("hello"), btoa(""), btoa("\xff\x00"), atob("aGVsbG8="), atob("aGVsbG8"), atob(" aG Vs\nbG8= ")]
btoa("ä€")
atob("a")
atob("a*bc")
[atob("/w==").charCodeAt(0), atob("QR==").length, atob("QUJ=")]
[new TextEncoder().encode("aä€😀"), new TextEncoder().encode(""), new TextEncoder().encode(), new TextEncoder().encoding]
[new TextDecoder().decode(new Uint8Array([97, 195, 164, 226, 130, 172])), new TextDecoder().decode(), new TextDecoder("UTF-8").encoding]
new TextDecoder().decode(new Uint8Array([97, 255, 98]))
new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255]))
new TextDecoder("latin99")
const d = new TextDecoder();; [d.decode(new Uint8Array([0xe2, 0x82]), { stream: true }), d.decode(new Uint8Array([0xac, 33]))]
new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65]))
new TextDecoder().decode(new Uint8Array([65, 66, 67]).buffer)
const u = new Uint8Array(3);; [new TextEncoder().encodeInto("aä€", u), u]
new TextEncoder().encode("\ud800")
[...new TextEncoder().encode("é")].map(b => b.toString(16).padStart(2, "0")).join("")
btoa(String.fromCharCode(...new Uint8Array([1, 2, 250])))
Uint8Array.from(atob("AQL6"), c => c.charCodeAt(0))
