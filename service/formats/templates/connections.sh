# Runs in a pod: tries HOST PORT CHECK; prints RESULT, the exit status, two HTTP statuses, words.
# shellcheck disable=SC2016
inside='
host=$1 port=$2 check=$3 path=/ shown=$1 codes="000 000"
case $host in *:*) shown="[$host]" ;; esac
if [ "$check" = registry ]; then path="/v2/_catalog?n=5"; fi
if [ "$check" != dns ] && ! command -v curl >/dev/null && [ -z "${HTTPS_PROXY:-}${https_proxy:-}" ]
then check=tcp; fi
case $check in
  dns) said=$(timeout 10 getent hosts "$host" 2>&1); code=$? ;;
  tcp) said=$(timeout 10 bash -c "</dev/tcp/$host/$port" 2>&1); code=$? ;;
  *)
    said=$(curl -sS -k -m 10 -o /dev/null -w "\n%{http_code} %{http_connect}" \
      "https://$shown:$port$path" 2>&1)
    code=$?
    codes=$(printf "%s\n" "$said" | tail -n 1)
    said=$(printf "%s\n" "$said" | sed "\$d") ;;
esac
echo RESULT "$code" "$codes" "$(printf %s "$said" | tr "\n" " ")"
'
name=mtc-preflight-probe-$$
created=

remove_pod() {
  [ -n "$created" ] || return 0
  "$oc" delete pod "$name" -n "$created" --ignore-not-found --wait=false >/dev/null 2>&1 ||
    echo "remove it by hand: oc delete pod $name -n $created" >&2
  created=
}
finish() {
  remove_pod
  rm -rf "$dir"
}

# row TARGET CLUSTER HOST PORT POD OPEN DETAIL [HTTP-STATUS [PROXY]]: a result as evidence.
row() {
  [ -e "$dir/probes.yaml" ] || echo 'probes:' >"$dir/probes.yaml"
  detail=$(printf %s "$7" | tr -c 'A-Za-z0-9 .,:;()/_=-' ' ' | tr -s ' ' | cut -c 1-160)
  {
    printf -- '- {from: %s, vantage: cluster, target: %s, ' "$role" "$1"
    [ "$2" = - ] || printf 'cluster: %s, ' "$2"
    printf 'host: "%s", port: %s, pod: %s, open: %s, ' "$3" "$4" "$5" "$6"
    [ -z "${8:-}" ] || printf 'httpStatus: %s, ' "$8"
    [ -z "${9:-}" ] || printf 'proxy: %s, ' "$9"
    printf 'detail: "%s"}\n' "$detail"
  } >>"$dir/probes.yaml"
  echo "  open: $6 ($detail)" >&2
}

# known 'TARGET CLUSTER ': HOST PORT CHECK as a cluster named it; nothing where none did.
known() {
  if [ -e "$connections" ]; then sed -n "s/^$1//p" "$connections" | tail -n 1; fi
}

# wants 'TARGET CLUSTER '…: what this cluster has to reach and only the one with MTC can name.
wants() {
  if [ -z "$probes" ] || [ "$role" = "$host_role" ]; then return; fi
  if [ -e "$connections" ] && grep -q "^ran $host_role$" "$connections"; then return; fi
  echo "only the $host_role cluster can name what this one has to reach: run there first, and" >&2
  echo "have its file $connections here:  sh $0 $host_role" >&2
  echo "Or leave connections out:  sh $0 $role --no-probes" >&2
  exit 1
}

# resolve TARGET CLUSTER HOST PORT CHECK: set place, port and check.
resolve() {
  place=$3 port=$4 check=$5
  if [ "$place" != - ]; then return 0; fi
  found=
  if [ "$check" = dns ] && [ -e "$connections" ]; then
    found=$(awk -v role="$role" '
      ($1 == "api" || $1 == "repository") && $2 != role && $3 ~ /[a-z]/ && $3 !~ /:/ {
        print $3, 53, "dns"
        exit
      }' "$connections")
  else
    found=$(known "$1 $2 ")
  fi
  # The exposed registry is behind the routers, too.
  if [ -z "$found" ] && [ "$1" = routes ]; then found=$(known "registry $2 "); fi
  if [ -z "$found" ]; then
    echo "nothing says where that is" >"$dir/error"
    lost "the connection to $1 $2"
    return 1
  fi
  read -r place port found <<EOF
$found
EOF
  if [ "$found" = tcp ]; then check=tcp; fi
}

# find_velero: set pod to a running pod of Velero; where there is none, nothing is tried.
find_velero() {
  pod=$("$oc" get pods -n openshift-migration --field-selector=status.phase=Running -o name \
    2>"$dir/error" | sed -n 's|^pods*/\(velero-[a-z0-9-]*\)$|\1|p' | head -n 1)
  if [ -n "$pod" ]; then return 0; fi
  [ -s "$dir/error" ] || echo "no pod of Velero runs in openshift-migration" >"$dir/error"
  lost "$what"
  return 1
}

# try TARGET CLUSTER HOST PORT CHECK: in a running pod of Velero, as Velero would connect.
try() {
  resolve "$@" || return 0
  what="whether pods of this cluster reach $place:$port ($1)"
  echo "trying $place:$port ($1)" >&2
  find_velero || return 0
  "$oc" exec -n openshift-migration "$pod" -c velero -- \
    bash -c "$inside" probe "$place" "$port" "$check" >"$dir/part" 2>"$dir/error" </dev/null
  read -r code status connect said <<EOF
$(sed -n 's/^RESULT //p' "$dir/part" | head -n 1)
EOF
  case $code in
    '' | 126 | 127)
      [ -n "$code" ] && echo "the pod lacks a program: $said" >"$dir/error"
      lost "$what"
      return ;;
    0) open=true said="${said:-connected}" ;;
    124) open=false said="no answer within 10 s: timed out" ;;
    35 | 60) open=false said="TCP is open, TLS fails: $said" ;;
    *) open=false ;;
  esac
  if [ "$check" = registry ] && [ "$code" = 0 ] && [ "$status" != 000 ]; then
    said="GET /v2/_catalog answered $status"
    case $status in 200 | 401) ;; *) open=false ;; esac
  fi
  proxy=
  case "$connect $said" in 000*[Pp]roxy* | [1-9]*) proxy=true ;; esac
  if [ "$open" = false ] && [ "$connect" != 000 ]; then status=$connect; fi
  if [ "$status" = 000 ]; then status=; fi
  row "$1" "$2" "$place" "$port" velero "$open" "in pod $pod: $said" "$status" "$proxy"
}

