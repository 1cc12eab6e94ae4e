"""Reading a server into a catalog: introspection, fingerprints, scope, and what no kind models."""
