"""YAML as Kubernetes reads it, by the events of libyaml."""
