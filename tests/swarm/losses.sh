# Who is killed, rebooted or gone for good, for tests/swarm.sh, after tests/swarm/partitions.sh.
# shellcheck shell=bash disable=SC2154

pid_of() { on "$1" sh -c 'cut -d" " -f1 /var/lib/hauki/*/'"$2"'.lock'; }

say "kill -9 of the core"
quiet on core kill -KILL "$(pid_of core core)"
check "the ghosts go on without it" counts n1.kept 6
check "the linked ones too" counts n1.linked 4
check "an object is ended without it" quiet on caller env HAUKI_ENDPOINT=unix:///run/core.sock hauki proxy call "$dir/n2.ticket" hauki.destruct
check "started again, it finds its swarm" start_core
for host in $nodes; do check "$host" soon is "$host" ready; done
check "it has lost nobody" died_of "$(vault_in n1)" none
check "and hears who died meanwhile" soon died_of "$(vault_in n2)" destruct

say "kill -9 of the caller"
# A shell of ours, its nsenter, and in the caller's host the tool itself.
caller=${holder[n1.linked]}
for _ in 1 2; do caller=$(tr -d ' ' <"/proc/$caller/task/$caller/children"); done
kill -KILL "$caller"
check "its linked worker is gone at once" soon died_of "$(vault_in n1.linked)" link_closed
check "the other one's lease runs" died_of "$(vault_in n1.kept)" none

say "kill -9 of the daemon of n2"
check "n2 has a worker" worker n2 kept
quiet on n2 kill -KILL "$(pid_of n2 node)"
check "its worker is gone with it" soon is_gone n2.kept
check "the node is repaired by adding it again" quiet hauki_on_core node add --file "$dir/swarm.yaml"
check "and the core knows why its vault died" soon died_of "$(vault_in n2.kept)" daemon_lost

say "n3 is rebooted: its daemon, sshd, VPN and vaults end at once"
check "n3 has a worker" worker n3 kept
# Those of blank vaults too.
groups=$(cgroups vlt_ | grep "$(groups_of n3)")
still_there() { while read -r group; do [ ! -e "$group" ] || return 0; done <<<"$groups"; return 1; }
check "whose cgroups can be seen" still_there
crash n3
check "the core sees it as unreachable" soon is n3 unreachable
check "and declares nobody dead" died_of "$(vault_in n3.kept)" none
boot n3
vpn_up n3
start_node n3
check "it is back by itself, nobody has added it again" soon is n3 ready
check "the core knows why its vault died" soon died_of "$(vault_in n3.kept)" daemon_lost
check "what the lost vaults left in the kernel is swept" fails still_there
check "it takes new work" worker n3 kept

say "the core's machine is rebooted"
crash core
check "the ghosts go on without it" counts n3.kept 2
boot core
vpn_up core
check "it finds its swarm" start_core
for host in $nodes; do check "$host" soon is "$host" ready; done
check "and has lost nobody" died_of "$(vault_in n3.kept)" none

say "n3 is unplugged for good"
hauki_on_core clone "$dir/counter.js" --node n3 --name counter/third --lease 3s -o jsonl -q >"$dir/n3.ticket"
quiet hauki_on_core proxy call "$dir/n3.ticket" add 1
find_init n3
check "it has a worker" runs n3
ip -n "sw$id-lan" link set to4 down
check "its workers die by their leases, with nobody to tell" soon is_gone n3
check "the core sees it as unreachable" soon is n3 unreachable
check "and declares nobody dead" died_of "$(vault_in n3)" none
check "it is not taken out by mistake" fails quiet hauki_on_core node rm n3
check "it is taken out by force" quiet hauki_on_core node rm n3 --force
check "others are placed elsewhere" quiet hauki_on_core clone "$dir/counter.js" -o jsonl -q
check "its death is told as a loss" died_of "$(vault_in n3)" daemon_lost
check "and the name is free" quiet hauki_on_core clone "$dir/counter.js" --name counter/third

say "a node is drained and taken out"
quiet hauki_on_core destruct --reap --node n2
check "drained" hauki_on_core node drain n2 -o id
check "removed" hauki_on_core node rm n2 -o id
check "one is left" [ "$(hauki_on_core node ls -o jsonl | wc -l)" = 1 ]
