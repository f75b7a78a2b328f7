#!/usr/bin/env bash
# Call one method of a hauki worker with bash, openssl 3 and jq: no hauki needed, only a ticket.
#
#   hauki-call.sh [-e] TICKET METHOD [JSON...]      each JSON is one argument
#   hauki-call.sh t.json observe '["a","b"]'
#
# The result is printed as one line of JSON. With -e what the worker prints and emits meanwhile comes
# on standard error as it comes, {method, params} in one line each, and nothing of other calls. A refusal
# is printed there as the JSON-RPC error object {code, message, data}. Heartbeats go out while the call
# lasts. A connection that is lost before the call has been sent is made anew; one that is lost later
# fails the call with the code -32020, because it may have run. A call that is interrupted or too late is
# given up: a node that can stops the worker. Exit: 0, 1 refused by the worker or its
# node, 2 usage, 4 not the node of the ticket or no valid ticket, 75 the connection broke or there is
# none, 124 no answer in time.
#
# The pin is checked inside the handshake: openssl is given the ticket's certificate hash as a DANE
# record "3 0 1" (this certificate, whole, SHA-256) and ends the connection if another is shown, so
# the token is never sent to a stranger. The token goes through a pipe, not over a command line.
set -euo pipefail

die() { printf '%s\n' "$2" >&2; exit "$1"; }

events=no
if [ "${1-}" = -e ]; then events=yes; shift; fi
[ $# -ge 2 ] || die 2 "usage: ${0##*/} [-e] TICKET METHOD [JSON...]"
ticket=$1 method=$2
shift 2
[ -r "$ticket" ] || die 2 "$ticket cannot be read"

# jq has no half of a surrogate pair, which hauki carries as its escape: it refuses one or makes U+FFFD of it. So each
# travels through jq as a mark and its digits, and so does the mark itself, which is no character of any text.
mark=$'\xef\xb7\x90'
shelter() {
    case $1 in
        *'\u'[dDfF]* | *"$mark"*) LC_ALL=C sed -E "s/\\\\\\\\/\x01/g; s/$mark|\\\\u[fF][dD][dD]0/${mark}fdd0/g
            s/\\\\u([dD][89abAB][[:xdigit:]]{2})\\\\u([dD][c-fC-F][[:xdigit:]]{2})/\x02\1\x02\2/g
            s/\\\\u([dD][89a-fA-F][[:xdigit:]]{2})/$mark\1/g; s/\x02/\\\\u/g; s/\x01/\\\\\\\\/g" <<<"$1" ;;
        *) printf '%s\n' "$1" ;;
    esac
}
restore() {
    case $1 in
        *"$mark"*) LC_ALL=C sed -E "s/${mark}fdd0/\x01/g; s/$mark([[:xdigit:]]{4})/\\\\u\1/g; s/\x01/$mark/g" <<<"$1" ;;
        *) printf '%s\n' "$1" ;;
    esac
}

arguments=$(for argument; do
    shelter "$argument" | jq -cs 'if length == 1 then .[0] else error("not one value") end' 2>/dev/null || exit
done | jq -cs .) || die 2 "an argument is not JSON"

