# hauki: `make demo` shows it, `make test` proves it, `make install` puts it in place.

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo
UNITDIR ?= $(PREFIX)/lib/systemd/system
# Where cargo builds: also where CARGO_TARGET_DIR or a configuration of cargo says so.
RELEASE = $(abspath $(or $(CARGO_TARGET_DIR),$(shell $(CARGO) metadata --offline --no-deps --format-version 1 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'),target))/release

.PHONY: all setup build compiler constructs demo swarm-demo test test-cgroup2 test-mcp features deny advisories fuzz bench bless install uninstall clean

all: build

setup:
	@sh packaging/setup-debian.sh

build: setup compiler
	$(CARGO) build --release --locked

# The compiler of modern sources, for size. It is put beside the others, where hauki looks for it.
compiler: setup
	$(CARGO) build --profile compiler --locked --package hauki-compile
	install -D -m 755 $(RELEASE)/../compiler/hauki-compile $(RELEASE)/hauki-compile

# Records anew what Node makes of the constructs and snippets that the compiler is tested with. Types are taken out by TypeScript,
# from npm.
constructs:
	node crates/compile/tests/constructs/record.mjs > crates/compile/tests/constructs/recorded.jsonl
	npm install --silent --no-save --prefix target/typescript typescript@5
	node crates/compile/tests/snippets/record.mjs target/typescript > crates/compile/tests/snippets/recorded.jsonl

demo: build
	@PATH="$(RELEASE):$$PATH" bash examples/demo.sh

# A core and three nodes on this machine, each with sshd and WireGuard, shown and taken down.
swarm-demo: build
	@sh packaging/setup-debian.sh tests
	@bash tests/swarm.sh

test:
	@sh packaging/setup-debian.sh tests
	@bash tests/all.sh

# The limits and the life cycle on a kernel with cgroup version 2 only, emulated: some minutes.
test-cgroup2:
	@sh packaging/setup-debian.sh tests
	@bash tests/cgroup2.sh

# Each feature built alone, as `make test` does too.
features: setup
	@bash tests/features.sh

# Licences, bans and sources of all dependencies, as deny.toml has them. cargo-deny, where it is installed, knows more of
# licences; the test reads the same file and is part of `make test`.
deny:
	$(CARGO) test --locked --test docs doorstep::dependencies
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --locked check licenses bans sources; else echo "cargo-deny is not installed: its own check was not run"; fi

# Known holes in dependencies: needs cargo-deny and a network.
advisories:
	@command -v cargo-deny >/dev/null || { echo "hint: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny --locked check advisories

# libFuzzer on the stable compiler, one target for each place where an enemy writes; then the engine's own fuzzer.
FUZZ_SECONDS ?= 60
fuzz: setup
	@bash fuzz/run.sh $(FUZZ_SECONDS)
	crates/mquickjs/suite/build.sh target/fuzz/engine
	@cd target/fuzz/engine && ASAN_OPTIONS=detect_leaks=0 ./fuzz --seconds $(FUZZ_SECONDS) --corpus ../engine-corpus \
		$(CURDIR)/crates/mquickjs/suite/programs/[d-s]*.js $(CURDIR)/crates/mquickjs/suite/found/*.js $(CURDIR)/crates/lang/src/engine/*.js

# The tests that libraries of ES5 bring along in their packages, in Node and in the engine. It fetches them from npm.
es5-suites: setup
	SANITIZE= crates/mquickjs/suite/build.sh target/es5-suites/engine
	cp crates/mquickjs/tests/libraries/package.json crates/mquickjs/tests/libraries/package-lock.json target/es5-suites/
	cd target/es5-suites && npm ci --ignore-scripts --no-audit --no-fund
	node crates/mquickjs/tests/libraries/run.js target/es5-suites target/es5-suites/engine/run

# The protocol's own client and its inspector with `hauki mcp`, in real vaults. It fetches them from npm.
test-mcp: build
	rm -rf target/mcp-sdk && mkdir -p target/mcp-sdk
	cp tests/mcp-sdk/package.json tests/mcp-sdk/package-lock.json target/mcp-sdk/
	cd target/mcp-sdk && npm ci --ignore-scripts --no-audit --no-fund
	timeout 300 node tests/mcp-sdk/run.mjs $(RELEASE)/hauki target/mcp-sdk

bench: setup
	$(CARGO) bench --locked --bench phases --bench placement --bench rewrite

# Writes the generated files anew: man pages, completions, schemas, snapshots.
bless: setup
	HAUKI_BLESS=1 $(CARGO) test --locked --test docs generated
	HAUKI_BLESS=1 $(CARGO) test --locked --lib cli::kinds
	INSTA_UPDATE=always $(CARGO) test --locked --test cli

install: build
	install -D -m 755 $(RELEASE)/hauki $(DESTDIR)$(PREFIX)/bin/hauki
	install -D -m 755 $(RELEASE)/haukid $(DESTDIR)$(PREFIX)/bin/haukid
# Nobody types it: hauki looks for it here, and beside itself.
	install -D -m 755 $(RELEASE)/hauki-script $(DESTDIR)$(PREFIX)/libexec/hauki/hauki-script
	install -D -m 755 $(RELEASE)/hauki-compile $(DESTDIR)$(PREFIX)/libexec/hauki/hauki-compile
	install -D -m 755 $(RELEASE)/hauki-mcp $(DESTDIR)$(PREFIX)/libexec/hauki/hauki-mcp
	ln -sf hauki $(DESTDIR)$(PREFIX)/bin/x-hauki-core
	for page in man/*.[1-8]; do install -D -m 644 "$$page" "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}"; done
	ln -sf hauki.1 $(DESTDIR)$(PREFIX)/share/man/man1/x-hauki-core.1
	install -D -m 644 completions/hauki.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hauki
	install -D -m 644 completions/_hauki $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_hauki
	install -D -m 644 completions/hauki.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/hauki.fish
	for unit in packaging/*.service packaging/*.timer; do sed 's|/usr/local/bin|$(PREFIX)/bin|' "$$unit" | install -D -m 644 /dev/stdin "$(DESTDIR)$(UNITDIR)/$${unit##*/}"; done
	install -d -m 755 $(DESTDIR)$(PREFIX)/share/hauki/workers
	install -m 644 examples/workers/* $(DESTDIR)$(PREFIX)/share/hauki/workers/
# Not below share/hauki, where every file that ends with .js is a gem.
	for kind in scripts clients data; do install -d -m 755 $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/$$kind; done
	install -m 755 examples/scripts/* $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/scripts/
	install -m 644 $(wildcard examples/clients/*.*) $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/clients/
	install -d -m 755 $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/clients/hauki_sandbox
	install -m 644 examples/clients/hauki_sandbox/__init__.py examples/clients/hauki_sandbox/py.typed $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/clients/hauki_sandbox/
	chmod 755 $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/clients/hauki-call.sh
	install -m 644 examples/data/* $(DESTDIR)$(PREFIX)/share/doc/hauki/examples/data/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/hauki $(DESTDIR)$(PREFIX)/bin/haukid $(DESTDIR)$(PREFIX)/bin/x-hauki-core
	rm -rf $(DESTDIR)$(PREFIX)/libexec/hauki
	rm -f $(DESTDIR)$(PREFIX)/share/man/man*/hauki*.[1-8] $(DESTDIR)$(PREFIX)/share/man/man1/x-hauki-core.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hauki $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_hauki
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/hauki.fish
	rm -f $(DESTDIR)$(UNITDIR)/hauki.service $(DESTDIR)$(UNITDIR)/hauki-reap.service $(DESTDIR)$(UNITDIR)/hauki-reap.timer
	rm -rf $(DESTDIR)$(PREFIX)/share/hauki $(DESTDIR)$(PREFIX)/share/doc/hauki

clean:
	$(CARGO) clean
