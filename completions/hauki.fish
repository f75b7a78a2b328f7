# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_hauki_global_optspecs
    string join \n o/output= columns= no-header reveal q/quiet v/verbose progress= color= config= endpoint= token-file= ca-file= timeout= connect-timeout= retries= idempotency-key= j/jobs= no-input h/help V/version
end

function __fish_hauki_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_hauki_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_hauki_using_subcommand
    set -l cmd (__fish_hauki_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c hauki -n "__fish_hauki_needs_command" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_needs_command" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_needs_command" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_needs_command" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_needs_command" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_needs_command" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_needs_command" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_needs_command" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_needs_command" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_needs_command" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_needs_command" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_needs_command" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_needs_command" -s V -l version -d 'Print version'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "clone" -d 'Clone an object onto a node and write the ticket to it'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "summon" -d 'Ask for a worker: resolve, hash and check its source'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "forge" -d 'Place a summons on a node and load it into a vault'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "ticket" -d 'Open a vault\'s port and write the ticket to it'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "proxy" -d 'Call a worker\'s methods through its ticket'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "heartbeat" -d 'Renew leases, once, for ever, or while a command runs'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "destruct" -d 'End vaults and show what was reclaimed'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "ls" -d 'List vaults'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "list" -d 'List vaults'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "show" -d 'Show one summons or vault in full'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "events" -d 'Show what happened, and go on with -f'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "gem" -d 'Push, find and remove named workers'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "meshfs_resolve" -d 'Find a gem\'s version and hash'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "node" -d 'Look at the swarm\'s nodes'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "doctor" -d 'Check this machine and say what mends what is missing'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "config" -d 'Show settings and where they come from'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "help" -d 'Help on a verb or a topic'
complete -c hauki -n "__fish_hauki_needs_command" -f -a "version" -d 'Show versions, also the running daemon\'s'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s n -l count -d 'So many of each' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l name -d 'What the file is called in errors, and without its ending the worker' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l args -d 'The arguments of create(), as a JSON array' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l memory -d 'The heap, for example 4MiB' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l cpu -d 'Processor time, in percent of one core' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l deadline -d 'The longest that one call may run, for example 5s' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l max-frame -d 'The longest request or reply, for example 1MiB' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l lease -d 'How long it lives from one heartbeat or call to the next' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l claim -d 'How soon its ticket must be used' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l lifetime -d 'After this it dies, heartbeats or not' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l label -d 'A label to find it by; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l node -d 'Only this node' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l node-label -d 'A label that the node must have; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l methods -d 'Only these methods' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l expires -d 'How long the ticket may be used' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l holder -d 'A name for the holder, which the worker and the audit see' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l link -d 'It dies with the connection that first uses its ticket'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l wait -d 'While no node has room, try again until --timeout'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l dry-run -d 'Check the worker and make nothing'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand clone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s n -l count -d 'So many of each' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l name -d 'What the file is called in errors, and without its ending the worker' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l args -d 'The arguments of create(), as a JSON array' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l memory -d 'The heap, for example 4MiB' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l cpu -d 'Processor time, in percent of one core' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l deadline -d 'The longest that one call may run, for example 5s' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l max-frame -d 'The longest request or reply, for example 1MiB' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l lease -d 'How long it lives from one heartbeat or call to the next' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l claim -d 'How soon its ticket must be used' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l lifetime -d 'After this it dies, heartbeats or not' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l label -d 'A label to find it by; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l link -d 'It dies with the connection that first uses its ticket'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l dry-run -d 'Check everything and store nothing'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand summon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l node -d 'Only this node' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l node-label -d 'A label that the node must have; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l label -d 'A label that the node must have; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l wait -d 'While no node has room, try again until --timeout'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l explain -d 'Show how each node scores, and forge nothing'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l dry-run -d 'Place it and forge nothing'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand forge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l methods -d 'Only these methods' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l expires -d 'How long the ticket may be used' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l holder -d 'A name for the holder, which the worker and the audit see' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l lease -d 'How long the vault lives from one heartbeat or call to the next' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l link -d 'The vault dies with the connection that first uses this ticket'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l schema -d 'Print the JSON Schema of a ticket'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and not __fish_seen_subcommand_from narrow" -a "narrow" -d 'Write a ticket with fewer methods or an earlier end'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l methods -d 'Only these methods' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l expires -d 'From now, for example 5m' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand ticket; and __fish_seen_subcommand_from narrow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -f -a "call" -d 'Call one method'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and not __fish_seen_subcommand_from call pipe" -f -a "pipe" -d 'Call one method for each line of standard input'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l text -d 'Arguments are text, not JSON'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l text -d 'Lines are text, not JSON'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand proxy; and __fish_seen_subcommand_from pipe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s w -l watch -d 'Go on until a vault is lost'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand heartbeat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l grace -d 'How long the worker\'s dest() may run; it is killed at once without' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l older-than -d 'Forged so long ago' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l worker -d 'Of this worker' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l node -d 'On this node' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l label -d 'With this label; may be repeated' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l must-exist -d 'An unknown vault is an error'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l dry-run -d 'Tell what would die'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l all -d 'Every vault there is; asks first'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s y -l yes -d 'Do not ask'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l reap -d 'Every vault that fits these rules'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand destruct" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l node -d 'Only on this node' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l worker -d 'Only of this worker' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s a -l all -d 'The dead as well, as long as their tombstones are kept'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand list" -l node -d 'Only on this node' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l worker -d 'Only of this worker' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand list" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand list" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand list" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand list" -s a -l all -d 'The dead as well, as long as their tombstones are kept'
complete -c hauki -n "__fish_hauki_using_subcommand list" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand list" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand list" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand list" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand list" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand show" -l wait -d 'Wait until the vault is in this phase: forged, ticketed, live, dying or dead' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand show" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand show" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand show" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand show" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand show" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand show" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand show" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand show" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand events" -l after -d 'Only events after this number' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l vault -d 'Only this vault\'s' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand events" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand events" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand events" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand events" -s f -l follow -d 'Go on with what happens next'
complete -c hauki -n "__fish_hauki_using_subcommand events" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand events" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand events" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand events" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand events" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -f -a "push" -d 'Store a worker under a name'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -f -a "ls" -d 'List gems'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -f -a "show" -d 'Show one gem with its source'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -f -a "resolve" -d 'Find a gem\'s version and hash'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and not __fish_seen_subcommand_from push ls show resolve rm" -f -a "rm" -d 'Remove a pushed gem, or one version of it'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l version -d 'The next whole number otherwise' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l manifest -d 'Memory, deadline, lease and labels in YAML; otherwise the .yaml file beside the source' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand gem; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand meshfs_resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand node; and not __fish_seen_subcommand_from ls" -f -a "ls" -d 'List nodes'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand node; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand config; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Show every setting'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l origin -d 'Tell where each comes from'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand help" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand help" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand help" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand help" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand help" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand help" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand help" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand help" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand help" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hauki -n "__fish_hauki_using_subcommand version" -s o -l output -d 'How to write records: auto, table, wide, jsonl, json, yaml or id [HAUKI_OUTPUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l columns -d 'Columns of a table: titles, or fields as in vitals.calls' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l progress -d 'auto, bar, plain, json or none, on standard error [HAUKI_PROGRESS]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l color -d 'auto, always or never [HAUKI_COLOR, NO_COLOR]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l config -d 'Read this configuration file only [HAUKI_CONFIG]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand version" -l endpoint -d 'The control plane: unix:///path or https://host; default: the local one, started when needed [HAUKI_ENDPOINT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l token-file -d 'A file with the bearer token for https [HAUKI_TOKEN_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand version" -l ca-file -d 'A file with the certificate authority for https [HAUKI_CA_FILE]' -r -F
complete -c hauki -n "__fish_hauki_using_subcommand version" -l timeout -d 'For the whole command, for example 30s; default 60s, none for what streams or waits [HAUKI_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l connect-timeout -d 'To reach a control plane or a node; default 5s [HAUKI_CONNECT_TIMEOUT]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l retries -d 'How often a failed request is sent again; default 3 [HAUKI_RETRIES]' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l idempotency-key -d 'Names this request: sent again with the same key and content, it gives the same result' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -s j -l jobs -d 'Items at the same time; output keeps the order of the input' -r
complete -c hauki -n "__fish_hauki_using_subcommand version" -l no-header -d 'Tables without their first line'
complete -c hauki -n "__fish_hauki_using_subcommand version" -l reveal -d 'Show secrets in tables'
complete -c hauki -n "__fish_hauki_using_subcommand version" -s q -l quiet -d 'No progress and no remarks; twice: no records either'
complete -c hauki -n "__fish_hauki_using_subcommand version" -s v -l verbose -d 'Tell more on standard error'
complete -c hauki -n "__fish_hauki_using_subcommand version" -l no-input -d 'Never ask a question'
complete -c hauki -n "__fish_hauki_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
