#!/bin/sh
# A small Asterisk as far as `asterisk -rx` reaches its database (main/db.c), its extensions and its uptime: a stand-in
# for a profile's tests. `asterisk.sh FOLDER -rx COMMAND`: each key of family grifo is a file in FOLDER/rows, FOLDER/allowed
# is the pattern of context grifo-allowed, FOLDER/started a file of its start; with FOLDER/away it is not running.
set -u
rows=$1/rows
line=$3

if [ -e "$1/away" ]; then
    echo "Unable to connect to remote asterisk (does /var/run/asterisk/asterisk.ctl exist?)"
    exit 1
fi

case $line in
"database show grifo")
    count=0
    for file in "$rows"/*; do
        [ -e "$file" ] || continue
        printf '%-50s: %-25s\n' "/grifo/${file##*/}" "$(cat "$file")"
        count=$((count + 1))
    done
    echo "$count results found."
    ;;
"database get grifo "*)
    name=${line#database get grifo }
    if [ -e "$rows/$name" ]; then echo "Value: $(cat "$rows/$name")"; else echo "Database entry not found."; fi
    ;;
"database put grifo "*)
    given=${line#database put grifo }
    value=${given#* \"}
    printf '%s' "${value%\"}" >"$rows/${given%% *}"
    echo "Updated database successfully"
    ;;
"database del grifo "*)
    name=${line#database del grifo }
    if [ -e "$rows/$name" ]; then
        rm "$rows/$name"
        echo "Database entry removed."
    else
        echo "Database entry does not exist."
    fi
    ;;
"core show uptime seconds")
    echo "System uptime: $(($(date +%s) - $(stat -c %Y "$1/started")))"
    ;;
"dialplan show "*"@grifo-allowed")
    number=${line#dialplan show }
    number=${number%@*}
    if echo "$number" | grep -Eq "$(cat "$1/allowed")"; then
        echo "[ Context 'grifo-allowed' created by 'pbx_config' ]"
        echo "  '$number' =>      1. NoOp()                                     [extensions.conf:9]"
        echo
        echo "-= 1 extension (1 priority) in 1 context. =-"
    else
        echo "There is no existence of $number@grifo-allowed extension"
    fi
    ;;
*)
    echo "No such command '$line' (type 'core show help $line' for other possible commands)"
    ;;
esac
