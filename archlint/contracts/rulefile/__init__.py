"""From YAML to contracts; all mistakes at once. Nothing here needs torch."""
