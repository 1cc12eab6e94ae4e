"""Who approved a plan: policy, acknowledgements, code owners, signatures."""
