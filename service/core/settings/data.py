"""The settings of the MigrationController resource, as mig-operator reads them.

The sources are mig-operator's role ``migrationcontroller`` (``defaults/main.yml`` of the
releases 1.5.6, 1.6.6, 1.7.13 and 1.8.8, its templates and tasks) and its ``docs/usage``; how a
value is read comes from those templates and from mig-controller's ``pkg/settings``.
``since`` is the first release known to read a setting ("" where the oldest of these already
does), ``until`` the first known not to read it any more.
"""

from __future__ import annotations

from service.core.settings.setting_model import Setting, SettingKind

DEFAULTS = "mig-operator roles/migrationcontroller/defaults/main.yml"
CONFIG = "mig-operator roles/migrationcontroller/templates/controller_config.yml.j2"
CLUSTER = "mig-operator roles/migrationcontroller/templates/mig-cluster-config.yml.j2"
CONTROLLER = "mig-operator roles/migrationcontroller/templates/controller.yml.j2"
VELERO = "mig-operator roles/migrationcontroller/templates/velero.yml.j2"
TASKS = "mig-operator roles/migrationcontroller/tasks/main.yml"
SETTINGS = "mig-controller pkg/settings"
QUICK_VIEW = "mig-operator docs/usage/MigrationControllerConfigQuickView.md"

_S = Setting
_K = SettingKind
_UNREAD = "nothing reads it"


COMPONENTS = (
    _S("migration_velero", _K.SWITCH, "Install Velero (OADP) on this cluster.", TASKS,
       required=True),
    _S("migration_controller", _K.SWITCH, "Run the migration controller here: on one cluster only.",
       TASKS, required=True),
    _S("migration_ui", _K.SWITCH, "Run the web console here.", TASKS, required=True),
    _S("migration_log_reader", _K.SWITCH, "Run the log reader.", TASKS, "true"),
    _S("cluster_name", _K.NAME, "Name of the MigCluster that represents this cluster.", QUICK_VIEW,
       required=True),
    _S("mig_namespace", _K.CHOICE, "Namespace of MTC; the controller knows one only.",
       DEFAULTS, "openshift-migration", choices=("openshift-migration",)),
    _S("version", _K.TEXT, "The operator's version; it writes this itself.",
       "mig-operator roles/migrationcontroller/templates/migration-controller.yml.j2"),
)  # fmt: skip

LIMITS = (
    _S("mig_pv_limit", _K.LIMIT, "Most persistent volumes of one plan.", SETTINGS, "100"),
    _S("mig_pod_limit", _K.LIMIT, "Most pods of one plan.", SETTINGS, "100"),
    _S("mig_namespace_limit", _K.LIMIT, "Most namespaces of one plan.", SETTINGS, "10"),
    _S("mig_controller_limits_cpu", _K.QUANTITY, "CPU limit of the controller.", CONTROLLER, "1"),
    _S("mig_controller_limits_memory", _K.QUANTITY, "Memory limit of the controller.", CONTROLLER,
       "10Gi"),
    _S("mig_controller_requests_cpu", _K.QUANTITY, "CPU request of the controller.", CONTROLLER,
       "100m"),
    _S("mig_controller_requests_memory", _K.QUANTITY, "Memory request of the controller.",
       CONTROLLER, "350Mi"),
    _S("mig_controller_enable_cache", _K.GO_BOOL, "Read the clusters through a cache.", CONTROLLER,
       "false", since="1.5.0"),
)  # fmt: skip

PROXY = (
    _S("stunnel_tcp_proxy", _K.PROXY, "Proxy of direct volume migration: "
       "http://[<user>:<password>@]<host>:<port>.", CONFIG, since="1.4.2"),
    _S("stunnel_verify_ca", _K.GO_BOOL, "Whether stunnel verifies the other end.", CONFIG, "true",
       since="1.4.2", unread="mig-controller no longer passes it to stunnel (since 277b38c52)"),
    _S("stunnel_verify_ca_level", _K.TEXT, "stunnel's level of verification.", CONFIG, "2",
       since="1.4.2", unread="mig-controller no longer passes it to stunnel (since 277b38c52)"),
    _S("http_proxy", _K.URL, "Proxy of controller and console for http.", CONTROLLER,
       "the cluster-wide proxy"),
    _S("https_proxy", _K.URL, "Proxy of controller and console for https.", CONTROLLER,
       "the cluster-wide proxy"),
    _S("no_proxy", _K.NO_PROXY, "Hosts that are reached without http_proxy and https_proxy.",
       CONTROLLER, "the cluster-wide proxy's"),
    _S("proxy_secret_name", _K.NAME, "Secret with the proxies for the migration registry.",
       "mig-operator roles/migrationcontroller/templates/proxy_secret.yml.j2", "migration-proxy"),
)  # fmt: skip

