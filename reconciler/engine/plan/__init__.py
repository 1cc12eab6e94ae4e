"""The plan: the dependency graph, steps with their SQL, the plan file, consent and signatures."""