# What is not known is refused, and so is what could be read in two ways.
strange=$(jq -rs '
    def text: type == "string";
    def whole($least; $most): type == "number" and . == floor and . >= $least and . <= $most;
    def like($pattern): text and test("\\A(" + $pattern + ")\\z");
    def digest: like("[0-9a-f]{64}");
    def u32: whole(0; 4294967295);
    def u64: whole(0; 18446744073709551615);
    # A day that there is: others come back as another one. Within brackets, or jq 1.6 would catch what comes later.
    def is_day: (. + "T00:00:00Z") as $day | [try (($day | fromdate | todate) == $day) catch false][0];
    def time: like("\\d{4}-\\d\\d-\\d\\d[Tt ]([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):?[0-5]\\d)")
        and (.[:10] | is_day);
    def ip: like("(\\d{1,3}\\.){3}\\d{1,3}") and all(split(".")[]; tonumber <= 255) or like("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    # Of each member what it may be, the members within it before.
    def known($members): if type != "object" then "is no object"
        else (keys - $members | map("." + . + " is not known here")) + ($members - keys | map("." + . + " is missing")) | .[0] end;
    def only($value): if . == $value then empty else "is \(.), and only \($value) is known here" end;
    def must(ok): if (ok | not) then "is not what it may be" else empty end;
    def faults:
        (known(["v", "kind", "id", "vault", "generation", "node", "worker", "endpoint", "tls", "auth", "protocol",
                "methods", "lease", "issued_at", "expires_at"]) | values),
        (.worker | ((known(["name", "sha256"] + (if type == "object" and has("version") then ["version"] else [] end))) | values | "worker" + .)),
        (.endpoint | known(["ip", "port"]) | values | "endpoint" + .),
        (.tls | known(["version", "cert_sha256", "key_sha256"]) | values | "tls" + .),
        (.auth | known(["scheme", "token"]) | values | "auth" + .),
        (.protocol | known(["name", "framing", "max_frame_bytes", "call_deadline_ms"]) | values | "protocol" + .),
        (.lease | known(["claim_ms", "lease_ms", "link", "link_silence_ms"]) | values | "lease" + .),
        (.v | only(1) | "v " + .), (.kind | only("ticket") | "kind " + .),
        (.tls.version | only("1.3") | "tls.version " + .), (.auth.scheme | only("biscuit") | "auth.scheme " + .),
        (.protocol.name | only("jsonrpc-2.0") | "protocol.name " + .),
        (.protocol.framing | only("ndjson") | "protocol.framing " + .),
        (.id | must(like("tkt_[0-7][0-9A-HJKMNP-TV-Z]{25}")) | "id " + .),
        (.vault | must(like("vlt_[0-7][0-9A-HJKMNP-TV-Z]{25}")) | "vault " + .),
        (.generation | must(u64) | "generation " + .), (.node | must(like("[a-z][a-z0-9-]{0,62}")) | "node " + .),
        (.worker | must((.name | text) and (.sha256 | digest) and (.version | . == null or text)) | "worker " + .),
        (.endpoint | must((.ip | ip) and (.port | whole(1; 65535))) | "endpoint " + .),
        (.tls.cert_sha256 | must(digest) | "tls.cert_sha256 " + .), (.tls.key_sha256 | must(digest) | "tls.key_sha256 " + .),
        (.auth.token | must(text) | "auth.token " + .),
        (.protocol | must((.max_frame_bytes | u32) and (.call_deadline_ms | u32)) | "protocol " + .),
        (.methods | must(type == "array" and all(.[]; text)) | "methods " + .),
        (.lease | must((.claim_ms | u64) and (.lease_ms | u64) and (.link_silence_ms | u64) and (.link | type == "boolean")) | "lease " + .),
        (.issued_at | must(time) | "issued_at " + .), (.expires_at | must(time) | "expires_at " + .);
    if length != 1 or (.[0] | type) != "object" then "it is not one JSON object" else .[0] | first(faults) // "" end
    ' "$ticket" 2>/dev/null) || die 4 "$ticket is not a ticket: it is not JSON, or a member of it is no object"
iconv -f UTF-8 -t UTF-8 "$ticket" >/dev/null 2>&1 || die 4 "$ticket is not a ticket: it is not UTF-8"
twice=$(jq -c --stream 'select(length == 2) | .[0]' "$ticket" | sort | uniq -d | head -n 1)
[ -z "$strange" ] || die 4 "$ticket is not a ticket for this client: $strange"
[ -z "$twice" ] || die 4 "$ticket is not a ticket: the member $twice is there twice"

field() { jq -er "$1" "$ticket"; }
at=$(field '.endpoint | if .ip | contains(":") then "[\(.ip)]:\(.port)" else "\(.ip):\(.port)" end')
pin=$(field .tls.cert_sha256)
# In UTC, the distance taken off; a leap second is the one before it.
field '.expires_at | ascii_upcase | sub("\\.[0-9]+"; "") | sub(":60(?<zone>[Z+-])"; ":59\(.zone)")
    | capture("(?<day>.{10}).(?<time>.{8})(Z|(?<sign>[+-])(?<hours>..):?(?<minutes>..))")
    | (.day + "T" + .time + "Z" | fromdate) - (if .sign then (.sign + "1" | ltrimstr("+") | tonumber)
        * ((.hours | tonumber) * 3600 + (.minutes | tonumber) * 60) else 0 end) > now - 1' >/dev/null 2>&1 ||
    die 4 "the ticket has expired"
# Beyond the node's own deadline, so that its answer comes first.
deadline=$(( $(field .protocol.call_deadline_ms) / 1000 + 10 ))
# A third of the silence that the node allows, in milliseconds.
beat=$(field '.lease | (if .link then ([.lease_ms, .link_silence_ms] | min) else .lease_ms end) / 3 | floor')
pause=$(printf '%d.%03d' $(( beat / 1000 )) $(( beat % 1000 )))

# A write to an openssl that has left must not end us before we can say so.
trap '' PIPE
words=$(mktemp) said=$(mktemp)
trap 'rm -f "$words" "$said"' EXIT

# At the end of its input openssl closes the connection and leaves.
connect() {
    coproc node {
        exec openssl s_client -quiet -no_ign_eof -connect "$at" -tls1_3 -verify_return_error \
            -dane_tlsa_domain hauki -dane_ee_no_namechecks -dane_tlsa_rrdata "3 0 1 $pin" 2>"$words"
    }
    # Bash forgets the coprocess when it ends, so its descriptors are kept under our own numbers.
    local theirs=${node[1]}
    process=$!
    exec 3<&"${node[0]}" 4>&"$theirs" {theirs}>&-
}

leave() {
    exec 4>&-
    wait "$process" 2>/dev/null || true
}

# The connection is gone, and what became of the call is not known.
broken() {
    jq -cn --arg message "the connection to $at broke: $1" \
        '{code: -32020, message: $message, data: {kind: "connection_broken"}}' >&2
    exit 75
}

# As when the vault is dead, whose port is closed.
refused() { grep -qi 'connection refused' "$words"; }

unreachable() {
    jq -cn --arg message "$(field .vault) cannot be reached at $at: nobody listens there, as when it is dead" \
        '{code: "unreachable", message: $message, data: {kind: "unreachable"}}' >&2
    exit 75
}

now() { local time=${EPOCHREALTIME//[.,]/}; printf '%d' $(( time / 1000 )); }

# What comes is a reply or an event; a node that was taken over may say anything.
# shellcheck disable=SC2016  # the names are jq's
message='
    def event: (.method | type) == "string" and (.params | type) == "object";
    def answer: has("id") and (has("error") and (.error | type == "object" and (.code | type) == "number"
        and (.message | type) == "string") or has("result") and (has("error") | not));
    if length != 1 then error("not one value") else .[0] end
    | if type != "object" or ((if has("method") then event else answer end) | not) then error("no message")
      elif has("method") then select(.params.call == $id) | {method, params} else select(.id == $id) end'
limit=$(field .protocol.max_frame_bytes)
longest=$(( limit + 4096 ))

# The reply with a number; events that come in between are shown or passed over. 4 where the stream ends, or is none.
reply() {
    local line rest='' status end=$(( SECONDS + $2 )) beaten
    beaten=$(now)
    while [ $SECONDS -lt "$end" ]; do
        status=0
        IFS= read -r -n $(( longest + 1 - ${#rest} )) -t "$pause" -u 3 line || status=$?
        rest+=$line
        [ $status = 0 ] || [ $status -gt 128 ] || return 4
        [ ${#rest} -le $longest ] || return 4
        if [ $status = 0 ]; then
            line=$rest rest=''
            line=$(shelter "$line" | jq -cs --argjson id "$1" "$message" 2>/dev/null) || return 4
            case $line in
                '{"method"'*) [ $events = no ] || restore "$line" >&2 ;;
                ?*) printf '%s\n' "$line"; return 0 ;;
            esac
        fi
        # A sign of life is a notification, which nobody answers.
        if [ $(( $(now) - beaten )) -ge "$beat" ]; then
            beaten=$(now)
            printf '{"jsonrpc":"2.0","method":"hauki.heartbeat"}\n' >&4 2>/dev/null || true
        fi
    done
    return 124
}

greeted=$SECONDS
until
    connect
    jq -c '{jsonrpc: "2.0", id: 1, method: "hauki.hello",
            params: {token: .auth.token, client: "hauki-call.sh"}}' "$ticket" >&4 2>/dev/null || true
    welcome=$(reply 1 10)
do
    leave
    # A node that is there and is not the ticket's is not asked again.
    if grep -q 'verify error' "$words"; then die 4 "$at is not the node of the ticket; the token was not sent"; fi
    # A port is open for as long as its vault lives: a refusal that lasts is the vault's end.
    if refused && [ $(( SECONDS - greeted )) -ge 2 ]; then unreachable; fi
    [ $(( SECONDS - greeted )) -lt 5 ] || broken "there was no welcome"
    sleep 0.1
done
jq -e 'has("result")' <<<"$welcome" >/dev/null || { jq -c .error <<<"$welcome" >&2; exit 4; }
jq -e '.result | type == "object" and (.vault | type) == "string" and (.link | type) == "boolean"
    and all(.lease_ms, .link_silence_ms, .call_deadline_ms; type == "number" and . >= 0 and . == floor)
    and (.features // [] | type == "array" and all(.[]; type == "string"))' <<<"$welcome" >/dev/null 2>&1 ||
    broken "the node sent what is no welcome"
vault=$(jq -r .result.vault <<<"$welcome")
[ "$vault" = "$(field .vault)" ] || die 4 "$ticket names $(field .vault), and $vault answers to its token"

# Nobody waits any more for the call, and the next one should not have to wait for it.
give_up() {
    jq -e '.result.features? // [] | index("cancel")' <<<"$welcome" >/dev/null || return 0
    printf '{"jsonrpc":"2.0","method":"hauki.cancel","params":{"id":2}}\n' >&4 2>/dev/null || true
}
request=$(jq -cn --arg method "$method" --argjson arguments "$arguments" \
    '{jsonrpc: "2.0", id: 2, method: $method, params: $arguments}')
request=$(restore "$request")
if [ "$(printf %s "$request" | wc -c)" -gt "$limit" ]; then
    jq -cn --arg message "the request is longer than the $limit bytes that the ticket allows" \
        '{code: -32005, message: $message, data: {kind: "too_large"}}' >&2
    exit 1
fi
printf '%s\n' "$request" >&4 2>/dev/null || true
# In the background, because a signal is heard while bash waits and not while it runs something.
reply 2 "$deadline" >"$said" &
waiting=$!
trap 'give_up; kill "$waiting" 2>/dev/null; exit 130' INT
trap 'give_up; kill "$waiting" 2>/dev/null; exit 143' TERM
status=0
wait "$waiting" || status=$?
answer=$(<"$said")
[ $status != 4 ] || broken "$method may have run"
[ $status = 0 ] || { give_up; die $status "no answer to $method in time"; }
if jq -e 'has("error")' <<<"$answer" >/dev/null; then
    restore "$(jq -c .error <<<"$answer")" >&2
    exit 1
fi
restore "$(jq -c .result <<<"$answer")"
