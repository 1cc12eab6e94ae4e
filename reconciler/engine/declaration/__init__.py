"""What the YAML files declare: documents of every kind, loaded into objects with their positions."""
