# bash completion for hauki, and for the name under which it replaces x-hauki-core.
if command -v hauki >/dev/null 2>&1; then
    source <(COMPLETE=bash hauki)
    complete -o nospace -o bashdefault -F _clap_complete_hauki x-hauki-core
fi