RSYNC = (
    _S("rsync_opt_bwlimit", _K.BANDWIDTH, "Rsync's --bwlimit in KB/s.", CONFIG),
    _S("rsync_opt_partial", _K.GO_BOOL, "Rsync's --partial.", SETTINGS, "true"),
    _S("rsync_opt_archive", _K.GO_BOOL, "Rsync's --archive.", SETTINGS, "true"),
    _S("rsync_opt_delete", _K.GO_BOOL, "Rsync's --delete.", SETTINGS, "true"),
    _S("rsync_opt_hardlinks", _K.GO_BOOL, "Rsync's --hard-links.", SETTINGS, "true"),
    _S("rsync_opt_info", _K.TEXT, "Rsync's --info; the progress report needs it.", SETTINGS,
       "COPY2,DEL2,REMOVE2,SKIP2,FLIST2,PROGRESS2,STATS2"),
    _S("rsync_opt_extras", _K.TEXT, "More options for Rsync, separated by blanks, as they are.",
       SETTINGS),
    _S("rsync_backoff_limit", _K.LIMIT, "Attempts of Rsync before the migration fails.", SETTINGS,
       "20", since="1.4.3"),
    _S("rsync_endpoint_type", _K.CHOICE, "How the destination's Rsync pods are reached; read on "
       "the destination. Anything else silently means Route.",
       "mig-controller pkg/controller/directvolumemigration/migrate.go", "Route", since="1.7.7",
       choices=("Route", "ClusterIP", "NodePort")),
    _S("migration_rsync_privileged", _K.GO_BOOL, "Run the Rsync pods as root.", CLUSTER, "false"),
    _S("migration_rsync_super_privileged", _K.GO_BOOL, "Run the Rsync pods as spc_t.", CLUSTER,
       "false", since="1.7.8"),
    _S("src_supplemental_groups", _K.GROUPS, "Supplemental groups of the source's Rsync pods.",
       SETTINGS, since="1.7.0"),
    _S("target_supplemental_groups", _K.GROUPS, "Supplemental groups of the target's Rsync pods.",
       SETTINGS, since="1.7.0"),
    *(_S(f"{pod}_rsync_pod_{what}_{bound}", _K.QUANTITY,
         f"{what.capitalize()} {bound} of the {pod} Rsync pods.", CONFIG, default)
      for pod in ("source", "target")
      for what, bound, default in (("cpu", "limits", "1"), ("memory", "limits", "1Gi"),
                                   ("cpu", "requests", "100m"), ("memory", "requests", "1Gi"))),
    *(_S(f"stunnel_pod_{what}_{bound}", _K.QUANTITY, f"{what.capitalize()} {bound} of stunnel.",
         CONFIG, default, unread=f"{_UNREAD} in mig-controller")
      for what, bound, default in (("cpu", "limits", "1"), ("memory", "limits", "1Gi"),
                                   ("cpu", "requests", "100m"), ("memory", "requests", "1Gi"))),
)  # fmt: skip

RESOURCES = (
    _S("excluded_resources", _K.EXCLUDED, "Kinds that are not migrated; replaces the default list.",
       TASKS, "imagetags, templateinstances, clusterserviceversions, packagemanifests, "
       "subscriptions, servicebrokers, servicebindings, serviceclasses, serviceinstances, "
       "serviceplans, operatorgroups, events, events.events.k8s.io, "
       "rolebindings.authorization.openshift.io"),
    _S("additional_excluded_resources", _K.NAMES, "Kinds that are not migrated either.", TASKS,
       since="1.7.0"),
    _S("disable_image_migration", _K.BOOL, "Leave images and image streams out.", TASKS, "false"),
    _S("disable_image_copy", _K.GO_BOOL, "Keep image streams, copy no images.", CONFIG, "false"),
    _S("disable_pv_migration", _K.BOOL, "Leave persistent volumes out.", TASKS, "false"),
)  # fmt: skip

