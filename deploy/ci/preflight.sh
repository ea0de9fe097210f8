#!/bin/sh
# Ask a running mtc-preflight whether a migration may start. Needs a POSIX shell and curl.
set -eu

usage() {
    cat >&2 <<'EOF'
usage: preflight.sh [-u URL] [-q QUERY]... [-o FORMAT=FILE]... PART=FILE...

  -u URL          the service; default $MTC_PREFLIGHT_URL
  -q QUERY        a query parameter, such as fail_on=warning, unknown=ignore or new_only=true
  -o FORMAT=FILE  write the report in this format; "-" is the standard output; default text=-
  PART=FILE       the evidence: source=, destination=, host=, plan=, storage=, controller=,
                  waivers=, baseline= and so on, as often as there are files

A token in $MTC_PREFLIGHT_TOKEN is sent as Authorization: Bearer.
Each output is a request of its own; the same evidence is sent again.
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
while getopts u:q:o:h option; do
    case $option in
        u) url=$OPTARG ;;
        q) query="$query&$OPTARG" ;;
        o)
            case $OPTARG in
                ?*=?*) outputs="$outputs$OPTARG$newline" ;;
                *) die "-o $OPTARG: wanted FORMAT=FILE" ;;
            esac
            ;;
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

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The token goes in by the standard input, so that no list of processes shows it.
ask() {
    if [ -n "${MTC_PREFLIGHT_TOKEN:-}" ]; then
        printf 'header = "Authorization: Bearer %s"\n' "$MTC_PREFLIGHT_TOKEN"
    fi | curl -sS --config - --retry 3 --max-time "${MTC_PREFLIGHT_TIMEOUT:-600}" \
        -o "$answer" -w '%{http_code}' "$@"
}

closed=0
IFS=$newline
for output in $outputs; do
    IFS=' '
    format=${output%%=*}
    file=${output#*=}
    status=$(ask "$@" "$url/v1/evaluations?format=$format&$query") || die "no answer from $url"
    case $status in
        200) ;;
        424) closed=1 ;;
        *)
            cat "$answer" >&2
            echo >&2
            die "$url answered $status"
            ;;
    esac
    if [ "$file" = - ]; then
        cat "$answer"
    else
        cat "$answer" >"$file" || die "$file: cannot be written"
    fi
done
exit "$closed"
