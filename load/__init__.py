"""What a schema change does to a running application: clients on a large table while it is carried out."""