VOLUMES = (
    _S("mig_pv_move_storageclasses", _K.NAMES, "Storage classes whose volumes may be moved.",
       CONTROLLER, "[]"),
    _S("enable_intelligent_pv_resize", _K.GO_BOOL, "Propose sizes for the new volumes.", CONFIG,
       "true"),
    _S("enable_dvm_pv_resizing", _K.GO_BOOL, "Resize volumes in direct volume migration.", CONFIG,
       "false", since="1.4.2"),
    _S("pv_resizing_threshold", _K.LIMIT, "Percent of a volume that must stay free.", SETTINGS,
       "3", since="1.4.4", most=99),
)  # fmt: skip

CLUSTERS = (
    _S("cluster_subdomain", _K.DOMAIN, "Domain of the routes, for long names of namespaces.",
       CLUSTER),
    _S("migration_registry_readiness_timeout", _K.LIMIT, "Seconds for the migration registry.",
       CLUSTER, "300"),
    _S("migration_registry_liveness_timeout", _K.LIMIT, "Seconds for the migration registry.",
       CLUSTER, "300"),
    _S("exposed_registry_validation_path", _K.TEXT, "Path that shows the exposed registry lives.",
       CLUSTER, "/v2/_catalog?n=5", since="1.7.2"),
    _S("azure_resource_group", _K.TEXT, "Resource group of an Azure cluster.", DEFAULTS),
    _S("host_cluster_restart_restic", _K.BOOL, "Sets restartRestic of the host's MigCluster.",
       "mig-operator roles/migrationcontroller/templates/mig_host_cluster.yml.j2"),
)  # fmt: skip

SERVICES = (
    _S("discovery_collect_events", _K.GO_BOOL, "Collect events for the console.", CONFIG, "true"),
    _S("discovery_volume_path", _K.TEXT, "Directory of the discovery service.", CONTROLLER,
       "/var/cache/discovery"),
    _S("jaeger_enabled", _K.GO_BOOL, "Send traces.", CONFIG, "false"),
    _S("internal_cluster_api_url", _K.TEXT, "API server as the console's pod reaches it.", DEFAULTS,
       "https://kubernetes.default.svc.cluster.local", since="1.6.0"),
    _S("internal_discovery_svc_url", _K.TEXT, "Discovery service as the console reaches it.",
       DEFAULTS, since="1.6.0"),
    *(_S(f"mig_ui_{name}", _K.TEXT, meaning, DEFAULTS, default)
      for name, meaning, default in (
          ("cluster_api_endpoint", "Public API URL; needed where the console runs on "
           "OpenShift 3.", ""),
          ("config_namespace", "Namespace of the console's ConfigMap.", "openshift-migration"),
          ("configmap_name", "Name of the console's ConfigMap.", "mig-ui-config"),
          ("configmap_data", "Content of the console's ConfigMap.", ""),
          ("oauth_user_scope", "Scope of the console's OAuth client.", "user:full"),
          ("oauth_redirect_url", "Where the OAuth server sends the browser back to.", ""),
          ("oauth_secret", "Secret of the console's OAuth client.", ""))),
)  # fmt: skip

VELERO_SETTINGS = (
    _S("restic_timeout", _K.DURATION, "How long Restic may take for one volume.", VELERO, "1h"),
    _S("restic_supplemental_groups", _K.GROUP_LIST, "Groups of the Restic pods (NFS root_squash).",
       VELERO, "[]"),
    _S("restic_pv_host_path", _K.TEXT, "Where a node holds the pods' volumes.", DEFAULTS,
       "/var/lib/kubelet/pods"),
    *(_S(f"{part}_{bound}_{what}", _K.QUANTITY, f"{what.capitalize()} {bound} of {part}.", VELERO,
         "100m" if (bound, what) == ("requests", "cpu") else "", since="1.7.2")
      for part in ("restic", "velero")
      for bound in ("requests", "limits") for what in ("cpu", "memory")),
    _S("velero_use_legacy_aws", _K.BOOL, "Use OADP's plugin legacy-aws.", VELERO, "false",
       since="1.8.7"),
    _S("velero_log_level", _K.TEXT, "Velero's log level.", VELERO, since="1.8.0"),
    *(_S(f"velero_{cloud}_secret_name", _K.TEXT, f"Secret with the {cloud} credentials.", DEFAULTS,
         default)
      for cloud, default in (("aws", "cloud-credentials"), ("gcp", "cloud-credentials-gcp"),
                             ("azure", "cloud-credentials-azure"))),
    _S("daemonset_node_selector", _K.MAP, "Nodes on which Restic runs.", VELERO),
    *(_S(f"oadp_{part}_fqin", _K.IMAGE, f"Image of OADP's {part.replace('_', ' ')}.", VELERO,
         since="1.7.8")
      for part in ("velero_image", "openshift_plugin", "restic_restore_helper", "aws_plugin",
                   "gcp_plugin", "azure_plugin")),
)  # fmt: skip

