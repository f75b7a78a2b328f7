"""A client of the Model Context Protocol, written from its specification: one JSON-RPC message on a line, over pipes."""

import json
import queue
import subprocess
import threading

PATIENCE = 60
VERSION = "2025-06-18"


class Refused(Exception):
    """An error of the protocol."""


class Client:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last = 0
        self.answers = {}
        self.strays = queue.Queue()
        self.told = queue.Queue()
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0", message
            if "method" in message:
                assert "id" not in message, message
                self.told.put(message)
                continue
            with self.lock:
                waiting = self.answers.pop(message["id"], None)
            (waiting or self.strays).put(message)
        with self.lock:
            for waiting in self.answers.values():
                waiting.put(None)

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def notify(self, method, params=None):
        self.send({"method": method, **({"params": params} if params else {})})

    def begin(self, method, params=None, id=None):
        """Sends a request; what it gives has the answer once it is there."""
        with self.lock:
            self.last += 1
            id = id if id is not None else self.last
            answer = self.answers[id] = queue.Queue()
        self.send({"id": id, "method": method, **({"params": params} if params is not None else {})})
        return id, answer

    def end(self, begun):
        answer = begun[1].get(timeout=PATIENCE)
        if answer is None:
            raise EOFError
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def ask(self, method, params=None):
        return self.end(self.begin(method, params))

    def greet(self, version=VERSION):
        told = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        answer = self.ask("initialize", told)
        self.notify("notifications/initialized")
        return answer

    def tool(self, name, arguments=None, **meta):
        return self.end(self.begin_tool(name, arguments, **meta))

    def begin_tool(self, name, arguments=None, **meta):
        params = {"name": name, "arguments": arguments or {}}
        return self.begin("tools/call", {**params, **({"_meta": meta} if meta else {})})

    def value(self, name, arguments=None):
        result = self.tool(name, arguments)
        assert not result.get("isError"), result
        return result["structuredContent"]["value"]

    def code(self, name, arguments=None):
        result = self.tool(name, arguments)
        assert result["isError"] and result["content"][0]["text"], result
        return result["structuredContent"]["code"]

    def names(self):
        return [tool["name"] for tool in self.ask("tools/list")["tools"]]

    def heard(self, method):
        """The next notification of this method; others before it are passed over."""
        while True:
            message = self.told.get(timeout=PATIENCE)
            if message["method"] == method:
                return message.get("params")

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        return code
