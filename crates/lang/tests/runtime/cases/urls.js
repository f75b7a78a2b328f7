const u = new URL("https://user:pa%20ss@example.com:8080/a/b/../c?x=1&y=2#frag");; [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash]
[new URL("HTTP://EXAMPLE.com:80").href, new URL("https://example.com:443/").port, new URL("http://example.com:443/").port]
[new URL("/x", "https://a.com/b/c?d").href, new URL("x", "https://a.com/b/c?d").href, new URL("?q", "https://a.com/b/c?d#e").href, new URL("#h", "https://a.com/b?d").href, new URL("//b.com/x", "https://a.com").href]
[new URL("../x", "https://a.com/b/c/d").href, new URL("./x", "https://a.com/b/c/d").href, new URL("", "https://a.com/b?c#d").href, new URL("../../../x", "http://a/b").href]
new URL("nope")
new URL("http://")
new URL("http://a b/")
new URL("http://a.com:99999")
[URL.canParse("http://a"), URL.canParse("x"), URL.canParse("x", "http://a")]
[new URL("http://ex.com/ä b?ü=ö c#é f").href, new URL("http://ex.com/a%2fb").pathname]
[new URL("http://192.168.1.1/").hostname, new URL("http://0x7f.1/").hostname, new URL("http://[::1]:80/").host, new URL("http://[2001:db8:0:0:0:0:0:1]/").hostname]
[new URL("mailto:a@b.c").pathname, new URL("mailto:a@b.c").origin, new URL("data:text/plain,hi there").href, new URL("file:///tmp/x").href, new URL("file:///tmp/x").host]
const u = new URL("http://a.com/?x=1"); u.searchParams.append("y", "a b&c"); u.searchParams.set("x", "2");; [u.href, u.search]
const u = new URL("http://a.com/p?x=1#h"); u.search = "?z=3"; u.hash = "q"; u.pathname = "/n w"; u.port = "81"; u.protocol = "https";; [u.href, u.searchParams.get("z")]
const u = new URL("http://a.com"); u.hostname = "b.com"; u.host = "c.com:8080"; u.username = "me"; u.password = "x y";; u.href
const u = new URL("http://a.com/?q=1"); u.href = "https://b.org/?r=2";; [u.host, u.searchParams.get("r")]
[String(new URL("http://a")), JSON.stringify({ u: new URL("http://a/b") })]
const p = new URLSearchParams("?a=1&b=2&a=3&c=%20x+y&d");; [p.get("a"), p.getAll("a"), p.has("b"), p.get("z"), p.get("c"), p.get("d"), p.size, p.toString()]
[new URLSearchParams({ a: 1, b: "x y" }).toString(), new URLSearchParams([["a", "1"], ["a", "2"]]).toString(), new URLSearchParams(new Map([["k", "v"]])).toString(), new URLSearchParams().toString()]
const p = new URLSearchParams("b=2&a=1&b=0"); p.sort();; [p.toString(), [...p], [...p.keys()], [...p.values()]]
const p = new URLSearchParams("a=1&b=2&a=3"); p.delete("a");; p.toString()
const p = new URLSearchParams("a=1&a=2"); p.set("a", "9"); p.append("é", "&=");; p.toString()
const p = new URLSearchParams("a=1"), r = []; p.forEach((v, k) => r.push(k + v)); for (const [k, v] of p) r.push(v + k);; r
Object.fromEntries(new URLSearchParams("a=1&b=2"))
new URLSearchParams("a=%zz&b=%E4%A4").get("a")
new URLSearchParams("x=1*-._~!'()").toString()
new URLSearchParams([["a"]])
new URL("http://a.com/a/./b/../c/%2e%2e/d").pathname
new URL("https://a.com/x?y#z", undefined).href
new URL("http://user@a.com/").href
new URL("javascript:alert(1)").protocol
new URL("http://a.com\\b\\c").pathname
new URL("  http://a.com/x  ").href
const u = new URL("/api/items", "https://example.com/v1/"); u.searchParams.set("page", 2);; u.toString()