IMAGES = (
    _S("image_pull_policy", _K.CHOICE, "When images are pulled.", DEFAULTS, "Always",
       choices=("Always", "IfNotPresent", "Never")),
    _S("registry", _K.TEXT, "Registry of all images.", DEFAULTS),
    _S("project", _K.TEXT, "Project of all images.", DEFAULTS),
    _S("snapshot_tag", _K.TEXT, "Tag of all images.", DEFAULTS),
    *(_S(f"{base}_{part}", _K.IMAGE if part == "image_fqin" else _K.TEXT,
         f"{meaning}: {which}.", DEFAULTS, since=since)
      for base, meaning, since in (
          ("mig_controller", "Controller", ""), ("mig_ui", "Console", ""),
          ("mig_log_reader", "Log reader", ""), ("migration_registry", "Migration registry", ""),
          ("migration_stage", "Stage pods", ""), ("rsync_transfer", "Rsync pods", ""),
          ("hook_runner", "Hooks", ""))
      for part, which in (("image_fqin", "whole image name"), ("image", "image without tag"),
                         ("repo", "repository"), ("version", "tag"))),
    *(_S(f"mtc_velero_plugin_{part}", _K.IMAGE if part == "fqin" else _K.TEXT,
         f"MTC's Velero plugin: {which}.", DEFAULTS, since="1.8.0")
      for part, which in (("fqin", "whole image name"), ("image", "image without tag"),
                         ("repo", "repository"), ("version", "tag"))),
)  # fmt: skip

INTERNAL = tuple(
    _S(name, _K.ANY, "The role's own variable; a value here overrides its logic.", DEFAULTS,
       internal=True)
    for name in ("controller_state", "ui_state", "velero_state", "log_reader_state",
                 "configmap_secret", "mig_operator_version", "all_excluded_resources")
)  # fmt: skip

FORMER = (
    *(_S(name, _K.ANY, "Of an earlier release.", DEFAULTS, until="1.8.0")
      for name in ("velero_debug", "velero_qps", "velero_burst", "velero_image_fqin",
                   "velero_plugin_fqin", "velero_restic_restore_helper_fqin",
                   "velero_aws_plugin_fqin", "velero_gcp_plugin_fqin", "velero_azure_plugin_fqin")),
    *(_S(name, _K.ANY, "Of an earlier release.", DEFAULTS, until="1.8.0")
      for base in ("velero", "velero_plugin", "velero_restic_restore_helper", "velero_aws_plugin",
                   "velero_gcp_plugin", "velero_azure_plugin")
      for name in (f"{base}_image", f"{base}_repo", f"{base}_version")),
    *(_S(name, _K.ANY, "Of an earlier release.", DEFAULTS, until="1.7.0")
      for name in ("olm_managed", "deprecated_cors_configuration", "cors_origins", "noobaa",
                   "noobaa_expected_crds", "noobaa_admin_secret", "noobaa_system_namespace",
                   "noobaa_mig_bucket_name", "noobaa_system_core_cpu", "noobaa_system_core_mem",
                   "noobaa_system_db_cpu", "noobaa_system_db_mem", "noobaa_system_endpoints_cpu",
                   "noobaa_system_endpoints_mem", "noobaa_system_endpoints_pod_count")),
    _S("mig_failure_rollback", _K.ANY, "Of an earlier release.", DEFAULTS, until="1.5.0"),
    _S("origin_three_dev", _K.BOOL, "For development on OpenShift 3 only.", TASKS, until="1.7.0"),
)  # fmt: skip

GROUPS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("Components", COMPONENTS),
    ("Limits of plans and controller", LIMITS),
    ("Proxies", PROXY),
    ("Direct volume migration", RSYNC),
    ("What is migrated", RESOURCES),
    ("Persistent volumes", VOLUMES),
    ("Cluster", CLUSTERS),
    ("Console and discovery", SERVICES),
    ("Velero and Restic", VELERO_SETTINGS),
    ("Images", IMAGES),
    ("The role's own variables", INTERNAL),
    ("Of earlier releases", FORMER),
)
