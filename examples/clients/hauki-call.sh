#!/usr/bin/env bash
# Call one method of a hauki worker with bash, openssl 3 and jq: no hauki needed, only a ticket.
#
#   hauki-call.sh [-e] TICKET METHOD [JSON...]      each JSON is one argument
#   hauki-call.sh t.json observe '["a","b"]'
#
# The result is printed as one line of JSON. With -e what the worker prints and emits meanwhile comes
# on standard error as it comes, {method, params} in one line each. A refusal is printed there as the
# JSON-RPC error object {code, message, data}. Heartbeats go out while the call lasts. Exit: 0, 1
# refused by the worker or its node, 2 usage, 4 not the node of the ticket or no valid ticket, 124 no
# answer in time.
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
arguments=$(printf '%s\n' "$@" | jq -cs .) || die 2 "an argument is not JSON"

field() { jq -er "$1" "$ticket"; }
at=$(field '.endpoint | if .ip | contains(":") then "[\(.ip)]:\(.port)" else "\(.ip):\(.port)" end')
pin=$(field .tls.cert_sha256)
# Beyond the node's own deadline, so that its answer comes first.
deadline=$(( $(field .protocol.call_deadline_ms) / 1000 + 3 ))
# A third of the silence that the node allows, in milliseconds.
beat=$(field '.lease | (if .link then ([.lease_ms, .link_silence_ms] | min) else .lease_ms end) / 3 | floor')
pause=$(printf '%d.%03d' $(( beat / 1000 )) $(( beat % 1000 )))

# At the end of its input openssl closes the connection and leaves.
coproc node {
    exec openssl s_client -quiet -no_ign_eof -connect "$at" -tls1_3 -verify_return_error \
        -dane_tlsa_domain hauki -dane_ee_no_namechecks -dane_tlsa_rrdata "3 0 1 $pin" 2>/dev/null
}
# Bash forgets the coprocess when it ends, so its descriptors are kept under our own numbers.
theirs=${node[1]}
exec 3<&"${node[0]}" 4>&"$theirs" {theirs}>&-
trap 'exec 4>&-' EXIT
# A write to an openssl that has left must not end us before we can say so.
trap '' PIPE

now() { local time=${EPOCHREALTIME//[.,]/}; printf '%d' $(( time / 1000 )); }

# The reply with a number; events that come in between are shown or passed over.
reply() {
    local line rest='' status end=$(( SECONDS + $2 )) beaten
    beaten=$(now)
    while [ $SECONDS -lt "$end" ]; do
        status=0
        IFS= read -r -t "$pause" -u 3 line || status=$?
        rest+=$line
        [ $status = 0 ] || [ $status -gt 128 ] || return 4 # the end of the stream
        if [ $status = 0 ]; then
            line=$rest rest=''
            case $(jq -r "if has(\"method\") then \"event\" else .id == $1 end" <<<"$line") in
                true) printf '%s\n' "$line"; return 0 ;;
                event) [ $events = no ] || jq -c '{method, params}' <<<"$line" >&2 ;;
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

jq -c '{jsonrpc: "2.0", id: 1, method: "hauki.hello",
        params: {token: .auth.token, client: "hauki-call.sh"}}' "$ticket" >&4 2>/dev/null || true
welcome=$(reply 1 5) || die $? "no welcome from $at: it is not the node of the ticket, or the vault is gone"
jq -e 'has("result")' <<<"$welcome" >/dev/null || { jq -c .error <<<"$welcome" >&2; exit 4; }

jq -cn --arg method "$method" --argjson arguments "$arguments" \
    '{jsonrpc: "2.0", id: 2, method: $method, params: $arguments}' >&4 2>/dev/null || true
answer=$(reply 2 "$deadline") || die $? "no answer to $method: out of time, or the connection broke"
if jq -e 'has("error")' <<<"$answer" >/dev/null; then
    jq -c .error <<<"$answer" >&2
    exit 1
fi
jq -c .result <<<"$answer"
