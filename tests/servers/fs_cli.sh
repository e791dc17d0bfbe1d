#!/bin/sh
# A small FreeSWITCH as far as fs_cli reaches its mod_db and a regular expression: a stand-in for a profile's tests.
# `fs_cli.sh FOLDER -x COMMAND`: rows are in the SQLite file FOLDER/call_limit.db, as mod_db keeps them; FOLDER/allowed is
# the variable grifo_allowed; with FOLDER/away it is not running.
set -u
line=$3

database() {
    sqlite3 -cmd '.timeout 5000' "$folder/call_limit.db" "$1"
}

if [ -e "$1/away" ]; then
    echo "[ERROR] fs_cli.c:1699 main() Error Connecting [Socket Connection Error]"
    exit 255
fi

folder=$1
given=${line#db */grifo/}
name=${given%%/*}
case $line in
"db insert/grifo/"*)
    value=${given#*/}
    database "delete from db_data where realm = 'grifo' and data_key = '$name';
        insert into db_data values ('here', 'grifo', '$name', '$value');"
    echo "+OK"
    ;;
"db delete/grifo/"*)
    database "delete from db_data where realm = 'grifo' and data_key = '$name';"
    echo "+OK"
    ;;
"db select/grifo/"*)
    echo "$(database "select data from db_data where realm = 'grifo' and data_key = '$name';")"
    ;;
"expand regex "*'|${grifo_allowed}')
    number=${line#expand regex }
    if echo "${number%%|*}" | grep -Eq "$(cat "$1/allowed")"; then echo true; else echo false; fi
    ;;
*)
    echo "-ERR ${line%% *} Command not found!"
    ;;
esac
