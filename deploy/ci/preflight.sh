#!/bin/sh
# Ask a running mtc-preflight whether a migration may start. Needs a POSIX shell and curl.
set -eu

usage() {
    cat >&2 <<'EOF'
usage: preflight.sh [-u URL] [-q QUERY]... [-o FORMAT=FILE]... [-t SECONDS] PART=FILE...

  -u URL          the service; default $MTC_PREFLIGHT_URL
  -q QUERY        a query parameter, such as fail_on=warning, unknown=ignore or new_only=true
  -o FORMAT=FILE  write the report in this format; "-" is the standard output; default text=-
  -t SECONDS      how long to wait for the answers; default 600
  PART=FILE       the evidence: source=, destination=, host=, plan=, storage=, controller=,
                  waivers=, baseline= and so on, as often as there are files

A token in $MTC_PREFLIGHT_TOKEN is sent as Authorization: Bearer.
The evidence is sent once; further outputs are made of the JSON report.
Exit status: 0 the gate is open, 1 it is closed, 3 wrong input, wrong usage or no answer.
EOF
    exit 3
}

die() {
    echo "preflight.sh: $*" >&2
    exit 3
}

newline='
'
url=${MTC_PREFLIGHT_URL:-}
query='gate=status'
outputs=
seconds=600
while getopts u:q:o:t:h option; do
    case $option in
        u) url=$OPTARG ;;
        q) query="$query&$OPTARG" ;;
        o)
            case $OPTARG in
                ?*=?*) outputs="$outputs$OPTARG$newline" ;;
                *) die "-o $OPTARG: wanted FORMAT=FILE" ;;
            esac
            ;;
        t) seconds=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage
[ -n "$url" ] || die "no service: set MTC_PREFLIGHT_URL or give -u URL"
url=${url%/}
[ -n "$outputs" ] || outputs="text=-$newline"

for part in "$@"; do
    shift
    name=${part%%=*}
    file=${part#*=}
    [ "$name" != "$part" ] || die "$part: wanted PART=FILE"
    [ -r "$file" ] || die "$file: no such file, or not readable"
    case $file in
        *[\"\\]*) die "$file: curl cannot send a file with such a name" ;;
    esac
    set -- "$@" -F "$name=@\"$file\""
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
report=$folder/report.json

# The token goes in by the standard input, so that no list of processes shows it.
ask() {
    answer=$1
    shift
    status=$(
        if [ -n "${MTC_PREFLIGHT_TOKEN:-}" ]; then
            printf 'header = "Authorization: Bearer %s"\n' "$MTC_PREFLIGHT_TOKEN"
        fi | curl -sS --config - --retry 3 --max-time "$seconds" -o "$answer" -w '%{http_code}' "$@"
    ) || die "no answer from $url"
    case $status in
        200) ;;
        424) closed=1 ;;
        *)
            cat "$answer" >&2
            echo >&2
            die "$url answered $status"
            ;;
    esac
}

# What a query asks of the report, and not of the evaluation.
shown='&gate=status'
IFS='&'
for item in $query; do
    case ${item%%=*} in
        fail_on | unknown | new_only | alerts | color | limit | group | project | issue_type | \
            jira_api | priorities | table | assignment_group | caller | for)
            shown="$shown&$item"
            ;;
    esac
done
unset IFS

closed=0
first=${outputs%%=*}
[ "$outputs" = "${outputs%%"$newline"*}$newline" ] || first=json
ask "$report" "$@" "$url/v1/evaluations?format=$first&$query"
IFS=$newline
for output in $outputs; do
    unset IFS
    format=${output%%=*}
    file=${output#*=}
    answer=$report
    if [ "$format" != "$first" ]; then
        ask "$folder/other" -H 'Content-Type: application/json' --data-binary "@$report" \
            "$url/v1/reports?format=$format$shown"
        answer=$folder/other
    fi
    if [ "$file" = - ]; then
        cat "$answer"
    else
        cat "$answer" >"$file" || die "$file: cannot be written"
    fi
done
exit "$closed"