# pod_for SECCOMP: the pod that tries, as a namespace with restricted pod security allows it.
pod_for() {
  cat <<EOF
{"apiVersion": "v1", "kind": "Pod",
 "metadata": {"name": "$name", "labels": @LABELS@},
 "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 120,
  "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false,
  "securityContext": {"runAsNonRoot": true$1},
  "containers": [{"name": "probe", "image": "$image", "imagePullPolicy": "IfNotPresent",
   "command": ["bash", "-c", "for n in 1 2 3; do timeout 10 bash -c \"</dev/tcp/$place/$port\"; case \$? in 0) exit 0;; 12[567]) exit 2;; esac; sleep 3; done; exit 1"],
   "resources": {"requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "100m", "memory": "64Mi"}},
   "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}}
EOF
}

# try_as_rsync NAMESPACE TARGET CLUSTER HOST PORT CHECK: in a pod that network rules take for rsync.
try_as_rsync() {
  space=$1
  shift
  proxy=$(known 'endpoint - ')
  if [ "$1" = routes ] && [ -n "$proxy" ]; then
    # shellcheck disable=SC2086 # a host, a port and how to try it
    set -- endpoint - $proxy
  fi
  resolve "$@" || return 0
  what="whether rsync pods of namespace $space reach $place:$port"
  find_velero || return 0
  image=$("$oc" get pod "$pod" -n openshift-migration -o 'jsonpath={.spec.containers[0].image}' \
    2>"$dir/error")
  if "$oc" get services -n "$space" -o name 2>/dev/null | grep -q directvolumemigration; then
    echo "a migration of this namespace runs" >"$dir/error"
    lost "$what"
    return
  fi
  echo "trying $place:$port ($1) in namespace $space: creates pod $name with the labels of" >&2
  echo "  rsync and image $image, and removes it" >&2
  created=$space
  if ! pod_for ', "seccompProfile": {"type": "RuntimeDefault"}' |
    "$oc" create -n "$space" -f - >/dev/null 2>"$dir/error" &&
    # Up to OpenShift 4.10 the restricted constraints do not allow the field.
    ! pod_for '' | "$oc" create -n "$space" -f - >/dev/null 2>"$dir/error"; then
    created=
    lost "$what"
    return
  fi
  waited=0 state=
  while [ "$waited" -lt 65 ]; do
    state=$("$oc" get pod "$name" -n "$space" -o \
      'jsonpath={.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}' \
      2>"$dir/error")
    case $state in Succeeded* | Failed*) break ;; esac
    waited=$((waited + 1))
    sleep 2
  done
  said=$("$oc" logs "$name" -n "$space" 2>/dev/null | tail -n 1)
  remove_pod
  case $state in
    'Succeeded 0') row "$1" "$2" "$place" "$port" rsync true "in namespace $space: connected" ;;
    'Failed 1')
      row "$1" "$2" "$place" "$port" rsync false "in namespace $space: ${said:-timed out}" ;;
    *)
      echo "the pod came to no result: $state" >"$dir/error"
      lost "$what" ;;
  esac
}

# ask ARGUMENT…: a value of the cluster; nothing where it has none.
ask() { "$oc" "$@" 2>/dev/null </dev/null; }

# note TARGET CLUSTER HOST PORT CHECK: where something listens, for this script and the next one.
note() {
  case $3 in '' | *[!A-Za-z0-9._:-]*) return ;; esac
  case $4 in '' | *[!0-9]*) return ;; esac
  echo "$1 $2 $3 $4 $5" >>"$connections"
}

