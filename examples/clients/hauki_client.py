"""Call a hauki worker from Python 3.9 or newer: the standard library and a ticket, nothing else.

    with hauki_client.ghost("t.json", on_event=print) as scout:
        print(scout.observe(["a", "b"]))
        print(scout.top(n=5))                   # named arguments become one object, the last argument
        scout.call("hauki.destruct")            # or leave it to its lease

The node must show the ticket's certificate before the token is sent. Every call has a deadline;
heartbeats go out in the background; any thread may call. Leaving `with` ends the connection only,
unless the vault is linked. Protocol: man 5 hauki-ticket.
"""
import concurrent.futures, contextlib, hashlib, hmac, itertools, json, os
import select, socket, ssl, threading, time

SLACK = 2.0  # what a call may take beyond the node's own deadline


class HaukiError(Exception):
    """A refusal: `code` is JSON-RPC's number, or a word where this side gave up."""
    def __init__(self, code, message, data=None):
        super().__init__(f"{message} ({code})")
        self.code, self.message, self.data = code, message, data


class ghost:  # in lower case, because it reads as a verb
    def __init__(self, ticket, timeout=None, on_event=None, connect_timeout=5.0):
        """`ticket` is a file or a parsed ticket; `timeout` is for each call, in seconds."""
        if not isinstance(ticket, dict):
            with open(ticket, encoding="utf-8") as file:
                ticket = json.load(file)
        self._on_event, self._ids, self._calls, self._over = on_event, itertools.count(1), {}, None
        self._tls, self._line, self._closed = threading.Lock(), threading.Lock(), threading.Event()
        self._sock, self._readable = _connect(ticket, connect_timeout), select.poll()
        self._readable.register(self._sock, select.POLLIN)
        threading.Thread(target=self._read, daemon=True).start()
        hello = {"token": ticket["auth"]["token"], "client": f"python pid {os.getpid()}",
                 "call_deadline_ms": max(1, int(timeout * 1000)) if timeout else None}
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.welcome = self.call("hauki.hello", hello, connect_timeout)
            undo.pop_all()
        self._timeout = timeout or self.welcome["call_deadline_ms"] / 1000 + SLACK
        threading.Thread(target=self._beat, daemon=True).start()

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args, **named: self.call(method, [*args, named] if named else list(args))

    def call(self, method, params=None, timeout=None):
        """For reserved methods, and for names that this class has itself."""
        timeout, number = timeout or self._timeout, next(self._ids)
        end, reply = time.monotonic() + timeout, concurrent.futures.Future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or []}
        with self._line:
            if self._over:
                raise self._over
            self._calls[number] = reply
            self._send(json.dumps(request).encode() + b"\n", end)
        try:
            return reply.result(max(0.0, end - time.monotonic()))
        except concurrent.futures.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None
        finally:
            self._calls.pop(number, None)

    def __enter__(self):
        return self

    def close(self, *_):
        self._end(HaukiError("closed", "this side closed the connection"))
    __exit__ = close

    def _send(self, data, end):
        # One thread at a time is inside TLS; nobody waits for the network there.
        while data and not self._closed.is_set():
            try:
                with self._tls:
                    data = data[self._sock.send(data):]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if time.monotonic() > end:  # half a line is out: the connection is of no more use
                    self._end(HaukiError("timeout", "the node takes no more requests"))
                self._closed.wait(0.001)
            except OSError as error:
                self._end(HaukiError("connection_broken", str(error)))

    def _read(self):
        rest = bytearray()
        while not self._closed.is_set():
            try:
                with self._tls:
                    data = self._sock.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._readable.poll(500)
                continue
            except OSError:
                data = b""
            if not data:
                return self._end(HaukiError("connection_broken", "the connection ended"))
            rest += data
            *lines, rest = rest.split(b"\n") if b"\n" in data else [rest]
            for line in lines:
                self._take(json.loads(line))

    def _take(self, message):
        if message.get("method") == "hauki.dying":
            death = message["params"]["death"]
            self._over = HaukiError(-32003, f"the vault is dead: {death['cause']}", message["params"])
        if "method" in message and self._on_event:
            self._on_event(message["method"], message["params"])
        reply, error = self._calls.pop(message.get("id"), None), message.get("error")
        if reply and error:
            reply.set_exception(HaukiError(error["code"], error["message"], error.get("data")))
        elif reply:
            reply.set_result(message["result"])

    def _beat(self):
        w = self.welcome
        allowed = min(w["lease_ms"], w["link_silence_ms"] if w["link"] else w["lease_ms"])
        while not self._closed.wait(allowed / 3000):
            with contextlib.suppress(HaukiError):  # what ends the connection fails the callers' calls
                self.call("hauki.heartbeat")

    def _end(self, error):
        self._over = self._over or error
        if not self._closed.is_set():
            self._closed.set()
            with self._tls:
                self._sock.close()
        with contextlib.suppress(KeyError):  # raised when none is left
            while True:
                self._calls.popitem()[1].set_exception(self._over)


def _connect(ticket, timeout):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the pin below takes their place
    try:
        tcp = socket.create_connection((ticket["endpoint"]["ip"], ticket["endpoint"]["port"]), timeout)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = context.wrap_socket(tcp)
    except OSError as error:
        raise HaukiError("unreachable", str(error)) from error
    seen = hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()
    if not hmac.compare_digest(seen, ticket["tls"]["cert_sha256"]):
        sock.close()
        raise HaukiError("wrong_node", "the certificate is not the ticket's; nothing was sent")
    sock.setblocking(False)
    return sock
