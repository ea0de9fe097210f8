# Five rules of the kind that the policies have, for benchmarks/against_opa.py.
package preflight

deny contains sprintf("%s: cluster-admin is missing", [cluster.role]) if {
	some cluster in input.clusters
	not cluster.facts.clusterAdmin
}

deny contains sprintf("%s: port %s is %s", [cluster.role, port, state]) if {
	some cluster in input.clusters
	some port, state in cluster.facts.ports
	state != "open"
}

deny contains sprintf("claim %s/%s is not bound", [item.metadata.namespace, item.metadata.name]) if {
	some item in input.source.items
	item.kind == "PersistentVolumeClaim"
	item.metadata.namespace in input.plan.namespaces
	item.status.phase != "Bound"
}

deny contains sprintf("pod %s/%s does not run", [item.metadata.namespace, item.metadata.name]) if {
	some item in input.source.items
	item.kind == "Pod"
	item.metadata.namespace in input.plan.namespaces
	not item.status.phase in {"Running", "Succeeded"}
}

deny contains sprintf("volume %s is on its node", [item.metadata.name]) if {
	some item in input.source.items
	item.kind == "PersistentVolume"
	item.spec.claimRef.namespace in input.plan.namespaces
	item.spec.hostPath
}