# note_url TARGET CLUSTER URL CHECK: the same for an address with or without scheme and path.
note_url() {
  rest=${3#*://} port=443 check=$4
  rest=${rest%%/*}
  rest=${rest##*@}
  case $3 in http://*) port=80 check=tcp ;; esac
  case $rest in
    \[*\]:*) port=${rest##*:} rest=${rest%:*} ;;
    \[*\] | *:*:*) ;;
    *:*) port=${rest##*:} rest=${rest%:*} ;;
  esac
  rest=${rest#\[}
  note "$1" "$2" "${rest%\]}" "$port" "$check"
}

# learn: what this cluster says of where things listen.
learn() {
  echo "looking up where things listen" >&2
  domain=$(ask get configmap migration-cluster-config -n openshift-migration \
    -o 'jsonpath={.data.CLUSTER_SUBDOMAIN}')
  [ -n "$domain" ] ||
    domain=$(ask get ingresses.config.openshift.io cluster -o 'jsonpath={.spec.domain}')
  note routes "$role" "${domain:+console-openshift-console.$domain}" 443 tls
  note_url api "$role" "$(ask get infrastructures.config.openshift.io cluster \
    -o 'jsonpath={.status.apiServerURL}')" tls
  if [ "$role" = "$host_role" ]; then learn_of_mtc; fi
  echo "ran $role" >>"$connections"
}

# The fields begin with "=", so that an empty one stays a field.
learn_of_mtc() {
  source='=' destination='=' storage='='
  found=$(ask get migplans.migration.openshift.io "${plan#*/}" -n "${plan%/*}" -o \
    'jsonpath=={.spec.srcMigClusterRef.name} ={.spec.destMigClusterRef.name} ={.spec.migStorageRef.name}')
  if [ -n "$found" ]; then
    echo 'plan there' >>"$connections"
    read -r source destination storage <<EOF
$found
EOF
  fi
  remote=source
  if [ "$host_role" = source ]; then remote=destination; fi
  ask get migclusters.migration.openshift.io -n openshift-migration -o \
    'jsonpath={range .items[*]}={.metadata.name} ={.spec.isHostCluster} ={.spec.url} ={.spec.exposedRegistryPath}{"\n"}{end}' |
    while read -r name is_host url registry; do
      case $name in
        '=') continue ;;
        "$source") side=source ;;
        "$destination") side=destination ;;
        *) if [ "$source" = '=' ] && [ "$is_host" != '=true' ]; then side=$remote; else continue; fi ;;
      esac
      if [ "$side" = "$host_role" ]; then continue; fi
      note_url api "$side" "${url#=}" tls
      note_url registry "$side" "${registry#=}" registry
    done
  ask get migstorages.migration.openshift.io -n openshift-migration -o \
    'jsonpath={range .items[*]}={.metadata.name} ={.spec.backupStorageProvider} ={.spec.backupStorageConfig.awsS3Url} ={.spec.backupStorageConfig.awsRegion} ={.spec.backupStorageConfig.azureStorageAccount}{"\n"}{end}' |
    while read -r name provider url region account; do
      case $storage in '=' | "$name") ;; *) continue ;; esac
      region=${region#=}
      region=${region:-us-east-1}
      case $provider$url in
        =aws=?*) note_url repository - "${url#=}" tls ;;
        =aws=)
          case $region in cn-*) suffix=amazonaws.com.cn ;; *) suffix=amazonaws.com ;; esac
          note repository - "s3.$region.$suffix" 443 tls ;;
        =azure*) note repository - "${account#=}.blob.core.windows.net" 443 tls ;;
        =gcp*) note repository - storage.googleapis.com 443 tls ;;
      esac
    done
  proxy=$(ask get migrationcontrollers.migration.openshift.io -n openshift-migration \
    -o 'jsonpath={.items[0].spec.stunnel_tcp_proxy}')
  if [ -n "$proxy" ]; then note_url endpoint - "$proxy" tcp; fi
}

# save_tokens: of the tokens of MigClusters the middle, which says when they end and whose they are.
save_tokens() {
  ask get migclusters.migration.openshift.io -n openshift-migration -o \
    'jsonpath={range .items[*]}={.spec.serviceAccountSecretRef.namespace} ={.spec.serviceAccountSecretRef.name}{"\n"}{end}' |
    while read -r space secret; do
      space=${space#=} secret=${secret#=}
      case $space$secret in '' | *[!a-z0-9.-]*) continue ;; esac
      about="apiVersion: v1, kind: Secret, metadata: {name: $secret, namespace: $space"
      # shellcheck disable=SC2016
      ask get secret "$secret" -n "$space" -o \
        'go-template={{.metadata.resourceVersion}} {{index .data "saToken" | base64decode}}' |
        sed -nE "s/^([0-9]+) [^.]*(\.[^.]*\.).*/--- {$about, resourceVersion: \"\1\"}, stringData: {saToken: \"\2\"}}/p;t
          s/^([0-9]+) .*/--- {$about, resourceVersion: \"\1\"}, stringData: {saToken: \"-\"}}/p" \
          >>"$dir/tokens.yaml"
    done
}
