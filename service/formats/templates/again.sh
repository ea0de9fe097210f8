if [ -n "$part" ]; then
  echo "next: post it beside what you posted before: -F $role=@$dir.tar.gz"
  exit 0
fi
for other in $roles; do
  [ -e "mtc-preflight-$other.tar.gz" ] ||
    echo "next: log in to the $other cluster (oc login), then: sh $0 $other"
done
query="?format=text" option=
set --
if [ "$plan" != / ] && grep -q '^plan there$' "$connections" 2>/dev/null; then
  query="$query&plan=$plan" option=" --plan-name $plan"
elif [ "$plan" != / ]; then
  set -- -F plan=@plan.yaml # it is not on the cluster
  option=" --plan plan.yaml"
fi
for other in $roles; do
  set -- "$@" -F "$other=@mtc-preflight-$other.tar.gz"
  option="$option --$other mtc-preflight-$other.tar.gz"
done
if [ -n "$url" ]; then
  echo "then: curl $token$* '${url}v1/evaluations$query'"
else
  echo "then: mtc-preflight check$option"
fi
