"""Makes the state directory that a program leaves which is killed in the middle of its work, and packs it.

make.py HAUKID NUMBER, as root, with the program of the last commit before the schema changed from NUMBER on. What is
asked of it must be what `tests/daemon/versions.rs` looks for. The issuer's key is made by rule and is not packed.
"""

import hashlib, http.client, json, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

HAUKID, NUMBER = sys.argv[1:]
HOME = tempfile.mkdtemp(prefix="hauki-version-")
COUNTER = "var n = 0; function inc() { return ++n; }"
SLOW = "function create() { var t = Date.now(); while (Date.now() - t < 4000) {} }"
LONG = {"lifetime_ms": 3600000, "lease_ms": 600000, "claim_ms": 600000}
PLACES = 7


def start():
    os.chmod(HOME, 0o711)
    os.mkdir(f"{HOME}/core", 0o700)
    key = hashlib.sha256(b"the issuer of the state directories of earlier versions").hexdigest()
    with open(os.open(f"{HOME}/core/issuer.key", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(key + "\n")
    # From schema 2 on a key without a store is a loss.
    open(f"{HOME}/core/start-anew", "w").close()
    with open(f"{HOME}/hauki.yaml", "w") as file:
        file.write(f"node: {{ id_base: 3900000000, max_vaults: {PLACES}, warm_vaults: 0 }}\n")
    reader, writer = os.pipe()
    env = {"PATH": "/usr/bin:/bin", "HAUKI_STATE_DIR": HOME, "HAUKI_CONFIG": f"{HOME}/hauki.yaml"}
    log = open(f"{HOME}/haukid.log", "ab")
    child = subprocess.Popen(
        [HAUKID, "all", "--ready-fd", str(writer)],
        env=env, pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
    )
    os.close(writer)
    assert os.read(reader, 100).strip() == b"ready", open(f"{HOME}/haukid.log").read()
    return child


class Core(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(f"{HOME}/hauki.sock")


def ask(method, path, body=None):
    core = Core("hauki")
    body = None if body is None else json.dumps(body)
    core.request(method, "/api/v2" + path, body, {"content-type": "application/json"})
    answer = core.getresponse()
    text = answer.read().decode()
    assert answer.status < 300, (method, path, answer.status, text)
    return json.loads(text)


def summons(key, source, name=None, wishes=None):
    asked = {"key": key, "origin": {"source": {"text": source, "file": "worker.js"}}, "wishes": wishes or {}}
    return asked if name is None else {**asked, "name": name}


def spawn(key, source, name=None, **wishes):
    asked = {"summons": summons(key, source, name, {**LONG, **wishes}), "placement": {}, "ticket": {}}
    return ask("POST", "/swarm_spawn_ephemeral", asked)


def call(ticket, method, *params):
    """The pin is not looked at: it is this very machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end = ticket["endpoint"]
    with context.wrap_socket(socket.create_connection((end["ip"], end["port"]))) as stream:
        lines = stream.makefile("rb")
        for number, (name, given) in enumerate([("hauki.hello", {"token": ticket["auth"]["token"]}), (method, params)]):
            line = json.dumps({"jsonrpc": "2.0", "id": number, "method": name, "params": given})
            stream.sendall(line.encode() + b"\n")
            lines.readline()


def work():
    one = ask("POST", "/summons", summons("three", "function inc(){return 1}\n"))
    made = ask("POST", "/lxc_provision", {"key": "three-p", "summons": one["id"], "placement": {}})
    ask("POST", "/tickets", {"vault": made["id"], "wishes": {}})
    spawn("named", COUNTER, "counter/one")
    dead = spawn("dead", COUNTER)["vault"]["id"]
    ask("DELETE", f"/vaults/{dead}")
    ask("POST", "/gems", {"path": "w", "source": COUNTER, "manifest": {}})
    parent = spawn("parent", "function make(s) { return clone_object(s); }", spawn=2)
    for number in range(PLACES - 4):
        spawn(f"rest{number}", COUNTER)
    # The last place is its child's, which takes its time.
    threading.Thread(target=call, args=(parent["ticket"], "make", SLOW), daemon=True).start()
    time.sleep(1)
    later = ask("POST", "/summons", summons("later", COUNTER, "later/one"))
    wish = {"key": "later-q", "summons": later["id"], "placement": {}, "priority": 5, "deadline_ms": 3600000}
    assert ask("POST", "/omega_spool", wish)["state"] == "waiting"


def main():
    threading.excepthook = lambda told: None
    child = start()
    try:
        work()
    finally:
        signal.pidfd_send_signal(os.pidfd_open(child.pid), signal.SIGKILL)
        child.wait()
    into = f"{os.path.dirname(os.path.abspath(__file__))}/schema-{NUMBER}.tar.gz"
    without = ["core/issuer.key", "start-anew", "hauki.yaml", "hauki.sock", "haukid.log", "init"]
    command = ["tar", "-C", HOME, "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]
    command += [f"--exclude={name}" for name in without] + ["-cf", "-", "."]
    packed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["gzip", "-9n"], check=True, input=packed, stdout=open(into, "wb"))
    shutil.rmtree(HOME)
    print(into)


main()
